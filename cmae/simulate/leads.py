"""From a dipole to twelve leads: where the electrodes are, and the equations of the limb leads."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DOWER = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)
"""(I, II, V1–V6) from Frank's (x, y, z), both in mV: Dower 1968."""

HEIGHT_MIXING = np.array([0.34, 0.36, 0.34, 0.28, 0.20, 0.16])
"""What V1–V6 gain in the head–foot direction an intercostal space higher: assumption of ours."""


def electrodes(heart: Mapping[str, Any], rng: np.random.Generator) -> Floats:
    """Give the lead matrix of one torso and one placement of the electrodes.

    The chest electrodes are shifted along their row and up or down together, each a little on its
    own, and see less through a thick wall; limb electrodes on the trunk change their leads' size.

    Args:
        heart: Factors: precordial_shift, precordial_height, precordial_gain, limb_gain.
        rng: What is particular to this torso.

    Returns:
        (I, II, V1–V6) from (x, y, z), (8, 3).
    """
    matrix = DOWER.copy()
    positions = np.arange(6) + heart["precordial_shift"] + 0.12 * rng.standard_normal(6)
    for axis in range(3):
        matrix[2:, axis] = np.interp(positions, np.arange(6), DOWER[2:, axis])
    height = heart["precordial_height"] + 0.25 * rng.standard_normal(6)
    matrix[2:, 1] -= HEIGHT_MIXING * height
    size = np.linalg.norm(matrix, axis=1, keepdims=True)
    share = np.array((0.05,) * 2 + (0.09,) * 6)[:, None]
    matrix += share * size * rng.standard_normal((8, 3))
    matrix[:2] *= heart["limb_gain"]
    matrix[2:] *= heart["precordial_gain"]
    return matrix


def frontal_rotation(
    turning: Floats, fixed: Floats, matrix: Floats, *, axis_deg: float
) -> tuple[Floats, float]:
    """Find how a loop must turn about the z axis for a frontal axis read from I and aVF.

    With the areas a of what turns and f of what does not, and w the direction that the axis does
    not see, w · (R(θ) a + f) = 0 has the form p cos θ + q sin θ = r.

    Args:
        turning: Area of the part of the loop that turns, (3,).
        fixed: Area of the part that does not, (3,).
        matrix: The lead matrix, (8, 3).
        axis_deg: Wanted frontal axis: 0° to the left, 90° to the feet.

    Returns:
        The rotation (3, 3) and its angle in rad.
    """
    one, foot = matrix[0], 2 / np.sqrt(3) * (matrix[1] - matrix[0] / 2)
    axis = np.deg2rad(axis_deg)
    along = np.cos(axis) * one + np.sin(axis) * foot
    across = np.cos(axis) * foot - np.sin(axis) * one
    p = across[0] * turning[0] + across[1] * turning[1]
    q = across[1] * turning[0] - across[0] * turning[1]
    r = -across[2] * turning[2] - across @ fixed
    middle, half = np.arctan2(q, p), np.arccos(np.clip(r / np.hypot(p, q), -1, 1))
    rotations = [(about_z(angle), angle) for angle in (middle - half, middle + half)]
    rotation, angle = max(rotations, key=lambda found: float(along @ (found[0] @ turning + fixed)))
    return rotation, float((angle + np.pi) % (2 * np.pi) - np.pi)


def about_z(angle: float) -> Floats:
    """Rotation in the frontal plane, from the left to the feet, (3, 3); the angle in rad."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def about_y(angle: float) -> Floats:
    """Rotation in the horizontal plane, from the left to the back, (3, 3); the angle in rad."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, 0.0, -sine], [0.0, 1.0, 0.0], [sine, 0.0, cosine]])


def twelve(leads: Floats) -> NDArray[np.float32]:
    """Derive the other limb leads: Einthoven 1912, Goldberger 1942.

    Args:
        leads: I, II, V1–V6, (600, 8) in mV.

    Returns:
        (600, 12) in mV, in clinical order.
    """
    one, two = leads[:, 0], leads[:, 1]
    limbs = np.stack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2], axis=1)
    return np.concatenate([limbs, leads[:, 2:]], axis=1).astype(np.float32)
