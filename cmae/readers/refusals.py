"""Files that an import did not read: why, how many for one reason, and which they are."""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cmae.data.files import replacing
from cmae.errors import InputError

LIST_COLUMNS = ("recording", "number", "file", "reason")

_NUMBER = re.compile(r"(?<![\w-])\d[\d.,]*(?![\w-])")


@dataclass(frozen=True)
class Refusal:
    """A file that was not read.

    Attributes:
        file: Its number from 1 in the order of the import; names may hold identifiers.
        reason: One sentence.
    """

    file: int
    reason: str


@dataclass(frozen=True)
class RefusalGroup:
    """Files that were not read for one reason.

    Attributes:
        reason: The sentence; where it differs in its numbers, "…" stands for them.
        files: Their numbers, ascending.
    """

    reason: str
    files: tuple[int, ...]


def grouped(refused: Iterable[Refusal]) -> list[RefusalGroup]:
    """Put files together whose reasons differ in their numbers alone, the largest group first."""
    patterns: defaultdict[str, list[Refusal]] = defaultdict(list)
    for refusal in refused:
        patterns[_NUMBER.sub("…", refusal.reason)].append(refusal)
    groups = []
    for pattern, same in patterns.items():
        reasons = Counter(refusal.reason for refusal in same)
        reason = next(iter(reasons)) if len(reasons) == 1 else pattern
        groups.append(RefusalGroup(reason, tuple(sorted(refusal.file for refusal in same))))
    return sorted(groups, key=lambda group: -len(group.files))


def ranges(numbers: Iterable[int], *, most: int) -> str:
    """Write ascending numbers for people: neighbors as one range, and how many more there are.

    Args:
        numbers: For example 1, 2, 3, 7.
        most: Numbers and ranges that are written.

    Returns:
        For example ``"1-3, 7"``.
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number, number])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in runs[:most]]
    more = sum(last - first + 1 for first, last in runs[most:])
    return ", ".join(texts) + (f" and {more:,} more" if more else "")


class RefusedList:
    """A list on this computer of the files that an import refused, for whoever runs it.

    What is printed names no file, as names may hold identifiers; this list does. It appears when
    the import ends, well or not, and only its owner can read it.
    """

    def __init__(self, path: Path | None, *, cohort: Path) -> None:
        """Check where it will be.

        Args:
            path: The CSV file to write; None writes none.
            cohort: The folder that is imported into.

        Raises:
            InputError: The list would lie in the cohort, or is a folder.
        """
        self._path = path
        self._rows: list[tuple[str, int, str, str]] = []
        if path is None:
            return
        if path.is_dir():
            raise InputError("The list of refused files is a folder: give the name of a file.")
        if cohort.resolve() in path.resolve().parents:
            raise InputError(
                "The list of refused files lies in the cohort's folder, where whoever gets the "
                "cohort could read names of files: keep it elsewhere."
            )

    def __enter__(self) -> Self:
        """Begin with nothing."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the list, whether or not the import ended well."""
        if self._path is None:
            return
        rows = sorted(self._rows, key=lambda row: row[:2])
        with replacing(self._path) as temporary:
            temporary.touch(mode=0o600, exist_ok=False)
            # Names of files may be bytes that are no text.
            with temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as to:
                csv.writer(to).writerows([LIST_COLUMNS, *rows])

    def add(self, recording: str, number: int, path: Path, reason: str) -> None:
        """Note a file.

        Args:
            recording: What it was read as: a kind of ``cmae import``.
            number: Its number in what is printed.
            path: Where it is.
            reason: Why it was refused.
        """
        if self._path is not None:
            self._rows.append((recording, number, str(path.absolute()), reason))
