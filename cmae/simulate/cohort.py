"""A simulated population written as a cohort, by several processes, the same for any number."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.cohort import Cohort
from cmae.data.modality import ECG, MRI, MRI_FRAMES, MRI_PIXEL_MM
from cmae.errors import SettingsError
from cmae.simulate import cine, ecg
from cmae.simulate.physiology import COLUMNS, draw

CHUNK = 16
"""Participants that a process renders at a time: some 16 MB of recordings."""

ECG_STREAM, MRI_STREAM, RECORDED_STREAM = 1, 2, 3


@dataclass(frozen=True)
class Chunk:
    """Recordings of consecutive participants.

    Attributes:
        table: Their rows of ``physiology.draw``.
        ecg: (participants, 600, 12) in mV; rows without a recording are zero.
        mri: (participants, 96, 96, 50) scanner integers; rows without a recording are zero.
        has_ecg: (participants,).
        has_mri: (participants,).
    """

    table: pd.DataFrame
    ecg: NDArray[np.float32]
    mri: NDArray[np.uint16]
    has_ecg: NDArray[np.bool_]
    has_mri: NDArray[np.bool_]


@dataclass(frozen=True)
class _Order:
    first: int
    participants: int
    seed: int
    ecg_only: float
    mri_only: float


def simulate(
    path: Path,
    *,
    participants: int,
    seed: int,
    processes: int | None = None,
    ecg_only: float = 0.0,
    mri_only: float = 0.0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Cohort:
    """Simulate participants and add them to a cohort; the others have both recordings.

    Args:
        path: Folder of the cohort; made where it is not there.
        participants: How many.
        seed: Names the population: the same seed gives the same cohort.
        processes: How many render at once; None takes the cores of the machine.
        ecg_only: Share of participants with an ECG alone, 0 to 1.
        mri_only: Share of participants with a cine alone, 0 to 1.
        on_progress: Called with (participants done, participants).

    Returns:
        The cohort.

    Raises:
        SettingsError: A number is out of range.
        InputError: The folder cannot be written.
    """
    _check(participants, seed, processes, (ecg_only, mri_only))
    number = processes or _cores()
    orders = [
        _Order(first, min(CHUNK, participants - first), seed, ecg_only, mri_only)
        for first in range(0, participants, CHUNK)
    ]
    cohort = Cohort.open_or_create(path)
    with cohort.writer(COLUMNS) as writer:
        done = 0
        for chunk in _rendered(orders, min(number, len(orders))):
            for k, row in enumerate(chunk.table.to_dict("records")):
                values: dict[str, object] = {str(name): value for name, value in row.items()}
                if chunk.has_ecg[k]:
                    values["ecg_rr_ms"] = row["rr_ms"]
                if chunk.has_mri[k]:
                    values["mri_rr_ms"] = row["rr_ms"]
                    values["mri_pixel_mm"] = MRI_PIXEL_MM
                    values["mri_frames_recorded"] = MRI_FRAMES
                writer.add(
                    f"S{done + k + 1:07d}",
                    ecg=chunk.ecg[k] if chunk.has_ecg[k] else None,
                    mri=chunk.mri[k] if chunk.has_mri[k] else None,
                    values=values,
                    is_simulated=True,
                )
            done += len(chunk.table)
            if on_progress is not None:
                on_progress(done, participants)
    return cohort


def recordings(
    first: int, participants: int, *, seed: int, ecg_only: float = 0.0, mri_only: float = 0.0
) -> Chunk:
    """Draw and render participants ``first`` … ``first + participants − 1``.

    Args:
        first: Number of the first.
        participants: How many.
        seed: Of the population.
        ecg_only: Share with an ECG alone.
        mri_only: Share with a cine alone.

    Returns:
        Their rows and recordings.
    """
    table = draw(participants, seed=seed, first=first)
    fate = np.array([_stream(seed, k, RECORDED_STREAM).random() for k in table.index])
    has_ecg, has_mri = fate >= mri_only, (fate < mri_only) | (fate >= mri_only + ecg_only)
    ecgs = np.zeros((participants, *ECG.shape), np.float32)
    cines = np.zeros((participants, *MRI.shape), np.uint16)
    for row, (k, heart) in enumerate(zip(table.index, table.to_dict("records"), strict=True)):
        if has_ecg[row]:
            ecgs[row] = ecg.render(heart, _stream(seed, k, ECG_STREAM))
        if has_mri[row]:
            cines[row] = cine.render(heart, _stream(seed, k, MRI_STREAM))
    return Chunk(table, ecgs, cines, has_ecg, has_mri)


def _stream(seed: int, participant: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, participant, purpose]))


def _filled(order: _Order) -> Chunk:
    return recordings(
        order.first,
        order.participants,
        seed=order.seed,
        ecg_only=order.ecg_only,
        mri_only=order.mri_only,
    )


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
    """Keep linear algebra of a worker on its own core."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check(
    participants: int, seed: int, processes: int | None, shares: tuple[float, float]
) -> None:
    if participants < 1 or seed < 0 or (processes is not None and processes < 1):
        raise SettingsError(
            f"{participants} participants with seed {seed} by {processes} processes cannot be "
            "simulated: ask for at least 1 participant and process, and a seed of 0 or more."
        )
    if not (min(shares) >= 0 and sum(shares) <= 1):
        raise SettingsError(
            f"Shares of {shares[0]} with an ECG alone and {shares[1]} with a cine alone do not "
            "fit: each is 0 or more, and together they are at most 1."
        )
