"""One foreign file becomes rows of a cohort: recordings in shape, and what describes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from cmae.data import quality
from cmae.data.column import Column
from cmae.errors import ReadError
from cmae.readers import ml4h
from cmae.readers.cine import read_cine
from cmae.readers.cine_series import Choice, CineSeries
from cmae.readers.ecg import read_ecg
from cmae.readers.ecg_record import EcgRecord
from cmae.readers.heart_crop import HeartCine, heart_crop
from cmae.readers.median_beat import MedianBeat, median_beat
from cmae.readers.ml4h_crop import ml4h_crop, read_mask
from cmae.readers.recording_columns import COLUMNS, described
from cmae.readers.representative_beat import RepresentativeBeat, representative_beat

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
        reason: Which cine was taken among those in the file and why, for people; empty without one.
    """

    visit: int | None = None
    recordings: dict[str, NDArray[Any]] = field(default_factory=dict)
    values: dict[str, float | str | None] = field(default_factory=dict)
    columns: Mapping[str, Column] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    reason: str = ""

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
        measure: Measures a beat (600, 12) in mV with its RR interval in ms: values by canonical
            column name. What the device measured goes before. A function of a module, as other
            processes call it.
    """

    rate_hz: float | None = None
    unit: str | None = None
    has_device_beat: bool = False
    measure: Callable[[NDArray[Any], float], dict[str, float]] | None = None


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

    crop: Literal["heart", "ml4h"] = "heart"
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
        recording, values = ml4h_crop(series.frames, mask), _series_values(series)
    else:
        cine = heart_crop(series)
        recording, values = cine.recording, _cine_values(cine)
    values["mri_source"] = series.source or None
    notes = _notes(series.choice)
    found = FoundRow(
        recordings={"mri": recording},
        values=values,
        columns=COLUMNS,
        notes=notes,
        reason=series.choice.reason if series.choice else "",
    )
    return (found,)


def _notes(choice: Choice | None) -> tuple[str, ...]:
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
    visits = ml4h.read_ml4h(
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
                columns={**ml4h.COLUMNS, **visit.columns},
                found=tuple(visit.found),
                lacks=tuple(visit.lacks),
            )
        )
    return tuple(found)


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


_OF_P = frozenset({"pr_ms", "p_duration_ms", "p_axis_deg"})
"""What is measured of a P wave: nothing where atrial fibrillation leaves none."""


def _ecg_row(record: EcgRecord, options: EcgOptions) -> FoundRow:
    """Describe an ECG."""
    beat: MedianBeat | RepresentativeBeat
    if options.has_device_beat and record.device_beat is not None:
        beat = representative_beat(record, source="device")
        values = {} if beat.computed is None else _beat_values(beat.computed)
        values |= {
            "ecg_beats_used": None,
            "ecg_beat_source": "device",
            "ecg_device_agreement": beat.agreement,
            "ecg_filled_share": beat.filled_share,
        }
    else:
        beat = median_beat(record)
        values = {**_beat_values(beat), "ecg_beat_source": "computed"}
    measured = {} if options.measure is None else options.measure(beat.recording, beat.rr_ms)
    computed = beat.computed if isinstance(beat, RepresentativeBeat) else beat
    if computed is not None and computed.lacks_p:
        measured = {name: value for name, value in measured.items() if name not in _OF_P}
    measured |= dict(record.measurements)
    device_bpm = record.measurements.get("heart_rate_bpm")
    step_mv = record.resolution_mv
    values |= {
        **measured,
        "ecg_rr_ms": beat.rr_ms,
        "heart_rate_bpm": beat.heart_rate_bpm,
        "ecg_einthoven_uv": record.einthoven_uv,
        "ecg_is_einthoven_violated": (
            None if record.einthoven_uv is None else float(record.is_einthoven_violated)
        ),
        "ecg_resolution_uv": None if step_mv is None else 1000.0 * step_mv,
        "ecg_duration_s": record.duration_s,
        "ecg_rate_difference_bpm": (
            None if device_bpm is None else beat.heart_rate_bpm - device_bpm
        ),
        "ecg_source": record.source,
    }
    columns = {**COLUMNS, **{name: described(name, 0.0) for name in measured}}
    return FoundRow(recordings={"ecg": beat.recording}, values=values, columns=columns)


def _beat_values(beat: MedianBeat) -> dict[str, float | str | None]:
    """Describe a median beat of ours."""
    return {
        "ecg_beats_used": float(beat.beats_used),
        "ecg_beats_rejected": float(beat.beats_rejected),
        "ecg_beats_ectopic": float(beat.beats_ectopic),
        "ecg_beat_correlation": beat.correlation,
        "ecg_noise_uv": beat.noise_uv,
        "ecg_rr_sd_ms": beat.rr_sd_ms,
        "ecg_is_irregular": None if beat.is_irregular is None else float(beat.is_irregular),
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
        "mri_view_margin_deg": cine.view_margin_deg,
        "mri_clipped_share": cine.clipped_share,
    }


def _series_values(series: CineSeries) -> dict[str, float | str | None]:
    """Describe a cine that was cropped without a report: ml4h's crop keeps the pixel size."""
    return {
        "mri_rr_ms": series.rr_ms,
        "mri_pixel_mm": float(series.pixel_mm[0]),
        "mri_frames_recorded": float(series.frames.shape[2]),
    }
