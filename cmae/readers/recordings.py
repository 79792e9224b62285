"""One foreign file becomes rows of a cohort: recordings in shape, and what describes them."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.data import quality
from cmae.data.column import RECORDING_COLUMNS, Column
from cmae.errors import ReadError
from cmae.readers.canonical import CANONICAL
from cmae.readers.cine import read_cine
from cmae.readers.cine_series import SIDES, CineSeries
from cmae.readers.ecg import read_ecg
from cmae.readers.ecg_record import EcgRecord
from cmae.readers.foreign import PARSER_FAULTS, check_file, quietly
from cmae.readers.heart_crop import HeartCine, heart_crop
from cmae.readers.median_beat import MedianBeat, median_beat


def _quality(unit: str, source: str, description: str, *, is_text: bool = False) -> Column:
    kind = "categorical" if is_text else "continuous"
    return Column.from_json(
        {
            "unit": unit,
            "kind": kind,
            "role": "quality",
            "source": source,
            "description": description,
        }
    )


COLUMNS: Mapping[str, Column] = {
    "heart_rate_bpm": CANONICAL["heart_rate_bpm"],
    "ecg_beats_used": _quality("", "ecg", "Beats in the median beat"),
    "ecg_beats_rejected": _quality("", "ecg", "Beats left out of it"),
    "ecg_beat_correlation": _quality(
        "", "ecg", "Mean correlation of the beats with the median beat"
    ),
    "ecg_noise_uv": _quality("µV", "ecg", "Departure of the beats from the median beat, RMS"),
    "ecg_einthoven_uv": _quality(
        "µV", "ecg", "Departure of the limb leads from Einthoven's law, median over time"
    ),
    "ecg_resolution_uv": _quality("µV", "ecg", "Voltage of one step of the file's integers"),
    "ecg_duration_s": _quality("s", "ecg", "Length of the recording"),
    "ecg_rate_difference_bpm": _quality("1/min", "ecg", "Heart rate minus the device's"),
    "ecg_beats_ectopic": _quality("", "ecg", "Ectopic beats among those left out"),
    "ecg_rr_sd_ms": _quality("ms", "ecg", "Standard deviation of the RR intervals"),
    "ecg_is_irregular": Column(
        "", "binary", "quality", "ecg", "Whether successive RR intervals differ much"
    ),
    "ecg_device_agreement": _quality(
        "", "ecg", "Least correlation over the leads of the device's median beat with ours"
    ),
    "ecg_filled_share": _quality("", "ecg", "Share of the beat that the device's does not cover"),
    "ecg_beat_source": _quality("", "ecg", "Whose median beat it is", is_text=True),
    "ecg_source": _quality("", "ecg", "Format of the ECG's file", is_text=True),
    "mri_motion_energy": _quality(
        "", "mri", "Share of the variance in time that is cardiac motion"
    ),
    "mri_heart_row": _quality("pixel", "mri", "Row of the heart's centre"),
    "mri_heart_column": _quality("pixel", "mri", "Column of the heart's centre"),
    "mri_plane_tilt_deg": _quality("°", "mri", "Angle of the slice to the left-right axis"),
    "mri_view_margin_deg": _quality(
        "°", "mri", "Degrees nearer to the four-chamber plane than to another view's"
    ),
    "mri_clipped_share": _quality("", "mri", "Share of the crop outside the recorded field"),
    "mri_source": _quality("", "mri", "Format of the cine's file", is_text=True),
}
"""What an import says about a recording, beside the columns that every cohort has."""

ML4H_SOURCE = "ml4h tensor"


@dataclass(frozen=True)
class FoundRow:
    """What a file holds of one visit.

    Attributes:
        visit: Which visit; None where the file does not say.
        recordings: By modality, each in its shape.
        values: By name of a column.
        columns: Descriptions of those columns.
        notes: What a person should know of it, a few words each: they are counted.
        found: What is there, a few words each: they are counted.
        lacks: What it should have and has not, a sentence each: they are counted.
    """

    visit: int | None = None
    recordings: dict[str, NDArray[Any]] = field(default_factory=dict)
    values: dict[str, float | str | None] = field(default_factory=dict)
    columns: Mapping[str, Column] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    @property
    def flags(self) -> list[str]:
        """The notes, and what the quality of the recordings says."""
        return [*self.notes, *quality.flags(self.values)]


@dataclass(frozen=True)
class EcgOptions:
    """How ECGs are read.

    Attributes:
        rate_hz: Samples per second of CSV files that have no time column.
        unit: Unit of CSV columns that name none.
        has_device_beat: Whether the device's own median beat is taken where a file has one.
    """

    rate_hz: float | None = None
    unit: str | None = None
    has_device_beat: bool = False


@dataclass(frozen=True)
class CineOptions:
    """How cines are cropped.

    Attributes:
        crop: ``"heart"``: ours, centred on what moves; ``"ml4h"``: theirs, by masks.
        masks: For ``"ml4h"``: a mask (.npy, .nii or .nii.gz), or a folder of masks that are named
            as the cines are.
    """

    crop: str = "heart"
    masks: Path | None = None


@dataclass(frozen=True)
class Ml4hOptions:
    """How ml4h tensors are read.

    Attributes:
        crop: ``"heart"``: ours, centred on what moves; ``"ml4h"``: theirs, by the masks inside.
        ecg_unit_uv: Size of the unit of the stored ECG in µV; no file says it.
        is_ecg_aligned: Whether the R peak of the device's median beat is moved to ours.
    """

    crop: str = "heart"
    ecg_unit_uv: float = 5.0
    is_ecg_aligned: bool = False


def ecg_rows(path: Path, options: EcgOptions) -> tuple[FoundRow, ...]:
    """Read one ECG file.

    Raises:
        ReadError: It is no usable ECG.
    """
    record = read_ecg(path, rate_hz=options.rate_hz, unit=options.unit)
    return (_ecg_row(record, options),)


def cine_rows(path: Path, options: CineOptions) -> tuple[FoundRow, ...]:
    """Read one cine.

    Raises:
        ReadError: It is no usable four-chamber cine.
    """
    series = read_cine(path)
    if options.crop == "ml4h":
        mask = read_mask(_mask_of(path, options.masks))
        cropped = _reader("ml4h_crop").ml4h_crop(series.frames, mask)
        recording, values = cropped, _series_values(series)
    else:
        cine = heart_crop(series)
        recording, values = cine.recording, _cine_values(cine)
    values["mri_source"] = series.source or None
    notes = _notes(getattr(series, "choice", None))
    return (FoundRow(recordings={"mri": recording}, values=values, columns=COLUMNS, notes=notes),)


def _notes(choice: Any) -> tuple[str, ...]:  # noqa: ANN401 - joined when all readers are there
    """Say of how a cine was chosen what a person should look at."""
    if choice is None:
        return ()
    several = ("cine chosen among several",) if choice.found > 1 else ()
    unknown = choice.view == "unknown"
    return (*several, "view unknown: does it show four chambers?") if unknown else several


def ml4h_rows(path: Path, options: Ml4hOptions) -> tuple[FoundRow, ...]:
    """Read all visits of one participant's ml4h tensors.

    Raises:
        ReadError: The file holds nothing usable.
    """
    tensors = _reader("ml4h")
    visits = tensors.read_ml4h(
        path,
        crop=options.crop,
        ecg_unit_uv=options.ecg_unit_uv,
        is_ecg_aligned=options.is_ecg_aligned,
    )
    found = []
    for visit in visits:
        recordings = {
            name: recording
            for name, recording in (("ecg", visit.ecg), ("mri", visit.cine))
            if recording is not None
        }
        sources = {f"{name}_source": ML4H_SOURCE for name in recordings}
        found.append(
            FoundRow(
                visit=visit.visit,
                recordings=recordings,
                values={**visit.values, **sources},
                columns={**COLUMNS, **tensors.COLUMNS, **visit.columns},
                found=tuple(visit.found),
                lacks=tuple(visit.lacks),
            )
        )
    return tuple(found)


def described(name: str, value: object) -> Column:
    """Return the description of a column, by its name where that is known, else by a value."""
    known = {**COLUMNS, **RECORDING_COLUMNS, **CANONICAL}.get(name)
    if known is not None:
        return known
    kind = "categorical" if isinstance(value, str) else "continuous"
    facts = {"unit": "", "kind": kind, "role": "phenotype", "source": "clinical"}
    return Column.from_json({**facts, "description": name})


@quietly()
def read_mask(path: Path) -> NDArray[Any]:
    """Read a segmentation of the heart.

    Args:
        path: ``.npy``: rows × columns (× frames), as the cine is stored; NIfTI: columns × rows
            (× 1) (× frames).

    Returns:
        ``(rows, columns)`` or ``(rows, columns, frames)`` of class codes, whole numbers.

    Raises:
        ReadError: It is no such mask.
    """
    check_file(path, what="The mask")
    try:
        if path.suffix.lower() == ".npy":
            # A map of the file: its header may declare more than the file holds.
            mask = np.load(path, mmap_mode="r", allow_pickle=False)
        else:
            mask = _nifti_mask(path)
        if mask.ndim not in (2, 3) or mask.dtype.kind not in "buif":
            raise ReadError("The mask has another shape: expected rows × columns (× frames).")
        return np.asarray(np.round(mask), np.int16)
    except PARSER_FAULTS as error:
        raise ReadError("The mask cannot be read: expected .npy or NIfTI, not damaged.") from error


def _nifti_mask(path: Path) -> NDArray[Any]:
    """Read the first frame of a mask in NIfTI."""
    import nibabel  # noqa: PLC0415 - slow to load
    from nibabel.filebasedimages import ImageFileError  # noqa: PLC0415

    try:
        image = nibabel.load(path)
        if not 2 <= len(image.shape) <= 4 or max(image.shape[:2]) > SIDES[1]:
            raise ReadError("The mask has another shape: expected columns × rows (× 1 × frames).")
        first = (slice(None), slice(None), *[0] * (len(image.shape) - 2))
        return np.asarray(image.dataobj[first]).T
    except ImageFileError as error:
        raise ReadError("The mask is no NIfTI file.") from error


def _mask_of(path: Path, masks: Path | None) -> Path:
    """Return the file with the mask of a cine."""
    if masks is None or not masks.is_dir():
        if masks is None or not masks.is_file():
            raise ReadError("The mask is missing: ml4h's crop needs one for each cine (--masks).")
        return masks
    stem = path.name if path.is_dir() else path.name.partition(".")[0]
    for ending in (".npy", ".nii.gz", ".nii"):
        if (masks / f"{stem}{ending}").is_file():
            return masks / f"{stem}{ending}"
    raise ReadError("The folder of masks has none named as the cine is: add it.")


def _ecg_row(record: EcgRecord, options: EcgOptions) -> FoundRow:
    """Describe an ECG."""
    if options.has_device_beat and record.device_beat is not None:
        beat = _reader("representative_beat").representative_beat(record, source="device")
        values = _beat_values(beat.computed) if beat.computed is not None else {}
        values |= {
            "ecg_beats_used": None,
            "ecg_beat_source": "device",
            "ecg_device_agreement": beat.agreement,
            "ecg_filled_share": beat.filled_share,
        }
    else:
        beat = median_beat(record)
        values = {**_beat_values(beat), "ecg_beat_source": "computed"}
    measured = dict(record.measurements)
    device_bpm = measured.pop("heart_rate_bpm", None)
    step_mv = record.resolution_mv
    values |= {
        "ecg_rr_ms": beat.rr_ms,
        "heart_rate_bpm": beat.heart_rate_bpm,
        "ecg_einthoven_uv": record.einthoven_uv,
        "ecg_resolution_uv": None if step_mv is None else 1000.0 * step_mv,
        "ecg_duration_s": record.duration_s,
        "ecg_rate_difference_bpm": (
            None if device_bpm is None else beat.heart_rate_bpm - device_bpm
        ),
        "ecg_source": record.source,
        **measured,
    }
    columns = {**COLUMNS, **{name: described(name, 0.0) for name in measured}}
    return FoundRow(recordings={"ecg": beat.recording}, values=values, columns=columns)


def _beat_values(beat: MedianBeat) -> dict[str, float | str | None]:
    """Describe a median beat of ours."""
    ectopic, irregular = (getattr(beat, name, None) for name in ("beats_ectopic", "is_irregular"))
    return {
        "ecg_beats_used": float(beat.beats_used),
        "ecg_beats_rejected": float(beat.beats_rejected),
        "ecg_beats_ectopic": None if ectopic is None else float(ectopic),
        "ecg_beat_correlation": beat.correlation,
        "ecg_noise_uv": beat.noise_uv,
        "ecg_rr_sd_ms": getattr(beat, "rr_sd_ms", None),
        "ecg_is_irregular": None if irregular is None else float(irregular),
    }


def _cine_values(cine: HeartCine) -> dict[str, float | str | None]:
    """Describe a crop."""
    return {
        "mri_rr_ms": cine.rr_ms,
        "mri_pixel_mm": cine.pixel_mm,
        "mri_frames_recorded": float(cine.frames_recorded),
        "mri_motion_energy": cine.motion_energy,
        "mri_heart_row": cine.heart_row,
        "mri_heart_column": cine.heart_column,
        "mri_plane_tilt_deg": cine.plane_tilt_deg,
        "mri_view_margin_deg": getattr(cine, "view_margin_deg", None),
        "mri_clipped_share": cine.clipped_share,
    }


def _series_values(series: CineSeries) -> dict[str, float | str | None]:
    """Describe a cine that was cropped without a report: ml4h's crop keeps the pixel size."""
    return {
        "mri_rr_ms": series.rr_ms,
        "mri_pixel_mm": float(series.pixel_mm[0]),
        "mri_frames_recorded": float(series.frames.shape[2]),
    }


def _reader(module: str) -> Any:  # noqa: ANN401 - joined when all readers are there
    """Return a reader's module, which not every version has."""
    try:
        return importlib.import_module(f"cmae.readers.{module}")
    except ImportError as error:
        raise ReadError("This version of cmae does not read such files.") from error
