"""Files that a person drops on the page: unpacked into a private folder, read, and deleted."""

import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Protocol

from cmae.errors import CmaeError, ReadError
from cmae.readers.ecg import HEAD_BYTES, is_ecg
from cmae.readers.foreign import PARSER_FAULTS, check_archive

if TYPE_CHECKING:
    from cmae.readers.heart_crop import HeartCine
    from cmae.readers.median_beat import MedianBeat

MAX_BYTES = 400_000_000
"""Bytes that one upload may hold, unpacked."""

MAX_FILES = 2_000
"""Files that one upload may hold, unpacked: a cine of 50 frames and 30 slices has 1,500."""

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


@dataclass(frozen=True)
class Received:
    """What an upload held.

    Attributes:
        ecg: The median beat, or None.
        cine: The cine around the heart, or None.
        problems: One sentence for each part that could not be used.
    """

    ecg: "MedianBeat | None"
    cine: "HeartCine | None"
    problems: tuple[str, ...]


def receive(uploads: Sequence[Upload]) -> Received:
    """Read an ECG and / or a cine from uploaded files.

    Args:
        uploads: WFDB files (.hea with its .mat or .dat), an ECG in CSV, XML, EDF or DICOM, the
            DICOM files of a cine, a NIfTI file, or ZIP archives of those.

    Returns:
        The recordings that could be read, and a sentence for whatever could not.
    """
    with tempfile.TemporaryDirectory(prefix="cmae-upload-") as name:
        folder = Path(name)
        try:
            paths = unpack(uploads, folder)
        except CmaeError as error:
            return Received(ecg=None, cine=None, problems=(str(error),))
        problems: list[str] = []
        ecg: MedianBeat | None = None
        cine: HeartCine | None = None
        try:
            ecg = _read_ecg(paths)
        except CmaeError as error:
            problems.append(_without_folder(error, folder))
        try:
            cine = _read_cine(paths)
        except CmaeError as error:
            problems.append(_without_folder(error, folder))
    if ecg is None and cine is None and not problems:
        problems.append(
            "No recording was found: give a WFDB header (.hea) together with its signal file "
            "(.mat or .dat), an ECG in CSV, XML, EDF or DICOM, the DICOM files of one cine, or a "
            "NIfTI file (.nii, .nii.gz)."
        )
    return Received(ecg=ecg, cine=cine, problems=tuple(problems))


def _without_folder(error: CmaeError, folder: Path) -> str:
    """Return an error's sentence without the name of the temporary folder."""
    text = str(error)
    for name in (folder / "ecg", folder / "cine", folder):
        text = text.replace(f"{name}/", "").replace(str(name), "the upload")
    return text


def unpack(uploads: Sequence[Upload], folder: Path) -> list[Path]:
    """Write uploads into a folder, with the files of a ZIP beside the others.

    Only the last part of a name is used, so no file can leave the folder. The files of an ECG go
    to ``ecg/``, all others to ``cine/``.

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
    place = folder / (
        "ecg" if has_ecg or base.lower().endswith(ECG_HEADS + ECG_SIGNALS) else "cine"
    )
    place.mkdir(exist_ok=True)
    path = place / base
    number = 1
    while path.exists():
        path = place / f"{number}-{base}"
        number += 1
    return part.rename(path)


def _read_ecg(paths: list[Path]) -> "MedianBeat | None":
    """Read the one ECG among the files, or return None where there is none."""
    from cmae.readers.ecg import read_ecg  # noqa: PLC0415 - only an upload needs the readers
    from cmae.readers.median_beat import median_beat  # noqa: PLC0415

    mine = [path for path in paths if path.parent.name == "ecg"]
    found = [path for path in mine if path.suffix.lower() not in ECG_SIGNALS]
    if not found:
        found = mine
    if len(found) > 1:
        raise ReadError(f"The upload holds {len(found)} ECGs: give one.")
    return median_beat(read_ecg(found[0])) if found else None


def _read_cine(paths: list[Path]) -> "HeartCine | None":
    """Read the one cine among the files, or return None where there is none."""
    from cmae.readers.cine import read_cine  # noqa: PLC0415 - only an upload needs the readers
    from cmae.readers.heart_crop import heart_crop  # noqa: PLC0415

    volumes = [path for path in paths if path.name.lower().endswith(NIFTI_SUFFIXES)]
    if len(volumes) > 1:
        raise ReadError(f"The upload holds {len(volumes)} NIfTI files: give one cine.")
    if volumes:
        return heart_crop(read_cine(volumes[0]))
    slices = [path for path in paths if path.parent.name == "cine"]
    return heart_crop(read_cine(slices[0].parent)) if slices else None
