"""Cine MRI files, DICOM or NIfTI, become one slice's frames in order, with spacing and timing."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from cmae.errors import ReadError
from cmae.readers.cine_nifti import read_nifti
from cmae.readers.cine_series import CineSeries
from cmae.readers.foreign import (
    check_file,
    files_in,
    quietly,
    unpack,
)


@quietly()
def read_cine(path: str | Path, *, series: int | None = None) -> CineSeries:
    """Read the cine of one slice: a DICOM file, folder or ZIP, or a NIfTI file.

    Args:
        path: The file or folder; a folder is searched with its subfolders.
        series: Which one to take where several are found, from 1, in the order of the message.

    Returns:
        The frames with what is known of their geometry and timing.

    Raises:
        ReadError: Nothing readable, several series or slices, or implausible sizes.
    """
    path = Path(path)
    if path.is_dir():
        return _read_files(files_in(path), series=series)
    check_file(path, what="The cine file")
    name = path.name.lower()
    with path.open("rb") as opened:
        head = opened.read(348)
    if name.endswith((".nii", ".nii.gz")):
        return read_nifti(path)
    if head[:2] == b"PK":
        with tempfile.TemporaryDirectory() as folder:
            unpack(path, Path(folder))
            return _read_files(files_in(Path(folder)), series=series)
    return _read_files([path], series=series)


def _read_files(files: Sequence[Path], *, series: int | None) -> CineSeries:
    """Read the one DICOM series, or the one NIfTI file, among some files."""
    niftis = [path for path in files if path.name.lower().endswith((".nii", ".nii.gz"))]
    if niftis and len(niftis) == len(files):
        if len(niftis) > 1 and series is None:
            raise ReadError(
                f"There are {len(niftis)} NIfTI files: give the one with the 4-chamber cine."
            )
        return read_nifti(_pick(niftis, series, what="NIfTI files"))
    from cmae.readers.cine_dicom import read_dicom_cine  # noqa: PLC0415 - pydicom is slow to load

    return read_dicom_cine(files, series=series)


def _pick(items: Sequence[Path], series: int | None, *, what: str) -> Path:
    """Return the item that a number from 1 means."""
    number = 1 if series is None else series
    if not 1 <= number <= len(items):
        raise ReadError(f"Series {number} was asked for: there are {len(items)} {what}.")
    return items[number - 1]
