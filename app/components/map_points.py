"""The points of a latent map, and which of them lie inside a shape."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from app.components.wire import pack
from cmae.errors import InputError

LEFT_OUT = 255
"""Class byte of a point without a finite position."""

_MOST_LEVEL = 65535


@dataclass(frozen=True, eq=False)
class MapPoints:
    """The geometry of a map: what does not change when color or selection does.

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
            a line joins the pair on hover, pick and selection; None: no pairs.
        axis_titles: What the two coordinates mean, drawn with ticks; None: nothing to read off.
    """

    positions: NDArray[np.floating]
    rows: NDArray[np.integer] | None = None
    classes: NDArray[np.integer] | None = None
    class_names: Sequence[str] = ()
    partners: NDArray[np.integer] | None = None
    axis_titles: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        """Check lengths at the border."""
        if self.positions.ndim != 2 or self.positions.shape[1] != 2:
            raise InputError(
                f"Map positions have shape {self.positions.shape}, but a map needs (points, 2)."
            )
        if not np.isfinite(self.positions).all(axis=1).any():
            raise InputError("No point of the map has a finite position: compute the map first.")
        for name in ("rows", "classes", "partners"):
            column = getattr(self, name)
            if column is not None and column.shape != (len(self),):
                raise InputError(
                    f"{name} of the map has shape {column.shape} for {len(self)} points: give one "
                    "value a point."
                )

    def __len__(self) -> int:
        """Return the number of points, those left out included."""
        return int(self.positions.shape[0])

    @cached_property
    def meaning(self) -> str:
        """Hash of what a point index stands for: two maps of equal meaning share selections."""
        digest = blake2b(str(len(self)).encode(), digest_size=12)
        for column in (self.rows, self.classes):
            digest.update(b"-" if column is None else np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    @cached_property
    def geometry(self) -> str:
        """Hash of all that is sent to the browser, by which it keeps the geometry."""
        digest = blake2b(self.meaning.encode(), digest_size=12)
        digest.update(json.dumps([list(self.class_names), self.axis_titles]).encode())
        for column in (self.positions, self.partners):
            digest.update(b"-" if column is None else np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    @cached_property
    def square(self) -> tuple[NDArray[np.float64], float]:
        """Lower left corner and side, in map coordinates, of the square that holds the points."""
        finite = np.isfinite(self.positions).all(axis=1)
        low = np.min(self.positions[finite], axis=0).astype(float)
        high = np.max(self.positions[finite], axis=0).astype(float)
        span = float(max(np.max(high - low), 1e-9))
        return (low + high) / 2.0 - span / 2.0, span

    @cached_property
    def levels(self) -> NDArray[np.uint16]:
        """Positions as the browser has them: 65,536 levels a side of the square."""
        origin, span = self.square
        scaled = np.nan_to_num((self.positions - origin) / span * _MOST_LEVEL)
        return np.clip(np.rint(scaled), 0, _MOST_LEVEL).astype(np.uint16)

    def on_grid(self, polygon: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the nearest of the browser's levels to each corner: what a link can hold.

        Args:
            polygon: ``(corners, 2)`` in map coordinates.

        Returns:
            ``(corners, 2)`` levels; 0 to 65,535 inside the square, beyond it outside.
        """
        origin, span = self.square
        scaled = (np.asarray(polygon, float) - origin) / span * _MOST_LEVEL
        return np.rint(np.clip(scaled, -_MOST_LEVEL, 2 * _MOST_LEVEL)).astype(np.int64)

    def off_grid(self, levels: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return map coordinates of levels, ``(corners, 2)``: the inverse of ``on_grid``."""
        origin, span = self.square
        return np.asarray(origin + np.asarray(levels, float) / _MOST_LEVEL * span)

    def inside(self, polygon: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Tell which points lie inside a polygon, exactly as the browser shows them.

        Args:
            polygon: ``(corners, 2)`` in map coordinates.

        Returns:
            ``(points,)`` True inside; False for points without a position.
        """
        origin, span = self.square
        order, heights = self._by_height
        corners = (np.asarray(polygon, float) - origin) / span * _MOST_LEVEL
        is_inside = np.zeros(len(self), bool)
        is_inside[order] = crossings_are_odd(self.levels[order, 0], heights, corners)
        is_inside &= np.isfinite(self.positions).all(axis=1)
        return is_inside

    @cached_property
    def _by_height(self) -> tuple[NDArray[np.intp], NDArray[np.uint16]]:
        """Indices of the points from low to high, and their heights in that order."""
        order = np.argsort(self.levels[:, 1], kind="stable")
        return order, self.levels[order, 1]

    @cached_property
    def block(self) -> bytes:
        """The packed geometry: positions as uint16 of the square that holds the points."""
        origin, span = self.square
        finite = np.isfinite(self.positions).all(axis=1)
        arrays: dict[str, NDArray[np.generic]] = {"positions": self.levels}
        if self.rows is not None:
            arrays["rows"] = self.rows.astype(np.uint32)
        if self.classes is not None or not finite.all():
            classes = np.zeros(len(self)) if self.classes is None else self.classes
            arrays["classes"] = np.where(finite, classes, LEFT_OUT).astype(np.uint8)
        if self.partners is not None:
            arrays["partners"] = self.partners.astype(np.int32)
        header = {
            "kind": "geometry",
            "geometry": self.geometry,
            "points": len(self),
            "meaning": self.meaning,
            "origin": origin.tolist(),
            "span": span,
            "class_names": list(self.class_names),
            "axis_titles": self.axis_titles,
        }
        return pack(header, arrays)


def crossings_are_odd(
    x: NDArray[np.integer], heights: NDArray[np.integer], corners: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """Tell which points lie inside a polygon, by the even-odd rule.

    A ray to the right of a point crosses the outline an odd number of times if it is inside.
    Only the points between the two heights of an edge can cross it: a slice, as they are sorted.

    Args:
        x: ``(points,)`` first coordinates.
        heights: ``(points,)`` second coordinates, ascending.
        corners: ``(corners, 2)``; the last corner is joined to the first.

    Returns:
        ``(points,)`` True inside.
    """
    odd = np.zeros(len(x), bool)
    if len(corners) < 3:
        return odd
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        first, last = np.searchsorted(heights, sorted((float(y0), float(y1))), side="left")
        if first == last:
            continue
        band = slice(first, last)
        crossing = x0 + (heights[band] - y0) * ((x1 - x0) / (y1 - y0))
        odd[band] ^= x[band] < crossing
    return odd
