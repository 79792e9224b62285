"""Physiology to a median beat: a moving dipole seen by twelve leads.

P, QRS and T are loops of a dipole at a fixed origin (Frank axes: x to the left, y to the feet,
z to the back), sums of Gaussians in time. The matrix of Dower 1968 projects them on I, II and
V1–V6; the chest leads get near-field terms that no dipole has. The other limb leads are derived
after the noise, so that Einthoven's and Goldberger's equations hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import ECG_RATE_HZ, R_PEAK_SAMPLE

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

SAMPLES = 600
TIMES_MS = (np.arange(SAMPLES) - R_PEAK_SAMPLE) * (1000 / ECG_RATE_HZ)
UNTURNED_AXIS_DEG = 44.0
"""Frontal axis, read off the leads, of the loops as they are written here."""
R_IN_QRS = 0.44
"""Where the R peak of an ordinary QRS stands, as a share of its duration."""


@dataclass
class Loop:
    """A sum of Gaussian pulses of a dipole moment.

    Attributes:
        pulses: Each (centre ms, rise ms, fall ms, (x, y, z) mV): widths are Gaussian SDs.
    """

    pulses: list[tuple[float, float, float, Floats]] = field(default_factory=list)

    def add(self, centre: float, width: tuple[float, float], moment: Floats) -> None:
        """Add a pulse with its own rise and fall."""
        self.pulses.append((centre, *width, moment))

    def at(self, times: Floats) -> Floats:
        """Return the dipole at ``times`` (n,) in ms: (n, 3) in mV."""
        centre = np.array([pulse[0] for pulse in self.pulses])
        rise = np.array([pulse[1] for pulse in self.pulses])
        fall = np.array([pulse[2] for pulse in self.pulses])
        moments = np.array([pulse[3] for pulse in self.pulses])
        away = times[:, None] - centre
        width = np.where(away < 0, rise, fall)
        result: Floats = np.exp(-0.5 * (away / width) ** 2) @ moments
        return result


def render(heart: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.float32]:
    """Render the median beat of a heart, with its neighbours where the rate brings them in.

    Args:
        heart: The factors of ECG_INPUTS, a row of ``physiology.draw``.
        rng: Fine variety and noise.

    Returns:
        (600, 12) in mV at 500 Hz, the R peak at sample 200.
    """
    ventricles, atria = _ventricles(heart, rng), _atria(heart, rng)
    shift = _r_peak_ms(ventricles)
    near_field = _near_field(heart, rng)
    leads = np.zeros((SAMPLES, 8))
    for beat in (-1, 0, 1):
        times = TIMES_MS - beat * heart["rr_ms"] + shift
        qrs_t = ventricles.at(times)
        dipole = qrs_t + atria.at(times) if atria.pulses else qrs_t
        leads += dipole @ _electrodes(heart).T
        leads[:, 2:] += heart["precordial_gain"] * near_field.at(times)
    return _twelve(leads + _noise(heart, rng))


def _rotation(heart: Mapping[str, Any]) -> Floats:
    """Turn the loops to this heart's frontal axis and horizontal turn, (3, 3).

    The matrix widens frontal angles: 0.72 makes up for it on average.
    """
    frontal = 0.72 * np.deg2rad(heart["qrs_axis_deg"] - UNTURNED_AXIS_DEG)
    turn = np.deg2rad(heart["qrs_turn_deg"])
    about_z = np.array(
        [
            [np.cos(frontal), -np.sin(frontal), 0.0],
            [np.sin(frontal), np.cos(frontal), 0.0],
            [0.0, 0.0, 1.0],
        ]
    )
    about_y = np.array(
        [[np.cos(turn), 0.0, -np.sin(turn)], [0.0, 1.0, 0.0], [np.sin(turn), 0.0, np.cos(turn)]]
    )
    rotation: Floats = about_z @ about_y
    return rotation


def _ventricles(heart: Mapping[str, Any], rng: np.random.Generator) -> Loop:
    """QRS, ST and T of one beat; time 0 is where R stands in an ordinary QRS."""
    rotation, duration = _rotation(heart), heart["qrs_ms"]
    loop = Loop()

    def add(share: float, width: float, moment: tuple[float, float, float]) -> None:
        centre = (share - R_IN_QRS) * duration
        turned = rotation @ np.array(moment) * heart["qrs_gain"]
        loop.add(centre, (width * duration, width * duration), turned)

    septal, terminal = heart["septal_gain"], heart["terminal_gain"]
    if heart["left_bundle_branch_block"]:
        add(0.20, 0.085, (0.15, 0.10, 0.30))
        add(0.40, 0.105, (0.90, 0.45, 0.85))
        add(0.66, 0.110, (1.00, 0.40, 0.75))
        add(0.86, 0.060, (0.15, 0.00, 0.15))
    else:
        late = 0.72 if heart["right_bundle_branch_block"] else 1.0
        add(0.19 * late, 0.062 * late, tuple(septal * np.array((-0.14, -0.10, -0.25))))
        add(0.36 * late, 0.082 * late, (0.55, 0.34, 0.0))
        add(0.47 * late, 0.088 * late, (0.92, 0.62, 0.52))
        add(0.62 * late, 0.085 * late, (0.16, 0.22, 0.60))
        add(0.80 * late, 0.070 * late, tuple(terminal * np.array((-0.13, -0.16, 0.20))))
        if heart["right_bundle_branch_block"]:
            add(0.74, 0.115, (-0.50, 0.02, -0.55))
    _scar(heart, add)
    for _ in range(3):
        bend = 0.055 * rng.standard_normal(3)
        add(rng.uniform(0.15, 0.88), rng.uniform(0.035, 0.075), tuple(bend))
    _repolarization(heart, loop, rotation, rng)
    return loop


def _scar(heart: Mapping[str, Any], add: Any) -> None:  # noqa: ANN401 - a local function
    """Early forces that point away from a scar: the Q waves of its leads."""
    away = {
        "anterior": ((-0.10, 0.05, 0.60), (0.22, 0.12, 0.40)),
        "inferior": ((0.05, -0.62, 0.05), (0.05, -0.28, -0.10)),
        "lateral": ((-0.62, 0.05, -0.15), (-0.25, 0.0, -0.25)),
    }.get(heart["infarct_territory"])
    if away is not None:
        add(0.21, 0.075, away[0])
        add(0.46, 0.090, tuple(np.multiply(away[1], 0.9)))


def _repolarization(
    heart: Mapping[str, Any], loop: Loop, rotation: Floats, rng: np.random.Generator
) -> None:
    """Add the ST segment, the T wave ending at QT, and a small U wave."""
    onset = -R_IN_QRS * heart["qrs_ms"]
    end = onset + heart["qt_ms"]
    fall = 0.092 * heart["qt_ms"]
    peak = end - 2.05 * fall
    offset = np.deg2rad(heart["t_axis_offset_deg"])
    turned = np.array(
        [
            [np.cos(offset), -np.sin(offset), 0],
            [np.sin(offset), np.cos(offset), 0],
            [0, 0, 1],
        ]
    )
    half = 0.5 * _rotation({**heart, "qrs_axis_deg": UNTURNED_AXIS_DEG}) + 0.5 * rotation
    upright = turned @ half @ np.array((0.26, 0.17, -0.17)) * heart["t_gain"]
    strain = heart["st_strain"] * heart["qrs_gain"]
    opposite = -strain * (rotation @ np.array((0.42, 0.20, 0.26)))
    if heart["left_bundle_branch_block"]:
        upright = 0.35 * upright
        opposite = -0.42 * heart["qrs_gain"] * (rotation @ np.array((0.75, 0.30, 0.75)))
    elif heart["right_bundle_branch_block"]:
        opposite = opposite + np.array((0.08, 0.0, 0.16)) * heart["qrs_gain"]
    scar = {
        "anterior": (-0.05, 0.0, 0.24),
        "inferior": (0.03, -0.26, 0.0),
        "lateral": (-0.26, 0.0, -0.05),
    }.get(heart["infarct_territory"], (0.0, 0.0, 0.0))
    moment = upright + opposite + np.array(scar)
    rise = heart["t_skew"] * fall
    loop.add(peak, (rise, fall), moment)
    segment = 0.055 * heart["j_elevation"] * np.array((0.30, 0.25, -0.75)) + 0.24 * opposite
    loop.add(0.55 * (peak + heart["qrs_ms"] * 0.5), (0.42 * rise + 18, 1.25 * fall), segment)
    wave = np.array((0.014, 0.008, -0.018)) * np.exp(0.4 * rng.standard_normal())
    loop.add(end + 75, (28.0, 40.0), wave)


def _atria(heart: Mapping[str, Any], rng: np.random.Generator) -> Loop:
    """P: right atrium first, to the front and down, then left atrium, to the left and back."""
    loop = Loop()
    if not np.isfinite(heart["pr_ms"]):
        return loop
    onset = -R_IN_QRS * heart["qrs_ms"] - heart["pr_ms"]
    duration, gain = heart["p_duration_ms"], heart["p_gain"]
    width = 0.165 * duration
    bend = 0.008 * rng.standard_normal((2, 3))
    right = gain * (np.array((0.035, 0.075, -0.042)) + bend[0])
    left = gain * (
        np.array((0.050, 0.045, 0.0)) + heart["p_terminal"] * np.array((0.02, 0.0, 0.045)) + bend[1]
    )
    loop.add(onset + 0.36 * duration, (width, width), right)
    loop.add(onset + 0.64 * duration, (width, width), left)
    recovery = -0.10 * (right + left)
    loop.add(onset + 1.5 * duration, (0.45 * duration, 0.45 * duration), recovery)
    return loop


def _r_peak_ms(ventricles: Loop) -> float:
    """Return when the dipole of the QRS is largest, to 0.25 ms."""
    times = np.arange(-60.0, 110.0, 0.25)
    early = Loop([pulse for pulse in ventricles.pulses if pulse[1] < 24.0])
    return float(times[np.argmax((early.at(times) ** 2).sum(axis=1))])


def _electrodes(heart: Mapping[str, Any]) -> Floats:
    """The lead matrix with the chest electrodes moved along their row, behind the wall, (8, 3)."""
    matrix = DOWER.copy()
    positions = np.arange(6) + heart["precordial_shift"]
    for axis in range(3):
        matrix[2:, axis] = np.interp(positions, np.arange(6), DOWER[2:, axis])
    matrix[2:] *= heart["precordial_gain"]
    return matrix


def _near_field(heart: Mapping[str, Any], rng: np.random.Generator) -> Loop:
    """What each chest electrode sees of the muscle next to it: (n, 6) in mV when evaluated."""
    loop = Loop()
    smooth = np.exp(-0.5 * (np.subtract.outer(np.arange(6), np.arange(6)) / 1.1) ** 2)
    root = np.linalg.cholesky(smooth + 1e-6 * np.eye(6))
    duration = heart["qrs_ms"]
    for share, width, size in ((0.34, 0.09, 0.10), (0.52, 0.10, 0.15), (0.70, 0.08, 0.08)):
        moment = size * heart["qrs_gain"] * (root @ rng.standard_normal(6))
        loop.add((share - R_IN_QRS) * duration, (width * duration, width * duration), moment)
    wave = 0.045 * heart["t_gain"] * (root @ rng.standard_normal(6))
    fall = 0.092 * heart["qt_ms"]
    end = heart["qt_ms"] - R_IN_QRS * duration
    loop.add(end - 2.05 * fall, (1.6 * fall, fall), wave)
    return loop


def _noise(heart: Mapping[str, Any], rng: np.random.Generator) -> Floats:
    """Residual noise of a median beat: muscle, slow drift, and fibrillation, (600, 8) in mV."""
    level = heart["ecg_noise_mv"]
    white = rng.standard_normal((SAMPLES + 2, 8))
    muscle = (white[:-2] + 1.2 * white[1:-1] + white[2:]) / 1.85
    phase = 2 * np.pi * (TIMES_MS[:, None] - TIMES_MS[0]) / 1200
    drift = np.zeros((SAMPLES, 8))
    for cycle in (1, 2, 3, 5):
        weights = rng.standard_normal((2, 8)) / cycle
        drift += np.sin(phase * cycle) * weights[0] + (np.cos(phase * cycle) - 1) * weights[1]
    total = 0.72 * level * muscle + 0.42 * level * drift
    if not np.isfinite(heart["pr_ms"]):
        rate = rng.uniform(5.0, 8.0)
        sight = DOWER @ np.array((0.004, 0.012, -0.014))
        total += np.sin(phase * 1.2 * rate + rng.uniform(0, 6))[:, :1] * sight
    result: Floats = total
    return result


def _twelve(leads: Floats) -> NDArray[np.float32]:
    """Twelve leads from I, II, V1–V6, (600, 8) in mV: Einthoven 1912, Goldberger 1942."""
    one, two = leads[:, 0], leads[:, 1]
    limbs = np.stack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2], axis=1)
    return np.concatenate([limbs, leads[:, 2:]], axis=1).astype(np.float32)
