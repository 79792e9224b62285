"""The way of rows into a cohort: one writer at a time, committed now and then."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from cmae.data.cohort import Cohort
from cmae.data.column import RECORDING_COLUMNS, Column
from cmae.data.modality import STORED
from cmae.data.writer import CohortWriter
from cmae.errors import CohortError
from cmae.readers.identity import Key
from cmae.readers.import_summary import Tally
from cmae.readers.recording_columns import COLUMNS
from cmae.readers.recordings import FoundRow
from cmae.readers.workers import Refused

FILES_A_COMMIT = 500
"""Files after which what was read is in the cohort for good."""

SAME_KEY = (
    "An earlier file of this import has the same participant and visit: tell them apart by a "
    "table of identifiers."
)
_OTHER_KIND = "a value of another kind than its column in the cohort"


@dataclass(frozen=True)
class FileRows:
    """Who a file is of, and its rows; None where the cohort has them already."""

    key: Key
    rows: tuple[FoundRow, ...] | None


class CohortEntry:
    """The way of rows into the cohort: one writer at a time, committed now and then."""

    def __init__(
        self, cohort: Cohort, tally: Tally, *, modalities: tuple[str, ...], has_visits: bool
    ) -> None:
        """Begin; nothing is written before something comes.

        Args:
            cohort: Where the rows go.
            tally: Counts what was done with them.
            modalities: What a file may hold.
            has_visits: Whether a file holds all visits of a participant.
        """
        self._cohort, self._tally = cohort, tally
        self._modalities, self._has_visits = modalities, has_visits
        self._stack = ExitStack()
        self._writer: CohortWriter | None = None
        self._columns: dict[str, Column] = {}
        self._files = 0
        self._seen: set[Key] = set()
        self._present = {name: recorded_keys(cohort, name) for name in modalities}

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

    def take(self, number: int, outcome: FileRows | Refused) -> None:
        """Add what came of a file."""
        if isinstance(outcome, Refused):
            self._tally.refuse(number, outcome.reason)
            return
        if outcome.key in self._seen:
            self._tally.refuse(number, SAME_KEY)
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
        if not new and row.recordings and not self._has_visits:
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
        return column.source not in STORED or column.source in self._modalities

    def _fits(self, name: str, value: object) -> bool:
        """Tell whether a value is of the kind of its column in the cohort."""
        column = self._cohort.columns.get(name) or self._columns[name]
        if column.kind == "categorical":
            return isinstance(value, str)
        return not isinstance(value, str) and (column.kind != "binary" or value in {0, 1})


def recorded_keys(cohort: Cohort, modality: str) -> set[Key]:
    """Return who has a recording of a modality."""
    table = cohort.table[cohort.has(modality)]
    return set(zip(table["participant_id"], table["visit"].astype(int), strict=True))
