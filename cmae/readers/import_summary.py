"""What an import did: files read, kept and refused, and what a person should look at."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cmae.readers.recordings import FoundRow
from cmae.readers.refusals import Refusal, grouped

_SHORT_NAME = 3
"""Names up to this length are not struck out of messages: they would be struck out of words."""


@dataclass(frozen=True)
class ImportSummary:
    """What an import did.

    Attributes:
        files: Files (or folders of a series) that were looked at.
        read: Files whose recordings were added.
        kept: Files whose recordings the cohort had already; they were left as they are.
        refused: The others, each with the reason.
        reasons: How many were refused, by reason without its numbers, most frequent first.
        recordings: Recordings that were added, by modality.
        flagged: Visits added that a person should look at, by what is odd about them.
        found: Visits by what they have, where the format says so.
        lacking: Visits by what they lack, where the format says so.
        id_source: Where (participant, visit) came from, for people.
    """

    files: int
    read: int
    kept: int
    refused: tuple[Refusal, ...] = ()
    reasons: dict[str, int] = field(default_factory=dict)
    recordings: dict[str, int] = field(default_factory=dict)
    flagged: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    lacking: dict[str, int] = field(default_factory=dict)
    id_source: str = ""


class Tally:
    """Counts while an import goes on."""

    def __init__(self, on_refused: Callable[[int, str], None]) -> None:
        """Start at nothing.

        Args:
            on_refused: Called with the number of a file that is refused, from 1, and the reason.
        """
        self._on_refused = on_refused
        self.read = self.kept = 0
        self.refused: list[Refusal] = []
        self.flagged, self.found, self.lacking = Counter[str](), Counter[str](), Counter[str]()
        self.recordings = Counter[str]()

    @property
    def done(self) -> int:
        """Files that were dealt with."""
        return self.read + self.kept + len(self.refused)

    def refuse(self, number: int, reason: str) -> None:
        """Count a file that was not read."""
        self.refused.append(Refusal(number, reason))
        self._on_refused(number, reason)

    def add(self, row: FoundRow, recordings: Iterable[str]) -> None:
        """Count a row that was added."""
        self.flagged.update(set(row.flags))
        self.found.update(set(row.found))
        self.lacking.update(set(row.lacks))
        self.recordings.update(list(recordings))

    def summary(self, files: int, id_source: str) -> ImportSummary:
        """Return the counts."""
        refused = tuple(sorted(self.refused, key=lambda refusal: refusal.file))
        return ImportSummary(
            files=files,
            read=self.read,
            kept=self.kept,
            refused=refused,
            reasons={group.reason: len(group.files) for group in grouped(refused)},
            recordings=dict(self.recordings),
            flagged=dict(self.flagged.most_common()),
            found=dict(self.found.most_common()),
            lacking=dict(self.lacking.most_common()),
            id_source=id_source,
        )


def without_path(text: str, path: Path) -> str:
    """Return a sentence without the file's path, which may name a participant."""
    for name in (str(path), path.name, path.stem):
        if len(name) > _SHORT_NAME:
            text = text.replace(name, "the file")
    return text
