"""Groups of rows: who is in them, and one against the rest of its cohort."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.errors import InputError

Rows = NDArray[np.int64]

FEWEST = 5
"""Fewest participants of each group that are compared, in all and of each phenotype."""


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


def first_rows(table: pd.DataFrame, rows: NDArray[np.generic], *, name: str) -> Rows:
    """Return one row a participant, their first, of a group.

    Args:
        table: With ``participant_id``; without, each row is a participant.
        rows: A mask (rows,), or row numbers.
        name: What the group is called in messages.

    Returns:
        (participants,) row numbers, ascending.

    Raises:
        InputError: A row does not exist, the mask has another length, or the group is empty.
    """
    numbers = np.asarray(rows)
    if numbers.dtype == bool:
        if numbers.shape != (len(table),):
            raise InputError(
                f"The {name} group is a mask of {len(numbers)} rows, but the table has "
                f"{len(table)}: make it of this table."
            )
        numbers = np.flatnonzero(numbers)
    if not numbers.size:
        raise InputError(f"The {name} group is empty: choose some participants.")
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise InputError(f"The {name} group is no list of row numbers: give whole numbers.")
    if numbers.min() < 0 or numbers.max() >= len(table):
        raise InputError(
            f"The {name} group names a row outside the table's {len(table)}: make it of this table."
        )
    unique = np.unique(numbers).astype(np.int64)
    if "participant_id" not in table:
        return unique
    is_repeated = table["participant_id"].iloc[unique].duplicated().to_numpy()
    return np.asarray(unique[~is_repeated])


def participants_of(
    table: pd.DataFrame, first: NDArray[np.generic], second: NDArray[np.generic]
) -> tuple[tuple[Rows, Rows], int]:
    """Return the rows of two groups, one a participant, and how many rows that leaves out.

    Args:
        table: One row a (participant, visit).
        first: A mask (rows,), or row numbers.
        second: Likewise.

    Raises:
        InputError: As ``first_rows``; a group is too small, or a participant is in both.
    """
    chosen = first_rows(table, first, name="first"), first_rows(table, second, name="second")
    who = (
        [table["participant_id"].iloc[rows].to_numpy(object) for rows in chosen]
        if "participant_id" in table
        else list(chosen)
    )
    in_both = len(np.intersect1d(who[0], who[1]))
    if in_both:
        raise InputError(
            f"{in_both:,} participants are in both groups: take them out of one of the two."
        )
    for name, rows in zip(("first", "second"), chosen, strict=True):
        if len(rows) < FEWEST:
            raise InputError(
                f"The {name} group has {len(rows)} participants, and a comparison takes {FEWEST} "
                "or more of each: choose more."
            )
    asked = sum(
        len(np.unique(np.flatnonzero(rows) if np.asarray(rows).dtype == bool else rows))
        for rows in (first, second)
    )
    return chosen, asked - len(chosen[0]) - len(chosen[1])
