"""Latent map: a WebGL scatter of up to a million latents, with lasso, pick, pairs and legend."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.map_colors import Categories, Numbers
from app.components.map_points import MapPoints
from app.components.wire import pack, read_assets
from cmae.errors import InputError

__all__ = [
    "Categories",
    "MapEvent",
    "MapPoints",
    "Numbers",
    "Thumbnails",
    "inside_shape",
    "latent_map",
    "read_map",
]

_MOST_CORNERS = 2000
_MOST_SHAPES = 200

_component = st.components.v2.component(
    "cmae_latent_map",
    html='<div class="cmae latent-map"></div>',
    css=read_assets("base.css", "latent_map.css"),
    js=read_assets(
        "wire.js",
        "map_geometry.js",
        "map_renderer.js",
        "map_legend.js",
        "map_camera.js",
        "map_marks.js",
        "map_card.js",
        "map_tools.js",
        "latent_map.js",
    ),
)


@dataclass(frozen=True)
class Thumbnails:
    """Where the browser gets the pictures of a row.

    Attributes:
        address: Below it lies one a row number, packed.
        token: What this session shows to get them.
    """

    address: str
    token: str


@dataclass(frozen=True, eq=False)
class MapEvent:
    """What the person did on the map.

    Attributes:
        picked: Index of the point that was clicked just now: set in the one script run that
            follows the click, None otherwise. Store ``points.rows[picked]`` in the session.
        shapes: What was drawn, JSON-able: a list of ``{"mode": "replace"|"add"|"subtract",
            "polygon": [[x, y], …], …}`` in map coordinates, with what the legend hid;
            ``inside_shape`` tells who is inside. None: nothing is known of this map.
        serial: Grows with each change of the shapes, so that clearing twice is told apart.
        is_supported: False if the browser told that it lacks WebGL: show
            ``charts.latent_map_plotly`` instead.
    """

    picked: int | None
    shapes: list[dict[str, Any]] | None
    serial: int = 0
    is_supported: bool = True


def read_map(points: MapPoints, *, key: str) -> MapEvent:
    """Return what the person did on the map before it is drawn again.

    What depends on it, such as the points to highlight, can so be drawn in the same run.

    Args:
        points: The geometry that is going to be drawn.
        key: Streamlit key of the map.

    Returns:
        What was picked and drawn; nothing where the map is not on the page yet.
    """
    sent = st.session_state.get(key)
    return _event(sent if isinstance(sent, Mapping) else {}, points)


def latent_map(
    points: MapPoints,
    color: Categories | Numbers,
    *,
    key: str,
    picked: int | None = None,
    selected: NDArray[np.bool_] | None = None,
    thumbnails: Thumbnails | None = None,
    height: int = 560,
) -> MapEvent:
    """Draw the map and return what was picked and drawn on it.

    Wheel zooms, drag pans, the tool buttons switch to lasso, polygon or box; Shift adds to the
    selection, Alt subtracts. The browser sends back only the polygon, and marks what lies inside
    until the page says what is selected.

    Args:
        points: The geometry, sent once.
        color: One column of color; changing it does not send the geometry again.
        key: Streamlit key, unique on the page.
        picked: Index of the point to mark as current (ring and pair line); None: none.
        selected: (points,) mask of what is highlighted, in place of what lies inside the shapes;
            None: what lies inside them.
        thumbnails: Where the pictures on the card of a point come from; None: the card has words
            only.
        height: Height in CSS pixels.

    Returns:
        What was picked and drawn.

    Raises:
        InputError: The column has another length than the points.
    """
    column = color.block
    if column.levels.shape != (len(points),):
        raise InputError(
            f"The color column has shape {column.levels.shape} for {len(points)} points: give one "
            "value a point."
        )
    header = {
        "kind": "view",
        "geometry": points.geometry,
        "column": column.name,
        "picked": None if picked is None else int(picked),
        "height": int(height),
        "key": key,
        "thumbnails": None if thumbnails is None else asdict(thumbnails),
    }
    with st.container(gap=None):
        # Mounts of one component: Streamlit sends an unchanged message as its hash, so the
        # geometry crosses once however often the colors change, the colors once however often
        # the selection does, and a pick moves a few hundred bytes.
        _component(key=f"{key}-geometry", data=points.block)
        _component(key=f"{key}-column", data=column.data)
        _component(key=f"{key}-chosen", data=_chosen(selected, points, key=key))
        result = _component(
            key=key,
            data=pack(header, {}),
            on_lasso_change=_nothing,
            on_unsupported_change=_nothing,
            on_pick_change=_nothing,
        )
    return _event(result, points)


def _chosen(selected: NDArray[np.bool_] | None, points: MapPoints, *, key: str) -> bytes:
    """Pack which points are highlighted: a bit a point."""
    header = {
        "kind": "chosen",
        "key": key,
        "meaning": points.meaning,
        "is_given": selected is not None,
    }
    bits = np.packbits(selected if selected is not None else np.zeros(0, bool), bitorder="little")
    return pack(header, {"bits": bits})


def _event(sent: Mapping[str, Any], points: MapPoints) -> MapEvent:
    """Return what the browser sent, without what is malformed or foreign."""
    lasso = sent.get("lasso")
    serial = lasso.get("serial") if isinstance(lasso, dict) else None
    return MapEvent(
        picked=_index_of(sent.get("pick"), points),
        shapes=_shapes_of(lasso, points),
        serial=serial if isinstance(serial, int) else 0,
        is_supported=not sent.get("unsupported"),
    )


def _nothing() -> None:
    """Do nothing: a callback makes Streamlit keep the value of its name."""


def _index_of(value: object, points: MapPoints) -> int | None:
    """Return a point index that the browser sent, or None if it is none of this map's."""
    is_index = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(points)
    return value if is_index else None  # type: ignore[return-value]


def _shapes_of(value: object, points: MapPoints) -> list[dict[str, Any]] | None:
    """Return the shapes that the browser sent, without those that are malformed or foreign."""
    sent = value.get("shapes") if isinstance(value, dict) else None
    if not isinstance(sent, list):
        return None
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


def inside_shape(
    shape: Mapping[str, Any], *, points: MapPoints, color: Categories | Numbers
) -> NDArray[np.bool_]:
    """Tell which points lie inside a shape, among those that the legend did not hide.

    Args:
        shape: One of ``MapEvent.shapes``.
        points: The map on which it was drawn; on another, nothing is inside.
        color: The column by whose legend entries were hidden; those of another column do not
            count.

    Returns:
        (points,).
    """
    if shape.get("geometry") != points.geometry:
        return np.zeros(len(points), bool)
    inside = points.inside(np.asarray(shape["polygon"], float))
    if points.classes is not None:
        inside &= ~np.isin(points.classes, _codes(shape.get("hidden_classes")))
    if shape.get("column") == color.title:
        hidden, levels = _codes(shape.get("hidden")), _codes(shape.get("levels"))
        inside &= color.shown(
            hidden=hidden, levels=(levels[0], levels[1]) if len(levels) == 2 else None
        )
    return inside


def _codes(value: object) -> list[int]:
    """Return the codes and levels in a list that came from the browser."""
    given = value if isinstance(value, list) else []
    return [code for code in given if isinstance(code, int) and 0 <= code < 2**16]
