"""The four-chamber section as closed contours that move.

Heart axes, in mm: z runs along the long axis of the left ventricle from its apex (0) to the base,
x from the septum (−) to the lateral wall (+). A chamber's contour comes from its volume at every
instant, so that volumes measured back from the contours are the factors: the left ventricle by
slices that are circles, V = π ∫ w² dz; the atria likewise; the right ventricle by its area.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.simulate.motion import Cycle

Floats = NDArray[np.float64]

POINTS = 28
"""Points along one side of a chamber."""

LATERAL, SEPTAL = 1.06, 0.94
"""Half widths of the left ventricle towards the lateral wall and the septum; their mean is 1."""

SCAR_SHARE = {
    "none": (0.0, 0.0),
    "anterior": (0.75, 0.45),
    "inferior": (0.45, 0.0),
    "lateral": (0.0, 0.75),
}
"""Share of motion that a scar takes from the (septal, lateral) wall of this section."""


@dataclass(frozen=True)
class Chamber:
    """A closed contour over the cycle, star-shaped about a fixed point.

    Attributes:
        contour: (frames, points, 2) of (x, z) in mm.
        centre: (2,) inside the contour at every instant.
    """

    contour: Floats
    centre: Floats


@dataclass(frozen=True)
class Section:
    """All contours of a heart, and the hinges of its valves.

    Attributes:
        lv: Left ventricular cavity.
        lv_outside: Outline of the left ventricular muscle, the septum included.
        rv: Right ventricular cavity.
        la: Left atrium.
        ra: Right atrium.
        mitral: (frames, 2, 2): septal and lateral hinge, (x, z) in mm.
        tricuspid: (frames, 2, 2): septal and lateral hinge.
        length: (frames,) long axis in mm.
        half_width: (frames,) largest half width of the left ventricle in mm.
    """

    lv: Chamber
    lv_outside: Chamber
    rv: Chamber
    la: Chamber
    ra: Chamber
    mitral: Floats
    tricuspid: Floats
    length: Floats
    half_width: Floats


def ventricle_profile(share: Floats) -> Floats:
    """Half width of a ventricle along its axis, 0 at the apex, 1 where it is widest."""
    below = 1 - ((0.6 - share) / 0.6).clip(0) ** 2
    above = 1 - ((share - 0.6) / 0.575).clip(0) ** 2
    result: Floats = np.sqrt(np.minimum(below, above).clip(0))
    return result


def atrium_profile(share: Floats) -> Floats:
    """Width of an atrium from its valve (0) to its roof (1)."""
    above = 1 - ((share - 0.42) / 0.58).clip(0) ** 2.8
    below = 1 - 0.22 * ((0.42 - share) / 0.42).clip(0) ** 2
    result: Floats = np.sqrt(above.clip(0)) * below
    return result


SIDE = np.sin(np.linspace(0, np.pi / 2, POINTS)) ** 1.6
"""Where along its axis a side is sampled: densely at both ends."""
_GRID = np.linspace(0, 1, 400)
VENTRICLE_SHAPE = float(np.mean(ventricle_profile(_GRID) ** 2))
ATRIUM_SHAPE = float(np.mean(atrium_profile(_GRID) ** 2))


def section(heart: Mapping[str, Any], cycle: Cycle) -> Section:
    """Return the contours of a heart over its cycle.

    Args:
        heart: The factors of MRI_INPUTS.
        cycle: Its volumes and valve plane.

    Returns:
        Contours in heart axes, in mm.
    """
    length = heart["lv_length_mm"] * (1 - heart["lv_shortening"] * cycle.descent)
    septal, lateral, outer_septal, outer_lateral, apex = _left_walls(heart, cycle, length)
    along = length[:, None] * SIDE
    lv = _closed(lateral, along, -septal, along)
    outside_z = -apex[:, None] + (length + apex)[:, None] * SIDE
    lv_outside = _closed(outer_lateral, outside_z, -outer_septal, outside_z)
    middle = 0.5 * length.min()
    mitral = np.stack(
        [np.stack([-septal[:, -1], length], -1), np.stack([lateral[:, -1], length], -1)], axis=1
    )
    rv, tricuspid = _right_ventricle(heart, cycle, length, outer_septal, outside_z)
    la, ra = _atria(heart, cycle, length, mitral, tricuspid)
    width = np.sqrt(cycle.lv_ml * 1000 / (np.pi * length * VENTRICLE_SHAPE))
    return Section(
        lv=Chamber(lv, np.array([0.0, middle])),
        lv_outside=Chamber(lv_outside, np.array([0.0, middle])),
        rv=rv,
        la=la,
        ra=ra,
        mitral=mitral,
        tricuspid=tricuspid,
        length=length,
        half_width=width,
    )


def _left_walls(
    heart: Mapping[str, Any], cycle: Cycle, length: Floats
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Half widths (frames, points) inside and outside, septal and lateral, and the apex in mm."""
    muscle = heart["lv_mass_g"] / 1.05

    def width(volume: Floats, long: Floats) -> Floats:
        result: Floats = np.sqrt(volume * 1000 / (np.pi * long * VENTRICLE_SHAPE))
        return result

    mean = width(cycle.lv_ml, length)
    apex = 0.45 * (width(cycle.lv_ml + muscle, length * 1.05) - mean)
    outer = width(cycle.lv_ml + muscle, length + apex)
    skew = 0.5 * (width(cycle.lv_early_ml, length) - width(cycle.lv_late_ml, length))
    profile = ventricle_profile(SIDE)
    sides = []
    for share, half, scar in zip(
        (SEPTAL, LATERAL), (mean + skew, mean - skew), _scar(heart), strict=True
    ):
        inside = share * half[:, None] * profile
        outside = share * (outer + half - mean)[:, None] * profile
        thin = 0.25 * (outside[:1] - inside[:1])
        sides.append(
            (
                (1 - scar) * inside + scar * inside[:1],
                (1 - scar) * outside + scar * (outside[:1] - thin),
            )
        )
    (septal, outer_septal), (lateral, outer_lateral) = sides
    if any(scar.any() for scar in _scar(heart)):
        septal, lateral = _with_volume(septal, lateral, cycle.lv_ml, length)
        around = cycle.lv_ml + muscle
        outer_septal, outer_lateral = _with_volume(
            outer_septal, outer_lateral, around, length + apex
        )
    return septal, lateral, outer_septal, outer_lateral, apex


def _scar(heart: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """Share of motion lost along the septal and the lateral wall, (points,) each.

    As SCAR_SHARE says for an infarct of an ordinary extent, 0.19 of the muscle.
    """
    extent = min(0.4 + 3.2 * heart["infarct_extent"], 1.25)
    septal, lateral = (share * extent for share in SCAR_SHARE[heart["infarct_territory"]])
    apical = 1 / (1 + np.exp((SIDE - 0.55) / 0.06))
    return septal * apical, lateral * np.exp(-0.5 * ((SIDE - 0.5) / 0.22) ** 2)


def _with_volume(
    septal: Floats, lateral: Floats, volume: Floats, length: Floats
) -> tuple[Floats, Floats]:
    """Scale both sides so that circles on their mean have the volume again."""
    square = ((septal + lateral) / 2) ** 2
    mean = np.trapezoid(square, SIDE, axis=1)
    scale = np.sqrt(volume * 1000 / (np.pi * length * mean))[:, None]
    return septal * scale, lateral * scale


def _right_ventricle(
    heart: Mapping[str, Any], cycle: Cycle, length: Floats, outer_septal: Floats, outside_z: Floats
) -> tuple[Chamber, Floats]:
    """The crescent on the septum: its area is 23 cm² · (V / 155 mL)^0.78."""
    full = heart["lv_length_mm"]
    low = np.full_like(length, 0.10 * full)
    septal_top = length - 6.0
    lateral_top = full - 3.0 - heart["tapse_mm"] * cycle.rv_descent
    z_septal = low[:, None] + (septal_top - low)[:, None] * SIDE
    z_free = low[:, None] + (lateral_top - low)[:, None] * SIDE
    x_septal = -np.stack(
        [
            np.interp(z, grid, x)
            for z, grid, x in zip(z_septal, outside_z, outer_septal, strict=True)
        ]
    )
    bulge = np.sin(0.61 * np.pi * SIDE**0.88)
    area = 2300.0 * (cycle.rv_ml / 155.0) ** 0.78
    flat = _closed(x_septal, z_septal, x_septal, z_free)
    unit = _closed(x_septal, z_septal, x_septal - bulge, z_free)
    flat_area, unit_area = _area(flat), _area(unit)
    size = (area - flat_area) / (unit_area - flat_area)
    x_free = x_septal - size[:, None] * bulge
    contour = _closed(x_septal, z_septal, x_free, z_free)
    smallest = int(np.argmin(cycle.rv_ml))
    at = int(np.searchsorted(SIDE, 0.55))
    centre = np.array(
        [
            0.5 * (x_septal[:, at].min() + x_free[smallest, at]),
            0.5 * (z_septal[smallest, at] + z_free[smallest, at]),
        ]
    )
    hinges = np.stack(
        [
            np.stack([x_septal[:, -1], z_septal[:, -1]], -1),
            np.stack([x_free[:, -1], z_free[:, -1]], -1),
        ],
        axis=1,
    )
    return Chamber(contour, centre), hinges


def _atria(
    heart: Mapping[str, Any], cycle: Cycle, length: Floats, mitral: Floats, tricuspid: Floats
) -> tuple[Chamber, Chamber]:
    """Both atria on their septum, which leans to the right side; the roofs stand still."""
    lean = np.deg2rad(heart["atrial_septum_deg"])
    full = heart["lv_length_mm"]
    crux_x = mitral[:, 0, 0] - 1.0
    chambers = []
    for side, largest, volume in (
        (1.0, heart["la_max_ml"], cycle.la_ml),
        (-1.0, heart["ra_max_ml"], cycle.ra_ml),
    ):
        roof = full + 37.0 * np.cbrt(largest / 68.0) - (0.0 if side > 0 else 5.0)
        near = length - 1.5 if side > 0 else tricuspid[:, 0, 1] - 1.5
        far = length - 1.5 if side > 0 else tricuspid[:, 1, 1] - 1.5
        septum_x = crux_x[:, None] - np.tan(lean) * (roof - near)[:, None] * SIDE
        septum_x = septum_x + (0.0 if side > 0 else -1.8)
        z_near = near[:, None] + (roof - near)[:, None] * SIDE
        z_far = far[:, None] + (roof - far)[:, None] * SIDE
        height = roof - 0.5 * (near + far)
        width = np.sqrt(4 * volume * 1000 / (np.pi * height * ATRIUM_SHAPE))
        across = side * width[:, None] * atrium_profile(SIDE)
        contour = _closed(septum_x, z_near, septum_x + across, z_far)
        low, at = int(np.argmax(length)), int(np.searchsorted(SIDE, 0.45))
        smallest = int(np.argmin(volume))
        x = float(septum_x[:, at].mean() + 0.5 * across[smallest, at])
        z = float(0.5 * (z_near[low, at] + z_far[low, at]))
        chambers.append(Chamber(contour, np.array([x, z])))
    return chambers[0], chambers[1]


def _closed(x_up: Floats, z_up: Floats, x_down: Floats, z_down: Floats) -> Floats:
    """One side upwards, straight over the base, the other back: (frames, points, 2)."""
    across = np.linspace(0, 1, 14)[1:-1]
    x_base = x_up[:, -1:] + (x_down[:, -1:] - x_up[:, -1:]) * across
    z_base = z_up[:, -1:] + (z_down[:, -1:] - z_up[:, -1:]) * across
    x = np.concatenate([x_up, x_base, x_down[:, :0:-1]], axis=1)
    z = np.concatenate([z_up, z_base, z_down[:, :0:-1]], axis=1)
    result: Floats = np.stack([x, z], axis=-1)
    return result


def _area(contour: Floats) -> Floats:
    """Shoelace area of (frames, points, 2) contours, positive counterclockwise."""
    x, z = contour[..., 0], contour[..., 1]
    total = x * np.roll(z, -1, axis=1) - z * np.roll(x, -1, axis=1)
    result: Floats = 0.5 * total.sum(axis=1)
    return result
