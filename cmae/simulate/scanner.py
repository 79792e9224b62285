"""What balanced SSFP makes of tissue: coil shading, off-resonance bands, blur, Rician noise."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.simulate.canvas import FRAMES, SIDE, Image, smooth_field

BAND_WIDTH = 0.30
"""Half width of an off-resonance band, as the tangent of half the phase a repetition adds."""

VIEW_SHARING = (0.05, 0.40)
"""Least and most that a recorded frame takes of each neighbor, as segmented scans share views."""


def scan(frames: Image, heart: Mapping[str, Any], rng: np.random.Generator) -> None:
    """Blur, shade and band the signed signal (frames, 96, 96) in place, and multiply by gain.

    Args:
        frames: Signed signal of tissue; fat is negative.
        heart: The factors of MRI_INPUTS.
        rng: Fine variety.
    """
    rows, columns = np.mgrid[:SIDE, :SIDE] / (SIDE - 1) - 0.5
    coil = 1 + heart["coil_row"] * rows + heart["coil_column"] * columns
    coil = (coil + 0.18 * smooth_field(rng, 2)).clip(0.4)
    texture = 1 + 0.035 * smooth_field(rng, 14)
    gain = heart["scanner_gain"] * coil * texture * bands(heart, rows, columns)
    _blur(frames, float(heart["scanner_blur"]))
    frames *= gain.astype(np.float32)


def bands(
    heart: Mapping[str, Any], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of the signal that off-resonance leaves: dark where a repetition adds half a turn.

    The profile |cos(φ/2)| / √(cos²(φ/2) + w² sin²(φ/2)) has the flat top and the narrow dips of
    balanced SSFP at a large flip angle (Scheffler & Lehnhardt 2003, Eur Radiol 13:2409).

    Args:
        heart: The factors of MRI_INPUTS.
        rows: (96, 96) from −0.5 to 0.5.
        columns: (96, 96) from −0.5 to 0.5.

    Returns:
        (96, 96), at most 1.
    """
    phase = 2 * (heart["shim_row"] * rows + heart["shim_column"] * columns)
    phase = np.pi * (phase + 2 * heart["shim_curve"] * (rows**2 + columns**2))
    cosine, sine = np.cos(phase / 2) ** 2, np.sin(phase / 2) ** 2
    result: NDArray[np.float64] = np.sqrt(cosine / (cosine + BAND_WIDTH**2 * sine))
    return result


def noisy(signal: Image, heart: Mapping[str, Any], rng: np.random.Generator) -> Image:
    """Rician magnitude: the length of the signal with noise in both of its parts.

    Scanners interpolate in the plane and between the frames that they record, and recorded frames
    share views, so the noise has a grain: it is drawn for every second frame, recorded neighbours
    share a part, and cubic interpolation gives the frames between, scaled to the same variance.

    Args:
        signal: (frames, 96, 96), signed.
        heart: The factors of MRI_INPUTS.
        rng: Of the noise.

    Returns:
        (frames, 96, 96), 0 or more.
    """
    grain = np.float32(heart["noise_grain"])
    shared = rng.uniform(*VIEW_SHARING)
    drawn: Image = rng.standard_normal((2, FRAMES // 2, SIDE + 2, SIDE + 2), dtype=np.float32)
    rows = drawn[:, :, :-2] + drawn[:, :, 2:]
    rows *= grain
    rows += drawn[:, :, 1:-1]
    grained = rows[..., :-2] + rows[..., 2:]
    grained *= grain
    grained += rows[..., 1:-1]
    level = heart["scanner_noise"] * heart["scanner_gain"] / (1 + 2 * float(grain) ** 2)
    weights = (level * _sharing(float(shared))).astype(np.float32)
    noise: Image = (weights @ grained.reshape(2, FRAMES // 2, -1)).reshape(2, *signal.shape)
    noise[0] += signal
    np.multiply(noise, noise, out=noise)
    magnitude: Image = noise[0]
    magnitude += noise[1]
    return np.sqrt(magnitude, out=magnitude)


def _sharing(shared: float) -> NDArray[np.float64]:
    """Weights (frames, recorded frames) of shared views and cubic interpolation, rows of norm 1."""
    recorded = np.eye(FRAMES // 2)
    views = recorded + shared * (np.roll(recorded, 1, axis=1) + np.roll(recorded, -1, axis=1))
    weights = np.empty((FRAMES, FRAMES // 2))
    weights[::2] = views
    after = np.roll(views, -1, axis=0)
    weights[1::2] = 9 * (views + after) - np.roll(views, 1, axis=0) - np.roll(views, -2, axis=0)
    result: NDArray[np.float64] = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    return result


def upright(magnitude: Image) -> NDArray[np.uint16]:
    """Scanner integers with the front of the chest at the top, as imports are: (96, 96, frames)."""
    turned = (magnitude + np.float32(0.5)).astype(np.uint16)[:, ::-1]
    return np.ascontiguousarray(turned.transpose(1, 2, 0))


def _blur(frames: Image, share: float) -> None:
    """Give a share of every pixel to each neighbour along rows and columns, in place."""
    side, middle = np.float32(share), np.float32(1 - 2 * share)
    for axis in (1, 2):
        view = np.moveaxis(frames, axis, 1)
        beside = view[:, :-2] + view[:, 2:]
        beside *= side
        view[:, 1:-1] *= middle
        view[:, 1:-1] += beside
