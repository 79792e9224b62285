"""What is done to an ECG before its beats are looked for: checks, one rate, no mains hum."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, resample_poly, sosfiltfilt

from cmae.data.modality import ECG_RATE_HZ, LEADS
from cmae.errors import ReadError
from cmae.readers.ecg_record import EcgRecord

MIN_DURATION_S = 2.5
"""Shortest recording of which a median beat is tried."""

SPIKE_REACH_S = 0.004
"""A stimulus of a pacemaker is over within this time."""
SPIKE_MV = 0.15
"""Smaller stimuli do no harm."""
SPIKE_RATIO = 6.0
"""How far a stimulus stands out of 8 ms against the largest two in a hundred samples."""

Floats = NDArray[np.float64]

CALIBRATION_S = 0.05
"""A calibration pulse lasts longer; so long all leads never have one voltage in a body."""

_RATE = int(ECG_RATE_HZ)
_BLOCK = 10
_MAINS_HZ = (50.0, 100.0, 150.0, 200.0, 60.0, 120.0, 180.0)


def at_500_hz(record: EcgRecord) -> NDArray[np.float64]:
    """Check a record and resample it: ``(samples, 12)`` in mV at 500 Hz, medians removed."""
    if record.duration_s < MIN_DURATION_S:
        raise ReadError(
            f"The ECG lasts {record.duration_s:.1f} s: at least {MIN_DURATION_S:g} s are needed."
        )
    signals = without_calibration(record.signals.astype(np.float64), record.rate_hz)
    if len(signals) < MIN_DURATION_S * record.rate_hz:
        raise ReadError(
            f"But for a calibration pulse the ECG lasts {len(signals) / record.rate_hz:.1f} s: at "
            f"least {MIN_DURATION_S:g} s are needed."
        )
    finite = np.isfinite(signals)
    gaps = [lead for lead, share in zip(LEADS, finite.mean(axis=0), strict=True) if share < 0.98]
    if gaps:
        raise ReadError(
            f"The ECG holds no values in much of {_list(gaps)}: use a recording without gaps."
        )
    if not finite.all():
        signals = _gaps_bridged(signals, finite)
    spread = np.percentile(signals, 99, axis=0) - np.percentile(signals, 1, axis=0)
    still = np.mean(np.diff(signals, axis=0) == 0, axis=0)
    flat = [
        lead
        for lead, width, share in zip(LEADS, spread, still, strict=True)
        if width < 0.005 or share > 0.98
    ]
    if flat:
        raise ReadError(f"The ECG is flat in {_list(flat)}: was an electrode off?")
    return resampled(without_spikes(signals, record.rate_hz), record.rate_hz)


def without_calibration(signals: Floats, rate_hz: float) -> Floats:
    """Cut off a calibration pulse at an end: there all leads have one voltage, which III forbids.

    Args:
        signals: ``(samples, 12)`` in mV.
        rate_hz: Samples per second.

    Returns:
        The signals without the pulse and the pause beside it.
    """
    with np.errstate(invalid="ignore"):
        is_one = np.ptp(signals, axis=1) < 0.01
        is_pulse = is_one & (np.abs(signals[:, 0]) > 0.3)
    if is_pulse.sum() < CALIBRATION_S * rate_hz:
        return signals
    first, last = np.flatnonzero(is_pulse)[[0, -1]]
    body = np.flatnonzero(~is_one)
    if first > len(signals) / 2:
        return signals[: body[body < first][-1] + 1] if (body < first).any() else signals[:0]
    if last < len(signals) / 2:
        return signals[body[body > last][0] :] if (body > last).any() else signals[:0]
    return signals


def resampled(signals: Floats, rate_hz: float) -> Floats:
    """Bring signals ``(samples, 12)`` to 500 Hz and take each lead's median away."""
    signals = signals - np.median(signals, axis=0)
    ratio = Fraction(_RATE / rate_hz).limit_denominator(1000)
    if ratio == 1:
        return signals
    result = resample_poly(signals, ratio.numerator, ratio.denominator, axis=0, padtype="line")
    return np.asarray(result, np.float64)


def without_spikes(signals: Floats, rate_hz: float) -> Floats:
    """Cut out the stimuli of a pacemaker, before resampling smears them.

    A stimulus lasts up to 2 ms. What stands out of the line between its neighbors 4 ms away, and
    by much more than QRS complexes do, is replaced by that line in all leads.

    Args:
        signals: ``(samples, leads)`` in mV.
        rate_hz: Samples per second.

    Returns:
        The signals without stimuli.
    """
    reach = max(round(SPIKE_REACH_S * rate_hz), 2)
    if len(signals) <= 4 * reach:
        return signals
    inner = signals[reach:-reach]
    before, after = signals[: -2 * reach], signals[2 * reach :]
    # Above both neighbors or below both: a steep slope is neither.
    out = np.minimum(np.abs(inner - before), np.abs(inner - after))
    out *= (inner - before) * (inner - after) > 0
    height = out.max(axis=1)
    limit = max(SPIKE_MV, SPIKE_RATIO * float(np.percentile(height, 98)))
    spikes = np.flatnonzero(height > limit) + reach
    if not len(spikes) or len(spikes) > 0.02 * len(signals):
        return signals
    cleaned = signals.copy()
    is_spike = np.zeros(len(signals), np.bool_)
    is_spike[(spikes[:, None] + np.arange(-reach + 1, reach)).clip(0, len(signals) - 1)] = True
    time = np.arange(len(signals))
    for lead in range(signals.shape[1]):
        cleaned[is_spike, lead] = np.interp(
            time[is_spike], time[~is_spike], signals[~is_spike, lead]
        )
    return cleaned


def _gaps_bridged(signals: NDArray[np.float64], finite: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the signals with straight lines over missing samples."""
    bridged = signals.copy()
    time = np.arange(len(signals))
    for lead in range(signals.shape[1]):
        known = finite[:, lead]
        bridged[:, lead] = np.interp(time, time[known], signals[known, lead])
    return bridged


def without_mains(signals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Subtract a hum of 50 or 60 Hz and its harmonics, where there is one, second by second.

    A notch filter would ring after each QRS complex; a fitted sine does not.
    """
    spectrum = np.abs(np.fft.rfft(signals * np.hanning(len(signals))[:, None], axis=0))
    frequency = np.fft.rfftfreq(len(signals), 1 / _RATE)
    cleaned = signals
    for mains in _MAINS_HZ:
        line = spectrum[np.abs(frequency - mains) < 0.4].max(axis=0)
        beside = (np.abs(frequency - mains) > 1.5) & (np.abs(frequency - mains) < 6)
        floor = np.median(spectrum[beside], axis=0)
        humming = line > 8 * floor
        if humming.any():
            cleaned = cleaned.copy()
            cleaned[:, humming] -= _hum(cleaned[:, humming], mains)
    return cleaned


def _hum(signals: Floats, mains: float) -> Floats:
    """Fit a hum of slowly changing size to what is faster than the waves of the heart.

    What a sample differs by from the mean of those half a period away doubles the hum and leaves
    little of slow waves.
    """
    reach = max(round(_RATE / (2 * mains)), 1)
    padded = np.pad(signals, ((reach, reach), (0, 0)), mode="reflect")
    fast = signals - 0.5 * (padded[: -2 * reach] + padded[2 * reach :])
    passed = 1 - np.cos(2 * np.pi * mains * reach / _RATE)
    wave = np.exp(2j * np.pi * mains * np.arange(len(signals)) / _RATE)[:, None]
    height = np.einsum("tl,tl->t", fast, fast)[:, None]
    is_quiet = height < 9 * np.median(height)
    # Its size changes slowly: means of a few samples are enough to tell it.
    starts = np.arange(0, len(signals), _BLOCK)
    window = np.hanning(_RATE // _BLOCK)[:, None]
    total = fftconvolve(np.add.reduceat(1.0 * is_quiet, starts, axis=0), window, "same", axes=0)
    product = np.add.reduceat(2 / passed * fast * np.conj(wave) * is_quiet, starts, axis=0)
    size = fftconvolve(product, window, "same", axes=0) / np.maximum(total, 1.0)
    place = (np.arange(len(signals)) / _BLOCK - 0.5).clip(0, len(starts) - 1.000001)
    low = place.astype(np.intp)
    share = (place - low)[:, None]
    return np.asarray(np.real((size[low] * (1 - share) + size[low + 1] * share) * wave), np.float64)


def _high_pass(cutoff_hz: float) -> NDArray[np.float64]:
    """Return the sections of a Butterworth filter of second order."""
    return np.asarray(butter(2, cutoff_hz, "highpass", fs=_RATE, output="sos"), np.float64)


def high_passed(signals: NDArray[np.float64], cutoff_hz: float) -> NDArray[np.float64]:
    """Return the signals without what is slower, zero phase."""
    return np.asarray(sosfiltfilt(_high_pass(cutoff_hz), signals, axis=0), np.float64)


def _list(leads: list[str]) -> str:
    """Name leads in a sentence."""
    return f"lead{'s' if len(leads) > 1 else ''} {', '.join(leads)}"
