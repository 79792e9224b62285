"""Genotypes beside a cohort: one PLINK set, written whole and rewritten when somebody withdraws."""

import shutil
from collections.abc import Iterable, Set
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.files import explained, replacing_folder
from cmae.errors import CohortError

FOLDER = "genotypes"
"""Folder of a cohort that holds the set; it is put into place as a whole."""

BED, TRUTH = "genotypes.bed", "genotypes.tsv"
"""The PLINK file, beside its .bim and .fam, and what a simulator knows of each variant."""

_BLOCK = 1024
"""Variants rewritten at a time."""


def write(
    folder: Path,
    samples: pd.DataFrame,
    variants: pd.DataFrame,
    blocks: Iterable[NDArray[np.int8]],
) -> None:
    """Write a PLINK set, variant by variant, into a folder.

    Args:
        folder: An existing folder.
        samples: Has ``participant_id`` and ``sex`` (1 male, 0 female); one row a sample.
        variants: Has ``chromosome``, ``variant``, ``position``; one row a variant. A1, whose
            alleles are counted, is G, and A2 is A.
        blocks: Dosages of consecutive variants, each (samples, some variants), 0, 1 or 2.

    Raises:
        InputError: The disk is full or not writable.
    """
    who = samples["participant_id"].to_numpy(dtype=str)
    properties = {
        "fid": who,
        "iid": who,
        "sex": np.where(samples["sex"].to_numpy() > 0.5, 1, 2),
        "pheno": np.full(len(who), "-9"),
        "chromosome": variants["chromosome"].to_numpy(dtype=str),
        "sid": variants["variant"].to_numpy(dtype=str),
        "bp_position": variants["position"].to_numpy(dtype=np.int64),
        "allele_1": np.full(len(variants), "G"),
        "allele_2": np.full(len(variants), "A"),
    }
    _write(folder / BED, properties, blocks)


def withdraw(cohort: Path, participants: Set[str]) -> int:
    """Write the genotypes of a cohort anew without some participants.

    Args:
        cohort: Folder of the cohort; it need not have genotypes.
        participants: Who leaves.

    Returns:
        How many samples left.

    Raises:
        InputError: The disk is full; the old set is intact.
        CohortError: The old set is damaged.
    """
    old = cohort / FOLDER
    if not old.exists():
        return 0
    from bed_reader import open_bed  # noqa: PLC0415 - few cohorts have genotypes

    try:
        with open_bed(old / BED) as bed:
            keep = np.flatnonzero(~np.isin(bed.iid, list(participants)))
            leaves = int(bed.iid_count - len(keep))
            if not leaves:
                return 0
            if not len(keep):
                shutil.rmtree(old)
                return leaves
            by_sample = {"fid", "iid", "father", "mother", "sex", "pheno"}
            properties = {
                name: values[keep] if name in by_sample else values
                for name, values in bed.properties.items()
            }
            with replacing_folder(old) as new:
                for file in old.iterdir():
                    if file.stem != Path(BED).stem or file.suffix == Path(TRUTH).suffix:
                        (new / file.name).write_bytes(file.read_bytes())
                blocks = (
                    bed.read(index=np.s_[keep, start : start + _BLOCK], dtype="int8")
                    for start in range(0, bed.sid_count, _BLOCK)
                )
                _write(new / BED, properties, blocks)
    except (ValueError, IndexError, FileNotFoundError) as error:
        raise CohortError(
            f"{old} holds no readable PLINK set: restore it, or delete the folder, and try again."
        ) from error
    return leaves


def _write(
    path: Path,
    properties: dict[str, NDArray[np.generic]],
    blocks: Iterable[NDArray[np.int8]],
) -> None:
    from bed_reader import create_bed  # noqa: PLC0415

    with explained(path):
        bed = create_bed(path, len(properties["iid"]), len(properties["sid"]), properties)
        try:
            for block in blocks:
                for dosages in block.T:
                    bed.write(np.ascontiguousarray(dosages))
        except BaseException:
            with suppress(ValueError):  # it misses the vectors that do not come any more
                bed.close()
            raise
        bed.close()


def counts(cohort: Path) -> dict[str, int]:
    """Return the number of samples and variants of a cohort's genotypes; empty without any."""
    path = cohort / FOLDER / BED
    if not path.is_file():
        return {}
    found = {}
    for name, suffix in (("samples", ".fam"), ("variants", ".bim")):
        with path.with_suffix(suffix).open("rb") as lines:
            found[name] = sum(1 for _ in lines)
    return found
