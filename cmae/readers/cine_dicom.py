"""DICOM images, one frame a file or many, become the ordered frames of one cine series."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from cmae.errors import ReadError
from cmae.readers.cine_series import RR_MS, CineSeries, checked_series, group
from cmae.readers.dicom import DICOM_FAULTS, is_dicom, open_dicom
from cmae.readers.foreign import MAX_UNPACKED_BYTES, quietly

_MR_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.4": "MR image",
    "1.2.840.10008.5.1.4.1.1.4.1": "enhanced MR image",
    "1.2.840.10008.5.1.4.1.1.4.4": "legacy converted enhanced MR image",
    "1.2.840.10008.5.1.4.1.1.7": "secondary capture",
}


@dataclass(frozen=True)
class _Frame:
    """Where one frame lies and what orders it."""

    path: Path
    index: int | None
    header: Dataset
    plane: tuple[float, ...] | None
    trigger_ms: float | None
    number: float


def read_dicom_cine(files: Sequence[Path], *, series: int | None) -> CineSeries:
    """Read the one cine among some DICOM files.

    Args:
        files: Files in any order; those that are no DICOM images are left out.
        series: Which series to take where several are found, from 1.

    Returns:
        The frames of one slice in the order of their trigger times, else instance numbers.

    Raises:
        ReadError: No image, several series, several slices, or damaged pixels.
    """
    try:
        return _assemble(_ordered(_chosen(files, series)))
    except ReadError:
        raise
    except DICOM_FAULTS as error:
        raise ReadError("A DICOM file's header is damaged: export the series again.") from error


def _chosen(files: Sequence[Path], series: int | None) -> list[_Frame]:
    """Return the frames of the one series among some files, or of the one asked for."""
    headers = [(path, header) for path in files if (header := _header(path)) is not None]
    if not headers:
        raise ReadError(
            f"None of {len(files)} file{'s' if len(files) != 1 else ''} is a DICOM MR image: "
            "expected a DICOM series, a ZIP of one, or NIfTI (.nii, .nii.gz)."
        )
    by_series = group([str(header.get("SeriesInstanceUID", "")) for _, header in headers])
    places = list(by_series.values())
    if len(places) > 1 and series is None:
        counts = ", ".join(f"{k}: {len(found)} images" for k, found in enumerate(places, 1))
        raise ReadError(
            f"There are {len(places)} DICOM series ({counts}): give the folder of the 4-chamber "
            "cine alone, or choose a series by its number."
        )
    number = 1 if series is None else series
    if not 1 <= number <= len(places):
        raise ReadError(f"Series {number} was asked for: there are {len(places)} DICOM series.")
    return [frame for k in places[number - 1] for frame in _frames(*headers[k])]


@quietly()
def study_of(folder: Path) -> str | None:
    """Return which examination the first DICOM image of a folder belongs to, None if unknown."""
    for path in sorted(folder.iterdir()):
        try:
            if path.is_file() and (header := _header(path)) is not None:
                return str(header.get("StudyInstanceUID") or "") or None
        except (ReadError, *DICOM_FAULTS):
            return None
    return None


def _header(path: Path) -> Dataset | None:
    """Read a file's attributes without its pixels; None if it is no DICOM MR image."""
    if not is_dicom(path):
        return None
    header = open_dicom(path, has_pixels=False)
    return header if str(header.get("SOPClassUID", "")) in _MR_CLASSES else None


def _frames(path: Path, header: Dataset) -> list[_Frame]:
    """List the frames of one file: one of a classic image, many of an enhanced one."""
    count = int(header.get("NumberOfFrames") or 1)
    if not 1 <= count <= 10_000:
        raise ReadError(f"A DICOM file announces {count} frames: expected 1 to 10,000.")
    if count == 1 and "PerFrameFunctionalGroupsSequence" not in header:
        trigger, number = _number(header.get("TriggerTime")), _number(header.get("InstanceNumber"))
        return [_Frame(path, None, header, _plane(header), trigger, number or 0.0)]
    return [_enhanced_frame(path, header, index) for index in range(count)]


def _enhanced_frame(path: Path, header: Dataset, index: int) -> _Frame:
    """Describe one frame of a multi-frame file by its functional groups."""
    flat = _flattened(header, index)
    trigger = _number(flat.get("NominalCardiacTriggerDelayTime"))
    if trigger is None:
        trigger = _number(flat.get("TriggerTime"))
    position = _number(flat.get("TemporalPositionIndex"))
    return _Frame(path, index, flat, _plane(flat), trigger, index if position is None else position)


def _flattened(header: Dataset, index: int) -> Dataset:
    """Return one frame's attributes, those of its groups before those that all frames share."""
    flat = Dataset()
    sources = [header]
    shared = header.get("SharedFunctionalGroupsSequence")
    each = header.get("PerFrameFunctionalGroupsSequence")
    for groups in (shared[0] if shared else None, each[index] if each else None):
        if groups is not None:
            sources += [item.value[0] for item in groups if item.VR == "SQ" and item.value]
    wanted = (
        "Rows", "Columns", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient",
        "RescaleSlope", "RescaleIntercept", "TriggerTime", "NominalCardiacTriggerDelayTime",
        "TemporalPositionIndex", "NominalInterval", "RRIntervalTimeNominal", "HeartRate",
        "FrameTime", "SamplesPerPixel", "BitsAllocated",
    )  # fmt: skip
    for source in sources:
        for name in wanted:
            if name in source and source[name].value not in (None, ""):
                setattr(flat, name, source[name].value)
    return flat


def _plane(header: Dataset) -> tuple[float, ...] | None:
    """Return position and orientation of a slice, rounded to 0.1 mm, or None."""
    position, orientation = (
        header.get("ImagePositionPatient"),
        header.get("ImageOrientationPatient"),
    )
    if position is None or orientation is None or len(position) != 3 or len(orientation) != 6:
        return None
    return (
        *(round(float(value), 1) for value in position),
        *(round(float(value), 3) for value in orientation),
    )


def _number(value: Any) -> float | None:  # noqa: ANN401 - whatever a DICOM attribute holds
    """Return an attribute as a finite number, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _ordered(frames: list[_Frame]) -> list[_Frame]:
    """Check that the frames show one slice once, and order them by time."""
    planes = {frame.plane for frame in frames}
    if len(planes) > 1:
        raise ReadError(
            f"The DICOM series holds {len(frames)} images of {len(planes)} slices: a short-axis "
            "stack or several views; expected one long-axis slice over time."
        )
    sizes = {(int(frame.header.Rows), int(frame.header.Columns)) for frame in frames}
    if len(sizes) > 1:
        raise ReadError("The images of the DICOM series differ in size: expected one cine.")
    triggers = [frame.trigger_ms for frame in frames]
    known = {trigger for trigger in triggers if trigger is not None}
    if len(known) == len(frames):
        steps = np.diff(sorted(known))
        if len(steps) and steps.max() > 1.8 * np.median(steps):
            raise ReadError(
                "The trigger times of the DICOM series have a gap: frames are missing, export it "
                "again."
            )
        return sorted(frames, key=lambda frame: frame.trigger_ms or 0.0)
    numbers = {frame.number for frame in frames}
    if len(known) > 1 and len(known) <= len(frames) // 2 and None not in triggers:
        raise ReadError(
            f"The DICOM series holds {len(frames)} images at {len(known)} times of the cycle: "
            "several slices, phases or repetitions; expected one image a time."
        )
    if len(numbers) != len(frames):
        raise ReadError(
            "The images of the DICOM series have neither distinct trigger times nor distinct "
            "instance numbers: their order in time is unknown."
        )
    return sorted(frames, key=lambda frame: frame.number)


def _assemble(frames: list[_Frame]) -> CineSeries:
    """Read the pixels of ordered frames and put the series together."""
    first = frames[0].header
    needed = int(first.Rows) * int(first.Columns) * 4 * len(frames)
    if needed > MAX_UNPACKED_BYTES:
        raise ReadError(
            f"The DICOM series has {len(frames)} images of {first.Rows} × {first.Columns} pixels: "
            "far more than one cine needs."
        )
    spacing = [_number(value) for value in first.get("PixelSpacing") or ()]
    if len(spacing) != 2 or spacing[0] is None or spacing[1] is None:
        raise ReadError("The DICOM images have no pixel spacing: a cine without it has no scale.")
    orientation = first.get("ImageOrientationPatient") or (1, 0, 0, 0, 1, 0)
    across = np.array(orientation[:3], np.float64)
    along = np.array(orientation[3:], np.float64)
    return checked_series(
        _pixels(frames),
        down=_unit(along) * spacing[0],
        right=_unit(across) * spacing[1],
        origin=np.array(first.get("ImagePositionPatient") or (0, 0, 0), np.float64),
        rr_ms=_rr_ms(frames),
        is_oriented=frames[0].plane is not None,
        source="DICOM" if frames[0].index is None else "enhanced DICOM",
    )


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a direction of length one, or raise ReadError if it has none."""
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or not 0.9 < length < 1.1:
        raise ReadError("The DICOM images' orientation is no pair of directions: it is damaged.")
    return vector / length


def _pixels(frames: list[_Frame]) -> NDArray[np.float32]:
    """Read and rescale the pixels: ``(rows, columns, frames)``."""
    stack: list[NDArray[np.float32]] = []
    opened: Path | None = None
    stored = np.empty(0)
    size = (int(frames[0].header.Rows), int(frames[0].header.Columns))
    try:
        for frame in frames:
            if opened != frame.path:
                stored, opened = open_dicom(frame.path).pixel_array, frame.path
            image = stored if frame.index is None or stored.ndim == 2 else stored[frame.index]
            if image.shape != size:
                raise ReadError(
                    f"A DICOM image has pixels of shape {image.shape} where {size} was expected: "
                    "a colour or damaged image."
                )
            slope = _number(frame.header.get("RescaleSlope"))
            intercept = _number(frame.header.get("RescaleIntercept")) or 0.0
            stack.append(image.astype(np.float32) * (1.0 if slope is None else slope) + intercept)
    except ReadError:
        raise
    except DICOM_FAULTS as error:
        raise ReadError(
            "The pixels of a DICOM image cannot be decoded: it is damaged or truncated."
        ) from error
    return np.stack(stack, axis=-1)


def _rr_ms(frames: list[_Frame]) -> float | None:
    """Return the cycle's length: as written, else from the heart rate, else from trigger times."""
    times = [frame.trigger_ms for frame in frames if frame.trigger_ms is not None]
    span = None
    if len(times) == len(frames) and max(times) > min(times):
        span = (max(times) - min(times)) * len(times) / (len(times) - 1)
    header = frames[0].header
    rate = _number(header.get("HeartRate"))
    for candidate in (
        _number(header.get("NominalInterval")),
        _number(header.get("RRIntervalTimeNominal")),
        60_000.0 / rate if rate else None,
    ):
        is_believed = candidate is not None and RR_MS[0] <= candidate <= RR_MS[1]
        if candidate is not None and is_believed and (span is None or span <= 1.15 * candidate):
            return candidate
    return span
