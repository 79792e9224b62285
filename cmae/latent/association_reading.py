"""The results of an association read back: summary, hits, and a table too long to keep."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.latent import phenome_results
from cmae.latent.association_plots import (
    MOST_HEIGHT,
    Genome,
    Quantiles,
    genome,
    quantile_points,
    thinned,
)
from cmae.latent.association_results import HITS, LEFT_OUT, SUMMARY, TABLE, VARIANT_COLUMNS
from cmae.latent.direction_files import read_directions

MAX_SUMMARY_BYTES = 8 * 2**20
MOST_ROWS = 100_000
"""Most hits, phenotypes or left-out lines that are read."""

MOST_VARIANTS = 50_000_000
MOST_CHROMOSOMES = 500

_AT_ONCE = 200_000
"""Lines of the long table in memory at a time."""

_NAMED = 2.0
"""−log10 p from which a variant keeps its name."""

_FAULTS = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, MemoryError)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Head:
    """What is the same in the results of variants and of phenotypes.

    Attributes:
        folder: The folder.
        fingerprint: Hash of the summary, and of size and time of the long table.
        is_simulated: Whether the participants are simulated.
        kind: Which latents were tested: ``ecg``, ``mri`` or ``joint``.
        run_fingerprint: Of the run that made the latents; empty where results do not say.
        cohort_fingerprint: Of the cohort; empty where results do not say.
        covariates: What was removed.
        left_out: By reason, how many variants or phenotypes were not tested.
        directions: Names of what has a direction in latent space.
    """

    folder: Path
    fingerprint: str
    is_simulated: bool
    kind: str
    run_fingerprint: str
    cohort_fingerprint: str
    covariates: tuple[str, ...]
    left_out: Mapping[str, int]
    directions: tuple[str, ...]


@dataclass(frozen=True)
class VariantTest:
    """One test of all variants.

    Attributes:
        name: ``joint``, ``pcs_5`` …
        inflation: λ; NaN where nothing was tested.
        inflation_permuted: λ with latents of other participants.
        hits: Variants below 5 × 10⁻⁸.
        leads: Of those, the strongest of each neighborhood.
    """

    name: str
    inflation: float
    inflation_permuted: float
    hits: int
    leads: int


@dataclass(frozen=True, eq=False)
class VariantResults:
    """What ``cmae associate --genotypes`` left.

    Attributes:
        head: What it is of.
        participants: How many were tested.
        variants: How many variants were tested.
        tests: The tests, the joint one first.
        hits: ``test``, ``chromosome``, ``position``, ``variant``, ``effect_allele``,
            ``other_allele``, ``effect_allele_frequency``, ``neg_log10_p``, ``clumped``, and
            ``direction`` (its name among the directions, or empty); the strongest first.
    """

    head: Head
    participants: int
    variants: int
    tests: tuple[VariantTest, ...]
    hits: pd.DataFrame


@dataclass(frozen=True, eq=False)
class PhenotypeResults:
    """What ``cmae associate --phenotypes`` left.

    Attributes:
        head: What it is of.
        derive: Participants of whom scores were derived.
        test: Participants in whom they were tested.
        table: ``phenome_results.COLUMNS``, and ``direction``; the smallest p first.
    """

    head: Head
    derive: int
    test: int
    table: pd.DataFrame


@dataclass(frozen=True, eq=False)
class ScanPoints:
    """What is drawn of a test of all variants.

    Attributes:
        genome: The chromosomes.
        chromosomes: (points,) name of each.
        positions: (points,) in bases.
        places: (points,) along the genome.
        neg_log10_p: (points,).
        variants: (points,) names; empty where −log10 p is below 2.
        quantiles: Of all variants.
    """

    genome: Genome
    chromosomes: NDArray[np.object_]
    positions: NDArray[np.int64]
    places: NDArray[np.float64]
    neg_log10_p: NDArray[np.float64]
    variants: NDArray[np.object_]
    quantiles: Quantiles


def read_results(folder: Path) -> VariantResults | PhenotypeResults:
    """Read what ``cmae associate`` left, but for the table of all variants.

    Args:
        folder: Folder of the results.

    Raises:
        InputError: There are no results, or they are damaged.
    """
    path = folder / SUMMARY
    if not path.is_file():
        raise InputError(
            f"{folder} holds no {SUMMARY}: give a folder that `cmae associate … --out` made."
        )
    try:
        if path.stat().st_size > MAX_SUMMARY_BYTES:
            raise ValueError("too large")
        raw = path.read_bytes()
        summary = json.loads(raw)
        if (folder / phenome_results.TABLE).is_file():
            return _phenotypes(folder, summary, raw)
        return _variants(folder, summary, raw)
    except InputError:
        raise
    except (*_FAULTS, RecursionError) as error:
        raise InputError(
            f"The results in {folder} are damaged, or not of `cmae associate`: make them again."
        ) from error


def scan_points(
    results: VariantResults, test: str, *, on_progress: Progress | None = None
) -> ScanPoints:
    """Read one test of all variants, and keep what a figure shows.

    Args:
        results: The results.
        test: Name of one of ``results.tests``.
        on_progress: Called with (lines read, lines).

    Raises:
        InputError: The table is missing, damaged, or empty.
    """
    folder = results.head.folder
    column = f"{test}_neg_log10_p"
    chunks: list[pd.DataFrame] = []
    done = 0
    try:
        for part in _lines(folder / TABLE, [*VARIANT_COLUMNS[:3], column]):
            names = part["variant"].where(part[column] >= _NAMED, "")
            chunks.append(part.assign(variant=names.astype("category")))
            done += len(part)
            if done > MOST_VARIANTS:
                raise ValueError("too many variants")
            if on_progress is not None:
                on_progress(min(done, results.variants), max(results.variants, 1))
        if not done:
            raise InputError(f"No variant was tested in {folder}: see {LEFT_OUT} for the reasons.")
        return _drawn(chunks, column)
    except InputError:
        raise
    except _FAULTS as error:
        raise InputError(
            f"{folder / TABLE} is missing or damaged: make the association again."
        ) from error


def _lines(path: Path, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Read some columns, some lines at a time."""
    with pd.read_csv(
        path,
        sep="\t",
        usecols=list(columns),
        dtype={
            "chromosome": str, "variant": str, "position": np.int64, columns[-1]: np.float32
        },
        keep_default_na=False,
        na_values={columns[-1]: [""]},
        chunksize=_AT_ONCE,
    ) as reader:  # fmt: skip
        yield from reader


def _drawn(chunks: list[pd.DataFrame], column: str) -> ScanPoints:
    heights = np.concatenate([part[column].to_numpy(np.float64) for part in chunks])
    positions = np.concatenate([part["position"].to_numpy() for part in chunks])
    chromosomes = np.concatenate([part["chromosome"].to_numpy(object) for part in chunks])
    names = np.concatenate([part["variant"].to_numpy(object) for part in chunks])
    if not (heights >= 0).all() or (positions < 0).any():
        raise ValueError("a p-value above 1, or a position below 0")
    heights = np.minimum(heights, MOST_HEIGHT)
    codes, found = pd.factorize(chromosomes)
    if len(found) > MOST_CHROMOSOMES:
        raise ValueError("more chromosomes than there are")
    ends = pd.DataFrame({"code": codes, "place": positions}).groupby("code")["place"]
    extents = {
        str(found[code]): (float(low), float(high))
        for code, low, high in zip(ends.min().index, ends.min(), ends.max(), strict=True)
    }
    side_by_side = genome(extents)
    offsets = np.array([side_by_side.offsets[str(name)] for name in found])
    places = positions + offsets[codes]
    kept = thinned(places, heights, end=side_by_side.end)
    return ScanPoints(
        genome=side_by_side,
        chromosomes=chromosomes[kept],
        positions=positions[kept],
        places=places[kept],
        neg_log10_p=heights[kept],
        variants=names[kept],
        quantiles=quantile_points(heights),
    )


def _head(folder: Path, summary: Mapping[str, Any], raw: bytes, table: Path) -> Head:
    kind = str(summary["kind"])
    if kind not in ("ecg", "mri", "joint"):
        raise ValueError("an unknown kind of latent")
    facts = table.stat()
    state = hashlib.sha256(raw + f"{facts.st_size}:{facts.st_mtime_ns}".encode())
    tested = summary["variants"] if "variants" in summary else summary["phenotypes"]
    return Head(
        folder=folder,
        fingerprint=state.hexdigest(),
        is_simulated=bool(summary["is_simulated"]),
        kind=kind,
        run_fingerprint=str(summary.get("run_fingerprint", "")),
        cohort_fingerprint=str(summary.get("cohort_fingerprint", "")),
        covariates=tuple(str(name) for name in summary["covariates"]["removed"]),
        left_out={str(key): int(value) for key, value in tested["left_out"].items()},
        directions=tuple(one.name for one in read_directions(folder, kind=kind)),
    )


def _variants(folder: Path, summary: Mapping[str, Any], raw: bytes) -> VariantResults:
    head = _head(folder, summary, raw, folder / TABLE)
    hits = pd.read_csv(
        folder / HITS, sep="\t", nrows=MOST_ROWS, keep_default_na=False,
        dtype={
            **dict.fromkeys(("test", "chromosome", *VARIANT_COLUMNS[2:]), str),
            "position": np.int64, "effect_allele_frequency": np.float64,
            "neg_log10_p": np.float64, "clumped": np.int64,
        },
    )  # fmt: skip
    names = hits["variant"] + " " + hits["effect_allele"]
    hits = hits.assign(direction=names.where(names.isin(head.directions), ""))
    hits = hits.sort_values("neg_log10_p", ascending=False, kind="stable").reset_index(drop=True)
    return VariantResults(
        head=head,
        participants=int(summary["participants"]["tested"]),
        variants=int(summary["variants"]["tested"]),
        tests=tuple(
            VariantTest(
                name=str(name),
                inflation=_number(test["lambda"]),
                inflation_permuted=_number(test["lambda_permuted"]),
                hits=int(test["hits"]),
                leads=int(test["lead_variants"]),
            )
            for name, test in summary["tests"].items()
        ),
        hits=hits,
    )


def _phenotypes(folder: Path, summary: Mapping[str, Any], raw: bytes) -> PhenotypeResults:
    path = folder / phenome_results.TABLE
    head = _head(folder, summary, raw, path)
    words = ("phenotype", "kind", "unit", "source", "note")
    table = pd.read_csv(
        path, sep="\t", nrows=MOST_ROWS, dtype=dict.fromkeys(words, str)
    ).fillna(dict.fromkeys(words, ""))  # fmt: skip
    lacking = set(phenome_results.COLUMNS) - set(table.columns)
    if lacking:
        raise KeyError(min(lacking))
    numbers = [name for name in phenome_results.COLUMNS if name not in words]
    table[numbers] = table[numbers].apply(pd.to_numeric).astype(np.float64)
    names = table["phenotype"]
    return PhenotypeResults(
        head=head,
        derive=int(summary["participants"]["derive"]),
        test=int(summary["participants"]["test"]),
        table=table.assign(direction=names.where(names.isin(head.directions), "")),
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
