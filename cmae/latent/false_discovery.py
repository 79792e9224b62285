"""False-discovery control over many tests."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def log10_q_values(neg_log10_p: NDArray[np.floating]) -> Floats:
    """Return −log10 q of Benjamini and Hochberg, in logs, so that no small p is lost.

    q of a test is the false-discovery rate at which it just counts: the least of m p₍ᵢ₎ / i over
    all p that are as large or larger (Benjamini and Hochberg 1995,
    doi:10.1111/j.2517-6161.1995.tb02031.x).

    Args:
        neg_log10_p: (tests,) −log10 p; NaN was not tested and does not count.

    Returns:
        (tests,) −log10 q, NaN where it was not tested.
    """
    values = np.asarray(neg_log10_p, np.float64)
    result = np.full(values.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(-values[tested], kind="stable")]
    ranks = np.arange(1, len(order) + 1)
    scaled = values[order] - np.log10(len(order) / ranks) if len(order) else values[order]
    result[order] = np.maximum.accumulate(scaled[::-1])[::-1].clip(min=0)
    return result


def q_values(p: NDArray[np.floating]) -> Floats:
    """Return q of Benjamini and Hochberg, (tests,), from p; NaN was not tested and stays."""
    with np.errstate(divide="ignore"):
        return np.asarray(10.0 ** -log10_q_values(-np.log10(np.asarray(p, np.float64))))
