"""Where the heartbeats of a recording are, which of them look alike, and why others do not."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, find_peaks, oaconvolve, sosfiltfilt

from cmae.data.modality import ECG, ECG_RATE_HZ, LEADS, R_PEAK_SAMPLE

Floats = NDArray[np.float64]
Samples = NDArray[np.intp]

INDEPENDENT = tuple(LEADS.index(lead) for lead in ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"))
"""Columns of the leads that do not follow from two others."""
LEFT = tuple(LEADS.index(lead) for lead in ("I", "II", "V5", "V6"))
"""Leads whose largest deflection is the R wave, where V1–V3 have their deep, later S wave."""

BEFORE, LENGTH = R_PEAK_SAMPLE, ECG.shape[0]
AFTER = LENGTH - BEFORE

_RATE = int(ECG_RATE_HZ)
_QRS = slice(BEFORE - 40, BEFORE + 60)
_SHAPE = slice(BEFORE - 50, BEFORE + 160)

_HEIGHT = 0.42
"""Least height of a QRS complex against those around it, in the energy that finds them."""
_HEIGHT_IN_GAP = 0.17
"""The same where the rhythm leaves a gap: wide ectopic beats have little energy in the band."""
_GAP = 1.4
"""Times the usual interval that makes a gap."""
_ROUGH = 1.2
"""Roughness above which a beat is noise rather than ectopic."""
_T_REACH = int(0.36 * _RATE)
"""A T wave comes within these samples of its QRS complex."""


@dataclass(frozen=True)
class Beats:
    """The heartbeats of a recording.

    Attributes:
        peaks: R peaks in samples at 500 Hz, increasing, (beats,).
        is_dominant: Whether a beat belongs to the largest group that looks alike, (beats,).
        is_ectopic: Whether a beat starts elsewhere in the heart: its QRS complex has another
            shape and comes early, is wide, or occurs more than once, (beats,). What is neither
            dominant nor ectopic is disturbed.
    """

    peaks: Samples
    is_dominant: NDArray[np.bool_]
    is_ectopic: NDArray[np.bool_]


def beats_of(rough: Floats) -> Beats:
    """Find, align and sort the beats of a recording.

    Args:
        rough: ``(samples, 12)`` in mV at 500 Hz, high-passed.

    Returns:
        Its beats; none, if there are none.
    """
    peaks = _aligned(rough, find_beats(rough))
    if len(peaks) < 2:
        nothing = np.zeros(len(peaks), np.bool_)
        return Beats(peaks, nothing, nothing)
    inside = (peaks + _SHAPE.start - BEFORE >= 0) & (peaks + _SHAPE.stop - BEFORE <= len(rough))
    is_dominant = np.zeros(len(peaks), np.bool_)
    is_dominant[inside] = _is_dominant(windows(rough, peaks[inside], _SHAPE))
    if is_dominant.any():
        peaks = _centered(rough, peaks, is_dominant)
    return Beats(peaks, is_dominant, _is_ectopic(rough, peaks, is_dominant, inside))


def find_beats(signals: Floats) -> Samples:
    """Find the QRS complexes of all leads together.

    The energy of the band of the QRS (8–30 Hz), summed over the leads after each is scaled to its
    own size, is smoothed over 90 ms; its peaks above a share of their running height are beats.
    Where that leaves a gap in the rhythm, a lower peak fills it.

    Args:
        signals: ``(samples, 12)`` in mV at 500 Hz, without drift.

    Returns:
        ``(beats,)`` samples, increasing.
    """
    band = sosfiltfilt(
        butter(2, (8.0, 30.0), "bandpass", fs=_RATE, output="sos"),
        signals[:, INDEPENDENT],
        axis=0,
    )
    size = np.percentile(np.abs(band[::4]), 98, axis=0)
    # A burst of noise in one lead must not outweigh the others.
    power = np.minimum((band / (size + 1e-9)) ** 2, 9.0)
    energy = np.sqrt(uniform_filter1d(power.mean(axis=1), 45).clip(0))
    candidates, _ = find_peaks(energy, distance=int(0.24 * _RATE), prominence=0.05 * energy.max())
    if not len(candidates):
        return np.zeros(0, np.intp)
    heights = energy[candidates]
    near = np.abs(candidates[:, None] - candidates[None, :]) < 2 * _RATE
    typical = np.array([np.percentile(heights[row], 75) for row in near])
    ratio = heights / typical
    taken = ratio > _HEIGHT
    _drop_t_waves(candidates, heights, taken)
    _fill_gaps(candidates, ratio, taken)
    return np.asarray(candidates[taken], np.intp)


def _drop_t_waves(candidates: Samples, heights: Floats, taken: NDArray[np.bool_]) -> None:
    """Give up, in place, what follows a much larger beat as closely as its T wave does."""
    last = -1
    for place in np.flatnonzero(taken):
        is_close = last >= 0 and candidates[place] - candidates[last] < _T_REACH
        if is_close and heights[place] < 0.6 * heights[last]:
            taken[place] = False
        else:
            last = int(place)


def _fill_gaps(candidates: Samples, ratio: Floats, taken: NDArray[np.bool_]) -> None:
    """Take, in place, the highest candidate of every gap in the rhythm, if it is high enough."""
    for _ in range(8):
        found = candidates[taken]
        if len(found) < 3:
            return
        usual = float(np.median(np.diff(found)))
        apart = int(max(0.4 * usual, 0.28 * _RATE))
        changed = False
        for start, stop in pairwise(found):
            if stop - start < _GAP * usual:
                continue
            inside = (candidates > start + apart) & (candidates < stop - apart)
            inside &= ratio > _HEIGHT_IN_GAP
            if inside.any():
                taken[np.argmax(np.where(inside, ratio, 0.0))] = changed = True
        if not changed:
            return


def windows(signals: Floats, peaks: Samples, part: slice = slice(None)) -> Floats:
    """Cut ``(beats, 600, 12)``, or a part, around the peaks; outside, the ends' values hold."""
    index = peaks[:, None] + np.arange(-BEFORE, AFTER)[part]
    return np.asarray(signals[np.clip(index, 0, len(signals) - 1)], np.float64)


def magnitude(signals: Floats, leads: tuple[int, ...] = INDEPENDENT) -> Floats:
    """Root mean square over some leads, which are the last axis."""
    chosen = signals[..., leads]
    return np.asarray(np.sqrt(np.einsum("...l,...l->...", chosen, chosen) / len(leads)))


def likeness(beats: Floats, template: Floats) -> Floats:
    """Correlate beats (n, time, 12) with templates (time, 12) or (m, time, 12), all leads at once.

    Each lead's mean is taken away; leads count by their size.

    Returns:
        (n,), or (n, m).
    """
    one = (beats - beats.mean(axis=1, keepdims=True)).reshape(len(beats), -1)
    other = (template - template.mean(axis=-2, keepdims=True)).reshape(*template.shape[:-2], -1)
    product = one @ other.T
    scale = np.linalg.norm(one, axis=1)
    sizes = np.linalg.norm(other, axis=-1)
    return np.asarray(product / (np.multiply.outer(scale, sizes) + 1e-12))


def qrs_onset(template: Floats) -> int:
    """Sample at which the QRS complex of a beat ``(600, 12)`` begins.

    Walking back from the steepest slope, the first 12 ms in which the leads move less than a
    twelfth as fast.
    """
    speed = uniform_filter1d(magnitude(np.diff(template, axis=0)), 5)
    start, stop = BEFORE - 60, BEFORE + 20
    steepest = start + int(np.argmax(speed[start:stop]))
    limit = max(speed[steepest] / 12, 2 * float(np.percentile(speed[BEFORE - 125 : start], 30)))
    for sample in range(min(steepest, BEFORE), BEFORE - 80, -1):
        if speed[sample - 6 : sample].max() < limit:
            return sample
    return BEFORE - 40


def _aligned(rough: Floats, peaks: Samples) -> Samples:
    """Move each peak to the largest magnitude near it, then to the best fit with the others."""
    if not len(peaks):
        return peaks
    size = magnitude(rough, LEFT)
    starts = np.maximum(peaks - 40, 0)
    near = np.minimum(starts[:, None] + np.arange(81), len(rough) - 1)
    peaks = np.unique(starts + np.argmax(size[near], axis=1))
    for _ in range(2):
        peaks = np.unique(_shifted(rough, peaks, peaks, reach=20))
    return peaks


def _shifted(rough: Floats, peaks: Samples, alike: Samples, *, reach: int) -> Samples:
    """Move each peak by at most ``reach`` to where its QRS best fits the median of ``alike``."""
    template = np.median(windows(rough, alike, _QRS), axis=0)[:, INDEPENDENT]
    leads = rough[:, INDEPENDENT]
    product = oaconvolve(leads, template[::-1], "full", axes=0).sum(axis=1)
    power = np.concatenate([[0.0], np.cumsum((leads**2).sum(axis=1))])
    starts = peaks[:, None] + np.arange(-reach, reach + 1) + _QRS.start - BEFORE
    span = _QRS.stop - _QRS.start
    end = np.clip(starts + span, 0, len(rough))
    energy = power[end] - power[np.clip(starts, 0, len(rough))]
    score = product[np.clip(starts + span - 1, 0, len(product) - 1)] / np.sqrt(energy + 1e-9)
    return np.asarray(peaks + np.argmax(score, axis=1) - reach, np.intp)


def _is_dominant(shapes: Floats) -> NDArray[np.bool_]:
    """Tell which beats (n, time, 12) belong to the largest group of beats that look alike.

    Of two groups of about the same size the one with the narrower QRS complex is taken: in
    bigeminy every other beat is ectopic, and ectopic beats are wide.
    """
    count = len(shapes)
    if count < 2:
        return np.ones(count, np.bool_)
    alikeness = likeness(shapes, shapes)
    for threshold in (0.92, 0.85, 0.75):
        alike = alikeness > threshold
        first = alike[np.argmax(alike.sum(axis=1) + alikeness.mean(axis=1))]
        if first.sum() >= max(2, count / 2 - 0.5):
            break
    others = alike & ~first
    second = others[np.argmax(others.sum(axis=1))]
    if second.sum() >= max(2, 0.7 * first.sum()) and _width(shapes[second]) < 0.8 * _width(
        shapes[first]
    ):
        first = second
    fits = likeness(shapes, np.median(shapes[first], axis=0))
    return np.asarray(fits > min(threshold, float(np.median(fits[first])) - 0.05))


def _width(shapes: Floats) -> float:
    """Samples in which the median of some beats moves faster than a quarter of its fastest."""
    speed = magnitude(np.diff(np.median(shapes, axis=0), axis=0))
    return float((speed > 0.25 * speed.max()).sum())


def _roughness(beat: Floats) -> float:
    """How much the slope of a beat (time, 12) changes against its size, in steps of 6 ms.

    Noise turns all the time (1.7 if white), QRS complexes seldom (below 1).
    """
    steps = beat[: len(beat) // 3 * 3].reshape(-1, 3, beat.shape[1]).mean(axis=1)
    slope = np.diff(steps, axis=0)
    return float(np.linalg.norm(np.diff(slope, axis=0)) / (np.linalg.norm(slope) + 1e-12))


def _centered(rough: Floats, peaks: Samples, is_dominant: NDArray[np.bool_]) -> Samples:
    """Align the beats with the dominant ones and put R, the largest of the left leads, in place."""
    peaks = _shifted(rough, peaks, peaks[is_dominant], reach=6)
    template = np.median(windows(rough, peaks[is_dominant], _QRS), axis=0)
    shift = int(np.argmax(magnitude(template, LEFT))) + _QRS.start - BEFORE
    return np.asarray(np.clip(peaks + shift, 0, len(rough) - 1), np.intp)


def _is_ectopic(
    rough: Floats, peaks: Samples, is_dominant: NDArray[np.bool_], inside: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tell which beats have a QRS complex of another kind."""
    result = np.zeros(len(peaks), np.bool_)
    if not is_dominant.any():
        return result
    complexes = windows(rough, peaks, _QRS)
    usual = np.median(complexes[is_dominant], axis=0)
    other = ~is_dominant & inside & (likeness(complexes, usual) < 0.8)
    other &= np.array([_roughness(one) for one in complexes]) < _ROUGH
    width = _width(usual[None])
    interval = float(np.median(np.diff(peaks)))
    alike = likeness(complexes, complexes) > 0.8
    for place in np.flatnonzero(other):
        is_early = place > 0 and peaks[place] - peaks[place - 1] < 0.85 * interval
        is_wide = _width(complexes[place : place + 1]) > 1.3 * width
        result[place] = is_early or is_wide or (alike[place] & other).sum() > 1
    return result
