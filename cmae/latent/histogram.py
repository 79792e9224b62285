"""Bins of a column's values: counted once for all rows, and again for any group of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmae.errors import InputError

Floats = NDArray[np.floating]

MISSING = 255
"""Code of a value that is not there."""

_SHARE_IN_RANGE = (0.1, 99.9)
"""Percentiles between which the bins lie: a few strays do not press the others together."""

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Widths of a bin that people can read, times a power of ten."""


@dataclass(frozen=True, eq=False)
class Bins:
    """Equal bins with readable edges, and the bin of each row.

    Attributes:
        edges: (bins + 1,) ascending, in the column's unit; what lies beyond the first or the last
            is counted in the outermost bins.
        codes: (rows,) bin of each row, MISSING where there is no value.
    """

    edges: NDArray[np.float64]
    codes: NDArray[np.uint8]

    def counts(self, rows: NDArray[np.integer] | None = None) -> NDArray[np.int64]:
        """Count rows in each bin.

        Args:
            rows: (n,) row numbers; None: all.

        Returns:
            (bins,).
        """
        return counts_of_codes(self.codes, len(self.edges) - 1, rows)


def counts_of_codes(
    codes: NDArray[np.uint8], num_codes: int, rows: NDArray[np.integer] | None = None
) -> NDArray[np.int64]:
    """Count how often each code occurs.

    Args:
        codes: (rows,) below num_codes, or MISSING.
        num_codes: How many codes there are, at most 254.
        rows: (n,) row numbers; None: all.

    Returns:
        (num_codes,).
    """
    chosen = codes if rows is None else codes[rows]
    return np.bincount(chosen, minlength=MISSING + 1)[:num_codes].astype(np.int64)


def bins_of(values: Floats, *, about: int = 30) -> Bins:
    """Put values into equal bins whose edges are round numbers.

    Args:
        values: (rows,) in any unit; what is not finite is missing.
        about: Bins that are wanted; between about two thirds and four thirds of it are made,
            fewer where the values allow no more.

    Returns:
        The bins.

    Raises:
        InputError: ``about`` is not between 2 and 150.
    """
    if not 2 <= about <= 150:
        raise InputError(f"{about} bins were asked for: ask for 2 to 150.")
    is_known = np.isfinite(values)
    known = np.asarray(values[is_known], np.float64)
    low, high = np.percentile(known, _SHARE_IN_RANGE) if len(known) else (0.0, 1.0)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    step = _readable((high - low) / about)
    first, last = np.floor(low / step), np.floor(high / step) + 1
    edges = np.round(np.arange(first, last + 1) * step, 12)
    codes = np.full(len(values), MISSING, np.uint8)
    codes[is_known] = np.clip(
        np.searchsorted(edges, known, side="right") - 1, 0, len(edges) - 2
    ).astype(np.uint8)
    return Bins(edges=edges, codes=codes)


def _readable(width: float) -> float:
    """Return the readable width that is nearest to a width, by ratio."""
    power = 10.0 ** np.floor(np.log10(width))
    widths = (float(step * power) for step in _STEPS)
    return min(widths, key=lambda step: float(abs(np.log(step / width))))
