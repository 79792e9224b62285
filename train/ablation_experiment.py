"""The settings of an ablation, read strictly from TOML; nothing here needs Keras."""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from cmae import settings
from cmae.errors import SettingsError
from cmae.settings import STRICT
from train import experiment as experiments
from train.experiment import Experiment, Stage

TABLE = "ablation"
"""The table by which a file of settings is known to be of an ablation."""

BASE = "base"
"""Name of the first variant, which changes nothing."""

SHARED = ("model.networks", "model.latent_dim", "stage.name", "stage.modalities")
"""What a variant cannot change: the earlier stages, which all variants share, would not fit."""

OTHER_LOSS = (
    "model.contrast",
    "model.translation_weight",
    "stage.batch_size",
    "stage.validation_steps",
)
"""What makes the validation loss another quantity: its terms, the contrasted, or the rows."""

_FOLDER_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_RESERVED = (BASE, "stages", "figures")

Settings = TypeVar("Settings")


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
class VariantSettings:
    """A variant as it is written down.

    Attributes:
        name: Its name and that of its folder.
        settings: What it changes, by dotted names: ``model.`` and a setting of the model, or
            ``stage.`` and one of the repeated stage.
    """

    __pydantic_config__ = STRICT

    name: str
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a name that is no folder's.

        Raises:
            SettingsError: As said, or the name is kept for something else.
        """
        if not _FOLDER_NAME.fullmatch(self.name) or self.name in _RESERVED:
            raise SettingsError(
                f"A variant cannot be named {self.name[:64]!r}: take small letters, digits, - and "
                f"_, and none of {', '.join(_RESERVED)} (the unchanged base is always there)."
            )


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
class Variant:
    """One way to train the repeated stage.

    Attributes:
        name: Its name and that of its folder.
        changes: What it changes of the base, by dotted names.
        experiment: The repeated stage alone, with the base's seed.
    """

    name: str
    changes: Mapping[str, Any]
    experiment: Experiment

    @property
    def stage(self) -> Stage:
        """The repeated stage."""
        return self.experiment.stages[0]

    @property
    def batches(self) -> int:
        """Batches of a training at most."""
        return self.stage.epochs * self.stage.steps_per_epoch

    @property
    def recordings_seen(self) -> int:
        """Participants in all of these batches, each counted as often as it comes."""
        return self.batches * self.stage.batch_size

    @property
    def has_the_loss_of_the_base(self) -> bool:
        """Whether its validation loss measures the same on the same participants."""
        return not any(_is_within(name, some) for name in self.changes for some in OTHER_LOSS)

    def with_seed(self, seed: int) -> Experiment:
        """What is trained with one seed."""
        return replace(self.experiment, seed=seed)


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


def resolved(variant: VariantSettings, base: Experiment, named: Experiment) -> Variant:
    """Change the settings of the base that a variant names.

    Where the batches become smaller or larger, there are more or fewer of them, so that as many
    recordings are seen and validated on; the learning rate stays as it is given.

    Args:
        variant: The variant as it is written down.
        base: The repeated stage alone, unchanged.
        named: The same, under the variant's name.

    Raises:
        SettingsError: A setting is unknown or unusable, or cannot be changed.
    """
    changes = flattened(variant.settings, variant.name)
    for name in changes:
        if not name.startswith(("model.", "stage.")):
            raise SettingsError(
                f"Variant {variant.name} changes {name}: only settings of the repeated stage "
                "(stage.…) and of the model (model.…) can be changed."
            )
        if any(_is_within(name, some) for some in SHARED):
            raise SettingsError(
                f"Variant {variant.name} changes {name}, which the earlier stages share: make it "
                "an experiment of its own."
            )
    model = _changed(base.model, "model", changes, variant.name)
    stage = _changed(base.stages[0], "stage", changes, variant.name)
    stage = _as_many_seen(stage, base.stages[0], changes, variant.name)
    return Variant(variant.name, changes, replace(named, model=model, stages=(stage,)))


def flattened(mapping: Mapping[str, Any], variant: str, prefix: str = "") -> dict[str, Any]:
    """Nested tables as one with dotted names, as ``"model.merge" = …`` and ``model.merge = …``.

    Args:
        mapping: Nested tables.
        variant: Whose they are, for the message.
        prefix: What the names begin with.

    Raises:
        SettingsError: A name is given twice.
    """
    flat: dict[str, Any] = {}
    for key, value in mapping.items():
        name = prefix + key
        inner = (
            flattened(value, variant, f"{name}.") if isinstance(value, Mapping) else {name: value}
        )
        if twice := flat.keys() & inner.keys():
            raise SettingsError(f"Variant {variant} changes {min(twice)} twice: give it once.")
        flat |= inner
    return flat


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


def _changed(base: Settings, part: str, changes: Mapping[str, Any], variant: str) -> Settings:
    mapping = copy.deepcopy(settings.to_mapping(base))
    for name, value in changes.items():
        first, *path, last = name.split(".")
        if first != part:
            continue
        place = mapping
        for key in path:
            if not isinstance(place.get(key), dict):
                place[key] = {}
            place = place[key]
        place[last] = value
    cls: type[Settings] = type(base)
    return settings.from_mapping(cls, mapping, where=f"{part} of variant {variant}")


def _as_many_seen(stage: Stage, base: Stage, changes: Mapping[str, Any], variant: str) -> Stage:
    if stage.batch_size == base.batch_size:
        return stage
    counts = {}
    for name in ("steps_per_epoch", "validation_steps"):
        if f"stage.{name}" in changes:
            continue
        recordings = getattr(base, name) * base.batch_size
        counts[name], rest = divmod(recordings, stage.batch_size)
        if rest:
            raise SettingsError(
                f"Batches of {stage.batch_size} in variant {variant} do not divide the "
                f"{recordings} recordings of {name}: take a size that does, or give "
                f"stage.{name}."
            )
    return replace(stage, **counts)


def _is_within(name: str, some: str) -> bool:
    return name == some or name.startswith(f"{some}.")
