"""The engine beneath every import: files to rows by several processes, rows into the cohort."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from cmae.data import pseudonyms
from cmae.data.cohort import Cohort
from cmae.data.column import RECORDING_COLUMNS, Column
from cmae.data.modality import STORED
from cmae.data.rows import PendingRows
from cmae.data.writer import CohortWriter
from cmae.errors import CohortError, InputError, Interrupted, ReadError
from cmae.progress import Progress
from cmae.readers.identity import Identity, Key
from cmae.readers.import_summary import ImportSummary, Tally, without_path
from cmae.readers.recording_columns import COLUMNS
from cmae.readers.recordings import ML4H_SOURCE, FoundRow
from cmae.readers.sources import Recording
from cmae.readers.workers import Refused, cores, in_order

FILES_A_COMMIT = 500
"""Files after which what was read is in the cohort for good."""

ReadRows = Callable[[Path], tuple[FoundRow, ...]]
"""Reads what one file holds; must survive pickle."""

_SAME_KEY = (
    "An earlier file of this import has the same participant and visit: tell them apart by a "
    "table of identifiers."
)
_OTHER_KIND = "a value of another kind than its column in the cohort"


@dataclass(frozen=True)
class ImportJob:
    """What an import does with each file.

    Attributes:
        cohort: Where what is read goes.
        identity: The way from a file to its participant.
        modalities: What a file may hold.
        read: Reads one file.
        has_visits: Whether a file holds all visits of a participant and says which.
    """

    cohort: Cohort
    identity: Identity
    modalities: tuple[str, ...]
    read: ReadRows
    has_visits: bool = False

    def run(
        self,
        found: list[Recording],
        *,
        processes: int | None,
        timeout_s: float,
        on_progress: Progress | None = None,
    ) -> ImportSummary:
        """Read what the cohort does not have yet, and commit every few hundred files.

        Args:
            found: The files, in the order of the import.
            processes: How many are read at once; None takes one a core, 0 reads in this process.
            timeout_s: Longest that reading one may take.
            on_progress: Called with (done, total).

        Returns:
            What was read, was there already, and was refused.

        Raises:
            ReadError: Not one file could be read.
            InputError: The cohort cannot be written, or its identifiers are of another kind.
            Interrupted: Ctrl-C was pressed; what had been read is in the cohort.
        """
        pseudonyms.claim(self.cohort.path, self.identity.pseudonyms)
        tally, standing = Tally(), self._standing()
        reading = _Reading(self.identity, self.read, self.has_visits, standing)
        tasks = list(_tasks(found, reading, tally))
        number = cores() if processes is None else processes
        outcomes = in_order(tasks, reading, processes=number, timeout_s=timeout_s)
        if on_progress is not None and tally.done:
            on_progress(tally.done, len(found))
        with closing(outcomes), _Entry(self, tally) as entry:
            try:
                for task, outcome in zip(tasks, outcomes, strict=True):
                    entry.take(task.number, outcome)
                    if on_progress is not None:
                        on_progress(tally.done, len(found))
            except KeyboardInterrupt:
                entry.commit_what_is_whole()
                raise Interrupted(
                    f"Stopped after {tally.done:,} of {len(found):,} files; what was read is in "
                    "the cohort, and the same command reads the rest."
                ) from None
        summary = tally.summary(len(found), self.identity.source)
        if len(summary.refused) == len(found):
            often = next(iter(summary.reasons))
            raise ReadError(
                f"Not one of {len(found)} recordings could be read. Most often: {often}"
            )
        return summary

    def _standing(self) -> frozenset[Key]:
        """Return whose files need not be read again."""
        if not self.has_visits:
            return frozenset(_keys(self.cohort, self.modalities[0]))
        table = self.cohort.table
        done = np.zeros(len(table), bool)
        for name in self.modalities:
            if f"{name}_source" in table:
                done |= (table[f"{name}_source"] == ML4H_SOURCE).to_numpy()
        return frozenset((who, 0) for who in table.loc[done, "participant_id"])


@dataclass(frozen=True)
class _Task:
    """One file to read: its number from 1, where it is, and who it is of, where that is known."""

    number: int
    path: Path
    key: Key | None


@dataclass(frozen=True)
class _FileRows:
    """Who a file is of, and its rows; None where the cohort has them already."""

    key: Key
    rows: tuple[FoundRow, ...] | None


@dataclass(frozen=True)
class _Reading:
    """What a process does with a file: find out who it is of where that is open, and read it."""

    identity: Identity
    read: ReadRows
    has_visits: bool
    standing: frozenset[Key]

    def key(self, path: Path) -> Key:
        """Return who a file is of."""
        try:
            participant, visit = self.identity.key(path)
        except ReadError as error:
            raise ReadError(without_path(str(error), path)) from None
        return participant, 0 if self.has_visits else visit

    def __call__(self, task: _Task) -> _FileRows:
        """Read a file."""
        key = task.key or self.key(task.path)
        if key in self.standing:
            return _FileRows(key, None)
        try:
            rows = self.read(task.path)
            for row in rows:
                _check(row)
        except InputError as error:
            raise ReadError(without_path(str(error), task.path)) from None
        return _FileRows(key, rows)


def _check(row: FoundRow) -> None:
    """Raise InputError where a cohort would not take a row."""
    for name, recording in row.recordings.items():
        STORED[name].check(recording, what=f"The {STORED[name].title}")
    PendingRows({**RECORDING_COLUMNS, **row.columns}).check(row.values)


class _Entry:
    """The way of rows into the cohort: one writer at a time, committed now and then."""

    def __init__(self, job: ImportJob, tally: Tally) -> None:
        """Begin; nothing is written before something comes."""
        self._cohort, self._tally, self._job = job.cohort, tally, job
        self._stack = ExitStack()
        self._writer: CohortWriter | None = None
        self._columns: dict[str, Column] = {}
        self._files = 0
        self._seen: set[Key] = set()
        self._present = {name: _keys(job.cohort, name) for name in job.modalities}

    def __enter__(self) -> Self:
        """Do nothing yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit what is left, or leave it out if an error came."""
        self._stack.__exit__(kind, error, trace)

    def take(self, number: int, outcome: _FileRows | Refused) -> None:
        """Add what came of a file."""
        if isinstance(outcome, Refused):
            self._tally.refuse(number, outcome.reason)
            return
        if outcome.key in self._seen:
            self._tally.refuse(number, _SAME_KEY)
            return
        self._seen.add(outcome.key)
        added = [self._add(outcome.key, row) for row in outcome.rows or ()]
        if any(added):
            self._tally.read += 1
            self._files += 1
        else:
            self._tally.kept += 1
        if self._files >= FILES_A_COMMIT:
            self.commit()

    def commit(self) -> None:
        """Make what was added count."""
        self._writer, self._files = None, 0
        self._stack.close()

    def commit_what_is_whole(self) -> None:
        """Commit, unless a recording was being written when the import was stopped."""
        try:
            self.commit()
        except CohortError:
            return

    def _add(self, key: Key, row: FoundRow) -> bool:
        """Add one row; tell whether the cohort lacked anything of it."""
        who = (key[0], key[1] if row.visit is None else row.visit)
        new = {
            name: recording
            for name, recording in row.recordings.items()
            if who not in self._present[name]
        }
        if not new and row.recordings and not self._job.has_visits:
            return False
        values = {
            name: value
            for name, value in row.values.items()
            if value is not None and not self._describes_another(name, row, new)
        }
        if not new and not values:
            return False
        writer = self._writer_for(row.columns, values)
        fitting = {name: value for name, value in values.items() if self._fits(name, value)}
        writer.add(*who, ecg=new.get("ecg"), mri=new.get("mri"), values=fitting)
        for name in new:
            self._present[name].add(who)
        self._tally.add(row, new)
        if len(fitting) < len(values):
            self._tally.lacking[_OTHER_KIND] += 1
        return bool(new) or not row.recordings

    def _describes_another(self, name: str, row: FoundRow, new: Mapping[str, object]) -> bool:
        """Tell whether a value describes a recording that the cohort has from elsewhere."""
        column = row.columns.get(name) or RECORDING_COLUMNS.get(name)
        if column is None or not (column.role == "quality" or name in COLUMNS):
            return False
        return column.source in self._present and column.source not in new

    def _writer_for(
        self, columns: Mapping[str, Column], values: Mapping[str, object]
    ) -> CohortWriter:
        """Return the open writer; after a commit another one, if that lacks columns."""
        wanted = {name for name in values if name not in self._cohort.columns}
        if self._writer is None or not wanted <= self._columns.keys():
            self.commit()
            declared = {name: columns[name] for name in wanted if name not in self._cohort.columns}
            usual = {name: column for name, column in columns.items() if name in COLUMNS}
            self._columns = {
                name: column
                for name, column in {**usual, **declared}.items()
                if name not in self._cohort.columns and self._is_of_job(column)
            }
            self._writer = self._stack.enter_context(self._cohort.writer(self._columns))
        return self._writer

    def _is_of_job(self, column: Column) -> bool:
        """Tell whether a column can have values in this import: no cine has an ECG's noise."""
        return column.source not in STORED or column.source in self._job.modalities

    def _fits(self, name: str, value: object) -> bool:
        """Tell whether a value is of the kind of its column in the cohort."""
        column = self._cohort.columns.get(name) or self._columns[name]
        if column.kind == "categorical":
            return isinstance(value, str)
        return not isinstance(value, str) and (column.kind != "binary" or value in {0, 1})


def _tasks(found: Iterable[Recording], reading: _Reading, tally: Tally) -> Iterator[_Task]:
    """Yield what has to be read; count the rest as kept or refused."""
    kept: set[Key] = set()
    for number, item in enumerate(found, 1):
        if item.refusal:
            tally.refuse(number, item.refusal)
            continue
        if reading.identity.header_field is not None:
            yield _Task(number, item.path, None)
            continue
        try:
            key = reading.key(item.path)
        except ReadError as error:
            tally.refuse(number, str(error))
            continue
        if key in kept:
            tally.refuse(number, _SAME_KEY)
        elif key in reading.standing:
            kept.add(key)
            tally.kept += 1
        else:
            yield _Task(number, item.path, key)


def _keys(cohort: Cohort, modality: str) -> set[Key]:
    """Return who has a recording of a modality."""
    table = cohort.table[cohort.has(modality)]
    return set(zip(table["participant_id"], table["visit"].astype(int), strict=True))
