"""Where the heartbeats of a recording are, which of them look alike, and why others do not."""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

from cmae.data.modality import ECG_RATE_HZ
from cmae.readers.beat_average import middle
from cmae.readers.drift import block_means
from cmae.readers.qrs_complex import AFTER, BEFORE, left_magnitude, magnitude

Floats = NDArray[np.float64]
Samples = NDArray[np.intp]

_RATE = int(ECG_RATE_HZ)
_QRS = slice(BEFORE - 40, BEFORE + 60)
_SHAPE = slice(BEFORE - 50, BEFORE + 160)

_SEARCH_HZ = 100
"""Rate at which QRS complexes are looked for: their band ends at 30 Hz."""
_HEIGHT = 0.42
"""Least height of a QRS complex against those around it, in the energy that finds them."""
_HEIGHT_IN_GAP = 0.17
"""The same where the rhythm leaves a gap: wide ectopic beats have little energy in the band."""
_GAP = 1.4
"""Times the usual interval that makes a gap."""
_GAP_AT_END = 1.15
"""The same from the last beat to the end of the recording."""
_HEIGHT_AT_END = 0.28
"""The least height from the last beat to the end and from the begin to the first beat, where no
rhythm tells whether a beat was due: P waves and T waves stay below."""
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
        rough: The independent leads, ``(samples, 8)`` in mV at 500 Hz, high-passed.

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


def find_beats(leads: Floats) -> Samples:
    """Find the QRS complexes of all leads together.

    The energy of the band of the QRS (8–30 Hz), summed over the leads after each is scaled to its
    own size, is smoothed over 90 ms; its peaks above a share of their running height are beats.
    Where that leaves a gap in the rhythm, a lower peak fills it.

    Args:
        leads: The independent leads, ``(samples, 8)`` in mV at 500 Hz, without drift.

    Returns:
        ``(beats,)`` samples, increasing.
    """
    step = _RATE // _SEARCH_HZ
    coarse = block_means(leads, step)
    band = sosfiltfilt(_qrs_band(), coarse, axis=0)
    size = np.percentile(np.abs(band), 98, axis=0)
    # A burst of noise in one lead must not outweigh the others.
    power = np.minimum((band / (size + 1e-9)) ** 2, 9.0)
    energy = np.sqrt(uniform_filter1d(power.mean(axis=1), 9).clip(0))
    apart = int(0.24 * _SEARCH_HZ)
    places, _ = find_peaks(energy, distance=apart, prominence=0.05 * energy.max())
    if not len(places):
        return np.zeros(0, np.intp)
    candidates = np.asarray(places * step + step // 2, np.intp)
    heights = energy[places]
    ratio = heights / _running_height(candidates, heights)
    taken = ratio > _HEIGHT
    _drop_t_waves(candidates, heights, taken)
    _fill_gaps(candidates, ratio, taken, len(leads))
    return np.asarray(candidates[taken], np.intp)


@cache
def _qrs_band() -> Floats:
    """Return the sections of a Butterworth filter of second order, 8–30 Hz."""
    band = (8.0, 30.0)
    return np.asarray(butter(2, band, "bandpass", fs=_SEARCH_HZ, output="sos"), np.float64)


def _running_height(candidates: Samples, heights: Floats) -> Floats:
    """Return the upper quartile of the heights within two seconds of each candidate."""
    near = np.abs(candidates[:, None] - candidates[None, :]) < 2 * _RATE
    ranked = np.sort(np.where(near, heights, np.inf), axis=1)
    # Rounded up: among few candidates at an end, P and T waves would lower it between two.
    place = np.ceil(0.75 * (near.sum(axis=1) - 1)).astype(np.intp)
    return np.asarray(ranked[np.arange(len(candidates)), place])


def _drop_t_waves(candidates: Samples, heights: Floats, taken: NDArray[np.bool_]) -> None:
    """Give up, in place, what follows a much larger beat as closely as its T wave does."""
    last = -1
    for place in np.flatnonzero(taken):
        is_close = last >= 0 and candidates[place] - candidates[last] < _T_REACH
        if is_close and heights[place] < 0.6 * heights[last]:
            taken[place] = False
        else:
            last = int(place)


def _fill_gaps(candidates: Samples, ratio: Floats, taken: NDArray[np.bool_], samples: int) -> None:
    """Take, in place, the highest candidate of every gap in the rhythm, if it is high enough.

    At the end of the recording a gap is where another beat was due. Early ectopic beats at either
    end, which no rhythm makes due, are taken if they are higher than T and P waves.
    """
    for _ in range(8):
        found = candidates[taken]
        if len(found) < 3:
            return
        usual = float(np.median(np.diff(found)))
        apart = int(max(0.4 * usual, 0.28 * _RATE))
        gaps = [
            (start + apart, stop - apart, _HEIGHT_IN_GAP)
            for start, stop in pairwise(found)
            if stop - start >= _GAP * usual
        ]
        if samples - found[-1] >= _GAP_AT_END * usual:
            gaps.append((found[-1] + apart, samples, _HEIGHT_IN_GAP))
        away = max(apart, _T_REACH)
        gaps.append((found[-1] + away, samples, _HEIGHT_AT_END))
        # The T wave of a beat before the begin lies nearer to it than T_REACH.
        gaps.append((_T_REACH, found[0] - int(max(0.6 * usual, away)), _HEIGHT_AT_END))
        changed = False
        for first, last, height in gaps:
            inside = (candidates > first) & (candidates < last) & (ratio > height) & ~taken
            if inside.any():
                taken[np.argmax(np.where(inside, ratio, 0.0))] = changed = True
        if not changed:
            return


def windows(signals: Floats, peaks: Samples, part: slice = slice(None)) -> Floats:
    """Cut ``(beats, 600, leads)``, or a part, around the peaks; outside, the ends' values hold."""
    offsets = np.arange(-BEFORE, AFTER)[part]
    cut = np.empty((len(peaks), len(offsets), *signals.shape[1:]))
    for beat, peak in enumerate(peaks):
        first, stop = peak + offsets[0], peak + offsets[-1] + 1
        if first >= 0 and stop <= len(signals):
            cut[beat] = signals[first:stop]  # three times as fast as picking samples one by one
        else:
            cut[beat] = signals[np.clip(peak + offsets, 0, len(signals) - 1)]
    return cut


def likeness(beats: Floats, template: Floats) -> Floats:
    """Correlate beats (n, time, 8) with templates (time, 8) or (m, time, 8), all leads at once.

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


def _aligned(rough: Floats, peaks: Samples) -> Samples:
    """Move each peak to the largest magnitude near it, then to the best fit with the others."""
    if not len(peaks):
        return peaks
    size = left_magnitude(rough)
    starts = np.maximum(peaks - 40, 0)
    near = np.minimum(starts[:, None] + np.arange(81), len(rough) - 1)
    peaks = np.unique(starts + np.argmax(size[near], axis=1))
    for _ in range(2):
        peaks = np.unique(_shifted(rough, peaks, peaks, reach=20))
    return peaks


def _shifted(rough: Floats, peaks: Samples, alike: Samples, *, reach: int) -> Samples:
    """Move each peak by at most ``reach`` to where its QRS best fits the median of ``alike``."""
    template = middle(windows(rough, alike, _QRS))
    span, leads = template.shape
    wide = slice(_QRS.start - reach, _QRS.stop + reach)
    around = windows(rough, peaks, wide)
    margin = np.zeros(2 * reach * leads)
    padded = np.concatenate([margin, template.ravel(), margin])
    # Row s holds the template moved by s - reach samples.
    moved = sliding_window_view(padded, around[0].size)[::leads][::-1]
    product = around.reshape(len(around), -1) @ moved.T
    power = np.cumsum(np.einsum("btl,btl->bt", around, around), axis=1)
    power = np.concatenate([np.zeros((len(power), 1)), power], axis=1)
    score = product / np.sqrt(power[:, span:] - power[:, :-span] + 1e-9)
    return np.asarray(peaks + np.argmax(score, axis=1) - reach, np.intp)


def _is_dominant(shapes: Floats) -> NDArray[np.bool_]:
    """Tell which beats (n, time, 8) belong to the largest group of beats that look alike.

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
    fits = likeness(shapes, middle(shapes[first]))
    return np.asarray(fits > min(threshold, float(np.median(fits[first])) - 0.05))


def _width(shapes: Floats) -> float:
    """Samples in which the median of some beats moves faster than a quarter of its fastest."""
    speed = magnitude(np.diff(middle(shapes), axis=0))
    return float((speed > 0.25 * speed.max()).sum())


def _roughness(beat: Floats) -> float:
    """How much the slope of a beat (time, 8) changes against its size, in steps of 6 ms.

    Noise turns all the time (1.7 if white), QRS complexes seldom (below 1).
    """
    steps = beat[: len(beat) // 3 * 3].reshape(-1, 3, beat.shape[1]).mean(axis=1)
    slope = np.diff(steps, axis=0)
    return float(np.linalg.norm(np.diff(slope, axis=0)) / (np.linalg.norm(slope) + 1e-12))


def _centered(rough: Floats, peaks: Samples, is_dominant: NDArray[np.bool_]) -> Samples:
    """Align the beats with the dominant ones and put R, the largest of the left leads, in place."""
    peaks = _shifted(rough, peaks, peaks[is_dominant], reach=6)
    template = middle(windows(rough, peaks[is_dominant], _QRS))
    shift = int(np.argmax(left_magnitude(template))) + _QRS.start - BEFORE
    return np.asarray(np.clip(peaks + shift, 0, len(rough) - 1), np.intp)


def _is_ectopic(
    rough: Floats, peaks: Samples, is_dominant: NDArray[np.bool_], inside: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tell which beats have a QRS complex of another kind."""
    result = np.zeros(len(peaks), np.bool_)
    if not is_dominant.any():
        return result
    complexes = windows(rough, peaks, _QRS)
    usual = middle(complexes[is_dominant])
    other = ~is_dominant & inside & (likeness(complexes, usual) < 0.8)
    for place in np.flatnonzero(other):
        other[place] = _roughness(complexes[place]) < _ROUGH
    if not other.any():
        return result
    width = _width(usual[None])
    interval = float(np.median(np.diff(peaks)))
    alike = likeness(complexes, complexes) > 0.8
    for place in np.flatnonzero(other):
        is_early = place > 0 and peaks[place] - peaks[place - 1] < 0.85 * interval
        is_wide = _width(complexes[place : place + 1]) > 1.3 * width
        result[place] = is_early or is_wide or (alike[place] & other).sum() > 1
    return result
