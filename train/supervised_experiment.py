"""The settings of supervised networks, read strictly from TOML; nothing here needs Keras."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from cmae import settings
from cmae.errors import SettingsError
from cmae.model.architecture import Architecture
from cmae.settings import STRICT
from train.experiment import Numerics, Split, Stage

TABLE = "supervision"
"""The table by which a file of settings is known to be of supervised networks."""


@dataclass(frozen=True)
class Supervision:
    """What is learned from whose labels.

    Attributes:
        targets: Columns of the cohort that one head predicts together.
        labels: Labelled participants, one network from scratch for each number; 0 for all of the
            training part. They are drawn once: the first 50 are among the first 200.
        validation_share: Share of the labelled participants on whom the training is stopped, so
            that a network of N labels has seen N labels and no more.
        least_steps: Batches an epoch at least; an epoch is otherwise one pass over the labelled
            participants, at most ``steps_per_epoch`` of the stage.
    """

    __pydantic_config__ = STRICT

    targets: tuple[str, ...]
    labels: tuple[int, ...] = (50, 200, 1000, 0)
    validation_share: float = 0.2
    least_steps: int = 8

    def __post_init__(self) -> None:
        """Refuse what cannot be learned.

        Raises:
            SettingsError: No target or number of labels is given, one is given twice, a share is
                not inside 0 – 1, or too few labels are asked for.
        """
        for name in ("targets", "labels"):
            values = getattr(self, name)
            if not values or len(set(values)) != len(values):
                raise SettingsError(f"supervision.{name} must name at least one, each once.")
        if not 0 < self.validation_share < 1:
            raise SettingsError("supervision.validation_share must be between 0 and 1.")
        if self.least_steps < 1:
            raise SettingsError("supervision.least_steps must be at least 1.")
        for count in self.labels:
            validating = int(count * self.validation_share)
            if count and (count < 0 or validating < 1 or count - validating < 2):
                raise SettingsError(
                    f"{count} labels are too few to train and to validate on: ask for more, or "
                    "for 0, which means all."
                )


@dataclass(frozen=True)
class SupervisedExperiment:
    """Everything that decides what the supervised networks of one modality are.

    Attributes:
        name: Name of the experiment, and by default of its folder.
        supervision: What is learned from whose labels.
        stage: The modality, and how long and how fast is trained, for each number of labels.
        model: The networks; the one of the stage's modality is trained.
        seed: Of who is labelled, the weights, and the order of the batches.
        split: Who may be labelled (the training part) and who tests; as in the other experiments.
        numerics: How numbers are computed.
        evaluated_participants: Held-out participants that the final figures are measured on.
    """

    __pydantic_config__ = STRICT

    name: str
    supervision: Supervision
    stage: Stage
    model: Architecture = field(default_factory=Architecture)
    seed: int = 0
    split: Split = field(default_factory=Split)
    numerics: Numerics = field(default_factory=Numerics)
    evaluated_participants: int = 2000

    def __post_init__(self) -> None:
        """Refuse a stage of two modalities, or of one without a network.

        Raises:
            SettingsError: As said, or nobody is held out.
        """
        if len(self.stage.modalities) != 1:
            raise SettingsError("A supervised network has one modality: name ecg or mri alone.")
        if self.modality not in self.model.networks:
            raise SettingsError(
                f"The stage trains {self.modality}, but model.networks has no such network."
            )
        if self.evaluated_participants < 1:
            raise SettingsError("evaluated_participants must be at least 1.")

    @property
    def modality(self) -> str:
        """Name of the modality that is predicted from."""
        return str(self.stage.modalities[0])

    @property
    def architecture(self) -> Architecture:
        """The settings of the one network."""
        return replace(self.model, networks={self.modality: self.model.networks[self.modality]})

    def stage_of(self, rows: int) -> Stage:
        """The stage as it is for a number of training rows: few of them are a short pass.

        Args:
            rows: Labelled rows that are trained on.
        """
        batch_size = min(self.stage.batch_size, rows)
        steps = max(rows // batch_size, self.supervision.least_steps)
        return replace(
            self.stage,
            batch_size=batch_size,
            steps_per_epoch=min(steps, self.stage.steps_per_epoch),
        )


def is_supervised(path: Path) -> bool:
    """Whether a file of settings is of supervised networks.

    Raises:
        SettingsError: The file is missing or is not TOML.
    """
    return TABLE in settings.read_toml(path)


def read(path: Path) -> SupervisedExperiment:
    """Read an experiment from a TOML file.

    Raises:
        SettingsError: The file is missing or a setting is unknown or unusable.
    """
    return settings.load(SupervisedExperiment, path)


def limited(experiment: SupervisedExperiment, steps: int) -> SupervisedExperiment:
    """The same experiment with every network ended after some batches, for trying out.

    Raises:
        SettingsError: The number is not positive.
    """
    if steps < 1:
        raise SettingsError(f"--steps is {steps}: give at least 1.")
    return replace(experiment, stage=experiment.stage.limited_to(steps))
