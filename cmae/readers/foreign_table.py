"""Tables from elsewhere (CSV, TSV, Parquet), read as text some thousand rows at a time."""

import csv
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from pyarrow.lib import ArrowException

from cmae.errors import InputError
from cmae.readers.foreign import PARSER_FAULTS

_FAULTS = (*PARSER_FAULTS, pd.errors.ParserError, ArrowException)

ROWS_AT_ONCE = 20_000
_CELLS_AT_ONCE = 4_000_000

MAX_COLUMNS = 50_000
"""Most columns that are believed; a UK Biobank basket has some ten thousand."""

_MAX_LINE_BYTES = 8 * 2**20
_MAX_ROW_GROUP_BYTES = 2 * 2**30

ID_COLUMNS = (
    *("eid", "f.eid", "n_eid", "participant.eid"),
    *("participant_id", "participant", "sample_id", "iid"),
)
"""Names of the column that says who a row is of, in any case, the first that there is."""


class ForeignTable:
    """A table on disk, whose cells are read as text.

    Attributes:
        path: The file.
        columns: Names of its columns.
    """

    def __init__(self, path: Path, *, what: str) -> None:
        """Look at the head of a file.

        Args:
            path: CSV, TSV (or other text with a header line) or Parquet.
            what: What the table is, for messages.

        Raises:
            InputError: It is missing or no such table.
        """
        self.path, self._what = Path(path), what
        self._is_parquet = self.path.suffix.lower() == ".parquet"
        self._separator, self._encoding = ",", "utf-8"
        try:
            if self._is_parquet:
                with pq.ParquetFile(self.path) as file:
                    self.columns = list(file.schema_arrow.names)
                    facts = file.metadata
                    groups = range(facts.num_row_groups)
                    sizes = [facts.row_group(k).total_byte_size for k in groups]
                if max(sizes, default=0) > _MAX_ROW_GROUP_BYTES:
                    raise InputError(f"{what} unpacks to more than is read at once: split it.")
            else:
                self.columns = self._text_header()
        except (*_FAULTS, csv.Error) as error:
            raise self._unreadable() from error
        if not 1 <= len(self.columns) <= MAX_COLUMNS or len(set(self.columns)) < len(self.columns):
            raise self._too_many_columns()

    def column_of_ids(self) -> str:
        """Return the name of the column that says who a row is of.

        Raises:
            InputError: There is none.
        """
        lower = {name.strip().lower(): name for name in reversed(self.columns)}
        for name in ID_COLUMNS:
            if name in lower:
                return str(lower[name])
        raise InputError(
            f"{self._what} has no column that says who a row is of: name one participant_id or eid."
        )

    def chunks(self, columns: list[str]) -> Iterator[pd.DataFrame]:
        """Yield some columns, some thousand rows at a time, as text with None where empty.

        Raises:
            InputError: The file is damaged.
        """
        try:
            if self._is_parquet:
                with pq.ParquetFile(self.path) as file:
                    for batch in file.iter_batches(
                        ROWS_AT_ONCE, columns=columns, use_threads=False
                    ):
                        frame = batch.to_pandas()[columns]
                        yield frame.apply(as_text) if len(frame) else frame
                return
            # All columns are read: pandas drops a row's surplus cells in silence if asked for some.
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)
                with pd.read_csv(
                    self.path,
                    sep=self._separator,
                    dtype=str,
                    index_col=False,
                    chunksize=max(100, min(ROWS_AT_ONCE, _CELLS_AT_ONCE // len(self.columns))),
                    encoding=self._encoding,
                    encoding_errors="replace",
                    skipinitialspace=True,
                ) as reader:
                    for frame in reader:
                        yield frame[columns].astype(object).where(frame[columns].notna(), None)
        except (*_FAULTS, pd.errors.ParserWarning) as error:
            raise self._unreadable() from error

    def read(self, columns: list[str]) -> pd.DataFrame:
        """Read some columns whole, as text with None where empty."""
        frames = list(self.chunks(columns))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)

    def _too_many_columns(self) -> InputError:
        return InputError(
            f"{self._what} has no columns, more than {MAX_COLUMNS:,}, or two of one name: its "
            "first row must name each column once."
        )

    def _text_header(self) -> list[str]:
        """Return the names in the first line, having found what separates them."""
        with self.path.open("rb") as file:
            line = file.readline(_MAX_LINE_BYTES)
        if len(line) == _MAX_LINE_BYTES or b"\0" in line or not line.strip():
            raise self._unreadable()
        try:
            text = line.decode("utf-8-sig")
        except UnicodeDecodeError:
            self._encoding, text = "latin-1", line.decode("latin-1")
        else:
            self._encoding = "utf-8-sig"
        counts = {mark: text.count(mark) for mark in (",", "\t", ";")}
        if max(counts.values()) >= MAX_COLUMNS:
            raise self._too_many_columns()
        self._separator = max(counts, key=lambda mark: counts[mark])
        # pandas' own reading of the header, so that its names are the ones asked for later.
        head = pd.read_csv(
            self.path, sep=self._separator, nrows=0, encoding=self._encoding, skipinitialspace=True
        )
        return [str(name) for name in head.columns]

    def _unreadable(self) -> InputError:
        return InputError(
            f"{self._what} cannot be read: expected CSV, TSV or Parquet with a row of names first."
        )


def as_text(values: pd.Series) -> pd.Series:
    """Return a column as text with None where missing; whole numbers without ``.0``."""
    if values.dtype.kind == "f":
        known = values.dropna().to_numpy(np.float64)
        if np.isfinite(known).all() and (known == np.round(known)).all():
            values = values.astype("Int64")
    texts = values.astype("string").astype(object)
    return texts.where(values.notna(), None)
