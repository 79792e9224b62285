"""Opening NIfTI files of unknown origin: nothing is unpacked beyond what the header announces."""

import gzip
import math
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cmae.errors import ReadError
from cmae.readers.foreign import PARSER_FAULTS, check_file

_HEADER_BYTES = {348: 1, 540: 2}
"""Size of the header, which is its first number, by the version of the format."""

_MAX_OFFSET = 64 * 2**20
"""Most bytes before the pixels: headers of converters take some kilobytes there."""

_DAMAGED = "The NIfTI file cannot be read: it is damaged or no image, export it again."


@dataclass(frozen=True)
class NiftiFile:
    """A NIfTI file whose pixels are not yet read.

    Attributes:
        path: The file.
        header: Its header, without the extensions: they hold text that nothing here needs, and
            their announced sizes are followed blindly by parsers.
        shape: Sizes of the axes.
        dtype: How a pixel is stored.
        scale: What a stored pixel is multiplied by, and what is added then; None for neither.
        affine: ``(4, 4)`` from indices to mm to the right, front and head of the patient.
    """

    path: Path
    header: Any
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: tuple[float, float] | None
    affine: NDArray[np.float64]

    def read(self, *, most_bytes: int) -> NDArray[np.generic]:
        """Read the pixels, rescaled as the header says.

        Args:
            most_bytes: Most that they may take as stored.

        Returns:
            Integers as stored, or floats where they are rescaled; ``shape``.

        Raises:
            ReadError: Colours or complex numbers, too many, or fewer than announced.
        """
        size = math.prod(self.shape) * self.dtype.itemsize
        if self.dtype.kind not in "iuf":
            raise ReadError("The NIfTI file holds colours or complex numbers: expected intensity.")
        if size > most_bytes:
            raise ReadError(
                f"The NIfTI file announces {size / 2**20:,.0f} MiB of pixels, more than the "
                f"{most_bytes // 2**20} MiB that one can need."
            )
        try:
            with _opened(self.path) as file:
                _skip(file, int(self.header["vox_offset"]))
                stored = file.read(size)
            if len(stored) < size:
                raise ReadError("The NIfTI file is truncated: copy it again.")
            pixels: NDArray[Any] = np.frombuffer(stored, self.dtype)
            pixels = pixels.reshape(self.shape, order="F")
            if self.scale is None:
                return pixels
            slope, intercept = (np.float64(value) for value in self.scale)
            return np.asarray(pixels * slope + intercept, np.float32)
        except ReadError:
            raise
        except PARSER_FAULTS as error:
            raise ReadError(_DAMAGED) from error


def open_nifti(path: Path) -> NiftiFile:
    """Open a NIfTI file (``.nii``, ``.nii.gz``; version 1 or 2) by its header alone.

    Source of the header: NIfTI-1 (nifti1.h, 2007) and NIfTI-2 (nifti2.h, 2011).

    Args:
        path: The file.

    Returns:
        The file.

    Raises:
        ReadError: It is damaged or no NIfTI file.
    """
    import nibabel  # noqa: PLC0415 - slow to load, and not needed for DICOM
    from nibabel.spatialimages import HeaderDataError  # noqa: PLC0415

    check_file(path, what="The NIfTI file")
    try:
        with _opened(path) as file:
            head = file.read(max(_HEADER_BYTES))
        sizes = {int.from_bytes(head[:4], order): order for order in ("little", "big")}
        size = next((size for size in _HEADER_BYTES if size in sizes), 0)
        kind = {1: nibabel.Nifti1Header, 2: nibabel.Nifti2Header}.get(_HEADER_BYTES.get(size, 0))
        if kind is None or len(head) < size:
            raise ReadError(_DAMAGED)
        header = kind.from_fileobj(BytesIO(head[:size]))
        offset = float(header["vox_offset"])
        if not size <= offset <= _MAX_OFFSET:
            raise ReadError(
                "The NIfTI file's pixels do not begin behind its header: it is damaged, or the "
                "header alone of a pair; save it as one file."
            )
        slope, intercept = header.get_slope_inter()
        return NiftiFile(
            path,
            header,
            shape=tuple(int(side) for side in header.get_data_shape()),
            dtype=header.get_data_dtype(),
            scale=None if slope is None or (slope, intercept) == (1, 0) else (slope, intercept),
            affine=np.asarray(header.get_best_affine(), np.float64),
        )
    except ReadError:
        raise
    except (*PARSER_FAULTS, HeaderDataError) as error:
        raise ReadError(_DAMAGED) from error


def _opened(path: Path) -> IO[bytes]:
    """Open a file, unpacking it if it is compressed."""
    with path.open("rb") as file:
        is_compressed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if is_compressed else path.open("rb")  # type: ignore[return-value]


def _skip(file: IO[bytes], count: int) -> None:
    """Pass over some bytes without holding them."""
    while count > 0 and (block := file.read(min(count, 2**20))):
        count -= len(block)
