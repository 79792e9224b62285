"""A latents file while it is being written, under a name of its own."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from cmae.errors import InputError
from cmae.latent.latents import FORMAT, FORMAT_NUMBER, KINDS
from cmae.latent.sources import Encoder, Masks, Recordings
from cmae.latent.space import check_space

logger = logging.getLogger(__name__)


def rows_of_shard(count: int, shard: tuple[int, int] | None) -> range:
    """Give the rows of a cohort that a shard covers.

    Args:
        count: Rows of the cohort.
        shard: (number, of how many), counted from 1; None for all rows.

    Returns:
        The row numbers: the shards of a cohort cover each row once, in order.

    Raises:
        InputError: There is no such shard.
    """
    number, of = shard or (1, 1)
    if not 1 <= number <= of:
        raise InputError(
            f"There is no shard {number}/{of}: write number/count with 1 ≤ number ≤ count, "
            "such as 1/4."
        )
    return range(count * (number - 1) // of, count * number // of)


def partial_path(path: Path) -> Path:
    """Give the name under which a latents file grows."""
    return path.with_name(f"{path.name}.partial")


@contextlib.contextmanager
def partial_file(
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
    partial = partial_path(path)
    file = _left_over(partial, run, cohort, shard)
    if file is None:
        try:
            file = _create_partial(partial, run, cohort, present, shard)
        except (OSError, RuntimeError):
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
    rows = rows_of_shard(len(cohort), shard)
    keys = cohort.table[["participant_id", "visit"]].iloc[rows.start : rows.stop]
    either = np.logical_or.reduce(list(present.values()))
    kinds = len(present) + 1
    check_space(partial, len(rows) * (kinds * 4 * run.latent_dim + 100))
    file = h5py.File(partial, "w")
    try:
        write_head(
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


def write_head(
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
