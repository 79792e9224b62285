"""Embedding: the latents of a whole cohort, in batches, resumable, in shards."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.batches import ReadAhead
from cmae.data.files import explained, replacing, sync
from cmae.errors import CmaeError, CohortError, LatentsError, RunError
from cmae.latent.latents import Floats, Latents
from cmae.latent.partial import partial_file, partial_path, rows_of_shard, write_head
from cmae.latent.sources import Encoder, Masks, Recordings
from cmae.latent.space import check_space, hdf5_faults_named

BATCH_SIZE = 16
"""Recordings encoded at once: enough to fill a processor, and 30 MB of cines, which the memory
allocator keeps for the next batch (beyond 32 MB it maps and clears new pages every time)."""

BATCHES_AHEAD = 2
"""Batches read while the network is busy with another one."""

JOINT_ROWS = 8192
"""Rows merged at once into joint latents."""

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]


def embed(
    run: Encoder,
    cohort: Recordings,
    path: Path | str,
    *,
    shard: tuple[int, int] | None = None,
    batch_size: int = BATCH_SIZE,
    may_replace: bool = True,
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
        may_replace: Whether latents of another run or cohort at ``path`` may be replaced. A file
            that holds no latents never is.
        on_progress: Called with (recordings done, recordings in all).

    Returns:
        The latents, opened.

    Raises:
        CohortError: No row has a recording that the run can encode.
        RunError: The run gave latents that are not finite numbers.
        LatentsError: The file at ``path`` must not be replaced.
        InputError: The disk is full, or another process is writing the same file.
    """
    path = Path(path)
    rows = rows_of_shard(len(cohort), shard)
    present = {name: cohort.has(name)[rows.start : rows.stop] for name in run.modalities}
    if not any(cohort.has(name).any() for name in run.modalities):
        wanted = " or ".join(run.modalities)
        raise CohortError(
            f"No row of the cohort has a recording of {wanted}, which is all that the run "
            "encodes: import such recordings, or use another run."
        )
    if _is_done(path, run, cohort, shard):
        logger.info("%s holds these latents already; nothing to do.", path)
        return Latents.open(path)
    _check_target(path, may_replace=may_replace)
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        explained(path),
        hdf5_faults_named(),
        partial_file(path, run, cohort, present, shard) as file,
    ):
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
    _check_target(path, may_replace=True)
    parts = sorted((Latents.open(shard) for shard in shards), key=lambda part: part.first_row)
    _check_shards(parts)
    keys = pd.concat([part.keys for part in parts], ignore_index=True)
    kinds = parts[0].kinds
    present = {kind: np.concatenate([part.present[kind] for part in parts]) for kind in kinds}
    path.parent.mkdir(parents=True, exist_ok=True)
    check_space(path, sum(part.path.stat().st_size for part in parts))
    with replacing(path) as temporary, hdf5_faults_named(), h5py.File(temporary, "w") as file:
        write_head(
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
    return Latents.open(path)


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


def _check_target(path: Path, *, may_replace: bool) -> None:
    """Refuse to write over what nobody asked to lose."""
    if not path.exists():
        return
    try:
        Latents.open(path)
    except CmaeError as error:
        raise LatentsError(
            f"{path} exists and is no latents file that can be read: give another --out, or "
            "delete it."
        ) from error
    if not may_replace:
        raise LatentsError(
            f"{path} holds the latents of another run, cohort or shard: give another --out, or "
            "--overwrite to replace them."
        )


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
        if not missing:
            return recordings
        return np.concatenate([recordings, recordings[-1:].repeat(missing, 0)])

    with ReadAhead(lambda: map(read, batches), ahead=BATCHES_AHEAD) as stream:
        for batch, recordings in zip(batches, stream, strict=True):
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
    partial = partial_path(path)
    sync(partial)
    partial.replace(path)
    sync(path.parent)
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
