"""The heart is found by what changes with its rate: where it lies in the frames, and how surely."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import (
    binary_fill_holes,
    distance_transform_edt,
    gaussian_filter,
    label,
    zoom,
)

from cmae.errors import ReadError
from cmae.readers.cine_series import CineSeries

_HARMONICS = 3
"""Harmonics of the heart rate that hold the heart's motion; noise spreads over all."""

_GRID_MM = 2.5
_SMOOTHING_MM = 2.5
_LEVEL = 0.4
"""Share of the largest motion that the heart's region exceeds."""

_VESSEL_RADIUS_MM = 16.0
"""The descending aorta and the vessels of the lungs are thinner than this, the heart is wider."""

_MOVING_AREA_MM2 = 10_000.0
"""Area that moves at least as much as the level at which motion is capped: about a heart's."""

_UNSEEN_WALL_MM = (-0.9, 2.7)
"""Shift down and to the right, on the display, from the centre of what moves to the heart's: the
wall of the left ventricle is dark in every frame, so its outer part, on the upper right, does not
change. Measured on simulated hearts."""

Floats = NDArray[np.float64]


def display_axes(series: CineSeries) -> tuple[Floats, Floats]:
    """Return the display's directions to the right and down, as (row, column) steps.

    The viewer's right is the patient's left and the top is the front of the chest, as on the
    four-chamber views of textbooks: apex up, atria below, the left ventricle on the right.

    Args:
        series: The frames; without orientation they count as stored for display.

    Returns:
        Steps to the right and down.
    """
    right, down = np.array(series.right), np.array(series.down)
    across, along = np.array([0.0, 1.0]), np.array([1.0, 0.0])
    if not series.is_oriented:
        return across, along
    if abs(down[0]) > abs(right[0]):
        right, down, across, along = down, right, along, across
    if right[0] < 0:
        across = -across
    if down[1] < 0:
        along = -along
    return across, along


def find_heart(series: CineSeries) -> tuple[float, float, float]:
    """Find the heart's centre from the motion at the first harmonics of the heart rate.

    The centre is that of the area which the four chambers and the walls cover in a cycle. The
    amplitude of motion, capped so that flow and bright blood weigh no more than walls, is
    smoothed; of what exceeds a share of its height the holes are filled, vessels are cut off by
    opening, and the largest region's centroid is taken.

    Args:
        series: The frames of one slice over one cardiac cycle.

    Returns:
        Row and column of the centre in the series' frames, and the motion energy near it: the
        share of the temporal variance that lies in those harmonics (0 to 1).

    Raises:
        ReadError: Nothing in the frames moves with the heart rate.
    """
    pixel = np.array(series.pixel_mm)
    cardiac, total = _variance(series.frames)
    amplitude = np.sqrt(cardiac)
    share = min(_MOVING_AREA_MM2 / (amplitude.size * float(np.prod(pixel))), 0.25)
    amplitude = np.minimum(amplitude, np.quantile(amplitude, 1 - share))
    coarse = zoom(gaussian_filter(amplitude, 1 / pixel), pixel / _GRID_MM, order=1)
    heart = _moving_region(coarse)
    scale = np.array(amplitude.shape) / np.array(coarse.shape)
    centre = (np.argwhere(heart).mean(axis=0) + 0.5) * scale - 0.5
    across, along = display_axes(series)
    centre = centre + (_UNSEEN_WALL_MM[0] * along + _UNSEEN_WALL_MM[1] * across) / pixel
    rows, columns = (
        np.minimum(((np.arange(size) + 0.5) / step).astype(int), limit - 1)
        for size, step, limit in zip(amplitude.shape, scale, coarse.shape, strict=True)
    )
    inside = heart[np.ix_(rows, columns)]
    energy = float(cardiac[inside].sum() / max(float(total[inside].sum()), 1e-12))
    return float(centre[0]), float(centre[1]), energy


def _variance(frames: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return each pixel's variance in time at the first harmonics, and its whole variance."""
    count = frames.shape[-1]
    phase = 2 * np.pi * np.arange(count)[:, None] * np.arange(1, _HARMONICS + 1) / count
    waves = np.concatenate([np.cos(phase), np.sin(phase)], axis=1).astype(np.float32)
    changes = frames - frames[:, :, :1]  # nothing where nothing moves, whatever the rounding
    parts = changes @ (waves * np.float32(np.sqrt(2) / count))
    cardiac: NDArray[np.float32] = (parts**2).sum(axis=-1)
    return cardiac, np.maximum(changes.var(axis=-1), cardiac)


def _moving_region(amplitude: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the heart's region in a map of motion with pixels of _GRID_MM."""
    smooth = gaussian_filter(amplitude, _SMOOTHING_MM / _GRID_MM)
    smooth = smooth - np.median(smooth)
    if smooth.max() <= 0:
        raise ReadError("Nothing in the cine moves with the heart rate: is it one cardiac cycle?")
    heart = _largest(binary_fill_holes(smooth > _LEVEL * smooth.max()))
    # What touches the border of the field goes on beyond it: only the inside is opened.
    core = distance_transform_edt(heart) * _GRID_MM > _VESSEL_RADIUS_MM
    if not core.any():
        return heart
    opened = distance_transform_edt(~_largest(core)) * _GRID_MM <= _VESSEL_RADIUS_MM
    return np.asarray(opened & heart)


def _largest(regions: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest connected region of some."""
    numbers, _ = label(regions)
    return np.asarray(numbers == 1 + int(np.argmax(np.bincount(numbers.ravel())[1:])))
