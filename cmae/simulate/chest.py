"""What lies around the heart: lungs, liver, spine, chest wall and its fat.

Vessels of the lung pulse, and what touches the heart is dragged along by it; all else stands still.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import MRI_PIXEL_MM
from cmae.simulate.canvas import FRAMES, SIDE, Image, coverage, paint, paint_rod, smooth_field
from cmae.simulate.motion import Cycle

LUNG, LIVER, SOFT, WALL_MUSCLE, BONE, AIR = 22.0, 74.0, 58.0, 78.0, 62.0, 2.0
FAT = -255.0
"""Fat precesses against water: negative, so that borders of both go dark when the magnitude is
taken."""

HILA = ((11.0, 9.0), (76.0, 8.0))
"""Column and row of the right and the left hilum on the canvas."""

DRAG_PIXELS, DRAG_REACH = 1.1, 21.0
"""How far tissue beside the heart follows the valve plane, and over how many pixels that fades."""

Floats = NDArray[np.float64]


def chest(heart: Mapping[str, Any], beat: Cycle, rng: np.random.Generator) -> Image:
    """Render the background over the cycle.

    It is painted twice, with the vessels of the lung between two pulses and at their peak; frames
    are mixtures of both, less the gradient along which the heart drags its surroundings.

    Args:
        heart: The factors of MRI_INPUTS.
        beat: The heart's cycle.
        rng: Fine variety.

    Returns:
        (frames, 96, 96) signed intensity.
    """
    rows, columns = (axis.astype(np.float32) for axis in np.mgrid[:SIDE, :SIDE])
    picture = np.full((2, SIDE, SIDE), LUNG, np.float32)
    picture += 4 * smooth_field(rng, 7)
    _vessels(picture, rng, 26, (8, 88), (6, 90), 60.0)
    _mediastinum(picture, rng)
    _hila(picture, rng)
    _liver(picture, heart, rng, rows, columns)
    _wall(picture, heart, rng, rows, columns)
    down, right = np.gradient(picture[0])
    towards = np.deg2rad(60.0 + 7.5 * heart["heart_turn_z"])
    near = np.exp(-((rows - 49) ** 2 + (columns - 49) ** 2) / np.float32(2 * DRAG_REACH**2))
    drag = near * (np.cos(towards) * right + np.sin(towards) * down)
    pulse = pulsation(beat)
    times = np.stack([1 - pulse, pulse, -DRAG_PIXELS * beat.descent], axis=1)
    layers = np.concatenate([picture, drag[None]]).reshape(3, -1)
    frames: Image = times.astype(np.float32) @ layers.astype(np.float32)
    return frames.reshape(FRAMES, SIDE, SIDE)


def pulsation(beat: Cycle) -> Floats:
    """Flow in the vessels of the lung, (frames,): of arteries in systole, of veins in filling."""
    flow: Floats = 0.85 * np.roll(beat.outflow, 2) + 0.35 * np.roll(beat.inflow, 1)
    return flow


def _all() -> tuple[slice, slice]:
    return slice(0, SIDE), slice(0, SIDE)


def _vessels(
    picture: Image,
    rng: np.random.Generator,
    number: int,
    rows: tuple[int, int],
    columns: tuple[int, int],
    value: float,
) -> None:
    for _ in range(number):
        start = np.array([rng.uniform(*columns), rng.uniform(*rows)])
        step = rng.standard_normal(2) * 2.0
        brightness = value * rng.uniform(0.6, 1.9) * _pulsing(rng, 0.35)
        paint_rod(picture, (start, start + step), rng.uniform(0.2, 0.7), brightness, 0.75)


def _pulsing(rng: np.random.Generator, size: float) -> Image:
    """Brightness of blood between pulses and at their peak, (2, 1, 1).

    Fresh blood that flows through the section brightens it, fast blood within it dephases.
    """
    change = 1 + size * rng.normal(0.5, 1.0)
    return np.array([1.0, max(change, 0.2)], np.float32).reshape(2, 1, 1)


def _hila(picture: Image, rng: np.random.Generator) -> None:
    """Pulmonary arteries and veins at both roots of the lung, as far as the section cuts them."""
    for hilum in HILA:
        for _ in range(3):
            start = np.array(hilum) + rng.normal(0, (5.0, 3.5))
            end = start + rng.normal(0, 1.3, 2)
            value = 300.0 * rng.uniform(0.4, 1.2) * _pulsing(rng, 0.6)
            shown = min(max(rng.uniform(-0.5, 1.5), 0.0), 1.0)
            paint_rod(picture, (start, end), rng.uniform(1.0, 3.4), value, shown)


def _mediastinum(picture: Image, rng: np.random.Generator) -> None:
    """Soft tissue from the spine to the atria, the vertebra, its canal."""
    spine = np.array([35.0, 2.5]) + rng.normal(0, 1.2, 2)
    ends = (spine - np.array([1.0, 0.0]), spine + np.array([1.0, 0.0]))
    canal = spine - np.array([0.0, 8.0])
    paint_rod(picture, (spine, np.array([47.0, 26.0])), 12.0, SOFT, 1.0)
    paint_rod(picture, ends, 9.6, 24.0, 1.0)
    paint_rod(picture, ends, 8.8, BONE, 1.0)
    paint_rod(picture, (canal, canal), 4.0, 250.0, 1.0)
    for _ in range(5):
        start = np.array([rng.uniform(36, 60), rng.uniform(13, 24)])
        end = start + rng.normal(0, 3, 2)
        paint_rod(picture, (start, end), rng.uniform(0.8, 1.8), 0.55 * FAT, 0.8)


def _liver(
    picture: Image, heart: Mapping[str, Any], rng: np.random.Generator, rows: Image, columns: Image
) -> None:
    """The dome under the right heart: higher where the heart lies flat."""
    down = 6.0 * heart["heart_lie_z"] - heart["liver_rise_mm"] / MRI_PIXEL_MM
    dome = 47.0 + 1.6 * smooth_field(rng, 3)
    distance = np.hypot((columns + 8.0) / 1.06, rows - 102.0 - down) - dome
    texture = LIVER + 5 * smooth_field(rng, 9)
    paint(picture, _all(), coverage(distance[None], 0.8), 16.0)
    paint(picture, _all(), coverage(distance[None]), texture)
    _vessels(picture, rng, 7, (74, 95), (2, 26), 110.0)


def _wall(
    picture: Image, heart: Mapping[str, Any], rng: np.random.Generator, rows: Image, columns: Image
) -> None:
    """From inside to outside: muscle with ribs, fat, skin, air."""
    wide, high = (heart[f"chest_{name}_mm"] / MRI_PIXEL_MM for name in ("width", "depth"))
    corner = 2.0 + rng.uniform(0, 0.5)
    across, along = np.abs(columns - 43.0) / wide, np.abs(rows - 9.0) / high
    radius = (across**corner + along**corner) ** (1 / corner)
    uneven = 1.5 * smooth_field(rng, 3) + 0.5 * smooth_field(rng, 8)
    outward = ((radius - 1) * 0.95 * high + uneven)[None].astype(np.float32)
    muscle = 5.0 + 1.4 * smooth_field(rng, 3)
    fat = heart["chest_fat_mm"] / MRI_PIXEL_MM * (1 + 0.2 * smooth_field(rng, 2))
    inside = 0.75 * FAT * np.clip(0.6 + 0.8 * smooth_field(rng, 8), 0, 1)
    apical = np.exp(-(((columns - 66.0) / 16.0) ** 2))
    pads = heart["heart_fat_mm"] * (0.6 * smooth_field(rng, 4) + 0.3 + 0.9 * apical).clip(0)
    depth = -outward - 1.6 - pads
    paint(picture, _all(), coverage(depth.astype(np.float32)), inside + 20)
    paint(picture, _all(), coverage(-outward), WALL_MUSCLE + 9 * smooth_field(rng, 14))
    angle = np.arctan2(rows - 9.0, columns - 43.0)
    ribs = np.cos(angle * 13 + rng.uniform(0, 6) + 0.5 * smooth_field(rng, 4))
    band = coverage(np.abs(outward - 2.6), 1.4) * (2.0 * ribs - 0.6).clip(0, 0.7)
    paint(picture, _all(), band.astype(np.float32), 30.0)
    streaks: Image = 0.16 * smooth_field(rng, 10) + 0.10 * smooth_field(rng, 24)
    paint(
        picture, _all(), coverage(muscle - outward), np.float32(FAT) * (1 - streaks.clip(-0.3, 0.6))
    )
    skin = muscle + fat
    paint(picture, _all(), coverage(skin - outward), 70.0)
    paint(picture, _all(), coverage(skin + 1.2 - outward), AIR)
