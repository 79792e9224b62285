"""What a server shows to all: cohorts with their latents, each with the run that made them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app import map_data
from app.lazy_run import LazyRun

if TYPE_CHECKING:
    from cmae.data.cohort import Cohort
    from cmae.latent.latents import Latents
    from cmae.model.run import Run


@dataclass(frozen=True, eq=False)
class Explorer:
    """What one server shows to all who look: nothing in it changes.

    Attributes:
        cohort: The cohort.
        latents: Its latents, with maps.
        run_path: The run folder.
        load_run: Opens the run; called once, in the background.
        is_demo: Whether this is the demo cohort.
        latent_rows: (rows,) row of the latents file of each row, -1 for none.
        model: The run, loaded when it is first needed.
    """

    cohort: "Cohort"
    latents: "Latents"
    run_path: Path
    load_run: Callable[[], "Run"]
    is_demo: bool = False
    latent_rows: NDArray[np.int64] = field(init=False)
    model: LazyRun = field(init=False)

    def __post_init__(self) -> None:
        """Join the latents to the cohort's rows."""
        rows = map_data.rows_of_latents(self.cohort, self.latents)
        object.__setattr__(self, "latent_rows", rows)
        object.__setattr__(self, "model", LazyRun(self.load_run))

    @property
    def key(self) -> str:
        """Fingerprints of cohort and run: the key of every cache."""
        return f"{self.cohort.fingerprint}:{self.latents.run_fingerprint}"


_shown: list[Explorer] = []
"""The explorers of this server, the one that a visitor sees first at the head."""


def show(*explorers: Explorer) -> None:
    """Set what this server shows.

    Args:
        explorers: Shared by everyone who opens the page; the first is what a visitor sees first.
    """
    _shown[:] = explorers


def shown() -> Sequence[Explorer]:
    """Return what this server shows, the first one first; empty before ``show``."""
    return tuple(_shown)


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
