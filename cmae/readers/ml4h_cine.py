"""The four-chamber cine in ml4h tensors, cropped by us or as ml4h does from its masks."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import MRI_FRAMES
from cmae.errors import ReadError
from cmae.readers.cine_series import SIDES, checked_series
from cmae.readers.heart_crop import heart_crop
from cmae.readers.ml4h_crop import ml4h_crop
from cmae.readers.ml4h_file import Instances, group_in, instances, number, read_array

Crop = Literal["heart", "ml4h"]

_CINE = "cine_segmented_lax_4ch"
_MASK = f"{_CINE}_annotated_1"
_SPACING = {"height": f"mri_pixel_height_{_CINE}", "width": f"mri_pixel_width_{_CINE}"}

_MAX_PIXELS = 2**25
"""Most pixels of all frames (800 × 800 × 50), so that finding the heart needs little memory."""

_NO_HEART = (0, 13, 15)
"""Codes of the background, the thoracic cavity and breast prostheses."""

Spacings = dict[int | None, float]
"""mm by visit; under None what the file says once for all visits."""


@dataclass(frozen=True)
class CineTensors:
    """Where the cines of a file lie.

    Attributes:
        cines: The frames.
        masks: The annotations of frame 1.
        spacings: Heights and widths of a pixel.
    """

    cines: Instances
    masks: Instances
    spacings: tuple[Spacings, Spacings]

    def pixel_mm(self, visit: int) -> tuple[float, float] | None:
        """Return height and width of a pixel at a visit, None where the file does not say."""
        height, width = (sides.get(visit, sides.get(None)) for sides in self.spacings)
        return None if height is None or width is None else (height, width)


@dataclass(frozen=True)
class Ml4hCine:
    """One visit's cine.

    Attributes:
        recording: ``(96, 96, 50)`` in scanner intensity, None where there is none.
        values: Quality of it by column name.
        lacks: Why something is not there, one sentence each.
    """

    recording: NDArray[np.float32] | None = field(repr=False)
    values: dict[str, float | None]
    lacks: tuple[str, ...]


def find_cines(file: h5py.Group) -> CineTensors:
    """Find the cine, its masks and its pixel spacing in a file.

    The spacings are looked for beside the cine and at the root, as numbers and as instances.
    """
    group = group_in(file, "ukb_cardiac_mri")
    if group is None:
        none = Instances({})
        return CineTensors(none, none, (_spacings(file, None, "height"), {}))
    height, width = (_spacings(file, group, side) for side in ("height", "width"))
    return CineTensors(instances(group.get(_CINE)), instances(group.get(_MASK)), (height, width))


def read_visit(tensors: CineTensors, visit: int, *, crop: Crop) -> Ml4hCine:
    """Read and crop one visit's cine.

    Args:
        tensors: Where the cines lie.
        visit: Which visit.
        crop: ``"heart"`` for our crop, which needs the pixel spacing, or ``"ml4h"`` for ml4h's,
            which needs the mask of frame 1 and 50 frames.

    Returns:
        The crop, its quality, and what is not there.
    """
    dataset = tensors.cines.by_visit.get(visit)
    if dataset is None:
        return Ml4hCine(None, {}, ("No cine.",))
    try:
        if crop == "ml4h":
            return _ml4h_cropped(tensors, dataset, visit)
        return _heart_cropped(tensors, dataset, visit)
    except ReadError as error:
        return Ml4hCine(None, {}, (str(error),))


def _heart_cropped(tensors: CineTensors, dataset: h5py.Dataset, visit: int) -> Ml4hCine:
    """Crop a cine as we do."""
    spacing = tensors.pixel_mm(visit)
    if spacing is None:
        raise ReadError(
            "The cine's pixel spacing is not there, which our crop needs: ml4h's crop does not."
        )
    series = checked_series(
        _frames(dataset),
        down=np.array([0.0, spacing[0], 0.0]),
        right=np.array([spacing[1], 0.0, 0.0]),
        origin=np.zeros(3),
        rr_ms=None,
        is_oriented=False,
        source="ml4h tensors",
    )
    cine = heart_crop(series)
    values: dict[str, float | None] = {
        "mri_pixel_mm": cine.pixel_mm,
        "mri_frames_recorded": float(cine.frames_recorded),
        "mri_motion_energy": cine.motion_energy,
        "mri_heart_row": cine.heart_row,
        "mri_heart_column": cine.heart_column,
        "mri_clipped_share": cine.clipped_share,
    }
    return Ml4hCine(cine.recording, values, ())


def _ml4h_cropped(tensors: CineTensors, dataset: h5py.Dataset, visit: int) -> Ml4hCine:
    """Crop a cine as ml4h does."""
    place = tensors.masks.by_visit.get(visit)
    if place is None:
        raise ReadError("No mask of the cine's frame 1, which ml4h's crop needs.")
    if len(dataset.shape or ()) == 3 and dataset.shape[2] != MRI_FRAMES:
        raise ReadError(
            f"The cine has {dataset.shape[2]} frames: ml4h's crop takes {MRI_FRAMES}, "
            "our crop 10 to 200."
        )
    if len(place.shape or ()) != 2:
        raise ReadError("The mask of the cine's frame 1 is not an image.")
    _check_shape(dataset)
    mask = _fitted(read_array(place, what="The mask of the cine's frame 1"), dataset.shape)
    rows, columns = _around_heart(mask)
    window = (rows, columns, slice(0, MRI_FRAMES))
    frames = _as_float32(read_array(dataset, what="The cine", window=window))
    recording = ml4h_crop(frames, mask[rows, columns])
    if not np.isfinite(recording).all() or np.ptp(recording) == 0:
        raise ReadError("The cine holds values that are not finite, or one value only.")
    spacing = tensors.pixel_mm(visit)
    is_square = spacing is not None and abs(spacing[0] - spacing[1]) < 0.01 * spacing[1]
    values: dict[str, float | None] = {
        "mri_pixel_mm": spacing[0] if spacing is not None and is_square else None,
        "mri_frames_recorded": float(MRI_FRAMES),
    }
    return Ml4hCine(recording, values, ())


def _check_shape(dataset: h5py.Dataset) -> None:
    """Raise ReadError unless the shape is that of frames ``(rows, columns, frames)``."""
    shape: tuple[int, ...] = dataset.shape or ()
    if len(shape) != 3:
        raise ReadError(f"The cine has {len(shape)} axes: expected rows, columns and frames.")
    if not all(SIDES[0] <= side <= SIDES[1] for side in shape[:2]):
        raise ReadError(
            f"The cine's frames have {shape[0]} × {shape[1]} pixels: expected {SIDES[0]} to "
            f"{SIDES[1]} on a side."
        )
    if math.prod(shape) > _MAX_PIXELS:
        raise ReadError(
            f"The cine has {shape[0]} × {shape[1]} pixels × {shape[2]} frames: expected at most "
            f"{_MAX_PIXELS:,} in all."
        )


def _frames(dataset: h5py.Dataset) -> NDArray[np.float32]:
    """Read the frames ``(rows, columns, frames)``."""
    _check_shape(dataset)
    return _as_float32(read_array(dataset, what="The cine"))


def _as_float32(frames: NDArray[Any]) -> NDArray[np.float32]:
    """Convert frames; what becomes infinite is refused later."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(frames, np.float32)


def _around_heart(mask: NDArray[Any]) -> tuple[slice, slice]:
    """Return rows and columns around everything that may be heart: no more need be inflated."""
    may_be = ~np.isin(mask, _NO_HEART)
    rows, columns = np.flatnonzero(may_be.any(axis=1)), np.flatnonzero(may_be.any(axis=0))
    if not len(rows):
        raise ReadError("The mask of the cine's frame 1 marks nothing as heart.")
    return _wider(rows, mask.shape[0]), _wider(columns, mask.shape[1])


def _wider(places: NDArray[np.intp], side: int) -> slice:
    """Return from the first place to the last, and two more on both sides."""
    return slice(max(int(places[0]) - 2, 0), min(int(places[-1]) + 3, side))


def _fitted(mask: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a mask with as many rows and columns as the frames; ml4h pads both at the ends."""
    rows, columns = min(mask.shape[0], shape[0]), min(mask.shape[1], shape[1])
    fitted = np.zeros(shape[:2], mask.dtype)
    fitted[:rows, :columns] = mask[:rows, :columns]
    return fitted


def _spacings(file: h5py.Group, group: h5py.Group | None, side: str) -> Spacings:
    """Return one side of a pixel by visit, under None what holds for all visits."""
    found: Spacings = {}
    for parent in (group, file):
        item = None if parent is None else parent.get(_SPACING[side])
        if isinstance(item, h5py.Dataset):
            value = number(item)
            if value is not None:
                found.setdefault(None, value)
        for visit, dataset in instances(item).by_visit.items():
            value = number(dataset)
            if value is not None:
                found.setdefault(visit, value)
    return found
