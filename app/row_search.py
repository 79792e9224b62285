"""Rows of a cohort that a person names: row numbers or identifiers, pasted in any form."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.errors import InputError

MAX_CHARACTERS = 2_000_000
"""Characters of a list that are read at most."""

_BETWEEN_NUMBERS = re.compile(r"[^0-9]+")
_BETWEEN_IDENTIFIERS = re.compile(r"[\s,;|\"'()\[\]{}<>]+")


@dataclass(frozen=True, eq=False)
class Found:
    """What a list named.

    Attributes:
        rows: (n,) sorted row numbers, each once.
        num_named: Different names in the list.
        num_missing: Those that are not in the cohort.
    """

    rows: NDArray[np.int64]
    num_named: int
    num_missing: int

    def sentence(self) -> str:
        """Say how many were found; never which."""
        if not self.num_named:
            return "There is no row in this list: paste numbers, separated by anything."
        found = self.num_named - self.num_missing
        text = f"{found:,} of {self.num_named:,} found"
        if self.num_missing:
            text += f", {self.num_missing:,} not in this cohort"
        if found and len(self.rows) != found:
            text += f"; they are {len(self.rows):,} rows, one for each visit"
        return text + "."


def find_rows(text: str, count: int) -> Found:
    """Find the row numbers in a text.

    Args:
        text: Numbers, separated by anything else.
        count: Rows of the cohort.

    Raises:
        InputError: The text is too long.
    """
    _check_length(text)
    words = {word.lstrip("0") or "0" for word in _BETWEEN_NUMBERS.split(text) if word}
    digits = len(str(count))
    rows = {int(word) for word in words if len(word) <= digits}
    known = sorted(row for row in rows if row < count)
    return Found(np.array(known, np.int64), len(words), len(words) - len(known))


def find_identifiers(text: str, table: pd.DataFrame) -> Found:
    """Find the participants of a list; a participant with several visits gives several rows.

    Args:
        text: Identifiers, one a line, or separated by white space or punctuation.
        table: The cohort's table.

    Raises:
        InputError: The text is too long.
    """
    _check_length(text)
    identifiers = table["participant_id"].astype(str)
    known = set(identifiers)
    named = set(_named(text, known))
    is_found = identifiers.isin(named).to_numpy(bool)
    rows = np.flatnonzero(is_found).astype(np.int64)
    return Found(rows, len(named), len(named - known))


def _named(text: str, known: set[str]) -> Iterator[str]:
    """Return the names in a text: a line that is an identifier as a whole stays one."""
    for line in text.splitlines():
        if line.strip() in known:
            yield line.strip()
        else:
            yield from (word for word in _BETWEEN_IDENTIFIERS.split(line) if word)


def _check_length(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise InputError(
            f"The list has {len(text):,} characters, and at most {MAX_CHARACTERS:,} are read: "
            "select in several steps, or with a filter."
        )
