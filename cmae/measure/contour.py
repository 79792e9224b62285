"""Areas and volumes read off masks of a cine."""

import numpy as np
from numpy.typing import NDArray

from cmae.errors import InputError

Floats = NDArray[np.float64]

FEWEST_PIXELS = 3
"""Pixels, over all frames, from which a structure has a direction."""


def area_curve(masks: NDArray[np.integer], *, label: int, pixel_mm: float) -> Floats:
    """Give the area of one structure over the cycle.

    Args:
        masks: (rows, columns, frames) of labels.
        label: The structure's number in the masks.
        pixel_mm: Side of a pixel in mm.

    Returns:
        (frames,) in mm², 0 where the structure is not seen.

    Raises:
        InputError: The masks have another number of axes.
    """
    return np.asarray(_inside(masks, label).sum(axis=(0, 1)) * pixel_mm**2, np.float64)


def long_axis_curve(masks: NDArray[np.integer], *, label: int, pixel_mm: float) -> Floats:
    """Give the length of one structure along its longest direction over the cycle.

    The direction is the principal axis of the structure summed over all frames; the length of a
    frame is the extent of its pixels along it, and one pixel for their own size.

    Args:
        masks: (rows, columns, frames) of labels.
        label: The structure's number in the masks.
        pixel_mm: Side of a pixel in mm.

    Returns:
        (frames,) in mm, 0 where the structure is not seen.

    Raises:
        InputError: The masks have another number of axes.
    """
    inside = _inside(masks, label)
    counts = inside.sum(axis=2)
    rows, columns = np.nonzero(counts)
    if counts.sum() < FEWEST_PIXELS:
        return np.zeros(masks.shape[2])
    place = np.stack([rows, columns], axis=1).astype(np.float64)
    weight = counts[rows, columns]
    place -= np.average(place, axis=0, weights=weight)
    _, directions = np.linalg.eigh((place * weight[:, None]).T @ place)
    along = (place @ directions[:, -1])[:, None]
    seen = inside[rows, columns]
    farthest = np.where(seen, along, -np.inf).max(axis=0)
    nearest = np.where(seen, along, np.inf).min(axis=0)
    return np.where(seen.any(axis=0), farthest - nearest + 1.0, 0.0) * pixel_mm


def area_length_ml(masks: NDArray[np.integer], *, label: int, pixel_mm: float) -> Floats:
    """Give a ventricle's volume over the cycle by the single-plane area-length method.

    V = 8 A² / (3 π L) with area A and long axis L (Dodge et al. 1960, Am Heart J 60:762): the
    volume of an ellipsoid of revolution.

    Args:
        masks: (rows, columns, frames) of labels of a long-axis section.
        label: The cavity's number in the masks.
        pixel_mm: Side of a pixel in mm.

    Returns:
        (frames,) in mL, 0 where the cavity is not seen.

    Raises:
        InputError: The masks have another number of axes.
    """
    area = area_curve(masks, label=label, pixel_mm=pixel_mm)
    length = long_axis_curve(masks, label=label, pixel_mm=pixel_mm)
    volume = np.zeros_like(area)
    np.divide(8 * area**2, 3 * np.pi * length * 1000, out=volume, where=length > 0)
    return volume


def _inside(masks: NDArray[np.integer], label: int) -> NDArray[np.bool_]:
    if masks.ndim != 3:
        raise InputError(
            f"The masks have {masks.ndim} axes: expected (rows, columns, frames) of one cine."
        )
    return np.asarray(masks == label)
