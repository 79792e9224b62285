"""Scores of predictions with bootstrap draws over participants, many predictions at once.

A draw is a weight a row, how often its participant was drawn, so that R² and r of all draws come
from a few matrix products, and what is compared is compared in the very same draws.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]
Weights = NDArray[np.float32]

RESAMPLES = 1000
CHANCE = {"r2": 0.0, "pearson_r": 0.0, "auroc": 0.5}
"""What a prediction that knows nothing scores."""

WITHIN_SEX = "_within_sex"
ADJUSTED = "_adjusted"


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of one target by several feature sets, for the rows that have a label.

    Attributes:
        truth: (n,) values, or 0 and 1.
        predicted: (n, sets) in the unit of the truth, or decision values.
        folds: (n,): the fold in which a row was held out. Each fold has a model of its own, so r
            and AUROC compare rows of one fold only: intercepts of models say nothing about rows,
            and in pooled rows would make chance look worse than chance.
        sexes: (n,): the sex of each row as a number.
    """

    truth: Floats
    predicted: Floats
    folds: Groups
    sexes: Groups


def draw(
    participants: NDArray[np.generic], *, resamples: int = RESAMPLES, seed: int = 0
) -> Weights:
    """Draw participants with replacement, as many as there are, with all their rows.

    Args:
        participants: (n,): who each row is of.
        resamples: How often.
        seed: Of the draws.

    Returns:
        (n, 1 + resamples) float32: how often each row was drawn; the first column is all rows once.
    """
    _, place = np.unique(participants, return_inverse=True)
    count, rng = int(place.max()) + 1, np.random.default_rng(seed)
    weights = np.ones((len(place), 1 + resamples), np.float32)
    for k in range(resamples):
        weights[:, k + 1] = np.bincount(rng.integers(0, count, count), minlength=count)[place]
    return weights


class Draws:
    """Draws of the participants of any rows, kept while the rows stay the same.

    Args:
        participants: (rows,): who each row is of.
        resamples: How often participants are drawn.
        seed: Of the draws.
    """

    def __init__(self, participants: NDArray[np.generic], resamples: int, seed: int) -> None:
        """Draw nothing yet."""
        self._all = (participants, resamples, seed)
        self._rows: NDArray[np.int64] | None = None
        self._weights = np.zeros((0, 0), np.float32)

    def of(self, rows: NDArray[np.int64]) -> Weights:
        """Return ``draw`` of the participants of some rows, (len(rows), 1 + resamples)."""
        if self._rows is None or not np.array_equal(self._rows, rows):
            participants, resamples, seed = self._all
            self._weights = draw(participants[rows], resamples=resamples, seed=seed)
            self._rows = rows
        return self._weights


def score(found: Predictions, weights: Weights, *, kind: str) -> dict[str, Floats]:
    """Score predictions, and score them in bootstrap draws of participants.

    R² = 1 − Σ (y − ŷ)² / Σ (y − ȳ)²; within sex, ȳ is the mean of the row's sex, so what only tells
    men from women scores 0. r is of deviations from the means of the fold (and sex). AUROC is the
    share of (sick, healthy) pairs of one fold (and sex) in the right order, ties half.

    Args:
        found: The predictions.
        weights: (n, draws) of ``draw`` for these rows.
        kind: Of the target: ``continuous`` or ``binary``.

    Returns:
        By measure (``r2``, ``pearson_r`` or ``auroc``, each also with ``_within_sex``)
        (draws, sets): first of all rows, then of each draw.
    """
    pairs = np.stack([found.folds, found.sexes])
    both = np.unique(pairs, axis=1, return_inverse=True)[1].ravel()
    if kind == "continuous":
        return _continuous(found, both, weights)
    groups = {"auroc": found.folds, "auroc" + WITHIN_SEX: both}
    return {name: _aurocs(found, group, weights) for name, group in groups.items()}


def _continuous(found: Predictions, both: Groups, weights: Weights) -> dict[str, Floats]:
    center, unit = found.truth.mean(), found.truth.std() or 1.0
    y, p = (found.truth - center) / unit, (found.predicted - center) / unit
    one = np.ones(len(y))
    columns = np.column_stack([one, y, y**2, (y[:, None] - p) ** 2, p, p**2, y[:, None] * p])
    strata = [np.flatnonzero(both == k) for k in range(both.max() + 1)]
    sums = np.stack([weights[rows].T.astype(np.float64) @ columns[rows] for rows in strata])
    by_fold = _merged(sums, np.array([found.folds[rows[0]] for rows in strata]))
    by_sex = _merged(sums, np.array([found.sexes[rows[0]] for rows in strata]))
    whole, sets = sums.sum(axis=0), p.shape[1]
    error = whole[:, 3 : 3 + sets]
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "r2": 1 - error / _spread(whole[None])[:, None],
            "pearson_r": _correlation(by_fold, sets),
            "r2" + WITHIN_SEX: 1 - error / _spread(by_sex)[:, None],
            "pearson_r" + WITHIN_SEX: _correlation(sums, sets),
        }


def _merged(sums: Floats, group: Groups) -> Floats:
    return np.stack([sums[group == one].sum(axis=0) for one in np.unique(group)])


def _spread(sums: Floats) -> Floats:
    """Σ (y − mean of the group)² over groups, (draws,)."""
    count = np.maximum(sums[..., 0], 1)
    total: Floats = (sums[..., 2] - sums[..., 1] ** 2 / count).sum(axis=0)
    return total


def _correlation(sums: Floats, sets: int) -> Floats:
    """Pearson's r of deviations from the means of groups, (draws, sets)."""
    count = np.maximum(sums[..., 0], 1)[..., None]
    y, p = sums[..., 1:2], sums[..., 3 + sets : 3 + 2 * sets]
    squares, products = sums[..., 3 + 2 * sets : 3 + 3 * sets], sums[..., 3 + 3 * sets :]
    covariance = (products - y * p / count).sum(axis=0)
    spread = np.maximum((squares - p**2 / count).sum(axis=0), 0)
    result: Floats = covariance / np.sqrt(spread * _spread(sums)[:, None])
    return result


def _aurocs(found: Predictions, group: Groups, weights: Weights) -> Floats:
    """Share of weighted (sick, healthy) pairs of one group in the right order, (draws, sets)."""
    right = np.zeros((weights.shape[1], found.predicted.shape[1]))
    pairs = np.zeros((weights.shape[1], 1))
    for one in np.unique(group):
        sick = np.flatnonzero((group == one) & (found.truth == 1))
        healthy = np.flatnonzero((group == one) & (found.truth == 0))
        if not len(sick) or not len(healthy):
            continue
        times, passed = weights[sick], np.zeros((len(healthy) + 1, weights.shape[1]), np.float32)
        pairs[:, 0] += times.sum(axis=0, dtype=np.float64) * weights[healthy].sum(0)
        for k, scores in enumerate(found.predicted.T):
            by_score = healthy[np.argsort(scores[healthy], kind="stable")]
            # Counts of draws are whole numbers far below 2²⁴: exact in single precision.
            np.cumsum(weights[by_score], axis=0, out=passed[1:])
            below = np.searchsorted(scores[by_score], scores[sick], side="left")
            through = np.searchsorted(scores[by_score], scores[sick], side="right")
            won = times * (passed[below] + passed[through])
            right[:, k] += won.sum(axis=0, dtype=np.float64) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(right / pairs)


def interval(values: Floats) -> tuple[float, float, float]:
    """Return the first value, and the 2.5 and 97.5 % quantiles of the rest, NaN left out."""
    rest = values[1:][np.isfinite(values[1:])]
    if not len(rest):
        return float(values[0]), float("nan"), float("nan")
    low, high = np.quantile(rest, (0.025, 0.975))
    return float(values[0]), float(low), float(high)


def measures_of(scored: Mapping[str, Floats]) -> list[str]:
    """Return the plain measures among those that were scored."""
    return [name for name in CHANCE if name in scored]
