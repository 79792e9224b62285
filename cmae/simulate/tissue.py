"""Painting a heart: its vessels, fat, muscle, blood, and what lies inside the chambers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import MRI_PIXEL_MM
from cmae.simulate.canvas import (
    FRAMES,
    SIDE,
    Box,
    Image,
    Placement,
    axes,
    box_around,
    coverage,
    paint,
    paint_rod,
    smooth_field,
    streaks,
)
from cmae.simulate.chest import FAT
from cmae.simulate.motion import Cycle
from cmae.simulate.section import LATERAL, Section, ventricle_profile

Floats = NDArray[np.float64]

BLOOD = 335.0
SWIRL = (
    (1, 0.032, False),
    (2, 0.024, False),
    (2, 0.044, True),
    (3, 0.040, True),
    (5, 0.030, True),
    (8, 0.020, True),
)
"""(harmonic of the heartbeat, share by which blood's brightness swirls with it, in streaks)."""

SWIRL_CELLS, STREAK_CELLS = 12, (13, 30)
"""Bumps of the swirl over the canvas; of streaks, (along, across) the heart's axis."""

RV_WALL_MM, ATRIUM_WALL_MM = 3.2, 1.6

Outlines = dict[str, tuple[Box, Image]]
"""By name of a chamber, (frames, rows, columns) signed distance to its contour in a box."""


def flowing_blood(
    heart: Mapping[str, Any], beat: Cycle, place: Placement, rng: np.random.Generator
) -> Image:
    """Brightness of blood, (frames, 96, 96), swirling with the flow, in streaks along the heart."""
    turn = 2 * np.pi * np.arange(FRAMES) / FRAMES
    times = [0.14 * beat.inflow, 0.11 * beat.outflow]
    for is_streaky in (False, True):
        for order, size, has_streaks in SWIRL:
            if has_streaks == is_streaky:
                times += [size * np.cos(order * turn), size * np.sin(order * turn)]
    times.append(np.full(FRAMES, 0.06))
    number = len(times)
    smooth = 2 + 2 * sum(not has_streaks for _, _, has_streaks in SWIRL)
    fields = [smooth_field(rng, SWIRL_CELLS) for _ in range(smooth)]
    drawn_out = streaks(rng, number - smooth, STREAK_CELLS, place.angle)
    pattern = np.concatenate([np.stack(fields), drawn_out]).reshape(number, -1)
    swirl = (heart["flow_contrast"] * BLOOD * np.stack(times, axis=1)).astype(np.float32) @ pattern
    swirl += np.float32(BLOOD)
    result: Image = swirl.reshape(FRAMES, SIDE, SIDE)
    return result


def paint_vessels(
    frames: Image,
    heart: Mapping[str, Any],
    beat: Cycle,
    *,
    shape: Section,
    place: Placement,
    rng: np.random.Generator,
    blood: Image,
) -> None:
    """Descending aorta beside the spine, pulmonary veins into the left atrium."""
    aorta = np.array([54.0, 8.5]) + rng.normal(0, 1.8, 2)
    along = rng.normal(0, 0.9, 2)
    radius = rng.normal(6.2, 0.6)
    roof = shape.la.contour[..., 1].max()
    widest = shape.la.contour[0]
    x_low, x_high = widest[:, 0].min(), widest[:, 0].max()
    lean = rng.normal(0, 3.0, (2, 2))
    size = np.cbrt(heart["la_max_ml"] / 68.0)
    veins = (
        ((x_high - 10, roof - 19), (x_high + 20, roof - 15), 3.0),
        ((x_low + 12, roof - 9), (x_low - 15, roof + 6), 2.8),
    )
    for (start, end, wide), bend in zip(veins, lean, strict=True):
        first, last = place.pixels(np.array(start)), place.pixels(np.array(end) + bend)
        opacity = rng.uniform(0.4, 1.0)
        near, far = 0.65 * first + 0.35 * last, 0.3 * first + 0.7 * last
        for more, value in ((0.7, 48.0), (0.0, blood)):
            _paint_tube(frames, (first, last), 0.45 * size * wide + more, value, 0.7 * opacity)
            _paint_tube(frames, (first, far), 0.7 * size * wide + more, value, opacity)
            _paint_tube(frames, (first, near), size * wide + more, value, opacity)
    fresh = rng.normal(0.15, 0.20) * heart["flow_contrast"] * np.roll(beat.outflow, 2)
    pulsing = blood * (1 + fresh).clip(0.3).astype(np.float32)[:, None, None]
    for more, value in ((1.0, 50.0), (0.0, pulsing)):
        _paint_tube(frames, (aorta - along, aorta + along), radius + more, value, 1.0)


def _paint_tube(
    frames: Image,
    ends: tuple[Floats, Floats],
    radius: float,
    value: float | Image,
    opacity: float,
) -> None:
    """Paint a still rod; ``value`` is a number or (frames, 96, 96)."""
    canvas = np.zeros((1, SIDE, SIDE), np.float32)
    paint_rod(canvas, ends, radius, 1.0, opacity)
    box = box_around(np.stack(ends), radius + 2)
    inside = (slice(None), *box)
    paint(frames, box, canvas[inside], value if isinstance(value, float) else value[inside])


def paint_muscle(
    frames: Image,
    heart: Mapping[str, Any],
    shape: Section,
    place: Placement,
    *,
    rng: np.random.Generator,
    outlines: Outlines,
) -> None:
    """Fat on the heart, then all muscle."""
    muscle = BLOOD / heart["blood_contrast"]
    fat = heart["heart_fat_mm"] / MRI_PIXEL_MM
    wall, thin = RV_WALL_MM / MRI_PIXEL_MM, ATRIUM_WALL_MM / MRI_PIXEL_MM
    (rv_box, rv), (outside_box, outside) = outlines["rv"], outlines["lv_outside"]
    pads: Image = (fat * (0.30 + 0.60 * smooth_field(rng, 7)).clip(0.05, 1.6)).astype(np.float32)
    paint(frames, rv_box, coverage(rv - wall - pads[rv_box]), 0.75 * FAT)
    paint(frames, outside_box, coverage(outside - np.float32(0.8) * pads[outside_box]), 0.75 * FAT)
    for hinges, size in ((shape.tricuspid, 1.9 + 0.9 * fat), (shape.mitral, 1.2 + 0.6 * fat)):
        outer = hinges[:, 1] + 0.10 * (hinges[:, 1] - hinges[:, 0])
        groove = place.pixels(outer + np.array([0.0, 1.0]))
        paint_rod(frames, (groove, groove), size, 0.8 * FAT, rng.uniform(0.4, 0.9))
    for name in ("la", "ra"):
        box, distance = outlines[name]
        paint(frames, box, coverage(distance, thin), 1.15 * muscle)
    paint(frames, rv_box, coverage(rv, wall), 0.95 * muscle)
    paint(frames, outside_box, coverage(outside), muscle)


def paint_blood(
    frames: Image,
    heart: Mapping[str, Any],
    beat: Cycle,
    *,
    rng: np.random.Generator,
    outlines: Outlines,
    blood: Image,
    place: Placement,
) -> None:
    """Blood of all chambers, with trabeculae at its border and strands towards the apex.

    Fresh blood that comes through the section brightens a chamber, fast blood dephases: levels
    change over the cycle, most where the caval and the pulmonary veins enter.
    """
    trabeculae = np.abs(smooth_field(rng, 22)) + np.float32(0.7) * np.abs(smooth_field(rng, 40))
    strands = 0.10 + 0.24 * np.abs(streaks(rng, 1, (18, 44), place.angle)[0])
    contrast = float(heart["flow_contrast"])
    length = heart["lv_length_mm"]
    for name, rough, level, inlet, apical in (
        ("ra", 0.0, (0.90, 1.12), (-38.0, length + 12.0), 0.0),
        ("la", 0.0, (0.86, 1.02), (10.0, length + 30.0), 0.0),
        ("rv", 0.90, (0.78, 1.06), None, 1.0),
        ("lv", 0.45, (1.0, 1.0), None, 0.5),
    ):
        box, distance = outlines[name]
        inside = (slice(None), *box)
        filling, ejection = rng.normal((0.03, -0.03), (0.08, 0.07))
        change = 1 + contrast * (filling * beat.inflow + ejection * beat.outflow)
        value = blood[inside] * (rng.uniform(*level) * change).astype(np.float32)[:, None, None]
        if inlet is not None:
            at = place.pixels(np.array(inlet) + rng.normal(0, 7, 2))
            glow = _around(box, at, rng.uniform(5.0, 9.0))
            pulse, flicker = _inlet(heart, beat, name, rng)
            value *= 1 + glow * (pulse + flicker * (blood[inside] * np.float32(1 / BLOOD) - 1))
        if apical:
            foot = place.pixels(
                np.array([-18.0, 0.25 * length] if name == "rv" else [0.0, 0.10 * length])
            )
            value *= 1 - np.float32(apical) * strands[box] * _towards_apex(box, foot, place.angle)
        uneven = (rough * trabeculae[box]).astype(np.float32)
        paint(frames, box, coverage(distance + uneven), value)


def _inlet(
    heart: Mapping[str, Any], beat: Cycle, name: str, rng: np.random.Generator
) -> tuple[Image, np.float32]:
    """How much brighter blood is where veins enter an atrium, (frames, 1, 1), and its flicker."""
    caval = beat.outflow + 0.5 * beat.inflow + 0.3
    pulmonary = 0.8 * np.roll(beat.outflow, 2) + beat.inflow
    drawn = rng.normal(0.12, 0.20)
    strength = heart["atrial_inflow"] if name == "ra" else heart["flow_contrast"] * drawn
    course = caval if name == "ra" else pulmonary
    pulse = np.asarray(strength * course, np.float32).clip(-0.6)[:, None, None]
    return pulse, np.float32(4.0 * abs(strength))


def _around(box: Box, point: Floats, radius: float) -> Image:
    """A bump of height 1 about a point, (1, rows, columns)."""
    rows, columns = axes(box)
    away = (rows - np.float32(point[1])) ** 2 + (columns - np.float32(point[0])) ** 2
    bump: Image = np.exp(-away / np.float32(2 * radius**2))[None]
    return bump


def _towards_apex(box: Box, foot: Floats, angle: float) -> Image:
    """From 0 above a point near the apex to 1 below it, along the long axis."""
    rows, columns = axes(box)
    beyond = (rows - np.float32(foot[1])) * np.float32(np.sin(angle))
    beyond = beyond + (columns - np.float32(foot[0])) * np.float32(np.cos(angle))
    share: Image = np.asarray(1 / (1 + np.exp(-(beyond + 6) / 4)), np.float32)
    return share


def paint_inside(
    frames: Image,
    heart: Mapping[str, Any],
    beat: Cycle,
    *,
    shape: Section,
    place: Placement,
    rng: np.random.Generator,
) -> None:
    """Papillary muscle, moderator band, aortic root, jets, valve leaflets."""
    muscle = BLOOD / heart["blood_contrast"]
    mass = np.cbrt(heart["lv_mass_g"] / 86.0)
    foot, head = rng.uniform(0.28, 0.38), rng.uniform(0.52, 0.64)
    ends = []
    for along, wall in ((foot, 0.96), (head, rng.uniform(0.72, 0.84))):
        across = wall * LATERAL * shape.half_width * ventricle_profile(np.array([along]))
        ends.append(place.pixels(np.stack([across, along * shape.length], axis=-1)))
    opacity = rng.uniform(0.35, 0.75)
    paint_rod(frames, (ends[0], ends[1]), 0.95 * mass, 1.15 * muscle, opacity)
    middle = 0.45 * ends[0] + 0.55 * ends[1]
    paint_rod(frames, (middle, 0.4 * middle + 0.6 * ends[1]), 1.3 * mass, muscle, 0.7 * opacity)
    points = shape.rv.contour.shape[1]
    septal, free = shape.rv.contour[:, 9], shape.rv.contour[:, points - 8]
    ends = [place.pixels(septal), place.pixels(free)]
    paint_rod(frames, (ends[0], ends[1]), 0.4, 1.5 * muscle, rng.uniform(0.1, 0.4))
    _paint_jets(frames, heart, beat, shape=shape, place=place)
    if heart["outflow_share"] > 0:
        low = shape.mitral[:, 0] + np.array([-3.0, -2.0])
        root = place.pixels(low), place.pixels(low + np.array([-6.0, 9.0]))
        value = (0.74 + 0.14 * beat.outflow).astype(np.float32)[:, None, None] * BLOOD
        paint_rod(frames, root, 4.6, 1.3 * muscle, 0.30 * heart["outflow_share"])
        paint_rod(frames, root, 3.6, value, 0.7 * heart["outflow_share"])
    visible = rng.uniform(0.10, 0.40)
    for hinges in (shape.mitral, shape.tricuspid):
        _paint_leaflets(frames, hinges, beat.opening, place, (muscle, visible))


def _paint_jets(
    frames: Image, heart: Mapping[str, Any], beat: Cycle, *, shape: Section, place: Placement
) -> None:
    """Fast blood loses signal: below the open mitral valve, and in systole below the aortic."""
    middle = shape.mitral.mean(axis=1)
    strength = 0.22 * heart["flow_contrast"]
    reach = np.stack([0.1 * middle[:, 0], 0.55 * shape.length], axis=-1)
    septal = shape.mitral[:, 0] + np.array([4.0, -2.0])
    below = septal + np.stack([0.05 * shape.half_width, -0.22 * shape.length], axis=-1)
    for start, end, radius, flow in (
        (middle, reach, 2.2, beat.inflow),
        (septal, below, 2.4, beat.outflow),
    ):
        line = place.pixels(start), place.pixels(end)
        shown = (strength * flow).astype(np.float32)[:, None, None]
        for narrower in (0.0, 1.3):
            paint_rod(frames, line, radius - narrower, 0.35 * BLOOD, 0.5 * shown)


def _paint_leaflets(
    frames: Image, hinges: Floats, opening: Floats, place: Placement, look: tuple[float, float]
) -> None:
    """Two thin leaflets of a (value, opacity): closed they meet below the ring, open they hang."""
    ring = hinges[:, 1] - hinges[:, 0]
    width = np.hypot(ring[:, 0], ring[:, 1])[:, None]
    across = ring / width
    down = np.stack([across[:, 1], -np.abs(across[:, 0])], axis=-1)
    down[:, 0] *= np.sign(across[:, 0])
    swing = (0.20 + 1.05 * opening)[:, None]
    for hinge, side, share in ((hinges[:, 0], 1.0, 0.56), (hinges[:, 1], -1.0, 0.48)):
        tip = hinge + share * width * (side * np.cos(swing) * across + np.sin(swing) * down)
        paint_rod(frames, (place.pixels(hinge), place.pixels(tip)), 0.40, *look)
