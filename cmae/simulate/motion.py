"""The heart through one cycle: volumes, planes of the valves, and their timing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import MRI_FRAMES

Floats = NDArray[np.float64]

FINE = 400
"""Instants at which a cycle is computed before its frames are taken."""


@dataclass(frozen=True)
class Cycle:
    """One heart over MRI_FRAMES frames, frame 0 the end of diastole; each array is (frames,).

    Attributes:
        lv_ml: Left ventricular volume.
        lv_early_ml: The same, of muscle that contracts early (the septum in left bundle block).
        lv_late_ml: The same, of muscle that contracts late.
        rv_ml: Right ventricular volume.
        la_ml: Left atrial volume.
        ra_ml: Right atrial volume.
        descent: Descent of the mitral plane, 0 at end diastole, 1 at end systole.
        rv_descent: The same of the tricuspid plane.
        opening: How far the atrioventricular valves stand open, 0 to 1.
        outflow: Flow out of the ventricles, 0 to 1 of its peak.
        inflow: Flow into the ventricles, 0 to 1 of its peak.
    """

    lv_ml: Floats
    lv_early_ml: Floats
    lv_late_ml: Floats
    rv_ml: Floats
    la_ml: Floats
    ra_ml: Floats
    descent: Floats
    rv_descent: Floats
    opening: Floats
    outflow: Floats
    inflow: Floats


def cycle(heart: Mapping[str, Any]) -> Cycle:
    """Return one cycle of a heart.

    Ejection ends about where the T wave ends; rapid filling follows the isovolumic relaxation; the
    atrial kick starts about a PR interval before the next R peak and ends with it, so diastasis is
    what the rate leaves between the two.

    Args:
        heart: The factors of MRI_INPUTS, a row of ``physiology.draw``.

    Returns:
        The cycle at ``k / MRI_FRAMES`` of RR.
    """
    rr, start = heart["scan_rr_ms"], heart["ejection_start_ms"]
    time = np.arange(FINE) / FINE * rr
    stop = min(max(heart["ejection_stop_ms"], start + 160.0), 0.72 * rr)
    early_start = stop + 55.0
    early_length = min(230.0, 0.96 * rr - early_start)
    kick = heart["atrial_kick_share"]
    ejected = _swept((time - start) / (stop - start), 0.92)
    early = _swept((time - early_start) / early_length, 0.80)
    slow = ((time - early_start) / (rr - early_start)).clip(0, 1)
    if kick > 0:
        kick_length = min(max(float(heart["atrial_lead_ms"]), 90.0), 0.4 * rr)
        atrial = _swept((time - rr + kick_length) / kick_length, 1.0)
    else:
        atrial = slow
    passive = 0.93 * early + 0.07 * slow
    emptied = ejected - (1 - kick) * passive - kick * atrial
    la_shape = _swept((time - start) / (early_start - start), 0.95)
    booster = 0.42 if kick > 0 else 0.0
    la_shape = la_shape - (1 - booster) * early - booster * atrial
    inflow = np.gradient(passive * (1 - kick) + kick * atrial)
    outflow = np.gradient(ejected)
    inflow, outflow = inflow / inflow.max(), outflow / outflow.max()
    opening = np.where(time > early_start - 12, 0.22 + 0.78 * inflow.clip(0), 0.0)
    lag = (46.0 if heart["left_bundle_branch_block"] else 4.0) / rr * FINE
    rv_emptied = _shifted(emptied, heart["rv_delay_ms"] / rr * FINE)

    lv = _between(heart["lvedv_ml"], heart["lvesv_ml"], emptied)
    la_min = heart["la_max_ml"] * (1 - heart["la_ef_percent"] / 100)
    ra_min = heart["ra_max_ml"] * (1 - 0.9 * heart["la_ef_percent"] / 100)
    frames = np.arange(MRI_FRAMES) * FINE // MRI_FRAMES
    return Cycle(
        lv_ml=lv[frames],
        lv_early_ml=_shifted(lv, -lag)[frames],
        lv_late_ml=_shifted(lv, lag)[frames],
        rv_ml=_between(heart["rvedv_ml"], heart["rvesv_ml"], rv_emptied)[frames],
        la_ml=_between(la_min, heart["la_max_ml"], la_shape)[frames],
        ra_ml=_between(ra_min, heart["ra_max_ml"], la_shape)[frames],
        descent=emptied[frames],
        rv_descent=rv_emptied[frames],
        opening=_smoothed(opening)[frames],
        outflow=outflow[frames],
        inflow=inflow[frames].clip(0),
    )


def _between(at_zero: float, at_one: float, shape: Floats) -> Floats:
    result: Floats = at_zero + (at_one - at_zero) * shape
    return result


def _swept(share: Floats, skew: float) -> Floats:
    """A smooth step from 0 at share 0 to 1 at share 1; its slope is a raised cosine."""
    share = share.clip(0, 1) ** skew
    result: Floats = share - np.sin(2 * np.pi * share) / (2 * np.pi)
    return result


def _shifted(curve: Floats, steps: float) -> Floats:
    """The periodic curve later by a number of steps; frame 0 stays where it is."""
    index = np.arange(len(curve))
    moved = np.interp(index - steps, index, curve, period=len(curve))
    ramp = (index / (0.06 * len(curve))).clip(0, 1)
    ramp = ramp * ramp[::-1]
    result: Floats = curve + ramp * (moved - curve)
    return result


def _smoothed(curve: Floats) -> Floats:
    kernel = np.hanning(FINE // 20)
    padded = np.concatenate([curve[-FINE // 2 :], curve, curve[: FINE // 2]])
    result: Floats = np.convolve(padded, kernel / kernel.sum(), "same")[FINE // 2 : -(FINE // 2)]
    return result
