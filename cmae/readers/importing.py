"""Many foreign files enter a cohort: who they are of, what was read, what was refused and why."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmae.data.cohort import Cohort
from cmae.data.column import Column
from cmae.data.writer import CohortWriter
from cmae.errors import ReadError
from cmae.readers.cine import read_cine
from cmae.readers.ecg import read_ecg
from cmae.readers.foreign import files_in
from cmae.readers.heart_crop import heart_crop
from cmae.readers.identity import Identity, Key
from cmae.readers.median_beat import median_beat

COLUMNS = {
    "heart_rate_bpm": Column("1/min", "continuous", "phenotype", "ecg", "Heart rate"),
    "ecg_beats_used": Column("", "continuous", "quality", "ecg", "Beats in the median beat"),
    "ecg_beats_rejected": Column("", "continuous", "quality", "ecg", "Beats left out of it"),
    "ecg_beat_correlation": Column(
        "", "continuous", "quality", "ecg", "Mean correlation of the beats with the median beat"
    ),
    "ecg_noise_uv": Column(
        "µV", "continuous", "quality", "ecg", "Departure of the beats from the median beat, RMS"
    ),
    "mri_motion_energy": Column(
        "", "continuous", "quality", "mri", "Share of the variance in time that is cardiac motion"
    ),
    "mri_heart_row": Column("pixel", "continuous", "quality", "mri", "Row of the heart's centre"),
    "mri_heart_column": Column(
        "pixel", "continuous", "quality", "mri", "Column of the heart's centre"
    ),
    "mri_plane_tilt_deg": Column(
        "°", "continuous", "quality", "mri", "Angle of the slice to the left-right axis"
    ),
    "mri_clipped_share": Column(
        "", "continuous", "quality", "mri", "Share of the crop outside the recorded field"
    ),
}
"""What an import says about a recording, beside the columns that every cohort has."""

_FILES_A_COMMIT = 500
_ECG_SUFFIXES = {".hea", ".dcm", ".csv"}
_CINE_FILES = (".nii", ".nii.gz", ".zip")
_NO_IMAGES = {".txt", ".csv", ".tsv", ".json", ".xml", ".pdf", ".md", ".py", ".html"}


@dataclass(frozen=True)
class Refusal:
    """A file that was not read.

    Attributes:
        file: Its number from 1 in the order of the import; names may hold identifiers.
        reason: One sentence.
    """

    file: int
    reason: str


@dataclass(frozen=True)
class ImportSummary:
    """What an import did.

    Attributes:
        files: Recordings that were looked at.
        read: Recordings that were added.
        kept: Recordings that the cohort had already; they were left as they are.
        refused: The others, each with the reason.
        reasons: How many were refused, by reason, most frequent first.
        id_source: Where (participant, visit) came from, for people.
    """

    files: int
    read: int
    kept: int
    refused: tuple[Refusal, ...] = ()
    reasons: dict[str, int] = field(default_factory=dict)
    id_source: str = ""


@dataclass(frozen=True)
class _Read:
    """A recording in the shape of its modality, with the columns that describe it."""

    recording: NDArray[np.float32]
    values: dict[str, float | None]


def import_ecg(
    paths: Sequence[str | Path],
    cohort: Cohort,
    *,
    ids: Path | None = None,
    id_from: str | None = None,
    rate_hz: float | None = None,
    unit: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImportSummary:
    """Add the median beats of ECG files to a cohort.

    Args:
        paths: Files, or folders that are searched for WFDB headers, DICOM waveforms and CSV files
            (but for the table of identifiers).
        cohort: Where they go.
        ids: Table with columns ``file``, ``participant`` and, if wanted, ``visit``.
        id_from: Header field that names the participant, such as ``PatientID``.
        rate_hz: Samples per second of CSV files that have no time column.
        unit: Unit of CSV columns that name none (``"mV"``, ``"uV"`` or ``"V"``).
        on_progress: Called with (done, total).

    Returns:
        What was read, was there already, and was refused.

    Raises:
        ReadError: No file was found, or not one of them could be read.
        InputError: The table of identifiers cannot be used.
    """
    identity = Identity.of(ids=ids, id_from=id_from)
    read = partial(_read_ecg, rate_hz=rate_hz, unit=unit)
    return _import(_ecg_files(paths, ids), "ecg", read, cohort, identity, on_progress)


def import_cine(
    paths: Sequence[str | Path],
    cohort: Cohort,
    *,
    ids: Path | None = None,
    id_from: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImportSummary:
    """Add the heart crops of cine series to a cohort.

    Args:
        paths: DICOM folders (each folder that holds files is one series), ZIPs, NIfTI files.
        cohort: Where they go.
        ids: Table with columns ``file``, ``participant`` and, if wanted, ``visit``.
        id_from: Header field that names the participant, such as ``PatientID``.
        on_progress: Called with (done, total).

    Returns:
        What was read, was there already, and was refused.

    Raises:
        ReadError: Nothing was found, or not one series could be read.
        InputError: The table of identifiers cannot be used.
    """
    identity = Identity.of(ids=ids, id_from=id_from)
    return _import(_cine_series(paths), "mri", _read_cine, cohort, identity, on_progress)


def _import(
    paths: list[Path],
    modality: str,
    read_file: Callable[[Path], _Read],
    cohort: Cohort,
    identity: Identity,
    on_progress: Callable[[int, int], None] | None,
) -> ImportSummary:
    """Read file after file, and commit every few hundred, so that a stopped import can go on."""
    if not paths:
        raise ReadError(
            "No recording was found: give files, or folders that hold some "
            f"({'.hea, .dcm, .csv' if modality == 'ecg' else 'DICOM, .nii, .nii.gz, .zip'})."
        )
    table = cohort.table[cohort.has(modality)]
    present = set(zip(table["participant_id"], table["visit"].astype(int), strict=True))
    columns = {
        name: column
        for name, column in COLUMNS.items()
        if column.source == modality and name not in cohort.columns
    }
    crowded = _series_of_one_study(paths) if modality == "mri" else {}
    seen: set[Key] = set()
    refused: list[Refusal] = []
    read = 0
    for start in range(0, len(paths), _FILES_A_COMMIT):
        with cohort.writer(columns) as writer:
            for number, path in enumerate(paths[start : start + _FILES_A_COMMIT], start + 1):
                try:
                    key = _new_key(identity, path, seen)
                    if path in crowded:
                        raise ReadError(crowded[path])
                    found = None if key in present else read_file(path)
                    seen.add(key)
                except ReadError as error:
                    refused.append(Refusal(number, _without_path(str(error), path)))
                else:
                    if found is not None:
                        _add(writer, key, modality, found)
                        read += 1
                if on_progress is not None:
                    on_progress(number, len(paths))
        columns = {}
    reasons = dict(Counter(refusal.reason for refusal in refused).most_common())
    if len(refused) == len(paths):
        first = next(iter(reasons))
        raise ReadError(f"Not one of {len(paths)} recordings could be read. Most often: {first}")
    kept = len(paths) - read - len(refused)
    return ImportSummary(len(paths), read, kept, tuple(refused), reasons, identity.source)


def _new_key(identity: Identity, path: Path, seen: set[Key]) -> Key:
    """Return participant and visit of a file, after checking that no file before had the same."""
    key = identity.key(path)
    if key in seen:
        raise ReadError(
            "An earlier file of this import has the same participant and visit: tell them apart "
            "by a table of identifiers."
        )
    return key


def _add(writer: CohortWriter, key: Key, modality: str, found: _Read) -> None:
    """Add a recording to the cohort."""
    participant, visit = key
    if modality == "ecg":
        writer.add(participant, visit, ecg=found.recording, values=found.values)
    else:
        writer.add(participant, visit, mri=found.recording, values=found.values)


def _read_ecg(path: Path, *, rate_hz: float | None, unit: str | None) -> _Read:
    """Read one ECG file."""
    beat = median_beat(read_ecg(path, rate_hz=rate_hz, unit=unit))
    return _Read(
        beat.recording,
        {
            "ecg_rr_ms": beat.rr_ms,
            "heart_rate_bpm": beat.heart_rate_bpm,
            "ecg_beats_used": float(beat.beats_used),
            "ecg_beats_rejected": float(beat.beats_rejected),
            "ecg_beat_correlation": beat.correlation,
            "ecg_noise_uv": beat.noise_uv,
        },
    )


def _read_cine(path: Path) -> _Read:
    """Read one cine."""
    cine = heart_crop(read_cine(path))
    return _Read(
        cine.recording,
        {
            "mri_rr_ms": cine.rr_ms,
            "mri_pixel_mm": cine.pixel_mm,
            "mri_frames_recorded": float(cine.frames_recorded),
            "mri_motion_energy": cine.motion_energy,
            "mri_heart_row": cine.heart_row,
            "mri_heart_column": cine.heart_column,
            "mri_plane_tilt_deg": cine.plane_tilt_deg,
            "mri_clipped_share": cine.clipped_share,
        },
    )


def _ecg_files(paths: Iterable[str | Path], ids: Path | None) -> list[Path]:
    """List the recordings that some paths mean; a WFDB record counts once."""
    table = None if ids is None else Path(ids).resolve()
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if path.is_dir():
            found |= dict.fromkeys(
                file
                for file in files_in(path)
                if file.suffix.lower() in _ECG_SUFFIXES and file.resolve() != table
            )
            continue
        header = path.with_suffix(".hea")
        found[header if header.is_file() else path] = None
    return list(found)


def _cine_series(paths: Iterable[str | Path]) -> list[Path]:
    """List the series that some paths mean: files, and folders that hold files themselves."""
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if not path.is_dir():
            found[path] = None
            continue
        files = files_in(path)
        single = [file for file in files if file.name.lower().endswith(_CINE_FILES)]
        images = [
            file
            for file in files
            if file not in set(single)
            and file.suffix.lower() not in _NO_IMAGES
            and not file.name.upper().startswith(("DICOMDIR", "LICENSE", "README"))
        ]
        found |= dict.fromkeys(single)
        found |= dict.fromkeys(file.parent for file in images)
    return list(found)


def _series_of_one_study(paths: list[Path]) -> dict[Path, str]:
    """Return why to refuse the DICOM folders that hold several series of one examination.

    Taken one by one they would become as many participants, and most are other views.
    """
    from cmae.readers.cine_dicom import study_of  # noqa: PLC0415 - pydicom is slow to load

    studies: defaultdict[str, list[Path]] = defaultdict(list)
    for path in paths:
        if path.is_dir() and (study := study_of(path)):
            studies[study].append(path)
    return {
        path: f"{len(folders)} folders hold series of this one examination: give the folder of "
        "its four-chamber cine alone."
        for folders in studies.values()
        for path in folders
        if len(folders) > 1
    }


def _without_path(text: str, path: Path) -> str:
    """Return a sentence without the file's path, which may name a participant."""
    for name in (str(path), path.name, path.stem):
        if len(name) > 3:
            text = text.replace(name, "the file")
    return text
