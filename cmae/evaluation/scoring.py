"""Scores of predictions with bootstrap draws over participants, many predictions at once.

A draw is a weight a row, how often its participant was drawn, so that R² and r of all draws come
from a few matrix products, and what is compared is compared in the very same draws.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]

RESAMPLES = 1000
CHANCE = {"r2": 0.0, "pearson_r": 0.0, "auroc": 0.5}
"""What a prediction that knows nothing scores."""

WITHIN_SEX = "_within_sex"
ADJUSTED = "_adjusted"

_AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of one target by several feature sets, for the rows that have a label.

    Attributes:
        truth: (n,) values, or 0 and 1.
        predicted: (n, sets) in the unit of the truth, or decision values.
        participants: (n,): who each row is of.
        folds: (n,): the fold in which a row was held out. Each fold has a model of its own, so r
            and AUROC compare rows of one fold only: intercepts of models say nothing about rows,
            and in pooled rows would make chance look worse than chance.
        sexes: (n,): the sex of each row as a number.
    """

    truth: Floats
    predicted: Floats
    participants: NDArray[np.generic]
    folds: Groups
    sexes: Groups


def draws(
    found: Predictions, *, kind: str, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Floats]:
    """Score predictions, and score them in bootstrap draws of participants.

    R² = 1 − Σ (y − ŷ)² / Σ (y − ȳ)²; within sex, ȳ is the mean of the row's sex, so what only tells
    men from women scores 0. r is of deviations from the means of the fold (and sex). AUROC is the
    share of (sick, healthy) pairs of one fold (and sex) in the right order, ties half.

    Args:
        found: The predictions.
        kind: Of the target: ``continuous`` or ``binary``.
        resamples: How often participants are drawn.
        seed: Of the draws.

    Returns:
        By measure (``r2``, ``pearson_r`` or ``auroc``, each also with ``_within_sex``)
        (1 + resamples, sets): first of all rows, then of each draw.
    """
    pairs = np.stack([found.folds, found.sexes])
    both = np.unique(pairs, axis=1, return_inverse=True)[1].ravel()
    score = _continuous(found, both) if kind == "continuous" else _binary(found, both)
    chunks = [score(weights) for weights in _weights(found.participants, resamples, seed)]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _weights(participants: NDArray[np.generic], resamples: int, seed: int) -> Iterator[Floats]:
    """Yield how often each row was drawn, (draws, n) at a time; the first is all rows once."""
    _, place = np.unique(participants, return_inverse=True)
    count, rng = int(place.max()) + 1, np.random.default_rng(seed)
    at_once = max(1, min(resamples, _AT_ONCE // len(place)))
    yield np.ones((1, len(place)))
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        drawn = rng.integers(0, count, (size, count)) + count * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count)
        yield times[:, place].astype(np.float64)


def _continuous(found: Predictions, both: Groups) -> Callable[[Floats], dict[str, Floats]]:
    center, unit = found.truth.mean(), found.truth.std() or 1.0
    y, p = (found.truth - center) / unit, (found.predicted - center) / unit
    one = np.ones(len(y))
    columns = np.column_stack([one, y, y**2, (y[:, None] - p) ** 2, p, p**2, y[:, None] * p])
    sets = p.shape[1]
    strata = [np.flatnonzero(both == k) for k in range(both.max() + 1)]
    fold_of = np.array([found.folds[rows[0]] for rows in strata])
    sex_of = np.array([found.sexes[rows[0]] for rows in strata])

    def score(weights: Floats) -> dict[str, Floats]:
        sums = np.stack([weights[:, rows] @ columns[rows] for rows in strata])
        whole, by_sex, by_fold = (
            sums.sum(axis=0)[None],
            _merged(sums, sex_of),
            _merged(sums, fold_of),
        )
        error = whole[0, :, 3 : 3 + sets]
        with np.errstate(divide="ignore", invalid="ignore"):
            return {
                "r2": 1 - error / _spread(whole)[:, None],
                "pearson_r": _correlation(by_fold, sets),
                "r2" + WITHIN_SEX: 1 - error / _spread(by_sex)[:, None],
                "pearson_r" + WITHIN_SEX: _correlation(sums, sets),
            }

    return score


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


def _binary(found: Predictions, both: Groups) -> Callable[[Floats], dict[str, Floats]]:
    groups = {"auroc": found.folds, "auroc" + WITHIN_SEX: both}
    orders = {
        name: [
            [_order(found.truth, scores, np.flatnonzero(group == one)) for one in np.unique(group)]
            for scores in found.predicted.T
        ]
        for name, group in groups.items()
    }

    def score(weights: Floats) -> dict[str, Floats]:
        return {
            name: np.stack([_concordance(weights, parts) for parts in by_set], axis=1)
            for name, by_set in orders.items()
        }

    return score


def _order(truth: Floats, scores: Floats, rows: Groups) -> tuple[Groups, Groups, Groups, Groups]:
    """Return sick rows, healthy rows by score, and for each sick how many healthy are (not) above.

    Args:
        truth: (n,) 0 or 1.
        scores: (n,).
        rows: Those that are compared with each other.
    """
    sick, healthy = rows[truth[rows] == 1], rows[truth[rows] == 0]
    healthy = healthy[np.argsort(scores[healthy], kind="stable")]
    below = np.searchsorted(scores[healthy], scores[sick], side="left")
    through = np.searchsorted(scores[healthy], scores[sick], side="right")
    return sick, healthy, below, through


def _concordance(weights: Floats, parts: list[tuple[Groups, Groups, Groups, Groups]]) -> Floats:
    """Share of weighted pairs in the right order over all parts, (draws,)."""
    right, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for sick, healthy, below, through in parts:
        if not len(sick) or not len(healthy):
            continue
        passed = np.cumsum(weights[:, healthy], axis=1)
        passed = np.concatenate([np.zeros((len(weights), 1)), passed], axis=1)
        times = weights[:, sick]
        right += (times * (passed[:, below] + passed[:, through])).sum(axis=1) / 2
        pairs += times.sum(axis=1) * passed[:, -1]
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
