"""Cine MRI files, DICOM or NIfTI, become one slice's frames in order, with spacing and timing."""

import gzip
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.errors import ReadError
from cmae.readers.foreign import (
    MAX_UNPACKED_BYTES,
    PARSER_FAULTS,
    check_file,
    files_in,
    quietly,
    unpack,
)

FRAMES = (10, 200)
"""Fewest and most frames of one cardiac cycle that are read."""

SIDES = (32, 2048)
"""Smallest and largest image side in pixels."""

SPACINGS_MM = (0.3, 5.0)
"""Smallest and largest pixel that is believed."""

RR_MS = (250.0, 2500.0)
"""Shortest and longest cardiac cycle that is believed."""


@dataclass(frozen=True)
class CineSeries:
    """The frames of one slice over one cardiac cycle, without any identifier.

    Attributes:
        frames: ``(rows, columns, frames)`` in scanner intensity, in order of time.
        pixel_mm: Distance between the centres of neighbouring rows and of neighbouring columns.
        rr_ms: Duration of the cardiac cycle, or None where the file does not say.
        origin_mm: Position of the centre of pixel (0, 0) in patient coordinates (DICOM: x to the
            patient's left, y to the back, z to the head).
        down: Unit vector along which the row number grows, in patient coordinates.
        right: Unit vector along which the column number grows.
        is_oriented: Whether the file gave position and orientation; else the three are defaults.
        source: Format of the file, for people.
    """

    frames: NDArray[np.float32] = field(repr=False)
    pixel_mm: tuple[float, float]
    rr_ms: float | None
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    down: tuple[float, float, float] = (0.0, 1.0, 0.0)
    right: tuple[float, float, float] = (1.0, 0.0, 0.0)
    is_oriented: bool = False
    source: str = ""


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
        return _read_nifti(path)
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
        return _read_nifti(_pick(niftis, series, what="NIfTI files"))
    from cmae.readers.cine_dicom import read_dicom_cine  # noqa: PLC0415 - pydicom is slow to load

    return read_dicom_cine(files, series=series)


def _pick(items: Sequence[Path], series: int | None, *, what: str) -> Path:
    """Return the item that a number from 1 means."""
    number = 1 if series is None else series
    if not 1 <= number <= len(items):
        raise ReadError(f"Series {number} was asked for: there are {len(items)} {what}.")
    return items[number - 1]


def _read_nifti(path: Path) -> CineSeries:
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


def checked_series(
    frames: NDArray[np.float32],
    *,
    down: NDArray[np.float64],
    right: NDArray[np.float64],
    origin: NDArray[np.float64],
    rr_ms: float | None,
    is_oriented: bool,
    source: str,
) -> CineSeries:
    """Check the facts of a series and put them together.

    Args:
        frames: ``(rows, columns, frames)`` in scanner intensity.
        down: Patient-space step in mm from one row to the next.
        right: Patient-space step in mm from one column to the next.
        origin: Patient-space position in mm of pixel (0, 0).
        rr_ms: Duration of the cycle, None where unknown; an implausible one counts as unknown.
        is_oriented: Whether directions and position are known.
        source: Format of the file.

    Returns:
        The series.

    Raises:
        ReadError: Too few or too many frames or pixels, implausible spacing, no finite contrast.
    """
    rows, columns, count = frames.shape
    if not FRAMES[0] <= count <= FRAMES[1]:
        raise ReadError(
            f"The cine has {count} frames: expected {FRAMES[0]} to {FRAMES[1]} frames of one "
            "cardiac cycle."
        )
    if not (SIDES[0] <= rows <= SIDES[1] and SIDES[0] <= columns <= SIDES[1]):
        raise ReadError(
            f"The cine's frames have {rows} × {columns} pixels: expected {SIDES[0]} to {SIDES[1]} "
            "on a side."
        )
    pixel_mm = (float(np.linalg.norm(down)), float(np.linalg.norm(right)))
    if not all(SPACINGS_MM[0] <= side <= SPACINGS_MM[1] for side in pixel_mm):
        raise ReadError(
            f"The cine's pixels measure {pixel_mm[0]:.3g} × {pixel_mm[1]:.3g} mm: expected "
            f"{SPACINGS_MM[0]} to {SPACINGS_MM[1]} mm; the pixel spacing is missing or wrong."
        )
    if not np.isfinite(frames).all() or float(np.abs(frames).max()) > 1e7:
        raise ReadError(
            "The cine holds pixels that are not finite or beyond ten million: export it again."
        )
    if float(np.ptp(frames)) == 0 or float(np.abs(np.diff(frames, axis=-1)).max()) == 0:
        raise ReadError("Nothing moves in the cine: all its frames are the same.")
    return CineSeries(
        frames=np.ascontiguousarray(frames, np.float32),
        pixel_mm=pixel_mm,
        rr_ms=float(rr_ms) if rr_ms is not None and RR_MS[0] <= rr_ms <= RR_MS[1] else None,
        origin_mm=_triple(origin),
        down=_triple(down / pixel_mm[0]),
        right=_triple(right / pixel_mm[1]),
        is_oriented=is_oriented,
        source=source,
    )


def _triple(vector: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return a vector of three as a tuple."""
    x, y, z = (float(value) for value in vector)
    return x, y, z


def group(keys: Sequence[Any]) -> dict[Any, list[int]]:
    """Return for each distinct key, in order of appearance, where it occurs."""
    places: defaultdict[Any, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        places[key].append(place)
    return dict(places)
