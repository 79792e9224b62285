"""Latent map: a WebGL scatter of up to a million latents, with lasso, pick, pairs and legend."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.map_points import LEFT_OUT, Categories, MapPoints, Numbers
from app.components.wire import pack, read_assets
from cmae.errors import InputError

__all__ = ["Categories", "MapEvent", "MapPoints", "Numbers", "latent_map"]

_MOST_CORNERS = 2000
_MOST_SHAPES = 200

_component = st.components.v2.component(
    "cmae_latent_map",
    html='<div class="cmae latent-map"></div>',
    css=read_assets("base.css", "latent_map.css"),
    js=read_assets(
        "wire.js", "map_geometry.js", "map_renderer.js", "map_legend.js", "latent_map.js"
    ),
)


@dataclass(frozen=True, eq=False)
class MapEvent:
    """What the person did on the map.

    Attributes:
        picked: Index of the point that was clicked just now: set in the one script run that
            follows the click, None otherwise. Store ``points.rows[picked]`` in the session.
        selected: Indices of the points inside the lasso and boxes (sorted, unique), kept until
            changed or cleared; empty if there is no selection.
        shapes: How the selection was made, JSON-able, to keep with it: a list of
            ``{"mode": "replace"|"add"|"subtract", "polygon": [[x, y], …], …}`` in map
            coordinates, with the legend's hidden entries.
        is_supported: False if the browser told that it lacks WebGL: show
            ``charts.latent_map_plotly`` instead.
    """

    picked: int | None
    selected: NDArray[np.int64]
    shapes: list[dict[str, Any]]
    is_supported: bool = True


def latent_map(
    points: MapPoints,
    color: Categories | Numbers,
    *,
    key: str,
    picked: int | None = None,
    selected: NDArray[np.integer] | None = None,
    height: int = 560,
) -> MapEvent:
    """Draw the map and return what was picked and selected on it.

    Wheel zooms, drag pans, the tool buttons switch to lasso or box; Shift adds to the selection,
    Alt subtracts. The browser sends back only the polygon; which points lie inside is decided
    here, once, among those that the legend did not hide. Wrap the call in a fragment so that a
    selection does not rerun the whole page.

    Args:
        points: The geometry, sent once. A selection survives a change to other ``points`` of
            the same rows and classes (another projection), and ends with others.
        color: One column of color; changing it does not send the geometry again.
        key: Streamlit key, unique on the page.
        picked: Index of the point to mark as current (ring and pair line); None: none.
        selected: Indices to highlight in place of the map's own selection (a group chosen in a
            table); None: the map's own.
        height: Height in CSS pixels.

    Returns:
        What was picked and selected.

    Raises:
        InputError: The column has another length than the points.
    """
    facts, column = color.column()
    if column.shape != (len(points),):
        raise InputError(
            f"The color column has shape {column.shape} for {len(points)} points: give one value "
            "a point."
        )
    header = {
        "kind": "view",
        "geometry": points.geometry,
        "color": facts,
        "picked": None if picked is None else int(picked),
        "height": int(height),
        "key": key,
    }
    arrays: dict[str, NDArray[np.generic]] = {"column": column}
    if selected is not None:
        arrays["selected"] = np.asarray(selected).astype(np.uint32)
    with st.container(gap=None):
        # Two mounts of one component: Streamlit sends an unchanged message as its hash, so the
        # geometry crosses once however often the colors change.
        _component(key=f"{key}-geometry", data=points.block)
        result = _component(
            key=key,
            data=pack(header, arrays),
            on_lasso_change=_nothing,
            on_unsupported_change=_nothing,
            on_pick_change=_nothing,
        )
    shapes = _shapes_of(result.get("lasso"), points)
    return MapEvent(
        picked=_index_of(result.get("pick"), points),
        selected=_selection(shapes, points=points, color=color, key=key),
        shapes=shapes,
        is_supported=not result.get("unsupported"),
    )


def _nothing() -> None:
    """Do nothing: a callback makes Streamlit keep the value of its name."""


def _index_of(value: object, points: MapPoints) -> int | None:
    """Return a point index that the browser sent, or None if it is none of this map's."""
    is_index = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(points)
    return value if is_index else None  # type: ignore[return-value]


def _shapes_of(value: object, points: MapPoints) -> list[dict[str, Any]]:
    """Return the shapes that the browser sent, without those that are malformed or foreign."""
    sent = value.get("shapes") if isinstance(value, dict) else None
    if not isinstance(sent, list):
        return []
    return [shape for shape in sent[:_MOST_SHAPES] if _is_shape(shape, points)]


def _is_shape(shape: object, points: MapPoints) -> bool:
    """Tell whether a value from the browser is a shape drawn on points of this meaning."""
    if not isinstance(shape, dict) or shape.get("meaning") != points.meaning:
        return False
    polygon = shape.get("polygon")
    if not isinstance(polygon, list) or not 3 <= len(polygon) <= _MOST_CORNERS:
        return False
    try:
        corners = np.asarray(polygon, float)
    except (TypeError, ValueError):
        return False
    is_plane = corners.ndim == 2 and corners.shape[1] == 2 and bool(np.isfinite(corners).all())
    return is_plane and shape.get("mode") in ("replace", "add", "subtract")


def _selection(
    shapes: list[dict[str, Any]], *, points: MapPoints, color: Categories | Numbers, key: str
) -> NDArray[np.int64]:
    """Return the selected indices, testing only the shapes that are new since the last run.

    A shape is tested in the run that follows its release, against the projection and legend of
    that moment; later changes of color or projection leave the selection as it is.
    """
    place = f"{key}-selection"
    names = [json.dumps(shape, sort_keys=True) for shape in shapes]
    known, mask = st.session_state.get(place, ([], None))
    if mask is None or len(mask) != len(points) or names[: len(known)] != known:
        known, mask = [], np.zeros(len(points), bool)
    for shape in shapes[len(known) :]:
        mask = _applied(mask, shape, points=points, color=color)
    st.session_state[place] = (names, mask)
    return np.flatnonzero(mask)


def _applied(
    mask: NDArray[np.bool_],
    shape: dict[str, Any],
    *,
    points: MapPoints,
    color: Categories | Numbers,
) -> NDArray[np.bool_]:
    """Return the selection after one more shape; one drawn on another projection is left out."""
    if shape.get("geometry") != points.geometry:
        return mask
    inside = points.inside(np.asarray(shape["polygon"], float))
    if points.classes is not None:
        inside &= ~np.isin(points.classes, shape.get("hidden_classes") or [])
    hidden = shape.get("hidden") or []
    if hidden and isinstance(color, Categories) and shape.get("column") == color.title:
        inside &= ~np.isin(np.where(color.codes < 0, LEFT_OUT, color.codes), hidden)
    if shape["mode"] == "add":
        return mask | inside
    return mask & ~inside if shape["mode"] == "subtract" else inside
