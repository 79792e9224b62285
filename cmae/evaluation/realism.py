"""How far simulated beats are from real ones, as numbers with intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.latent.bootstrap import Estimate, estimate
from cmae.measure.electrocardiogram import measure_ecg

Floats = NDArray[np.float64]

FOLDS = 5
RIDGE = 1.0
"""Penalty of the logistic regression that tells real from simulated, on standardized features."""


@dataclass(frozen=True)
class Discrimination:
    """How well a classifier tells real from simulated beats.

    Attributes:
        components: Principal components that it sees.
        auroc: Area under the ROC curve: 0.5 where it cannot tell, 1 where it always can; the
            interval is over real beats, and over draws of simulated ones to match them.
        real: Real beats.
    """

    components: int
    auroc: Estimate
    real: int


def beat_values(beat: NDArray[np.generic], *, rr_ms: float) -> Floats:
    """Measure what cardiologists read off a beat.

    Args:
        beat: (600, 12) in mV at 500 Hz.
        rr_ms: RR interval in ms; QT is corrected by it (Fridericia 1920).

    Returns:
        (55,): PR, P, QRS and QTc in ms; axes of P, QRS and T in °; Q, R, S and T of each lead in
        mV; NaN where a wave is not there.
    """
    m = measure_ecg(beat, rr_ms=rr_ms)
    intervals = (m.pr_ms, m.p_duration_ms, m.qrs_ms, m.qt_ms / np.cbrt(rr_ms / 1000))
    axes = (m.p_axis_deg, m.qrs_axis_deg, m.t_axis_deg)
    return np.concatenate([intervals, axes, m.q_mv, m.r_mv, m.s_mv, m.t_mv])


KINDS = {"intervals": slice(0, 4), "axes": slice(4, 7), "voltages": slice(7, 55)}
"""Where each kind of value stands in ``beat_values``."""


def share_within(simulated: Floats, real: Floats) -> Estimate:
    """Give the share of real values between the simulated 1st and 99th percentiles.

    Args:
        simulated: (beats, values).
        real: (beats, values); NaN is left out.

    Returns:
        The share over all values, with an interval over real beats; 0.98 where both are drawn
        from one distribution.

    Raises:
        InputError: There is no real beat, or the values are not the same ones.
    """
    if not len(real) or simulated.shape[1:] != real.shape[1:]:
        raise InputError(
            f"Values of shapes {simulated.shape} and {real.shape} cannot be compared: give the "
            "same values of at least one real beat."
        )
    low, high = np.nanpercentile(simulated, [1, 99], axis=0)
    known = np.isfinite(real)
    inside = np.where(known, (real >= low) & (real <= high), np.nan)
    rows = np.stack([np.nansum(inside, axis=1), known.sum(axis=1)], axis=1)
    return _ratio(rows)


def _ratio(rows: Floats) -> Estimate:
    """Estimate Σ first / Σ second over rows (n, 2), by drawing whole rows."""
    rng = np.random.default_rng(0)
    drawn = rows[rng.integers(0, len(rows), (1000, len(rows)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    return Estimate(float(rows[:, 0].sum() / rows[:, 1].sum()), float(low), float(high))


def discrimination(
    simulated: NDArray[np.generic],
    real: NDArray[np.generic],
    *,
    rr_ms: tuple[NDArray[np.generic], NDArray[np.generic]],
    components: int = 40,
    draws: int = 20,
) -> Discrimination:
    """Train a classifier to tell real from simulated beats by principal components.

    The components are those of half of the simulated beats; each draw takes four simulated beats
    of the other half for each real one, those next in rate among a random part, and scores all by
    a logistic regression that did not see them (five folds).

    Args:
        simulated: (n, 600, 12) in mV, at least 40 for each real one.
        real: (m, 600, 12) in mV, at least 10.
        rr_ms: RR intervals of (simulated, real), (n,) and (m,).
        components: Number of components.
        draws: How often simulated beats are drawn.

    Returns:
        The area under the ROC curve with its interval.

    Raises:
        InputError: There are too few beats.
    """
    if len(real) < 10 or len(simulated) < 40 * len(real):
        raise InputError(
            f"{len(simulated)} simulated and {len(real)} real beats are too few: give at least 10 "
            "real ones, and 40 simulated for each."
        )
    flat = np.asarray(simulated, np.float64).reshape(len(simulated), -1)
    half = len(flat) // 2
    center = flat[:half].mean(axis=0)
    _, sizes, axes = np.linalg.svd(flat[:half] - center, full_matrices=False)
    basis = axes[:components].T / (sizes[:components] / np.sqrt(half))
    others = (flat[half:] - center) @ basis
    mine = (np.asarray(real, np.float64).reshape(len(real), -1) - center) @ basis
    rates = np.asarray(rr_ms[0], np.float64)[half:], np.asarray(rr_ms[1], np.float64)
    rng = np.random.default_rng(0)
    values = []
    for _ in range(draws):
        matched = others[_next_in_rate(*rates, rng)]
        scores = _held_out_scores(np.concatenate([mine, matched]), len(mine), rng)
        first, second = scores[: len(mine)], scores[len(mine) :]
        wins = (first[:, None] > second).mean(axis=1) + 0.5 * (first[:, None] == second).mean(1)
        values.append(wins)
    by_beat = np.mean(values, axis=0)
    center_estimate = estimate(by_beat)
    spread = np.std([float(np.mean(wins)) for wins in values])
    low = min(center_estimate.low, center_estimate.value - 1.96 * float(spread))
    high = min(max(center_estimate.high, center_estimate.value + 1.96 * float(spread)), 1.0)
    return Discrimination(components, Estimate(center_estimate.value, low, high), len(real))


def _next_in_rate(
    simulated: Floats, real: Floats, rng: np.random.Generator, each: int = 4
) -> NDArray[np.int64]:
    """Rows of simulated beats, ``each`` for every real one, without taking one twice."""
    free = rng.permutation(len(simulated))[: 8 * each * len(real)]
    taken = []
    for rate in real:
        order = np.argsort(np.abs(np.log(simulated[free] / rate)))[:each]
        taken.append(free[order])
        free = np.delete(free, order)
    return np.concatenate(taken)


def _held_out_scores(features: Floats, num_real: int, rng: np.random.Generator) -> Floats:
    """Scores of all rows, of which the first are real, by models that never saw them."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - takes a second
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    is_real = np.arange(len(features)) < num_real
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=int(rng.integers(2**31)))
    scores = np.zeros(len(features))
    for train, test in folds.split(features, is_real):
        scaler = StandardScaler().fit(features[train])
        model = LogisticRegression(C=1 / RIDGE, class_weight="balanced", max_iter=2000)
        model.fit(scaler.transform(features[train]), is_real[train])
        scores[test] = model.decision_function(scaler.transform(features[test]))
    return scores


def cine_values(cine: NDArray[np.generic]) -> dict[str, float]:
    """Measure the look and the motion of a cine without knowing where the heart is.

    Args:
        cine: (96, 96, 50) in any intensity unit.

    Returns:
        Quantiles of the z-score; slopes of the spatial power spectrum (logarithm of power over
        logarithm of frequency, below and above a quarter cycle a pixel); RMS difference of
        successive frames in SD; share of variance that moves; and of what moves, the shares in
        the first three and from the eighth harmonic of the heartbeat.
    """
    frames = np.asarray(cine, np.float64)
    z = (frames - frames.mean()) / frames.std()
    quantiles = {f"z-score, {q} %": float(np.percentile(z, q)) for q in (5, 25, 50, 75, 95)}
    low, high = _slopes(z)
    energy = (np.abs(np.fft.rfft(z, axis=-1)) ** 2).sum(axis=(0, 1))
    moving = z - z.mean(axis=-1, keepdims=True)
    return quantiles | {
        "slope of the spectrum, coarse": low,
        "slope of the spectrum, fine": high,
        "change from frame to frame, SD": float(np.sqrt((np.diff(z, axis=-1) ** 2).mean())),
        "share of variance that moves": float(moving.var()),
        "of it in harmonics 1 to 3": float(energy[1:4].sum() / energy[1:].sum()),
        "of it in harmonics 8 and above": float(energy[8:].sum() / energy[1:].sum()),
    }


def _slopes(z: Floats) -> tuple[float, float]:
    """Slopes of the radial power spectrum of every fifth frame, (coarse, fine)."""
    side = z.shape[0]
    window = np.outer(np.hanning(side), np.hanning(side))[..., None]
    power = (np.abs(np.fft.fft2(z[..., ::5] * window, axes=(0, 1))) ** 2).sum(axis=-1)
    cycles = np.fft.fftfreq(side) * side
    radius = np.rint(np.hypot(cycles[:, None], cycles[None])).astype(int)
    by_radius = np.bincount(radius.ravel(), power.ravel()) / np.bincount(radius.ravel())
    found = []
    for first, last in ((2, side // 4), (side // 4, side // 2 - 3)):
        range_ = np.arange(first, last + 1)
        found.append(float(np.polyfit(np.log(range_), np.log(by_radius[range_]), 1)[0]))
    return found[0], found[1]
