"""Ten seconds of twelve leads become one representative beat, with a report on how good it is."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import ECG_RATE_HZ
from cmae.errors import ReadError
from cmae.readers.drift import ROUNDS, drift_below, drift_through, knot_samples
from cmae.readers.ecg_cleaning import at_500_hz, high_passed, without_mains
from cmae.readers.ecg_record import EcgRecord
from cmae.readers.heartbeats import (
    AFTER,
    BEFORE,
    Beats,
    beats_of,
    likeness,
    magnitude,
    qrs_onset,
    windows,
)

MIN_BEATS = 2

FEW_BEATS = 4
"""With fewer whole beats, those that an end of the recording cuts help where they have values."""

IRREGULAR = 0.10
"""Root mean square of successive differences of RR against RR above which a rhythm is irregular.

Sinus rhythm has some 0.03, atrial fibrillation some 0.25 (Dash 2009 puts the limit at 0.1).
"""

Floats = NDArray[np.float64]
Samples = NDArray[np.intp]

_RATE = int(ECG_RATE_HZ)
_QRS = slice(BEFORE - 40, BEFORE + 60)
_SHAPE = slice(BEFORE - 50, BEFORE + 160)

_OWN_SHARE = 0.36
"""Share of the RR interval before an R peak that belongs to its beat (P wave and PR segment)."""


@dataclass(frozen=True)
class MedianBeat:
    """One representative beat of a recording and how it came about.

    Attributes:
        recording: ``(600, 12)`` in mV at 500 Hz, leads in clinical order, R peak at sample 200,
            the PR segment at 0 mV. At fast rates the neighbouring beats show at the ends of the
            window, smeared if the rhythm is irregular.
        rr_ms: Mean interval between successive beats in ms, ectopic ones included.
        beats_used: Beats of the dominant morphology that the median was taken over; None for a
            device's own beat, which does not say.
        beats_rejected: Beats left out: ectopic, disturbed, or cut by an end.
        correlation: Mean correlation of the used beats with the median beat.
        noise_uv: Root mean square of the used beats' departure from the median beat in µV,
            from their own P wave to the next.
        beats_ectopic: Beats left out because they start elsewhere in the heart.
        beats_cut: Beats left out because an end of the recording cuts them; the rest of the
            rejected were disturbed.
        rr_sd_ms: Standard deviation of the intervals between beats of the dominant morphology in
            ms (of all, where fewer than two such intervals exist).
        is_irregular: Whether successive intervals between them differ by more than IRREGULAR.
    """

    recording: NDArray[np.float32] = field(repr=False)
    rr_ms: float
    beats_used: int
    beats_rejected: int
    correlation: float
    noise_uv: float
    beats_ectopic: int = 0
    beats_cut: int = 0
    rr_sd_ms: float | None = None
    is_irregular: bool | None = None

    @property
    def heart_rate_bpm(self) -> float:
        """Mean ventricular rate in beats a minute."""
        return 60_000.0 / self.rr_ms


def median_beat(record: EcgRecord) -> MedianBeat:
    """Compute the median beat of a recording.

    One series of R peaks is found in all leads together; beats are aligned by correlation; those
    that look like the largest group are kept; drift is removed by a cubic spline through their
    PR segments and by what the beats leave below the heart rate, neither of which bends the ST
    segment; the median is taken sample by sample.

    Args:
        record: Some seconds of the twelve leads in mV at any rate.

    Returns:
        The median beat with its report.

    Raises:
        ReadError: Too short, flat or missing leads, implausible voltages, or too few usable beats.
    """
    signals = without_mains(at_500_hz(record))
    rough = high_passed(signals, 0.6)
    found = beats_of(rough)
    if len(found.peaks) < MIN_BEATS + 1:
        raise ReadError(
            f"Only {len(found.peaks)} heartbeats were found in {record.duration_s:.1f} s of ECG: "
            f"at least {MIN_BEATS + 1} are needed; record for longer."
        )
    is_whole = (found.peaks >= BEFORE) & (found.peaks + AFTER <= len(signals))
    chosen = found.is_dominant & is_whole
    if chosen.sum() < FEW_BEATS:
        chosen = found.is_dominant
    if chosen.sum() < MIN_BEATS:
        raise ReadError(
            f"Of {len(found.peaks)} heartbeats in the ECG only {chosen.sum()} can be used: at "
            f"least {MIN_BEATS} whole beats of one shape are needed; record longer or quieter."
        )
    onset = qrs_onset(np.median(windows(rough, found.peaks[chosen]), axis=0))
    signals = signals - _drift(signals, found, onset)
    beats, known = _beats(signals, found, chosen)
    _check_coverage(known)
    recording = typical_beat(beats, known)
    recording -= recording[onset - 12 : onset - 2].mean(axis=0)
    check_voltage(recording)
    beats[~known] = np.nan
    return _report(recording, beats, found, chosen=chosen, is_whole=is_whole)


def _beats(
    signals: Floats, found: Beats, chosen: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Cut the chosen beats ``(beats, 600, 12)`` out, and tell what of each counts.

    What lies outside the recording, and what belongs to a neighbor of another kind, does not
    count (``(beats, 600)``), unless every beat has one there, as in bigeminy.
    """
    peaks = found.peaks[chosen]
    index = peaks[:, None] + np.arange(-BEFORE, AFTER)
    inside = (index >= 0) & (index < len(signals))
    known = inside.copy()
    is_strange = np.concatenate([[False], ~found.is_dominant, [False]])
    places = np.flatnonzero(chosen) + 1
    for row, place, (_, first, last) in zip(
        known, places, _cycles(found.peaks, chosen), strict=True
    ):
        if is_strange[place - 1]:
            row[: BEFORE + first] = False
        if is_strange[place + 1]:
            row[BEFORE + last :] = False
    scarce = known.sum(axis=0) < MIN_BEATS
    known[:, scarce] = inside[:, scarce]
    return windows(signals, peaks), known


def typical_beat(beats: Floats, known: NDArray[np.bool_]) -> Floats:
    """Mean of the middle half of the beats at every sample.

    As a median it ignores a quarter of the beats on either side, with a fifth less noise.

    Args:
        beats: ``(beats, 600, 12)`` in mV.
        known: ``(beats, 600)``, whether a sample counts.

    Returns:
        ``(600, 12)`` in mV, NaN where no beat counts.
    """
    count = known.sum(axis=0)
    ranked = np.sort(np.where(known[:, :, None], beats, np.inf), axis=0)
    rank = np.arange(len(beats))[:, None]
    inner = np.minimum(rank + 1, 0.75 * count) - np.maximum(rank, 0.25 * count)
    with np.errstate(invalid="ignore"):
        weight = inner.clip(0) / (0.5 * count)
    ranked[~np.isfinite(ranked)] = 0.0
    return np.asarray(np.einsum("bt,btl->tl", weight, ranked))


def _report(
    recording: Floats,
    beats: Floats,
    found: Beats,
    *,
    chosen: NDArray[np.bool_],
    is_whole: NDArray[np.bool_],
) -> MedianBeat:
    """Put the median beat and what is known of it together."""
    departure = _own_cycle(beats, found.peaks[chosen], found.peaks) - recording
    shapes = np.where(np.isfinite(beats), beats, recording)[:, _SHAPE]
    rr_sd_ms, is_irregular = _regularity(found)
    return MedianBeat(
        recording=recording.astype(np.float32),
        rr_ms=1000.0 * float(np.diff(found.peaks).mean()) / _RATE,
        beats_used=int(chosen.sum()),
        beats_rejected=int((~chosen).sum()),
        correlation=float(likeness(shapes, recording[_SHAPE]).mean()),
        noise_uv=1000.0 * float(np.sqrt(np.nanmean(departure**2))),
        beats_ectopic=int((found.is_ectopic & ~chosen).sum()),
        beats_cut=int((~is_whole & ~chosen & ~found.is_ectopic).sum()),
        rr_sd_ms=rr_sd_ms,
        is_irregular=is_irregular,
    )


def _regularity(found: Beats) -> tuple[float, bool]:
    """Return the SD of RR in ms and whether the rhythm is irregular, ectopic beats aside."""
    intervals = np.diff(found.peaks) * 1000.0 / _RATE
    is_normal = ~found.is_ectopic[1:] & ~found.is_ectopic[:-1]
    kept = intervals[is_normal] if is_normal.sum() > 1 else intervals
    follows = is_normal[1:] & is_normal[:-1]
    steps = np.diff(intervals)[follows] if follows.any() else np.diff(kept)
    variation = float(np.sqrt(np.mean(steps**2))) / float(kept.mean()) if len(steps) else 0.0
    return float(kept.std()), variation > IRREGULAR


def _drift(signals: Floats, found: Beats, onset: int) -> Floats:
    """Return the drift: through the PR segments first, then below the heart rate."""
    level = onset - 7 - BEFORE
    knots = found.peaks[found.is_dominant] + level
    knots = knots[(knots >= 5) & (knots < len(signals) - 5)]
    drift = drift_through(signals, knots, 5)
    spacing = knot_samples(np.diff(found.peaks))
    for _ in range(ROUNDS):
        beats, known = _beats(signals - drift, found, found.is_dominant)
        waves, weight = _waves(beats, typical_beat(beats, known), found, len(signals))
        drift = drift_below(signals, waves, weight, spacing)
    return drift


def _waves(beats: Floats, template: Floats, found: Beats, samples: int) -> tuple[Floats, Floats]:
    """Return the typical beat at every dominant beat, and how well it is known.

    Args:
        beats: The dominant beats, ``(beats, 600, 12)`` in mV.
        template: What is typical of them, ``(600, 12)`` in mV.
        found: Where all are.
        samples: Length of the recording.

    Returns:
        ``(samples, 12)`` in mV, and a weight ``(samples,)`` that is 0 where there is no such beat.
    """
    spread = np.median(magnitude(beats - template), axis=0)
    known = np.nan_to_num(1e-4 / (spread**2 + 1e-4))
    template = np.nan_to_num(template)
    waves, weight = np.zeros((samples, template.shape[1])), np.zeros(samples)
    for peak, first, last in _cycles(found.peaks, found.is_dominant):
        start, stop = max(peak + first, 0), min(peak + last, samples)
        part = slice(start - peak + BEFORE, stop - peak + BEFORE)
        waves[start:stop], weight[start:stop] = template[part], known[part]
    return waves, weight


def _cycles(peaks: Samples, chosen: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Return (peak, first, last) of the chosen beats: the samples about R that are their own."""
    cycles = []
    for place in np.flatnonzero(chosen):
        first, last = -BEFORE, AFTER
        if place > 0:
            first = max(first, -int(_OWN_SHARE * (peaks[place] - peaks[place - 1])))
        if place + 1 < len(peaks):
            last = min(last, int((1 - _OWN_SHARE) * (peaks[place + 1] - peaks[place])))
        cycles.append((int(peaks[place]), first, last))
    return cycles


def _own_cycle(beats: Floats, chosen: Samples, peaks: Samples) -> Floats:
    """Return the beats with NaN where the beat before or after has its waves."""
    owned = beats.copy()
    cycles = _cycles(peaks, np.isin(peaks, chosen))
    for beat, (_, first, last) in zip(owned, cycles, strict=True):
        beat[: BEFORE + first] = np.nan
        beat[BEFORE + last :] = np.nan
    return owned


def _check_coverage(known: NDArray[np.bool_]) -> None:
    """Raise ReadError unless every sample of the window was recorded in some beat."""
    covered = known.any(axis=0)
    if not covered.all():
        raise ReadError(
            f"The heartbeats of the ECG cover {covered.sum() * 1000 // _RATE} of the 1200 ms about "
            "their R peak: record for longer."
        )


def check_voltage(recording: Floats) -> None:
    """Raise ReadError unless the QRS complex is of a size that hearts make."""
    height = float(np.ptp(recording[_QRS], axis=0).max())
    if not 0.05 <= height <= 20:
        raise ReadError(
            f"The largest QRS complex of the ECG measures {height:.3g} mV: expected 0.05 to 20 mV; "
            "check gain and unit."
        )
