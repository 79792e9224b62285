"""Translation of a file: read a recording of one modality, write the other one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cmae.data.files import replacing
from cmae.data.modality import ECG_RATE_HZ, LEADS, MODALITIES
from cmae.errors import InputError, RunError
from cmae.latent import media

FORMATS = {"ecg": (".csv", ".npy"), "mri": (".gif", ".nii.gz", ".nii", ".npy")}
"""Suffixes that a recording of each modality can be written with."""

DEFAULT_RR_MS = 1000.0
"""Duration of a heartbeat where the recording does not tell it: 60 beats a minute."""

Floats = NDArray[np.float32]


class Translator(Protocol):
    """What translation needs of a run (``cmae.model.run.Run`` has it)."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities that the run knows."""

    def translate(self, source: str, recordings: Floats, target: str) -> Floats:
        """Decode recordings of one modality into another, both in physical units."""


@dataclass(frozen=True)
class Recorded:
    """A recording read from a file.

    Attributes:
        modality: ``ecg`` or ``mri``.
        recording: In the modality's shape and unit.
        rr_ms: Duration of a heartbeat in ms, or None where the file does not tell.
        facts: What was done to get it, for people and JSON.
    """

    modality: str
    recording: Floats
    rr_ms: float | None
    facts: Mapping[str, object]


def read(
    modality: str, path: Path, *, rate_hz: float | None = None, unit: str | None = None
) -> Recorded:
    """Read a recording in any format that import reads.

    Args:
        modality: ``ecg`` or ``mri``.
        path: File, folder or archive.
        rate_hz: Samples per second of an ECG in CSV that has no time column.
        unit: Unit of an ECG in CSV that names none.

    Returns:
        The median beat, or the cine around the heart.

    Raises:
        InputError: There is no such modality.
        ReadError: The file cannot be read.
    """
    # The readers pull in their formats' libraries, which only this needs.
    if modality == "ecg":
        from cmae.readers.ecg import read_ecg  # noqa: PLC0415
        from cmae.readers.median_beat import median_beat  # noqa: PLC0415

        beat = median_beat(read_ecg(path, rate_hz=rate_hz, unit=unit))
        facts: dict[str, object] = {
            "beats_used": beat.beats_used,
            "beats_rejected": beat.beats_rejected,
        }
        return Recorded("ecg", np.asarray(beat.recording, np.float32), beat.rr_ms, facts)
    if modality == "mri":
        from cmae.readers.cine import read_cine  # noqa: PLC0415
        from cmae.readers.heart_crop import heart_crop  # noqa: PLC0415

        heart = heart_crop(read_cine(path))
        facts = {"frames_recorded": heart.frames_recorded}
        return Recorded("mri", np.asarray(heart.recording, np.float32), heart.rr_ms, facts)
    raise InputError(
        f"There is no modality {modality!r}: say one of {', '.join(MODALITIES)} after --from."
    )


def translate(run: Translator, recorded: Recorded, target: str) -> Floats:
    """Translate one recording.

    Args:
        run: The trained run.
        recorded: What was read.
        target: ``ecg`` or ``mri``.

    Returns:
        The translated recording in the target's shape and unit; a cine in the scale that cines of
        the run's training had.

    Raises:
        RunError: The run does not know one of the modalities.
    """
    unknown = [name for name in (recorded.modality, target) if name not in run.modalities]
    if unknown:
        raise RunError(
            f"The run knows {' and '.join(run.modalities)}, not {unknown[0]}: use a run trained on "
            "both modalities."
        )
    translated: Floats = run.translate(recorded.modality, recorded.recording[None], target)[0]
    return translated


def check_suffix(modality: str, path: Path) -> None:
    """Raise InputError unless a recording of a modality can be written to a path.

    Args:
        modality: ``ecg`` or ``mri``.
        path: The file to write.
    """
    if not path.name.lower().endswith(FORMATS[modality]):
        raise InputError(
            f"An {MODALITIES[modality].title} cannot be written as {path.suffix or 'no suffix'!r}: "
            f"end the name of --out with one of {' '.join(FORMATS[modality])}."
        )


def write(modality: str, recording: Floats, path: Path, *, rr_ms: float | None = None) -> None:
    """Write a recording in the format that the path's suffix names.

    Args:
        modality: ``ecg`` or ``mri``.
        recording: In the modality's shape and unit.
        path: ``.csv`` (ECG: a column a lead), ``.gif``, ``.nii.gz`` (cine), or ``.npy``.
        rr_ms: Duration of a heartbeat in ms: the cine plays at this speed.
    """
    check_suffix(modality, path)
    name, rr_ms = path.name.lower(), rr_ms or DEFAULT_RR_MS
    with replacing(path) as temporary:
        if name.endswith(".npy"):
            with temporary.open("wb") as file:
                np.save(file, recording, allow_pickle=False)
        elif name.endswith(".csv"):
            temporary.write_bytes(media.ecg_csv(recording))
        elif name.endswith(".gif"):
            temporary.write_bytes(media.cine_gif(recording, rr_ms))
        else:
            temporary.write_bytes(
                media.cine_nifti(recording, rr_ms, is_zipped=name.endswith(".gz"))
            )


def summary(recorded: Recorded, target: str, translated: Floats, path: Path) -> dict[str, object]:
    """Describe a translation for people and JSON.

    Args:
        recorded: What was read.
        target: What it was translated into.
        translated: The result.
        path: Where it was written.

    Returns:
        Names and values.
    """
    rate = {"samples_per_s": ECG_RATE_HZ, "leads": list(LEADS)} if target == "ecg" else {}
    return {
        "from": recorded.modality,
        "to": target,
        **recorded.facts,
        "rr_ms": recorded.rr_ms,
        "shape": list(translated.shape),
        "unit": MODALITIES[target].unit,
        **rate,
        "file": str(path),
        "note": "Made by a model: research use only, not for diagnosis.",
    }
