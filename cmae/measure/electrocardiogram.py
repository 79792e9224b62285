"""Intervals, axes and voltages of a median beat."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import ECG, LEADS
from cmae.measure.delineation import MS, Delineation, delineate

Floats = NDArray[np.float64]

SMALLEST_R_MV = 0.03
"""A positive deflection of this height parts Q from S."""


@dataclass(frozen=True)
class EcgMeasures:
    """What is read off a median beat; NaN where a wave is not there.

    Attributes:
        pr_ms: Begin of P to begin of QRS, in ms.
        p_duration_ms: Begin to end of P, in ms.
        qrs_ms: Begin to end of the QRS complex, in ms.
        qt_ms: Begin of QRS to end of T, in ms.
        p_axis_deg: Frontal axis of P, −180 to 180°, 0° to the left and 90° to the feet.
        qrs_axis_deg: Frontal axis of the QRS complex.
        t_axis_deg: Frontal axis of T.
        q_mv: (12,) depth of Q, 0 where there is none; of a QS complex its depth.
        r_mv: (12,) height of the highest R or R'.
        s_mv: (12,) depth of S; of a QS complex its depth.
        t_mv: (12,) height of T, negative where it points down.
    """

    pr_ms: float
    p_duration_ms: float
    qrs_ms: float
    qt_ms: float
    p_axis_deg: float
    qrs_axis_deg: float
    t_axis_deg: float
    q_mv: Floats = field(repr=False)
    r_mv: Floats = field(repr=False)
    s_mv: Floats = field(repr=False)
    t_mv: Floats = field(repr=False)

    @property
    def sokolow_lyon_mv(self) -> float:
        """S in V1 plus the higher R of V5 and V6, in mV: Sokolow & Lyon 1949."""
        r = max(self.r_mv[LEADS.index("V5")], self.r_mv[LEADS.index("V6")])
        return float(self.s_mv[LEADS.index("V1")] + r)

    @property
    def cornell_mv(self) -> float:
        """R in aVL plus S in V3, in mV: Casale 1985."""
        return float(self.r_mv[LEADS.index("aVL")] + self.s_mv[LEADS.index("V3")])


def measure_ecg(recording: NDArray[np.generic], *, rr_ms: float | None = None) -> EcgMeasures:
    """Measure a median beat.

    Args:
        recording: (600, 12) in mV at 500 Hz, leads in clinical order, R at sample 200, the PR
            segment at 0 mV.
        rr_ms: Interval between beats, which tells P from the T before it; None looks for it.

    Returns:
        Intervals, frontal axes and voltages.

    Raises:
        InputError: The shape differs, or a value is not finite.
    """
    ECG.check(recording, what="The beat to measure")
    beat = np.asarray(recording, np.float64)
    waves = delineate(beat, rr_ms=rr_ms)
    has_p = np.isfinite(waves.p_onset)
    q, r, s = _qrs_voltages(beat, waves)
    return EcgMeasures(
        pr_ms=(waves.qrs_onset - waves.p_onset) / MS,
        p_duration_ms=(waves.p_end - waves.p_onset) / MS,
        qrs_ms=(waves.qrs_end - waves.qrs_onset) / MS,
        qt_ms=(waves.t_end - waves.qrs_onset) / MS,
        p_axis_deg=_axis(beat, waves.p_onset, waves.p_end) if has_p else np.nan,
        qrs_axis_deg=_axis(beat, waves.qrs_onset, waves.qrs_end),
        t_axis_deg=_axis(beat, 2 * waves.t_peak - waves.t_end, waves.t_end, is_level=True),
        q_mv=q,
        r_mv=r,
        s_mv=s,
        t_mv=_t_voltages(beat, waves),
    )


def _axis(beat: Floats, onset: float, end: float, *, is_level: bool = False) -> float:
    """Frontal axis of the areas of a wave in I and aVF, in degrees.

    I sees E·cos α, aVF (√3 / 2)·E·sin α of a vector E at α (Einthoven's triangle). A short wave is
    measured from the line between its ends, a T wave (``is_level``) from the PR segment.
    """
    first, last = max(round(onset), 0), min(round(end) + 1, len(beat))
    one, foot = beat[first:last, LEADS.index("I")], beat[first:last, LEADS.index("aVF")]
    if not is_level:
        one, foot = _above_ends(one), _above_ends(foot)
    return float(np.rad2deg(np.arctan2(2 / np.sqrt(3) * foot.sum(), one.sum())))


def _above_ends(wave: Floats) -> Floats:
    """Return a wave less the line between its first and last sample."""
    return wave - np.linspace(wave[0], wave[-1], len(wave))


def _qrs_voltages(beat: Floats, waves: Delineation) -> tuple[Floats, Floats, Floats]:
    """Depth of Q, height of R and depth of S in mV, each (12,), from the level before QRS."""
    onset, end = round(waves.qrs_onset), round(waves.qrs_end) + 1
    complexes = beat[onset:end] - beat[max(onset - 8, 0) : onset].mean(axis=0)
    r = complexes.max(axis=0).clip(0)
    q, s = np.zeros(len(LEADS)), np.zeros(len(LEADS))
    for lead in range(len(LEADS)):
        wave = complexes[:, lead]
        positive = np.flatnonzero(wave > SMALLEST_R_MV)
        depth = max(-float(wave.min()), 0.0)
        if not len(positive):
            q[lead] = s[lead] = depth
            continue
        q[lead] = max(-float(wave[: positive[0] + 1].min()), 0.0)
        s[lead] = max(-float(wave[positive[0] :].min()), 0.0)
    return q, r, s


def _t_voltages(beat: Floats, waves: Delineation) -> Floats:
    """Return the farthest departure of T from the level before QRS, signed, (12,) in mV."""
    onset = round(waves.qrs_onset)
    first = max(round(2 * waves.t_peak - waves.t_end), round(waves.qrs_end))
    part = beat[first : max(round(waves.t_end), first) + 1]
    part = part - beat[max(onset - 8, 0) : onset].mean(axis=0)
    result: Floats = part[np.abs(part).argmax(axis=0), np.arange(len(LEADS))]
    return result


def measured_values(recording: NDArray[np.generic], rr_ms: float) -> dict[str, float]:
    """Measure a median beat for a cohort's table.

    Args:
        recording: (600, 12) in mV, as ``measure_ecg`` takes it.
        rr_ms: RR interval in ms.

    Returns:
        Intervals in ms and axes in °, by canonical column name; QTc by Fridericia 1920. What
        cannot be measured is left out.

    Raises:
        InputError: The shape differs, or a value is not finite.
    """
    found = measure_ecg(recording, rr_ms=rr_ms)
    values = {
        "pr_ms": found.pr_ms,
        "p_duration_ms": found.p_duration_ms,
        "qrs_ms": found.qrs_ms,
        "qt_ms": found.qt_ms,
        "qtc_ms": found.qt_ms / float(np.cbrt(rr_ms / 1000.0)),
        "p_axis_deg": found.p_axis_deg,
        "qrs_axis_deg": found.qrs_axis_deg,
        "t_axis_deg": found.t_axis_deg,
    }
    return {name: float(value) for name, value in values.items() if np.isfinite(value)}
