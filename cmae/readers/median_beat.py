"""Ten seconds of twelve leads become one representative beat, with a report on how good it is."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import ECG_RATE_HZ, LEADS
from cmae.errors import ReadError
from cmae.readers.beat_average import (
    atrial_likeness,
    finely_aligned,
    middle,
    typical_beat,
    without_fast_noise,
)
from cmae.readers.beat_cycle import MIN_BEATS, known_samples, own_cycle, own_samples
from cmae.readers.drift import (
    BLOCK,
    ROUNDS,
    DriftBasis,
    between_blocks,
    block_means,
    drift_below,
    drift_knots,
    drift_through,
    with_breath,
)
from cmae.readers.ecg_cleaning import at_500_hz, high_passed, without_mains
from cmae.readers.ecg_limb_leads import limb_departure_mv, twelve_leads
from cmae.readers.ecg_record import EcgRecord
from cmae.readers.heartbeats import Beats, beats_of, likeness, windows
from cmae.readers.qrs_complex import AFTER, BEFORE, independent, magnitude, qrs_onset

FEW_BEATS = 8
"""With fewer whole beats, those that an end of the recording cuts help where they have values; and
with no more, a breath is looked for in the drift."""

IRREGULAR = 0.10
"""Root mean square of successive differences of RR against RR above which a rhythm is irregular.

Sinus rhythm has some 0.03, atrial fibrillation some 0.25 (Dash 2009 puts the limit at 0.1).
"""

P_ALIKE = 0.2
"""Mean correlation of beats, two by two, where P waves lie, below which an irregular rhythm has
none: simulated atrial fibrillation has -0.1 to 0.15 (95 of 100), sinus rhythm at least 0.3."""

EINTHOVEN_STEPS = 2.0
"""Times the resolution that limb leads depart from the equations by rounding alone."""
EINTHOVEN_MV = 0.005
"""The same where a file does not tell its resolution."""

Floats = NDArray[np.float64]
Samples = NDArray[np.intp]

_RATE = int(ECG_RATE_HZ)
_QRS = slice(BEFORE - 40, BEFORE + 60)
_SHAPE = slice(BEFORE - 50, BEFORE + 160)

_FOREIGN_MV = 0.1
"""What departs farther from the typical beat is hardly drift, but a beat that was not found."""
_CUT = int(0.15 * _RATE)
"""An end of the recording that is nearer to R than this cuts the widest QRS complexes."""


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
        atrial_likeness: Mean correlation of the used beats, two by two, where P waves lie: near 1
            where each has one, near 0 in atrial fibrillation; None with fewer than three beats.
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
    atrial_likeness: float | None = None

    @property
    def heart_rate_bpm(self) -> float:
        """Mean ventricular rate in beats a minute."""
        return 60_000.0 / self.rr_ms

    @property
    def lacks_p(self) -> bool:
        """Whether no P wave goes with the beats: irregular, and not alike where P waves lie."""
        likeness_there = self.atrial_likeness
        return bool(self.is_irregular) and likeness_there is not None and likeness_there < P_ALIKE


def median_beat(record: EcgRecord) -> MedianBeat:
    """Compute the median beat of a recording.

    One series of R peaks is found in all leads together; beats are aligned by correlation; those
    that look like the largest group are kept; drift is removed by a cubic spline through their
    PR segments and by what the beats leave below the heart rate, neither of which bends ST; the
    median is taken sample by sample.

    Args:
        record: Some seconds of the twelve leads in mV at any rate.

    Returns:
        The median beat with its report.

    Raises:
        ReadError: Too short, flat or missing leads, implausible voltages, or too few usable beats.
    """
    signals = at_500_hz(record)
    steps_mv = EINTHOVEN_STEPS * (record.resolution_mv or 0.0)
    is_bound = limb_departure_mv(signals) <= max(steps_mv, EINTHOVEN_MV)
    signals = without_mains(independent(signals) if is_bound else signals)
    rough = high_passed(signals if is_bound else independent(signals), 0.6)
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
    onset = qrs_onset(middle(windows(rough, found.peaks[chosen])))
    signals = signals - _drift(signals, found, onset)
    known = known_samples(found, chosen, np.arange(-BEFORE, AFTER), len(signals))
    _check_coverage(known)
    beats = windows(signals, found.peaks[chosen])
    beats = finely_aligned(beats, typical_beat(beats, known), _QRS)
    typical = without_fast_noise(typical_beat(beats, known))
    onset = qrs_onset(typical if is_bound else independent(typical))  # there is less noise now
    level = typical[onset - 12 : onset - 2].mean(axis=0)  # the isoelectric one of the PR segment
    typical, beats = typical - level, beats - level
    check_voltage(typical)
    beats[~known] = np.nan
    is_cut, rr_ms = ~is_whole & ~chosen & ~found.is_ectopic, _rr_ms(found.peaks, len(signals))
    report = _report(typical, beats, found, chosen=chosen, is_cut=is_cut, rr_ms=rr_ms)
    return replace(report, atrial_likeness=atrial_likeness(beats, onset))


def _report(
    typical: Floats,
    beats: Floats,
    found: Beats,
    *,
    chosen: NDArray[np.bool_],
    is_cut: NDArray[np.bool_],
    rr_ms: float,
) -> MedianBeat:
    """Put the median beat and what is known of it together."""
    departure = own_cycle(beats, found, chosen) - typical
    shapes = np.where(np.isfinite(beats), beats, typical)[:, _SHAPE]
    rr_sd_ms, is_irregular = _regularity(found)
    recording = typical if typical.shape[1] == len(LEADS) else twelve_leads(typical)
    return MedianBeat(
        recording=recording.astype(np.float32),
        rr_ms=rr_ms,
        beats_used=int(chosen.sum()),
        beats_rejected=int((~chosen).sum()),
        correlation=float(likeness(shapes, typical[_SHAPE]).mean()),
        noise_uv=1000.0 * float(np.sqrt(np.nanmean(departure**2))),
        beats_ectopic=int((found.is_ectopic & ~chosen).sum()),
        beats_cut=int(is_cut.sum()),
        rr_sd_ms=rr_sd_ms,
        is_irregular=is_irregular,
    )


def _rr_ms(peaks: Samples, samples: int) -> float:
    """Mean interval between beats in ms; a QRS complex that an end cuts is none yet."""
    whole = peaks[(peaks >= _CUT) & (peaks < samples - _CUT)]
    return 1000.0 * float(np.diff(whole if len(whole) > MIN_BEATS else peaks).mean()) / _RATE


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
    """Return the drift: through the PR segments first, then below the heart rate.

    Drift is slow: means of BLOCK samples are enough to tell it from the beats.
    """
    dominant = found.is_dominant
    level = onset - 7 - BEFORE
    knots = found.peaks[dominant] + level
    knots = knots[(knots >= 5) & (knots < len(signals) - 5)]
    offsets = np.arange(-BEFORE, AFTER, BLOCK)
    beats = windows(signals, found.peaks[dominant])
    blocks = block_means(beats.reshape(-1, beats.shape[2]), BLOCK)
    blocks = blocks.reshape(len(beats), len(offsets), -1)
    middles = offsets + (BLOCK - 1) / 2
    times = found.peaks[dominant, None] + middles
    known = known_samples(found, dominant, offsets, len(signals))
    first, last = own_samples(found.peaks[:, None])
    is_own = known & (offsets >= first[dominant]) & (offsets < last[dominant])
    drift = drift_through(signals, knots, 5)(times.clip(knots[0], knots[-1]))
    basis = DriftBasis.of(times, drift_knots(np.diff(found.peaks), len(signals)))
    for remaining in reversed(range(ROUNDS)):
        template = typical_beat(blocks - drift, known)
        departure = magnitude(blocks - drift - template)
        spread = middle(departure)
        weight = is_own * (1e-4 / (spread**2 + 1e-4)) / (1 + (departure / _FOREIGN_MV) ** 2)
        if not remaining and len(beats) <= FEW_BEATS:
            basis = with_breath(blocks, basis, weight, times)
        sizes, _ = drift_below(blocks, basis, weight)
        drift = basis.at_parts @ sizes
    # Beyond what several beats tell, the drift stays as it is.
    told = times[is_own & (is_own.sum(axis=0) >= MIN_BEATS)]
    grid = np.arange(BLOCK / 2 - 0.5, len(signals), BLOCK).clip(told.min(), told.max())
    return between_blocks(basis.at(grid, sizes), BLOCK, len(signals))


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
