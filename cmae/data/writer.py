"""Adding to a cohort: recordings stream into new parts, and one rename makes them count."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data import table as tables
from cmae.data.column import Column
from cmae.data.modality import MODALITIES, STORED, TRUTHS, Modality
from cmae.data.parts import PartWriter
from cmae.data.rows import Key, PendingRows, merge, merged_columns, stored_in
from cmae.data.staging import RECORDINGS, Staging, locked, remove_leftovers
from cmae.errors import CohortError, InputError

_STAGED = "~"
"""Begins the name of a part that is not committed, so that it is the name of no other part."""


@dataclass
class WriteSummary:
    """What a writer did.

    Attributes:
        rows: Rows (participant, visit) that are new in the cohort.
        recordings: New recordings by modality, and new truth of them where there is any.
        kept: Recordings that came, but were there already; the older one is kept.
    """

    rows: int = 0
    recordings: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MODALITIES, 0))
    kept: int = 0


class CohortWriter:
    """Adds rows and recordings to a cohort; nothing counts before the ``with`` block ends well.

    Any number of writers may work on a cohort at once. An exception in the block, or the death of
    the process, leaves the cohort as it was. One writer belongs to one thread.

    Attributes:
        summary: What was added; complete once the block has ended.
    """

    def __init__(
        self, folder: Path, columns: Mapping[str, Column], on_commit: Callable[[], None]
    ) -> None:
        """Remember where and what; ``Cohort.writer`` is the way to make one."""
        self._folder = folder
        self._new_columns = dict(columns)
        self._on_commit = on_commit
        self._staging: Staging | None = None
        self._open_parts: dict[tuple[str, str], PartWriter] = {}
        self._part_names: list[str] = []
        self._is_broken = False
        self.summary = WriteSummary()

    def __enter__(self) -> Self:
        """Start writing."""
        with locked(self._folder):
            contents = tables.load(self._folder)
            self._columns = merged_columns(contents.columns, self._new_columns)
            self._staging = Staging(self._folder)
        self._pending = PendingRows(self._columns)
        keys = list(zip(contents.table["participant_id"], contents.table["visit"], strict=True))
        self._present = {
            name: {keys[k] for k in np.flatnonzero(contents.table[f"{name}_part"].notna())}
            for name in stored_in(contents.table)
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit if the block ended well; leave the cohort as it was if not."""
        assert self._staging is not None
        try:
            if error is None:
                self._commit()
        finally:
            for part in self._open_parts.values():
                part.discard()
            self._staging.close()
            self._staging = None
        if error is None:
            self._on_commit()

    def add(
        self,
        participant_id: str,
        visit: int = 0,
        *,
        ecg: NDArray[Any] | None = None,
        mri: NDArray[Any] | None = None,
        values: Mapping[str, object] | None = None,
        truth: Mapping[str, NDArray[Any]] | None = None,
        is_simulated: bool = False,
    ) -> None:
        """Add a row, or what is missing in a row that exists.

        Args:
            participant_id: Who; text without control characters.
            visit: On which occasion, from 0.
            ecg: (600, 12) in mV.
            mri: (96, 96, 50) in scanner intensity, integers or floats.
            values: By column name; None and NaN are missing. Names are those of the writer's
                columns, of the cohort's, and of RECORDING_COLUMNS.
            truth: What a simulator knows of its recordings, by a name of TRUTHS.
            is_simulated: Whether a simulator made this.

        Raises:
            InputError: Something does not fit: nothing of this call is added, and the writer can
                go on. Or the disk is full: then it cannot.
        """
        if self._staging is None or self._is_broken:
            raise CohortError("This writer cannot write any more: make another one.")
        key = _key(participant_id, visit)
        checked = self._pending.check(values or {})
        unknown = set(truth or {}) - set(TRUTHS)
        if unknown:
            raise InputError(f"No truth is called {min(unknown)!r}: choose of {', '.join(TRUTHS)}.")
        recordings = {
            name: _stored_as(STORED[name], recording)
            for name, recording in {"ecg": ecg, "mri": mri, **(truth or {})}.items()
            if recording is not None
        }
        for name, recording in recordings.items():
            if key in self._present.setdefault(name, set()):
                self.summary.kept += 1
                continue
            part, index = self._write(name, recording)
            checked |= {f"{name}_part": part, f"{name}_index": float(index)}
            self._present[name].add(key)
        self._pending.put(key, checked, is_simulated=is_simulated)

    def add_many(
        self,
        rows: pd.DataFrame,
        *,
        ecg: NDArray[Any] | None = None,
        mri: NDArray[Any] | None = None,
    ) -> None:
        """Add the rows of a table, all with the same kinds of recording.

        Args:
            rows: Has ``participant_id``, may have ``visit`` and ``is_simulated``; every other
                column is a column of values.
            ecg: (rows, 600, 12) in mV, or None.
            mri: (rows, 96, 96, 50) in scanner intensity, or None.

        Raises:
            InputError: As ``add``; the rows before the one that does not fit are added.
        """
        if "participant_id" not in rows:
            raise InputError("The table to add has no column participant_id: name it so.")
        for name, recordings in (("ecg", ecg), ("mri", mri)):
            if recordings is not None and len(recordings) != len(rows):
                raise InputError(
                    f"{len(rows)} rows came with {len(recordings)} {name} recordings: "
                    "give one for each row."
                )
        names = [name for name in rows if name not in {"participant_id", "visit", "is_simulated"}]
        records = chain.from_iterable(  # some thousand rows at a time become Python objects
            rows.iloc[start : start + 4096].to_dict("records")
            for start in range(0, len(rows), 4096)
        )
        for k, record in enumerate(records):
            self.add(
                record["participant_id"],
                record.get("visit", 0),
                ecg=None if ecg is None else ecg[k],
                mri=None if mri is None else mri[k],
                values={str(name): record[name] for name in names},
                is_simulated=bool(record.get("is_simulated", False)),
            )

    def _write(self, name: str, recording: NDArray[Any]) -> tuple[str, int]:
        """Append to the open part of this modality and type; return the part's name and index."""
        assert self._staging is not None
        kind = (name, recording.dtype.str)
        self._is_broken = True  # until the recording is written whole
        part = self._open_parts.get(kind)
        if part is not None and part.is_full:
            part.finish()
            del self._open_parts[kind]
            part = None
        if part is None:
            path = self._staging.path / f"{_STAGED}{name}-{len(self._part_names) + 1:04d}.h5"
            part = PartWriter(path, STORED[name], recording.dtype)
            self._open_parts[kind] = part
            self._part_names.append(path.name)
        index = part.append(recording)
        self._is_broken = False
        return part.path.name, index

    def _commit(self) -> None:
        if self._is_broken:
            raise CohortError("A recording could not be written: nothing was added; try again.")
        assert self._staging is not None
        for part in self._open_parts.values():
            part.finish()
        self._open_parts.clear()
        new = self._pending.frame()
        with locked(self._folder):
            old = tables.load(self._folder)
            remove_leftovers(self._folder, referenced(old.table))
            columns = merged_columns(old.columns, self._new_columns)
            merged, kept = merge(old.table, new, columns)
            names, next_part = _number(self._part_names, old.next_part, merged)
            for name in stored_in(merged):
                column = f"{name}_part"
                merged[column] = merged[column].replace(names)
                before = old.table[column].notna().sum() if column in old.table else 0
                self.summary.recordings[name] = int(merged[column].notna().sum() - before)
            folder = self._folder / RECORDINGS
            try:
                for local, name in names.items():
                    (self._staging.path / local).replace(folder / name)
                tables.save(self._folder, tables.Contents(merged, columns, next_part))
            except BaseException:
                remove_leftovers(self._folder, referenced(tables.load(self._folder).table))
                raise
        self.summary.kept += kept
        self.summary.rows = len(merged) - len(old.table)


def referenced(table: pd.DataFrame) -> set[str]:
    """Return the names of all parts in which the rows of ``table`` have recordings."""
    return {part for name in stored_in(table) for part in table[f"{name}_part"].dropna().unique()}


def part_name(stored: str, number: int) -> str:
    """Return the file name of a part that holds what of STORED is named."""
    return f"{stored}-{number:04d}.h5"


def _number(
    staged: list[str], next_part: Mapping[str, int], merged: pd.DataFrame
) -> tuple[dict[str, str], dict[str, int]]:
    """Return final names for the staged parts that are needed, and the numbers after them."""
    needed, following, names = referenced(merged), dict(next_part), {}
    for local in staged:
        if local in needed:
            modality = local.removeprefix(_STAGED).split("-")[0]
            names[local] = part_name(modality, following[modality])
            following[modality] += 1
    return names, following


def _key(participant_id: object, visit: object) -> Key:
    if not isinstance(participant_id, str) or not participant_id.strip():
        raise InputError(
            f"A participant_id is a text that is not empty, not {type(participant_id).__name__}: "
            "convert it."
        )
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in participant_id):
        raise InputError("A participant_id holds a control character: clean the identifiers.")
    if isinstance(visit, bool) or not isinstance(visit, int | np.integer) or not 0 <= visit < 2**31:
        raise InputError("A visit is a whole number from 0: number the visits.")
    return participant_id, int(visit)


def _stored_as(modality: Modality, recording: NDArray[Any]) -> NDArray[Any]:
    """Return one recording as it is stored, after checking it: float32, or its own integers."""
    what = f"The {modality.title} to add"
    array = np.asarray(recording)
    if array.ndim != len(modality.shape):
        raise InputError(
            f"{what} has shape {array.shape}, but one {modality.title} has {modality.shape} "
            f"({' × '.join(modality.axes)}): add one recording at a time."
        )
    modality.check(array, what=what)
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            stored = array.astype(np.float32, copy=False)
        if stored.dtype != array.dtype and not np.isfinite(stored).all():
            raise InputError(f"{what} holds values too large for float32: scale it.")
        return stored
    if array.dtype.itemsize > 4:
        if abs(int(array.min())) > 2**31 - 1 or abs(int(array.max())) > 2**31 - 1:
            raise InputError(f"{what} holds integers beyond 32 bits: scale it.")
        array = array.astype(np.int32)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
