"""Physiology to a cine: a moving four-chamber section in a chest, as balanced SSFP shows it.

A recording has the front of the chest at the top and the patient's left on the viewer's right. It
is painted upside down, with the spine above, and turned at the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import MRI_PIXEL_MM
from cmae.simulate.canvas import (
    FRAMES,
    Image,
    Placement,
    ripple,
    signed_distance,
)
<<<<<<< HEAD
from cmae.simulate.chest import chest
from cmae.simulate.motion import cycle
from cmae.simulate.scanner import noisy, scan, upright
from cmae.simulate.section import Section, section
from cmae.simulate.tissue import (
    Outlines,
    flowing_blood,
    paint_blood,
    paint_inside,
    paint_muscle,
    paint_vessels,
)
=======
from cmae.simulate.chest import FAT, chest
from cmae.simulate.motion import Cycle, cycle
from cmae.simulate.section import LATERAL, Section, section, ventricle_profile
>>>>>>> w-truth

Floats = NDArray[np.float64]


MASK_LABELS = {
    "background": 0,
    "lv_cavity": 1,
    "lv_myocardium": 2,
    "rv_cavity": 3,
    "left_atrium": 4,
    "right_atrium": 5,
}
"""Values of a mask. Papillary muscles and trabeculae belong to their cavity, as readers draw it;
the septum belongs to the left ventricle."""


@dataclass(frozen=True)
class CineTruth:
    """A rendered cine with what is true of it, all in the same orientation.

    Attributes:
        recording: (96, 96, 50) scanner integers, what ``render`` gives for the same stream.
        noiseless: (96, 96, 50) scanner integers, the same without noise.
        masks: (96, 96, 50) of MASK_LABELS, whole pixels inside the painted contours.
    """

    recording: NDArray[np.uint16]
    noiseless: NDArray[np.uint16]
    masks: NDArray[np.uint8]


MASK_LABELS = {
    "background": 0,
    "lv_cavity": 1,
    "lv_myocardium": 2,
    "rv_cavity": 3,
    "left_atrium": 4,
    "right_atrium": 5,
}
"""Values of a mask. Papillary muscles and trabeculae belong to their cavity, as readers draw it;
the septum belongs to the left ventricle."""

Outlines = dict[str, tuple[Box, Image]]
"""By name of a chamber, (frames, rows, columns) signed distance to its contour in a box."""


@dataclass(frozen=True)
class CineTruth:
    """A rendered cine with what is true of it, all in the same orientation.

    Attributes:
        recording: (96, 96, 50) scanner integers, what ``render`` gives for the same stream.
        noiseless: (96, 96, 50) scanner integers, the same without noise.
        masks: (96, 96, 50) of MASK_LABELS, whole pixels inside the painted contours.
    """

    recording: NDArray[np.uint16]
    noiseless: NDArray[np.uint16]
    masks: NDArray[np.uint8]


def render(heart: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.uint16]:
    """Render the cine of a heart.

    Args:
        heart: The factors of MRI_INPUTS, a row of ``physiology.draw``.
        rng: Fine variety of the chest, texture and noise.

    Returns:
        (96, 96, 50) scanner integers at 1.8 mm a pixel; the front of the chest at the top, the
        patient's left on the right; frame 0 is the end of diastole.
    """
    signal, _ = _signal(heart, rng)
<<<<<<< HEAD
    return upright(noisy(signal, heart, rng))
=======
    return _upright(_noisy(signal, heart, rng))
>>>>>>> w-truth


def render_truth(heart: Mapping[str, Any], rng: np.random.Generator) -> CineTruth:
    """Render the cine of a heart together with its noiseless version and its masks.

    Args:
        heart: The factors of MRI_INPUTS, a row of ``physiology.draw``.
        rng: Fine variety; the same stream gives the recording that ``render`` gives.

    Returns:
        The recording, the noiseless recording and the masks.
    """
    signal, outlines = _signal(heart, rng)
    masks = np.zeros(signal.shape, np.uint8)
    for name, label in _MASK_ORDER:
        box, distance = outlines[name]
        masks[:, box[0], box[1]][distance <= 0] = MASK_LABELS[label]
<<<<<<< HEAD
    noiseless = upright(np.abs(signal))
    masks = np.ascontiguousarray(masks[:, ::-1].transpose(1, 2, 0))
    return CineTruth(upright(noisy(signal, heart, rng)), noiseless, masks)
=======
    noiseless = _upright(np.abs(signal))
    masks = np.ascontiguousarray(masks[:, ::-1].transpose(1, 2, 0))
    return CineTruth(_upright(_noisy(signal, heart, rng)), noiseless, masks)
>>>>>>> w-truth


_MASK_ORDER = (
    ("lv_outside", "lv_myocardium"),
    ("ra", "right_atrium"),
    ("la", "left_atrium"),
    ("rv", "rv_cavity"),
    ("lv", "lv_cavity"),
)
"""Contours and labels in the order of painting: a later one covers an earlier one."""


def _signal(heart: Mapping[str, Any], rng: np.random.Generator) -> tuple[Image, Outlines]:
    """Return the signed signal (frames, 96, 96), spine above, and the contours behind it."""
    beat = cycle(heart)
    shape = section(heart, beat)
    place = placement(heart)
<<<<<<< HEAD
    frames = np.repeat(chest(heart, rng)[None], FRAMES, axis=0)
    blood = flowing_blood(heart, beat, rng)
    paint_vessels(frames, heart, shape, place, rng=rng, blood=blood)
    outlines = _outlines(shape, place, rng)
    paint_muscle(frames, heart, shape, place, rng=rng, outlines=outlines)
    paint_blood(frames, heart, beat, rng=rng, outlines=outlines, blood=blood, place=place)
    paint_inside(frames, heart, beat, shape=shape, place=place, rng=rng)
    scan(frames, heart, rng)
=======
    background = chest(heart, rng)
    frames = np.repeat(background[None], FRAMES, axis=0)
    _paint_vessels(frames, beat, shape, place, rng)
    outlines = _outlines(shape, place, rng)
    _paint_heart(frames, heart, shape, place, rng=rng, outlines=outlines)
    _paint_inside(frames, heart, beat, shape=shape, place=place, rng=rng)
    _shade(frames, heart, beat, rng)
>>>>>>> w-truth
    return frames, outlines


def placement(heart: Mapping[str, Any]) -> Placement:
    """Return where the heart lies on the canvas: its turn is seen by the ECG as well."""
    angle = 60.0 + 7.5 * heart["heart_turn_z"] + heart["section_tilt_deg"]
    return Placement(
        column=49.0 + heart["section_column_mm"] / MRI_PIXEL_MM,
        row=49.0 + heart["section_row_mm"] / MRI_PIXEL_MM,
        origin=(-14.0, 0.72 * heart["lv_length_mm"]),
        angle=float(np.deg2rad(angle)),
    )


def _outlines(shape: Section, place: Placement, rng: np.random.Generator) -> Outlines:
    """Distances to the uneven contours of all chambers, negative inside."""
    result = {}
    for name, chamber, margin_mm, size, most in (
        ("rv", shape.rv, 12.0, 0.40, 6),
        ("lv", shape.lv, 2.0, 0.20, 6),
        ("lv_outside", shape.lv_outside, 6.0, 0.20, 6),
        ("la", shape.la, 5.0, 0.60, 7),
        ("ra", shape.ra, 5.0, 0.60, 7),
    ):
        result[name] = signed_distance(
            place.pixels(chamber.contour),
            place.pixels(chamber.centre),
            margin_mm / MRI_PIXEL_MM,
            ripple(rng, size, (2, most)),
        )
    return result
<<<<<<< HEAD
=======


def _paint_vessels(
    frames: Image, beat: Cycle, shape: Section, place: Placement, rng: np.random.Generator
) -> None:
    """Descending aorta beside the spine, pulmonary veins into the left atrium."""
    aorta = np.array([54.0, 8.5]) + rng.normal(0, 1.3, 2)
    radius = rng.normal(6.6, 0.5)
    flow = (0.92 + 0.22 * np.roll(beat.outflow, 3)).astype(np.float32)[:, None, None]
    paint_rod(frames, (aorta, aorta), radius + 1.1, 45.0, 1.0)
    paint_rod(frames, (aorta, aorta), radius, BLOOD * flow, 1.0)
    roof = shape.la.contour[..., 1].max()
    x_low, x_high = shape.la.contour[0, :, 0].min(), shape.la.contour[0, :, 0].max()
    lean = rng.normal(0, 3.0, (2, 2))
    veins = (
        ((0.5 * (x_low + x_high) + 6, roof - 14), (x_high + 11, roof - 13), 2.5),
        ((x_low + 14, roof - 8), (x_low - 7, roof + 1), 2.3),
    )
    for (start, end, size), bend in zip(veins, lean, strict=True):
        ends = (place.pixels(np.array(start)), place.pixels(np.array(end) + bend))
        paint_rod(frames, ends, size + 0.8, 48.0, 0.9)
        paint_rod(frames, ends, size, 0.8 * BLOOD, rng.uniform(0.5, 0.95))


def _paint_heart(
    frames: Image,
    heart: Mapping[str, Any],
    shape: Section,
    place: Placement,
    *,
    rng: np.random.Generator,
    outlines: Outlines,
) -> None:
    """Fat on the heart, then all muscle, then all blood."""
    fat = heart["heart_fat_mm"] / MRI_PIXEL_MM
    wall, thin = RV_WALL_MM / MRI_PIXEL_MM, ATRIUM_WALL_MM / MRI_PIXEL_MM
    (rv_box, rv), (lv_box, lv) = outlines["rv"], outlines["lv"]
    (outside_box, outside) = outlines["lv_outside"]
    (la_box, la), (ra_box, ra) = outlines["la"], outlines["ra"]
    paint(frames, rv_box, coverage(rv, wall + 0.8 * fat), 0.5 * FAT)
    paint(frames, outside_box, coverage(outside, 0.25 * fat), 0.4 * FAT)
    for hinges, size in ((shape.tricuspid, 1.9 + 0.9 * fat), (shape.mitral, 1.2 + 0.6 * fat)):
        outer = hinges[:, 1] + 0.10 * (hinges[:, 1] - hinges[:, 0])
        groove = place.pixels(outer + np.array([0.0, 1.0]))
        paint_rod(frames, (groove, groove), size, 0.8 * FAT, 0.8)
    for box, distance in ((la_box, la), (ra_box, ra)):
        paint(frames, box, coverage(distance, thin), 1.15 * MUSCLE)
    paint(frames, rv_box, coverage(rv, wall), 0.95 * MUSCLE)
    paint(frames, outside_box, coverage(outside), MUSCLE)
    trabeculae = smooth_field(rng, 26)
    rv = rv + np.float32(0.40) * np.abs(trabeculae[rv_box])
    lv = lv + np.float32(0.28) * np.abs(trabeculae[lv_box])
    rows, columns = np.mgrid[rv_box]
    low = place.pixels(shape.rv.contour[0].mean(axis=0))
    apical = (rows - low[1]) * np.sin(place.angle) + (columns - low[0]) * np.cos(place.angle)
    strands = 0.10 * smooth_field(rng, 22)[rv_box] + 0.16
    rough = rng.uniform(0.96, 1.10) * BLOOD * (1 - strands / (1 + np.exp(-(apical - 4) / 4)))
    paint(frames, ra_box, coverage(ra), rng.uniform(0.96, 1.10) * BLOOD)
    paint(frames, la_box, coverage(la), rng.uniform(0.94, 1.02) * BLOOD)
    paint(frames, rv_box, coverage(rv), rough.astype(np.float32))
    paint(frames, lv_box, coverage(lv), BLOOD)


def _paint_inside(
    frames: Image,
    heart: Mapping[str, Any],
    beat: Cycle,
    *,
    shape: Section,
    place: Placement,
    rng: np.random.Generator,
) -> None:
    """Papillary muscle, moderator band, aortic root, valve leaflets."""
    mass = np.cbrt(heart["lv_mass_g"] / 86.0)
    foot, head = rng.uniform(0.28, 0.38), rng.uniform(0.52, 0.64)
    ends = []
    for along, wall in ((foot, 0.96), (head, rng.uniform(0.72, 0.84))):
        across = wall * LATERAL * shape.half_width * ventricle_profile(np.array([along]))
        ends.append(place.pixels(np.stack([across, along * shape.length], axis=-1)))
    opacity = rng.uniform(0.35, 0.75)
    paint_rod(frames, (ends[0], ends[1]), 0.95 * mass, 1.15 * MUSCLE, opacity)
    middle = 0.45 * ends[0] + 0.55 * ends[1]
    paint_rod(frames, (middle, 0.4 * middle + 0.6 * ends[1]), 1.3 * mass, MUSCLE, 0.7 * opacity)
    points = shape.rv.contour.shape[1]
    septal, free = shape.rv.contour[:, 9], shape.rv.contour[:, points - 8]
    ends = [place.pixels(septal), place.pixels(free)]
    paint_rod(frames, (ends[0], ends[1]), 0.4, 1.5 * MUSCLE, rng.uniform(0.1, 0.4))
    if heart["outflow_share"] > 0:
        root = place.pixels(shape.mitral[:, 0] + np.array([-5.0, 3.0]))
        value = (0.62 + 0.25 * beat.outflow).astype(np.float32)[:, None, None] * BLOOD
        paint_rod(frames, (root, root), 6.4, 1.1 * MUSCLE, 0.8 * heart["outflow_share"])
        paint_rod(frames, (root, root), 5.2, value, 0.9 * heart["outflow_share"])
    for hinges in (shape.mitral, shape.tricuspid):
        _paint_leaflets(frames, hinges, beat.opening, place)


def _paint_leaflets(frames: Image, hinges: Floats, opening: Floats, place: Placement) -> None:
    """Two thin leaflets: closed they meet just below the ring, open they hang downwards."""
    ring = hinges[:, 1] - hinges[:, 0]
    width = np.hypot(ring[:, 0], ring[:, 1])[:, None]
    across = ring / width
    down = np.stack([across[:, 1], -np.abs(across[:, 0])], axis=-1)
    down[:, 0] *= np.sign(across[:, 0])
    swing = (0.20 + 1.05 * opening)[:, None]
    for hinge, side, share in ((hinges[:, 0], 1.0, 0.56), (hinges[:, 1], -1.0, 0.48)):
        tip = hinge + share * width * (side * np.cos(swing) * across + np.sin(swing) * down)
        paint_rod(frames, (place.pixels(hinge), place.pixels(tip)), 0.45, MUSCLE, 0.5)


def _shade(frames: Image, heart: Mapping[str, Any], beat: Cycle, rng: np.random.Generator) -> None:
    """Flow texture, coil shading and gain."""
    still, early, late = (smooth_field(rng, cells).ravel() for cells in (12, 9, 9))
    inflow, outflow = beat.inflow[:, None], beat.outflow[:, None]
    texture = (0.045 * still + 0.07 * inflow * early + 0.06 * outflow * late).astype(np.float32)
    rows, columns = np.mgrid[:SIDE, :SIDE] / (SIDE - 1) - 0.5
    coil = 1 + heart["coil_row"] * rows + heart["coil_column"] * columns
    coil = coil + 0.12 * smooth_field(rng, 2)
    gain = (heart["scanner_gain"] * coil.clip(0.4)).astype(np.float32)
    frames *= 1 + texture.reshape(frames.shape)
    frames *= gain


def _noisy(signal: Image, heart: Mapping[str, Any], rng: np.random.Generator) -> Image:
    """Rician magnitude: the length of the signal with noise in both of its parts."""
    noise: Image = rng.standard_normal((2, *signal.shape), dtype=np.float32)
    noise *= np.float32(heart["scanner_noise"] * heart["scanner_gain"])
    noise[0] += signal
    np.multiply(noise, noise, out=noise)
    magnitude: Image = np.sqrt(noise[0] + noise[1])
    return magnitude


def _upright(magnitude: Image) -> NDArray[np.uint16]:
    """Scanner integers with the front of the chest at the top, as imports are: (96, 96, frames)."""
    turned = (magnitude + np.float32(0.5)).astype(np.uint16)[:, ::-1]
    return np.ascontiguousarray(turned.transpose(1, 2, 0))
>>>>>>> w-truth
