"""The files of a run folder, read without building its networks or loading their framework."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from cmae import settings
from cmae.data.normalization import Normalization
from cmae.errors import RunError, SettingsError
from cmae.model.architecture import Architecture
from cmae.settings import STRICT

FORMAT_NUMBER = 1
MODEL_FILE = "model.toml"
WEIGHTS_FILE = "weights.safetensors"
CARD_FILE = "card.json"

Description = TypeVar("Description")


@dataclass(frozen=True)
class CineScale:
    """The scale that a decoded cine gets when its participant has none recorded.

    Attributes:
        mean: Median over the training set of a cine's mean, in scanner intensity.
        std: Median over the training set of a cine's SD, in scanner intensity.
    """

    __pydantic_config__ = STRICT

    mean: float = 0.0
    std: float = 1.0


@dataclass(frozen=True)
class ModelFile:
    """What ``model.toml`` holds: all that the networks are built from and fed with.

    Attributes:
        format_number: Number of this format.
        architecture: The settings of the networks.
        normalization: Physical to model units.
        decoded_cine: The scale of a cine that was decoded without a recorded one.
    """

    __pydantic_config__ = STRICT

    format_number: int
    architecture: Architecture
    normalization: Normalization = field(default_factory=Normalization)
    decoded_cine: CineScale = field(default_factory=CineScale)


def read_model_file(folder: Path) -> ModelFile:
    """Read the settings of a run folder without building its networks.

    Raises:
        RunError: The folder is missing, is no run, or has another format number.
    """
    return read_description(ModelFile, folder / MODEL_FILE, FORMAT_NUMBER)


def read_description(cls: type[Description], path: Path, format_number: int) -> Description:
    """Read what a folder's networks are built from, after its format was found right.

    Args:
        cls: A settings class with a ``format_number``.
        path: The TOML file.
        format_number: The number that this version reads.

    Raises:
        RunError: The file is missing, has another format number, or a setting is not usable.
    """
    if not path.is_file():
        raise RunError(
            f"{path.parent} holds no {path.name}, so it is no finished run: give the folder that "
            "a training left."
        )
    try:
        number = settings.read_toml(path).get("format_number")
        if number != format_number:
            raise RunError(
                f"{path} has format number {number}, but this version reads {format_number}: "
                "use the version of cmae that wrote it, or train again."
            )
        return settings.load(cls, path)
    except SettingsError as error:
        raise RunError(str(error)) from error


def read_card(folder: Path) -> dict[str, Any]:
    """What the card of a run folder says; empty without one.

    Raises:
        RunError: The card is no JSON object.
    """
    path = folder / CARD_FILE
    if not path.is_file():
        return {}
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} is no readable JSON: copy the run again.") from error
    if not isinstance(card, dict):
        raise RunError(f"{path} holds no JSON object: copy the run again.")
    return card


def run_fingerprint(folder: Path, description: str = MODEL_FILE) -> str:
    """Hash of a run's settings and weights, without building its networks.

    Args:
        folder: The run folder.
        description: Name of the file of its settings.

    Raises:
        RunError: A file is missing.
    """
    digest = hashlib.sha256()
    for name in (description, WEIGHTS_FILE):
        try:
            digest.update((folder / name).read_bytes())
        except OSError as error:
            raise RunError(f"{folder} lacks {name}, so it is no finished run.") from error
    return digest.hexdigest()[:16]
