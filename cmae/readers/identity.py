"""Who a file is of: from a table, from a header field, or from the file's name."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from cmae.data.pseudonyms import Pseudonyms
from cmae.errors import InputError, ReadError
from cmae.readers.foreign import check_file, files_in, quietly
from cmae.readers.foreign_table import ID_COLUMNS, ForeignTable

Key = tuple[str, int]
"""Participant and visit."""

_SUFFIXES = (
    *(".nii.gz", ".nii", ".zip", ".dcm", ".ima"),
    *(".hea", ".dat", ".mat", ".xml", ".scp", ".edf", ".bdf", ".csv", ".tsv", ".txt"),
    *(".hd5", ".hdf5", ".h5", ".npy"),
)
_MAX_HEADER_BYTES = 2**20
_MAX_TABLE_BYTES = 2**30
_UKB_NAME = re.compile(r"(\d{4,10})_(\d{3,6})_(\d{1,2})_(\d{1,3})(?:\.\w+)*")


@dataclass(frozen=True)
class Identity:
    """The way from a file to its participant and visit.

    Attributes:
        source: The way, for people.
        table: Keys by file name, where a table gives them.
        header_field: Name of the header field, where one gives the participant.
        ukb_field: Number of the UK Biobank field that the names of the files give, where they do.
        pseudonyms: What stands for the identifiers, where something does.
    """

    source: str
    table: dict[str, Key] | None = field(default=None, repr=False)
    header_field: str | None = None
    ukb_field: int | None = None
    pseudonyms: Pseudonyms | None = None

    @classmethod
    def of(
        cls,
        *,
        ids: Path | None = None,
        id_from: str | None = None,
        pseudonyms: Pseudonyms | None = None,
    ) -> Self:
        """Choose the way.

        Args:
            ids: CSV, TSV or Parquet table with columns ``file``, ``participant`` (or
                ``participant_id``) and, if wanted, ``visit``.
            id_from: Header field: a DICOM keyword such as ``PatientID``, the name before the
                colon in a comment of a WFDB header, or an element of an XML file.
            pseudonyms: What shall stand for the identifiers.

        Raises:
            InputError: Both are given, or the table cannot be used.
        """
        if ids is not None and id_from is not None:
            raise InputError(
                "Identifiers come from a table or from a header field: give one of the two."
            )
        found = cls("the names of the files (of the folder for a DICOM series)")
        if ids is not None:
            table = _read_table(ids)
            found = cls(f"the table given ({len(table)} files)", table=table)
        elif id_from is not None:
            found = cls(f"the header field {id_from}", header_field=id_from)
        return found if pseudonyms is None else found.with_pseudonyms(pseudonyms)

    @classmethod
    def of_ukb(cls, number: int, *, pseudonyms: Pseudonyms | None = None) -> Self:
        """Take participant and visit from the names of UK Biobank's bulk files.

        They are ``<eid>_<field>_<instance>_<array>.<ending>``; the instance is the visit.

        Args:
            number: The field that the files must be of.
            pseudonyms: What shall stand for the identifiers.
        """
        found = cls("UK Biobank's file names (eid and instance)", ukb_field=number)
        return found if pseudonyms is None else found.with_pseudonyms(pseudonyms)

    def with_pseudonyms(self, pseudonyms: Pseudonyms) -> Self:
        """Return the same way, with pseudonyms in place of the identifiers."""
        source = f"{self.source}, pseudonymized by key"
        return replace(self, source=source, pseudonyms=pseudonyms)

    def key(self, path: Path) -> Key:
        """Return participant and visit of a file or folder.

        Raises:
            ReadError: The table, the header or the name does not say.
        """
        participant, visit = self._found(path)
        return self.participant(participant), visit

    def participant(self, identifier: str) -> str:
        """Return what stands for an identifier in the cohort.

        Raises:
            ReadError: It is none.
        """
        participant = identifier.strip()
        if not participant.isprintable() or not 0 < len(participant) <= 200:
            raise ReadError("The participant's identifier is empty, too long or not printable.")
        return participant if self.pseudonyms is None else self.pseudonyms.of(participant)

    def _found(self, path: Path) -> Key:
        """Look participant and visit up."""
        if self.table is not None:
            for name in (str(path), path.name, _stem(path)):
                if name in self.table:
                    return self.table[name]
            raise ReadError("The table of identifiers has no row for the file: add one.")
        if self.header_field is not None:
            return _header_value(path, self.header_field), 0
        if self.ukb_field is not None:
            return _ukb_key(path.name, self.ukb_field)
        return _stem(path.resolve()), 0


def _ukb_key(name: str, number: int) -> Key:
    """Return eid and instance of a bulk file's name, after checking that it is of the field."""
    found = _UKB_NAME.fullmatch(name)
    if found is None:
        raise ReadError(
            "The file is not named as UK Biobank names its bulk files, "
            "<eid>_<field>_<instance>_<array>: rename it, or import it with a table of identifiers."
        )
    if int(found[2]) != number:
        raise ReadError(
            f"The file is of another field of UK Biobank than {number}: it holds something else "
            "and is left out."
        )
    return found[1], int(found[3])


def _stem(path: Path) -> str:
    """Return the name of a file without its ending, or of a folder."""
    lower = path.name.lower()
    for suffix in _SUFFIXES:
        if lower.endswith(suffix) and len(lower) > len(suffix) and not path.is_dir():
            return path.name[: -len(suffix)]
    return path.name


def _read_table(path: Path) -> dict[str, Key]:
    """Read a table of identifiers: keys by file name."""
    what = "The table of identifiers"
    table = ForeignTable(_bounded(path, what=what), what=what)
    names = {name.strip().lower(): name for name in reversed(table.columns)}
    who = names.get("participant", names.get("participant_id"))
    if "file" not in names or who is None:
        raise InputError(f"{what} lacks a column file or participant: name them so.")
    rows = table.read([names["file"], who, *([names["visit"]] if "visit" in names else [])])
    files, people = rows[names["file"]], rows[who]
    if files.isna().any() or people.isna().any() or files.duplicated().any():
        raise InputError(f"{what} has an empty cell, or names a file twice: one row a file.")
    visits = rows[names["visit"]].tolist() if "visit" in names else ["0"] * len(rows)
    if not all(str(visit).strip().isdecimal() and len(str(visit)) < 10 for visit in visits):
        raise InputError(f"{what} has a visit that is no whole number: count from 0.")
    keys = [(str(one), int(visit)) for one, visit in zip(people, visits, strict=True)]
    return dict(zip(map(str, files), keys, strict=True))


def read_identifiers(path: Path) -> list[str]:
    """Read a list of participants: a table with a column of them, or one a line.

    Args:
        path: CSV, TSV or Parquet with a column ``participant_id``, ``eid`` or the like; a text
            file of one column needs no heading.

    Returns:
        The identifiers, each once, in their order.

    Raises:
        InputError: The file cannot be read, or lists nobody.
    """
    what = "The list of participants"
    table = ForeignTable(_bounded(path, what=what), what=what)
    first, is_headless = table.columns[0], False
    if len(table.columns) > 1 or first.strip().lower() in ID_COLUMNS:
        column = table.column_of_ids()
    else:
        column, is_headless = first, path.suffix.lower() != ".parquet"
    found = [str(who).strip() for who in table.read([column])[column] if who is not None]
    people = dict.fromkeys(([first.strip()] if is_headless else []) + found)
    if not people:
        raise InputError(f"{what} is empty: give a table with a column participant_id.")
    return list(people)


def _bounded(path: Path, *, what: str) -> Path:
    """Return the path of a table after checking that it is a file of sane size."""
    try:
        size = path.stat().st_size if path.is_file() else 0
    except OSError as error:
        raise InputError(f"{what} cannot be opened: check the path.") from error
    if not 0 < size <= _MAX_TABLE_BYTES:
        raise InputError(
            f"{what} cannot be read: expected a file of 1 byte to {_MAX_TABLE_BYTES // 2**20} MiB, "
            "CSV, TSV or Parquet."
        )
    return path


@quietly()
def _header_value(path: Path, name: str) -> str:
    """Return a header field of a WFDB record or of a DICOM file or folder."""
    value = None
    suffix = path.suffix.lower()
    if suffix in {".xml", ".edf", ".bdf"}:
        value = _ecg_value(path, name)
    elif suffix == ".hea":
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


def _ecg_value(path: Path, name: str) -> str | None:
    """Return a field of an ECG in XML or EDF as text."""
    from cmae.readers.ecg_header import header_field  # noqa: PLC0415 - only where it is asked for

    found = header_field(path, name)
    return None if found is None else str(found).strip()
