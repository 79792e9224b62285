"""Ten seconds of a simulated heart as a device records them, with the beat below them known.

What readers of recordings are measured by: beat follows beat with the variation of a real rhythm,
breathing moves baseline and heights, electrodes add muscle noise and hum.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from cmae.data.modality import ECG, ECG_RATE_HZ, R_PEAK_SAMPLE
from cmae.simulate.ecg import REACH, SAMPLE_MS, single_beat
from cmae.simulate.leads import twelve
from cmae.simulate.pulses import Pulses

Floats = NDArray[np.float64]

MUSCLE_SHARE = 0.6
"""Share of the noise's variance that is muscle; the rest falls with frequency."""

EDGE_S = 0.15
"""An ectopic QRS complex reaches this far from its R peak."""


@dataclass(frozen=True)
class RhythmSettings:
    """What befalls the beats of a recording on their way into the device.

    Attributes:
        duration_s: Seconds recorded.
        rr_variation: SD of the RR interval against its mean; atrial fibrillation has 0.17.
        ectopic_share: Share of beats that are ventricular ectopic: wide, early, without P.
        noise_mv: Root mean square of the noise of a lead.
        wander_mv: Amplitude of the baseline's movement with breathing.
        mains_mv: Amplitude of the hum.
        mains_hz: Frequency of the hum.
        modulation: Share by which breathing changes the beats' height.
    """

    duration_s: float = 10.0
    rr_variation: float = 0.04
    ectopic_share: float = 0.0
    noise_mv: float = 0.015
    wander_mv: float = 0.2
    mains_mv: float = 0.03
    mains_hz: float = 50.0
    modulation: float = 0.05


@dataclass(frozen=True)
class SimulatedRhythm:
    """A recording and the truth of it.

    Attributes:
        signals: (samples, 12) in mV at 500 Hz.
        clean: The same without noise, wander and hum, (samples, 12) in mV.
        beat: The beat alone, without neighbors, (600, 12) in mV: R at sample 200, PR at 0 mV.
        peaks: Samples of the R peaks, (beats,), between samples and before the begin included.
        is_ectopic: (beats,).
    """

    signals: Floats = field(repr=False)
    clean: Floats = field(repr=False)
    beat: Floats = field(repr=False)
    peaks: Floats
    is_ectopic: NDArray[np.bool_]

    @property
    def heart_rate_bpm(self) -> float:
        """Mean ventricular rate of the recorded beats, ectopic ones too, in beats a minute.

        A beat whose R lies within EDGE_S of an end is not recorded: its QRS complex is cut.
        """
        edge = EDGE_S * ECG_RATE_HZ
        inside = (self.peaks >= edge) & (self.peaks < len(self.signals) - edge)
        return 60.0 * float(ECG_RATE_HZ) / float(np.diff(self.peaks[inside]).mean())


def record(
    heart: Mapping[str, Any], rng: np.random.Generator, settings: RhythmSettings
) -> SimulatedRhythm:
    """Record a heart for some seconds.

    Args:
        heart: The factors of ECG_INPUTS, a row of ``physiology.draw``.
        rng: Fine variety, rhythm and noise.
        settings: What befalls the beats.

    Returns:
        The recording with its truth.
    """
    beat, onset, matrix = single_beat(heart, rng)
    ectopic = _ectopic(beat, rng)
    peaks, is_ectopic = _rhythm(heart, rng, settings)
    samples = round(settings.duration_s * ECG_RATE_HZ)
    breath_hz, phase = rng.uniform(0.2, 0.33), rng.uniform(0, 2 * np.pi)
    breathing = np.sin(2 * np.pi * breath_hz * peaks / ECG_RATE_HZ + phase)
    tilt = rng.uniform(-1, 1, 8)
    clean = np.zeros((samples, 8))
    for peak, early, breath in zip(peaks, is_ectopic, breathing, strict=True):
        height = 1 + settings.modulation * breath * tilt
        _add(clean, ectopic if early else beat, peak, height)
    if heart["atrial_fibrillation"]:
        clean += _fibrillation(samples, matrix, rng)
    disturbed = clean + _noise(samples, rng, settings)
    disturbed += _wander(samples, breath_hz, rng, settings)
    disturbed += _hum(samples, rng, settings)
    times: Floats = SAMPLE_MS * (np.arange(ECG.shape[0], dtype=np.float64) - R_PEAK_SAMPLE)
    truth = twelve(beat.at(times)).astype(np.float64)
    first = R_PEAK_SAMPLE - round(onset / SAMPLE_MS)
    truth -= truth[first - 12 : first - 2].mean(axis=0)
    return SimulatedRhythm(
        signals=twelve(disturbed).astype(np.float64),
        clean=twelve(clean).astype(np.float64),
        beat=truth,
        peaks=peaks,
        is_ectopic=is_ectopic,
    )


def departure_uv(recording: NDArray[np.floating[Any]], rhythm: SimulatedRhythm) -> float:
    """Tell how far a beat computed from a recording is from the true one.

    It is compared where neighbors have no waves above 5 µV (from their intervals' lower quarter),
    but at least from 100 ms before to 400 ms after R: what overlaps there counts as an error.
    The truth may be shifted by up to 48 ms: readers choose R among the peaks of a wide complex.

    Args:
        recording: (600, 12) in mV, R near sample 200, PR at 0 mV.
        rhythm: What it was computed from.

    Returns:
        Root mean square over samples and leads in µV.
    """
    active = np.flatnonzero(np.abs(rhythm.beat).max(axis=1) > 0.005)
    interval = int(np.percentile(np.diff(rhythm.peaks), 25))
    first = min(max(int(active[-1]) - interval, 0), R_PEAK_SAMPLE - 50)
    last = max(min(int(active[0]) + interval, len(recording)), R_PEAK_SAMPLE + 200)
    time = np.arange(first, last)
    truth = CubicSpline(np.arange(len(rhythm.beat)), rhythm.beat)

    def error(shift: float) -> float:
        return float(np.mean((recording[first:last] - truth(time + shift)) ** 2))

    coarse = min(np.arange(-24, 24.01, 0.5), key=error)
    fine = min(coarse + np.arange(-0.5, 0.51, 0.05), key=error)
    return 1000.0 * float(np.sqrt(error(fine)))


def _rhythm(
    heart: Mapping[str, Any], rng: np.random.Generator, settings: RhythmSettings
) -> tuple[Floats, NDArray[np.bool_]]:
    """Draw R peaks in samples from before the begin to behind the end, and which are ectopic.

    An ectopic beat comes after 0.6 of an interval, and a pause makes up for it.
    """
    mean = heart["rr_ms"] / SAMPLE_MS
    variation = 0.17 if heart["atrial_fibrillation"] else settings.rr_variation
    number = int(settings.duration_s * ECG_RATE_HZ / (0.55 * mean)) + 6
    intervals = mean * (1 + variation * rng.standard_normal(number)).clip(0.55, 1.6)
    is_ectopic = np.zeros(number, np.bool_)
    if settings.ectopic_share:
        every = 1 / settings.ectopic_share
        is_ectopic[np.round(np.arange(rng.uniform(1, every), number - 1, every)).astype(int)] = True
    early = 0.4 * intervals * is_ectopic
    intervals = intervals - early + np.roll(early, 1)
    peaks = np.cumsum(intervals) - mean * rng.uniform(1.2, 2.2)
    kept = peaks < settings.duration_s * ECG_RATE_HZ + 1.2 * ECG_RATE_HZ
    return peaks[kept], is_ectopic[kept]


def _ectopic(beat: Pulses, rng: np.random.Generator) -> Pulses:
    """Return a beat that spreads from elsewhere: as tall, twice as wide, no P, T against QRS."""
    is_qrs = np.abs(beat.center) < 90
    size = np.abs(beat.moment[is_qrs].sum(axis=0)).max() + 0.8
    direction = rng.normal(size=8)
    direction *= size / np.abs(direction).max()
    rows = [(10.0, 32.0, 38.0, direction), (330.0, 60.0, 45.0, -0.4 * direction)]
    return Pulses.of([*rows, (60.0, 22.0, 26.0, -0.5 * np.roll(direction, 1))])


def _add(leads: Floats, beat: Pulses, peak: float, height: Floats) -> None:
    """Add a beat to ``leads`` in place, its R peak at ``peak`` in samples."""
    first = max(int(np.ceil(peak + REACH[0] / SAMPLE_MS)), 0)
    last = min(int(peak + REACH[1] / SAMPLE_MS), len(leads))
    if first < last:
        times: Floats = SAMPLE_MS * (np.arange(first, last, dtype=np.float64) - peak)
        leads[first:last] += beat.at(times) * height


def _fibrillation(samples: int, matrix: Floats, rng: np.random.Generator) -> Floats:
    """Fibrillatory waves (5 to 8 Hz, some 0.05 mV, largest in V1), (samples, 8)."""
    rate = rng.uniform(5, 8) + 0.15 * np.cumsum(rng.standard_normal(samples)) / np.sqrt(samples)
    angle = 2 * np.pi * np.cumsum(rate) / ECG_RATE_HZ
    sources = np.stack([np.sin(angle), np.sin(angle + 1.0), np.cos(angle)], axis=1)
    result: Floats = sources * (0.03, 0.04, 0.05) @ matrix.T
    return result


def _noise(samples: int, rng: np.random.Generator, settings: RhythmSettings) -> Floats:
    """Muscle, broad about 45 Hz, and slow changes of the electrodes, (samples, 8)."""
    frequency = np.fft.rfftfreq(samples, 1 / ECG_RATE_HZ)
    muscle = frequency / 45 / (1 + (frequency / 45) ** 2) / (1 + (frequency / 150) ** 6)
    slow = np.maximum(frequency, 0.4) ** -1.8 * (frequency > 0)
    power = MUSCLE_SHARE * muscle / muscle.sum() + (1 - MUSCLE_SHARE) * slow / slow.sum()
    numbers = rng.standard_normal((2, len(frequency), 9))
    spectrum = (numbers[0] + 1j * numbers[1]) * np.sqrt(power)[:, None] * samples / 2
    sizes = np.exp(0.3 * rng.standard_normal(9))
    electrodes = np.fft.irfft(spectrum, samples, axis=0) * sizes / np.sqrt(np.mean(sizes**2))
    # Differences of two limb electrodes have variance 2, of a chest electrode 4/3 (mean 1.5).
    result: Floats = settings.noise_mv * _leads(electrodes) / np.sqrt(1.5)
    return result


def _wander(
    samples: int, breath_hz: float, rng: np.random.Generator, settings: RhythmSettings
) -> Floats:
    """Movement of the baseline with breathing, with its harmonic, (samples, 8)."""
    angle = 2 * np.pi * breath_hz * np.arange(samples)[:, None] / ECG_RATE_HZ
    phase = rng.uniform(0, 2 * np.pi, (2, 8))
    offset: Floats = rng.uniform(-1, 1, 8)
    movement: Floats = np.sin(angle + phase[0]) + 0.25 * np.sin(2 * angle + phase[1])
    result: Floats = settings.wander_mv * movement + offset
    return result


def _hum(samples: int, rng: np.random.Generator, settings: RhythmSettings) -> Floats:
    """Hum with its third harmonic; size and phase differ among electrodes, (samples, 8)."""
    angle = 2 * np.pi * settings.mains_hz * np.arange(samples)[:, None] / ECG_RATE_HZ
    phase = rng.uniform(0, 2 * np.pi, 9)
    size = rng.uniform(0.3, 1.0, 9)
    waves = size * (np.sin(angle + phase) + 0.1 * np.sin(3 * (angle + phase)))
    result: Floats = settings.mains_mv * _leads(waves)
    return result


def _leads(electrodes: Floats) -> Floats:
    """I, II, V1–V6 of the electrodes R, L, F, V1–V6: (samples, 9) to (samples, 8)."""
    right, left, foot = electrodes[:, 0], electrodes[:, 1], electrodes[:, 2]
    central = (right + left + foot) / 3
    limbs = np.stack([left - right, foot - right], axis=1)
    return np.concatenate([limbs, electrodes[:, 3:] - central[:, None]], axis=1)
