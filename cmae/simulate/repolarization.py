"""ST, T and U: how the ventricles recover, in direction and shape."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.simulate.depolarization import SMOOTH, Depolarization
from cmae.simulate.leads import about_y, about_z
from cmae.simulate.pulses import Pulses

Floats = NDArray[np.float64]

UPRIGHT = (0.28, 0.15, -0.16)
"""T of an ordinary heart, (x, y, z) in mV: to the left, the feet and the front."""

ISCHEMIA = {
    "anterior": (-0.05, 0.0, 0.24),
    "inferior": (0.03, -0.26, 0.0),
    "lateral": (-0.26, 0.0, -0.05),
}
"""Recovery away from a scar: inverted T in its leads."""


def repolarization(
    heart: Mapping[str, Any],
    depolarization: Depolarization,
    matrix: Floats,
    rng: np.random.Generator,
) -> Pulses:
    """Build ST, T and U of a heart; T ends at the QT interval.

    Args:
        heart: Factors of the ECG.
        depolarization: Of the same heart.
        matrix: The lead matrix, (8, 3).
        rng: Fine variety.

    Returns:
        Pulses in I, II, V1–V6; time 0 is the begin of the QRS complex.
    """
    end = heart["qt_ms"]
    fall = 0.092 * end * np.exp(0.10 * rng.standard_normal())
    peak, rise = end - 2.06 * fall, heart["t_skew"] * fall
    upright, opposite = _directions(heart, depolarization)
    main = upright + opposite
    # A loop that is open: its early part points elsewhere, so some leads see two phases.
    early = about_y(0.5 * rng.standard_normal()) @ about_z(0.4 * rng.standard_normal()) @ main
    segment = 0.075 * heart["j_elevation"] * np.array((0.25, 0.12, -0.75)) + 0.24 * opposite
    segment = segment + 0.026 * rng.standard_normal(3)
    swell = np.exp(0.6 * rng.standard_normal()) * (0.8 + 0.4 * (heart["rr_ms"] > 950))
    wave = swell * (np.array((0.012, 0.008, -0.018)) + 0.006 * rng.standard_normal(3))
    dipole = Pulses.of(
        [
            (peak, rise, fall, 0.80 * main),
            (peak - 0.75 * rise, 0.75 * rise, 0.75 * rise, 0.24 * early),
            (0.5 * (peak + heart["qrs_ms"]), 0.42 * rise + 18, 1.25 * fall, segment),
            (end + 75 + 12 * rng.standard_normal(), 28.0, 40.0, wave),
        ]
    )
    return dipole.seen_by(matrix) + _near_field(heart, peak, fall, rng)


def _directions(heart: Mapping[str, Any], depolarization: Depolarization) -> tuple[Floats, Floats]:
    """Return T of normal conduction and what strain, block and scar add, (3,) each in mV."""
    turn, gain = depolarization.turn, heart["qrs_gain"]
    frontal = 0.35 * depolarization.frontal_rad + np.deg2rad(heart["t_axis_offset_deg"])
    sideways = about_y(np.deg2rad(0.4 * heart["qrs_turn_deg"] + heart["t_turn_deg"]))
    upright = about_z(frontal) @ sideways @ np.array(UPRIGHT) * heart["t_gain"]
    opposite = -heart["st_strain"] * gain * (turn @ np.array((0.42, 0.20, 0.26)))
    if heart["left_bundle_branch_block"]:
        upright = 0.35 * upright
        opposite = -0.42 * gain * (turn @ np.array((0.75, 0.30, 0.75)))
    elif heart["right_bundle_branch_block"]:
        opposite = opposite + np.array((0.08, 0.0, 0.16)) * gain
    scar = np.array(ISCHEMIA.get(heart["infarct_territory"], (0.0, 0.0, 0.0)))
    return upright, opposite + heart["scar_extent"] * scar


def _near_field(
    heart: Mapping[str, Any], peak: float, fall: float, rng: np.random.Generator
) -> Pulses:
    """What each chest electrode sees of the recovery next to it."""
    size = heart["t_gain"] * heart["precordial_gain"]
    wave = 0.055 * size * (SMOOTH @ rng.standard_normal(6))
    early = 0.030 * size * (SMOOTH @ rng.standard_normal(6))
    limbs = np.zeros(2)
    return Pulses.of(
        [
            (peak, 1.6 * fall, fall, np.concatenate([limbs, wave])),
            (peak - 1.4 * fall, 1.5 * fall, fall, np.concatenate([limbs, early])),
        ]
    )
