"""One way to train the last stage of an ablation: the base, with some settings changed."""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from cmae import settings
from cmae.errors import SettingsError
from cmae.settings import STRICT
from train.experiment import Experiment, Stage

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
