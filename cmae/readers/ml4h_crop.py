"""The heart crop of ml4h's ``lax_4ch_heart_center``, for people who have its segmentations."""

from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import MRI, MRI_FRAMES
from cmae.errors import ReadError
from cmae.readers.cine_series import MAX_CINE_BYTES, SIDES
from cmae.readers.foreign import PARSER_FAULTS, check_file, quietly
from cmae.readers.nifti import open_nifti

HEART_CLASSES = (*range(1, 13), 14)
"""Classes of the annotated arrays that are heart: not background (0), thoracic cavity (13) or
breast prosthesis (15)."""

_CLASSES = 255


def ml4h_crop(frames: NDArray[Any], mask: NDArray[Any]) -> NDArray[np.float32]:
    """Cut out the box of the heart's classes and put it at the top left of a canvas.

    The box is that of the first frame's segmentation. What is larger than the canvas is cut off at
    the right and bottom, what is smaller is filled with zeros there; pixels are not resampled.

    Args:
        frames: ``(rows, columns, 50)`` in scanner intensity.
        mask: ``(rows, columns)`` or ``(rows, columns, frames)`` of class codes; of several frames
            the first counts.

    Returns:
        ``(96, 96, 50)`` in scanner intensity.

    Raises:
        ReadError: Not 50 frames, a mask of another size, or one without the heart.
    """
    if frames.ndim != 3 or frames.shape[2] != MRI_FRAMES:
        raise ReadError(
            f"The cine has shape {frames.shape}: ml4h's crop takes (rows, columns, {MRI_FRAMES}) "
            "as it is recorded; use the crop by motion for other numbers of frames."
        )
    if mask.ndim not in {2, 3} or mask.shape[:2] != frames.shape[:2]:
        raise ReadError(
            f"The mask has shape {mask.shape} and the cine's frames {frames.shape[:2]}: expected "
            "one of their size."
        )
    first = mask if mask.ndim == 2 else mask[:, :, 0]
    rows, columns = np.nonzero(np.isin(first, HEART_CLASSES))
    if not len(rows):
        raise ReadError(
            "The mask shows no heart in the first frame: expected classes 1 to 12 or 14."
        )
    top, left = int(rows.min()), int(columns.min())
    box = frames[
        top : min(int(rows.max()) + 1, top + MRI.shape[0]),
        left : min(int(columns.max()) + 1, left + MRI.shape[1]),
    ]
    canvas = np.zeros(MRI.shape, np.float32)
    canvas[: box.shape[0], : box.shape[1]] = box
    return canvas


@quietly()
def read_mask(path: str | Path) -> NDArray[np.uint8]:
    """Read a segmentation: NIfTI as its cine is stored, or a NumPy array.

    Args:
        path: A ``.npy`` file of ``(rows, columns)`` or ``(rows, columns, frames)``, or a NIfTI
            (``.nii``, ``.nii.gz``) of ``(columns, rows)``, ``(columns, rows, 1)`` or
            ``(columns, rows, 1, frames)``.

    Returns:
        ``(rows, columns)`` or ``(rows, columns, frames)`` of class codes.

    Raises:
        ReadError: It cannot be read, or holds no class codes.
    """
    path = Path(path)
    check_file(path, what="The mask file")
    if path.name.lower().endswith((".nii", ".nii.gz")):
        mask = _nifti_mask(path)
    elif path.suffix.lower() == ".npy":
        mask = _npy_mask(path)
    else:
        raise ReadError("The mask file is of an unknown kind: expected .npy, .nii or .nii.gz.")
    if mask.ndim not in {2, 3} or max(mask.shape[:2]) > SIDES[1]:
        raise ReadError(
            f"The mask has shape {mask.shape}: expected (rows, columns) or (rows, columns, frames)."
        )
    if mask.dtype.kind not in "biuf" or not (
        np.isfinite(mask).all()
        and mask.min(initial=0) >= 0
        and mask.max(initial=0) <= _CLASSES
        and (mask == np.round(mask)).all()
    ):
        raise ReadError(f"The mask holds other values than class codes from 0 to {_CLASSES}.")
    return mask.astype(np.uint8)


def _npy_mask(path: Path) -> NDArray[Any]:
    """Read a NumPy file after checking what it announces."""
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(stored, np.ndarray) or stored.nbytes > MAX_CINE_BYTES:
            raise ReadError("The mask is far larger than one cine's.")
        return np.array(stored)
    except (*PARSER_FAULTS, SyntaxError, TokenError) as error:
        raise ReadError("The mask file is damaged or no plain NumPy array.") from error


def _nifti_mask(path: Path) -> NDArray[Any]:
    """Read a NIfTI file's class codes with rows before columns."""
    mask = open_nifti(path).read(most_bytes=MAX_CINE_BYTES // 4)
    if mask.ndim >= 3 and mask.shape[2] == 1:
        mask = mask[:, :, 0]
    return np.moveaxis(mask, 0, 1) if mask.ndim >= 2 else mask
