"""What a server shows to all: cohorts with their latents, each with the run that made them."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app import map_data
from app.lazy_run import LazyRun

if TYPE_CHECKING:
    from app.catalog import Catalog
    from cmae.data.cohort import Cohort
    from cmae.latent.latents import Latents

MAX_OPEN = 4
"""Explorers that are open at once: each holds its cohort's table and latents in memory."""

_Mark = tuple[int, int, int] | None


@dataclass(frozen=True, eq=False)
class Explorer:
    """What one server shows to all who look: nothing in it changes.

    Attributes:
        cohort: The cohort.
        latents: Its latents, with maps.
        run_path: The run folder.
        model: The run, loaded when it is first needed; shared by all explorers of one run.
        is_demo: Whether this is the demo cohort.
        latent_rows: (rows,) row of the latents file of each row, -1 for none.
        marks: By what it is of, how each file looked when this was opened.
    """

    cohort: "Cohort"
    latents: "Latents"
    run_path: Path
    model: LazyRun
    is_demo: bool = False
    latent_rows: NDArray[np.int64] = field(init=False)
    marks: dict[str, _Mark] = field(init=False)

    def __post_init__(self) -> None:
        """Join the latents to the cohort's rows, and remember how the files look."""
        rows = map_data.rows_of_latents(self.cohort, self.latents)
        object.__setattr__(self, "latent_rows", rows)
        object.__setattr__(self, "marks", self._marks_now())

    @property
    def key(self) -> str:
        """Fingerprints of cohort and run: the key of every cache."""
        return f"{self.cohort.fingerprint}:{self.latents.run_fingerprint}"

    def change(self) -> str | None:
        """Say what became of the files since this was opened.

        Returns:
            One sentence and what to do, or None while all is as it was.
        """
        now = self._marks_now()
        for what, before in self.marks.items():
            name = {"cohort": self.cohort.path, "latents": self.latents.path}.get(
                what, self.run_path
            ).name
            if now[what] == before:
                continue
            if now[what] is None:
                return (
                    f"The {what} {name} is no longer where it was opened from: put it back, or "
                    "choose another one; what is shown may be incomplete."
                )
            verb = "have" if what == "latents" else "has"
            return (
                f"The {what} {name} {verb} changed on the disk since this page was opened: reopen "
                "to see the present state."
            )
        return None

    def _marks_now(self) -> dict[str, _Mark]:
        return {
            "cohort": mark(self.cohort.path / "table.parquet"),
            "latents": mark(self.latents.path),
            "run": mark(self.run_path / "weights.safetensors"),
        }


def mark(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is written again, or None where there is none.

    Args:
        path: The file.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


_shown: list[Explorer] = []
"""The explorers of this server, the one that a visitor sees first at the head."""

_recent: list[str] = []
"""Keys of the explorers, the one that was asked for last at the end."""

_changing = threading.Lock()

_catalogs: list["Catalog"] = []
"""The catalog of this server, or nothing."""


def show(*explorers: Explorer, catalog: "Catalog | None" = None) -> None:
    """Set what this server shows.

    Args:
        explorers: Shared by everyone who opens the page; the first is what a visitor sees first.
        catalog: The runs and cohorts that a person can choose from.
    """
    with _changing:
        _shown[:] = explorers
        _recent[:] = [each.key for each in explorers]
        _catalogs[:] = [] if catalog is None else [catalog]


def shown() -> Sequence[Explorer]:
    """Return what this server shows, the first one first; empty before ``show``."""
    return tuple(_shown)


def catalog() -> "Catalog | None":
    """Return the runs and cohorts that this server offers, or None where there is one alone."""
    return _catalogs[0] if _catalogs else None


def add(explorer: Explorer, *, instead_of: Explorer | None = None) -> None:
    """Show one more, in place of what was not asked for longest where there are many.

    Args:
        explorer: The new one; one of the same key is replaced.
        instead_of: One that it replaces, at the same place.
    """
    with _changing:
        old = [each for each in _shown if each is instead_of or each.key == explorer.key]
        places = [_shown.index(each) for each in old]
        for each in old:
            _shown.remove(each)
        _shown.insert(min(places, default=len(_shown)), explorer)
        _touch(explorer.key)
        for key in list(_recent):
            if len(_shown) <= MAX_OPEN:
                break
            if key not in (_shown[0].key, explorer.key):
                _shown[:] = [each for each in _shown if each.key != key]
        present = {each.key for each in _shown}
        _recent[:] = [key for key in _recent if key in present]


def find(key: str | None) -> Explorer | None:
    """Return the explorer of a key that is open, or None.

    Args:
        key: Of an explorer.
    """
    for each in tuple(_shown):
        if each.key == key:
            if len(_shown) >= MAX_OPEN:
                with _changing:
                    _touch(each.key)
            return each
    return None


def _touch(key: str) -> None:
    """Note that an explorer was asked for."""
    if key in _recent:
        _recent.remove(key)
    _recent.append(key)


@dataclass(frozen=True)
class Evidence:
    """What was measured before, and is shown beside the cohorts.

    Attributes:
        reports: Folders that ``cmae evaluate`` left.
        associations: Folders that ``cmae associate`` left.
    """

    reports: tuple[Path, ...] = ()
    associations: tuple[Path, ...] = ()


_evidence = [Evidence()]
"""What ``show_evidence`` was given last."""


def show_evidence(evidence: Evidence) -> None:
    """Set which reports and associations this server shows.

    Args:
        evidence: Their folders.
    """
    _evidence[0] = evidence


def shown_evidence() -> Evidence:
    """Return which reports and associations this server shows; none before ``show_evidence``."""
    return _evidence[0]
