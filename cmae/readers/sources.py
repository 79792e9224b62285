"""What recordings some paths mean: files, and folders of files, each once and in order."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cmae.errors import ReadError

MAX_RECORDINGS = 5_000_000
"""Most files that are looked at in one import."""

ECG_SUFFIXES = frozenset({".hea", ".dcm", ".csv", ".xml", ".scp", ".edf", ".bdf"})
ML4H_SUFFIXES = frozenset({".hd5", ".h5", ".hdf5"})
_CINE_FILES = (".nii", ".nii.gz", ".zip")
_NO_IMAGES = {".txt", ".csv", ".tsv", ".json", ".xml", ".pdf", ".md", ".py", ".html"}


@dataclass(frozen=True)
class Recording:
    """A file or folder that holds one recording, or what should not be read.

    Attributes:
        path: Where it is.
        refusal: Why it is not read; empty where it is.
    """

    path: Path
    refusal: str = ""


def ecg_files(paths: Iterable[str | Path], ids: Path | None = None) -> list[Recording]:
    """List the ECGs that some paths mean; a WFDB record counts once.

    Args:
        paths: Files, or folders, which are searched.
        ids: Table of identifiers, which is no ECG.
    """
    table = None if ids is None else Path(ids).resolve()
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if path.is_dir():
            found |= dict.fromkeys(
                file
                for file in files_below(path)
                if file.suffix.lower() in ECG_SUFFIXES and file.resolve() != table
            )
            continue
        header = path.with_suffix(".hea")
        found[header if header.is_file() else path] = None
    return [Recording(path) for path in found]


def ml4h_files(paths: Iterable[str | Path]) -> list[Recording]:
    """List the files of ml4h tensors that some paths mean."""
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        files = files_below(path) if path.is_dir() else [path]
        found |= dict.fromkeys(
            file for file in files if not path.is_dir() or file.suffix.lower() in ML4H_SUFFIXES
        )
    return [Recording(path) for path in found]


def cine_series(paths: Iterable[str | Path]) -> list[Recording]:
    """List the cines that some paths mean.

    They are files (NIfTI, ZIP, or DICOM where a file is given), and folders that hold DICOM files.
    Folders that hold series of one examination are one recording: the folder above them, among
    whose series the four-chamber cine is chosen.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if not path.is_dir():
            found[path] = None
            continue
        for file in files_below(path):
            name = file.name
            if name.lower().endswith(_CINE_FILES):
                found[file] = None
            elif file.suffix.lower() not in _NO_IMAGES and not name.upper().startswith(
                ("DICOMDIR", "LICENSE", "README")
            ):
                found[file.parent] = None
    return _examinations(list(found))


def files_below(folder: Path) -> list[Path]:
    """List the files of a folder and its subfolders, sorted.

    Links to folders are not followed, hidden files are left out.

    Raises:
        ReadError: There are more than the bound.
    """
    found: list[Path] = []
    for base, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(base, name) for name in names if not name.startswith(".")]
        if len(found) > MAX_RECORDINGS:
            raise ReadError(f"The folder holds more than {MAX_RECORDINGS:,} files: import parts.")
    return sorted(path for path in found if path.is_file())


def _examinations(paths: list[Path]) -> list[Recording]:
    """Put folders with series of one examination together."""
    from cmae.readers.cine_dicom import study_of  # noqa: PLC0415 - pydicom is slow to load

    # Other files beside the folder of an examination do not make a second one of the folder above.
    above_others = {parent for path in paths for parent in path.parents}
    studies: defaultdict[str, list[Path]] = defaultdict(list)
    for path in paths:
        if path in above_others and not _holds_dicom(path):
            continue
        studies[(path.is_dir() and study_of(path)) or f"alone {path}"].append(path)
    above = {study: _common(folders) for study, folders in studies.items()}
    crowds = Counter(place for path in above.values() for place in (path, *path.parents))
    found = []
    for study, folders in studies.items():
        if len(folders) == 1 or crowds[above[study]] == 1:
            found.append(Recording(above[study]))
            continue
        refusal = (
            "Its folder holds one of several series of an examination, among those of others: "
            "put each examination into a folder of its own."
        )
        found += [Recording(folder, refusal) for folder in folders]
    return found


def _holds_dicom(folder: Path) -> bool:
    """Tell whether a file of a folder itself is, or may be, a DICOM file."""
    from cmae.readers.dicom import is_dicom  # noqa: PLC0415 - pydicom is slow to load

    try:
        return any(path.is_file() and is_dicom(path) for path in folder.iterdir())
    except OSError:
        return True


def _common(paths: list[Path]) -> Path:
    """Return the folder that all paths lie in, the path itself where it is one."""
    return paths[0] if len(paths) == 1 else Path(os.path.commonpath(paths))
