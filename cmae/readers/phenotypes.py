"""Tables of phenotypes and covariates join the participants of a cohort."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from cmae.data.cohort import Cohort
from cmae.data.column import Column
from cmae.data.pseudonyms import Pseudonyms, claim
from cmae.errors import InputError, ReadError
from cmae.progress import Progress
from cmae.readers.foreign_table import ForeignTable
from cmae.readers.identity import Identity
from cmae.readers.phenotype_columns import (
    VISIT_COLUMNS,
    TableColumn,
    described,
    plan,
    read_declarations,
)

_WHAT = "The table of phenotypes"
_MAX_CELLS = 100_000_000
"""Most cells of participants of the cohort that are held at once, some 8 GB as text."""


@dataclass(frozen=True)
class TableSettings:
    """How a table of phenotypes is read.

    Attributes:
        columns: JSON file that declares units and kinds; None guesses.
        is_declared_only: Whether columns that it does not name are left out.
        may_add: Whether participants whom the cohort lacks are added to it.
        key: What stands for the identifiers; None takes them as they are.
    """

    columns: Path | None = None
    is_declared_only: bool = False
    may_add: bool = False
    key: Pseudonyms | None = None


@dataclass(frozen=True)
class TableSummary:
    """What importing a table did.

    Attributes:
        rows: Rows of the table.
        matched: Rows of the cohort that got values.
        unknown: Rows of the table whose participant or visit the cohort lacks, left out.
        added: Rows that the cohort lacked and that were added, where that was asked for.
        values: Values that were added.
        kept: Values that differ from what the cohort had already; its own were kept.
        columns: Kind and unit of each column, and how many values came.
        left_out: Columns that were left out, and why.
    """

    rows: int
    matched: int
    unknown: int
    added: int
    values: int
    kept: int
    columns: dict[str, dict[str, object]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def import_table(
    path: Path,
    cohort: Cohort,
    *,
    settings: TableSettings | None = None,
    on_progress: Progress | None = None,
) -> TableSummary:
    """Add the columns of a table to the participants of a cohort.

    A row belongs to a participant by a column named ``participant_id``, ``eid`` or the like, and to
    a visit by a column ``visit``, or to all visits. Columns named as UK Biobank names them
    (``f.31.0.0``, ``31-0.0``, ``p31_i0``) belong to the visit of their instance.

    Args:
        path: CSV, TSV or Parquet.
        cohort: Where the values go.
        settings: How it is read.
        on_progress: Called with (columns done, columns).

    Returns:
        What was added.

    Raises:
        InputError: The table cannot be read, names a row twice, or nobody of it is in the cohort.
    """
    settings = settings or TableSettings()
    claim(cohort.path, settings.key)
    declared = {} if settings.columns is None else read_declarations(settings.columns)
    table = ForeignTable(path, what=_WHAT)
    who = table.column_of_ids()
    when = next((name for name in table.columns if name.strip().lower() in VISIT_COLUMNS), None)
    names = [name for name in table.columns if name not in (who, when)]
    taken, left_out = plan(
        names,
        declared,
        is_ukb=who.strip().lower().endswith("eid"),
        is_declared_only=settings.is_declared_only,
    )
    rows, found = _rows_of_cohort(table, (who, when), taken, cohort, settings)
    targets, unknown, added = _targets(rows, cohort, may_add=settings.may_add)
    columns, values = _values(rows, targets, taken, cohort, left_out, on_progress)
    standing = cohort.table.set_index(["participant_id", "visit"])
    new, kept = _compared(values, targets, standing)
    frame = pd.DataFrame({"participant_id": targets["who"], "visit": targets["visit"], **values})
    has_value = frame[list(values)].notna().any(axis=1) if values else frame["visit"] < 0
    with cohort.writer({n: c for n, c in columns.items() if n not in cohort.columns}) as writer:
        writer.add_many(frame[has_value | targets["is_new"]])
    counts = {name: int(pd.notna(column).sum()) for name, column in values.items()}
    return TableSummary(
        rows=found,
        matched=int((has_value & ~targets["is_new"]).sum()),
        unknown=found - len(rows) + unknown,
        added=added,
        values=new,
        kept=kept,
        columns={
            name: {"kind": column.kind, "unit": column.unit, "values": counts[name]}
            for name, column in columns.items()
        },
        left_out=left_out,
    )


def _rows_of_cohort(
    table: ForeignTable,
    keys: tuple[str, str | None],
    taken: list[TableColumn],
    cohort: Cohort,
    settings: TableSettings,
) -> tuple[pd.DataFrame, int]:
    """Read the rows of the cohort's participants, and count all; columns ``who`` and ``when``."""
    identity = Identity("", pseudonyms=settings.key)
    people = set(cohort.table["participant_id"])
    who, when = keys
    sources = [column.source for column in taken]
    frames, found, cells = [], 0, 0
    for chunk in table.chunks([who, *([] if when is None else [when]), *sources]):
        found += len(chunk)
        names = [_participant(identity, name) for name in chunk[who]]
        here = np.array(
            [name is not None and (settings.may_add or name in people) for name in names]
        )
        part = chunk.loc[here, sources].reset_index(drop=True)
        part.insert(0, "\0when", _visits(chunk.loc[here, when]) if when is not None else -1)
        part.insert(0, "\0who", [name for name, kept in zip(names, here, strict=True) if kept])
        frames.append(part)
        cells += part.size
        if cells > _MAX_CELLS:
            raise InputError(
                f"{_WHAT} holds more values of the cohort's participants than fit into memory: "
                "declare the columns that you want (--columns, --declared-only)."
            )
    rows = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    if not len(rows):
        raise InputError(
            f"None of the {found:,} rows of the table is of a participant of the cohort: check "
            "the column of identifiers (and --pseudonymize)."
        )
    if rows.duplicated(["\0who", "\0when"]).any():
        raise InputError(
            f"{_WHAT} has several rows of one participant: give one row each, or tell them apart "
            "by a column visit."
        )
    return rows, found


def _participant(identity: Identity, name: object) -> str | None:
    """Return the participant that a cell names, None if it names none."""
    try:
        return None if name is None else identity.participant(str(name))
    except ReadError:
        return None


def _visits(values: pd.Series) -> list[int]:
    """Return visits as numbers."""
    texts = ["" if value is None else str(value).strip() for value in values]
    if not all(text.isdecimal() and len(text) < 10 for text in texts):
        raise InputError(f"{_WHAT} has a visit that is no whole number: count from 0.")
    return [int(text) for text in texts]


def _targets(rows: pd.DataFrame, cohort: Cohort, *, may_add: bool) -> tuple[pd.DataFrame, int, int]:
    """Return which row of the cohort takes from which row of the table.

    Returns:
        Columns ``who``, ``visit``, ``row`` (of the table) and ``is_new``; how many rows of the
        table have no place; how many are added.
    """
    cohort_rows = cohort.table[["participant_id", "visit"]].copy()
    cohort_rows["visit"] = cohort_rows["visit"].astype(np.int64)
    named = rows[["\0who", "\0when"]].reset_index(names="row")
    left, right = ["participant_id"], ["\0who"]
    if (named["\0when"] >= 0).all():
        left, right = ["participant_id", "visit"], ["\0who", "\0when"]
    met = cohort_rows.merge(named, left_on=left, right_on=right, how="inner")
    targets = met[["participant_id", "visit", "row"]].rename(columns={"participant_id": "who"})
    targets["is_new"] = False
    lacking = named[~named["row"].isin(targets["row"])]
    if not may_add:
        return targets, len(lacking), 0
    fresh = pd.DataFrame(
        {
            "who": lacking["\0who"],
            "visit": lacking["\0when"].clip(lower=0),
            "row": lacking["row"],
            "is_new": True,
        }
    )
    return pd.concat([targets, fresh], ignore_index=True), 0, len(fresh)


def _values(
    rows: pd.DataFrame,
    targets: pd.DataFrame,
    taken: list[TableColumn],
    cohort: Cohort,
    left_out: dict[str, str],
    on_progress: Progress | None,
) -> tuple[dict[str, Column], dict[str, pd.Series]]:
    """Return the columns and their values in the order of the targets; says what is left out."""
    groups: dict[str, list[TableColumn]] = {}
    for column in taken:
        groups.setdefault(column.name, []).append(column)
    columns: dict[str, Column] = {}
    values: dict[str, pd.Series] = {}
    for number, (name, sources) in enumerate(groups.items(), 1):
        texts = _texts(rows, targets, sources)
        if texts.notna().any():
            outcome = described(sources[0], texts, cohort.columns.get(name))
            if isinstance(outcome, str):
                left_out |= {column.source: outcome for column in sources}
            else:
                columns[name], values[name] = outcome
        else:
            left_out |= {column.source: "no value for anybody here" for column in sources}
        if on_progress is not None:
            on_progress(number, len(groups))
    return columns, values


def _texts(rows: pd.DataFrame, targets: pd.DataFrame, sources: list[TableColumn]) -> pd.Series:
    """Return the values of one column of the cohort, as text, in the order of the targets."""
    found = pd.Series([None] * len(targets), index=targets.index, dtype=object)
    places = targets["row"].to_numpy()
    for column in sources:
        cells = pd.Series(rows[column.source].to_numpy()[places], index=targets.index, dtype=object)
        is_of_visit = True if column.visit is None else targets["visit"] == column.visit
        fills = found.isna() & cells.notna() & is_of_visit
        found = found.where(~fills, cells)
    return found


def _compared(
    values: Mapping[str, pd.Series], targets: pd.DataFrame, standing: pd.DataFrame
) -> tuple[int, int]:
    """Count the values that the cohort lacks, and those that differ from what it has."""
    keys = pd.MultiIndex.from_arrays([targets["who"], targets["visit"]])
    new = kept = 0
    for name, column in values.items():
        comes = column.notna().to_numpy()
        if name not in standing:
            new += int(comes.sum())
            continue
        before = standing[name].reindex(keys)
        there = before.notna().to_numpy()
        new += int((comes & ~there).sum())
        kept += int((comes & there & (before.to_numpy() != column.to_numpy())).sum())
    return new, kept
