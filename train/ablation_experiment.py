"""The settings of an ablation, read strictly from TOML; nothing here needs Keras."""

from dataclasses import dataclass, replace
from pathlib import Path

from cmae import settings
from cmae.errors import SettingsError
from cmae.settings import STRICT
from train import experiment as experiments
from train.ablation_variant import BASE, Variant, VariantSettings, resolved
from train.experiment import Experiment

TABLE = "ablation"
"""The table by which a file of settings is known to be of an ablation."""


@dataclass(frozen=True)
class Ablation:
    """What is repeated, and how often.

    Attributes:
        base: TOML file of the experiment around which one factor at a time is changed, relative
            to this file.
        stage: Name of the stage that is repeated: the last one of the base.
        seeds: Of the weights, the order of the batches and the modality dropout of that stage;
            each variant is trained once with each.
        epochs: Epochs of that stage; without it as many as the base has.
    """

    __pydantic_config__ = STRICT

    base: str
    stage: str
    seeds: tuple[int, ...] = (0, 1, 2)
    epochs: int | None = None

    def __post_init__(self) -> None:
        """Refuse seeds that are none, or that are given twice.

        Raises:
            SettingsError: As said.
        """
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise SettingsError("ablation.seeds must name at least one, each once.")
        if not all(0 <= seed < 2**32 for seed in self.seeds):
            raise SettingsError("ablation.seeds must be from 0 to 4294967295.")


@dataclass(frozen=True)
class AblationSettings:
    """An ablation as it is written down.

    Attributes:
        name: Name of the ablation, and by default of its folder.
        ablation: What is repeated, and how often.
        variants: What is changed, one factor at a time.
    """

    __pydantic_config__ = STRICT

    name: str
    ablation: Ablation
    variants: tuple[VariantSettings, ...]

    def __post_init__(self) -> None:
        """Refuse an ablation without a variant, or with two of one name.

        Raises:
            SettingsError: As said.
        """
        names = [variant.name for variant in self.variants]
        if not names:
            raise SettingsError("The ablation has no variant: give at least one [[variants]].")
        for name in names:
            if names.count(name) > 1:
                raise SettingsError(f"Two variants are named {name}: give each its own name.")


@dataclass(frozen=True)
class AblationExperiment:
    """Everything that decides what an ablation results in.

    Attributes:
        name: Name of the ablation, and by default of its folder.
        base: The experiment whose earlier stages all variants share.
        variants: The unchanged base first, then the others.
        seeds: Each variant is trained once with each.
    """

    name: str
    base: Experiment
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...]

    @property
    def earlier(self) -> tuple[Experiment, ...]:
        """The stages before the repeated one, each an experiment of its own."""
        return tuple(replace(self.base, stages=(stage,)) for stage in self.base.stages[:-1])


def is_ablation(path: Path) -> bool:
    """Whether a file of settings is of an ablation.

    Raises:
        SettingsError: The file is missing or is not TOML.
    """
    return TABLE in settings.read_toml(path)


def read(path: Path) -> AblationExperiment:
    """Read an ablation and the experiment that it stands on.

    Raises:
        SettingsError: A file is missing, a setting is unknown or unusable, or a variant changes
            nothing or what cannot be changed.
    """
    written = settings.load(AblationSettings, path)
    base = experiments.read(path.parent / written.ablation.base)
    last = base.stages[-1]
    if written.ablation.stage != last.name:
        raise SettingsError(
            f"ablation.stage is {written.ablation.stage}, but the last stage of "
            f"{written.ablation.base}, which alone can be repeated, is {last.name}."
        )
    if written.ablation.epochs is not None:
        last = replace(last, epochs=written.ablation.epochs)
    unchanged = replace(base, name=f"{written.name}_{BASE}", stages=(last,))
    variants = [Variant(BASE, {}, unchanged)]
    for one in written.variants:
        variants.append(
            resolved(one, unchanged, replace(unchanged, name=f"{written.name}_{one.name}"))
        )
        for other in variants[:-1]:
            if replace(other.experiment, name="") == replace(variants[-1].experiment, name=""):
                raise SettingsError(
                    f"Variant {one.name} is the same as {other.name}: change a setting to another "
                    "value, or leave the variant out."
                )
    return AblationExperiment(written.name, base, tuple(variants), written.ablation.seeds)


def limited(experiment: AblationExperiment, steps: int) -> AblationExperiment:
    """The same ablation with every training ended after some batches, for trying out.

    Raises:
        SettingsError: The number is not positive.
    """
    return replace(
        experiment,
        base=experiments.limited(experiment.base, steps),
        variants=tuple(
            replace(variant, experiment=experiments.limited(variant.experiment, steps))
            for variant in experiment.variants
        ),
    )
