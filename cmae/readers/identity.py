"""Who a file is of: from a table, from a header field, or from the file's name."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pandas as pd
from pyarrow.lib import ArrowException

from cmae.errors import InputError, ReadError
from cmae.readers.foreign import MAX_FILE_BYTES, PARSER_FAULTS, check_file, files_in, quietly

Key = tuple[str, int]
"""Participant and visit."""

_SUFFIXES = (".nii.gz", ".nii", ".zip", ".hea", ".dcm", ".csv", ".mat", ".dat", ".tsv", ".txt")
_MAX_HEADER_BYTES = 2**20
_MAX_COLUMNS = 10_000


@dataclass(frozen=True)
class Identity:
    """The way from a file to its participant and visit.

    Attributes:
        source: The way, for people.
        table: Keys by file name, where a table gives them.
        header_field: Name of the header field, where one gives the participant.
    """

    source: str
    table: dict[str, Key] | None = field(default=None, repr=False)
    header_field: str | None = None

    @classmethod
    def of(cls, *, ids: Path | None = None, id_from: str | None = None) -> Self:
        """Choose the way.

        Args:
            ids: CSV, TSV or Parquet table with columns ``file``, ``participant`` (or
                ``participant_id``) and, if wanted, ``visit``.
            id_from: Header field: a DICOM keyword such as ``PatientID``, or the name before the
                colon in a comment of a WFDB header.

        Raises:
            InputError: Both are given, or the table cannot be used.
        """
        if ids is not None and id_from is not None:
            raise InputError(
                "Identifiers come from a table or from a header field: give one of the two."
            )
        if ids is not None:
            return cls(f"the table given ({len(table := _read_table(ids))} files)", table=table)
        if id_from is not None:
            return cls(f"the header field {id_from}", header_field=id_from)
        return cls("the names of the files (of the folder for a DICOM series)")

    def key(self, path: Path) -> Key:
        """Return participant and visit of a file or folder.

        Raises:
            ReadError: The table or the header does not say.
        """
        participant, visit = self._found(path)
        if not participant.strip().isprintable() or not 0 < len(participant.strip()) <= 200:
            raise ReadError("The participant's identifier is empty, too long or not printable.")
        return participant.strip(), visit

    def _found(self, path: Path) -> Key:
        """Look participant and visit up."""
        if self.table is not None:
            for name in (str(path), path.name, _stem(path)):
                if name in self.table:
                    return self.table[name]
            raise ReadError("The table of identifiers has no row for the file: add one.")
        if self.header_field is not None:
            return _header_value(path, self.header_field), 0
        return _stem(path.resolve()), 0


def _stem(path: Path) -> str:
    """Return the name of a file without its ending, or of a folder."""
    lower = path.name.lower()
    for suffix in _SUFFIXES:
        if lower.endswith(suffix) and not path.is_dir():
            return path.name[: -len(suffix)]
    return path.name


def _read_table(path: Path) -> dict[str, Key]:
    """Read a table of identifiers: keys by file name."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError("The table of identifiers is too large to be one.")
        if path.suffix.lower() == ".parquet":
            table = pd.read_parquet(path)
        else:
            separator = "\t" if path.suffix.lower() == ".tsv" else ","
            with path.open("rb") as opened:
                line = opened.readline(_MAX_HEADER_BYTES)
            if line.count(separator.encode()) > _MAX_COLUMNS or len(line) == _MAX_HEADER_BYTES:
                raise InputError("The table of identifiers has far more columns than needed.")
            table = pd.read_csv(path, sep=separator, dtype=str)
    except (*PARSER_FAULTS, pd.errors.ParserError, ArrowException) as error:
        raise InputError(
            "The table of identifiers cannot be read: expected CSV, TSV or Parquet with columns "
            "file, participant and, if wanted, visit."
        ) from error
    table = table.rename(columns={"participant_id": "participant"})
    if not {"file", "participant"} <= set(table.columns) or not table.columns.is_unique:
        raise InputError(
            "The table of identifiers lacks a column file or participant, or has two of one name: "
            "name them so, once."
        )
    if table[["file", "participant"]].isna().any().any() or table["file"].duplicated().any():
        raise InputError(
            "The table of identifiers has an empty cell, or names a file twice: one row a file."
        )
    try:
        visits = table["visit"].astype(int) if "visit" in table else [0] * len(table)
    except (OverflowError, TypeError, ValueError) as error:
        raise InputError(
            "The table of identifiers has a visit that is no whole number: count from 0."
        ) from error
    keys = zip(table["participant"].astype(str), map(int, visits), strict=True)
    return dict(zip(table["file"].astype(str), keys, strict=True))


@quietly()
def _header_value(path: Path, name: str) -> str:
    """Return a header field of a WFDB record or of a DICOM file or folder."""
    value = None
    if path.suffix.lower() == ".hea":
        if check_file(path, what="The WFDB header") <= _MAX_HEADER_BYTES:
            value = _comment(path.read_bytes().decode("utf-8", errors="replace"), name)
    else:
        file = next(iter(files_in(path)), path) if path.is_dir() else path
        value = _dicom_value(file, name)
    if not value:
        raise ReadError(f"The header has no field {name}, or it is empty.")
    return value


def _comment(text: str, name: str) -> str | None:
    """Return what stands behind ``name:`` in a WFDB header's comments."""
    for line in text.splitlines():
        key, separator, value = line.lstrip("#").partition(":")
        if line.startswith("#") and separator and key.strip().lower() == name.lower():
            return value.strip()
    return None


def _dicom_value(path: Path, name: str) -> str | None:
    """Return an attribute of a DICOM file as text."""
    from cmae.readers.dicom import DICOM_FAULTS, open_dicom  # noqa: PLC0415 - slow to load

    try:
        return str(open_dicom(path, has_pixels=False).get(name) or "").strip()
    except DICOM_FAULTS as error:
        raise ReadError("The header cannot be read: the file is damaged.") from error
