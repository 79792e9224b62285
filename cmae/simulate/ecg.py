"""Physiology to a median beat: a moving dipole seen by twelve leads.

P, QRS and T are loops of a dipole at a fixed origin (Frank axes: x to the left, y to the feet,
z to the back), sums of Gaussians in time. The matrix of Dower 1968, changed by torso and
placement, projects them on I, II and V1–V6; the chest leads get near-field terms that no dipole
has. The other limb leads are derived after the noise, so that Einthoven's and Goldberger's
equations hold. As a median beat of a recording does, it has the PR segment at 0 mV and shows its
neighbours smeared by the variation of their intervals.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import ECG_RATE_HZ, R_PEAK_SAMPLE
from cmae.simulate.depolarization import ATRIAL_SIGHT, atria, depolarization
from cmae.simulate.leads import electrodes, twelve
from cmae.simulate.pulses import Pulses
from cmae.simulate.repolarization import repolarization
from cmae.simulate.residual import SAMPLES, residual
from cmae.simulate.variety import fine_variety

Floats = NDArray[np.float64]

SAMPLE_MS = 1000 / ECG_RATE_HZ
BEATS = 7
"""Beats that the median is taken over, where neighbours show."""
REACH = (-480.0, 800.0)
"""From when to when, about its R peak in ms, a single beat has waves."""
LEFT = [0, 1, 6, 7]
"""I, II, V5, V6: where their magnitude is largest a reader of recordings sees the R peak."""


def render(
    heart: Mapping[str, Any],
    rng: np.random.Generator,
    *,
    has_noise: bool = True,
    private_variance: float = 1.0,
) -> NDArray[np.float32]:
    """Render the median beat of a heart, with its neighbours where the rate brings them in.

    Args:
        heart: The factors of ECG_INPUTS, a row of ``physiology.draw``.
        rng: Fine variety, then noise.
        has_noise: Whether residual noise is added; the beat below it is the same.
        private_variance: Variance of the fine variety against a realistic one.

    Returns:
        (600, 12) in mV at 500 Hz, the R peak at sample 200.
    """
    fine = fine_variety(rng, private_variance)
    beat, r_peak, matrix = single_beat(heart, fine)
    leads = _median_of_beats(beat, heart, fine)
    if heart["atrial_fibrillation"]:
        leads += _fibrillation(matrix, rng)
    if has_noise:
        leads += residual(heart, rng)
    onset = R_PEAK_SAMPLE - round(r_peak / SAMPLE_MS)
    return twelve(leads - leads[onset - 12 : onset - 2].mean(axis=0))


def single_beat(heart: Mapping[str, Any], rng: np.random.Generator) -> tuple[Pulses, float, Floats]:
    """Return one beat of a heart as its leads see it, with no other near.

    Args:
        heart: The factors of ECG_INPUTS, a row of ``physiology.draw``.
        rng: Fine variety.

    Returns:
        The beat in I, II, V1–V6 with its R peak at 0 ms, the time from the begin of QRS to R in
        ms, and the lead matrix (8, 3).
    """
    matrix = electrodes(heart, rng)
    ventricles = depolarization(heart, matrix, rng)
    beat = ventricles.qrs + repolarization(heart, ventricles, matrix, rng)
    p = atria(heart, rng)
    if p:
        beat = beat + Pulses.of(p).seen_by(ATRIAL_SIGHT * matrix)
    r_peak = _r_peak_ms(ventricles.qrs, heart["qrs_ms"])
    return beat.in_time(1.0, -r_peak), r_peak, matrix


def _r_peak_ms(qrs: Pulses, duration_ms: float) -> float:
    """Return when the left leads of the QRS are largest, to 0.5 ms."""
    times = np.arange(0.0, duration_ms, 0.5)
    return float(times[np.argmax((qrs.at(times)[:, LEFT] ** 2).sum(axis=1))])


def _median_of_beats(beat: Pulses, heart: Mapping[str, Any], rng: np.random.Generator) -> Floats:
    """Return the median (600, 8) over beats whose neighbours come a little early or late."""
    variation = 0.17 if heart["atrial_fibrillation"] else 0.016 * np.exp(0.6 * rng.normal())
    first, last = (round(edge / SAMPLE_MS) for edge in REACH)
    single = beat.at(SAMPLE_MS * np.arange(first, last, dtype=np.float64))
    start = R_PEAK_SAMPLE + first
    own = np.zeros((SAMPLES, 8))
    _put(own, single, start)
    intervals = heart["rr_ms"] * (1 + variation * rng.standard_normal((BEATS, 4))).clip(0.55, 1.6)
    intervals /= SAMPLE_MS
    others = np.zeros((BEATS, SAMPLES, 8))
    for copy, (before, far, after, last_one) in zip(others, intervals, strict=True):
        for shift in (-before, -before - far, after, after + last_one):
            _put(copy, single, start + round(shift))
    touched = np.flatnonzero(np.abs(others).max(axis=(0, 2)) > 1e-5)
    if len(touched):
        own[touched] += np.median(others[:, touched], axis=0)
    return own


def _put(leads: Floats, single: Floats, start: int) -> None:
    """Add a beat to ``leads`` in place, its first sample at ``start``, as far as it fits."""
    first, last = max(start, 0), min(start + len(single), len(leads))
    if first < last:
        leads[first:last] += single[first - start : last - start]


def _fibrillation(matrix: Floats, rng: np.random.Generator) -> Floats:
    """Return what a median leaves of fibrillatory waves (5 to 8 Hz, largest in V1), (600, 8)."""
    times = np.arange(SAMPLES)[:, None] / ECG_RATE_HZ
    sources = np.sin(2 * np.pi * times * rng.uniform(5, 8, 3) + rng.uniform(0, 6.28, 3))
    directions = rng.standard_normal((3, 3)) * (0.003, 0.004, 0.005)
    result: Floats = sources @ directions @ matrix.T
    return result
