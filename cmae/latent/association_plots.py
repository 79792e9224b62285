"""What a Manhattan and a QQ plot show: places along the genome, quantiles, and fewer points."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

Floats = NDArray[np.float64]

MOST_HEIGHT = 1e4
"""−log10 p beyond this is drawn here: what is larger is an infinity of rounding."""

_QQ_POINTS = 2000

_COLUMNS, _STEP = 700, 0.15
"""Cells of which a thinned Manhattan plot keeps one point: across, and their height in −log10 p."""

_GAP = 0.004
"""Space between two chromosomes, as a share of all."""


@dataclass(frozen=True)
class Genome:
    """Chromosomes side by side.

    Attributes:
        order: Names, in their natural order.
        offsets: By name, what is added to a position in bases to have its place.
        middles: Place of the middle of each.
        gap: Space between two, in bases.
        end: Place of the last position.
    """

    order: tuple[str, ...]
    offsets: Mapping[str, float]
    middles: tuple[float, ...]
    gap: float
    end: float

    def places(self, chromosomes: NDArray[np.object_], positions: NDArray[np.generic]) -> Floats:
        """Return (variants,) places along the genome.

        Args:
            chromosomes: (variants,) names of ``order``.
            positions: (variants,) in bases.
        """
        places = np.asarray(positions, np.float64).copy()
        for name in self.order:
            places[chromosomes == name] += self.offsets[name]
        return places


@dataclass(frozen=True, eq=False)
class Quantiles:
    """A QQ plot of one test.

    Attributes:
        expected: (points,) −log10 p of no effect, descending.
        observed: (points,) −log10 p.
        low: (points,) lower end of the 95 % band of no effect.
        high: (points,) upper end.
        count: Variants, of which the points are some.
    """

    expected: Floats
    observed: Floats
    low: Floats
    high: Floats
    count: int


def chromosome_order(names: Iterable[object]) -> list[str]:
    """Return chromosomes in their natural order: numbers first, then X, Y, MT and others.

    Args:
        names: Of chromosomes, each as often as it comes.
    """
    letters = {"X": 23, "XY": 24, "Y": 25, "MT": 26, "M": 26}

    def rank(name: str) -> tuple[int, str]:
        bare = name.removeprefix("chr")
        if bare.isdecimal():
            return int(bare), bare
        return letters.get(bare.upper(), 1000), bare

    return sorted({str(name) for name in names}, key=rank)


def genome(extents: Mapping[str, tuple[float, float]]) -> Genome:
    """Lay chromosomes side by side.

    Args:
        extents: By name of a chromosome, its first and its last position in bases.
    """
    order = chromosome_order(extents)
    gap = _GAP * sum(extents[name][1] - extents[name][0] + 1 for name in order)
    offsets, middles, end = {}, [], 0.0
    for name in order:
        first, last = extents[name]
        offsets[name] = end - first
        middles.append((end + last + offsets[name]) / 2)
        end = last + offsets[name] + gap
    return Genome(tuple(order), offsets, tuple(middles), gap, end)


def thinned(places: Floats, heights: Floats, *, end: float, always: int = 500) -> NDArray[np.int64]:
    """Choose the points that a Manhattan plot of a screen's width needs.

    Of each small cell the highest point stays, and the highest of all: every peak keeps its shape
    and its top, and the crowd at the bottom its outline.

    Args:
        places: (variants,) along the genome.
        heights: (variants,) −log10 p.
        end: Place of the last position.
        always: How many of the highest stay in any case.

    Returns:
        Their indices, ascending.
    """
    across = np.floor(places / max(end, 1.0) * (_COLUMNS - 1)).astype(np.int64)
    up = np.floor(np.minimum(heights, MOST_HEIGHT) / _STEP).astype(np.int64)
    order = np.argsort(-heights, kind="stable")
    _, first = np.unique((up * _COLUMNS + across)[order], return_index=True)
    return np.unique(np.concatenate([order[first], order[:always]]))


def quantile_ranks(count: int) -> NDArray[np.int64]:
    """Return the ranks that a QQ plot draws: all small ones, and fewer and fewer of the others.

    Args:
        count: Variants.
    """
    if count <= _QQ_POINTS:
        return np.arange(1, count + 1)
    spaced = np.geomspace(1, count, _QQ_POINTS)
    return np.unique(spaced.round().astype(np.int64))


def null_band(ranks: NDArray[np.integer], count: int) -> tuple[Floats, Floats]:
    """Return the 95 % band of no effect, as −log10 p.

    It is that of order statistics of independent uniform numbers, Beta(i, m + 1 − i).

    Args:
        ranks: From the smallest p on, beginning with 1.
        count: Variants.

    Returns:
        Lower and upper end, each in the shape of ``ranks``.
    """
    low, high = (beta.ppf(q, ranks, count + 1 - ranks) for q in (0.975, 0.025))
    return -np.log10(low), -np.log10(high)


def quantile_points(neg_log10_p: Sequence[float] | NDArray[np.floating]) -> Quantiles:
    """Return what a QQ plot of one test draws.

    Args:
        neg_log10_p: (variants,) −log10 p, in any order.
    """
    p = np.sort(np.asarray(neg_log10_p, np.float64))[::-1]
    ranks = quantile_ranks(len(p))
    low, high = null_band(ranks, len(p))
    return Quantiles(
        expected=-np.log10(ranks / (len(p) + 1)),
        observed=np.minimum(p[ranks - 1], MOST_HEIGHT),
        low=low,
        high=high,
        count=len(p),
    )
