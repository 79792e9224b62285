"""Files that a person drops on the page: unpacked into a private folder, read, and deleted."""

import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from cmae.data import quality
from cmae.errors import CmaeError, ReadError
from cmae.readers.ecg import HEAD_BYTES, is_ecg
from cmae.readers.foreign import PARSER_FAULTS, check_archive

if TYPE_CHECKING:
    from cmae.readers.recordings import FoundRow

MAX_BYTES = 400_000_000
"""Bytes that one upload may hold, unpacked."""

MAX_FILES = 2_000
"""Files that one upload may hold, unpacked: a cine of 50 frames and 30 slices has 1,500."""

MAX_ECGS = 12
"""ECGs of one upload among which a person can choose."""

ML4H_HEADS = (".hd5", ".hdf5", ".h5")
"""Ends of the names of ml4h tensors."""

ECG_HEADS = (".hea", ".csv", ".tsv")
"""Ends of the names of files that an ECG is read from; other ECGs are told by their content."""

ECG_SIGNALS = (".mat", ".dat")
"""Ends of the names of files that lie beside a WFDB header."""

_PART = "part"
"""Where a file is written before it is known where it belongs."""

_MAX_NAME = 60
"""Most characters that are kept of a file's name, its end."""

NIFTI_SUFFIXES = (".nii", ".nii.gz")


class Upload(Protocol):
    """A file that came from a browser (Streamlit's UploadedFile has this form)."""

    name: str

    def getbuffer(self) -> memoryview:
        """Return the file's bytes."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One recording of an upload, as an import would store it.

    Attributes:
        modality: ``ecg`` or ``mri``.
        recording: In the modality's shape and unit.
        values: What describes it, by name of a column: quality, rate, what was measured.
        flags: What is odd about it, a few words each.
        reason: Which cine was taken among several and why; empty otherwise.
    """

    modality: str
    recording: NDArray[np.generic] = field(repr=False)
    values: Mapping[str, float | str | None] = field(default_factory=dict, repr=False)
    flags: tuple[str, ...] = ()
    reason: str = ""

    @property
    def rr_ms(self) -> float | None:
        """Time between two beats in ms, where the file says."""
        found = self.values.get(f"{self.modality}_rr_ms")
        return found if isinstance(found, float) else None

    @property
    def source(self) -> str:
        """Format of the file, for people."""
        return str(self.values.get(f"{self.modality}_source") or "unknown format")


@dataclass(frozen=True, eq=False)
class Received:
    """What an upload held.

    Attributes:
        ecgs: The ECGs, in the order of their files.
        cine: The cine around the heart, or None.
        problems: One sentence for each part that could not be used.
        chosen: Which of the ECGs is looked at.
    """

    ecgs: tuple[Recording, ...] = ()
    cine: Recording | None = None
    problems: tuple[str, ...] = ()
    chosen: int = 0

    @property
    def ecg(self) -> Recording | None:
        """The ECG that is looked at, or None."""
        return self.ecgs[self.chosen] if self.ecgs else None


@dataclass(frozen=True)
class Declared:
    """What a person says of files that leave it open.

    Attributes:
        rate_hz: Samples per second of an ECG in CSV without a time column.
        unit: Unit of an ECG in CSV that names none.
    """

    rate_hz: float | None = None
    unit: str | None = None


NOTHING = Declared()

Reader = Callable[[Path, Declared], Received]
"""Reads what was unpacked into a folder."""


def receive(
    uploads: Sequence[Upload], *, declared: Declared = NOTHING, reader: Reader | None = None
) -> Received:
    """Read ECGs and / or a cine from uploaded files.

    Args:
        uploads: WFDB files (.hea with its .mat or .dat), ECGs in CSV, XML, EDF or DICOM, the DICOM
            files of a cine, a NIfTI file, ml4h tensors, or ZIP archives of those.
        declared: What a person says of files that leave it open.
        reader: Reads the unpacked files; None: in this process, where nothing stops a file that
            hangs.

    Returns:
        The recordings that could be read, and a sentence for whatever could not.
    """
    with tempfile.TemporaryDirectory(prefix="cmae-upload-") as name:
        folder = Path(name)
        try:
            unpack(uploads, folder)
            return (reader or read_folder)(folder, declared)
        except CmaeError as error:
            return Received(problems=(_without_folder(error, folder),))


def read_folder(folder: Path, declared: Declared = NOTHING) -> Received:
    """Read what was unpacked into a folder.

    Args:
        folder: With ``ecg/``, ``cine/`` and ``ml4h/`` in it, as ``unpack`` leaves them.
        declared: What a person says of files that leave it open.

    Returns:
        The recordings that could be read, and a sentence for whatever could not.
    """
    ecgs: list[Recording] = []
    cines: list[Recording] = []
    problems: list[str] = []
    for read in (_read_ecgs, _read_cine, _read_ml4h):
        for outcome in read(folder, declared):
            if isinstance(outcome, Recording):
                (ecgs if outcome.modality == "ecg" else cines).append(outcome)
            else:
                problems.append(_without_folder(outcome, folder))
    if len(cines) > 1:
        problems.append(f"The upload holds {len(cines)} cines, of which the first is taken.")
    if not ecgs and not cines and not problems:
        problems.append(
            "No recording was found: give a WFDB header (.hea) together with its signal file "
            "(.mat or .dat), an ECG in CSV, XML, EDF or DICOM, the DICOM files of one cine, a "
            "NIfTI file (.nii, .nii.gz), or ml4h tensors (.hd5)."
        )
    return Received(tuple(ecgs), cines[0] if cines else None, tuple(dict.fromkeys(problems)))


def _without_folder(error: CmaeError, folder: Path) -> str:
    """Return an error's sentence without the name of the temporary folder."""
    text = str(error)
    for name in (folder / "ecg", folder / "cine", folder / "ml4h", folder):
        text = text.replace(f"{name}/", "").replace(str(name), "the upload")
    return text


def unpack(uploads: Sequence[Upload], folder: Path) -> list[Path]:
    """Write uploads into a folder, with the files of a ZIP beside the others.

    Only the last part of a name is used, so no file can leave the folder. The files of an ECG go
    to ``ecg/``, ml4h tensors to ``ml4h/``, all others to ``cine/``.

    Args:
        uploads: The files.
        folder: An empty private folder.

    Returns:
        The files written, in order of their names.

    Raises:
        ReadError: A ZIP is damaged, or the upload is larger than MAX_BYTES or MAX_FILES.
    """
    budget = _Budget()
    written: list[Path] = []
    for upload in uploads:
        data = upload.getbuffer()
        if not upload.name.lower().endswith(".zip"):
            budget.take(len(data))
            (folder / _PART).write_bytes(data)
            written.append(_settle(folder, upload.name))
            continue
        archive = folder / "upload.zip.part"
        archive.write_bytes(data)
        try:
            written += _unpack_archive(archive, folder, budget)
        finally:
            archive.unlink()
    return sorted(written)


def _unpack_archive(archive: Path, folder: Path, budget: "_Budget") -> list[Path]:
    """Write the members of a ZIP into a folder."""
    check_archive(archive, most_bytes=MAX_BYTES, most_files=MAX_FILES)
    written: list[Path] = []
    try:
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                name = PurePosixPath(entry.filename.replace("\\", "/")).name
                if entry.is_dir() or name.startswith((".", "_")) or "__MACOSX" in entry.filename:
                    continue
                with opened.open(entry) as source, (folder / _PART).open("wb") as target:
                    _copy(source, target, budget)
                written.append(_settle(folder, name))
    except PARSER_FAULTS as error:
        raise ReadError(
            "The ZIP archive cannot be unpacked: it is damaged, pack it again."
        ) from error
    return written


class _Budget:
    """Counts what an upload has unpacked to, and stops it at the limits."""

    def __init__(self) -> None:
        self.bytes = 0
        self.files = 0

    def take(self, num_bytes: int, *, is_new_file: bool = True) -> None:
        self.bytes += num_bytes
        self.files += is_new_file
        if self.bytes > MAX_BYTES or self.files > MAX_FILES:
            raise ReadError(
                f"The upload holds more than {MAX_BYTES // 1_000_000} MB or {MAX_FILES:,} files: "
                "give one ECG and one cine, or use `cmae import` for more."
            )


def _copy(source: IO[bytes], target: IO[bytes], budget: _Budget) -> None:
    budget.take(0)
    while block := source.read(1 << 20):
        budget.take(len(block), is_new_file=False)
        target.write(block)


def _settle(folder: Path, name: str) -> Path:
    """Move what was just written to its place, and return it.

    An ECG is told by its name or, as DICOM, XML and EDF, by its content. Two files of one name (of
    two folders in a ZIP) stay apart.
    """
    part = folder / _PART
    base = PurePosixPath(name.replace("\\", "/").replace("\0", "")).name or "file"
    base = base.encode("utf-8", errors="replace").decode()[-_MAX_NAME:]
    with part.open("rb") as opened:
        has_ecg = is_ecg(opened.read(HEAD_BYTES))
    kind = "ecg" if has_ecg or base.lower().endswith(ECG_HEADS + ECG_SIGNALS) else "cine"
    if base.lower().endswith(ML4H_HEADS):
        kind = "ml4h"
    place = folder / kind
    place.mkdir(exist_ok=True)
    path = place / base
    number = 1
    while path.exists():
        path = place / f"{number}-{base}"
        number += 1
    return part.rename(path)


def _files(folder: Path, kind: str) -> list[Path]:
    """Return the files of a kind, sorted."""
    place = folder / kind
    return sorted(place.iterdir()) if place.is_dir() else []


def _read_ecgs(folder: Path, declared: Declared) -> Iterator[Recording | CmaeError]:
    """Read each ECG among the files."""
    from cmae.measure.electrocardiogram import measured_values  # noqa: PLC0415 - only an upload
    from cmae.readers.recordings import EcgOptions, ecg_rows  # noqa: PLC0415 - needs the readers

    mine = _files(folder, "ecg")
    found = [path for path in mine if path.suffix.lower() not in ECG_SIGNALS]
    if not found:
        found = mine[:1]
    if len(found) > MAX_ECGS:
        yield ReadError(f"The upload holds {len(found)} ECGs: give {MAX_ECGS} at most.")
        return
    options = EcgOptions(rate_hz=declared.rate_hz, unit=declared.unit, measure=measured_values)
    for path in found:
        yield from _recordings(lambda path=path: ecg_rows(path, options))  # type: ignore[misc]


def _read_cine(folder: Path, _: Declared) -> Iterator[Recording | CmaeError]:
    """Read the one cine among the files."""
    from cmae.readers.recordings import CineOptions, cine_rows  # noqa: PLC0415 - only an upload

    mine = _files(folder, "cine")
    volumes = [path for path in mine if path.name.lower().endswith(NIFTI_SUFFIXES)]
    if len(volumes) == 1 or mine:
        place = volumes[0] if len(volumes) == 1 else folder / "cine"
        yield from _recordings(lambda: cine_rows(place, CineOptions()))


def _read_ml4h(folder: Path, _: Declared) -> Iterator[Recording | CmaeError]:
    """Read the tensors of one participant, the first visit that holds something."""
    from cmae.readers.recordings import Ml4hOptions, ml4h_rows  # noqa: PLC0415 - only an upload

    mine = _files(folder, "ml4h")
    if len(mine) > 1:
        yield ReadError(f"The upload holds ml4h tensors of {len(mine)} people: give one.")
        return
    for path in mine:
        found = list(_recordings(lambda path=path: ml4h_rows(path, Ml4hOptions())))  # type: ignore[misc]
        for modality in ("ecg", "mri"):
            yield from [each for each in found if getattr(each, "modality", "") == modality][:1]
        yield from [each for each in found if isinstance(each, CmaeError)]


def _recordings(
    read: Callable[[], "tuple[FoundRow, ...]"],
) -> Iterator[Recording | CmaeError]:
    """Turn what an import finds in a file into recordings, or the reason why there is none."""
    try:
        rows = read()
    except CmaeError as error:
        yield error
        return
    except PARSER_FAULTS as error:
        yield ReadError(
            f"Reading a file failed by a fault of the program ({type(error).__name__})."
        )
        return
    for row in rows:
        for modality, recording in row.recordings.items():
            other = "mri" if modality == "ecg" else "ecg"
            values = {key: value for key, value in row.values.items() if not key.startswith(other)}
            flags = (*row.notes, *quality.flags(values))
            yield Recording(modality, np.asarray(recording), values, flags, row.reason)
