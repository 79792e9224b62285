"""The engine beneath every import: files to rows by several processes, rows into the cohort."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cmae.data import pseudonyms
from cmae.data.cohort import Cohort
from cmae.data.column import RECORDING_COLUMNS
from cmae.data.modality import STORED
from cmae.data.rows import PendingRows
from cmae.errors import InputError, Interrupted, ReadError
from cmae.progress import Progress
from cmae.readers.cohort_entry import SAME_KEY, CohortEntry, FileRows, recorded_keys
from cmae.readers.identity import Identity, Key
from cmae.readers.import_summary import ImportSummary, Tally, without_path
from cmae.readers.recordings import ML4H_SOURCE, FoundRow
from cmae.readers.sources import Recording
from cmae.readers.workers import cores, in_order

ReadRows = Callable[[Path], tuple[FoundRow, ...]]
"""Reads what one file holds; must survive pickle."""


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
        on_refused: Callable[[int, Path, str], None] | None = None,
    ) -> ImportSummary:
        """Read what the cohort does not have yet, and commit every few hundred files.

        Args:
            found: The files, in the order of the import.
            processes: How many are read at once; None takes one a core, 0 reads in this process.
            timeout_s: Longest that reading one may take.
            on_progress: Called with (done, total).
            on_refused: Called with the number of a file that is refused, from 1, its path and the
                reason.

        Returns:
            What was read, was there already, and was refused.

        Raises:
            ReadError: Not one file could be read.
            InputError: The cohort cannot be written, or its identifiers are of another kind.
            Interrupted: Ctrl-C was pressed; what had been read is in the cohort.
        """
        pseudonyms.claim(self.cohort.path, self.identity.pseudonyms)

        def note(number: int, reason: str) -> None:
            if on_refused is not None:
                on_refused(number, found[number - 1].path, reason)

        tally, standing = Tally(note), self._standing()
        reading = _Reading(self.identity, self.read, self.has_visits, standing)
        tasks = list(_tasks(found, reading, tally))
        number = cores() if processes is None else processes
        outcomes = in_order(tasks, reading, processes=number, timeout_s=timeout_s)
        if on_progress is not None and tally.done:
            on_progress(tally.done, len(found))
        with closing(outcomes), self._entry(tally) as entry:
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

    def _entry(self, tally: Tally) -> CohortEntry:
        """Return the way of what is read into the cohort."""
        return CohortEntry(
            self.cohort, tally, modalities=self.modalities, has_visits=self.has_visits
        )

    def _standing(self) -> frozenset[Key]:
        """Return whose files need not be read again."""
        if not self.has_visits:
            return frozenset(recorded_keys(self.cohort, self.modalities[0]))
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

    def __call__(self, task: _Task) -> FileRows:
        """Read a file."""
        key = task.key or self.key(task.path)
        if key in self.standing:
            return FileRows(key, None)
        try:
            rows = self.read(task.path)
            for row in rows:
                _check(row)
        except InputError as error:
            raise ReadError(without_path(str(error), task.path)) from None
        return FileRows(key, rows)


def _check(row: FoundRow) -> None:
    """Raise InputError where a cohort would not take a row."""
    for name, recording in row.recordings.items():
        STORED[name].check(recording, what=f"The {STORED[name].title}")
    PendingRows({**RECORDING_COLUMNS, **row.columns}).check(row.values)


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
            tally.refuse(number, SAME_KEY)
        elif key in reading.standing:
            kept.add(key)
            tally.kept += 1
        else:
            yield _Task(number, item.path, key)
