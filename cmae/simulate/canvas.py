"""Painting moving shapes on 50 frames of 96 × 96 pixels, with soft edges for partial volume."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import MRI, MRI_FRAMES, MRI_PIXEL_MM

Floats = NDArray[np.float64]
Image = NDArray[np.float32]

SIDE = MRI.shape[0]
ANGLES = 540
GRID = (np.arange(ANGLES) + 0.5) * (2 * np.pi / ANGLES) - np.pi
EDGE_PIXELS = 1.5
"""Over how many pixels an edge falls: pixel, slice thickness and resolution together."""

Box = tuple[slice, slice]


@dataclass(frozen=True)
class Placement:
    """Where the heart's axes lie on the canvas.

    Attributes:
        column: Canvas column of the point (x, z) = ``origin``.
        row: Canvas row of that point.
        origin: (x, z) in mm.
        angle: Of the long axis, base to apex, below the horizontal, in radians.
    """

    column: float
    row: float
    origin: tuple[float, float]
    angle: float

    def pixels(self, points: Floats) -> Floats:
        """Turn (…, 2) points (x, z) in mm into (…, 2) points (column, row) in pixels."""
        x = (points[..., 0] - self.origin[0]) / MRI_PIXEL_MM
        z = (self.origin[1] - points[..., 1]) / MRI_PIXEL_MM
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.stack([self.column + x * sin + z * cos, self.row - x * cos + z * sin], axis=-1)


def coverage(distance: Image, beyond: float | Image = 0.0) -> Image:
    """Share of each pixel inside the line ``beyond`` pixels outside a contour."""
    result: Image = np.clip(
        np.float32(0.5 + beyond / EDGE_PIXELS) - distance * np.float32(1 / EDGE_PIXELS), 0, 1
    )
    return result


def box_around(points: Floats | Image, margin: float) -> Box:
    """Rows and columns that hold all ``points`` (…, 2) and a margin in pixels."""
    flat = points.reshape(-1, 2)
    low = np.floor(flat.min(axis=0) - margin).clip(0, SIDE - 1).astype(int)
    high = np.ceil(flat.max(axis=0) + margin + 1).clip(1, SIDE).astype(int)
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def axes(box: Box) -> tuple[Image, Image]:
    """Rows (n, 1) and columns (1, m) of a box."""
    rows = np.arange(box[0].start, box[0].stop, dtype=np.float32)[:, None]
    columns = np.arange(box[1].start, box[1].stop, dtype=np.float32)[None, :]
    return rows, columns


def signed_distance(
    contour: Floats, centre: Floats, margin: float, ripple: Floats | float = 0.0
) -> tuple[Box, Image]:
    """Distance to contours that are star-shaped about one fixed point, negative inside.

    Args:
        contour: (frames, points, 2) in pixels.
        centre: (2,) in pixels, inside every contour.
        margin: How far outside distances are needed, in pixels.
        ripple: (ANGLES,) outward unevenness in pixels, the same in every frame.

    Returns:
        The box that was computed, and (frames, rows, columns) in pixels: exact on the contour and
        to first order near it.
    """
    box = box_around(contour, margin + 2)
    away = contour - centre
    angles = np.arctan2(away[..., 1], away[..., 0])
    order = np.argsort(angles, axis=1)
    angles = np.take_along_axis(angles, order, axis=1)
    radii = np.take_along_axis(np.hypot(away[..., 0], away[..., 1]), order, axis=1)
    turn = 2 * np.pi
    angles = np.concatenate([angles[:, -1:] - turn, angles, angles[:, :1] + turn], axis=1)
    radii = np.concatenate([radii[:, -1:], radii, radii[:, :1]], axis=1)
    radius = np.stack([np.interp(GRID, a, r) for a, r in zip(angles, radii, strict=True)])
    radius = np.maximum(radius + ripple, 0.5)
    slope = (np.roll(radius, -1, axis=1) - np.roll(radius, 1, axis=1)) * (ANGLES / (4 * np.pi))
    lean = (1 / np.sqrt(1 + (slope / radius) ** 2)).astype(np.float32)
    rows, columns = axes(box)
    rows, columns = rows - np.float32(centre[1]), columns - np.float32(centre[0])
    position = (np.arctan2(rows, columns) + np.pi) * (ANGLES / (2 * np.pi))
    index = position.astype(np.int32) % ANGLES
    distance: Image = np.sqrt(rows**2 + columns**2) - radius.astype(np.float32)[:, index]
    distance *= lean[:, index]
    return box, distance


def paint(frames: Image, box: Box, share: Image, value: float | Image) -> None:
    """Cover ``frames`` (frames, 96, 96) in ``box`` by ``value``, as far as ``share`` says."""
    view = frames[:, box[0], box[1]]
    view += share * (np.float32(value) - view)


def paint_rod(
    frames: Image,
    ends: tuple[Floats, Floats],
    radius: float,
    value: float | Image,
    opacity: float | Image,
) -> None:
    """Paint rods with round ends.

    Args:
        frames: (frames, 96, 96), painted in place.
        ends: Two (frames, 2) or (2,) points in pixels.
        radius: In pixels.
        value: Intensity, a number or (frames, 1, 1).
        opacity: 0 to 1, a number or (frames, 1, 1).
    """
    first, last = (np.atleast_2d(end).astype(np.float32) for end in ends)
    box = box_around(np.concatenate([first, last]), radius + 2)
    rows, columns = axes(box)
    step = (last - first)[:, :, None, None]
    x, y = columns - first[:, 0, None, None], rows - first[:, 1, None, None]
    long = (step**2).sum(axis=1) + np.float32(1e-6)
    along = ((x * step[:, 0] + y * step[:, 1]) / long).clip(0, 1)
    distance = np.sqrt((x - along * step[:, 0]) ** 2 + (y - along * step[:, 1]) ** 2)
    paint(frames, box, np.float32(opacity) * coverage(distance, radius), value)


def ripple(rng: np.random.Generator, size: float, waves: tuple[int, int]) -> Floats:
    """A random unevenness (ANGLES,) of a contour, RMS ``size`` pixels, with so many waves round."""
    orders = np.arange(waves[0], waves[1])
    weights = rng.standard_normal((2, len(orders))) * (size / np.sqrt(len(orders)))
    phase = orders * GRID[:, None]
    result: Floats = np.cos(phase) @ weights[0] + np.sin(phase) @ weights[1]
    return result


def smooth_field(rng: np.random.Generator, cells: int) -> Image:
    """A smooth random field (96, 96) of unit variance with about ``cells`` bumps a side."""
    coarse = rng.standard_normal((cells + 3, cells + 3))
    weights = _spline_weights(cells)
    field = weights @ coarse @ weights.T
    result: Image = (field / (weights**2).sum(axis=1).mean()).astype(np.float32)
    return result


def streaks(rng: np.random.Generator, number: int, cells: tuple[int, int], angle: float) -> Image:
    """Smooth random fields (number, 96, 96) of unit variance, drawn out in one direction.

    Args:
        rng: Of the fields.
        number: How many.
        cells: Bumps over the canvas (along the direction, across it).
        angle: Of the direction below the horizontal, in radians.

    Returns:
        (number, 96, 96).
    """
    coarse = rng.standard_normal((number, cells[0] + 3, cells[1] + 3), dtype=np.float32)
    along, across = (_spline_weights(count, _OVERSAMPLED).astype(np.float32) for count in cells)
    fields = along @ coarse @ across.T
    size = np.sqrt((along**2).sum(axis=1).mean() * (across**2).sum(axis=1).mean())
    rows, columns = (axis - SIDE / 2 for axis in axes((slice(0, SIDE), slice(0, SIDE))))
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    scale = _OVERSAMPLED / (np.sqrt(2) * SIDE)
    place = [
        np.rint(_OVERSAMPLED / 2 + scale * distance).clip(0, _OVERSAMPLED - 1).astype(np.intp)
        for distance in (columns * cos + rows * sin, rows * cos - columns * sin)
    ]
    result: Image = fields[:, place[0], place[1]] / size
    return result


_OVERSAMPLED = 224
"""Points across the canvas's diagonal, so that turning a field to the nearest point is smooth."""


@cache
def _spline_weights(cells: int, points: int = SIDE) -> Floats:
    """Cubic B-spline weights (points, cells + 3)."""
    position = np.arange(points) / points * cells
    away = np.abs(position[:, None] + 1 - np.arange(cells + 3))
    near = 2 / 3 - away**2 + away**3 / 2
    far = (2 - away).clip(0) ** 3 / 6
    result: Floats = np.where(away < 1, near, far)
    return result


FRAMES = MRI_FRAMES
