"""The settings of one training, read strictly from TOML; nothing here needs Keras."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from cmae import settings
from cmae.errors import SettingsError
from cmae.model.architecture import Architecture
from cmae.settings import STRICT


@dataclass(frozen=True)
class Schedule:
    """How the learning rate moves and when a stage ends.

    Attributes:
        kind: ``plateau`` (the paper's: halve on a plateau, then stop) or ``cosine`` (to zero over
            all epochs).
        patience: ``plateau``: epochs without a better validation loss before the rate is halved.
        stop_after: ``plateau``: epochs without a better validation loss before the stage ends.
        warmup_epochs: ``cosine``: epochs in which the rate rises linearly.
    """

    __pydantic_config__ = STRICT

    kind: Literal["plateau", "cosine"] = "plateau"
    patience: int = 64
    stop_after: int = 192
    warmup_epochs: int = 0


@dataclass(frozen=True)
class Stage:
    """One stage of a training.

    Attributes:
        name: Name of the stage, for people and for the folder of an inner stage.
        modalities: What it trains: one modality alone, or both together.
        epochs: Epochs at most.
        steps_per_epoch: Batches an epoch; an epoch is a stretch of work, not a pass over the data.
        validation_steps: Batches of the validation set after each epoch.
        batch_size: Participants a batch.
        decoded_participants: Participants of a batch that are decoded; the others only meet in the
            contrastive loss, which gains from many while decoding is the costly part. 0 for all.
        learning_rate: At its highest.
        clip_norm: Longest gradient, over all weights; 0 for no limit.
        weight_decay: Share of a kernel that is taken off it each step, times the rate (AdamW).
        schedule: How the rate moves and when the stage ends.
    """

    __pydantic_config__ = STRICT

    name: str
    modalities: tuple[Literal["ecg", "mri"], ...]
    epochs: int = 696
    steps_per_epoch: int = 128
    validation_steps: int = 36
    batch_size: int = 4
    decoded_participants: int = 0
    learning_rate: float = 5e-5
    clip_norm: float = 0.0
    weight_decay: float = 0.0
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        """Refuse numbers that cannot train.

        Raises:
            SettingsError: A count or the rate is not positive, or no modality is named.
        """
        for name in ("epochs", "steps_per_epoch", "validation_steps", "batch_size"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} of stage {self.name} must be at least 1.")
        if not 0 <= self.decoded_participants <= self.batch_size:
            raise SettingsError(
                f"decoded_participants of stage {self.name} is {self.decoded_participants}: give 0 "
                f"for all, or at most the {self.batch_size} of a batch."
            )
        if self.decoded_participants and len(set(self.modalities)) == 1:
            raise SettingsError(
                f"Stage {self.name} trains one modality, so who is not decoded would count for "
                "nothing: leave decoded_participants out."
            )
        if not self.learning_rate > 0:
            raise SettingsError(f"learning_rate of stage {self.name} must be above 0.")
        if self.weight_decay < 0:
            raise SettingsError(f"weight_decay of stage {self.name} must be 0 or more.")
        if not self.modalities or len(set(self.modalities)) != len(self.modalities):
            raise SettingsError(f"modalities of stage {self.name} must name ecg, mri, or both.")

    def limited_to(self, steps: int) -> "Stage":
        """The same stage ended after some steps, rounded up to whole epochs, for trying out."""
        spe = min(self.steps_per_epoch, steps)
        return replace(self, steps_per_epoch=spe, epochs=-(-steps // spe))


@dataclass(frozen=True)
class Split:
    """Shares of the participants; who is where is hashed from the identifier.

    Attributes:
        fractions: Training, validation, test.
        seed: Of the hash; the same in every stage that belongs together.
    """

    __pydantic_config__ = STRICT

    fractions: tuple[float, float, float] = (0.7, 0.2, 0.1)
    seed: int = 0


@dataclass(frozen=True)
class Numerics:
    """How numbers are computed.

    Attributes:
        precision: Keras' dtype policy.
        xla: Whether steps are compiled by XLA; ``false`` is as fast on a CPU and starts sooner.
        deterministic: Whether only operations are used that give the same numbers each time.
        weights: Type of the saved weights; float16 for runs that are shipped.
    """

    __pydantic_config__ = STRICT

    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    xla: bool = False
    deterministic: bool = False
    weights: Literal["float32", "float16"] = "float32"

    def __post_init__(self) -> None:
        """Refuse what Keras would leave out with no more than a warning.

        Raises:
            SettingsError: Both XLA and determinism are asked for.
        """
        if self.xla and self.deterministic:
            raise SettingsError("numerics.xla and deterministic exclude each other: choose one.")


@dataclass(frozen=True)
class Experiment:
    """Everything that decides what a training results in.

    Attributes:
        name: Name of the experiment, and by default of its run folder.
        stages: Stages in order; the last one leaves the run, each starts from those before it.
        model: The networks and losses of the last stage; earlier ones take what they train.
        seed: Of the weights, the order of the batches, and the modality dropout.
        split: Who trains, validates and tests.
        numerics: How numbers are computed.
        evaluated_participants: Held-out participants that the final figures are measured on.
    """

    __pydantic_config__ = STRICT

    name: str
    stages: tuple[Stage, ...]
    model: Architecture = field(default_factory=Architecture)
    seed: int = 0
    split: Split = field(default_factory=Split)
    numerics: Numerics = field(default_factory=Numerics)
    evaluated_participants: int = 1000

    def __post_init__(self) -> None:
        """Refuse stages that train what the model lacks.

        Raises:
            SettingsError: There is no stage, or one names a modality without a network.
        """
        if not self.stages:
            raise SettingsError("The experiment has no stage: give at least one [[stages]].")
        for stage in self.stages:
            lacking = set(stage.modalities) - set(self.model.networks)
            if lacking:
                raise SettingsError(
                    f"Stage {stage.name} trains {sorted(lacking)[0]}, but model.networks has no "
                    "such network."
                )
            if stage.decoded_participants and self.model.contrast.loss == "none":
                raise SettingsError(
                    f"Stage {stage.name} has no contrastive loss, so who is not decoded would "
                    "count for nothing: leave decoded_participants out."
                )

    def architecture(self, stage: Stage) -> Architecture:
        """The model of one stage: the networks that it trains."""
        networks = {str(name): self.model.networks[name] for name in stage.modalities}
        return replace(self.model, networks=networks)


def limited(experiment: Experiment, steps: int) -> Experiment:
    """The same experiment with every stage ended after some batches, for trying out.

    Raises:
        SettingsError: The number is not positive.
    """
    if steps < 1:
        raise SettingsError(f"--steps is {steps}: give at least 1.")
    return replace(experiment, stages=tuple(stage.limited_to(steps) for stage in experiment.stages))


def read(path: Path) -> Experiment:
    """Read an experiment from a TOML file.

    Raises:
        SettingsError: The file is missing or a setting is unknown or unusable.
    """
    return settings.load(Experiment, path)
