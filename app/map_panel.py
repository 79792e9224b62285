"""The map with the choices above it; what is picked and drawn on it goes into the session."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import caches, charts, frame, map_data, phenotypes, session
from app.components.latent_map import (
    Categories,
    MapPoints,
    Numbers,
    inside_shape,
    latent_map,
    read_map,
)
from app.groups import Group
from app.shapes import DRAWN, simplified

MAP_TITLES = {"umap": "UMAP", "pca": "PCA"}
HEIGHT = 540


def map_panel() -> bool:
    """Draw the choices and the map; what is picked and drawn on it goes into the session.

    Returns:
        Whether there was a map to draw.
    """
    space, name, colour = _settings()
    points = caches.map_points(space, name)
    if not len(points.positions):
        frame.empty("There is no latent of this kind in the cohort: choose another space.")
        return False
    colours = map_data.colour(session.explorer().cohort, points, colour)
    _take(points, colours, key=f"map-{space}", drawn_on={"space": space, "map": name})
    selected = session.selection()
    event = latent_map(
        points,
        colours,
        key=f"map-{space}",
        picked=map_data.point_of_row(points, session.row()),
        selected=None if selected is None else map_data.points_of_rows(points, selected.rows),
        height=HEIGHT,
    )
    if not event.is_supported:
        _without_webgl(points, colours, key=f"plotly-{space}-{name}")
    settings = session.explorer().latents.map_settings.get(name, {})
    frame.stamp(
        f"map {MAP_TITLES.get(name, name)} of {map_data.SPACE_TITLES[space]} latents",
        *frame.settings_words(settings),
    )
    return True


def _take(
    points: MapPoints, colours: Categories | Numbers, *, key: str, drawn_on: dict[str, object]
) -> None:
    """Put what was picked and drawn since the map was last drawn into the session."""
    event = read_map(points, key=key)
    if event.picked is not None and points.rows is not None:
        session.choose_row(int(points.rows[event.picked]))

    def rows_inside(shape: Mapping[str, Any]) -> NDArray[np.int64]:
        inside = inside_shape(shape, points=points, color=colours)
        return map_data.rows_of_points(points, np.flatnonzero(inside))

    shapes = None if event.shapes is None else [_on_grid(each, points) for each in event.shapes]
    session.draw(shapes, serial=event.serial, drawn_on=drawn_on, rows_inside=rows_inside)


def _on_grid(shape: Mapping[str, Any], points: MapPoints) -> dict[str, Any]:
    """Return a shape with few corners on the browser's grid, so that a link holds it exactly."""
    corners = simplified(points.on_grid(np.asarray(shape["polygon"], float)))
    return {**shape, "polygon": points.off_grid(corners).tolist()}


def _without_webgl(points: MapPoints, colours: Categories | Numbers, *, key: str) -> None:
    """Draw the map where the browser lacks WebGL, and take what is picked and selected on it."""

    def take() -> None:
        event = st.session_state.get(key)
        marked = event["selection"]["points"] if event else []
        indices = {int(np.ravel(mark["customdata"])[0]) for mark in marked if "customdata" in mark}
        rows = map_data.rows_of_points(points, np.array(sorted(indices), np.int64))
        if len(indices) == 1:
            session.choose_row(int(rows[0]))
        else:
            session.select(Group(DRAWN, rows, {"drawn": len(rows)}) if len(rows) else None)

    st.caption("This browser has no WebGL: a simpler map is shown.")
    figure = charts.latent_map_plotly(points, colours)
    st.plotly_chart(figure, key=key, on_select=take, theme=None)


def _settings() -> tuple[str, str, str]:
    """Show the choices above the map and return space, map and colour."""
    here = session.explorer()
    spaces = [
        space
        for space, kinds in map_data.SPACES.items()
        if all(kind in here.latents.kinds for kind in kinds)
    ]
    maps = sorted(here.latents.maps, key=lambda name: (name != "umap", name))
    names = map_data.colour_names(here.cohort)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        space = st.segmented_control(
            "Latents",
            spaces,
            default=spaces[0],
            format_func=map_data.SPACE_TITLES.__getitem__,
            required=True,
            key="space",
            bind="query-params",
        )
        name = st.segmented_control(
            "Map",
            maps,
            default=maps[0],
            format_func=lambda name: MAP_TITLES.get(name, name),
            required=True,
            key="map",
            bind="query-params",
        )
        colour = st.selectbox(
            "Colour",
            names,
            format_func=_colour_title,
            key="colour",
            bind="query-params",
            width=200,
        )
    return space or spaces[0], name or maps[0], colour or names[0]


def _colour_title(name: str) -> str:
    if name == map_data.MODALITY:
        return "ECG or MRI"
    column = session.explorer().cohort.columns[name]
    return f"{phenotypes.title(name)} ({column.unit})" if column.unit else phenotypes.title(name)
