"""Latent map: a WebGL scatter of up to a million latents, with lasso, pick, pairs and legend."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class MapPoints:
    """The geometry of a map: what does not change when colour or selection does.

    Make it once (``st.cache_resource``) and pass the same object: it is packed once and sent
    to a browser once.

    Attributes:
        positions: ``(points, 2)`` map coordinates; points with NaN are left out.
        rows: ``(points,)`` row of the cohort that each point belongs to, shown on hover; None:
            0 … points − 1. With both modalities on the map a row appears twice.
        classes: ``(points,)`` 0 or 1, the marker of each point (disc or diamond): ECG latents
            and MRI latents; None: all 0.
        class_names: Names of the markers for the legend: ``("ECG latents", "MRI latents")``.
        partners: ``(points,)`` index of the other point of the same participant, −1 for none;
            a line joins the pair on hover and pick; None: no pairs.
    """

    positions: NDArray[np.floating]
    rows: NDArray[np.integer] | None = None
    classes: NDArray[np.integer] | None = None
    class_names: Sequence[str] = ()
    partners: NDArray[np.integer] | None = None


@dataclass(frozen=True, eq=False)
class Categories:
    """Colour by a categorical column.

    Attributes:
        codes: ``(points,)`` index into ``names``; −1 is missing and drawn grey.
        names: Names for the legend, at most 12.
        title: What the colours mean.
    """

    codes: NDArray[np.integer]
    names: Sequence[str]
    title: str


@dataclass(frozen=True, eq=False)
class Numbers:
    """Colour by a continuous column, clipped at its 2nd and 98th percentile.

    Attributes:
        values: ``(points,)`` floats; NaN is missing and drawn grey.
        title: What the colours mean, for people: "LV ejection fraction".
        unit: Unit of the values: "%", "mL"; may be empty.
    """

    values: NDArray[np.floating]
    title: str
    unit: str = ""


@dataclass(frozen=True, eq=False)
class MapEvent:
    """What the person did on the map.

    Attributes:
        picked: Index of the point that was clicked just now: set in the one script run that
            follows the click, None otherwise. Store ``points.rows[picked]`` in the session.
        selected: Indices of the points inside the lasso and boxes (sorted, unique), kept until
            changed or cleared; empty if there is no selection.
        shapes: How the selection was made, JSON-able, to keep with it: a list of
            ``{"mode": "replace"|"add"|"subtract", "polygon": [[x, y], …]}`` in map coordinates.
    """

    picked: int | None
    selected: NDArray[np.int64]
    shapes: list[dict[str, object]]


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
    here. Wrap the call in a fragment so that a selection does not rerun the whole page.

    Args:
        points: The geometry, sent once.
        color: One column of colour; changing it does not send the geometry again.
        key: Streamlit key, unique on the page.
        picked: Index of the point to mark as current (ring and pair line); None: none.
        selected: Indices to highlight in place of the map's own selection (a group chosen in a
            table); None: the map's own.
        height: Height in CSS pixels.

    Returns:
        What was picked and selected.

    Raises:
        InputError: Lengths differ, or there is no finite point.
    """
    raise NotImplementedError


def points_in_polygon(
    positions: NDArray[np.floating], polygon: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """Tell which points lie inside a polygon, by the even-odd rule.

    Args:
        positions: ``(points, 2)`` coordinates.
        polygon: ``(corners, 2)``; the last corner is joined to the first.

    Returns:
        ``(points,)`` True inside.
    """
    raise NotImplementedError
