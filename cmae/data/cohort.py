"""A cohort: rows, recordings and phenotypes in one folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cmae.data import genotypes
from cmae.data import table as tables
from cmae.data.column import Column
from cmae.data.files import explained
from cmae.data.modality import MODALITIES, STORED, TRUTHS, Modality
from cmae.data.parts import Part, PartReader
from cmae.data.split import hashed_places
from cmae.data.staging import RECORDINGS, locked
from cmae.data.withdrawal import DropSummary, withdraw
from cmae.data.writer import CohortWriter, referenced
from cmae.errors import CohortError

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class _Places:
    """Where the recordings of one modality lie, row by row: -1 where there is none."""

    names: list[str]
    parts: list[Part]
    part: NDArray[np.int64]
    index: NDArray[np.int64]


class Cohort:
    """Rows (participant, visit) with up to one recording of each modality, and their phenotypes.

    Reading never waits for a writer and holds nothing in memory but the table. An object may be
    shared by threads, and survives fork and pickle. It shows the cohort as it was when it was
    opened, and what its own writers added since.

    Attributes:
        path: The folder.
        table: One row a (participant, visit), in the order of adding; read only. Beside
            ``participant_id``, ``visit`` and ``is_simulated``: ``<modality>_part`` and
            ``<modality>_index``, where the recording lies, and the same of TRUTHS where there is
            any; float64 columns with NaN, and text columns with None, as ``columns`` describes
            them.
        columns: What each of these columns means.
    """

    def __init__(
        self, path: Path, selection: tuple[tables.Contents, PartReader] | None = None
    ) -> None:
        """Show a cohort; ``open``, ``create`` and ``select`` are the ways to make one.

        Args:
            path: The folder.
            selection: Some rows of it and what reads its parts; None for the whole.
        """
        self.path = path
        self._is_selection = selection is not None
        if selection is None:
            self._reader = PartReader(path / RECORDINGS)
            self._reload()
        else:
            self._reader = selection[1]
            self._show(selection[0])

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make an empty cohort.

        Args:
            path: A folder that does not exist, or is empty.

        Raises:
            CohortError: The folder holds something.
            InputError: The disk is full or not writable.
        """
        path = Path(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise CohortError(
                f"{path} exists and is not empty: choose another folder, or open the cohort there."
            )
        return cls.open_or_create(path)

    @classmethod
    def open_or_create(cls, path: Path) -> Self:
        """Open the cohort at ``path``, or make an empty one where there is none.

        Raises:
            CohortError: The folder holds something else, or a damaged cohort.
            InputError: The disk is full or not writable.
        """
        path = Path(path)
        if path.exists() and not path.is_dir():
            raise CohortError(f"{path} is a file, not a folder: choose another name.")
        with explained(path):
            path.mkdir(parents=True, exist_ok=True)
        with locked(path):
            if not any(item.name != ".lock" for item in path.iterdir()):
                (path / RECORDINGS).mkdir()
                tables.save(path, tables.empty())
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a cohort after checking its table and every part that the table names.

        Raises:
            CohortError: There is none, it is of another format, or something is damaged.
        """
        return cls(Path(path))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.table)

    @property
    def is_simulated(self) -> bool:
        """Whether any row was made by a simulator."""
        return bool(self.table["is_simulated"].any())

    @cached_property
    def fingerprint(self) -> str:
        """The hash of the table and the names of the parts, 64 hex digits."""
        return tables.fingerprint(self.table)

    def has(self, modality: str) -> NDArray[np.bool_]:
        """Return which rows have a recording of ``modality``, or a truth of TRUTHS, (rows,)."""
        return np.asarray(self._place(modality).part >= 0)

    def read(self, modality: str, row: int) -> NDArray[Any]:
        """Read one recording.

        Args:
            modality: ``"ecg"``, ``"mri"``, or a name of TRUTHS.
            row: Which row.

        Returns:
            The recording as it is stored, shape and unit of the modality.

        Raises:
            CohortError: The row has none, or its part is damaged.
        """
        place = self._place(modality)
        (row,) = self._with_recordings(modality, [row])
        name, part = place.names[place.part[row]], place.parts[place.part[row]]
        out = np.empty(part.shape, part.dtype)
        self._reader.read_into(name, part, int(place.index[row]), out)
        return out

    def read_many(
        self, modality: str, rows: Sequence[int] | NDArray[np.integer[Any]]
    ) -> NDArray[np.float32]:
        """Read several recordings, each part from front to back.

        Args:
            modality: ``"ecg"``, ``"mri"``, or a name of TRUTHS.
            rows: Which rows, in any order; all must have the recording.

        Returns:
            (rows, *shape) float32 in the unit of the modality, in the order of ``rows``.

        Raises:
            CohortError: A row has none, or a part is damaged.
        """
        place, facts = self._place(modality), STORED[modality]
        numbers = self._with_recordings(modality, rows)
        out = np.empty((len(numbers), *facts.shape), np.float32)
        scratch: dict[np.dtype[Any], NDArray[Any]] = {}
        for k in np.lexsort((place.index[numbers], place.part[numbers])):
            code, index = place.part[numbers[k]], int(place.index[numbers[k]])
            name, part = place.names[code], place.parts[code]
            if part.dtype == np.float32:
                self._reader.read_into(name, part, index, out[k])
                continue
            if part.dtype not in scratch:
                scratch[part.dtype] = np.empty(part.shape, part.dtype)
            self._reader.read_into(name, part, index, scratch[part.dtype])
            out[k] = scratch[part.dtype]
        return out

    def writer(self, columns: Mapping[str, Column] | None = None) -> CohortWriter:
        """Return a writer that adds to the cohort: use it in a ``with`` block.

        Args:
            columns: Columns that values will name and the cohort does not have yet.
        """
        self._refuse_selection()
        return CohortWriter(self.path, columns or {}, self._reload)

    def select(self, rows: ArrayLike) -> "Cohort":
        """Return some rows as a cohort that reads from the same folder and cannot be changed.

        Args:
            rows: A mask (rows,) of booleans, or row numbers.

        Raises:
            CohortError: The mask has another length, or a row does not exist.
        """
        numbers = np.asarray(rows)
        if numbers.dtype == bool:
            if numbers.shape != (len(self),):
                raise CohortError(
                    f"The mask has shape {numbers.shape}, but the cohort has {len(self)} rows: "
                    "make it from this cohort's table."
                )
            numbers = np.flatnonzero(numbers)
        table = self.table.iloc[self._checked(numbers)].reset_index(drop=True)
        return Cohort(self.path, (tables.Contents(table, self.columns, {}), self._reader))

    def drop(self, participant_ids: Sequence[str] | set[str]) -> DropSummary:
        """Remove participants and everything recorded of them; their parts are written anew.

        Latents and exports made before still hold the participants: make those again.

        Raises:
            InputError: Nobody is named, none of them is in the cohort, or the disk is full;
                nothing is changed.
        """
        self._refuse_selection()
        summary = withdraw(self.path, set(participant_ids))
        self._reload()
        return summary

    def split(
        self, fractions: tuple[float, float, float] = (0.7, 0.2, 0.1), *, seed: int = 0
    ) -> dict[str, NDArray[np.int64]]:
        """Split the rows by participant; who is where does not change when the cohort grows.

        A participant's place is a hash of seed and identifier, so fractions are met on average.

        Args:
            fractions: Shares of train, validation and test; their sum is 1.
            seed: Another seed is another split.

        Returns:
            Row numbers, ascending, by ``train``, ``validation`` and ``test``.
        """
        if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
            raise CohortError(f"The fractions of a split are three and sum to 1, not {fractions}.")
        places = hashed_places(self.table["participant_id"].to_numpy(dtype=str), str(seed))
        bounds = np.cumsum(fractions)[:2]
        which = np.searchsorted(bounds, places, side="right")
        return {name: np.flatnonzero(which == k) for k, name in enumerate(SPLITS)}

    def info(self) -> dict[str, Any]:
        """Return what the cohort holds, without any value of a participant, ready for JSON."""
        has = {name: self.has(name) for name in MODALITIES}
        counted = genotypes.counts(self.path)
        truths = {name: int(self.has(name).sum()) for name in TRUTHS if self.has(name).any()}
        parts = sorted(referenced(self.table))
        return {
            "format": tables.FORMAT,
            "format_number": tables.FORMAT_NUMBER,
            "fingerprint": self.fingerprint,
            "rows": len(self),
            "participants": int(self.table["participant_id"].nunique()),
            "simulated_rows": int(self.table["is_simulated"].sum()),
            "recordings": {name: int(mask.sum()) for name, mask in has.items()},
            **({"truths": truths} if truths else {}),
            **({"genotypes": counted} if counted else {}),
            "rows_with_all_modalities": int(np.all(list(has.values()), axis=0).sum()),
            "stored_types": {
                name: sorted({str(part.dtype) for part in self._place(name).parts})
                for name in (*has, *truths)
            },
            "parts": len(parts),
            "bytes": sum((self.path / RECORDINGS / name).stat().st_size for name in parts),
            "columns": {
                name: {**column.to_json(), "present": int(self.table[name].notna().sum())}
                for name, column in self.columns.items()
            },
        }

    def _show(self, contents: tables.Contents) -> None:
        places = {name: self._locate(contents.table, stored) for name, stored in STORED.items()}
        self.table, self.columns = contents.table, contents.columns
        self._places = places
        self.__dict__.pop("fingerprint", None)

    def _reload(self) -> None:
        contents = tables.load(self.path)
        while True:
            try:
                self._show(contents)
            except CohortError:
                # A part may have gone because a participant was dropped a moment ago.
                newer = tables.load(self.path)
                if newer.table.equals(contents.table):
                    raise
                contents = newer
            else:
                return

    def _locate(self, table: pd.DataFrame, modality: Modality) -> _Places:
        if f"{modality.name}_part" not in table:
            nowhere = np.full(len(table), -1, np.int64)
            return _Places([], [], nowhere, nowhere)
        codes, names = pd.factorize(table[f"{modality.name}_part"])
        index = table[f"{modality.name}_index"].fillna(-1).to_numpy(dtype=np.int64)
        if ((codes < 0) != (index < 0)).any():
            raise CohortError(
                f"{self.path / tables.TABLE} is damaged: a row names a part of the "
                f"{modality.title} without an index, or the reverse."
            )
        if any(Path(str(name)).name != name for name in names):
            raise CohortError(f"{self.path / tables.TABLE} names a part outside {RECORDINGS}/.")
        parts = [self._reader.part(name, modality) for name in names]
        for code, part in enumerate(parts):
            if index[codes == code].max() >= len(part):
                raise CohortError(
                    f"{self.path / RECORDINGS / names[code]} has {len(part)} recordings, but the "
                    "table names one beyond: restore it, or make the cohort again."
                )
        return _Places(list(names), parts, np.asarray(codes, np.int64), index)

    def _place(self, modality: str) -> _Places:
        if modality not in self._places:
            raise CohortError(
                f"There is no modality {modality!r}: choose one of {', '.join(STORED)}."
            )
        return self._places[modality]

    def _checked(self, rows: ArrayLike) -> NDArray[np.int64]:
        numbers = np.asarray(rows)
        if numbers.size == 0:
            numbers = numbers.astype(np.int64)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
            raise CohortError(f"Rows are whole numbers in one dimension, not {numbers.dtype}.")
        if numbers.size and (numbers.min() < 0 or numbers.max() >= len(self)):
            raise CohortError(f"A row number is outside the cohort's {len(self)} rows.")
        return numbers.astype(np.int64)

    def _with_recordings(self, modality: str, rows: ArrayLike) -> NDArray[np.int64]:
        numbers = self._checked(rows)
        absent = numbers[self._place(modality).part[numbers] < 0]
        if len(absent):
            raise CohortError(
                f"Row {absent[0]} has no {STORED[modality].title}: "
                f"ask has({modality!r}) which rows do."
            )
        return numbers

    def _refuse_selection(self) -> None:
        if self._is_selection:
            raise CohortError("A selection of rows cannot be changed: open the cohort itself.")
