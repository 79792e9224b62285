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
    Image,
    Placement,
    ripple,
    signed_distance,
)
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
from cmae.simulate.variety import fine_variety

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


def render(
    heart: Mapping[str, Any], rng: np.random.Generator, *, private_variance: float = 1.0
) -> NDArray[np.uint16]:
    """Render the cine of a heart.

    Args:
        heart: The factors of MRI_INPUTS, a row of ``physiology.draw``.
        rng: Fine variety of the chest, texture and noise.
        private_variance: Variance of the fine variety against a realistic one.

    Returns:
        (96, 96, 50) scanner integers at 1.8 mm a pixel; the front of the chest at the top, the
        patient's left on the right; frame 0 is the end of diastole.
    """
    signal, _ = _signal(heart, fine_variety(rng, private_variance))
    return upright(noisy(signal, heart, rng))


def render_truth(
    heart: Mapping[str, Any], rng: np.random.Generator, *, private_variance: float = 1.0
) -> CineTruth:
    """Render the cine of a heart together with its noiseless version and its masks.

    Args:
        heart: The factors of MRI_INPUTS, a row of ``physiology.draw``.
        rng: Fine variety; the same stream gives the recording that ``render`` gives.
        private_variance: Variance of the fine variety against a realistic one.

    Returns:
        The recording, the noiseless recording and the masks.
    """
    signal, outlines = _signal(heart, fine_variety(rng, private_variance))
    masks = np.zeros(signal.shape, np.uint8)
    for name, label in _MASK_ORDER:
        box, distance = outlines[name]
        masks[:, box[0], box[1]][distance <= 0] = MASK_LABELS[label]
    noiseless = upright(np.abs(signal))
    masks = np.ascontiguousarray(masks[:, ::-1].transpose(1, 2, 0))
    return CineTruth(upright(noisy(signal, heart, rng)), noiseless, masks)


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
    frames = chest(heart, beat, rng)
    blood = flowing_blood(heart, beat, place, rng)
    paint_vessels(frames, heart, beat, shape=shape, place=place, rng=rng, blood=blood)
    outlines = _outlines(shape, place, rng)
    paint_muscle(frames, heart, shape, place, rng=rng, outlines=outlines)
    paint_blood(frames, heart, beat, rng=rng, outlines=outlines, blood=blood, place=place)
    paint_inside(frames, heart, beat, shape=shape, place=place, rng=rng)
    scan(frames, heart, rng)
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
