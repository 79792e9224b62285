"""The run folder: what a training leaves, opened as a model that speaks physical units."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmae import settings
from cmae.data.files import replacing
from cmae.data.modality import MODALITIES, MRI
from cmae.errors import InputError
from cmae.model.autoencoder import CrossModalAutoencoder
from cmae.model.run_files import (
    CARD_FILE,
    FORMAT_NUMBER,
    MODEL_FILE,
    WEIGHTS_FILE,
    CineScale,
    ModelFile,
    read_card,
    read_description,
    read_model_file,
    run_fingerprint,
)
from cmae.model.weights import load_weights, save_weights

__all__ = [
    "CARD_FILE",
    "FORMAT_NUMBER",
    "MODEL_FILE",
    "WEIGHTS_FILE",
    "CineScale",
    "ModelFile",
    "Run",
    "predict_padded",
    "read_card",
    "read_description",
    "read_model_file",
    "run_fingerprint",
    "save_model",
]

BATCH_SIZE = 32


def save_model(
    folder: Path, description: ModelFile, model: CrossModalAutoencoder, *, dtype: str = "float32"
) -> None:
    """Write ``model.toml`` and ``weights.safetensors`` into a run folder.

    Args:
        folder: The run folder, made if missing.
        description: What ``model.toml`` shall hold.
        model: The trained model.
        dtype: ``float32``, or ``float16`` for runs that are shipped.
    """
    with replacing(folder / MODEL_FILE) as temporary:
        temporary.write_text(settings.dumps(description), encoding="utf-8")
    save_weights(model, folder / WEIGHTS_FILE, dtype=dtype)


class Run:
    """A trained model with everything needed to use it; all arrays in physical units.

    Attributes:
        path: The run folder.
        description: What its ``model.toml`` holds.
        model: The networks, in model units.
    """

    def __init__(self, path: Path, description: ModelFile, model: CrossModalAutoencoder) -> None:
        self.path = path
        self.description = description
        self.model = model
        for network in (*model.encoders.values(), *model.decoders.values()):
            # Compiling with XLA costs tens of seconds and was not faster on a CPU.
            network.compile(jit_compile=False)

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open a run folder.

        Args:
            path: The folder.

        Raises:
            RunError: It is missing, damaged, of another format, or its weights do not fit it.
        """
        path = Path(path)
        description = read_model_file(path)
        model = CrossModalAutoencoder(description.architecture)
        load_weights(model, path / WEIGHTS_FILE)
        return cls(path, description, model)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities, ECG first."""
        return tuple(self.model.encoders)

    @property
    def latent_dim(self) -> int:
        """Numbers a latent."""
        return self.description.architecture.latent_dim

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the settings and the weights: two runs with one fingerprint give one latent."""
        return run_fingerprint(self.path)

    @cached_property
    def card(self) -> dict[str, Any]:
        """What ``card.json`` says: versions, participants by split, metrics; empty without one."""
        return read_card(self.path)

    def normalize(self, modality: str, recordings: NDArray[Any]) -> NDArray[np.float32]:
        """Recordings (n, *shape) in physical units as the networks see them."""
        self._check(modality)
        return self.description.normalization.normalize(modality, recordings)

    def encode(
        self, modality: str, recordings: NDArray[Any], *, batch_size: int = BATCH_SIZE
    ) -> NDArray[np.float32]:
        """Latents of recordings.

        Args:
            modality: ``"ecg"`` or ``"mri"``.
            recordings: (n, *shape) in mV or scanner intensity.
            batch_size: Recordings at once; the last of several batches is padded, so that one shape
                is compiled.

        Returns:
            (n, latent_dim) float32.

        Raises:
            InputError: The run lacks this modality, or the recordings are not usable.
        """
        self._check(modality)
        encoder = self.model.encoders[modality]
        latents = np.empty((len(recordings), self.latent_dim), np.float32)
        size = min(batch_size, max(len(recordings), 1))
        for start in range(0, len(recordings), size):
            batch = self.normalize(modality, recordings[start : start + size])
            latents[start : start + size] = predict_padded(encoder, batch, size)
        return latents

    def decode(
        self,
        modality: str,
        latents: NDArray[Any],
        *,
        mean: ArrayLike | None = None,
        std: ArrayLike | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> NDArray[np.float32]:
        """Recordings that latents stand for.

        Args:
            modality: ``"ecg"`` or ``"mri"``.
            latents: (n, latent_dim).
            mean: MRI only: (n,) or one number, mean of the recorded cine in scanner intensity;
                by default the run's training median.
            std: MRI only: likewise, its SD.
            batch_size: Latents at most at once.

        Returns:
            (n, *shape) float32 in mV or scanner intensity.

        Raises:
            InputError: The run lacks this modality, or the latents have another length.
        """
        self._check(modality)
        latents = np.asarray(latents, np.float32)
        if latents.ndim != 2 or latents.shape[1] != self.latent_dim:
            raise InputError(
                f"Latents have shape {latents.shape}, but this run decodes (n, {self.latent_dim})."
            )
        decoder = self.model.decoders[modality]
        outputs = np.empty((len(latents), *MODALITIES[modality].shape), np.float32)
        size = min(batch_size, max(len(latents), 1))
        for start in range(0, len(latents), size):
            batch = latents[start : start + size]
            outputs[start : start + size] = predict_padded(decoder, batch, size)
        scale: dict[str, ArrayLike] = {}
        if modality == MRI.name:
            fallback = self.description.decoded_cine
            scale["mean"] = fallback.mean if mean is None else mean
            scale["std"] = fallback.std if std is None else std
        return self.description.normalization.denormalize(modality, outputs, **scale)

    def translate(
        self,
        source: str,
        recordings: NDArray[Any],
        target: str,
        *,
        mean: ArrayLike | None = None,
        std: ArrayLike | None = None,
    ) -> NDArray[np.float32]:
        """Recordings of one modality as the other.

        Args:
            source: Modality of ``recordings``.
            recordings: (n, *shape) in mV or scanner intensity.
            target: Modality to decode.
            mean: As for ``decode``.
            std: As for ``decode``.

        Returns:
            (n, *shape) float32 of ``target``, in mV or scanner intensity.
        """
        return self.decode(target, self.encode(source, recordings), mean=mean, std=std)

    def joint(
        self,
        latents: Mapping[str, NDArray[Any]],
        present: Mapping[str, NDArray[np.bool_]],
    ) -> NDArray[np.float32]:
        """One latent a row: that of the recording that exists; where both do, their mean.

        A run whose merge is frozen takes each coordinate from its modality instead of the mean.

        Args:
            latents: (n, latent_dim) by modality; any value where absent.
            present: (n,) by modality.

        Returns:
            (n, latent_dim) float32; zeros where a row has neither.
        """
        masks = {name: np.asarray(present[name], np.float32)[:, None] for name in latents}
        frozen = self.description.architecture.frozen_shares
        if frozen is not None and len(latents) == len(frozen):
            has_both = np.logical_and.reduce([mask > 0 for mask in masks.values()])
            masks = {name: np.where(has_both, frozen[name], mask) for name, mask in masks.items()}
        count = np.maximum(sum(masks.values()), 1.0)
        # An absent latent may hold anything, NaN included: choose, do not multiply.
        total = sum(
            np.where(masks[name] > 0, np.asarray(latents[name], np.float32), 0.0)
            for name in latents
        )
        joint: NDArray[np.float32] = (total / count).astype(np.float32)
        return joint

    def _check(self, modality: str) -> None:
        if modality not in self.model.encoders:
            raise InputError(
                f"This run has no {modality} network, only {', '.join(self.modalities)}: "
                "use a cross-modal run."
            )


def predict_padded(network: Any, batch: NDArray[np.float32], size: int) -> NDArray[np.float32]:  # noqa: ANN401
    """Run a network on a batch filled up to ``size``, and leave the filling out.

    Args:
        network: A compiled Keras model.
        batch: (n, ...) in model units, at most ``size``.
        size: Rows that the network always gets, so that one shape is compiled.

    Returns:
        (n, ...) what the network gave.
    """
    lacking = size - len(batch)
    if lacking:
        batch = np.concatenate([batch, np.zeros((lacking, *batch.shape[1:]), np.float32)])
    result: NDArray[np.float32] = np.asarray(network.predict_on_batch(batch))
    return result[: size - lacking]
