"""What of the window about a beat is its own, and what its neighbors'."""

import numpy as np
from numpy.typing import NDArray

from cmae.readers.heartbeats import Beats
from cmae.readers.qrs_complex import AFTER, BEFORE, LENGTH

Floats = NDArray[np.float64]
Samples = NDArray[np.intp]

MIN_BEATS = 2
"""Beats with values at a sample, below which their neighbors' values count as well."""

_OWN_SHARE = 0.36
"""Share of the RR interval before an R peak that belongs to its beat (P wave and PR segment)."""


def known_samples(
    found: Beats, chosen: NDArray[np.bool_], offsets: Samples, samples: int
) -> NDArray[np.bool_]:
    """Tell what of each chosen beat counts, ``(beats, offsets)``, at offsets from its R peak.

    What lies outside the recording, and what belongs to a neighbor of another kind, does not
    count, unless nearly every beat has one there, as in bigeminy.
    """
    index = found.peaks[chosen, None] + offsets
    inside = (index >= 0) & (index < samples)
    first, last = own_samples(found.peaks)
    is_strange = np.concatenate([[False], ~found.is_dominant, [False]])
    after_strange, before_strange = is_strange[:-2][chosen, None], is_strange[2:][chosen, None]
    known = inside & ~(after_strange & (offsets < first[chosen, None]))
    known &= ~(before_strange & (offsets >= last[chosen, None]))
    scarce = known.sum(axis=0) < MIN_BEATS
    known[:, scarce] = inside[:, scarce]
    return np.asarray(known)


def own_samples(peaks: Samples) -> tuple[Samples, Samples]:
    """Return from where to where about R the samples are a beat's own, for every beat."""
    intervals = np.diff(peaks, axis=0)
    end = np.full_like(peaks[:1], 10 * LENGTH)
    before = (_OWN_SHARE * np.concatenate([end, intervals])).astype(np.intp)
    after = ((1 - _OWN_SHARE) * np.concatenate([intervals, end])).astype(np.intp)
    return -np.minimum(before, BEFORE), np.minimum(after, AFTER)


def own_cycle(beats: Floats, found: Beats, chosen: NDArray[np.bool_]) -> Floats:
    """Return the beats with NaN where the beat before or after has its waves."""
    first, last = own_samples(found.peaks)
    offsets = np.arange(-BEFORE, AFTER)
    owned = beats.copy()
    owned[(offsets < first[chosen, None]) | (offsets >= last[chosen, None])] = np.nan
    return owned
