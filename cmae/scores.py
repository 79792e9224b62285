"""How well numbers predict others: R², Pearson's r, area under the ROC curve."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def group_means(values: Floats, group: NDArray[np.generic]) -> Floats:
    """Return for each value the mean of its group.

    Args:
        values: (n,).
        group: (n,): which group each value is of.

    Returns:
        (n,).
    """
    _, place, count = np.unique(group, return_inverse=True, return_counts=True)
    result: Floats = (np.bincount(place, weights=values) / count)[place]
    return result


def r2(truth: Floats, predicted: Floats, within: NDArray[np.generic] | None = None) -> float:
    """Coefficient of determination, 1 − Σ (y − ŷ)² / Σ (y − ȳ)²; 0 is what the mean gives.

    Args:
        truth: (n,).
        predicted: (n,), in the unit of the truth.
        within: (n,) groups, where ȳ is the mean of a value's own group: what is told beyond it.

    Returns:
        The share of variance that is told, NaN where the truth does not vary.
    """
    mean = truth.mean() if within is None else group_means(truth, within)
    total = float(((truth - mean) ** 2).sum())
    return 1 - float(((truth - predicted) ** 2).sum()) / total if total > 0 else float("nan")


def auroc(truth: Floats, scores: Floats) -> float:
    """Area under the ROC curve: the share of (sick, healthy) pairs in the right order.

    Args:
        truth: (n,), 1 sick and 0 healthy.
        scores: (n,), higher where sicker; ties count half.

    Returns:
        0.5 is chance; NaN where there is one class only.
    """
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    sick = float(truth.sum())
    healthy = len(truth) - sick
    if not sick or not healthy:
        return float("nan")
    return float((ranks[truth > 0].sum() - sick * (sick + 1) / 2) / (sick * healthy))
