"""What a person looks at as a file: selection, filters, groups and settings, and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.groups import Filter, Group
from cmae.errors import InputError

FORMAT, FORMAT_NUMBER = "cmae-explorer-state", 1
MAX_BYTES = 32_000_000
MAX_GROUPS = 200
MAX_NAME = 200

_BROKEN = (
    "This file is no saved state of the explorer, or it is damaged: choose the .json file that "
    "“Save the state” wrote."
)


@dataclass(frozen=True, eq=False)
class SavedState:
    """All that a person chose.

    Attributes:
        cohort: Fingerprint of the cohort, whose row numbers these are.
        run: Fingerprint of the run.
        row: Row that is looked at.
        filters: Filters on columns.
        chosen: Rows that were drawn, listed, or taken from a group; None: everybody.
        groups: Kept groups.
        settings: Of the pages, by the name of the control, JSON-able.
    """

    cohort: str
    run: str
    row: int
    filters: Sequence[Filter] = ()
    chosen: Group | None = None
    groups: Sequence[Group] = ()
    settings: Mapping[str, object] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return the file; equal states give equal bytes."""
        contents = {
            "format": FORMAT,
            "format_number": FORMAT_NUMBER,
            "cohort": self.cohort,
            "run": self.run,
            "row": self.row,
            "filters": [each.to_json() for each in self.filters],
            "chosen": None if self.chosen is None else _group_json(self.chosen),
            "groups": [_group_json(each) for each in self.groups],
            "settings": dict(self.settings),
        }
        return (json.dumps(contents, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _group_json(group: Group) -> dict[str, object]:
    return {"name": group.name, "how": dict(group.how), "rows": group.rows.tolist()}


def read_state(data: bytes, *, cohort: str, count: int) -> SavedState:
    """Read what ``SavedState.to_bytes`` wrote; the file may hold anything.

    Args:
        data: The file.
        cohort: Fingerprint of the cohort that is open.
        count: Its rows.

    Returns:
        The state; filters may be on columns that the cohort lacks, settings hold anything.

    Raises:
        InputError: The file is too large, none of this format, or made for another cohort.
    """
    if len(data) > MAX_BYTES:
        raise InputError(
            f"This file has {len(data) / 1e6:,.0f} MB, but a saved state has at most "
            f"{MAX_BYTES / 1e6:,.0f} MB: choose the .json file that “Save the state” wrote."
        )
    try:
        sent = json.loads(data)
    except (ValueError, RecursionError):
        raise InputError(_BROKEN) from None
    if not isinstance(sent, dict) or sent.get("format") != FORMAT:
        raise InputError(_BROKEN)
    number = sent.get("format_number")
    if number != FORMAT_NUMBER:
        raise InputError(
            f"This state was saved in another format than {FORMAT_NUMBER}: "
            "open it with the version of cmae that wrote it."
            if isinstance(number, int)
            else _BROKEN
        )
    if sent.get("cohort") != cohort:
        raise InputError(
            "This state was saved for another cohort, or for an earlier state of this one: its "
            "rows would be other people here, so nothing was restored."
        )
    return _state(sent, count)


def _state(sent: dict[str, Any], count: int) -> SavedState:
    """Read the parts of a file for the right cohort."""
    row, filters, groups = sent.get("row"), sent.get("filters"), sent.get("groups")
    settings, run = sent.get("settings"), sent.get("run")
    is_sound = (
        type(row) is int
        and 0 <= row < count
        and isinstance(run, str)
        and isinstance(filters, list)
        and isinstance(groups, list)
        and len(groups) <= MAX_GROUPS
        and len(filters) <= MAX_GROUPS
        and isinstance(settings, dict)
    )
    if not is_sound:
        raise InputError(_BROKEN)
    chosen = sent.get("chosen")
    return SavedState(
        cohort=str(sent["cohort"]),
        run=str(run),
        row=int(str(row)),
        filters=tuple(_filter(each) for each in filters or ()),
        chosen=None if chosen is None else _group(chosen, count),
        groups=tuple(_group(each, count) for each in groups or ()),
        settings=settings or {},
    )


def _filter(sent: object) -> Filter:
    if not isinstance(sent, dict) or not set(sent) <= {"column", "low", "high", "values"}:
        raise InputError(_BROKEN)
    column, values = sent.get("column"), sent.get("values")
    ends = [sent.get(name) for name in ("low", "high")]
    are_numbers = all(
        end is None or (type(end) in (int, float) and abs(end) < 1e300) for end in ends
    )
    are_values = values is None or (
        isinstance(values, list)
        and 0 < len(values) <= 1_000
        and all(type(value) in (str, int) for value in values)
    )
    if not isinstance(column, str) or not are_numbers or not are_values:
        raise InputError(_BROKEN)
    low, high = (None if end is None else float(end) for end in ends)
    return Filter(column, low, high, None if values is None else tuple(values))


def _group(sent: object, count: int) -> Group:
    if not isinstance(sent, dict):
        raise InputError(_BROKEN)
    name, how, rows = sent.get("name"), sent.get("how"), sent.get("rows")
    if (
        not isinstance(name, str)
        or not 0 < len(name) <= MAX_NAME
        or not isinstance(how, dict)
        or not isinstance(rows, list)
        or len(rows) > count
        or not all(type(row) is int and 0 <= row < count for row in rows)
    ):
        raise InputError(_BROKEN)
    return Group(name, np.unique(np.array(rows, np.int64)), how)
