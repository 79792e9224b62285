"""Bootstrap intervals: how far a number could lie from what these participants gave."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Statistic = Callable[[Values], Values]

RESAMPLES = 1000
"""Resamples from which an interval is read."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: The number, from all participants.
        low: 2.5 % quantile of its bootstrap distribution.
        high: 97.5 % quantile.
    """

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """Return the fields, for JSON."""
        return asdict(self)


def mean(values: Values) -> Values:
    """Return the mean along the last axis, NaN left out."""
    if np.isnan(values).any():
        counts = np.isfinite(values).sum(-1)
        return np.asarray(np.nansum(values, -1) / np.maximum(counts, 1))
    return np.asarray(values.mean(-1))


def median(values: Values) -> Values:
    """Return the median along the last axis."""
    return np.asarray(np.median(values, -1))


def estimate(
    values: NDArray[np.generic],
    *,
    statistic: Statistic = mean,
    participants: NDArray[np.generic] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Estimate a statistic with a percentile bootstrap interval over participants.

    Args:
        values: One number a row, ``(n,)``.
        statistic: From ``(..., n)`` to ``(...)``: what is estimated.
        participants: Who each row is of, ``(n,)``; the rows of one participant are drawn
            together. None where every row is a participant of their own.
        resamples: Number of resamples.
        seed: Seed of the resampling.

    Returns:
        The statistic of all values with its 95 % interval.
    """
    numbers = np.asarray(values, np.float64)
    rng = np.random.default_rng(seed)
    if participants is None or len(np.unique(participants)) == len(numbers):
        drawn = [
            statistic(numbers[rng.integers(0, len(numbers), (size, len(numbers)))])
            for size in _sizes(resamples, len(numbers))
        ]
        statistics = np.concatenate(drawn)
    else:
        statistics = _by_participant(numbers, participants, statistic, resamples, rng)
    low, high = np.quantile(statistics, (0.025, 0.975))
    return Estimate(float(statistic(numbers)), float(low), float(high))


def _by_participant(
    numbers: Values,
    participants: NDArray[np.generic],
    statistic: Statistic,
    resamples: int,
    rng: np.random.Generator,
) -> Values:
    """Compute the statistic of resamples in which each participant comes with all their rows."""
    _, groups = np.unique(participants, return_inverse=True)
    sizes = np.bincount(groups)
    draws = rng.integers(0, len(sizes), (resamples, len(sizes)))
    if statistic is mean and np.isfinite(numbers).all():
        sums = np.bincount(groups, weights=numbers)
        return np.asarray(sums[draws].sum(1) / sizes[draws].sum(1))
    rows_of = np.split(np.argsort(groups, kind="stable"), np.cumsum(sizes)[:-1])
    return np.array(
        [statistic(numbers[np.concatenate([rows_of[i] for i in draw])]) for draw in draws]
    )


def _sizes(resamples: int, count: int) -> list[int]:
    """Cut the resamples into groups of some ten million numbers."""
    at_once = max(1, min(resamples, 10_000_000 // max(count, 1)))
    return [min(at_once, resamples - start) for start in range(0, resamples, at_once)]
