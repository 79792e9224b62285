"""DICOM images, one frame a file or many, become the candidates for a cine."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from cmae.errors import ReadError
from cmae.readers.cine_choice import Candidate, names_four_chambers
from cmae.readers.cine_order import (
    Frame,
    cycle_ms,
    in_order,
    is_magnitude,
    number_of,
    plane_of,
    slices_of,
)
from cmae.readers.cine_series import CineSeries, check_size, checked_series, group
from cmae.readers.dicom import DICOM_FAULTS, is_dicom, open_dicom, pixels_of
from cmae.readers.foreign import quietly

_MR_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.4": "MR image",
    "1.2.840.10008.5.1.4.1.1.4.1": "enhanced MR image",
    "1.2.840.10008.5.1.4.1.1.4.4": "legacy converted enhanced MR image",
    "1.2.840.10008.5.1.4.1.1.7": "secondary capture",
}

_MOST_FRAMES = 3_000
"""Most frames of one multi-frame file: a stack of short-axis slices has hundreds."""

_FRAME_FACTS = (
    "Rows", "Columns", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient",
    "RescaleSlope", "RescaleIntercept", "TriggerTime", "NominalCardiacTriggerDelayTime",
    "TemporalPositionIndex", "TemporalPositionIdentifier", "AcquisitionTime",
    "FrameAcquisitionDateTime", "NominalInterval", "RRIntervalTimeNominal", "HeartRate",
    "ImageType", "FrameType", "ComplexImageComponent",
)  # fmt: skip
_FILE_FACTS = (
    *_FRAME_FACTS, "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID",
    "SeriesNumber", "SeriesDescription", "ProtocolName", "InstanceNumber", "NumberOfFrames",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
)  # fmt: skip


def dicom_cines(files: Sequence[Path]) -> list[Candidate]:
    """Find the cines among some files.

    Args:
        files: Files in any order; those that are no DICOM images are left out.

    Returns:
        The cines of all series in the order of the files; empty where no file is an MR image.

    Raises:
        ReadError: A header is damaged.
    """
    headers: dict[str, tuple[Path, Dataset]] = {}
    try:
        for path in files:
            if (header := _header(path)) is not None:
                headers.setdefault(str(header.get("SOPInstanceUID") or path), (path, header))
        found = list(headers.values())
        series = group([str(header.get("SeriesInstanceUID", "")) for _, header in found])
        return [
            candidate
            for places in series.values()
            for candidate in _candidates([found[k] for k in places])
        ]
    except ReadError:
        raise
    except DICOM_FAULTS as error:
        raise ReadError("A DICOM file's header is damaged: export the series again.") from error


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
    header = open_dicom(path, has_pixels=False, only=_FILE_FACTS)
    return header if str(header.get("SOPClassUID", "")) in _MR_CLASSES else None


def _candidates(images: list[tuple[Path, Dataset]]) -> list[Candidate]:
    """List the cines of one series: one for each plane, but one for a stack of parallel ones."""
    frames = [frame for path, header in images for frame in _frames(path, header)]
    frames = [frame for frame in frames if is_magnitude(frame.header)] or frames
    first = images[0][1]
    slices = slices_of(frames)
    normals = [_normal(members[0]) for members in slices]
    found: list[Candidate] = []
    known = np.array([np.full(3, np.nan) if normal is None else normal for normal in normals])
    for number, (members, normal) in enumerate(zip(slices, normals, strict=True)):
        # Turned by less than 5° against each other.
        parallel = np.flatnonzero(np.abs(known @ known[number]) > np.cos(np.deg2rad(5)))
        if len(parallel) > 1 and parallel[0] != number:
            continue  # the stack has its candidate
        header = members[0].header
        found.append(
            Candidate(
                read=partial(_read, members),
                size=(int(header.Rows), int(header.Columns), len(members)),
                slices=max(len(parallel), 1),
                normal=normal,
                study=str(first.get("StudyInstanceUID") or ""),
                has_name=names_four_chambers(
                    first.get("SeriesDescription"), first.get("ProtocolName")
                ),
                number=number_of(first.get("SeriesNumber")),
            )
        )
    return found


def _normal(frame: Frame) -> NDArray[np.float64] | None:
    """Return the unit normal of a frame's plane, None if unknown."""
    if frame.plane is None:
        return None
    normal = np.cross(_unit(np.array(frame.plane[3:6])), _unit(np.array(frame.plane[6:9])))
    return _unit(normal)


def _frames(path: Path, header: Dataset) -> list[Frame]:
    """List the frames of one file: one of a classic image, many of an enhanced one."""
    count = int(header.get("NumberOfFrames") or 1)
    if not 1 <= count <= _MOST_FRAMES:
        raise ReadError(f"A DICOM file announces {count} frames: expected 1 to {_MOST_FRAMES:,}.")
    if count == 1 and "PerFrameFunctionalGroupsSequence" not in header:
        return [_frame(path, None, header, number_of(header.get("InstanceNumber")) or 0.0)]
    shared = [header, *_groups(header.get("SharedFunctionalGroupsSequence"), 0)]
    each = header.get("PerFrameFunctionalGroupsSequence")
    facts = _facts(shared)
    return [
        _frame(path, index, _flattened(facts | _facts(_groups(each, index))), index)
        for index in range(count)
    ]


def _frame(path: Path, index: int | None, header: Dataset, number: float) -> Frame:
    """Describe one frame by its attributes."""
    trigger = number_of(header.get("NominalCardiacTriggerDelayTime"))
    if trigger is None:
        trigger = number_of(header.get("TriggerTime"))
    names = (
        "TemporalPositionIndex", "TemporalPositionIdentifier", "FrameAcquisitionDateTime",
        "AcquisitionTime",
    )  # fmt: skip
    others = tuple(number_of(header.get(name)) for name in names)
    return Frame(path, index, header, plane_of(header), trigger, number, others)


def _groups(sequence: Sequence[Dataset] | None, index: int) -> list[Dataset]:
    """Return the groups of attributes of one frame, or those that all frames share."""
    if not sequence:
        return []
    return [item.value[0] for item in sequence[index] if item.VR == "SQ" and item.value]


def _facts(sources: list[Dataset]) -> dict[str, Any]:
    """Return the attributes of a frame by name, those of later sources before earlier ones."""
    return {
        "ImageType" if element.keyword == "FrameType" else element.keyword: element.value
        for source in sources
        for element in source
        if element.keyword in _FRAME_FACTS and element.value not in (None, "")
    }


def _flattened(facts: dict[str, Any]) -> Dataset:
    """Return one frame's attributes as a classic image has them."""
    flat = Dataset()
    for name, value in facts.items():
        setattr(flat, name, value)
    return flat


def _read(members: list[Frame]) -> CineSeries:
    """Order the frames of one slice, read their pixels and put the series together."""
    try:
        return _assemble(in_order(members))
    except ReadError:
        raise
    except DICOM_FAULTS as error:
        raise ReadError("A DICOM file's header is damaged: export the series again.") from error


def _assemble(frames: list[Frame]) -> CineSeries:
    """Read the pixels of ordered frames and put the series together."""
    first = frames[0].header
    check_size(int(first.Rows), int(first.Columns), len(frames))
    spacing = [number_of(value) for value in first.get("PixelSpacing") or ()]
    if len(spacing) != 2 or spacing[0] is None or spacing[1] is None:
        raise ReadError("The DICOM images have no pixel spacing: a cine without it has no scale.")
    plane = frames[0].plane
    position, across, along = np.split(np.array(plane or (0, 0, 0, 1, 0, 0, 0, 1, 0), float), 3)
    return checked_series(
        _pixels(frames),
        down=_unit(along) * spacing[0],
        right=_unit(across) * spacing[1],
        origin=position,
        rr_ms=cycle_ms(frames),
        is_oriented=plane is not None,
        source="DICOM" if frames[0].index is None else "enhanced DICOM",
    )


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a direction of length one, or raise ReadError if it has none."""
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or not 0.9 < length < 1.1:
        raise ReadError("The DICOM images' orientation is no pair of directions: it is damaged.")
    return np.asarray(vector / length, np.float64)


def _pixels(frames: list[Frame]) -> NDArray[np.float32]:
    """Read and rescale the pixels: ``(rows, columns, frames)``."""
    size = (int(frames[0].header.Rows), int(frames[0].header.Columns))
    stack = np.empty((*size, len(frames)), np.float32)
    try:
        for path, places in group([frame.path for frame in frames]).items():
            wanted = [frames[k].index or 0 for k in places]
            for k, image in zip(places, pixels_of(open_dicom(path), wanted), strict=True):
                if image.shape != size:
                    raise ReadError("The images of the DICOM series differ in size.")
                slope = number_of(frames[k].header.get("RescaleSlope"))
                intercept = number_of(frames[k].header.get("RescaleIntercept")) or 0.0
                stack[:, :, k] = image
                stack[:, :, k] *= 1.0 if slope is None else slope
                stack[:, :, k] += intercept
    except ReadError:
        raise
    except DICOM_FAULTS as error:
        raise ReadError(
            "The pixels of a DICOM image cannot be decoded: it is damaged or truncated."
        ) from error
    return stack
