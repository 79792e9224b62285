"""Structural similarity of two cines, frame by frame."""

import numpy as np
from numpy.typing import NDArray

from cmae.errors import InputError

WINDOW = 7
"""Side of the square window in pixels."""

LUMINANCE, CONTRAST = 0.01, 0.03
"""K1 and K2 of the paper."""

Floats = NDArray[np.float32]


def structural_similarity(
    recorded: NDArray[np.generic], decoded: NDArray[np.generic]
) -> NDArray[np.float64]:
    """Give the structural similarity of each frame of a cine.

    SSIM = (2 μ_x μ_y + C1) (2 σ_xy + C2) / ((μ_x² + μ_y² + C1) (σ_x² + σ_y² + C2)) (Wang et al.
    2004, IEEE Trans Image Process 13:600, eq. 13), with means, sample variances and covariance
    over windows of 7 × 7 pixels, C1 = (0.01 R)², C2 = (0.03 R)², R the range of the whole recorded
    cine; averaged over all windows that lie inside the frame. Brightness counts from the recorded
    cine's darkest pixel, so that scanner intensities and z-scores give the same number.

    Args:
        recorded: (rows, columns, frames), any unit.
        decoded: The same shape and unit.

    Returns:
        (frames,) from -1 to 1, 1 where both are equal; NaN where the recorded cine is flat.

    Raises:
        InputError: The shapes differ, or a frame is smaller than the window.
    """
    if recorded.shape != decoded.shape or recorded.ndim != 3 or min(recorded.shape[:2]) < WINDOW:
        raise InputError(
            f"Two cines of shapes {recorded.shape} and {decoded.shape} cannot be compared: give "
            f"two of one shape (rows, columns, frames), at least {WINDOW} pixels a side."
        )
    first, second = np.asarray(recorded, np.float32), np.asarray(decoded, np.float32)
    darkest = first.min()
    span = first.max() - darkest
    if not span > 0:
        return np.full(recorded.shape[2], np.nan)
    first, second = (first - darkest) / span, (second - darkest) / span
    # Squares of numbers around 0 lose little in float32.
    middle = first.mean(dtype=np.float64).astype(np.float32)
    first, second = first - middle, second - middle
    mean_x, mean_y = _window_mean(first), _window_mean(second)
    sample = np.float32(WINDOW**2 / (WINDOW**2 - 1))
    variances = _window_mean(first * first + second * second)
    variances = sample * (variances - mean_x * mean_x - mean_y * mean_y)
    covariance = sample * (_window_mean(first * second) - mean_x * mean_y)
    mean_x, mean_y = mean_x + middle, mean_y + middle
    c1, c2 = np.float32(LUMINANCE**2), np.float32(CONTRAST**2)
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity /= (mean_x * mean_x + mean_y * mean_y + c1) * (variances + c2)
    return np.asarray(similarity.mean(axis=(0, 1), dtype=np.float64))


def _window_mean(frames: Floats) -> Floats:
    """Return the mean over each window that lies inside, (rows - 6, columns - 6, frames)."""
    # Additions of whole planes are faster than running sums, and round less.
    for axis in (0, 1):
        count = frames.shape[axis] - WINDOW + 1
        total = np.take(frames, range(count), axis)
        for step in range(1, WINDOW):
            total += frames[step : step + count] if axis == 0 else frames[:, step : step + count]
        frames = total
    frames /= WINDOW**2
    return frames
