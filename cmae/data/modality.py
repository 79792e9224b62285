"""The two modalities and a simulator's truth of them: names, shapes, axes, units, channels."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cmae.errors import InputError

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""The clinical order of the twelve leads."""

ECG_RATE_HZ = 500.0
"""Samples per second of a median beat."""

R_PEAK_SAMPLE = 200
"""The sample of a median beat that holds the R peak: 0.4 s after its start."""

MRI_PIXEL_MM = 1.8
"""Side of a pixel of a cine that our own crop made, in mm."""

MRI_FRAMES = 50
"""Frames of one cardiac cycle; frame 0 is end diastole."""


@dataclass(frozen=True)
class Modality:
    """The facts of one kind of recording.

    Attributes:
        name: Key used in tables, files and code: ``"ecg"`` or ``"mri"``.
        title: Name for people.
        shape: Shape of one recording, channels last.
        axes: Meaning of each axis of ``shape``.
        unit: Physical unit of a stored recording.
        channels: Names along the last axis.
        is_integer_allowed: Whether the scanner's own integers may be stored as they are.
    """

    name: str
    title: str
    shape: tuple[int, ...]
    axes: tuple[str, ...]
    unit: str
    channels: tuple[str, ...]
    is_integer_allowed: bool

    def check(self, recordings: NDArray[np.generic], *, what: str) -> None:
        """Raise InputError unless ``recordings`` are finite recordings of this modality.

        Args:
            recordings: One recording of ``shape``, or several, ``(n, *shape)``, in ``unit``.
            what: What the array is, for the message; never an identifier.

        Raises:
            InputError: The shape or the type differs, or a value is not finite.
        """
        if tuple(recordings.shape[-len(self.shape) :]) != self.shape:
            raise InputError(
                f"{what} has shape {tuple(recordings.shape)}, but an {self.title} has "
                f"{self.shape} ({' × '.join(self.axes)}): convert it first."
            )
        kind = recordings.dtype.kind
        if kind == "f":
            if not np.isfinite(recordings).all():
                raise InputError(
                    f"{what} holds NaN or infinite values: a recording must be finite; "
                    "leave it out if the measurement failed."
                )
        elif not (kind in "iu" and self.is_integer_allowed):
            raise InputError(
                f"{what} has type {recordings.dtype}, but an {self.title} is stored as "
                f"{'integers or floats' if self.is_integer_allowed else 'floats'} in {self.unit}."
            )


ECG = Modality(
    name="ecg",
    title="ECG",
    shape=(600, 12),
    axes=("time", "lead"),
    unit="mV",
    channels=LEADS,
    is_integer_allowed=False,
)

MRI = Modality(
    name="mri",
    title="MRI cine",
    shape=(96, 96, MRI_FRAMES),
    axes=("row", "column", "frame"),
    unit="scanner intensity",
    channels=tuple(f"frame {k}" for k in range(MRI_FRAMES)),
    is_integer_allowed=True,
)

MODALITIES = {modality.name: modality for modality in (ECG, MRI)}
"""All modalities by name, in the order in which files and tables list them."""

ECG_NOISELESS = replace(ECG, name="ecg_noiseless", title="noiseless ECG")
MRI_NOISELESS = replace(MRI, name="mri_noiseless", title="noiseless MRI cine")
MRI_MASK = replace(MRI, name="mri_mask", title="MRI mask", unit="label")

TRUTHS = {truth.name: truth for truth in (ECG_NOISELESS, MRI_NOISELESS, MRI_MASK)}
"""What only a simulator knows of a recording: stored like recordings, in cohorts that have any."""

STORED = {**MODALITIES, **TRUTHS}
"""Everything that parts hold, by name."""
