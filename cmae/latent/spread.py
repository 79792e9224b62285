"""Samples that are spread over a whole group: never its first rows."""

import numpy as np
from numpy.typing import NDArray


def spread_sample(
    rows: NDArray[np.integer], values: NDArray[np.generic], count: int, *, seed: int = 0
) -> NDArray[np.int64]:
    """Draw rows evenly along a column, so that each part of its range is there by its share.

    Rows are put in the order of their values, equal ones in a random order, and taken at equal
    steps, the lowest and the highest included: a systematic sample, stratified by the column.

    Args:
        rows: (n,) row numbers, each once.
        values: (n,) number or code of each of these rows; NaN comes last.
        count: Rows that are wanted.
        seed: Of the order of equal values.

    Returns:
        (min(count, n),) row numbers in the order of their values.
    """
    shuffled = np.random.default_rng(seed).permutation(len(rows))
    order = shuffled[np.argsort(values[shuffled], kind="stable")]
    if count < len(rows):
        order = order[np.rint(np.linspace(0, len(rows) - 1, count)).astype(np.int64)]
    return np.asarray(rows[order], np.int64)
