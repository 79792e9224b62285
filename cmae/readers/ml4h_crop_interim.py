"""The crop of ml4h: what a mask marks as heart, at the top left of a canvas of 96 × 96 pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import MRI
from cmae.errors import ReadError

_HEART = (*range(1, 13), 14)


def ml4h_crop(frames: NDArray[Any], mask: NDArray[Any]) -> NDArray[np.float32]:
    """Cut a cine to the bounding box of the heart in the annotation of its first frame.

    Args:
        frames: ``(rows, columns, 50)`` in scanner intensity.
        mask: ``(rows, columns)`` class codes of frame 1; the heart is 1 to 12 and 14.

    Returns:
        ``(96, 96, 50)`` in native pixels, cut or padded with zeros at the right and the bottom.

    Raises:
        ReadError: The annotation marks nothing as heart.
    """
    rows, columns = np.nonzero(np.isin(mask, _HEART))
    if not len(rows):
        raise ReadError("The mask of frame 1 marks nothing as heart.")
    box = frames[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    box = box[: MRI.shape[0], : MRI.shape[1]]
    canvas = np.zeros(MRI.shape, np.float32)
    canvas[: box.shape[0], : box.shape[1]] = box
    return canvas
