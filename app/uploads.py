"""Files that a person drops on the page: unpacked into a private folder, read, and deleted."""

import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Protocol

from cmae.errors import CmaeError, ReadError

if TYPE_CHECKING:
    from cmae.readers.heart_crop import HeartCine
    from cmae.readers.median_beat import MedianBeat

MAX_BYTES = 400_000_000
"""Bytes that one upload may hold, unpacked."""

MAX_FILES = 2_000
"""Files that one upload may hold, unpacked: a cine of 50 frames and 30 slices has 1,500."""

ECG_HEADS = (".hea", ".csv", ".tsv")
"""Ends of the names of files that an ECG is read from."""

ECG_SIGNALS = (".mat", ".dat")
"""Ends of the names of files that lie beside a WFDB header."""

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
        uploads: WFDB files (.hea with its .mat or .dat), DICOM files, a NIfTI file, or ZIP
            archives of those.

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
            "(.mat or .dat), the DICOM files of one cine, or a NIfTI file (.nii, .nii.gz)."
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
            path = _free_path(folder, upload.name)
            budget.take(len(data))
            path.write_bytes(data)
            written.append(path)
            continue
        archive_path = folder / "upload.zip.part"
        archive_path.write_bytes(data)
        try:
            with zipfile.ZipFile(archive_path) as archive:
                for entry in archive.infolist():
                    name = PurePosixPath(entry.filename.replace("\\", "/")).name
                    if (
                        entry.is_dir()
                        or name.startswith((".", "_"))
                        or "__MACOSX" in entry.filename
                    ):
                        continue
                    path = _free_path(folder, name)
                    with archive.open(entry) as source, path.open("wb") as target:
                        _copy(source, target, budget)
                    written.append(path)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise ReadError(
                "The ZIP archive cannot be unpacked (damaged, or protected by a password): "
                "pack it again."
            ) from error
        finally:
            archive_path.unlink()
    return sorted(written)


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


def _free_path(folder: Path, name: str) -> Path:
    """Return a path in the folder; two files of one name (of two folders in a ZIP) stay apart."""
    base = PurePosixPath(name.replace("\\", "/")).name or "file"
    is_ecg = base.lower().endswith(ECG_HEADS + ECG_SIGNALS)
    folder = folder / ("ecg" if is_ecg else "cine")
    folder.mkdir(exist_ok=True)
    path = folder / base
    number = 1
    while path.exists():
        path = folder / f"{number}-{base}"
        number += 1
    return path


def _read_ecg(paths: list[Path]) -> "MedianBeat | None":
    """Read the one ECG among the files, or return None where there is none."""
    from cmae.readers.ecg import read_ecg  # noqa: PLC0415 - only an upload needs the readers
    from cmae.readers.median_beat import median_beat  # noqa: PLC0415

    found = [path for path in paths if path.suffix.lower() in ECG_HEADS]
    if not found:
        found = [path for path in paths if path.suffix.lower() in ECG_SIGNALS]
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
    slices = [path for path in paths if path.suffix.lower() not in ECG_HEADS + ECG_SIGNALS]
    return heart_crop(read_cine(slices[0].parent)) if slices else None
