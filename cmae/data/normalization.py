"""Physical units to model units and back, in one place."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmae.data.modality import ECG, MODALITIES, MRI
from cmae.errors import InputError
from cmae.settings import STRICT


@dataclass(frozen=True)
class Normalization:
    """How recordings become what the networks see.

    Attributes:
        ecg_unit_mv: One model unit of the ECG, in mV.
        mri_epsilon: Added to the SD that a cine is divided by, in scanner intensity.
    """

    __pydantic_config__ = STRICT

    ecg_unit_mv: float = 0.05
    mri_epsilon: float = 1e-7

    def normalize(
        self, modality: str, recordings: NDArray[Any], *, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return recordings in model units: an ECG in ``ecg_unit_mv``, a cine as its z-scores.

        Args:
            modality: ``"ecg"`` or ``"mri"``.
            recordings: (n, *shape) in the unit of the modality, any real type.
            out: (n, *shape) to write to; may be ``recordings`` itself.

        Returns:
            (n, *shape) float32: ``out`` if given.

        Raises:
            InputError: The shape differs, or a value is not finite.
        """
        facts = MODALITIES[modality]
        if recordings.shape[1:] != facts.shape:
            raise InputError(
                f"Recordings to normalize have shape {recordings.shape}, but those of an "
                f"{facts.title} have (n, {', '.join(map(str, facts.shape))})."
            )
        if out is None:
            out = np.empty(recordings.shape, np.float32)
        for recording, target in zip(recordings, out, strict=True):
            if modality == ECG.name:
                np.multiply(recording, np.float32(1 / self.ecg_unit_mv), out=target)
                is_finite = bool(np.isfinite(target).all())
            else:
                is_finite = self._z_score(recording, target)
            if not is_finite:
                raise InputError(
                    f"An {facts.title} holds NaN, infinite or enormous values: "
                    "repair or leave out the recording."
                )
        return out

    def denormalize(
        self,
        modality: str,
        recordings: NDArray[Any],
        *,
        mean: ArrayLike | None = None,
        std: ArrayLike | None = None,
    ) -> NDArray[np.float32]:
        """Return recordings in physical units.

        Args:
            modality: ``"ecg"`` or ``"mri"``.
            recordings: (n, *shape) in model units.
            mean: MRI only: (n,) or one number, the mean of the cine in scanner intensity.
            std: MRI only: (n,) or one number, its SD.

        Returns:
            (n, *shape) float32 in the unit of the modality.

        Raises:
            InputError: A cine came without mean and SD.
        """
        if modality == ECG.name:
            return np.asarray(recordings, np.float32) * np.float32(self.ecg_unit_mv)
        if mean is None or std is None:
            raise InputError(
                "A cine in model units has no scale of its own: give the mean and SD of a cine."
            )
        axes = (-1,) + (1,) * len(MRI.shape)
        scale = np.asarray(std, np.float32).reshape(axes) + np.float32(self.mri_epsilon)
        result: NDArray[np.float32] = np.asarray(recordings, np.float32) * scale
        result += np.asarray(mean, np.float32).reshape(axes)
        return result

    def _z_score(self, recording: NDArray[Any], out: NDArray[np.float32]) -> bool:
        """Write (x - mean) / (std + epsilon) to ``out``; return whether all is finite."""
        mean, std = _mean_and_std(recording, out)
        if not (np.isfinite(mean) and np.isfinite(std)):
            return False
        out *= np.float32(1 / (std + self.mri_epsilon)) if std > 0 else np.float32(0)
        return True


def mri_mean_and_std(recordings: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and SD of each cine, (n,) float32 in scanner intensity.

    Args:
        recordings: (n, 96, 96, 50) in scanner intensity, any real type.
    """
    scratch = np.empty(recordings.shape[1:], np.float32)
    pairs = [_mean_and_std(recording, scratch) for recording in recordings]
    both = np.array(pairs, np.float32).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _mean_and_std(recording: NDArray[Any], centered: NDArray[np.float32]) -> tuple[float, float]:
    """Return mean and SD, leaving the recording less its mean in ``centered``."""
    kind = np.int64 if recording.dtype.kind in "iu" else np.float64
    mean = float(recording.sum(dtype=kind)) / recording.size
    with np.errstate(over="ignore", invalid="ignore"):
        np.subtract(recording, mean, out=centered, dtype=np.float32, casting="unsafe")
        flat = centered.reshape(-1)
        variance = float(np.dot(flat, flat)) / recording.size
    return mean, float(np.sqrt(variance))
