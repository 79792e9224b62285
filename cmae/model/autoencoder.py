"""The cross-modal autoencoder: one encoder and one decoder a modality, and the latent they share.

Everything here is in model units; `cmae.model.run.Run` converts from and to physical ones.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from cmae.model import losses
from cmae.model.architecture import Architecture, Merge
from cmae.model.masking import hide_patches
from cmae.model.networks import build_decoder, build_encoder

Tensor = Any

RECONSTRUCTION_LOSSES = {"ecg": losses.log_cosh, "mri": losses.mean_squared_error}
"""The paper's reconstruction loss of each modality."""


class CrossModalAutoencoder(keras.Model):
    """An autoencoder of one or two modalities with a shared latent.

    A batch is a mapping with, for each modality, recordings ``(n, *shape)`` in model units, and
    under ``"present"`` a mapping from each modality to ``(n,)`` ones and zeros. The values of an
    absent recording change nothing.

    Args:
        architecture: The settings that it is built from.
        seed: Seed of the modality dropout and of the hidden patches.

    Attributes:
        architecture: The settings that it was built from.
        encoders: The encoder of each modality.
        decoders: The decoder of each modality.
        num_decoded: Participants of a training batch that are decoded, its first ones; the others
            only meet in the contrastive loss. None for all.
        num_replicas: Devices that each get a share of a batch; the gradient is their mean. Keras
            adds up the gradients of replicas, so that each one's loss counts for its share.
    """

    def __init__(self, architecture: Architecture, *, seed: int = 0) -> None:
        """Build the networks."""
        super().__init__(name="cross_modal_autoencoder")
        self.architecture = architecture
        dim = architecture.latent_dim
        names = [modality.name for modality in architecture.modalities]
        self.encoders = {
            modality.name: build_encoder(architecture.networks[modality.name], modality, dim)
            for modality in architecture.modalities
        }
        self.decoders = {
            modality.name: build_decoder(architecture.networks[modality.name], modality, dim)
            for modality in architecture.modalities
        }
        self.alignment = Alignment(architecture) if len(names) == 2 else None
        self.num_decoded: int | None = None
        self.num_replicas = 1
        self.dropout_seed = keras.random.SeedGenerator(seed)
        self.loss_means = {name: keras.metrics.Mean(name=name) for name in self._loss_names(names)}
        self.built = True

    @property
    def parts(self) -> dict[str, keras.layers.Layer]:
        """The parts that hold weights, by the name that they have in a run's files."""
        parts: dict[str, keras.layers.Layer] = {}
        for name in self.encoders:
            parts[f"{name}_encoder"] = self.encoders[name]
            parts[f"{name}_decoder"] = self.decoders[name]
        if self.alignment is not None:
            parts["alignment"] = self.alignment
        return parts

    def encode(self, modality: str, recordings: Tensor, *, training: bool = False) -> Tensor:
        """Latents of recordings: (n, *shape) in model units -> (n, latent_dim)."""
        return self.encoders[modality](recordings, training=training)

    def decode(self, modality: str, latents: Tensor, *, training: bool = False) -> Tensor:
        """Recordings of latents: (n, latent_dim) -> (n, *shape) in model units."""
        return self.decoders[modality](latents, training=training)

    def translate(self, source: str, recordings: Tensor, target: str) -> Tensor:
        """Recordings of one modality as the other: (n, *shape) -> (n, *shape), model units."""
        return self.decode(target, self.encode(source, recordings))

    def merge(
        self, latents: dict[str, Tensor], present: dict[str, Tensor], *, training: bool = False
    ) -> Tensor:
        """Make one joint latent a participant.

        Args:
            latents: (n, latent_dim) for each modality; any finite value where absent.
            present: (n,) ones and zeros for each modality.
            training: Whether modalities are dropped at random, as the architecture says.

        Returns:
            (n, latent_dim): at inference the mean of the latents that exist, or what the frozen
            assignment picks of them.
        """
        stacked = ops.stack([ops.cast(latents[name], "float32") for name in latents], axis=1)
        mask = ops.stack([ops.cast(present[name], "float32") for name in latents], axis=1)
        mask = ops.expand_dims(mask, -1)
        how: Merge = self.architecture.merge if training else "mean"
        frozen = self.architecture.frozen_shares
        if how == "mean" or frozen is not None:
            shares = mask / ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)
            if frozen is not None and len(latents) == len(frozen):
                picked = np.stack([frozen[name] for name in latents])[None]
                has_both = ops.min(mask, axis=1, keepdims=True)
                shares = has_both * picked + (1.0 - has_both) * shares
        else:
            count, modalities, dim = ops.shape(stacked)
            draws = keras.random.uniform(
                (count, modalities, 1 if how == "participant" else dim), seed=self.dropout_seed
            )
            # Absent modalities never win, whatever was drawn.
            winner = ops.argmax(draws * mask - (1.0 - mask), axis=1)
            shares = ops.moveaxis(ops.one_hot(winner, modalities, dtype="float32"), -1, 1)
        return ops.sum(shares * stacked, axis=1)

    def call(self, inputs: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Encode every modality, merge, and decode every modality from the merged latent.

        Args:
            inputs: A batch, as the class describes it.
            training: Whether modalities are dropped at random.

        Returns:
            ``latents`` and ``decoded`` by modality, ``joint`` (n, latent_dim), and ``translated``
            by target modality where the architecture weighs translation. In training ``joint`` and
            what is decoded are of the first participants alone where ``num_decoded`` says so.
        """
        latents = {
            name: self.encode(name, self._seen(name, inputs[name], training), training=training)
            for name in self.encoders
        }
        count = self.num_decoded if training else None
        first = {name: some[:count] for name, some in latents.items()}
        present = {name: inputs["present"][name][:count] for name in latents}
        joint = self.merge(first, present, training=training)
        decoded = {name: self.decode(name, joint, training=training) for name in self.decoders}
        translated = {}
        if self.alignment is not None and self.architecture.translation_weight > 0:
            for source, target in (("ecg", "mri"), ("mri", "ecg")):
                translated[target] = self.decode(target, first[source], training=training)
        return {"latents": latents, "joint": joint, "decoded": decoded, "translated": translated}

    def _seen(self, modality: str, recordings: Tensor, training: bool) -> Tensor:
        """What the encoder sees of recordings: in training, not the patches that are hidden."""
        share = self.architecture.hidden_share
        if not training or share == 0:
            return recordings
        return hide_patches(modality, recordings, share, self.dropout_seed)

    def compute_losses(self, batch: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Tensor]:
        """The parts of the loss, unweighted, as scalars by name.

        Args:
            batch: A batch, as the class describes it.
            outputs: What ``call`` returned for it, of all participants or of the first ones.
        """
        present = {name: ops.cast(batch["present"][name], "float32") for name in self.encoders}
        parts = {
            name: _reconstruction_loss(name, batch[name], outputs["decoded"][name], present[name])
            for name in self.encoders
        }
        if self.alignment is None:
            return parts
        paired = present["ecg"] * present["mri"]
        for target, decoded in outputs["translated"].items():
            source = "ecg" if target == "mri" else "mri"
            parts[f"{source}_to_{target}"] = _reconstruction_loss(
                target, batch[target], decoded, paired
            )
        if self.architecture.contrast.loss != "none":
            latents = outputs["latents"]
            parts["contrast"] = losses.mean_over_participants(
                self.alignment([latents["ecg"], latents["mri"], paired]), paired
            )
        return parts

    def compute_loss(
        self,
        x: Any = None,  # noqa: ANN401
        y: Any = None,  # noqa: ANN401
        y_pred: Any = None,  # noqa: ANN401
        sample_weight: Any = None,  # noqa: ANN401
        training: bool = True,
    ) -> Tensor:
        """The weighted sum of the parts, a replica's share of it; the parts go into the history."""
        del y, sample_weight, training
        parts = self.compute_losses(x, y_pred)
        weights = {"contrast": self.architecture.contrast.weight}
        weights |= dict.fromkeys(("ecg_to_mri", "mri_to_ecg"), self.architecture.translation_weight)
        for name, value in parts.items():
            self.loss_means[name].update_state(value)
        total = sum(weights.get(name, 1.0) * value for name, value in parts.items())
        return total / self.num_replicas

    def _loss_names(self, names: list[str]) -> list[str]:
        parts = list(names)
        if self.alignment is not None:
            if self.architecture.translation_weight > 0:
                parts += ["ecg_to_mri", "mri_to_ecg"]
            if self.architecture.contrast.loss != "none":
                parts.append("contrast")
        return parts


def _reconstruction_loss(
    modality: str, recordings: Tensor, decoded: Tensor, present: Tensor
) -> Tensor:
    """The mean over the participants that are decoded and present: the first ones of a batch."""
    count = ops.shape(decoded)[0]
    values = RECONSTRUCTION_LOSSES[modality](recordings[:count], decoded)
    return losses.mean_over_participants(values, present[:count])


class Alignment(keras.layers.Layer):
    """The contrastive loss and what it learns: the temperature, and for SigLIP an offset."""

    def __init__(self, architecture: Architecture) -> None:
        """Make the temperature, and for SigLIP the offset."""
        super().__init__(name="alignment", dtype="float32")
        self.contrast = architecture.contrast
        self.log_scale = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(self.contrast.log_scale),
            name="log_scale",
        )
        if self.contrast.loss == "sigmoid":
            self.offset = self.add_weight(
                shape=(),
                initializer=keras.initializers.Constant(self.contrast.offset),
                name="offset",
            )
        self.built = True

    def call(self, inputs: list[Tensor]) -> Tensor:
        """The contrastive loss of each participant.

        Args:
            inputs: ECG latents (n, d), MRI latents (n, d), and (n,) 1 where both exist.

        Returns:
            (n,), 0 where unpaired.
        """
        ecg_latents, mri_latents, paired = inputs
        similarities = losses.cosine_similarities(ecg_latents, mri_latents)
        if self.contrast.loss == "sigmoid":
            return losses.sigmoid_pairs(similarities, self.log_scale, self.offset, paired)
        loss = losses.published_info_nce if self.contrast.loss == "published" else losses.info_nce
        return loss(similarities, self.log_scale, paired)
