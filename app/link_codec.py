"""Filters and shapes as short text for an address, and back: never an identifier or a list."""

import base64
import binascii
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from app.groups import Filter
from cmae.data.column import Column
from cmae.errors import InputError

MAX_FILTERS = 40
MAX_VALUES = 12
"""Categories of one filter that fit into an address."""

MAX_VALUE_LENGTH = 40
MAX_SHAPES = 20
MAX_CORNERS = 500
MAX_TEXT = 64_000
"""Characters of an unpacked drawing: an address that unpacks to more is refused."""

_MODES = {"replace": "r", "add": "a", "subtract": "s"}
_WORDS = {letter: mode for mode, letter in _MODES.items()}


@dataclass(frozen=True)
class LinkedShape:
    """A shape on the grid of a map.

    Attributes:
        mode: ``replace``, ``add`` or ``subtract``.
        corners: (corners, 2) levels of the map's grid.
        column: Title of the column whose entries the legend hid, or nothing.
        hidden: Codes of the hidden entries.
        hidden_classes: Codes of the hidden kinds of latent.
    """

    mode: str
    corners: tuple[tuple[int, int], ...]
    column: str = ""
    hidden: tuple[int, ...] = ()
    hidden_classes: tuple[int, ...] = ()

    def levels(self) -> NDArray[np.int64]:
        """Return (corners, 2) levels."""
        return np.array(self.corners, np.int64)


@dataclass(frozen=True)
class LinkedDrawing:
    """Shapes, and the map on which they lie.

    Attributes:
        space: Which latents.
        map_name: Which map.
        geometry: First digits of the hash of the map's points.
        shapes: The shapes, in the order in which they were drawn.
    """

    space: str
    map_name: str
    geometry: str
    shapes: tuple[LinkedShape, ...]


def write_filters(filters: Sequence[Filter]) -> tuple[str, int]:
    """Write filters for an address.

    Args:
        filters: The filters.

    Returns:
        The text, and how many filters it leaves out because their words are many or long.
    """
    parts = []
    for each in filters[:MAX_FILTERS]:
        name = quote(each.column, safe="")
        if each.values is None:
            ends = ("" if end is None else f"{end:.12g}" for end in (each.low, each.high))
            parts.append(f"{name}:{'..'.join(ends)}")
        elif len(each.values) <= MAX_VALUES and all(
            len(str(value)) <= MAX_VALUE_LENGTH for value in each.values
        ):
            values = ",".join(quote(str(value), safe="") for value in each.values)
            parts.append(f"{name}={values}")
    return ";".join(parts), len(filters) - len(parts)


def read_filters(text: str, columns: Mapping[str, Column]) -> list[Filter]:
    """Read what ``write_filters`` wrote.

    Args:
        text: From an address: anything.
        columns: Of the cohort.

    Raises:
        InputError: It is no list of filters on columns of this cohort.
    """
    parts = [part for part in text.split(";") if part]
    if len(parts) > MAX_FILTERS:
        raise InputError(_NO_FILTERS)
    return [_filter(part, columns) for part in parts]


_NO_FILTERS = (
    "The filters of this link cannot be read, or are on columns that this cohort lacks: "
    "showing everybody instead."
)


def _filter(part: str, columns: Mapping[str, Column]) -> Filter:
    at = min((part.find(mark) for mark in ":=" if mark in part), default=-1)
    column = columns.get(unquote(part[:at])) if at > 0 else None
    if column is None:
        raise InputError(_NO_FILTERS)
    name, mark, rest = unquote(part[:at]), part[at], part[at + 1 :]
    if (mark == "=") != (column.kind != "continuous"):
        raise InputError(_NO_FILTERS)
    if mark == "=":
        values = tuple(unquote(value) for value in rest.split(","))
        if len(values) > MAX_VALUES or any(len(value) > MAX_VALUE_LENGTH for value in values):
            raise InputError(_NO_FILTERS)
        if column.kind != "binary":
            return Filter(name, values=values)
        if not set(values) <= {"0", "1"}:
            raise InputError(_NO_FILTERS)
        return Filter(name, values=tuple(int(value) for value in values))
    ends = rest.split("..")
    if len(ends) != 2:
        raise InputError(_NO_FILTERS)
    low, high = (_number(end) for end in ends)
    if low is None and high is None:
        raise InputError(_NO_FILTERS)
    return Filter(name, low=low, high=high)


def _number(text: str) -> float | None:
    """Read one end of a range; nothing is no end."""
    if not text:
        return None
    try:
        value = float(text) if len(text) <= 30 else float("nan")
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise InputError(_NO_FILTERS)
    return value


def write_drawing(drawing: LinkedDrawing) -> str:
    """Write shapes for an address: steps from corner to corner, packed.

    Args:
        drawing: The shapes.
    """
    shapes = []
    for shape in drawing.shapes:
        steps = np.diff(shape.levels(), axis=0, prepend=0).ravel().tolist()
        parts: list[object] = [_MODES[shape.mode], steps]
        if shape.hidden or shape.hidden_classes:
            parts += [shape.column, list(shape.hidden), list(shape.hidden_classes)]
        shapes.append(parts)
    text = json.dumps(
        [drawing.space, drawing.map_name, drawing.geometry, *shapes], separators=(",", ":")
    )
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


_NO_DRAWING = "The shape of this link cannot be read: showing everybody instead."


def read_drawing(text: str) -> LinkedDrawing:
    """Read what ``write_drawing`` wrote.

    Args:
        text: From an address: anything.

    Raises:
        InputError: It is no drawing.
    """
    try:
        packed = base64.b64decode(text.encode("ascii") + b"==", altchars=b"-_", validate=False)
        unpacked = zlib.decompressobj().decompress(packed, MAX_TEXT)
        sent = json.loads(unpacked)
    except (ValueError, UnicodeError, RecursionError, binascii.Error, zlib.error):
        raise InputError(_NO_DRAWING) from None
    if not isinstance(sent, list) or not 4 <= len(sent) <= 3 + MAX_SHAPES:
        raise InputError(_NO_DRAWING)
    space, map_name, geometry = sent[:3]
    if not all(isinstance(word, str) for word in (space, map_name, geometry)):
        raise InputError(_NO_DRAWING)
    return LinkedDrawing(space, map_name, geometry, tuple(_shape(parts) for parts in sent[3:]))


def _shape(parts: Any) -> LinkedShape:  # noqa: ANN401 - anything that JSON holds
    """Read one shape."""
    if not isinstance(parts, list) or len(parts) not in (2, 5) or str(parts[0]) not in _WORDS:
        raise InputError(_NO_DRAWING)
    steps = parts[1]
    if not _are_whole(steps) or len(steps) % 2 or not 6 <= len(steps) <= 2 * MAX_CORNERS:
        raise InputError(_NO_DRAWING)
    corners = np.cumsum(np.array(steps, np.int64).reshape(-1, 2), axis=0)
    column, hidden, hidden_classes = parts[2:] if len(parts) == 5 else ("", [], [])
    if not isinstance(column, str) or not _are_whole(hidden) or not _are_whole(hidden_classes):
        raise InputError(_NO_DRAWING)
    return LinkedShape(
        _WORDS[parts[0]],
        tuple((int(x), int(y)) for x, y in corners),
        column,
        tuple(hidden),
        tuple(hidden_classes),
    )


def _are_whole(values: object) -> bool:
    """Tell whether a value is a list of whole numbers of a map's size."""
    return isinstance(values, list) and all(
        type(value) is int and abs(value) <= 400_000 for value in values
    )
