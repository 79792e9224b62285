"""Rows on their way into a cohort's table: collected in columns, then merged by key."""

import math
import numbers
from array import array
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cmae.data.column import Column
from cmae.data.modality import STORED
from cmae.data.table import STRUCTURE, TRUTH_PLACES, typed
from cmae.errors import InputError

Key = tuple[str, int]


class PendingRows:
    """New rows and values of one writer, 8 bytes a number."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        """Start without rows; ``columns`` are all that values may name."""
        self._columns = columns
        self._numbers: dict[str, array[float]] = {}
        self._texts: dict[str, list[str | None]] = {}
        self._rows: dict[Key, int] = {}
        self._is_simulated: list[bool] = []

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def check(self, values: Mapping[str, object]) -> dict[str, float | str]:
        """Return the values that are not missing, as they are stored.

        Raises:
            InputError: A column is unknown, or a value is not of its kind.
        """
        checked: dict[str, float | str] = {}
        for name, value in values.items():
            column = self._columns.get(name)
            if column is None:
                raise InputError(
                    f"The cohort has no column {name!r}: declare it, as a Column with its unit, "
                    "to the writer."
                )
            stored = _stored(name, column, value)
            if stored is not None:
                checked[name] = stored
        return checked

    def put(self, key: Key, values: Mapping[str, float | str], *, is_simulated: bool) -> None:
        """Add checked values to the row of ``key``; what the row has already is kept."""
        row = self._rows.setdefault(key, len(self._rows))
        if row == len(self._is_simulated):
            self._is_simulated.append(is_simulated)
        self._is_simulated[row] |= is_simulated
        for name, value in values.items():
            if isinstance(value, str):
                texts = self._texts.setdefault(name, [])
                texts.extend([None] * (row + 1 - len(texts)))
                if texts[row] is None:
                    texts[row] = value
            else:
                numbers_ = self._numbers.setdefault(name, array("d"))
                numbers_.extend([math.nan] * (row + 1 - len(numbers_)))
                if math.isnan(numbers_[row]):
                    numbers_[row] = value

    def frame(self) -> pd.DataFrame:
        """Return the rows as a table with all columns."""
        count = len(self._rows)
        data: dict[str, object] = {
            "participant_id": [participant for participant, _ in self._rows],
            "visit": [visit for _, visit in self._rows],
            "is_simulated": self._is_simulated,
        }
        for name, texts in self._texts.items():
            data[name] = texts + [None] * (count - len(texts))
        for name, values in self._numbers.items():
            data[name] = np.pad(
                np.array(values), (0, count - len(values)), constant_values=math.nan
            )
        return typed(pd.DataFrame(data), self._columns)


def merge(
    old: pd.DataFrame, new: pd.DataFrame, columns: Mapping[str, Column]
) -> tuple[pd.DataFrame, int]:
    """Return ``old`` with the rows of ``new``; in rows of both, only gaps are filled.

    Args:
        old: A cohort's table.
        new: Rows to add, keys unique.
        columns: Columns of both.

    Returns:
        The merged table, and the number of recordings of ``new`` that were there already.
    """
    old, new = typed(old, columns), typed(new, columns)
    for name in TRUTH_PLACES:  # both get those that either has
        for frame, other in ((old, new), (new, old)):
            if name in other and name not in frame:
                frame[name] = pd.array([pd.NA] * len(frame), dtype=other[name].dtype)
    keys = pd.MultiIndex.from_frame(old[["participant_id", "visit"]])
    places = keys.get_indexer(pd.MultiIndex.from_frame(new[["participant_id", "visit"]]))
    met = np.flatnonzero(places >= 0)
    rows = places[met]
    kept = 0
    merged = {name: old[name].array.copy() for name in old.columns}
    if len(met):
        merged["is_simulated"][rows] |= new["is_simulated"].to_numpy()[met]
        for name in stored_in(old):
            there = old[f"{name}_part"].notna().to_numpy()[rows]
            comes = new[f"{name}_part"].notna().to_numpy()[met]
            kept += int((there & comes).sum())
        for name in old.columns:
            if name in {"participant_id", "visit", "is_simulated"}:
                continue
            gap = old[name].isna().to_numpy()[rows] & new[name].notna().to_numpy()[met]
            merged[name][rows[gap]] = new[name].array[met[gap]]
    fresh = new.iloc[np.flatnonzero(places < 0)]
    result = pd.DataFrame(merged, index=old.index)
    if not len(result):
        result = fresh
    elif len(fresh):
        result = pd.concat([result, fresh], ignore_index=True)
    return typed(result.reset_index(drop=True), columns), kept


def stored_in(table: pd.DataFrame) -> list[str]:
    """Return the names of STORED that the table has places for."""
    return [name for name in STORED if f"{name}_part" in table]


def merged_columns(old: Mapping[str, Column], new: Mapping[str, Column]) -> dict[str, Column]:
    """Return the columns of both; where both name one, the older description stays.

    Raises:
        InputError: A name is reserved, or its unit or kind differs between the two.
    """
    for name, column in new.items():
        if name in (*STRUCTURE, *TRUTH_PLACES) or not name.isidentifier():
            raise InputError(
                f"A column cannot be named {name!r}: choose letters, digits and underscores, "
                f"and none of {', '.join(STRUCTURE)}."
            )
        there = old.get(name)
        if there is not None and (there.unit, there.kind) != (column.unit, column.kind):
            raise InputError(
                f"The column {name} is {there.kind} in {there.unit or 'no unit'} in this cohort, "
                f"but comes as {column.kind} in {column.unit or 'no unit'}: convert or rename it."
            )
    return {**new, **old}


def _stored(name: str, column: Column, value: object) -> float | str | None:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if column.kind == "categorical":
        if isinstance(value, float) and math.isnan(value):
            return None
        if not isinstance(value, str):
            raise InputError(
                f"The column {name} is categorical and holds text, but got {type(value).__name__}."
            )
        return value or None
    # Asking for the exact type first spares the slow question to an abstract class.
    if type(value) is not float and not isinstance(value, numbers.Real | np.bool_):
        raise InputError(
            f"The column {name} is {column.kind} and holds numbers, "
            f"but got {type(value).__name__}: convert it, or declare it categorical."
        )
    number = float(value)
    if math.isnan(number):
        return None
    if math.isinf(number):
        raise InputError(f"The column {name} got an infinite value: leave it out if it is missing.")
    if column.kind == "binary" and number not in {0.0, 1.0}:
        raise InputError(f"The column {name} is binary, but got a value that is neither 0 nor 1.")
    return number
