"""NIfTI files, one slice over time or a stack, become the candidates for a cine."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmae.errors import ReadError
from cmae.readers.cine_choice import Candidate, names_four_chambers
from cmae.readers.cine_series import CineSeries, check_size, checked_series
from cmae.readers.foreign import MAX_UNPACKED_BYTES, PARSER_FAULTS
from cmae.readers.nifti import NiftiFile, open_nifti

_TO_DICOM = np.diag([-1.0, -1.0, 1.0])
"""NIfTI's axes point to the right, front and head; DICOM's to the left, back and head."""


@dataclass(frozen=True)
class _Header:
    """What a NIfTI file says before its pixels are read."""

    file: NiftiFile
    columns: int
    rows: int
    slices: int
    frames: int
    affine: NDArray[np.float64]
    step_ms: float
    is_oriented: bool
    description: str


def nifti_cine(path: Path, *, name: str = "") -> Candidate:
    """Find the cine of a NIfTI file: ``(i, j, 1, t)``, ``(i, j, t)`` or a stack ``(i, j, k, t)``.

    Args:
        path: The file.
        name: What it was called before it was unpacked.

    Returns:
        The cine, whose pixels are not yet read.

    Raises:
        ReadError: It is damaged or no cine.
    """
    header = _header(path)
    normal = None
    if header.is_oriented:
        normal = np.cross(_TO_DICOM @ header.affine[:3, 0], _TO_DICOM @ header.affine[:3, 1])
        length = float(np.linalg.norm(normal))
        normal = normal / length if np.isfinite(length) and length > 0 else None
    return Candidate(
        read=partial(_read, header),
        size=(header.rows, header.columns, header.frames),
        slices=header.slices,
        normal=normal,
        has_name=names_four_chambers(name or path.name, header.description),
    )


def _header(path: Path) -> _Header:
    """Read a NIfTI file's header."""
    file = open_nifti(path)
    columns, rows, slices, frames = _nifti_shape(file.shape)
    try:
        header = file.header
        step = float(header["pixdim"][4 if len(file.shape) == 4 else 3])
        units = header.get_xyzt_units()[1]
        return _Header(
            file=file,
            columns=columns,
            rows=rows,
            slices=slices,
            frames=frames,
            affine=file.affine,
            step_ms=step * {"sec": 1000.0, "msec": 1.0, "usec": 1e-3}.get(units, 1000.0),
            is_oriented=bool(header["sform_code"] > 0 or header["qform_code"] > 0),
            description=bytes(header["descrip"]).decode("latin-1"),
        )
    except PARSER_FAULTS as error:
        raise ReadError(
            "The NIfTI file cannot be read: it is damaged or no image, export it again."
        ) from error


def _read(header: _Header) -> CineSeries:
    """Read the pixels of a NIfTI file of one slice."""
    check_size(header.rows, header.columns, header.frames)
    pixels = header.file.read(most_bytes=MAX_UNPACKED_BYTES)
    if header.slices != 1:
        raise ReadError("The NIfTI file holds several slices: expected one over time.")
    frames = pixels.astype(np.float32).reshape(header.columns, header.rows, header.frames)
    return checked_series(
        np.moveaxis(frames, 0, 1),
        down=_TO_DICOM @ header.affine[:3, 1],
        right=_TO_DICOM @ header.affine[:3, 0],
        origin=_TO_DICOM @ header.affine[:3, 3],
        rr_ms=header.step_ms * header.frames,
        is_oriented=header.is_oriented,
        source="NIfTI",
    )


def _nifti_shape(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return columns, rows, slices and frames for the shape of a NIfTI image."""
    if len(shape) not in {3, 4} or shape[-1] < 2 or min(shape) < 1:
        raise ReadError(
            f"The NIfTI file has shape {shape}: expected one slice over time, "
            "(columns, rows, 1, frames) or (columns, rows, frames)."
        )
    return shape[0], shape[1], shape[2] if len(shape) == 4 else 1, shape[-1]
