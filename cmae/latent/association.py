"""Association: latents against genotypes, every variant tested against the whole latent."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from cmae.data.batches import ReadAhead
from cmae.errors import InputError
from cmae.latent.association_finished import Scan
from cmae.latent.association_parts import Parts
from cmae.latent.association_results import write_results
from cmae.latent.association_samples import Covariates
from cmae.latent.association_scan import Tester
from cmae.latent.association_settings import (
    AssociationSettings,
    Prepared,
    chosen_coordinates,
    prepare,
)
from cmae.latent.latents import Latents
from cmae.readers.genotypes import Dosages, Genotypes

__all__ = ["AssociationSettings", "Prepared", "associate", "chosen_coordinates", "prepare"]

Progress = Callable[[int, int], None]

CHUNK_NUMBERS = 2**23
"""Dosages held at once as double precision: 64 MB, whatever the number of participants."""

PERMUTED_VARIANTS = 10_000
"""Variants, evenly spaced, that are tested again with permuted latents."""


def associate(
    latents: Latents,
    genotypes: Genotypes,
    folder: Path | str,
    *,
    cohort: Covariates | None = None,
    settings: AssociationSettings | None = None,
    on_progress: Progress | None = None,
) -> dict[str, object]:
    """Test every variant and write the results; work that was stopped goes on where it was.

    Written are ``association.tsv`` (one row a tested variant), ``left_out.tsv`` (the others, with
    the reason), ``hits.tsv`` with the latent direction of every lead variant,
    ``coordinates/coordinate_<k>.tsv`` in GWAS-SSF columns where asked for, and ``summary.json``.

    Args:
        latents: The latents.
        genotypes: The genotypes.
        folder: Where the results go; made if missing.
        cohort: The cohort with the covariates.
        settings: What is tested.
        on_progress: Called with (variants done, variants).

    Returns:
        The summary.

    Raises:
        InputError: As ``prepare``; there are no variants, or none can be tested; the disk is full.
    """
    prepared = prepare(latents, genotypes, cohort=cohort, settings=settings)
    total = len(genotypes.variants)
    if not total:
        raise InputError("The genotypes hold no variant: give a file with some.")
    parts = Parts(Path(folder), _key(latents, genotypes, prepared))
    scan = Scan(latents, genotypes, prepared, parts)
    _test_all(prepared, genotypes, parts, on_progress)
    summary = write_results(scan, Path(folder))
    parts.remove()
    return summary


def chunk_size(participants: int) -> int:
    """Return how many variants are tested at once."""
    return max(1, min(1024, CHUNK_NUMBERS // participants))


def _key(latents: Latents, genotypes: Genotypes, prepared: Prepared) -> str:
    """Hash everything that the results depend on, so that only matching parts are taken up."""
    digest = hashlib.sha256()
    facts = [
        genotypes.stamp,
        latents.run_fingerprint,
        latents.cohort_fingerprint,
        asdict(prepared.settings),
    ]
    digest.update(json.dumps(facts, sort_keys=True).encode())
    digest.update(np.ascontiguousarray(prepared.participants.samples).tobytes())
    digest.update(np.ascontiguousarray(prepared.space.scores[:, :1]).tobytes())
    for column in ("chromosome", "position", "variant", "effect_allele", "other_allele"):
        digest.update("\n".join(genotypes.variants[column].astype(str)).encode())
    return digest.hexdigest()


def _test_all(
    prepared: Prepared, genotypes: Genotypes, parts: Parts, on_progress: Progress | None
) -> None:
    """Test the variants of all chunks that are not done, reading one chunk ahead."""
    size, total = chunk_size(len(prepared.participants.rows)), len(genotypes.variants)
    starts = [start for start in range(0, total, size) if not parts.has(start)]
    is_biallelic = genotypes.variants["is_biallelic"].to_numpy(bool)
    samples = prepared.participants.samples

    def read() -> Iterator[Dosages]:
        for start in starts:
            yield genotypes.read(samples, start, min(start + size, total))

    tester = Tester(prepared, size, every=max(1, total // PERMUTED_VARIANTS))
    done = total - sum(min(size, total - start) for start in starts)
    if on_progress is not None:
        on_progress(done, total)
    with ReadAhead(read, ahead=1) as stream:
        for start, dosages in zip(starts, stream, strict=True):
            stop = min(start + size, total)
            parts.write(start, tester.test(dosages, start, is_biallelic[start:stop]))
            done += stop - start
            if on_progress is not None:
                on_progress(done, total)
