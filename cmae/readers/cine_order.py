"""The frames of a DICOM series: which slice each shows, and their order in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from cmae.errors import ReadError
from cmae.readers.cine_series import RR_MS, group

_SAME_PLACE_MM = 0.5
_SAME_TURN = 0.02

_NO_MAGNITUDE = {"P", "PHASE", "PHASE MAP", "R", "REAL", "I", "IMAGINARY", "VELOCITY", "V"}
"""Values of ImageType or ComplexImageComponent of images that do not show brightness."""


@dataclass(frozen=True)
class Frame:
    """Where one frame lies and what orders it.

    Attributes:
        path: Its file.
        index: Its number in a multi-frame file from 0, None in a file of one image.
        header: Its attributes.
        plane: Position of its first pixel in mm and directions of rows and columns, or None.
        trigger_ms: Time after the R wave.
        number: Instance number, or place in the file.
        others: Further attributes that may order frames in time.
    """

    path: Path
    index: int | None
    header: Dataset
    plane: tuple[float, ...] | None
    trigger_ms: float | None
    number: float
    others: tuple[float | None, ...] = ()


def number_of(value: Any) -> float | None:  # noqa: ANN401 - whatever a DICOM attribute holds
    """Return an attribute as a finite number, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def plane_of(header: Dataset) -> tuple[float, ...] | None:
    """Return position and orientation of a slice, or None."""
    values = (
        *(header.get("ImagePositionPatient") or ()),
        *(header.get("ImageOrientationPatient") or ()),
    )
    if len(values) != 9:
        return None
    numbers = tuple(float(value) for value in values)
    return numbers if np.isfinite(numbers).all() else None


def is_magnitude(header: Dataset) -> bool:
    """Whether an image shows brightness, not phase or velocity."""
    kinds = [str(kind).upper() for kind in header.get("ImageType") or ()][2:]
    kinds.append(str(header.get("ComplexImageComponent") or "").upper())
    return not _NO_MAGNITUDE & set(kinds)


def slices_of(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Group frames by the plane that they show, in order of appearance."""
    by_plane = group([frame.plane for frame in frames])
    found: list[list[int]] = []
    planes = np.full((len(by_plane), 9), np.nan)
    for plane, places in by_plane.items():
        if plane is not None:
            # At once: thousands of planes of a hostile file would take minutes pair by pair.
            gap = np.abs(planes[: len(found)] - plane)
            is_same = (gap[:, :3] < _SAME_PLACE_MM).all(axis=1) & (gap[:, 3:] < _SAME_TURN).all(1)
            if is_same.any():
                found[int(is_same.argmax())].extend(places)
                continue
            planes[len(found)] = plane
        found.append(list(places))
    return [[frames[k] for k in sorted(members)] for members in found]


def in_order(frames: Sequence[Frame]) -> list[Frame]:
    """Check that the frames of a slice show every time of the cycle once, and order them.

    Trigger times order them, else the next attribute that tells all frames apart: temporal
    position, acquisition time, instance number.

    Raises:
        ReadError: Frames are missing, or their order is unknown.
    """
    sizes = {(int(frame.header.Rows), int(frame.header.Columns)) for frame in frames}
    if len(sizes) > 1:
        raise ReadError("The images of the DICOM series differ in size: expected one cine.")
    triggers = [frame.trigger_ms for frame in frames if frame.trigger_ms is not None]
    times = sorted(set(triggers))
    if len(triggers) == len(frames) and 1 < len(times) <= len(frames) // 2:
        raise ReadError(
            f"The DICOM series holds {len(frames)} images at {len(times)} times of the cycle: "
            "several slices, phases or repetitions; expected one image a time."
        )
    if len(triggers) == len(frames) == len(times):
        steps = np.diff(times)
        if len(steps) and steps.max() > 1.8 * np.median(steps):
            raise ReadError(
                "The trigger times of the DICOM series have a gap: frames are missing, export it "
                "again."
            )
        return sorted(frames, key=lambda frame: frame.trigger_ms or 0.0)
    if len(triggers) == len(frames) and len(times) > len(frames) // 2:
        return sorted(frames, key=lambda frame: (frame.trigger_ms or 0.0, frame.number))
    keys = [*zip(*(frame.others for frame in frames), strict=True)]
    keys.append(tuple(frame.number for frame in frames))
    for values in keys:
        known = [value for value in values if value is not None]
        if len(known) == len(set(known)) == len(frames):
            order = sorted(range(len(frames)), key=known.__getitem__)
            return [frames[k] for k in order]
    raise ReadError(
        "The images of the DICOM series have neither distinct trigger times nor distinct "
        "instance numbers: their order in time is unknown."
    )


def cycle_ms(frames: Sequence[Frame]) -> float | None:
    """Return the cycle's length: as written, else from the heart rate, else from trigger times."""
    times = [frame.trigger_ms for frame in frames if frame.trigger_ms is not None]
    span = None
    if len(times) == len(frames) and max(times) > min(times):
        span = (max(times) - min(times)) * len(times) / (len(times) - 1)
    header = frames[0].header
    rate = number_of(header.get("HeartRate"))
    for candidate in (
        number_of(header.get("NominalInterval")),
        number_of(header.get("RRIntervalTimeNominal")),
        60_000.0 / rate if rate else None,
    ):
        is_believed = candidate is not None and RR_MS[0] <= candidate <= RR_MS[1]
        if candidate is not None and is_believed and (span is None or span <= 1.15 * candidate):
            return candidate
    return span
