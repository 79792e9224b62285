"""NIfTI files to one cine."""

import gzip
from pathlib import Path

import numpy as np

from cmae.errors import ReadError
from cmae.readers.cine_series import CineSeries, checked_series
from cmae.readers.foreign import (
    MAX_UNPACKED_BYTES,
    PARSER_FAULTS,
)


def read_nifti(path: Path) -> CineSeries:
    """Read a NIfTI file of one slice over time: ``(i, j, 1, t)`` or ``(i, j, t)``."""
    import nibabel  # noqa: PLC0415 - slow to load, and not needed for DICOM
    from nibabel.filebasedimages import ImageFileError  # noqa: PLC0415
    from nibabel.spatialimages import HeaderDataError  # noqa: PLC0415

    try:
        image = nibabel.load(path)
        shape = tuple(int(size) for size in image.shape)
        stored = _nifti_shape(shape)
        _check_unpacked(path, int(np.prod(shape)) * image.get_data_dtype().itemsize)
        if image.get_data_dtype().kind not in "iuf":
            raise ReadError("The NIfTI file holds colours or complex numbers: expected intensity.")
        frames = np.asarray(image.dataobj, np.float32).reshape(stored)
        affine = np.asarray(image.affine, np.float64)
        step = float(image.header["pixdim"][4 if len(shape) == 4 else 3])
        units = image.header.get_xyzt_units()[1]
        is_oriented = bool(image.header["sform_code"] > 0 or image.header["qform_code"] > 0)
    except ReadError:
        raise
    except (*PARSER_FAULTS, ImageFileError, HeaderDataError) as error:
        raise ReadError(
            "The NIfTI file cannot be read: it is damaged or no image, export it again."
        ) from error
    step_ms = step * {"sec": 1000.0, "msec": 1.0, "usec": 1e-3}.get(units, 1000.0)
    to_dicom = np.diag([-1.0, -1.0, 1.0])
    down, right = to_dicom @ affine[:3, 1], to_dicom @ affine[:3, 0]
    return checked_series(
        np.moveaxis(frames, 0, 1),
        down=down,
        right=right,
        origin=to_dicom @ affine[:3, 3],
        rr_ms=step_ms * stored[2],
        is_oriented=is_oriented,
        source="NIfTI",
    )


def _nifti_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return ``(i, j, t)`` for the shape of a NIfTI image of one slice over time."""
    if len(shape) == 4 and shape[2] > 1:
        raise ReadError(
            f"The NIfTI file holds {shape[2]} slices, a short-axis stack or a volume: expected "
            "one long-axis slice over time, (columns, rows, 1, frames)."
        )
    if len(shape) not in {3, 4} or shape[-1] < 2 or min(shape) < 1:
        raise ReadError(
            f"The NIfTI file has shape {shape}: expected one slice over time, "
            "(columns, rows, 1, frames) or (columns, rows, frames)."
        )
    return shape[0], shape[1], shape[-1]


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
