"""What all leads together say of a QRS complex: how large it is, how fast, and where it begins."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from cmae.data.modality import ECG, LEADS, R_PEAK_SAMPLE

Floats = NDArray[np.float64]

INDEPENDENT = tuple(LEADS.index(lead) for lead in ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"))
"""Columns of the leads that do not follow from two others."""
LEFT = (0, 1, 6, 7)
"""Of the independent leads I, II, V5 and V6: their largest deflection is the R wave, where V1–V3
have their deep, later S wave."""

BEFORE, LENGTH = R_PEAK_SAMPLE, ECG.shape[0]
AFTER = LENGTH - BEFORE

_STILL = 6


def independent(signals: Floats) -> Floats:
    """Return the independent leads ``(..., 8)`` of twelve."""
    return np.asarray(signals[..., INDEPENDENT])


def magnitude(leads: Floats) -> Floats:
    """Root mean square over the leads, which are the last axis."""
    return np.asarray(np.sqrt(np.einsum("...l,...l->...", leads, leads) / leads.shape[-1]))


def left_magnitude(leads: Floats) -> Floats:
    """Root mean square of I, II, V5 and V6 of the independent leads ``(..., 8)``."""
    return magnitude(leads[..., LEFT])


def qrs_onset(beat: Floats, r_sample: int = BEFORE) -> int:
    """Sample at which the QRS complex of a beat begins.

    Walking back from the steepest slope, the first 12 ms in which the leads move less than a
    twelfth as fast and are low. Wide, notched complexes also stand still in their middle, high
    above the PR segment.

    Args:
        beat: The independent leads, ``(samples, 8)`` in mV at 500 Hz.
        r_sample: Where R is.

    Returns:
        Its sample, at least 12.
    """
    speed = uniform_filter1d(magnitude(np.diff(beat, axis=0)), 5)
    start, stop = max(r_sample - 60, 0), r_sample + 20
    steepest = start + int(np.argmax(speed[start:stop]))
    still = float(np.percentile(speed[max(r_sample - 125, 0) : start + 10], 30))
    limit = max(speed[steepest] / 12, 2 * still)
    level = np.median(beat[max(r_sample - 110, 0) : r_sample - 35], axis=0)
    height = magnitude(beat - level)
    is_low = height < 0.2 * height[start:stop].max()
    is_slow = speed < limit
    for sample in range(min(steepest, r_sample), max(r_sample - 80, 12), -1):
        if is_low[sample] and is_slow[sample - _STILL : sample].all():
            return sample
    return max(r_sample - 40, 12)
