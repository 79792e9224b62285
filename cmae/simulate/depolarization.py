"""P and QRS: loops of a dipole, turned to the heart's axis, and what only a near electrode sees.

Frank's axes: x to the left, y to the feet, z to the back. Inside the QRS complex time is written
as a share of its duration; it is stretched so that the complex measures its factor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.simulate.leads import about_y, frontal_rotation
from cmae.simulate.pulses import Pulses

Floats = NDArray[np.float64]
Row = tuple[float, float, float, Floats]

EDGE_SPEED = 0.043
"""A QRS complex begins and ends where the leads move at this share of their fastest."""

SCARS = {
    "anterior": ((-0.10, 0.05, 0.60), (0.22, 0.12, 0.40)),
    "inferior": ((0.05, -0.62, 0.05), (0.05, -0.28, -0.10)),
    "lateral": ((-0.62, 0.05, -0.15), (-0.25, 0.0, -0.25)),
}
"""Early and main forces that point away from a scar: the Q waves and the lost R of its leads."""

FREE_WALL = (0.0, 0.0, 0.0, 0.4, 1.0, 0.9, 0.3, 0.0)
"""How I, II, V1–V6 see the free wall next to V3 and V4."""

ATRIAL_SIGHT = np.array([1.0, 1.0, 1.0, 0.8, 0.65, 0.6, 0.6, 0.65])[:, None]
"""How I, II, V1–V6 see the atria, which lie behind the dipole's origin, against the ventricles."""

SMOOTH = np.linalg.cholesky(
    np.exp(-0.5 * (np.subtract.outer(np.arange(6), np.arange(6)) / 1.1) ** 2) + 1e-6 * np.eye(6)
)
"""Makes independent numbers of the chest electrodes alike between neighbours, (6, 6)."""


@dataclass(frozen=True)
class Depolarization:
    """The ventricles' depolarization as leads see it.

    Attributes:
        qrs: Pulses in I, II, V1–V6; the complex begins at 0 ms.
        turn: Rotation of its loop, (3, 3).
        frontal_rad: The frontal part of the rotation.
    """

    qrs: Pulses
    turn: Floats
    frontal_rad: float


def depolarization(
    heart: Mapping[str, Any], matrix: Floats, rng: np.random.Generator
) -> Depolarization:
    """Build the QRS complex of a heart.

    Args:
        heart: Factors of the ECG.
        matrix: The lead matrix, (8, 3).
        rng: Fine variety: bends, fragments, near fields.

    Returns:
        Pulses whose measured axis and duration are the factors'.
    """
    sideways = about_y(np.deg2rad(heart["qrs_turn_deg"]))
    turning = Pulses.of(_activation(heart, rng))
    turning = turning.seen_by(sideways * heart["qrs_gain"])
    fixed = Pulses.of(_scar(heart) + _bends(heart, rng))
    fixed = fixed.seen_by(np.eye(3) * heart["qrs_gain"])
    frontal, angle = frontal_rotation(
        turning.area, fixed.area, matrix, axis_deg=heart["qrs_axis_deg"]
    )
    qrs = (turning.seen_by(frontal) + fixed).seen_by(matrix) + _near_field(heart, rng)
    return Depolarization(_timed(qrs, heart["qrs_ms"]), frontal @ sideways, angle)


def _activation(heart: Mapping[str, Any], rng: np.random.Generator) -> list[Row]:
    """Septum, apex, free wall, posterior wall, base: shares of the duration and mV."""
    back = heart["posterior_gain"] ** 0.8
    if heart["left_bundle_branch_block"]:
        rows = [
            (0.20, 0.085, (0.15, 0.10, 0.30)),
            (0.40, 0.105, (0.90, 0.45, 0.75 * back)),
            (0.66, 0.110, (1.00, 0.40, 0.66 * back)),
            (0.86, 0.060, (0.15, 0.00, 0.15)),
        ]
    else:
        is_right = heart["right_bundle_branch_block"]
        late = 0.72 if is_right else 1.0
        septal, terminal = heart["septal_gain"], heart["terminal_gain"]
        rows = [
            (0.19 * late, 0.062 * late, (-0.14 * septal, -0.10 * septal, -0.25 * septal)),
            (0.36 * late, 0.072 * late, (0.55, 0.34, 0.0)),
            (0.47 * late, 0.074 * late, (0.92, 0.62, 0.38 * back)),
            (0.62 * late, 0.075 * late, (0.10, 0.22, 0.80 * back)),
            (0.80 * late, 0.070 * late, (-0.13 * terminal, -0.16 * terminal, 0.20 * terminal)),
        ]
        if is_right:
            rows.append((0.74, 0.115, (-0.50, 0.02, -0.55)))
    early = rng.normal(0.0, 0.014, len(rows))
    broad = np.exp(rng.normal(0.0, 0.09, len(rows)))
    return [
        (share + moved, width * wider, width * wider, np.array(moment))
        for (share, width, moment), moved, wider in zip(rows, early, broad, strict=True)
    ]


def _scar(heart: Mapping[str, Any]) -> list[Row]:
    """Forces away from a scar, by its extent."""
    scar = SCARS.get(heart["infarct_territory"])
    if scar is None:
        return []
    extent = heart["scar_extent"]
    return [
        (0.21, 0.075, 0.075, extent * np.array(scar[0])),
        (0.46, 0.090, 0.090, 0.9 * extent * np.array(scar[1])),
    ]


def _bends(heart: Mapping[str, Any], rng: np.random.Generator) -> list[Row]:
    """Small bends of every loop; in some, more often over a scar, notches (fragmented QRS)."""
    rows = []
    for share, width in zip(rng.uniform(0.15, 0.88, 3), rng.uniform(0.035, 0.075, 3), strict=True):
        rows.append((float(share), float(width), float(width), 0.055 * rng.standard_normal(3)))
    is_fragmented = rng.random() < (0.22 if heart["infarct_territory"] == "none" else 0.55)
    at, direction = rng.uniform(0.3, 0.75), rng.standard_normal(3) * (0.07, 0.13, 0.10)
    if is_fragmented:
        apart = rng.uniform(0.05, 0.08)
        for share, sign in ((at - apart, 1.0), (at, -1.4), (at + apart, 1.0)):
            rows.append((float(share), 0.030, 0.030, sign * direction))
    return rows


def _near_field(heart: Mapping[str, Any], rng: np.random.Generator) -> Pulses:
    """What each chest electrode sees of the muscle next to it, in I, II, V1–V6."""
    size = heart["qrs_gain"] * heart["precordial_gain"]
    rows = []
    for share, width, height in ((0.34, 0.075, 0.08), (0.52, 0.085, 0.12), (0.70, 0.07, 0.08)):
        moment = height * size * (SMOOTH @ rng.standard_normal(6))
        rows.append((share, width, width, np.concatenate([np.zeros(2), moment])))
    # The free wall under V3 and V4: where voltage knows most of the left ventricle's mass.
    wall = -0.30 * heart["posterior_gain"] * size * np.array(FREE_WALL)
    rows.append((0.60, 0.08, 0.08, wall))
    local = 0.06 * size * rng.standard_normal(6)
    rows.append((float(rng.uniform(0.3, 0.7)), 0.04, 0.04, np.concatenate([np.zeros(2), local])))
    return Pulses.of(rows)


def _timed(qrs: Pulses, duration_ms: float) -> Pulses:
    """Stretch a complex from shares to ms so that it begins at 0 and lasts its duration."""
    shares = np.arange(-0.15, 1.2, 0.008)
    speed = np.sqrt(np.mean(np.gradient(qrs.at(shares), axis=0) ** 2, axis=1))
    fast = np.flatnonzero(speed > EDGE_SPEED * speed.max())
    first, last = shares[fast[0]], shares[fast[-1]]
    scale = duration_ms / (last - first)
    return qrs.in_time(scale, -first * scale)


def atria(heart: Mapping[str, Any], rng: np.random.Generator) -> list[Row]:
    """Build P: right atrium to the front and down, then left atrium, to the left and back.

    A long P parts into two humps (large left atrium).

    Args:
        heart: Factors of the ECG; pr_ms is NaN where the atria fibrillate.
        rng: Fine variety.

    Returns:
        Pulses of a dipole, time 0 at the begin of the QRS complex; none in fibrillation.
    """
    bend = 0.014 * rng.standard_normal((2, 3))
    if not np.isfinite(heart["pr_ms"]):
        return []
    duration, gain = heart["p_duration_ms"], heart["p_gain"]
    apart = float(np.clip((duration - 112.0) / 25.0, 0.0, 1.0))
    width = (0.180 - 0.03 * apart) * duration
    right = gain * (np.array((0.070, 0.055, -0.042)) + bend[0])
    back = heart["p_terminal"] * np.array((0.02, 0.0, 0.045))
    left = gain * (np.array((0.080, 0.040, 0.0)) + back + bend[1])
    recovery = -0.13 * (right + left)
    onset = -heart["pr_ms"]
    return [
        (onset + (0.36 - 0.06 * apart) * duration, width, width, right),
        (onset + (0.64 + 0.06 * apart) * duration, width, width, left),
        (onset + 1.5 * duration, 0.45 * duration, 0.45 * duration, recovery),
    ]
