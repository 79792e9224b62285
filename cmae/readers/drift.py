"""The slow movement of an ECG's baseline, told from the waves of the heart."""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, CubicSpline

Floats = NDArray[np.float64]

KNOT_SHARE = 0.65
"""Knots of the drift stand this share of an RR interval apart: it cannot follow single beats."""

ROUNDS = 2
"""How often beat and drift are estimated in turn; more changes nothing."""

BLOCK = 10
"""Samples of which one mean is taken: drift is slow."""

SMOOTHING = 1e-3
"""Weight of the drift's bending against the residual, where nothing else holds it."""


def drift_through(signals: Floats, knots: NDArray[np.intp], half_width: int) -> Floats:
    """Return a natural cubic spline through the mean level about some samples.

    Meyer & Keiser 1977 drew it through the PR segments, which leaves ST as it is.

    Args:
        signals: ``(samples, 12)`` in mV.
        knots: ``(beats,)`` samples of the middle of the PR segments, at least 2, increasing.
        half_width: Samples on each side that the level is a mean of.

    Returns:
        ``(samples, 12)`` in mV, constant before the first and after the last knot.
    """
    around = knots[:, None] + np.arange(-half_width, half_width)
    levels = signals[np.clip(around, 0, len(signals) - 1)].mean(axis=1)
    time = np.clip(np.arange(len(signals)), knots[0], knots[-1])
    return np.asarray(CubicSpline(knots, levels, axis=0, bc_type="natural")(time))


def knot_samples(intervals: NDArray[np.intp]) -> float:
    """Return how far apart the knots of a drift stand that cannot follow single beats.

    Args:
        intervals: Samples between successive beats.

    Returns:
        Samples between knots.
    """
    return KNOT_SHARE * float(np.median(intervals))


def drift_below(signals: Floats, waves: Floats, weight: Floats, spacing: float) -> Floats:
    """Return the slow part of what the waves of the heart leave.

    A least-squares cubic B-spline with knots so far apart that it cannot follow single beats;
    where the waves are not known (ectopic beats, QRS complexes) the weight is 0 and the spline
    bends as little as it can.

    Args:
        signals: ``(samples, 12)`` in mV.
        waves: ``(samples, 12)`` in mV: the median beat at every beat.
        weight: ``(samples,)``, 0 where the waves are not known.
        spacing: Samples between knots.

    Returns:
        ``(samples, 12)`` in mV.
    """
    blocks = -(-len(signals) // BLOCK)
    starts = np.arange(blocks) * BLOCK
    total = np.add.reduceat(weight, starts)
    residual = np.add.reduceat((signals - waves) * weight[:, None], starts, axis=0)
    center = starts + (BLOCK - 1) / 2
    pieces = max(round(len(signals) / spacing), 1)
    inner = np.linspace(0, len(signals), pieces + 1)
    knots = np.concatenate([[inner[0]] * 3, inner, [inner[-1]] * 3])
    basis = BSpline.design_matrix(center.clip(0, len(signals) - 1e-6), knots, 3).toarray()
    bending = np.diff(np.eye(basis.shape[1]), 2, axis=0)
    normal = basis.T @ (basis * total[:, None])
    normal += SMOOTHING * np.trace(normal) / len(normal) * bending.T @ bending
    coefficients = np.linalg.solve(normal, basis.T @ residual)
    return np.asarray(BSpline(knots, coefficients, 3)(np.arange(len(signals), dtype=np.float64)))
