"""A group of rows against the rest of its cohort, phenotype by phenotype."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def compare(
    table: pd.DataFrame, phenotypes: Sequence[str], selected: NDArray[np.bool_]
) -> pd.DataFrame:
    """Give mean and SD of each phenotype in a group and in the rest, and how far they are apart.

    Args:
        table: One row a (participant, visit), with the phenotypes as columns; missing is NaN.
        phenotypes: Names of numeric or binary columns.
        selected: (rows,), True for the group.

    Returns:
        A row a phenotype, in the order of the largest difference first: ``phenotype``,
        ``rows``, ``mean``, ``sd``, ``rest_mean``, ``rest_sd`` in the phenotype's unit, and
        ``difference``, (mean - rest_mean) / pooled SD (Cohen's d), NaN where a side has fewer
        than two values or nothing varies.
    """
    rows = []
    for name in phenotypes:
        values = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
        is_known = np.isfinite(values)
        inside, outside = values[selected & is_known], values[~selected & is_known]
        mean, sd = _moments(inside)
        rest_mean, rest_sd = _moments(outside)
        freedom = len(inside) + len(outside) - 2
        difference = np.nan
        if len(inside) > 1 and len(outside) > 1:
            pooled = np.sqrt(
                ((len(inside) - 1) * sd**2 + (len(outside) - 1) * rest_sd**2) / freedom
            )
            difference = (mean - rest_mean) / pooled if pooled > 0 else np.nan
        rows.append((name, len(inside), mean, sd, rest_mean, rest_sd, difference))
    columns = ["phenotype", "rows", "mean", "sd", "rest_mean", "rest_sd", "difference"]
    result = pd.DataFrame(rows, columns=columns)
    order = (-result["difference"].abs().fillna(-1.0)).argsort(kind="stable")
    return result.iloc[order].reset_index(drop=True)


def _moments(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean and sample SD, NaN where there are too few values."""
    mean = float(values.mean()) if len(values) else float("nan")
    sd = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return mean, sd
