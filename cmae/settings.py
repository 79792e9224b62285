"""Frozen dataclasses from TOML and back, strictly: an unknown or ill-typed name is an error."""

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import tomli_w
from pydantic import ConfigDict, TypeAdapter, ValidationError

from cmae.errors import SettingsError

Settings = TypeVar("Settings")

STRICT = ConfigDict(extra="forbid", strict=True)
"""What every settings class has as ``__pydantic_config__``: no unknown name, no type guessed."""


def load(cls: type[Settings], path: Path) -> Settings:
    """Read a TOML file into a settings class.

    Args:
        cls: A frozen dataclass with ``__pydantic_config__ = STRICT``.
        path: The TOML file.

    Raises:
        SettingsError: The file is missing, is not TOML, or a setting is unknown or ill-typed.
    """
    return from_mapping(cls, read_toml(path), where=str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file as nested mappings.

    Raises:
        SettingsError: The file is missing or is not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path} cannot be read ({error.__class__.__name__}): give a TOML file of settings."
        ) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error


def from_mapping(cls: type[Settings], mapping: Mapping[str, Any], *, where: str) -> Settings:
    """Make a settings object from nested mappings, strictly.

    Args:
        cls: A frozen dataclass with ``__pydantic_config__ = STRICT``.
        mapping: Names and values as TOML gives them.
        where: Where they came from, for the message.

    Raises:
        SettingsError: A setting is unknown, missing, of the wrong type, or out of range.
    """
    try:
        return TypeAdapter(cls).validate_json(json.dumps(dict(mapping), default=str))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "the file as a whole"
        if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            known = ", ".join(field.name for field in dataclasses.fields(cls))  # type: ignore[arg-type]
            reason = f"is not a known setting (at the top level there are {known})"
        else:
            reason = f"is not usable: {first['msg'].removeprefix('Value error, ')}"
        raise SettingsError(f"In {where}, {name} {reason}.") from error


def to_mapping(settings: Any) -> dict[str, Any]:  # noqa: ANN401 - any settings dataclass
    """Nested mappings that ``from_mapping`` turns into an equal object; ``None`` is left out."""

    def plain(value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, Mapping):
            return {key: plain(item) for key, item in value.items() if item is not None}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        return value

    mapping: dict[str, Any] = plain(dataclasses.asdict(settings))
    return mapping


def dumps(settings: Any) -> str:  # noqa: ANN401 - any settings dataclass
    """The settings as TOML text."""
    return tomli_w.dumps(to_mapping(settings))
