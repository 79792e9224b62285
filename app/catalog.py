"""The runs and cohorts that a server offers, and what each pair of them needs to be looked at."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import explorer
from app.demo import Sources, are_prepared, content_hash
from app.explorer import Explorer, mark
from app.lazy_run import LazyRun
from cmae.data.cohort import Cohort
from cmae.data.table import TABLE
from cmae.errors import CmaeError, CohortError, InputError, LatentsError, RunError
from cmae.latent.latents import Latents
from cmae.latent.partial import partial_path
from cmae.model.run_files import MODEL_FILE, read_model_file, run_fingerprint

if TYPE_CHECKING:
    from cmae.model.run import Run

MAX_OFFERED = 200
"""Runs, and cohorts, that a folder may hold to be offered."""


@dataclass(frozen=True)
class Pair:
    """A run and a cohort, which may or may not go together.

    Attributes:
        run: Run folder.
        cohort: Cohort folder.
    """

    run: Path
    cohort: Path


@dataclass(frozen=True)
class Condition:
    """What a pair needs to be looked at.

    Attributes:
        problem: Why the two do not go together, one sentence; None where they do.
        latents: The latents that stand, or None where the cohort is still to be embedded.
        recordings: How many recordings there are to embed.
        is_begun: Whether an embedding was begun and stopped.
    """

    problem: str | None = None
    latents: Path | None = None
    recordings: int = 0
    is_begun: bool = False


@dataclass(eq=False)
class Catalog:
    """What a server offers.

    Attributes:
        runs: Run folders, the default first.
        cohorts: Cohort folders, the default first.
        made: Latents that were given or made at the start.
        folder: Where latents are made.
    """

    runs: tuple[Path, ...]
    cohorts: tuple[Path, ...]
    made: tuple[Sources, ...] = ()
    folder: Path = Path("build") / "latents"
    _known: dict[object, object] = field(default_factory=dict, repr=False)
    _opening: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def pair_of(self, shown: Explorer) -> Pair:
        """Return the run and the cohort of an explorer.

        Args:
            shown: An explorer of this server.
        """
        return Pair(shown.run_path, shown.cohort.path)

    def sources(self, pair: Pair) -> Sources:
        """Return the pair with the file of its latents, which may not be there yet.

        Args:
            pair: The run and the cohort.

        Raises:
            CmaeError: The run or the cohort cannot be read.
        """
        for sources in self.made:
            if (sources.run, sources.cohort) == (pair.run, pair.cohort):
                return sources
        run, cohort = self._content(pair.run), self._cohort(pair.cohort).fingerprint
        name = f"{run[:12]}-{cohort[:12]}.h5"
        return Sources(pair.run, pair.cohort, self.folder / name)

    def condition(self, pair: Pair) -> Condition:
        """Say what a pair needs to be looked at.

        Args:
            pair: The run and the cohort.
        """
        try:
            cohort = self._cohort(pair.cohort)
            recordings = self._recordings(pair.run, cohort)
            sources = self.sources(pair)
            if sources in self.made and sources.latents.is_file():
                return Condition(latents=sources.latents, recordings=recordings)
            is_done = are_prepared(sources, cohort.fingerprint)
        except CmaeError as error:
            return Condition(problem=str(error))
        return Condition(
            latents=sources.latents if is_done else None,
            recordings=recordings,
            is_begun=partial_path(sources.latents).exists() or sources.latents.exists(),
        )

    def open(self, pair: Pair) -> Explorer:
        """Open a pair whose latents stand, and show it.

        Args:
            pair: The run and the cohort.

        Returns:
            The explorer, the one that is open already where nothing has changed.

        Raises:
            CmaeError: Something is missing, or does not go together.
        """
        with self._opening:
            for each in explorer.shown():
                if self.pair_of(each) == pair and each.change() is None:
                    return each
            opened = self._opened(pair)
            explorer.add(opened)
            return opened

    def reopen(self, shown: Explorer) -> Explorer:
        """Open an explorer again, as its files are now.

        Args:
            shown: What was opened before.

        Returns:
            The new one, at its place.

        Raises:
            CmaeError: Something is gone or damaged.
        """
        with self._opening:
            for each in explorer.shown():
                # Another person may have done it a moment ago.
                if each is not shown and self.pair_of(each) == self.pair_of(shown):
                    return each
            opened = open_explorer(
                Sources(shown.run_path, shown.cohort.path, shown.latents.path, shown.is_demo),
                model_of=self.model_of,
            )
            explorer.add(opened, instead_of=shown)
            return opened

    def model_of(self, run: Path, fingerprint: str) -> LazyRun:
        """Return the run that all explorers of it share.

        Args:
            run: Run folder.
            fingerprint: Which its latents were made by.
        """
        key = ("model", run, fingerprint, mark(run / "weights.safetensors"))
        model = self._remembered(key, lambda: LazyRun(lambda: load_run(run, fingerprint)))
        if model.error is not None:
            self._known.pop(key, None)
            return self.model_of(run, fingerprint)
        found: LazyRun = model
        return found

    def _opened(self, pair: Pair) -> Explorer:
        condition = self.condition(pair)
        if condition.problem is not None:
            raise InputError(condition.problem)
        if condition.latents is None:
            raise LatentsError(
                f"The cohort {pair.cohort.name} has no latents of the run {pair.run.name} yet: "
                "embed it first."
            )
        return open_explorer(self.sources(pair), model_of=self.model_of)

    def _cohort(self, path: Path) -> Cohort:
        """Return a cohort as it is now; its table is read again only where it has changed."""
        for each in explorer.shown():
            if each.cohort.path == path and each.marks["cohort"] == mark(path / TABLE):
                return each.cohort
        found: Cohort = self._remembered(
            ("cohort", path, mark(path / TABLE)), lambda: Cohort.open(path)
        )
        return found

    def _content(self, run: Path) -> str:
        key = ("content", run, mark(run / MODEL_FILE), mark(run / "weights.safetensors"))
        found: str = self._remembered(key, lambda: content_hash(run))
        return found

    def _recordings(self, run: Path, cohort: Cohort) -> int:
        """Count what the run can encode.

        Raises:
            InputError: There is nothing, or the run cannot be read.
        """
        names = list(read_model_file(run).architecture.networks)
        count = sum(int(cohort.has(name).sum()) for name in names)
        if not len(cohort):
            raise CohortError(
                f"The cohort {cohort.path.name} is empty: add to it with `cmae import`."
            )
        if not count:
            raise InputError(
                f"The run {run.name} encodes {' and '.join(names)}, of which the cohort "
                f"{cohort.path.name} has no recording: choose another run or cohort."
            )
        return count

    def _remembered(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Return what was made under a key; what a file's earlier state gave is forgotten."""
        if key not in self._known:
            for old in [each for each in self._known if each[:2] == key[:2]]:  # type: ignore[index]
                self._known.pop(old, None)
            self._known[key] = make()
        return self._known[key]


def open_explorer(
    sources: Sources, *, model_of: Callable[[Path, str], LazyRun] | None = None
) -> Explorer:
    """Open everything but the networks, after checking that all of it goes together.

    Args:
        sources: Run, cohort and latents.
        model_of: Gives the run that is shared; None: one of its own.

    Raises:
        CmaeError: Something is missing, or does not go together: fingerprints say so.
    """
    cohort, latents = Cohort.open(sources.cohort), Latents.open(sources.latents)
    if not len(cohort):
        raise CohortError(f"The cohort {sources.cohort} is empty: add to it with `cmae import`.")
    fingerprint = run_fingerprint(sources.run)
    if fingerprint != latents.run_fingerprint:
        raise RunError(
            f"The latents {sources.latents.name} were made by another run than {sources.run.name} "
            f"({latents.run_fingerprint}, not {fingerprint}): embed the cohort again, or give the "
            "run that made them."
        )
    model_of = model_of or (lambda run, known: LazyRun(lambda: load_run(run, known)))
    opened = Explorer(
        cohort=cohort,
        latents=latents,
        run_path=sources.run,
        model=model_of(sources.run, fingerprint),
        is_demo=sources.is_demo,
    )
    if (opened.latent_rows < 0).all():
        raise LatentsError(
            f"The latents {sources.latents.name} hold no row of the cohort {sources.cohort.name}: "
            "embed this cohort with `cmae embed`, or leave --latents out."
        )
    return opened


def load_run(path: Path, fingerprint: str) -> "Run":
    """Open a run with its networks, whose framework takes seconds to load.

    Args:
        path: Run folder.
        fingerprint: What it must be.

    Raises:
        RunError: It cannot be opened, or is another one by now.
    """
    from cmae.model.run import Run  # noqa: PLC0415 - the networks' framework takes seconds

    run = Run.open(path)
    if run.fingerprint != fingerprint:
        raise RunError(
            f"The run {path.name} has changed since its latents were made: embed the cohort again."
        )
    return run


def runs_in(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the run folders that some paths mean: each itself, or those in it.

    Args:
        paths: Run folders, or folders that contain some.

    Raises:
        RunError: One is neither.
    """
    return _expanded(
        paths,
        MODEL_FILE,
        RunError,
        "a run, and no folder in it is one: give one with --run, or make one with "
        "`python -m train`.",
    )


def cohorts_in(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the cohort folders that some paths mean: each itself, or those in it.

    Args:
        paths: Cohort folders, or folders that contain some.

    Raises:
        CohortError: One is neither.
    """
    return _expanded(
        paths,
        TABLE,
        CohortError,
        "a cohort, and no folder in it is one: give one with --cohort, or make one with "
        "`cmae import`.",
    )


def _expanded(
    paths: Sequence[Path], file: str, fault: type[InputError], otherwise: str
) -> tuple[Path, ...]:
    found: dict[Path, None] = {}
    for path in paths:
        if (path / file).is_file():
            found[path] = None
            continue
        if not path.is_dir():
            raise fault(f"There is no folder {path}: it should be {otherwise}")
        inside = sorted(each.parent for each in path.glob(f"*/{file}"))
        if not inside:
            raise fault(f"{path} is not {otherwise}")
        found |= dict.fromkeys(inside)
    if len(found) > MAX_OFFERED:
        raise fault(f"{len(found)} folders are too many to choose from: give fewer.")
    return tuple(found)


def labels(paths: Sequence[Path]) -> dict[Path, str]:
    """Name folders for people: by their last part, with the folder above where two are alike.

    Args:
        paths: The folders.
    """
    names = [path.name for path in paths]
    return {
        path: path.name if names.count(path.name) == 1 else f"{path.parent.name}/{path.name}"
        for path in paths
    }
