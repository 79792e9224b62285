"""Where P, QRS and T of a median beat begin and end, found in all leads together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from cmae.data.modality import ECG_RATE_HZ, LEADS, R_PEAK_SAMPLE

Floats = NDArray[np.float64]

INDEPENDENT = tuple(LEADS.index(lead) for lead in ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"))
"""Columns of the leads that do not follow from two others."""

MS = ECG_RATE_HZ / 1000
"""Samples in a millisecond."""

QRS_SPEED_SHARE = 0.062
"""The QRS lasts while the leads move faster than this share of their fastest."""
SMALLEST_P_MV = 0.016
"""Smallest root mean square over the leads of a P wave."""
P_ABOVE_REST = 1.4
"""How much P stands above what is left between T and the next P (fibrillatory waves)."""
QUIET_SAMPLES = 5
"""Samples (10 ms) of little movement that part two waves."""


@dataclass(frozen=True)
class Delineation:
    """Begins and ends of the waves of a median beat, in samples (500 Hz); NaN: no such wave.

    Attributes:
        p_onset: Begin of P.
        p_end: End of P.
        qrs_onset: Begin of the QRS complex.
        qrs_end: End of the QRS complex (J point).
        t_peak: Peak of T.
        t_end: End of T.
    """

    p_onset: float
    p_end: float
    qrs_onset: float
    qrs_end: float
    t_peak: float
    t_end: float


def delineate(recording: NDArray[np.generic], *, rr_ms: float | None = None) -> Delineation:
    """Find the waves of a median beat.

    The QRS complex lasts while the root mean square of the slopes of the leads is above a share of
    its largest. T and P are sought in the main component of the leads beside it; each ends where
    the tangent at its steepest slope meets the baseline (Lepeschkin & Surawicz 1952).

    Args:
        recording: (600, 12) in mV at 500 Hz, R at sample 200, the PR segment at 0 mV.
        rr_ms: Interval between beats; None looks for the neighbours in the window.

    Returns:
        The begins and ends; P is NaN where there is none (atrial fibrillation).
    """
    leads = np.asarray(recording, np.float64)[:, INDEPENDENT]
    smooth = gaussian_filter1d(leads, 1.3, axis=0)
    speed = np.sqrt(np.mean(np.gradient(smooth, axis=0) ** 2, axis=1))
    onset, end = _qrs(speed)
    interval = _interval(leads, end) if rr_ms is None else rr_ms * MS
    t_peak, t_end = _t(leads, end, interval)
    p_onset, p_end = _p(leads, onset, t_end, interval)
    return Delineation(p_onset, p_end, onset, end, t_peak, t_end)


def _qrs(speed: Floats) -> tuple[float, float]:
    """Return begin and end of the QRS complex, between samples."""
    near = slice(R_PEAK_SAMPLE - int(60 * MS), R_PEAK_SAMPLE + int(90 * MS))
    steepest = near.start + int(np.argmax(speed[near]))
    fastest = speed[steepest]
    still = float(np.percentile(speed[R_PEAK_SAMPLE - 70 : R_PEAK_SAMPLE - 20], 20))
    limit = min(max(QRS_SPEED_SHARE * fastest, 2.2 * still), 0.2 * fastest)
    fast = np.flatnonzero(speed[near] > 0.25 * fastest) + near.start
    return (
        _where_still(speed, int(fast[0]), limit, step=-1),
        _where_still(speed, int(fast[-1]), limit, step=1),
    )


def _where_still(speed: Floats, start: int, limit: float, *, step: int) -> float:
    """Walk from a fast sample to where the leads stay below a speed, at most 110 ms."""
    stop = start + step * int(110 * MS)
    for sample in range(start, stop, step):
        ahead = speed[sample : sample + step * QUIET_SAMPLES : step]
        if ahead.max() < limit:
            last = speed[sample - step]
            share = (limit - ahead[0]) / max(last - ahead[0], limit - ahead[0])
            return sample - step * float(share)
    return float(start + step * int(np.argmin(speed[start:stop:step])))


def _interval(leads: Floats, qrs_end: float) -> float:
    """Return samples to the nearer QRS complex seen in the window, inf where there is none.

    Only what is faster than a T wave counts.
    """
    fast = leads - gaussian_filter1d(leads, 7, axis=0)
    size = np.sqrt(np.mean(gaussian_filter1d(fast, 1.3, axis=0) ** 2, axis=1))
    limit = 0.3 * size[R_PEAK_SAMPLE - 30 : R_PEAK_SAMPLE + 45].max()
    earlier = np.flatnonzero(size[: R_PEAK_SAMPLE - int(300 * MS)] > limit)
    first = int(max(qrs_end + 200 * MS, R_PEAK_SAMPLE + 300 * MS))
    later = np.flatnonzero(size[first:] > limit)
    return min(
        float(R_PEAK_SAMPLE - earlier[-1]) if len(earlier) else np.inf,
        float(first + later[0] - R_PEAK_SAMPLE) + 20 * MS if len(later) else np.inf,
    )


def _component(part: Floats) -> Floats:
    """Main component of some leads (n, 8), as root mean square over them, with its peak up."""
    direction = np.linalg.svd(part.T @ part)[0][:, 0]
    values: Floats = part @ direction / np.sqrt(part.shape[1])
    return values if values[np.argmax(np.abs(values))] > 0 else -values


def _t(leads: Floats, qrs_end: float, interval: float) -> tuple[float, float]:
    """Return peak and end of T; the T of a fast heart stops short of the next P."""
    first = int(qrs_end + 50 * MS)
    limit = R_PEAK_SAMPLE + min(490 * MS, 0.66 * interval)
    last = max(int(limit), first + 40)
    wave = _component(gaussian_filter1d(leads, 4, axis=0)[first:last])
    peak = int(np.argmax(wave))
    slope = np.gradient(wave)
    low = peak + np.flatnonzero(np.append(wave[peak:], 0.0) < 0.15 * wave[peak])[0]
    steepest = peak + int(np.argmin(slope[peak : max(low, peak + 2)]))
    return float(first + peak), first + _foot(wave, slope, steepest)


def _p(leads: Floats, qrs_onset: float, t_end: float, interval: float) -> tuple[float, float]:
    """Return begin and end of P, (NaN, NaN) where nothing stands out before the QRS."""
    last = int(qrs_onset - 4 * MS)
    first = int(max(qrs_onset - 300 * MS, R_PEAK_SAMPLE - 0.46 * interval, 0))
    if last - first < 60 * MS:
        return np.nan, np.nan
    smooth = gaussian_filter1d(leads, 2.5, axis=0)
    part = smooth[first:last] - _ramp(smooth[first:last])
    wave = _component(part)
    peak = int(np.argmax(wave))
    slope = np.gradient(wave)
    if wave[peak] < max(SMALLEST_P_MV, P_ABOVE_REST * _rest(smooth, t_end, interval)):
        return np.nan, np.nan
    if not 3 < peak < len(wave) - 3:
        return np.nan, np.nan
    high = np.flatnonzero(wave > 0.6 * wave[peak])
    near = high[np.abs(high - peak) < 70 * MS]
    rise = max(near[0] - int(60 * MS), 0)
    up = rise + int(np.argmax(slope[rise : near[0] + 1]))
    down = near[-1] + int(np.argmin(slope[near[-1] : near[-1] + int(60 * MS)]))
    begin, end = _foot(wave, slope, up), _foot(wave, slope, down)
    if not 40 * MS < end - begin < 190 * MS:
        return np.nan, np.nan
    return first + begin, min(first + end, qrs_onset)


def _ramp(part: Floats) -> Floats:
    """Return the line between the ends of some leads (n, 8)."""
    share = np.linspace(0, 1, len(part))[:, None]
    line: Floats = part[:8].mean(axis=0) * (1 - share) + part[-5:].mean(axis=0) * share
    return line


def _rest(smooth: Floats, t_end: float, interval: float) -> float:
    """Largest departure from a line between T and the next P, root mean square over leads."""
    first = int(t_end + 60 * MS)
    last = int(min(R_PEAK_SAMPLE + 0.60 * interval, first + 240 * MS, len(smooth)))
    if last - first < 50 * MS:
        return 0.0
    part = smooth[first:last] - _ramp(smooth[first:last])
    return float(np.sqrt(np.mean(part**2, axis=1)).max())


def _foot(wave: Floats, slope: Floats, sample: int) -> float:
    """Return where the tangent at a sample meets zero, at most 80 ms away."""
    away = -wave[sample] / slope[sample] if slope[sample] != 0 else 0.0
    return sample + float(np.clip(away, -80 * MS, 80 * MS))
