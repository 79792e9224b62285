"""What is typical of some beats: their robust mean, and what of it is more than noise."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, uniform_filter1d
from scipy.signal import savgol_coeffs

Floats = NDArray[np.float64]

TRIMMED = 0.2
"""Share of the beats that does not count on either side of the mean."""

_REACH = 15
"""Polynomials of fourth degree over these samples on each side let pass up to some 30 Hz."""
_LOCAL = 15
"""Samples over which it is judged whether there is more than noise."""
_ATRIAL_SAMPLES = 100
"""A P wave begins within these samples (200 ms) before the QRS complex."""
CERTAIN = 1.5
"""What is faster counts as noise below this many times the energy of noise."""


def typical_beat(beats: Floats, known: NDArray[np.bool_]) -> Floats:
    """Mean of the middle three fifths of the beats at every sample.

    Like a median it ignores what few beats have, a fifth on either side, with less noise.

    Args:
        beats: ``(beats, samples, leads)`` in mV.
        known: ``(beats, samples)``, whether a sample counts.

    Returns:
        ``(samples, leads)`` in mV, 0 where no beat counts.
    """
    count = known.sum(axis=0)
    ranked = beats if known.all() else np.where(known[:, :, None], beats, np.inf)
    ranked = np.sort(ranked, axis=0)
    rank = np.arange(len(beats))[:, None]
    inner = np.minimum(rank + 1, (1 - TRIMMED) * count) - np.maximum(rank, TRIMMED * count)
    weight = inner.clip(0) / np.maximum((1 - 2 * TRIMMED) * count, 1e-9)
    if not known.all():
        ranked[~np.isfinite(ranked)] = 0.0
    return np.asarray(np.einsum("bt,btl->tl", weight, ranked))


def middle(beats: Floats) -> Floats:
    """Return the median over the first axis; for a few beats sorting is faster than selecting."""
    ranked = np.sort(beats, axis=0)
    count = len(ranked)
    return np.asarray((ranked[(count - 1) // 2] + ranked[count // 2]) / 2)


def finely_aligned(beats: Floats, typical: Floats, part: slice) -> Floats:
    """Move each beat by the fraction of a sample by which it is off the typical one.

    R peaks are found to whole samples; a mean over beats that are off by up to half a sample
    flattens the QRS complex. The shift is that of least squares about the typical beat, applied
    by cubic interpolation.

    Args:
        beats: ``(beats, samples, leads)`` in mV.
        typical: ``(samples, leads)`` in mV.
        part: Where the QRS complex is.

    Returns:
        ``(beats, samples, leads)`` in mV.
    """
    slope = np.gradient(typical[part], axis=0)
    off = np.einsum("btl,tl->b", beats[:, part] - typical[part], slope)
    shift = (-off / (np.einsum("tl,tl->", slope, slope) + 1e-12)).clip(-1, 1)
    whole = np.floor(shift).astype(np.intp)
    share = shift - whole
    # Lagrange's weights of the samples before, at, after, and after next.
    weights = (
        -share * (share - 1) * (share - 2) / 6,
        (share + 1) * (share - 1) * (share - 2) / 2,
        -(share + 1) * share * (share - 2) / 2,
        (share + 1) * share * (share - 1) / 6,
    )
    padded = np.pad(beats, ((0, 0), (2, 3), (0, 0)), mode="edge")
    moved = np.empty_like(beats)
    for beat, first in enumerate(whole + 1):
        near = padded[beat, first : first + beats.shape[1] + 3]
        moved[beat] = sum(
            weight[beat] * near[step : step + beats.shape[1]] for step, weight in enumerate(weights)
        )
    return moved


def atrial_likeness(beats: Floats, onset: int) -> float | None:
    """Return how alike the beats are where P waves lie: their mean correlation, two by two.

    Where a P wave comes with every QRS complex it is near 1; fibrillatory waves come at any time
    and leave it near 0, though their mean over few beats still looks like a P wave.

    Args:
        beats: ``(beats, samples, leads)`` in mV, NaN where a beat has no values.
        onset: Where the QRS complex begins.

    Returns:
        -1 to 1, or None where fewer than three beats have values there.
    """
    part = beats[:, max(onset - _ATRIAL_SAMPLES, 0) : onset - 4]
    part = part[np.isfinite(part).all(axis=(1, 2))]
    if len(part) < 3:
        return None
    # A slope is T's end or drift.
    share = np.linspace(-1, 1, part.shape[1])[:, None]
    part = part - part.mean(axis=1, keepdims=True)
    part = part - share * (part * share).sum(axis=1, keepdims=True) / (share**2).sum()
    alone = float((part**2).sum())
    together = float((part.sum(axis=0) ** 2).sum())
    return (together - alone) / ((len(part) - 1) * alone + 1e-12)


def without_fast_noise(typical: Floats) -> Floats:
    """Take the noise above 30 Hz away where a beat has nothing as fast.

    P and T waves, ST and PR segments have nothing there but the noise of muscles; QRS complexes
    have. What polynomials (Savitzky & Golay 1964) leave is kept by the share of its energy, in all
    leads together, that is more than usual in this beat: the rule of Wiener, one share for all
    leads, so that their equations hold. Beats without noise stay as they are.

    Args:
        typical: ``(samples, leads)`` in mV at 500 Hz.

    Returns:
        The same with less noise.
    """
    padded = np.pad(typical, ((_REACH, _REACH), (0, 0)), mode="reflect", reflect_type="odd")
    slow = convolve1d(padded, _polynomials(), axis=0)[_REACH:-_REACH]
    fast = typical - slow
    energy = uniform_filter1d(fast**2, _LOCAL, axis=0)
    noise = np.median(energy, axis=0) + 1e-12
    excess = (energy / noise).mean(axis=1)
    kept = (1 - CERTAIN / np.maximum(excess, 1e-9)).clip(0)
    return np.asarray(slow + kept[:, None] * fast)


@cache
def _polynomials() -> Floats:
    """Return the weights of the smoothing."""
    return np.asarray(savgol_coeffs(2 * _REACH + 1, 4), np.float64)
