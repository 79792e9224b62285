"""The page's address: what may be in it is in it, and what it asks for is opened once."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from app import map_caches, map_data, phenotypes, session
from app.components.latent_map import inside_shape
from app.explorer import shown
from app.groups import Group
from app.link_codec import (
    LinkedDrawing,
    LinkedShape,
    read_drawing,
    read_filters,
    write_drawing,
    write_filters,
)
from app.session import short
from app.shapes import DRAWN, combined
from cmae.errors import InputError

MAX_CHARACTERS = 4_000
"""Characters of filters and shapes in an address: longer ones are cut by mail and chat."""

_GEOMETRY_DIGITS = 8


def open_link() -> None:
    """Look at what the address asks for: run and cohort, row, filters, shapes; once a session."""
    if st.session_state.get("is_link_opened"):
        return
    st.session_state["is_link_opened"] = True
    wanted = {name: st.query_params.get(name) for name in ("cohort", "run", "filters", "drawn")}
    _choose_explorer(wanted["cohort"], wanted["run"])
    here = session.explorer()
    session.row()
    if wanted["cohort"] not in (None, short(here.cohort.fingerprint)):
        return
    try:
        if wanted["filters"]:
            session.set_filters(read_filters(wanted["filters"], here.cohort.columns))
        if wanted["drawn"]:
            if wanted["run"] not in (None, short(here.latents.run_fingerprint)):
                raise InputError(
                    "The shape of this link was drawn on the map of another run: it is left out."
                )
            session.select(_group_of(read_drawing(wanted["drawn"])))
    except InputError as error:
        st.session_state.setdefault("link_problem", str(error))


def _choose_explorer(cohort: str | None, run: str | None) -> None:
    """Choose the cohort and run that a link was made for, where this server shows them."""
    for each in shown():
        fits_run = run in (None, short(each.latents.run_fingerprint))
        if cohort == short(each.cohort.fingerprint) and fits_run:
            st.session_state["explorer"] = each.key
            return


def write_link() -> None:
    """Put run, cohort, row, filters and shapes into the address; never identifiers or lists."""
    session.write_link()
    here = session.explorer()
    filters, num_left_out = write_filters(session.filters())
    chosen = session.chosen()
    drawing = None if chosen is None else _drawing_of(chosen.how)
    drawn = "" if drawing is None else write_drawing(drawing)
    problem = ""
    if chosen is not None and drawing is None:
        problem = (
            "The address holds neither lists, kept groups, nor shapes on phenotype axes: save the "
            "state to a file."
        )
    if num_left_out:
        problem = "The address leaves out a filter with many or long words: save the state."
    if len(drawn) + len(filters) > MAX_CHARACTERS:
        drawn = ""
        problem = "The shape is too long for the address and left out: save the state to a file."
    if len(filters) > MAX_CHARACTERS:
        filters = ""
        problem = "The filters are too long for the address and left out: save the state."
    st.session_state["link_leaves_out"] = problem
    wanted = {"run": short(here.latents.run_fingerprint), "filters": filters, "drawn": drawn}
    for name, value in wanted.items():
        if not value and name in st.query_params:
            del st.query_params[name]
        elif value and st.query_params.get(name) != value:
            st.query_params[name] = value


def leaves_out() -> str:
    """Return one sentence where the address does not hold the whole selection, else nothing."""
    return str(st.session_state.get("link_leaves_out") or "")


def _drawing_of(how: Mapping[str, object]) -> LinkedDrawing | None:
    """Return the shapes by which a group was made, or None where it was made otherwise."""
    space, name, shapes = how.get("space"), how.get("map"), how.get("shapes")
    if "from" in how or not _is_map(space, name) or not isinstance(shapes, list) or not shapes:
        return None
    if any(isinstance(shape, dict) and "levels" in shape for shape in shapes):
        return None  # a link has no place for the range that the color bar left
    points = map_caches.map_points(str(space), str(name))
    try:
        linked = tuple(
            LinkedShape(
                mode=shape["mode"],
                corners=tuple(
                    (int(x), int(y)) for x, y in points.on_grid(np.asarray(shape["polygon"], float))
                ),
                column=str(shape.get("column") or ""),
                hidden=tuple(shape.get("hidden") or ()),
                hidden_classes=tuple(shape.get("hidden_classes") or ()),
            )
            for shape in shapes
        )
    except (KeyError, TypeError, ValueError):
        return None
    if any(shape.get("geometry") != points.geometry for shape in shapes):
        return None
    return LinkedDrawing(str(space), str(name), points.geometry[:_GEOMETRY_DIGITS], linked)


def _is_map(space: object, name: object) -> bool:
    """Tell whether the latents that are open have a map."""
    latents = session.explorer().latents
    return (
        isinstance(space, str)
        and isinstance(name, str)
        and name in latents.maps
        and all(kind in latents.kinds for kind in map_data.SPACES.get(space, ("none",)))
    )


def _group_of(drawing: LinkedDrawing) -> Group | None:
    """Return the rows inside the shapes of a link.

    Raises:
        InputError: They were drawn on a map that is not there.
    """
    is_there = _is_map(drawing.space, drawing.map_name)
    points = map_caches.map_points(drawing.space, drawing.map_name) if is_there else None
    if points is None or points.geometry[:_GEOMETRY_DIGITS] != drawing.geometry:
        raise InputError(
            "The shape of this link was drawn on a map that was made anew since: it is left out."
        )
    cohort = session.explorer().cohort
    rows = np.empty(0, np.int64)
    shapes: list[dict[str, Any]] = []
    for linked in drawing.shapes:
        shape: dict[str, Any] = {
            "mode": linked.mode,
            "polygon": points.off_grid(linked.levels()).tolist(),
            "geometry": points.geometry,
            "meaning": points.meaning,
            "column": linked.column,
            "hidden": list(linked.hidden),
            "hidden_classes": list(linked.hidden_classes),
        }
        shapes.append(shape)
        colour = _colour_of(linked)
        color = map_data.colour(cohort, points, colour)
        inside = inside_shape(shape, points=points, color=color)
        rows = combined(rows, linked.mode, map_data.rows_of_points(points, np.flatnonzero(inside)))
    how = {"space": drawing.space, "map": drawing.map_name, "shapes": shapes}
    return Group(DRAWN, rows, how) if len(rows) else None


def _colour_of(linked: LinkedShape) -> str:
    """Return the column whose entries the legend hid when a shape was drawn."""
    names = map_data.colour_names(session.explorer().cohort)[1:] if linked.hidden else []
    mine = (name for name in names if phenotypes.title(name) == linked.column)
    return next(mine, map_data.MODALITY)
