"""What the explorer opens: the demo cohort, made once, or a person's own cohort made ready."""

import fcntl
import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cmae.data.cohort import Cohort
from cmae.data.files import replacing
from cmae.errors import CmaeError, RunError
from cmae.latent.embedding import embed
from cmae.latent.map import add_maps
from cmae.latent.sources import Encoder
from cmae.progress import Progress, progress_bar
from cmae.quiet import quiet_import
from cmae.simulate.settings import SIMULATOR_NUMBER

logger = logging.getLogger(__name__)

PARTICIPANTS = 1_000
"""Participants of the demo cohort."""

SEED = 7
"""Seed of the demo cohort."""

ENCODING, MAPPING = "Encoding every recording", "Drawing the maps"
"""The two steps to latents, for people."""

Reporter = Callable[[str], AbstractContextManager[Progress]]


@dataclass(frozen=True)
class Sources:
    """What a server opens.

    Attributes:
        run: Run folder.
        cohort: Cohort folder.
        latents: Latents file of this run and this cohort.
        is_demo: Whether this is the demo cohort.
    """

    run: Path
    cohort: Path
    latents: Path
    is_demo: bool = False


def open_run(path: Path) -> Encoder:
    """Open a run with its networks, whose framework takes seconds to load.

    Args:
        path: Run folder.
    """
    with quiet_import():
        from cmae.model.run import Run  # noqa: PLC0415 - only where there is work for it

    return Run.open(path)


def prepare_demo(
    folder: Path,
    run: Path,
    *,
    participants: int = PARTICIPANTS,
    opener: Callable[[Path], Encoder] = open_run,
) -> Sources:
    """Make the demo cohort, its latents and its maps, or take those that stand.

    Each step leaves either its finished result or nothing; a second caller waits for the first.

    Args:
        folder: Where the demo lies.
        run: The demo run.
        participants: Size of the cohort.
        opener: Opens the run.

    Returns:
        What to open.

    Raises:
        CmaeError: A step failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sources = Sources(run, folder / "cohort", folder / "latents.h5", is_demo=True)
    with _alone(folder):
        made_by = {"participants": participants, "seed": SEED, "simulator": SIMULATOR_NUMBER}
        if _noted(folder / "cohort.json") != made_by or not _is_sound(sources.cohort):
            shutil.rmtree(sources.cohort, ignore_errors=True)
            _simulate(sources.cohort, participants)
            _note(folder / "cohort.json", made_by)
        prepare_latents(sources, opener=opener)
    return sources


def prepare_latents(
    sources: Sources,
    *,
    opener: Callable[[Path], Encoder] = open_run,
    reporter: Reporter = progress_bar,
) -> None:
    """Embed a cohort and map its latents, unless that has been done with this run.

    Args:
        sources: The run, the cohort, and the file to make.
        opener: Opens the run.
        reporter: Gives, for what is being done in a few words, where its progress is told.

    Raises:
        CmaeError: A step failed.
    """
    cohort = Cohort.open(sources.cohort)
    if are_prepared(sources, cohort.fingerprint):
        return
    sources.latents.parent.mkdir(parents=True, exist_ok=True)
    with reporter(ENCODING) as on_progress:
        embed(opener(sources.run), cohort, sources.latents, on_progress=on_progress)
    with reporter(MAPPING) as on_progress:
        add_maps(sources.latents, on_progress=on_progress)
    _note(_note_path(sources), _makers(sources, cohort.fingerprint))


def are_prepared(sources: Sources, cohort_fingerprint: str) -> bool:
    """Tell whether the latents stand, with maps, made by this run from this cohort.

    Args:
        sources: The run, the cohort, and the file.
        cohort_fingerprint: Of the cohort.

    Raises:
        RunError: The run is none.
    """
    if not sources.latents.is_file():
        return False
    return _noted(_note_path(sources)) == _makers(sources, cohort_fingerprint)


def _note_path(sources: Sources) -> Path:
    return sources.latents.with_suffix(".json")


def _makers(sources: Sources, cohort_fingerprint: str) -> dict[str, str]:
    return {"run": content_hash(sources.run), "cohort": cohort_fingerprint}


def content_hash(run: Path) -> str:
    """Hash what makes a run: its settings and weights, without loading them.

    Args:
        run: Run folder.

    Returns:
        A hexadecimal hash.

    Raises:
        RunError: The folder is not a run.
    """
    digest = hashlib.sha256()
    for name in ("model.toml", "weights.safetensors"):
        path = run / name
        if not path.is_file():
            raise RunError(f"{run} is not a run folder: it has no {name}.")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _simulate(path: Path, participants: int) -> None:
    from cmae.simulate.cohort import simulate  # noqa: PLC0415 - only the first start needs it

    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    with progress_bar(f"Simulating {participants:,} hearts") as on_progress:
        simulate(partial, participants=participants, seed=SEED, on_progress=on_progress)
    partial.rename(path)


def _is_sound(cohort: Path) -> bool:
    try:
        return len(Cohort.open(cohort)) > 0
    except CmaeError:
        return False


def _noted(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _note(path: Path, facts: Mapping[str, object]) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(facts), encoding="utf-8")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time make the demo; another waits and then finds it made."""
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.warning("Another start is making the demo cohort: waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
