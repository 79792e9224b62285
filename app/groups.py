"""Groups of rows: filters on columns, shapes drawn on a map, and how each group was made."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.errors import InputError


@dataclass(frozen=True)
class Filter:
    """What a row must have in one column to stay.

    Attributes:
        column: Name in the cohort's table.
        low: Least number, or None.
        high: Greatest number, or None.
        values: Categories, or 0 and 1 of a binary column, of which one must stand there; None:
            any. Missing values never pass a filter.
    """

    column: str
    low: float | None = None
    high: float | None = None
    values: tuple[str | int, ...] | None = None

    def mask(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """Tell which rows pass.

        Args:
            table: The cohort's table.

        Returns:
            (rows,).

        Raises:
            InputError: The table lacks the column.
        """
        if self.column not in table:
            raise InputError(
                f"This cohort has no column {self.column!r}: remove the filter, or open its cohort."
            )
        column = table[self.column]
        passes = np.asarray(column.notna(), np.bool_)
        if self.values is not None:
            passes &= np.asarray(column.isin(self.values), np.bool_)
        if self.low is None and self.high is None:
            return passes
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        with np.errstate(invalid="ignore"):
            if self.low is not None:
                passes &= numbers >= self.low
            if self.high is not None:
                passes &= numbers <= self.high
        return passes

    def to_json(self) -> dict[str, object]:
        """Return the filter as a link or a file holds it."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, eq=False)
class Group:
    """Rows that belong together, and how they were chosen.

    Attributes:
        name: For people; never a participant's identifier.
        rows: (n,) sorted row numbers of the cohort, each once.
        how: JSON-able: shapes drawn, on which map, with which filters; what a group keeps with it
            so that it can be made again.
    """

    name: str
    rows: NDArray[np.int64]
    how: Mapping[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def mask(self, count: int) -> NDArray[np.bool_]:
        """Return (count,) True at the group's rows.

        Args:
            count: Rows of the cohort.
        """
        is_inside = np.zeros(count, np.bool_)
        is_inside[self.rows] = True
        return is_inside


def passing(table: pd.DataFrame, filters: Sequence[Filter]) -> NDArray[np.bool_]:
    """Tell which rows pass all filters.

    Args:
        table: The cohort's table.
        filters: None of them: every row passes.

    Returns:
        (rows,).

    Raises:
        InputError: The table lacks a column.
    """
    passes = np.ones(len(table), np.bool_)
    for each in filters:
        passes &= each.mask(table)
    return passes


def filtered(table: pd.DataFrame, base: Group | None, filters: Sequence[Filter]) -> Group:
    """Return the rows of a group that pass all filters, with how they were chosen.

    Args:
        table: The cohort's table.
        base: The group; None: everybody.
        filters: The filters.

    Returns:
        The group itself where there is no filter.

    Raises:
        InputError: The table lacks a column.
    """
    if base is not None and not filters:
        return base
    passes = passing(table, filters)
    if base is not None:
        passes &= base.mask(len(table))
    how: dict[str, object] = {} if base is None else dict(base.how)
    how["filters"] = [each.to_json() for each in filters]
    name = "Filtered" if base is None else base.name
    return Group(name, np.flatnonzero(passes).astype(np.int64), how)
