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
