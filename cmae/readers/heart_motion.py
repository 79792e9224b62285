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
_LEVEL = 0.17
"""Share of the largest motion that the heart's region exceeds."""

_VESSEL_RADIUS_MM = 16.0
"""The descending aorta and the vessels of the lungs are thinner than this, the heart is wider."""

_MOVING_AREA_MM2 = 5_000.0
"""Area that moves at least as much as the level at which motion is capped: half of a heart's."""

_AROUND_MM = 8.0
"""So far about the region something dark is found: lung, or the wall."""

_BLOOD_SHARE = 0.5
"""Blood is brighter than this, between what is dark about the heart (0) and its middle (1)."""

_TO_APEX_MM = 4.8
"""From the centre of what moves to that of chambers and walls, along the heart's long axis: walls
are thickest, and dark in every frame, about the apex, while the vessels at the base move with the
atria. Measured on simulated hearts of many sizes and turns."""

_ROUND = 1.05
"""A region less than this much longer than wide has no long axis."""

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
    opening, and the largest region is taken. Midway between its centroid and that of the blood in
    it, which is sharper, a step towards the apex leads to the heart's.

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
    mean = series.frames.mean(axis=-1)
    bright = zoom(gaussian_filter(mean, 1 / pixel), pixel / _GRID_MM, order=1)
    across, along = display_axes(series)
    middle = _middle(heart, bright) + _to_apex_mm(heart, across - along) / _GRID_MM
    centre = (middle + 0.5) * scale - 0.5
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


def _middle(heart: NDArray[np.bool_], bright: NDArray[np.float32]) -> Floats:
    """Return the point midway between the centroids of the heart's region and of its blood."""
    around = distance_transform_edt(~heart) * _GRID_MM <= _AROUND_MM
    dark, usual = np.percentile(bright[around], 10), np.median(bright[heart])
    blood = heart & (bright > dark + _BLOOD_SHARE * (usual - dark))
    centroid = np.argwhere(heart).mean(axis=0)
    if not blood.any():
        return np.asarray(centroid)
    return np.asarray((centroid + np.argwhere(blood).mean(axis=0)) / 2)


def _to_apex_mm(heart: NDArray[np.bool_], leftward: Floats) -> Floats:
    """Return the step from the middle of what moves to the heart's: (row, column) in mm.

    Args:
        heart: The heart's region.
        leftward: A direction that has the apex before it: to the patient's left and to the front.

    Returns:
        A step along the region's long axis, shorter where it is hardly longer than wide.
    """
    extent, axes = np.linalg.eigh(np.cov(np.argwhere(heart).T))
    axis = axes[:, 1] if axes[:, 1] @ leftward > 0 else -axes[:, 1]
    longer = float(np.sqrt(extent[1] / max(extent[0], 1e-9)))
    return np.asarray(_TO_APEX_MM * min((longer - 1) / (_ROUND - 1), 1.0) * axis)
