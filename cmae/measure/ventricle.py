"""The left ventricle's cavity in a four-chamber cine, found by its bright blood between dark walls.

Frames are drawn along the long axis. There the endocardium is the first dark place on either side,
papillary muscles being bridged; the apex is where the axis enters muscle; and the mitral plane is
where the thick dark septum gives way to the thin septum between the atria, followed through the
cycle. Brightness counts only relative to blood and muscle of the same cine, so recorded,
reconstructed and translated cines are measured alike.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import (
    gaussian_filter1d,
    grey_closing,
    median_filter,
)

from cmae.data.modality import MRI_PIXEL_MM
from cmae.errors import InputError
from cmae.measure.contour import area_curve, area_length_ml
from cmae.measure.long_axis import ALONG, MIDDLE, ORIGIN, LongAxis, find_axis, walls

Floats = NDArray[np.float32]

DARK_SHARE = 0.5
"""A wall begins where brightness falls to this share of the way from muscle to blood."""

SEPTUM = np.arange(1, 6)
"""Pixels beside the left edge where the septum's muscle lies."""

LEAK = 6.0
"""Pixels by which the left edge may lie farther out than in the middle of the ventricle."""

BASE = slice(ORIGIN - 4, ORIGIN + 36)
"""Places along the axis where the septum may end."""

BASE_WINDOW = 10
BASE_STIFFNESS = 0.15
BASE_OFFSET = 5.0
"""Pixels from the end of the thick septum to the mitral plane, in the simulated hearts."""

PAPILLARY = 15
"""Indentations of the wall up to this many pixels along the axis are bridged."""

CAP = 14.0
"""Length of the elliptic cap that closes the apex, in pixels."""

APEX_MOTION = 4.0
"""Pixels by which the apex may lie from where it lies in the median frame."""

AREAS_MM2 = (600.0, 12000.0)
"""Smallest and largest section of a cavity in its largest frame that is believed."""

MUSCLE_G_PER_ML = 1.05


@dataclass(frozen=True)
class Ventricle:
    """What a four-chamber cine shows of the left ventricle; NaN where it was not found.

    Attributes:
        masks: (rows, columns, frames) of the cavity, papillary muscles included.
        area_mm2: (frames,) area of the cavity's section.
        volume_ml: (frames,) its volume by the area-length method.
        septum_mm: Thickness of the septum at the end of diastole.
        wall_g: Mass of muscle, if the wall were as thick as the septum around an ellipsoid with
            the cavity's area and length at the end of diastole: a surrogate of LV mass.
    """

    masks: NDArray[np.bool_] = field(repr=False)
    area_mm2: NDArray[np.float64] = field(repr=False)
    volume_ml: NDArray[np.float64] = field(repr=False)
    septum_mm: float
    wall_g: float


@dataclass(frozen=True)
class Ejection:
    """What a heartbeat does to the cavity's section; all NaN, frames -1, where it was not found.

    Attributes:
        max_area_cm2: Largest area, at the end of diastole.
        min_area_cm2: Smallest area, at the end of systole.
        max_frame: Frame of the largest area.
        min_frame: Frame of the smallest.
        area_change_percent: Fractional area change, (largest - smallest) / largest.
        edv_ml: Volume by the area-length method in the frame of the largest area.
        esv_ml: Likewise in that of the smallest.
        ef_percent: Ejection fraction from these two.
    """

    max_area_cm2: float
    min_area_cm2: float
    max_frame: int
    min_frame: int
    area_change_percent: float
    edv_ml: float
    esv_ml: float
    ef_percent: float


def find_ventricle(cine: NDArray[np.generic], *, pixel_mm: float = MRI_PIXEL_MM) -> Ventricle:
    """Find the left ventricle's cavity in a four-chamber cine and measure it.

    Args:
        cine: (96, 96, frames) around the heart as ``cmae.readers.heart_crop`` cuts it, the apex up
            and the left ventricle on the right; any scale: scanner intensity or a z-score.
        pixel_mm: Side of a pixel in mm.

    Returns:
        Masks, areas, volumes, septum; all NaN where no cavity was found.

    Raises:
        InputError: The cine has another number of axes, or too few pixels.
    """
    if cine.ndim != 3 or min(cine.shape[:2]) < 48 or cine.shape[2] < 2:
        raise InputError(
            f"A cine of shape {cine.shape} was given: expected (96, 96, frames) around the heart."
        )
    frames = np.asarray(cine, np.float32)
    axis = find_axis(frames.mean(axis=2)) if np.isfinite(frames).all() else None
    if axis is None:
        return _not_found(frames.shape)
    drawn = gaussian_filter1d(axis.straighten(frames), 0.8, axis=0)
    share = _blood_share(drawn, axis)
    left, right = _edges(share)
    end = _septum_end(share, left)
    base = gaussian_filter1d(ALONG[BASE][end] + BASE_OFFSET, 1.0, mode="wrap")
    apex = _apex(share)
    # Beyond the septum's end there is no wall on the left: the outline goes on straight.
    outline = (
        _capped(_bridged(left, base - BASE_OFFSET - 2), apex),
        _capped(_bridged(right, base), apex),
    )
    masks = _masks(axis, outline, apex, base, frames.shape)
    labels = masks.astype(np.uint8)
    area = area_curve(labels, label=1, pixel_mm=pixel_mm)
    if not AREAS_MM2[0] <= area.max() <= AREAS_MM2[1] or not area.min() > 0:
        return _not_found(frames.shape)
    volume = area_length_ml(labels, label=1, pixel_mm=pixel_mm)
    largest = int(area.argmax())
    length = 8 * area[largest] ** 2 / (3 * np.pi * volume[largest] * 1000)
    septum = _septum_mm(share[..., largest], left[:, largest], (apex, base), largest, pixel_mm)
    wall = _shell_g(float(area[largest]), float(length), septum)
    return Ventricle(masks, area, volume, septum, wall)


def of_masks(masks: NDArray[np.bool_], *, pixel_mm: float = MRI_PIXEL_MM) -> Ventricle:
    """Measure a cavity that is drawn already.

    Args:
        masks: (rows, columns, frames) of the cavity.
        pixel_mm: Side of a pixel in mm.

    Returns:
        Areas and volumes, without septum and wall; all NaN where a frame shows no cavity.
    """
    labels = masks.astype(np.uint8)
    area = area_curve(labels, label=1, pixel_mm=pixel_mm)
    if not area.min() > 0:
        return _not_found(masks.shape)
    volume = area_length_ml(labels, label=1, pixel_mm=pixel_mm)
    return Ventricle(masks, area, volume, float("nan"), float("nan"))


def ejection(ventricle: Ventricle) -> Ejection:
    """Read the ejection measures off a ventricle's curves.

    Args:
        ventricle: What ``find_ventricle`` gave.

    Returns:
        Largest and smallest area, their change, volumes and ejection fraction.
    """
    area, volume = ventricle.area_mm2, ventricle.volume_ml
    if not np.isfinite(area).all():
        nan = float("nan")
        return Ejection(nan, nan, -1, -1, nan, nan, nan, nan)
    smooth = gaussian_filter1d(area, 1.0, mode="wrap")
    largest, smallest = int(smooth.argmax()), int(smooth.argmin())
    high, low = float(smooth[largest]), float(smooth[smallest])
    smooth = gaussian_filter1d(volume, 1.0, mode="wrap")
    edv, esv = float(smooth[largest]), float(smooth[smallest])
    return Ejection(
        max_area_cm2=high / 100,
        min_area_cm2=low / 100,
        max_frame=largest,
        min_frame=smallest,
        area_change_percent=100 * (1 - low / high),
        edv_ml=edv,
        esv_ml=esv,
        ef_percent=100 * (1 - esv / edv),
    )


def _not_found(shape: tuple[int, ...]) -> Ventricle:
    nothing = np.full(shape[2], np.nan)
    return Ventricle(np.zeros(shape, bool), nothing, nothing.copy(), float("nan"), float("nan"))


def _blood_share(drawn: Floats, axis: LongAxis) -> Floats:
    """Return brightness from muscle (0) to blood (1), blood as bright as on the axis near by."""
    span = axis.blood - axis.muscle
    beside = drawn[:, MIDDLE - 3 : MIDDLE + 4].mean(axis=1)
    level = gaussian_filter1d(beside, 4.0, axis=0, mode="nearest")
    level = gaussian_filter1d(level, 2.0, axis=1, mode="wrap") - axis.muscle
    result: Floats = (drawn - axis.muscle) / np.clip(level, 0.6 * span, 1.6 * span)[:, None]
    return result


def _edges(share: Floats) -> tuple[Floats, Floats]:
    """Return where walls begin to the left and to the right of the axis, (along, frames)."""
    threshold = np.full((share.shape[0], share.shape[2]), DARK_SHARE, np.float32)
    left, right = walls(share, threshold)
    return median_filter(left, 3, mode="nearest"), median_filter(right, 3, mode="nearest")


def _septum_end(share: Floats, left: Floats) -> NDArray[np.intp]:
    """Return for each frame the place within ``BASE`` where the thick dark septum ends."""
    places = np.round(MIDDLE - left[:, None] - SEPTUM[None, :, None]).astype(int)
    beside = np.take_along_axis(share, np.maximum(places, 0), 1)
    bright = np.clip(beside, 0, 1).mean(axis=1)
    usual = np.median(left[ORIGIN - 12 : ORIGIN + 8], axis=0)
    bright = np.where(left > usual + LEAK, 1.0, bright)
    bright = gaussian_filter1d(bright, 1.0, axis=1, mode="wrap") - 0.5
    total = np.concatenate([np.zeros((1, bright.shape[1])), np.cumsum(bright, axis=0)])
    at = np.arange(BASE.start, BASE.stop)
    after = np.minimum(at + BASE_WINDOW, len(total) - 1)
    return _followed(2 * total[at] - total[at - BASE_WINDOW] - total[after])


def _followed(cost: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the cheapest closed path through (places, frames), jumps costing their square."""
    places, frames = cost.shape
    steps = np.arange(places)
    jump = BASE_STIFFNESS * (steps[:, None] - steps[None]) ** 2
    # Three cycles in a row: the one in the middle closes upon itself.
    total, before = cost[:, 0].copy(), []
    for frame in range(1, 3 * frames):
        ways = total[None] + jump
        best = ways.argmin(axis=1)
        before.append(best)
        total = ways[steps, best] + cost[:, frame % frames]
    path = [int(total.argmin())]
    for best in reversed(before):
        path.append(int(best[path[-1]]))
    return np.array(path[::-1][frames : 2 * frames], np.intp)


def _apex(share: Floats) -> NDArray[np.float64]:
    """Return for each frame the place along the axis where it enters muscle."""
    beside = share[ORIGIN::-1, MIDDLE - 1 : MIDDLE + 2].mean(axis=1)
    is_dark = beside < DARK_SHARE
    is_dark[0] = False
    found = is_dark.any(axis=0)
    last = np.where(found, is_dark.argmax(axis=0), len(beside) - 1)
    frames = np.arange(beside.shape[1])
    before, after = beside[last - 1, frames], beside[last, frames]
    part = np.clip((before - DARK_SHARE) / np.maximum(before - after, 1e-6), 0, 1)
    apex = median_filter(-(last - 1 + part), 5, mode="wrap")
    usual = np.median(apex)
    apex = np.clip(apex, usual - APEX_MOTION, usual + APEX_MOTION)
    return np.asarray(gaussian_filter1d(apex, 1.0, mode="wrap"), np.float64)


def _bridged(edge: Floats, base: NDArray[np.float64]) -> Floats:
    """Bridge papillary muscles in one edge, (along, frames); below the base it goes on straight."""
    last = np.clip(np.round(base - ALONG[0]).astype(int) - 1, 0, len(edge) - 1)
    inside = np.arange(len(edge))[:, None] <= last
    level = np.where(inside, edge, edge[last, np.arange(edge.shape[1])])
    level = median_filter(level, (5, 3), mode="nearest")
    closed = grey_closing(level, (PAPILLARY, 1), mode="nearest")
    result: Floats = gaussian_filter1d(closed, 1.0, axis=0)
    return result


def _capped(edge: Floats, apex: NDArray[np.float64]) -> Floats:
    """Close the apex by an elliptic cap at most as wide as the edge is at its foot."""
    depth = np.clip(ALONG[:, None] - apex, 0, CAP)
    foot = np.clip(np.round(apex + CAP - ALONG[0]).astype(int), 0, len(edge) - 1)
    widest = edge[foot, np.arange(edge.shape[1])] * np.sqrt(depth * (2 * CAP - depth)) / CAP
    result: Floats = np.where(depth < CAP, np.minimum(edge, widest), edge).astype(np.float32)
    return result


def _masks(
    axis: LongAxis,
    outline: tuple[Floats, Floats],
    apex: NDArray[np.float64],
    base: NDArray[np.float64],
    shape: tuple[int, ...],
) -> NDArray[np.bool_]:
    """Fill the outline in the frames' own pixels."""
    along, across = axis.places((shape[0], shape[1]))
    masks = np.zeros(shape, bool)
    near = (along > apex.min()) & (along < base.max()) & (np.abs(across) <= MIDDLE)
    place, side = along[near], across[near, None]
    low = np.clip(np.floor(place - ALONG[0]).astype(int), 0, len(ALONG) - 2)
    part = (place - ALONG[low]).astype(np.float32)[:, None]
    left, right = ((1 - part) * edge[low] + part * edge[low + 1] for edge in outline)
    is_between = (place[:, None] >= apex) & (place[:, None] <= base)
    masks[near] = is_between & (side >= -left) & (side <= right)
    return masks


def _septum_mm(
    share: Floats,
    left: Floats,
    ends: tuple[NDArray[np.float64], NDArray[np.float64]],
    frame: int,
    pixel_mm: float,
) -> float:
    """Return the septum's thickness: the width of a wholly dark band that lacks as much light.

    So measured, a blurred septum is as thick as a sharp one.
    """
    apex, base = ends[0][frame], ends[1][frame]
    places = ALONG - apex
    middle = np.flatnonzero((places > 0.35 * (base - apex)) & (places < 0.7 * (base - apex)))
    outward = np.clip(1 - share[middle, MIDDLE::-1], 0, 1)
    distance = np.arange(outward.shape[1]) - left[middle][:, None]
    beyond = np.where((distance > 3) & (distance < 13), outward, 2.0)
    right_ventricle = beyond.argmin(axis=1)[:, None]
    counted = (distance > -3) & (np.arange(outward.shape[1]) <= right_ventricle)
    return float(np.median((outward * counted).sum(axis=1)) * pixel_mm)


def _shell_g(area_mm2: float, length_mm: float, wall_mm: float) -> float:
    """Return the mass of a wall around an ellipsoid of revolution with this section."""
    half, across = length_mm / 2, 2 * area_mm2 / (np.pi * length_mm)
    inside = half * across**2
    outside = (half + wall_mm) * (across + wall_mm) ** 2
    return float(MUSCLE_G_PER_ML * 4 / 3 * np.pi * (outside - inside) / 1000)
