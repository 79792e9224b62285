"""Which view of the heart a slice shows, from how it lies in the patient.

The long axis of the left ventricle points to the patient's left, front and feet. Short-axis slices
stand across it; the long-axis views contain it and are turned about it by about 60° from one to
the next: three-chamber, four-chamber, two-chamber, as they are planned on a short-axis slice. In
patient coordinates of DICOM x points to the patient's left, y to the back, z to the head.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FOUR_CHAMBER = "four-chamber"
SHORT_AXIS = "short-axis"
UNKNOWN = "unknown"

USUAL_AXIS = (0.60, -0.58, -0.54)
"""From base to apex: about 40° forward and 40° downward, as in healthy adults."""

_TURNS_DEG = {FOUR_CHAMBER: 5.0, "two-chamber": 65.0, "three-chamber": -55.0}
"""Turn of the plane about the long axis from the one that holds the patient's left-right axis."""

RECOGNIZED_DEG = 36.0
"""Planes farther than this from every view are of none: about 2.5 standard deviations between
people and between those who plan slices."""

_MOST_FROM_USUAL_DEG = 40.0
_DISTINCT_DEG = 25.0


def expected_normals(axis: Sequence[float] | Floats = USUAL_AXIS) -> dict[str, Floats]:
    """Return the normal that each view has in a heart with some long axis.

    Args:
        axis: From base to apex, any length.

    Returns:
        Unit vectors in patient coordinates, by view.
    """
    apex = np.asarray(axis, np.float64) / np.linalg.norm(axis)
    level = np.cross(apex, (-1.0, 0.0, 0.0))
    level /= np.linalg.norm(level)
    beside = np.cross(apex, level)
    normals = {SHORT_AXIS: apex}
    for view, turn in _TURNS_DEG.items():
        angle = np.deg2rad(turn)
        normals[view] = np.cos(angle) * level + np.sin(angle) * beside
    return normals


def angle_deg(first: Floats, second: Floats) -> float:
    """Return the angle between two planes by their unit normals, 0 to 90."""
    return float(np.degrees(np.arccos(min(abs(float(first @ second)), 1.0))))


def angles_to_views(normal: Floats, axis: Floats | None = None) -> dict[str, float]:
    """Return how far a plane is turned from each view, in degrees.

    Args:
        normal: Unit normal of the plane.
        axis: Long axis of this heart, where other slices tell it.

    Returns:
        Angles in degrees, 0 to 90, by view.
    """
    views = expected_normals(USUAL_AXIS if axis is None else axis)
    return {view: angle_deg(normal, expected) for view, expected in views.items()}


def nearest_view(angles: Mapping[str, float]) -> str:
    """Return the view that a plane shows by its angles to all, or UNKNOWN if it is far from all."""
    view = min(angles, key=lambda name: angles[name])
    return view if angles[view] <= RECOGNIZED_DEG else UNKNOWN


def margin_deg(angles: Mapping[str, float]) -> float:
    """Return by how many degrees a plane is nearer to the four-chamber view than to any other."""
    others = [angle for view, angle in angles.items() if view != FOUR_CHAMBER]
    return min(others) - angles[FOUR_CHAMBER]


def long_axis(normals: Sequence[Floats]) -> Floats | None:
    """Find the long axis of a heart from the slices that were planned on it.

    A short-axis slice stands across it. Without one, it is the line in which the long-axis planes
    meet.

    Args:
        normals: Unit normals of all slices of one examination.

    Returns:
        Unit vector from base to apex, or None where the slices do not tell.
    """
    usual = expected_normals()
    across = [normal for normal in normals if nearest_view(angles_to_views(normal)) == SHORT_AXIS]
    if across:
        axis = min(across, key=lambda normal: angle_deg(normal, usual[SHORT_AXIS]))
    else:
        if not _differ(normals):
            return None
        axis = np.linalg.eigh(sum(np.outer(normal, normal) for normal in normals))[1][:, 0]
    if angle_deg(axis, usual[SHORT_AXIS]) > _MOST_FROM_USUAL_DEG:
        return None
    return np.asarray(axis * np.sign(axis @ usual[SHORT_AXIS]), np.float64)


def _differ(normals: Sequence[Floats]) -> bool:
    """Whether two of some planes are turned enough against each other to meet in a sure line."""
    return any(
        angle_deg(first, second) > _DISTINCT_DEG
        for k, first in enumerate(normals)
        for second in normals[:k]
    )
