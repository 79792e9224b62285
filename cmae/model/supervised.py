"""The supervised baseline: one modality's encoder with a linear head for several phenotypes."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from cmae import settings
from cmae.data.files import replacing
from cmae.data.normalization import Normalization
from cmae.errors import SettingsError
from cmae.model import losses
from cmae.model.architecture import Architecture
from cmae.model.masking import hide_patches
from cmae.model.networks import build_encoder
from cmae.model.run import (
    BATCH_SIZE,
    WEIGHTS_FILE,
    predict_padded,
    read_card,
    read_description,
    run_fingerprint,
)
from cmae.model.weights import load_weights, save_weights
from cmae.settings import STRICT

FORMAT_NUMBER = 1
SUPERVISED_FILE = "supervised.toml"

Tensor = Any


@dataclass(frozen=True)
class Target:
    """A phenotype that the head predicts.

    Attributes:
        name: Name of the column.
        kind: ``continuous``, or ``binary`` (0 or 1).
        mean: Of the training labels, in the unit; for a binary one, the share that has it.
        std: SD of the training labels, in the unit.
        unit: Unit of the column, empty where there is none.
    """

    __pydantic_config__ = STRICT

    name: str
    kind: Literal["continuous", "binary"]
    mean: float
    std: float
    unit: str = ""

    def __post_init__(self) -> None:
        """Refuse labels that do not vary.

        Raises:
            SettingsError: The SD is not positive, or the share of a binary target not inside 0 – 1.
        """
        if not (np.isfinite(self.mean) and 0 < self.std < np.inf):
            raise SettingsError(
                f"The target {self.name} has mean {self.mean:g} and SD {self.std:g}: give a "
                "phenotype that varies."
            )
        if self.kind == "binary" and not 0 < self.mean < 1:
            raise SettingsError(
                f"The binary target {self.name} has mean {self.mean:g}: give one that some have "
                "and some have not."
            )


@dataclass(frozen=True)
class SupervisedFile:
    """What ``supervised.toml`` holds: all that the network is built from and fed with.

    Attributes:
        format_number: Number of this format.
        architecture: The settings of the one network.
        targets: What the head predicts, in its order.
        normalization: Physical to model units.
    """

    __pydantic_config__ = STRICT

    format_number: int
    architecture: Architecture
    targets: tuple[Target, ...]
    normalization: Normalization = field(default_factory=Normalization)

    def __post_init__(self) -> None:
        """Refuse two networks, no target, and a target that is named twice.

        Raises:
            SettingsError: As said.
        """
        if len(self.architecture.networks) != 1:
            raise SettingsError("A supervised network has one modality: give ecg or mri alone.")
        names = [target.name for target in self.targets]
        if not names or len(set(names)) != len(names):
            raise SettingsError("A supervised network needs targets, each named once.")

    @property
    def modality(self) -> str:
        """Name of the modality that it predicts from."""
        return self.architecture.modalities[0].name


class SupervisedNetwork(keras.Model):
    """An encoder and a linear head, in model units.

    A batch is a mapping with the modality's recordings ``(n, *shape)``, under ``"labels"`` the
    standardized labels (0 and 1 of binary targets) ``(n, targets)``, and under ``"known"`` ones
    and zeros ``(n, targets)``; labels that are not known change nothing.

    Args:
        description: The settings that it is built from.
        seed: Seed of the hidden patches.

    Attributes:
        description: The settings that it was built from.
        network: Recordings (n, *shape) -> standardized values and logits (n, targets).
        num_replicas: Devices that each get a share of a batch.
    """

    def __init__(self, description: SupervisedFile, *, seed: int = 0) -> None:
        """Build the network; before training it says the mean of each target."""
        super().__init__(name="supervised_network")
        self.description = description
        modality = description.architecture.modalities[0]
        dim = description.architecture.latent_dim
        encoder = build_encoder(description.architecture.networks[modality.name], modality, dim)
        head = keras.layers.Dense(
            len(description.targets), kernel_initializer="zeros", dtype="float32", name="head"
        )
        self.network = keras.Model(encoder.input, head(encoder.output), name="supervised")
        head.bias.assign([_base_rate(target) for target in description.targets])
        self._parts = {f"{modality.name}_encoder": encoder, "head": head}
        self.dropout_seed = keras.random.SeedGenerator(seed)
        self.is_binary = np.array(
            [target.kind == "binary" for target in description.targets], np.float32
        )
        self.num_replicas = 1
        self.built = True

    @property
    def parts(self) -> dict[str, keras.layers.Layer]:
        """The parts that hold weights, by the name that they have in a run's files."""
        return self._parts

    def call(self, inputs: dict[str, Any], training: bool = False) -> Tensor:
        """Standardized values and logits, (n, targets); in training patches may be hidden."""
        name = self.description.modality
        share = self.description.architecture.hidden_share
        recordings = inputs[name]
        if training and share > 0:
            recordings = hide_patches(name, recordings, share, self.dropout_seed)
        return self.network(recordings, training=training)

    def compute_loss(
        self,
        x: Any = None,  # noqa: ANN401
        y: Any = None,  # noqa: ANN401
        y_pred: Any = None,  # noqa: ANN401
        sample_weight: Any = None,  # noqa: ANN401
        training: bool = True,
    ) -> Tensor:
        """Mean over participants of the mean over their known targets, a replica's share of it."""
        del y, sample_weight, training
        known = ops.cast(x["known"], "float32")
        values = losses.label_errors(x["labels"], y_pred, known, self.is_binary)
        has_any = ops.cast(ops.any(known > 0, axis=1), "float32")
        return losses.mean_over_participants(values, has_any) / self.num_replicas


class SupervisedRun:
    """A trained supervised network with everything needed to use it, in physical units.

    Attributes:
        path: Its folder.
        description: What its ``supervised.toml`` holds.
        model: The network, in model units.
    """

    def __init__(self, path: Path, description: SupervisedFile, model: SupervisedNetwork) -> None:
        self.path = path
        self.description = description
        self.model = model
        # As for the encoders of a Run: XLA costs tens of seconds and was not faster on a CPU.
        model.network.compile(jit_compile=False)

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open the folder of a supervised network.

        Args:
            path: The folder.

        Raises:
            RunError: It is missing, damaged, of another format, or its weights do not fit it.
        """
        path = Path(path)
        description = read_description(SupervisedFile, path / SUPERVISED_FILE, FORMAT_NUMBER)
        model = SupervisedNetwork(description)
        load_weights(model, path / WEIGHTS_FILE)
        return cls(path, description, model)

    @property
    def modality(self) -> str:
        """Name of the modality that it predicts from."""
        return self.description.modality

    @property
    def targets(self) -> tuple[Target, ...]:
        """What it predicts, in the order of the predictions' columns."""
        return self.description.targets

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the settings and the weights."""
        return run_fingerprint(self.path, SUPERVISED_FILE)

    @cached_property
    def card(self) -> dict[str, Any]:
        """What ``card.json`` says: labels, versions, metrics; empty without one."""
        return read_card(self.path)

    def predict(
        self, recordings: NDArray[Any], *, batch_size: int = BATCH_SIZE
    ) -> NDArray[np.float32]:
        """Predict the targets of recordings.

        Args:
            recordings: (n, *shape) in mV or scanner intensity.
            batch_size: Recordings at once.

        Returns:
            (n, targets) float32: continuous targets in their unit, binary ones as logits.

        Raises:
            InputError: The recordings are not usable.
        """
        outputs = np.empty((len(recordings), len(self.targets)), np.float32)
        size = min(batch_size, max(len(recordings), 1))
        for start in range(0, len(recordings), size):
            batch = self.description.normalization.normalize(
                self.modality, recordings[start : start + size]
            )
            outputs[start : start + size] = predict_padded(self.model.network, batch, size)
        mean, std = scales(self.targets)
        return outputs * std + mean


def scales(targets: tuple[Target, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What outputs are multiplied by and shifted to: mean and SD (targets,), or 0 and 1 of logits.

    Args:
        targets: The targets.

    Returns:
        The means and the SDs, (targets,) each.
    """
    pairs = [
        (0.0, 1.0) if target.kind == "binary" else (target.mean, target.std) for target in targets
    ]
    mean, std = np.array(pairs, np.float32).reshape(-1, 2).T
    return mean, std


def save_supervised(folder: Path, model: SupervisedNetwork, *, dtype: str = "float32") -> None:
    """Write ``supervised.toml`` and ``weights.safetensors``.

    Args:
        folder: The folder, made if missing.
        model: The trained network.
        dtype: ``float32``, or ``float16`` for runs that are shipped.
    """
    with replacing(folder / SUPERVISED_FILE) as temporary:
        temporary.write_text(settings.dumps(model.description), encoding="utf-8")
    save_weights(model, folder / WEIGHTS_FILE, dtype=dtype)


def _base_rate(target: Target) -> float:
    """Where the output of a target starts: its mean, as a logit where it is binary."""
    return float(np.log(target.mean / (1 - target.mean))) if target.kind == "binary" else 0.0
