"""Embedding: the latents of a whole cohort, in batches, resumable, in shards."""

import contextlib
import errno
import logging
import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.errors import CmaeError, CohortError, InputError, LatentsError, RunError
from cmae.latent.latents import FORMAT, FORMAT_NUMBER, KINDS, Floats, Latents

BATCH_SIZE = 32
"""Recordings encoded at once: large enough to fill the processor, 60 MB of cines."""

BATCHES_AHEAD = 2
"""Batches read while the network is busy with another one."""

JOINT_ROWS = 8192
"""Rows merged at once into joint latents."""

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
Masks = Mapping[str, NDArray[np.bool_]]


class Encoder(Protocol):
    """What embedding needs of a run (``cmae.model.run.Run`` has it)."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities that can be encoded."""

    @property
    def latent_dim(self) -> int:
        """Numbers in a latent."""

    @property
    def fingerprint(self) -> str:
        """Hash of settings and weights."""

    def encode(self, modality: str, recordings: Floats, *, batch_size: int = ...) -> Floats:
        """Encode recordings in physical units into latents ``(n, latent_dim)``."""

    def joint(self, latents: Mapping[str, Floats], present: Masks) -> Floats:
        """Merge the latents of each modality, with their presence, into joint latents."""


class Recordings(Protocol):
    """What embedding needs of a cohort (``cmae.data.cohort.Cohort`` has it)."""

    @property
    def table(self) -> pd.DataFrame:
        """One row a (participant, visit)."""

    @property
    def fingerprint(self) -> str:
        """Hash of the table and the recordings' parts."""

    @property
    def is_simulated(self) -> bool:
        """Whether any row is simulated."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def has(self, modality: str) -> NDArray[np.bool_]:
        """Tell for each row whether it has a recording of a modality."""

    def read_many(self, modality: str, rows: Sequence[int]) -> Floats:
        """Read the recordings of rows, in physical units."""


def embed(
    run: Encoder,
    cohort: Recordings,
    path: Path | str,
    *,
    shard: tuple[int, int] | None = None,
    batch_size: int = BATCH_SIZE,
    on_progress: Progress | None = None,
) -> Latents:
    """Encode every recording of a cohort into a latents file.

    The file grows beside its target as ``<name>.partial`` and takes its name when complete; a
    run that was killed goes on where it stopped. Memory does not grow with the cohort.

    Args:
        run: The trained run.
        cohort: The cohort.
        path: The latents file to write; an old one is replaced only when the new one is done.
        shard: (number, of how many), counted from 1: encode only that part of the rows.
        batch_size: Recordings encoded at once.
        on_progress: Called with (recordings done, recordings in all).

    Returns:
        The latents, opened.

    Raises:
        CohortError: No row has a recording that the run can encode.
        RunError: The run gave latents that are not finite numbers.
        InputError: The disk is full, or another process is writing the same file.
    """
    path = Path(path)
    rows = _rows_of_shard(len(cohort), shard)
    present = {name: cohort.has(name)[rows.start : rows.stop] for name in run.modalities}
    if not any(mask.any() for mask in present.values()):
        wanted = " nor ".join(run.modalities)
        raise CohortError(
            f"No row of the {'shard' if shard else 'cohort'} has a recording of {wanted}, which "
            "is all that the run encodes: import such recordings, or use another run."
        )
    if _is_done(path, run, cohort, shard):
        logger.info("%s holds these latents already; nothing to do.", path)
        return Latents.open(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _no_space_said(path), _partial_file(path, run, cohort, present, shard) as file:
        total = sum(int(mask.sum()) for mask in present.values())
        before = 0
        for modality in run.modalities:
            rows_with = np.flatnonzero(present[modality])
            report = _shifted(on_progress, before, total)
            _encode_rows(file, run, cohort, modality, rows_with, batch_size, report)
            before += len(rows_with)
        _merge_modalities(file, run, present)
        del file["done"]
        file.flush()
    return _finish(path)


def merge(shards: Sequence[Path | str], path: Path | str) -> Latents:
    """Put the shards of one cohort together.

    Args:
        shards: Files made by ``embed`` with ``shard=(1, n)`` … ``(n, n)``, in any order.
        path: The latents file to write.

    Returns:
        The latents of the whole cohort, opened.

    Raises:
        LatentsError: A shard is missing, given twice, or of another run or cohort.
    """
    path = Path(path)
    parts = sorted((Latents.open(shard) for shard in shards), key=lambda part: part.first_row)
    _check_shards(parts)
    keys = pd.concat([part.keys for part in parts], ignore_index=True)
    kinds = parts[0].kinds
    present = {kind: np.concatenate([part.present[kind] for part in parts]) for kind in kinds}
    partial = _partial_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _no_space_said(path):
        try:
            with h5py.File(partial, "w") as file:
                _write_head(
                    file,
                    keys=keys,
                    present=present,
                    latent_dim=parts[0].latent_dim,
                    fingerprints=(parts[0].run_fingerprint, parts[0].cohort_fingerprint),
                    is_simulated=any(part.is_simulated for part in parts),
                )
                for part in parts:
                    for start in range(0, len(part), JOINT_ROWS):
                        stop = min(start + JOINT_ROWS, len(part))
                        into = slice(part.first_row + start, part.first_row + stop)
                        for kind in kinds:
                            file[kind][into] = part.read(kind, start, stop)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    return _finish(path)


def _rows_of_shard(count: int, shard: tuple[int, int] | None) -> range:
    number, of = shard or (1, 1)
    if not 1 <= number <= of:
        raise InputError(
            f"There is no shard {number}/{of}: write number/count with 1 ≤ number ≤ count, "
            "such as 1/4."
        )
    return range(count * (number - 1) // of, count * number // of)


def _is_done(path: Path, run: Encoder, cohort: Recordings, shard: tuple[int, int] | None) -> bool:
    """Tell whether the target holds exactly what is asked for."""
    if not path.exists():
        return False
    try:
        old = Latents.open(path)
    except CmaeError:
        return False
    wanted = (run.fingerprint, cohort.fingerprint, shard)
    return (old.run_fingerprint, old.cohort_fingerprint, old.shard) == wanted


def _partial_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.partial")


@contextlib.contextmanager
def _partial_file(
    path: Path,
    run: Encoder,
    cohort: Recordings,
    present: Masks,
    shard: tuple[int, int] | None,
) -> Iterator[h5py.File]:
    """Open the partial file of a target: the one that was left, if it fits, else a new one.

    Every array is allocated in full at the start, so later writes touch no structure of the
    file and a killed process leaves it readable.
    """
    partial = _partial_path(path)
    file = _left_over(partial, run, cohort, shard)
    if file is None:
        try:
            file = _create_partial(partial, run, cohort, present, shard)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
    with file:
        yield file


def _left_over(
    partial: Path, run: Encoder, cohort: Recordings, shard: tuple[int, int] | None
) -> h5py.File | None:
    if not partial.exists():
        return None
    try:
        file = h5py.File(partial, "r+")
    except BlockingIOError as error:
        raise InputError(
            f"Another process is writing {partial}: wait for it, or choose another --out."
        ) from error
    except OSError:
        logger.warning("Starting again: what an earlier attempt left is damaged.")
        return None
    wanted = {
        "format_number": FORMAT_NUMBER,
        "run_fingerprint": run.fingerprint,
        "cohort_fingerprint": cohort.fingerprint,
        "shard": list(shard or (1, 1)),
    }
    found = {name: file.attrs.get(name) for name in wanted}
    found["shard"] = list(file.attrs.get("shard", (1, 1)))
    different = [name for name in wanted if found[name] != wanted[name]]
    if different or "done" not in file:
        file.close()
        reason = ", ".join(name.replace("_", " ") for name in different) or "progress"
        logger.warning("Starting again: the earlier attempt differs in its %s.", reason)
        return None
    logger.info("Going on where an earlier attempt stopped.")
    return file


def _create_partial(
    partial: Path,
    run: Encoder,
    cohort: Recordings,
    present: Masks,
    shard: tuple[int, int] | None,
) -> h5py.File:
    rows = _rows_of_shard(len(cohort), shard)
    keys = cohort.table[["participant_id", "visit"]].iloc[rows.start : rows.stop]
    either = np.logical_or.reduce(list(present.values()))
    file = h5py.File(partial, "w")
    try:
        _write_head(
            file,
            keys=keys,
            present={**present, "joint": either},
            latent_dim=run.latent_dim,
            fingerprints=(run.fingerprint, cohort.fingerprint),
            is_simulated=cohort.is_simulated,
        )
        if shard is not None:
            file.attrs["shard"] = shard
            file.attrs["first_row"] = rows.start
        file["done"] = np.zeros(len(run.modalities), np.int64)
        file.flush()
    except BaseException:
        file.close()
        raise
    return file


def _write_head(
    file: h5py.File,
    *,
    keys: pd.DataFrame,
    present: Masks,
    latent_dim: int,
    fingerprints: tuple[str, str],
    is_simulated: bool,
) -> None:
    """Write everything but the latents, and allocate those, filled with NaN."""
    file.attrs["format"] = FORMAT
    file.attrs["format_number"] = FORMAT_NUMBER
    file.attrs["latent_dim"] = latent_dim
    file.attrs["run_fingerprint"], file.attrs["cohort_fingerprint"] = fingerprints
    file.attrs["is_simulated"] = is_simulated
    identifiers = keys["participant_id"].astype(str).to_numpy(dtype=np.str_)
    file["rows/participant_id"] = np.char.encode(identifiers, "utf-8")
    file["rows/visit"] = keys["visit"].to_numpy(dtype=np.int32)
    for kind in (kind for kind in KINDS if kind in present):
        file[f"present/{kind}"] = present[kind]
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        properties.set_fill_value(np.array(np.nan, np.float32))
        space = h5py.h5s.create_simple((len(keys), latent_dim))
        kind_of_number = h5py.h5t.IEEE_F32LE
        h5py.h5d.create(file.id, kind.encode(), kind_of_number, space, dcpl=properties)


def _encode_rows(
    file: h5py.File,
    run: Encoder,
    cohort: Recordings,
    modality: str,
    rows: NDArray[np.intp],
    batch_size: int,
    report: Progress,
) -> None:
    """Encode the recordings of one modality that are not in the file yet.

    Reading runs ahead in a thread. All batches have one size, the last one padded, so that
    a compiled network is compiled once.
    """
    place = run.modalities.index(modality)
    first_row = int(file.attrs.get("first_row", 0))
    done = int(file["done"][place])
    report(done, len(rows))
    batch_size = min(batch_size, max(len(rows), 1))
    batches = [rows[start : start + batch_size] for start in range(done, len(rows), batch_size)]

    def read(batch: NDArray[np.intp]) -> Floats:
        recordings = cohort.read_many(modality, (first_row + batch).tolist())
        missing = batch_size - len(batch)
        return np.concatenate([recordings, recordings[-1:].repeat(missing, 0)])

    for batch, recordings in zip(batches, _read_ahead(read, batches), strict=True):
        latents = run.encode(modality, recordings, batch_size=batch_size)[: len(batch)]
        num_bad = int((~np.isfinite(latents)).any(axis=1).sum())
        if num_bad:
            raise RunError(
                f"The run gave latents that are not finite numbers for {num_bad} of "
                f"{len(batch)} {modality} recordings: its weights are damaged, or these "
                "recordings are far from what it was trained on."
            )
        span = slice(int(batch[0]), int(batch[-1]) + 1)
        block = file[modality][span]
        block[batch - batch[0]] = latents
        file[modality][span] = block
        file.flush()
        done += len(batch)
        file["done"][place] = done
        file.flush()
        report(done, len(rows))


def _read_ahead(
    read: Callable[[NDArray[np.intp]], Floats], batches: Sequence[NDArray[np.intp]]
) -> Iterator[Floats]:
    """Read batches in a thread, a few ahead of the one in use."""
    waiting: queue.Queue[Floats | BaseException] = queue.Queue(BATCHES_AHEAD)
    is_over = threading.Event()

    def put(item: Floats | BaseException) -> None:
        while not is_over.is_set():
            with contextlib.suppress(queue.Full):
                waiting.put(item, timeout=0.2)
                return

    def work() -> None:
        try:
            for batch in batches:
                if is_over.is_set():
                    return
                put(read(batch))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            put(error)

    thread = threading.Thread(target=work, name="embedding-reader", daemon=True)
    thread.start()
    try:
        for _ in batches:
            item = waiting.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        is_over.set()
        thread.join()


def _merge_modalities(file: h5py.File, run: Encoder, present: Masks) -> None:
    """Fill in the joint latents, a few thousand rows at a time."""
    count = len(next(iter(present.values())))
    for start in range(0, count, JOINT_ROWS):
        rows = slice(start, min(start + JOINT_ROWS, count))
        masks = {name: mask[rows] for name, mask in present.items()}
        latents = {
            name: np.where(mask[:, None], file[name][rows], np.float32(0))
            for name, mask in masks.items()
        }
        merged = run.joint(latents, masks)
        either = np.logical_or.reduce(list(masks.values()))
        file["joint"][rows] = np.where(either[:, None], merged, np.float32(np.nan))


def _finish(path: Path) -> Latents:
    partial = _partial_path(path)
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)
    return Latents.open(path)


def _shifted(on_progress: Progress | None, before: int, total: int) -> Progress:
    def report(done: int, _: int) -> None:
        if on_progress is not None:
            on_progress(before + done, total)

    return report


def _check_shards(parts: Sequence[Latents]) -> None:
    if not parts or any(part.shard is None for part in parts):
        raise LatentsError(
            "Only shards can be merged, and one of the files holds a whole cohort: give the "
            "files made with `cmae embed --shard`."
        )
    counts = {part.shard[1] for part in parts if part.shard}
    numbers = [part.shard[0] for part in parts if part.shard]
    origins = {(part.run_fingerprint, part.cohort_fingerprint) for part in parts}
    if len(origins) > 1:
        raise LatentsError(
            "The shards come from different runs or cohorts: embed all of them with one run "
            "from one cohort."
        )
    of = min(counts)
    if len(counts) > 1 or numbers != list(range(1, of + 1)):
        given = ", ".join(f"{part.shard[0]}/{part.shard[1]}" for part in parts if part.shard)
        raise LatentsError(
            f"The shards given are {given}; all shards of one cohort are needed, each once."
        )


@contextlib.contextmanager
def _no_space_said(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
        if not is_full:
            raise
        raise InputError(
            f"No space left on the disk while writing {path}: free some, then run the same "
            "command again; it goes on where it stopped."
        ) from error
