"""A simulated population written as a cohort, by several processes, the same for any number."""

import logging
import multiprocessing
import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from cmae.data import genotypes as genotype_files
from cmae.data.cohort import Cohort
from cmae.data.files import replacing_folder
from cmae.data.modality import MRI_FRAMES, MRI_PIXEL_MM, TRUTHS
from cmae.data.withdrawal import remove_if_empty
from cmae.data.writer import CohortWriter
from cmae.errors import SettingsError
from cmae.simulate import ceilings, cine, ecg, genotypes
from cmae.simulate.physiology import COLUMNS, draw
from cmae.simulate.settings import CohortSettings

CHUNK = 16
"""Participants that a process renders at a time: some 16 MB of recordings."""

TABLE_CHUNK = 1024
"""Participants drawn at a time where nothing is rendered."""

ECG_STREAM, MRI_STREAM, RECORDED_STREAM = 1, 2, 3

ORDINARY = CohortSettings()

_log = logging.getLogger(__name__)

Recordings = dict[str, NDArray[Any]]
"""One participant's recordings and the truth of them, by a name of ``data.modality.STORED``."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive participants.

    Attributes:
        table: Their rows of ``physiology.draw``.
        recordings: What each has.
    """

    table: pd.DataFrame
    recordings: tuple[Recordings, ...]


@dataclass(frozen=True)
class _Order:
    first: int
    participants: int
    seed: int
    settings: CohortSettings


def simulate(
    path: Path,
    *,
    participants: int,
    seed: int,
    settings: CohortSettings = ORDINARY,
    processes: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Cohort:
    """Simulate participants and add them to a cohort.

    Args:
        path: Folder of the cohort; made where it is not there.
        participants: How many.
        seed: Names the population: the same seed and population give the same participants,
            whatever is asked for besides.
        settings: What the cohort holds.
        processes: How many render at once; None takes the cores of the machine.
        on_progress: Called with (participants done, participants).

    Returns:
        The cohort.

    Raises:
        SettingsError: A number is out of range, or the cohort holds participants of the same
            names from another population.
        InputError: The folder cannot be written.
    """
    _check(participants, seed, processes)
    size = CHUNK if settings.has_recordings else TABLE_CHUNK
    orders = [
        _Order(first, min(size, participants - first), seed, settings)
        for first in range(0, participants, size)
    ]
    number = min(processes or _cores(), len(orders)) if settings.has_recordings else 1
    with _gone_if_failed(path):
        cohort = Cohort.open_or_create(path)
        standing = _Standing(cohort)
        sexes = standing.sexes()
        with ExitStack() as stack:
            if settings.variants:
                folder = stack.enter_context(replacing_folder(path / genotype_files.FOLDER))
            writer = stack.enter_context(cohort.writer(COLUMNS))
            for chunk in _rendered(orders, number):
                standing.check(chunk.table)
                _add(writer, chunk)
                sexes |= chunk.table["sex"].to_dict()
                if on_progress is not None:
                    on_progress(int(chunk.table.index[-1]) + 1, participants)
            if settings.variants:
                _write_genotypes(folder, dict(sorted(sexes.items())), seed, settings.variants)
            found = None
            if settings.has_ceilings:
                _log.info("computing the ceilings; this takes some minutes")
                found = ceilings.ceilings(
                    settings.population, seed=seed, variants=settings.variants
                )
        if found is not None:
            found.save(path / ceilings.FILE)
    return cohort


def recordings(
    first: int, participants: int, *, seed: int, settings: CohortSettings = ORDINARY
) -> Chunk:
    """Draw and render participants ``first`` … ``first + participants − 1``.

    Args:
        first: Number of the first.
        participants: How many.
        seed: Of the population.
        settings: What the cohort holds.

    Returns:
        Their rows and recordings.
    """
    table = draw(
        participants,
        seed=seed,
        first=first,
        settings=settings.population,
        variants=settings.variants,
    )
    if not settings.has_recordings:
        return Chunk(table, tuple({} for _ in table.index))
    hearts = zip(table.index, table.to_dict("records"), strict=True)
    return Chunk(table, tuple(_recorded(heart, seed, k, settings) for k, heart in hearts))


def participant_id(number: int) -> str:
    """Return the identifier of a participant by its number, counted from 0."""
    return f"S{number + 1:07d}"


def _recorded(
    heart: Mapping[Any, Any], seed: int, participant: int, settings: CohortSettings
) -> Recordings:
    """Render what one participant has; what is asked for besides changes no recording."""
    fate = stream(seed, participant, RECORDED_STREAM).random()
    has_ecg = fate >= settings.mri_only
    has_mri = not settings.mri_only <= fate < settings.mri_only + settings.ecg_only
    found: Recordings = {}
    variance = settings.population.private_variance
    if has_ecg:
        found["ecg"] = ecg.render(
            heart, stream(seed, participant, ECG_STREAM), private_variance=variance
        )
        if settings.has_noiseless:
            rng = stream(seed, participant, ECG_STREAM)
            found["ecg_noiseless"] = ecg.render(
                heart, rng, has_noise=False, private_variance=variance
            )
    if has_mri and (settings.has_masks or settings.has_noiseless):
        truth = cine.render_truth(
            heart, stream(seed, participant, MRI_STREAM), private_variance=variance
        )
        found["mri"] = truth.recording
        if settings.has_masks:
            found["mri_mask"] = truth.masks
        if settings.has_noiseless:
            found["mri_noiseless"] = truth.noiseless
    elif has_mri:
        found["mri"] = cine.render(
            heart, stream(seed, participant, MRI_STREAM), private_variance=variance
        )
    return found


def _add(writer: CohortWriter, chunk: Chunk) -> None:
    rows = zip(chunk.table.index, chunk.table.to_dict("records"), chunk.recordings, strict=True)
    for number, row, found in rows:
        values: dict[str, object] = {str(name): value for name, value in row.items()}
        if "ecg" in found:
            values["ecg_rr_ms"] = row["rr_ms"]
        if "mri" in found:
            values["mri_rr_ms"] = row["scan_rr_ms"]
            values["mri_pixel_mm"] = MRI_PIXEL_MM
            values["mri_frames_recorded"] = MRI_FRAMES
        writer.add(
            participant_id(number),
            ecg=found.get("ecg"),
            mri=found.get("mri"),
            values=values,
            truth={name: array for name, array in found.items() if name in TRUTHS},
            is_simulated=True,
        )


class _Standing:
    """The participants whom a cohort holds already: they must be the same people."""

    def __init__(self, cohort: Cohort) -> None:
        table = cohort.table[cohort.table["visit"] == 0]
        matches = [re.fullmatch(r"S(\d{7,})", who) for who in table["participant_id"]]
        found = np.array([-1 if match is None else int(match[1]) - 1 for match in matches], int)
        self._table = table.assign(number=found)[found >= 0].set_index("number")
        self._path = cohort.path

    def sexes(self) -> dict[int, float]:
        """Return the sex of each simulated participant, by number."""
        if "sex" not in self._table:
            return {}
        found: dict[int, float] = self._table.loc[self._table["is_simulated"], "sex"].to_dict()
        return found

    def check(self, drawn: pd.DataFrame) -> None:
        """Raise SettingsError if a row of ``draw`` is of somebody else than the row that stands."""
        common = self._table.index.intersection(drawn.index)
        if not len(common):
            return
        names = [name for name, column in COLUMNS.items() if column.kind != "categorical"]
        old = self._table.reindex(columns=names).loc[common].to_numpy(np.float64)
        new = drawn.loc[common, names].to_numpy(np.float64)
        if not np.allclose(old, new, rtol=1e-9, atol=1e-12, equal_nan=True):
            raise SettingsError(
                f"{self._path} holds participants of the same names from another population: "
                "simulate into another folder, or with the seed and population of this one."
            )


def _write_genotypes(folder: Path, sexes: Mapping[int, float], seed: int, variants: int) -> None:
    numbers = list(sexes)
    samples = pd.DataFrame(
        {"participant_id": map(participant_id, numbers), "sex": list(sexes.values())}
    )
    table = genotypes.variant_table(variants, seed=seed)
    blocks = genotypes.blocks(numbers, variants, seed=seed)
    genotype_files.write(folder, samples, table, blocks)
    table.to_csv(folder / genotype_files.TRUTH, sep="\t", index=False)


@contextmanager
def _gone_if_failed(path: Path) -> Iterator[None]:
    """Delete the cohort at ``path`` if it was not there before and an error leaves it empty."""
    is_new = not path.exists()
    try:
        yield
    except BaseException:
        if is_new and (path / "table.parquet").is_file():
            remove_if_empty(path)
        raise


def stream(seed: int, participant: int, purpose: int) -> np.random.Generator:
    """Return the random numbers of a participant for one purpose (``ECG_STREAM``, …)."""
    return np.random.default_rng(np.random.SeedSequence([seed, participant, purpose]))


def _filled(order: _Order) -> Chunk:
    return recordings(order.first, order.participants, seed=order.seed, settings=order.settings)


def _rendered(orders: list[_Order], processes: int) -> Iterator[Chunk]:
    """Yield the chunks in order; a few wait at most, so memory does not grow with their number."""
    if processes == 1:
        yield from map(_filled, orders)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_one_thread) as pool:
        waiting: deque[Future[Chunk]] = deque()
        try:
            for order in orders:
                waiting.append(pool.submit(_filled, order))
                if len(waiting) > processes + 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _one_thread() -> None:
    """Keep linear algebra of a worker on its own core; NumPy is loaded by now."""
    threadpool_limits(1)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check(participants: int, seed: int, processes: int | None) -> None:
    if participants < 1 or seed < 0 or (processes is not None and processes < 1):
        raise SettingsError(
            f"{participants} participants with seed {seed} by {processes} processes cannot be "
            "simulated: ask for at least 1 participant and process, and a seed of 0 or more."
        )
