"""Ten seconds of twelve leads become one representative beat, with a report on how good it is."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

from cmae.data.modality import ECG, ECG_RATE_HZ, LEADS, R_PEAK_SAMPLE
from cmae.errors import ReadError
from cmae.readers.ecg_cleaning import at_500_hz, high_passed, without_mains
from cmae.readers.ecg_record import EcgRecord

MIN_BEATS = 2

_RATE = int(ECG_RATE_HZ)
_BEFORE, _LENGTH = R_PEAK_SAMPLE, ECG.shape[0]
_AFTER = _LENGTH - _BEFORE
_QRS = slice(_BEFORE - 40, _BEFORE + 60)
_SHAPE = slice(_BEFORE - 50, _BEFORE + 160)
_INDEPENDENT = [LEADS.index(lead) for lead in ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")]
_LEFT = [LEADS.index(lead) for lead in ("I", "II", "V5", "V6")]
"""Leads whose largest deflection is the R wave, where V1–V3 have their deep, later S wave."""

_OWN_SHARE = 0.36
"""Share of the RR interval before an R peak that belongs to its beat (P wave and PR segment)."""


@dataclass(frozen=True)
class MedianBeat:
    """One representative beat of a recording and how it came about.

    Attributes:
        recording: ``(600, 12)`` in mV at 500 Hz, leads in clinical order, R peak at sample 200,
            the PR segment at 0 mV. At fast rates the neighbouring beats show at the ends of the
            window, smeared if the rhythm is irregular.
        rr_ms: Mean interval between successive beats in ms.
        beats_used: Beats of the dominant morphology that the median was taken over.
        beats_rejected: Beats of other morphology (ectopic, disturbed), or cut by an end.
        correlation: Mean correlation of the used beats with the median beat.
        noise_uv: Root mean square of the used beats' departure from the median beat in µV,
            from their own P wave to the next.
    """

    recording: NDArray[np.float32] = field(repr=False)
    rr_ms: float
    beats_used: int
    beats_rejected: int
    correlation: float
    noise_uv: float

    @property
    def heart_rate_bpm(self) -> float:
        """Mean ventricular rate in beats a minute."""
        return 60_000.0 / self.rr_ms


def median_beat(record: EcgRecord) -> MedianBeat:
    """Compute the median beat of a recording.

    One series of R peaks is found in all leads together; beats are aligned by correlation; those
    that look like the largest group are kept; drift is removed by a cubic spline through their
    PR segments, which leaves the ST segment as it is; the median is taken sample by sample.

    Args:
        record: Some seconds of the twelve leads in mV at any rate.

    Returns:
        The median beat with its report.

    Raises:
        ReadError: Too short, flat or missing leads, implausible voltages, or too few usable beats.
    """
    signals = at_500_hz(record)
    signals = without_mains(signals)
    rough = high_passed(signals, 0.6)
    peaks = _align(rough, find_beats(rough))
    if len(peaks) < MIN_BEATS + 1:
        raise ReadError(
            f"Only {len(peaks)} heartbeats were found in {record.duration_s:.1f} s of ECG: at "
            f"least {MIN_BEATS + 1} are needed; record for longer."
        )
    rr_ms = 1000.0 * float(np.diff(peaks).mean()) / _RATE
    whole = peaks[(peaks >= _BEFORE) & (peaks + _AFTER <= len(signals))]
    chosen = _dominant(rough, whole)
    if len(chosen) < MIN_BEATS:
        raise ReadError(
            f"Of {len(peaks)} heartbeats in the ECG only {len(chosen)} can be used: at least "
            f"{MIN_BEATS} whole beats of one shape are needed; record longer or quieter."
        )
    chosen = _centred(rough, chosen)
    level, onset = _baseline(signals, rough, chosen)
    beats = _windows(signals - level, chosen)
    recording = np.median(beats, axis=0)
    recording -= recording[onset - 12 : onset - 2].mean(axis=0)
    _check_voltage(recording)
    departure = _own_cycle(beats, chosen, peaks) - recording
    return MedianBeat(
        recording=recording.astype(np.float32),
        rr_ms=rr_ms,
        beats_used=len(chosen),
        beats_rejected=len(peaks) - len(chosen),
        correlation=float(_correlations(beats[:, _SHAPE], recording[_SHAPE]).mean()),
        noise_uv=1000.0 * float(np.sqrt(np.nanmean(departure**2))),
    )


def find_beats(signals: NDArray[np.float64]) -> NDArray[np.intp]:
    """Find the QRS complexes of all leads together.

    The energy of the band of the QRS (8–30 Hz), summed over the leads after each is scaled to its
    own size, is smoothed over 90 ms; its peaks above a share of their running height are beats.

    Args:
        signals: ``(samples, 12)`` in mV at 500 Hz, without drift.

    Returns:
        ``(beats,)`` samples, increasing.
    """
    band = sosfiltfilt(butter(2, (8.0, 30.0), "bandpass", fs=_RATE, output="sos"), signals, axis=0)
    size = np.percentile(np.abs(band), 98, axis=0)
    energy = np.sqrt(uniform_filter1d(np.mean((band / (size + 1e-9)) ** 2, axis=1), 45))
    candidates, _ = find_peaks(energy, distance=int(0.24 * _RATE), prominence=0.1 * energy.max())
    if not len(candidates):
        return np.zeros(0, np.intp)
    heights = energy[candidates]
    near = np.abs(candidates[:, None] - candidates[None, :]) < 2 * _RATE
    typical = np.array([np.percentile(heights[row], 75) for row in near])
    return np.asarray(candidates[heights > 0.42 * typical], np.intp)


def _windows(
    signals: NDArray[np.float64], peaks: NDArray[np.intp], part: slice = slice(None)
) -> NDArray[np.float64]:
    """Cut ``(beats, 600, 12)``, or a part, around the peaks; outside, the ends' values hold."""
    index = peaks[:, None] + np.arange(-_BEFORE, _AFTER)[part]
    return np.asarray(signals[np.clip(index, 0, len(signals) - 1)], np.float64)


def _magnitude(signals: NDArray[np.float64], leads: list[int]) -> NDArray[np.float64]:
    """Root mean square over some leads, which are the last axis."""
    return np.asarray(np.sqrt(np.mean(signals[..., leads] ** 2, axis=-1)))


def _align(rough: NDArray[np.float64], peaks: NDArray[np.intp]) -> NDArray[np.intp]:
    """Move each peak to the largest magnitude near it, then to the best fit with the others."""
    if not len(peaks):
        return peaks
    magnitude = _magnitude(rough, _LEFT)
    moved = []
    for peak in peaks:
        start = max(peak - 40, 0)
        moved.append(start + int(np.argmax(magnitude[start : peak + 41])))
    peaks = np.unique(moved)
    for _ in range(2):
        template = np.median(_windows(rough, peaks, _QRS), axis=0)
        peaks = _shifted(rough, peaks, template, reach=20)
    return peaks


def _shifted(
    rough: NDArray[np.float64],
    peaks: NDArray[np.intp],
    template: NDArray[np.float64],
    *,
    reach: int,
) -> NDArray[np.intp]:
    """Move each peak by at most ``reach`` samples to where its QRS fits the template best."""
    shifts = np.arange(-reach, reach + 1)
    index = peaks[:, None, None] + shifts[:, None] + np.arange(-_BEFORE, _AFTER)[_QRS]
    cuts = rough[np.clip(index, 0, len(rough) - 1)]
    scores = np.einsum("bstl,tl->bs", cuts, template)
    scores /= np.sqrt(np.einsum("bstl,bstl->bs", cuts, cuts)) + 1e-9
    return np.unique(peaks + shifts[np.argmax(scores, axis=1)])


def _correlations(beats: NDArray[np.float64], template: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of each beat ``(beats, time, 12)`` with a template over all leads together."""
    known = np.isfinite(beats)
    deviation = np.where(known, beats - np.nanmean(beats, axis=1, keepdims=True), 0.0)
    reference = np.where(known, template - template.mean(axis=0), 0.0)
    product = np.sum(deviation * reference, axis=(1, 2))
    size = np.sum(deviation**2, axis=(1, 2)) * np.sum(reference**2, axis=(1, 2))
    return np.asarray(product / (np.sqrt(size) + 1e-12))


def _dominant(rough: NDArray[np.float64], peaks: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the peaks of the largest group of beats that look alike.

    Of two groups of about the same size the one with the narrower QRS complex is taken: in
    bigeminy every other beat is ectopic, and ectopic beats are wide.
    """
    if len(peaks) < MIN_BEATS:
        return peaks
    shapes = _windows(rough, peaks, _SHAPE)
    likeness = np.stack([_correlations(shapes, shape) for shape in shapes])
    for threshold in (0.92, 0.85, 0.75):
        alike = likeness > threshold
        first = alike[np.argmax(alike.sum(axis=1) + likeness.mean(axis=1))]
        if first.sum() >= max(MIN_BEATS, len(peaks) / 2 - 0.5):
            break
    others = alike & ~first
    second = others[np.argmax(others.sum(axis=1))]
    if second.sum() >= max(MIN_BEATS, 0.7 * first.sum()) and _width(shapes[second]) < 0.8 * _width(
        shapes[first]
    ):
        first = second
    template = np.median(shapes[first], axis=0)
    fits = _correlations(shapes, template)
    return peaks[fits > min(threshold, float(np.median(fits[first])) - 0.05)]


def _width(shapes: NDArray[np.float64]) -> float:
    """Samples in which the median of some beats moves faster than a quarter of its fastest."""
    speed = _magnitude(np.diff(np.median(shapes, axis=0), axis=0), _INDEPENDENT)
    return float((speed > 0.25 * speed.max()).sum())


def _centred(rough: NDArray[np.float64], peaks: NDArray[np.intp]) -> NDArray[np.intp]:
    """Align the chosen beats once more and put R, the largest of the left leads, in place."""
    template = np.median(_windows(rough, peaks, _QRS), axis=0)
    peaks = _shifted(rough, peaks, template, reach=6)
    magnitude = _magnitude(np.median(_windows(rough, peaks, _QRS), axis=0), _LEFT)
    shift = int(np.argmax(magnitude)) + _QRS.start - _BEFORE
    return np.clip(peaks + shift, 0, len(rough) - 1)


def _qrs_onset(template: NDArray[np.float64]) -> int:
    """Sample at which the QRS complex of a beat ``(600, 12)`` begins.

    Walking back from the steepest slope, the first 12 ms in which the leads move less than a
    twelfth as fast.
    """
    speed = uniform_filter1d(_magnitude(np.diff(template, axis=0), _INDEPENDENT), 5)
    start, stop = _BEFORE - 60, _BEFORE + 20
    steepest = start + int(np.argmax(speed[start:stop]))
    limit = max(speed[steepest] / 12, 2 * float(np.percentile(speed[_BEFORE - 125 : start], 30)))
    for sample in range(min(steepest, _BEFORE), _BEFORE - 80, -1):
        if speed[sample - 6 : sample].max() < limit:
            return sample
    return _BEFORE - 40


def _baseline(
    signals: NDArray[np.float64], rough: NDArray[np.float64], peaks: NDArray[np.intp]
) -> tuple[NDArray[np.float64], int]:
    """Return the drift ``(samples, 12)`` through the PR segments, and the sample of QRS onset."""
    onset = _qrs_onset(np.median(_windows(rough, peaks), axis=0))
    offset = np.arange(onset - 12, onset - 2) - _BEFORE
    levels = signals[np.clip(peaks[:, None] + offset, 0, len(signals) - 1)].mean(axis=1)
    knots = peaks + int(offset.mean())
    time = np.clip(np.arange(len(signals)), knots[0], knots[-1])
    return np.asarray(CubicSpline(knots, levels, axis=0, bc_type="natural")(time)), onset


def _own_cycle(
    beats: NDArray[np.float64], chosen: NDArray[np.intp], peaks: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the beats with NaN where the beat before or after has its waves."""
    time = np.arange(-_BEFORE, _AFTER)
    owned = beats.copy()
    for beat, peak in enumerate(chosen):
        near = int(np.argmin(np.abs(peaks - peak)))
        if near > 0:
            owned[beat, time < -_OWN_SHARE * (peak - peaks[near - 1])] = np.nan
        if near + 1 < len(peaks):
            owned[beat, time > (1 - _OWN_SHARE) * (peaks[near + 1] - peak)] = np.nan
    return owned


def _check_voltage(recording: NDArray[np.float64]) -> None:
    """Raise ReadError unless the QRS complex is of a size that hearts make."""
    height = float(np.ptp(recording[_QRS], axis=0).max())
    if not 0.05 <= height <= 20:
        raise ReadError(
            f"The largest QRS complex of the ECG measures {height:.3g} mV: expected 0.05 to 20 mV; "
            "check gain and unit."
        )
