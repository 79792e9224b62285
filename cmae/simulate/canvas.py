"""Painting moving shapes on 50 frames of 96 × 96 pixels, with soft edges for partial volume."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import MRI, MRI_FRAMES, MRI_PIXEL_MM

Floats = NDArray[np.float64]
Image = NDArray[np.float32]

SIDE = MRI.shape[0]
ANGLES = 720
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


def coverage(distance: Image, beyond: float = 0.0) -> Image:
    """Share of each pixel inside the line ``beyond`` pixels outside a contour."""
    result: Image = np.clip(
        np.float32(0.5 + beyond / EDGE_PIXELS) - distance * np.float32(1 / EDGE_PIXELS), 0, 1
    )
    return result


def box_around(points: Floats, margin: float) -> Box:
    """Rows and columns that hold all ``points`` (…, 2) and a margin in pixels."""
    flat = points.reshape(-1, 2)
    low = np.floor(flat.min(axis=0) - margin).clip(0, SIDE - 1).astype(int)
    high = np.ceil(flat.max(axis=0) + margin + 1).clip(1, SIDE).astype(int)
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def signed_distance(contour: Floats, centre: Floats, margin: float) -> tuple[Box, Image]:
    """Distance to contours that are star-shaped about one fixed point, negative inside.

    Args:
        contour: (frames, points, 2) in pixels.
        centre: (2,) in pixels, inside every contour.
        margin: How far outside distances are needed, in pixels.

    Returns:
        The box that was computed, and (frames, rows, columns) in pixels: exact on the contour and
        to first order near it.
    """
    box = box_around(contour, margin + 2)
    grid = (np.arange(ANGLES) + 0.5) * (2 * np.pi / ANGLES) - np.pi
    away = contour - centre
    angles = np.arctan2(away[..., 1], away[..., 0])
    radii = np.hypot(away[..., 0], away[..., 1])
    radius = np.stack(
        [np.interp(grid, a, r, period=2 * np.pi) for a, r in zip(angles, radii, strict=True)]
    )
    slope = (np.roll(radius, -1, axis=1) - np.roll(radius, 1, axis=1)) * (ANGLES / (4 * np.pi))
    lean = (1 / np.sqrt(1 + (slope / radius) ** 2)).astype(np.float32)
    rows, columns = np.mgrid[box]
    rows, columns = rows - centre[1], columns - centre[0]
    index = (np.arctan2(rows, columns) + np.pi) * (ANGLES / (2 * np.pi))
    index = index.astype(np.int32) % ANGLES
    away_from_centre = np.hypot(rows, columns).astype(np.float32)
    distance: Image = away_from_centre - radius.astype(np.float32)[:, index]
    distance *= lean[:, index]
    return box, distance


def paint(frames: Image, box: Box, share: Image, value: float | Image) -> None:
    """Cover ``frames`` (frames, 96, 96) in ``box`` by ``value``, as far as ``share`` says."""
    view = frames[:, box[0], box[1]]
    view += share * (np.float32(value) - view)


def paint_rod(
    frames: Image, ends: tuple[Floats, Floats], radius: float, value: float | Image, opacity: float
) -> None:
    """Paint rods with round ends.

    Args:
        frames: (frames, 96, 96), painted in place.
        ends: Two (frames, 2) or (2,) points in pixels.
        radius: In pixels.
        value: Intensity, a number or (frames, 1, 1).
        opacity: 0 to 1.
    """
    first, last = (np.broadcast_to(end, (len(frames), 2)) for end in ends)
    box = box_around(np.concatenate([first, last]), radius + 2)
    rows, columns = (axis.astype(np.float32) for axis in np.mgrid[box])
    start = first.astype(np.float32)[:, :, None, None]
    step = (last - first).astype(np.float32)[:, :, None, None]
    x, y = columns - start[:, 0], rows - start[:, 1]
    long = (step**2).sum(axis=1) + np.float32(1e-6)
    along = ((x * step[:, 0] + y * step[:, 1]) / long).clip(0, 1)
    distance = np.hypot(x - along * step[:, 0], y - along * step[:, 1])
    paint(frames, box, np.float32(opacity) * coverage(distance, radius), value)


def smooth_field(rng: np.random.Generator, cells: int) -> Image:
    """A smooth random field (96, 96) of unit variance with about ``cells`` bumps a side."""
    coarse = rng.standard_normal((cells + 3, cells + 3))
    weights = _spline_weights(cells)
    field = weights @ coarse @ weights.T
    result: Image = (field / (weights**2).sum(axis=1).mean()).astype(np.float32)
    return result


def _spline_weights(cells: int) -> Floats:
    """Cubic B-spline weights (96, cells + 3)."""
    position = np.arange(SIDE) / SIDE * cells
    away = np.abs(position[:, None] + 1 - np.arange(cells + 3))
    near = 2 / 3 - away**2 + away**3 / 2
    far = (2 - away).clip(0) ** 3 / 6
    result: Floats = np.where(away < 1, near, far)
    return result


FRAMES = MRI_FRAMES
