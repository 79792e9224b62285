"""What is done to an ECG before its beats are looked for: checks, one rate, no mains hum."""

from fractions import Fraction
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.ndimage import convolve1d, maximum_filter1d
from scipy.signal import butter, resample_poly, sosfiltfilt

from cmae.data.modality import ECG_RATE_HZ, LEADS
from cmae.errors import ReadError
from cmae.readers.drift import between_blocks, block_means
from cmae.readers.ecg_record import EcgRecord
from cmae.readers.qrs_complex import independent

MIN_DURATION_S = 2.5
"""Shortest recording of which a median beat is tried."""

SPIKE_REACH_S = 0.004
"""A stimulus of a pacemaker is over within this time."""
SPIKE_MV = 0.15
"""Smaller stimuli do no harm."""
SPIKE_RATIO = 6.0
"""How far a stimulus stands out of 8 ms against the largest two in a hundred samples."""

SPIKE_SHARE = 0.6
"""Least height of a stimulus over neighbors 4 ms away against that over those 8 ms away."""

SPIKE_OVER_BESIDE = 1.2
"""The least ratio of its height to the steps near it: a stimulus stands alone, while the waves of
a narrow QRS complex are steep one beside the other."""

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
    if not finite.all():
        shares = finite.mean(axis=0)
        gaps = [lead for lead, share in zip(LEADS, shares, strict=True) if share < 0.98]
        if gaps:
            raise ReadError(
                f"The ECG holds no values in much of {_list(gaps)}: use a recording without gaps."
            )
        signals = _gaps_bridged(signals, finite)
    low, high = np.percentile(_some(signals), (1, 99), axis=0)
    spread = high - low
    still = np.mean(signals[1:] == signals[:-1], axis=0)
    flat = [
        lead
        for lead, width, share in zip(LEADS, spread, still, strict=True)
        if width < 0.005 or share > 0.98
    ]
    if flat:
        raise ReadError(f"The ECG is flat in {_list(flat)}: was an electrode off?")
    return resampled(without_spikes(signals, record.rate_hz), record.rate_hz)


def _some(signals: Floats) -> Floats:
    """Return a thousand of the samples: enough for the level and the size of a lead."""
    return signals[:: max(len(signals) // 1000, 1)]


def without_calibration(signals: Floats, rate_hz: float) -> Floats:
    """Cut off a calibration pulse at an end: there all leads have one voltage, which III forbids.

    Args:
        signals: ``(samples, 12)`` in mV.
        rate_hz: Samples per second.

    Returns:
        The signals without the pulse and the pause beside it.
    """
    with np.errstate(invalid="ignore"):
        is_one = np.abs(signals[:, 0] - signals[:, 1]) < 0.01
        is_one[is_one] = np.ptp(signals[is_one], axis=1) < 0.01
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
    signals = signals - np.median(_some(signals), axis=0)
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
    leads = independent(signals)
    out = _standing_out(leads, reach)
    # The tip of a tall wave stands out of a wider line by more, a stimulus by no more.
    out[reach:-reach][out[reach:-reach] < SPIKE_SHARE * _standing_out(leads, 2 * reach)] = 0.0
    height = out.max(axis=1)
    limit = max(SPIKE_MV, SPIKE_RATIO * float(np.percentile(height, 98)))
    stands_alone = height > SPIKE_OVER_BESIDE * _steepest_beside(leads, reach)
    spikes = np.flatnonzero((height > limit) & stands_alone) + reach
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


def _standing_out(leads: Floats, reach: int) -> Floats:
    """Return how far samples stand out of both their neighbors ``reach`` away, but at the ends."""
    inner = leads[reach:-reach]
    before, after = inner - leads[: -2 * reach], inner - leads[2 * reach :]
    # Above both neighbors or below both: a steep slope is neither.
    return np.where(before * after > 0, np.minimum(np.abs(before), np.abs(after)), 0.0)


def _steepest_beside(leads: Floats, reach: int) -> Floats:
    """Return the largest step over ``reach`` samples close to samples, but at the ends.

    Steps count that end or begin two to five times ``reach`` away on either side, so that none is
    the sample's own.
    """
    steps = np.abs(leads[reach:] - leads[:-reach]).max(axis=1)
    width = 3 * reach
    near = maximum_filter1d(steps, width, mode="nearest")
    places = np.arange(reach, len(leads) - reach)
    before = near[(places - 3 * reach - width // 2).clip(0)]
    after = near[(places + 2 * reach + width // 2).clip(max=len(near) - 1)]
    return np.asarray(np.maximum(before, after))


def _gaps_bridged(signals: NDArray[np.float64], finite: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the signals with straight lines over missing samples."""
    bridged = signals.copy()
    time = np.arange(len(signals))
    for lead in range(signals.shape[1]):
        known = finite[:, lead]
        bridged[:, lead] = np.interp(time, time[known], signals[known, lead])
    return bridged


def without_mains(signals: Floats) -> Floats:
    """Subtract a hum of 50 or 60 Hz and its harmonics, where there is one, second by second.

    A notch filter would ring after each QRS complex; a fitted sine does not.

    Args:
        signals: ``(samples, leads)`` in mV at 500 Hz.

    Returns:
        The signals without hum.
    """
    cleaned = signals
    for mains, humming in zip(_MAINS_HZ, _is_humming(signals), strict=True):
        if humming.all():
            cleaned = cleaned - _hum(cleaned, mains)
        elif humming.any():
            cleaned = cleaned.copy()
            cleaned[:, humming] -= _hum(cleaned[:, humming], mains)
    return cleaned


def _is_humming(signals: Floats) -> NDArray[np.bool_]:
    """Tell in which leads a line stands out of the spectrum, ``(frequencies, leads)``."""
    spectrum = rfft(signals.T * _window(len(signals)))
    step_hz = _RATE / len(signals)
    center = np.round(np.array(_MAINS_HZ) / step_hz).astype(np.intp)[:, None]
    near = np.arange(-int(0.4 / step_hz), int(0.4 / step_hz) + 1)
    beside = np.arange(int(1.5 / step_hz) + 1, int(6 / step_hz) + 1)
    line = np.abs(spectrum[:, center + near]).max(axis=2)
    floor = np.median(np.abs(spectrum[:, center + np.concatenate([-beside, beside])]), axis=2)
    return np.asarray((line > 8 * floor).T)


def _hum(signals: Floats, mains: float) -> Floats:
    """Fit a hum of slowly changing size to what is faster than the waves of the heart.

    What a sample differs by from the mean of those half a period away doubles the hum and leaves
    little of slow waves.
    """
    reach = max(round(_RATE / (2 * mains)), 1)
    padded = np.pad(signals, ((reach, reach), (0, 0)), mode="reflect")
    fast = signals - 0.5 * (padded[: -2 * reach] + padded[2 * reach :])
    passed = 1 - np.cos(2 * np.pi * mains * reach / _RATE)
    waves = _waves(mains, len(signals))
    height = np.einsum("tl,tl->t", fast, fast)
    is_quiet = height < 9 * np.median(height)
    # Its size changes slowly: sums of a few samples are enough to tell it.
    starts = np.arange(0, len(signals), _BLOCK)
    product = np.add.reduceat(waves * is_quiet[:, None, None] * fast[:, None], starts, axis=0)
    count = np.add.reduceat(1.0 * is_quiet, starts)
    window = np.hanning(_RATE // _BLOCK + 1)
    size = convolve1d(product, window, axis=0, mode="constant")
    total = convolve1d(count, window, mode="constant")[:, None, None]
    size *= 2 / passed / np.maximum(total, 1.0)
    return np.asarray(np.einsum("twl,twl->tl", between_blocks(size, _BLOCK, len(signals)), waves))


@lru_cache(2 * len(_MAINS_HZ))
def _waves(mains: float, samples: int) -> Floats:
    """Return the cosine and the sine of a hum, ``(samples, 2, 1)``: most recordings last 10 s."""
    angle = 2 * np.pi * mains * np.arange(samples) / _RATE
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)[:, :, None]


@lru_cache(4)
def _window(samples: int) -> Floats:
    """Return a Hann window."""
    return np.hanning(samples)


@cache
def _low_pass(cutoff_hz: float, rate_hz: float) -> Floats:
    """Return the sections of a Butterworth filter of second order."""
    return np.asarray(butter(2, cutoff_hz, "lowpass", fs=rate_hz, output="sos"), np.float64)


def high_passed(signals: Floats, cutoff_hz: float) -> Floats:
    """Return the signals without what is slower, zero phase: for cutoffs of a few Hz at most."""
    slow = sosfiltfilt(_low_pass(cutoff_hz, _RATE / _BLOCK), block_means(signals, _BLOCK), axis=0)
    return signals - between_blocks(slow, _BLOCK, len(signals))


def _list(leads: list[str]) -> str:
    """Name leads in a sentence."""
    return f"lead{'s' if len(leads) > 1 else ''} {', '.join(leads)}"
