"""Logistic regression with an L2 penalty, in the axes where its curvature is nearly diagonal.

A path of penalties with inner folds asks for thousands of fits: scikit-learn's solvers take 0.1 to
1 s each at 4,000 × 256, because they know nothing of one another. Here all of them share one
decomposition, whose sums of squares precondition L-BFGS (SciPy's), and start from their neighbor.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from cmae.latent.ridge import Spectrum

Floats = NDArray[np.float64]
Features = NDArray[np.floating]

INNER_FOLDS = 3
"""Folds that choose the penalty."""

MOST_IN_DOUBLE = 500
"""Rows beyond which features are held in single precision: half the time, the same ranking."""


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """A logistic regression with the penalty that left-out participants chose.

    Attributes:
        weights: (q,) in the axes of the spectrum.
        intercept: At the mean of the features.
        penalty: λ of −Σ log likelihood + λ/2 Σ weights², on standardized features.
    """

    weights: Floats
    intercept: float
    penalty: float


def fit_logistic(
    spectrum: Spectrum, flags: Floats, participants: NDArray[np.integer], penalties: Floats
) -> LogisticFit:
    """Fit a logistic regression with the penalty of the least left-out deviance.

    The penalty is chosen by three inner folds over participants, dealt so that each fold has its
    share of both classes. From the strongest penalty on, the search ends once weaker ones are no
    better twice in a row.

    Args:
        spectrum: Of the features; rows may be more than those with a flag.
        flags: (n,) 0 or 1, NaN where unknown: such rows are left out. Both classes must be there.
        participants: (n,) numbers: who each row is of.
        penalties: (penalties,) as shares of Σ p̄ (1 − p̄), the curvature that one standardized
            feature has at the mean flag.

    Returns:
        The fit.
    """
    # Thousands of products of a matrix and a vector: threads would wait for each other longer than
    # they work, most of all where other programs want the cores.
    with threadpool_limits(1):
        return _fit(spectrum, flags, participants, penalties)


def _fit(
    spectrum: Spectrum, flags: Floats, participants: NDArray[np.integer], penalties: Floats
) -> LogisticFit:
    """Fit as ``fit_logistic`` says."""
    known = np.isfinite(flags)
    y = flags[known]
    z: Features = spectrum.rotated[known]
    if len(y) > MOST_IN_DOUBLE:
        z = z.astype(np.float32)
    curvature = float(y.mean() * (1 - y.mean()))
    ladder = np.sort(penalties)[::-1] * curvature * len(y)
    bowls = curvature * spectrum.squares * (len(y) / len(spectrum.rotated))
    chosen = float(ladder[0])
    if len(ladder) > 1:
        fold = _folds(y, participants[known])
        chosen = _best(z, y, fold, ladder, bowls)
    share = y.mean()
    start = np.append(np.zeros(z.shape[1]), np.log(share / (1 - share)))
    weights = minimize(z, y, chosen, bowls, start)
    return LogisticFit(weights[:-1], float(weights[-1]), chosen)


def _best(z: Features, y: Floats, fold: NDArray[np.int64], ladder: Floats, bowls: Floats) -> float:
    """Return the penalty of the least deviance over inner folds; the ladder falls."""
    parts = [(fold != k, fold == k) for k in range(INNER_FOLDS)]
    trained = [(z[train], y[train], z[test], y[test]) for train, test in parts]
    weights = [
        np.append(np.zeros(z.shape[1]), np.log(part[1].mean() / (1 - part[1].mean())))
        for part in trained
    ]
    best, least, worse = float(ladder[0]), np.inf, 0
    for penalty in ladder:
        deviance = 0.0
        for k, (z_train, y_train, z_test, y_test) in enumerate(trained):
            share = len(y_train) / len(y)
            weights[k] = minimize(z_train, y_train, penalty * share, bowls * share, weights[k])
            eta = z_test @ weights[k][:-1].astype(z.dtype) + weights[k][-1]
            deviance += float((np.logaddexp(0, eta) - y_test * eta).sum())
        if deviance < least * (1 - 1e-4):
            best, least, worse = float(penalty), deviance, 0
        else:
            worse += 1
            if worse == 2:
                break
    return best


def _folds(y: Floats, participants: NDArray[np.integer]) -> NDArray[np.int64]:
    """Deal participants into folds, those with a positive row first, in an order by chance."""
    _, place = np.unique(participants, return_inverse=True)
    is_positive = np.zeros(place.max() + 1)
    np.maximum.at(is_positive, place, y)
    by_chance = np.random.default_rng(0).random(len(is_positive))
    dealt = np.empty(len(is_positive), np.int64)
    dealt[np.lexsort((by_chance, -is_positive))] = np.arange(len(is_positive)) % INNER_FOLDS
    return np.asarray(dealt[place])


def minimize(z: Features, y: Floats, penalty: float, bowls: Floats, start: Floats) -> Floats:
    """Minimize Σ log(1 + exp η) − y η + λ/2 Σ weights², with η = z weights + intercept.

    Args:
        z: (n, q) features in principal axes; float32 halves the time and is exact enough.
        y: (n,) 0 or 1, both there.
        penalty: λ.
        bowls: (q,) about the curvature of the deviance along each axis: the preconditioner.
        start: (q + 1,) weights and intercept to start from.

    Returns:
        (q + 1,) weights, and the intercept, which is not penalized.
    """
    from scipy.optimize import minimize as search  # noqa: PLC0415 - takes half a second

    unit = 1 / np.sqrt(np.append(bowls + penalty, max(y.mean() * (1 - y.mean()), 1e-6) * len(y)))

    def deviance(steps: Floats) -> tuple[float, Floats]:
        weights = steps * unit
        eta = (z @ weights[:-1].astype(z.dtype)).astype(np.float64) + weights[-1]
        decay = np.exp(-np.abs(eta))
        value = (np.maximum(eta, 0) + np.log1p(decay) - y * eta).sum()
        surplus = np.where(eta >= 0, 1.0, decay) / (1 + decay) - y
        slope = np.append(surplus.astype(z.dtype) @ z, surplus.sum())
        slope[:-1] += penalty * weights[:-1]
        return float(value + penalty / 2 * (weights[:-1] ** 2).sum()), slope * unit

    # The unit makes a gradient of g cost g²/2 of deviance at most by and large: 0.01 is plenty.
    tolerance = 1e-2 if z.dtype == np.float32 else 1e-5
    options = {"maxiter": 200, "gtol": tolerance, "ftol": 1e-12, "maxcor": 10}
    found = search(deviance, start / unit, jac=True, method="L-BFGS-B", options=options)
    result: Floats = found.x * unit
    return result
