"""NIfTI files, one slice over time or a stack, become the candidates for a cine."""

import gzip
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.errors import ReadError
from cmae.readers.cine_choice import Candidate, names_four_chambers
from cmae.readers.cine_series import CineSeries, check_size, checked_series
from cmae.readers.foreign import MAX_UNPACKED_BYTES, PARSER_FAULTS

_TO_DICOM = np.diag([-1.0, -1.0, 1.0])
"""NIfTI's axes point to the right, front and head; DICOM's to the left, back and head."""


@dataclass(frozen=True)
class _Header:
    """What a NIfTI file says before its pixels are read."""

    image: Any
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
        read=partial(_read, path, header),
        size=(header.rows, header.columns, header.frames),
        slices=header.slices,
        normal=normal,
        has_name=names_four_chambers(name or path.name, header.description),
    )


def _header(path: Path) -> _Header:
    """Read a NIfTI file's header."""
    import nibabel  # noqa: PLC0415 - slow to load, and not needed for DICOM
    from nibabel.filebasedimages import ImageFileError  # noqa: PLC0415
    from nibabel.spatialimages import HeaderDataError  # noqa: PLC0415

    try:
        image = nibabel.load(path)
        shape = tuple(int(size) for size in image.shape)
        columns, rows, slices, frames = _nifti_shape(shape)
        step = float(image.header["pixdim"][4 if len(shape) == 4 else 3])
        units = image.header.get_xyzt_units()[1]
        return _Header(
            image=image,
            columns=columns,
            rows=rows,
            slices=slices,
            frames=frames,
            affine=np.asarray(image.affine, np.float64),
            step_ms=step * {"sec": 1000.0, "msec": 1.0, "usec": 1e-3}.get(units, 1000.0),
            is_oriented=bool(image.header["sform_code"] > 0 or image.header["qform_code"] > 0),
            description=bytes(image.header["descrip"]).decode("latin-1"),
        )
    except ReadError:
        raise
    except (*PARSER_FAULTS, ImageFileError, HeaderDataError) as error:
        raise ReadError(
            "The NIfTI file cannot be read: it is damaged or no image, export it again."
        ) from error


def _read(path: Path, header: _Header) -> CineSeries:
    """Read the pixels of a NIfTI file of one slice."""
    check_size(header.rows, header.columns, header.frames)
    try:
        kind = header.image.get_data_dtype()
        count = header.columns * header.rows * header.slices * header.frames
        _check_unpacked(path, count * kind.itemsize)
        if kind.kind not in "iuf":
            raise ReadError("The NIfTI file holds colours or complex numbers: expected intensity.")
        frames = np.asarray(header.image.dataobj, np.float32)
        frames = frames.reshape(header.columns, header.rows, header.frames)
    except ReadError:
        raise
    except PARSER_FAULTS as error:
        raise ReadError(
            "The NIfTI file cannot be read: it is damaged or no image, export it again."
        ) from error
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


def _check_unpacked(path: Path, size: int) -> None:
    """Raise ReadError if a NIfTI image is larger than the bound or than what is in its file."""
    if size > MAX_UNPACKED_BYTES:
        raise ReadError(
            f"The NIfTI file announces {size / 2**20:,.0f} MiB of pixels, more than the "
            f"{MAX_UNPACKED_BYTES // 2**20} MiB that one cine can need."
        )
    if path.name.lower().endswith(".gz"):
        with gzip.open(path) as opened:
            stored = 0
            while block := opened.read(2**20):
                stored += len(block)
                if stored > size + 2**24:
                    raise ReadError("The NIfTI file unpacks to far more than its header says.")
    else:
        stored = path.stat().st_size
    if stored < size:
        raise ReadError("The NIfTI file is truncated: copy it again.")
