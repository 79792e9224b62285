"""How near a decoded recording is to its own, and to those of others: one number a recording."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.measure.structure import structural_similarity

POOLING = {"ecg": (4, 1), "mri": (4, 4, 5)}
"""How far recordings are pooled before participants are compared with each other."""

Floats = NDArray[np.float32]


def errors(modality: str, recorded: Floats, decoded: Floats) -> dict[str, float]:
    """Compare one decoded recording with the recorded one.

    Args:
        modality: ``ecg`` or ``mri``.
        recorded: In the modality's shape: an ECG in mV, a cine as its z-score.
        decoded: Likewise.

    Returns:
        ECG: ``mae_uv`` and ``correlation``. MRI: ``mse_z``, ``psnr_db`` (mean over frames; the
        peak is the range of the recorded cine), ``ssim`` (mean over frames) and
        ``motion_correlation``.
    """
    difference = recorded - decoded
    if modality == "ecg":
        return {
            "mae_uv": float(np.abs(difference).mean() * 1000.0),
            "correlation": _correlation(recorded, decoded),
        }
    ssim = float(structural_similarity(recorded, decoded).mean())
    squares = np.square(difference, out=difference).mean(axis=(0, 1))
    by_frame = np.maximum(squares, 1e-12)
    peak = max(float(recorded.max() - recorded.min()), 1e-6)
    return {
        "mse_z": float(squares.mean()),
        "psnr_db": float(np.mean(20 * np.log10(peak) - 10 * np.log10(by_frame))),
        "ssim": ssim,
        "motion_correlation": _correlation(
            recorded - recorded.mean(axis=-1, keepdims=True),
            decoded - decoded.mean(axis=-1, keepdims=True),
        ),
    }


def _correlation(first: Floats, second: Floats) -> float:
    """Pearson's r over all elements, NaN where one does not vary; float32 sums, for speed."""
    left, right = (first - first.mean()).ravel(), (second - second.mean()).ravel()
    scale = float(np.sqrt(np.dot(left, left)) * np.sqrt(np.dot(right, right)))
    return float(np.dot(left, right)) / scale if scale > 1e-9 * left.size else float("nan")


def pooled(modality: str, recording: Floats) -> Floats:
    """Average a recording over neighbours (``POOLING``) and lay it flat.

    Args:
        modality: ``ecg`` or ``mri``.
        recording: In the modality's shape.

    Returns:
        ``(numbers,)``.
    """
    steps = POOLING[modality]
    shape = [
        number
        for size, step in zip(recording.shape, steps, strict=True)
        for number in (size // step, step)
    ]
    axes = tuple(range(1, 2 * len(steps), 2))
    means: Floats = recording.reshape(shape).mean(axis=axes).ravel()
    return means


def specificity(
    decoded: Floats, recorded: Floats, own: NDArray[np.integer[Any]], is_other: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Say for each decoded recording how many others' recordings are farther than its own.

    Args:
        decoded: ``(n, numbers)``, pooled.
        recorded: ``(m, numbers)``, pooled.
        own: ``(n,)``: which recorded one belongs to each decoded one.
        is_other: ``(n, m)``: whether a recorded one is of another participant.

    Returns:
        ``(n,)`` shares from 0 to 1; 0.5 is chance; NaN where there is no other participant.
    """
    distances = (recorded**2).sum(1)[None] - 2 * decoded @ recorded.T
    nearest = distances[np.arange(len(decoded)), own][:, None]
    farther = (distances > nearest) + 0.5 * (distances == nearest)
    counts = is_other.sum(1)
    shares = (farther * is_other).sum(1) / np.maximum(counts, 1)
    return np.where(counts > 0, shares, np.nan)
