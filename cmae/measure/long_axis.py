"""The left ventricle's long axis in a four-chamber cine, and its frames drawn along it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter

Floats = NDArray[np.float32]

ALONG = np.arange(-36.0, 45.0)
"""Places along the axis in pixels, from beyond the apex to the atrium."""

ACROSS = np.arange(-24.0, 25.0)
"""Places across it, from the right ventricle to the lung."""

MIDDLE = len(ACROSS) // 2
ORIGIN = int(-ALONG[0])

EXPECTED_PLACE = (42.5, 61.0)
"""Row and column of the cavity's middle in a (96, 96) display crop around the heart."""

EXPECTED_ANGLE_DEG = 28.0
"""How far the apex points from straight up to the patient's left."""

APEX = -24
"""Place along the axis that the apex gets, in the mean frame."""

STEPS = 5
CAVITY_ROWS = slice(ORIGIN - 8, ORIGIN + 9)
MUSCLE_PERCENTILE = 8


@dataclass(frozen=True)
class LongAxis:
    """Where the long axis lies, and how bright blood and muscle are beside it.

    Attributes:
        row: Row of the axis' origin, 24 pixels from the mean apex.
        column: Its column.
        angle: From straight up towards the right, in radians.
        blood: Brightness of the cavity's blood.
        muscle: Brightness of what is darkest around it.
    """

    row: float
    column: float
    angle: float
    blood: float
    muscle: float

    def straighten(self, frames: Floats) -> Floats:
        """Draw frames (rows, columns, n) along the axis: (along, across, n), apex first."""
        rows, columns, count = frames.shape
        apical, lateral = _directions(self.angle)
        origin = np.array([self.row, self.column])
        places = origin - ALONG[:, None, None] * apical + ACROSS[None, :, None] * lateral
        places = np.clip(places, 0, np.array([rows, columns]) - 1.001)
        corner = places.astype(np.intp)
        down, right = np.moveaxis((places - corner).astype(np.float32), -1, 0)[..., None]
        flat = np.ascontiguousarray(frames.reshape(-1, count), np.float32)
        at = corner[..., 0] * columns + corner[..., 1]
        upper = flat[at] * (1 - right) + flat[at + 1] * right
        lower = flat[at + columns] * (1 - right) + flat[at + columns + 1] * right
        drawn: Floats = upper * (1 - down) + lower * down
        return drawn

    def places(self, shape: tuple[int, int]) -> tuple[Floats, Floats]:
        """Give the place of each pixel along and across the axis, each (rows, columns)."""
        apical, lateral = _directions(self.angle)
        rows, columns = np.indices(shape, np.float32)
        rows, columns = rows - np.float32(self.row), columns - np.float32(self.column)
        along = -(rows * apical[0] + columns * apical[1])
        across = rows * lateral[0] + columns * lateral[1]
        return along.astype(np.float32), across.astype(np.float32)


def find_axis(mean_frame: Floats) -> LongAxis | None:
    """Find the long axis in the mean over the cycle of a four-chamber cine.

    It starts from where hearts lie in the display (``cmae.readers.heart_crop``) and follows, five
    times, the middle between septum and lateral wall, and the apex.

    Args:
        mean_frame: (rows, columns), any scale.

    Returns:
        The axis, or None where there is no bright cavity between dark walls.
    """
    axis = LongAxis(*EXPECTED_PLACE, float(np.radians(EXPECTED_ANGLE_DEG)), 0.0, 0.0)
    for _ in range(STEPS):
        drawn = axis.straighten(mean_frame[..., None])
        around = drawn[ORIGIN + APEX : ORIGIN + 16, MIDDLE - 20 : MIDDLE + 21]
        along = gaussian_filter1d(drawn[:, MIDDLE - 2 : MIDDLE + 3].mean(axis=(1, 2)), 1.0)
        blood = float(np.median(along[CAVITY_ROWS]))
        muscle = float(np.percentile(around, MUSCLE_PERCENTILE))
        if not blood > muscle:
            return None
        threshold = (blood + muscle) / 2
        is_dark = along[:ORIGIN] < threshold
        apex = ORIGIN - 1 - int(is_dark[::-1].argmax()) if is_dark.any() else 0
        left, right = walls(drawn, np.full((ALONG.size, 1), threshold, np.float32))
        wall = slice(apex + 5, apex + 32)
        middle = median_filter(((right - left) / 2)[wall, 0], 5, mode="nearest")
        slope, shift = np.polyfit(ALONG[wall], middle, 1)
        axis = _moved(axis, np.clip(slope, -0.3, 0.3), np.clip(shift, -6, 6), ALONG[apex] - APEX)
    return LongAxis(axis.row, axis.column, axis.angle, blood, muscle)


def walls(drawn: Floats, threshold: Floats) -> tuple[Floats, Floats]:
    """Find the first dark place to the left and to the right of the axis.

    Args:
        drawn: (along, across, n) frames along the axis.
        threshold: (along, n) brightness at which dark begins.

    Returns:
        Two (along, n) distances from the axis in pixels, as far as is drawn where nothing is dark.
    """
    return (
        _first_dark(drawn[:, MIDDLE::-1], threshold),
        _first_dark(drawn[:, MIDDLE:], threshold),
    )


def _first_dark(outward: Floats, threshold: Floats) -> Floats:
    """Return the distance at which (along, distance, n) falls below the threshold."""
    is_dark = outward < threshold[:, None]
    is_dark[:, 0] = False
    found = is_dark.any(axis=1)
    last = np.where(found, is_dark.argmax(axis=1), outward.shape[1] - 1)[:, None]
    after = np.take_along_axis(outward, last, 1)[:, 0]
    before = np.take_along_axis(outward, last - 1, 1)[:, 0]
    share = np.clip((before - threshold) / np.maximum(before - after, 1e-6), 0, 1)
    distance: Floats = np.where(found, last[:, 0] - 1 + share, outward.shape[1] - 1.0)
    return distance.astype(np.float32)


def _directions(angle: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the steps (row, column) towards the apex and towards the lateral wall."""
    return (
        np.array([-np.cos(angle), np.sin(angle)]),
        np.array([np.sin(angle), np.cos(angle)]),
    )


def _moved(axis: LongAxis, slope: float, shift: float, along: float) -> LongAxis:
    """Turn an axis by a slope, and move its origin across and along it."""
    apical, lateral = _directions(axis.angle)
    row, column = (
        np.array([axis.row, axis.column]) + lateral * (shift + slope * along) - apical * along
    )
    down = -apical + slope * lateral
    return LongAxis(float(row), float(column), float(np.arctan2(-down[1], down[0])), 0.0, 0.0)
