"""Results of an association: tables, calibration, and hits without their neighbors."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from cmae.data.files import replacing
from cmae.latent.association_direction import allele_effects
from cmae.latent.association_files import write_coordinates
from cmae.latent.association_finished import Scan
from cmae.latent.association_scan import REASONS
from cmae.latent.association_tests import f_statistic, neg_log10_p
from cmae.latent.direction_files import write_directions

Floats = NDArray[np.float64]

GENOME_WIDE = -np.log10(5e-8)
"""−log10 p of a hit."""

MAX_DIRECTIONS = 1000
"""Lead variants, the strongest first, whose latent direction is written."""

TABLE, LEFT_OUT, HITS, SUMMARY = (
    "association.tsv", "left_out.tsv", "hits.tsv", "summary.json"
)  # fmt: skip
VARIANT_COLUMNS = ["chromosome", "position", "variant", "effect_allele", "other_allele"]


@dataclass
class _Collected:
    """What is kept of all chunks: some numbers a variant."""

    neg_log10_p: list[Floats]
    permuted: list[Floats]
    hits: list[pd.DataFrame]
    reasons: NDArray[np.int64]
    with_missing: int = 0
    imputed: int = 0


def inflation(neg_log10: Floats) -> float:
    """Return genomic inflation λ: the median χ² (1 degree of freedom) over that of no effect.

    Devlin and Roeder 1999, doi:10.1111/j.0006-341X.1999.00997.x.

    Args:
        neg_log10: (variants,) −log10 p.

    Returns:
        λ; NaN without variants.
    """
    if not len(neg_log10):
        return float("nan")
    p = 10.0 ** -float(np.median(neg_log10))
    return float(chi2.isf(p, 1) / chi2.isf(0.5, 1))


def clump(hits: pd.DataFrame, distance: int) -> pd.DataFrame:
    """Keep the strongest hit of each neighborhood.

    Args:
        hits: ``chromosome``, ``position``, ``neg_log10_p``; one row a hit.
        distance: Hits at most so many bases from a stronger lead belong to it.

    Returns:
        The leads, the strongest first, with ``clumped``: hits that belong to each, itself counted.
    """
    ordered = hits.sort_values(
        ["neg_log10_p", "chromosome", "position"], ascending=[False, True, True], kind="stable"
    ).reset_index(drop=True)
    leads, counts = [], []
    free = np.ones(len(ordered), bool)
    by_chromosome = {
        name: group.sort_values("position", kind="stable")
        for name, group in ordered.groupby("chromosome")
    }
    places = {name: group["position"].to_numpy() for name, group in by_chromosome.items()}
    numbers = {name: group.index.to_numpy() for name, group in by_chromosome.items()}
    for lead, (name, position) in enumerate(
        zip(ordered["chromosome"], ordered["position"], strict=True)
    ):
        if not free[lead]:
            continue
        low = np.searchsorted(places[name], position - distance, "left")
        high = np.searchsorted(places[name], position + distance, "right")
        near = numbers[name][low:high]
        leads.append(lead)
        counts.append(int(free[near].sum()))
        free[near] = False
    return ordered.iloc[leads].assign(clumped=counts).reset_index(drop=True)


def write_results(scan: Scan, folder: Path) -> dict[str, object]:
    """Write all files of a scan, chunk by chunk.

    Args:
        scan: The scan; all of its parts are done.
        folder: Where the files go.

    Returns:
        The summary.
    """
    collected = _Collected([], [], [], np.zeros(len(REASONS) + 1, np.int64))
    with (
        replacing(folder / TABLE) as table_path,
        replacing(folder / LEFT_OUT) as left_path,
        table_path.open("w", encoding="utf-8", newline="") as table,
        left_path.open("w", encoding="utf-8", newline="") as left,
    ):
        for number, (variants, found) in enumerate(scan.chunks()):
            tested = found["reason"] == 0
            rows = _table(scan, variants[tested], found, collected)
            rows.to_csv(table, sep="\t", index=False, header=not number, float_format="%.8g")
            others = variants.loc[~tested, VARIANT_COLUMNS].assign(
                reason=[REASONS[k - 1] for k in found["reason"][~tested]]
            )
            others.to_csv(left, sep="\t", index=False, header=not number)
    write_coordinates(scan, folder)
    leads = _write_hits(scan, folder, collected)
    summary = _summary(scan, collected, leads)
    with replacing(folder / SUMMARY) as temporary:
        text = json.dumps(summary, indent=2, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    return summary


def _table(
    scan: Scan, variants: pd.DataFrame, found: dict[str, NDArray[Any]], collected: _Collected
) -> pd.DataFrame:
    """Return the rows of a chunk's tested variants, and keep what the summary needs."""
    tested = found["reason"] == 0
    freedom = scan.prepared.space.residual_freedom
    p = scan.neg_log10_p(found["r2"])
    count = len(scan.prepared.participants.rows)
    columns: dict[str, object] = {name: variants[name].to_numpy() for name in VARIANT_COLUMNS}
    columns["effect_allele_frequency"] = found["frequency"][tested]
    columns["n"] = count
    columns["missing"] = found["missing"][tested]
    tests = list(zip(scan.test_names(), scan.prepared.components, found["r2"], p, strict=True))
    for name, k, r2, log_p in reversed(tests):
        columns[f"{name}_r2"] = r2
        columns[f"{name}_f"] = f_statistic(r2, k, freedom - k)
        columns[f"{name}_df1"], columns[f"{name}_df2"] = k, freedom - k
        columns[f"{name}_neg_log10_p"] = log_p
    columns["best_coordinate"] = found["best_coordinate"]
    columns["best_coordinate_neg_log10_p"] = neg_log10_p(found["best_r2"], 1, freedom - 1)
    rows = pd.DataFrame(columns)
    collected.neg_log10_p.append(p)
    collected.permuted.append(scan.neg_log10_p(found["permuted_r2"]))
    collected.reasons += np.bincount(found["reason"], minlength=len(collected.reasons))
    collected.with_missing += int((found["missing"][tested] > 0).sum())
    collected.imputed += int(found["missing"][tested].sum())
    numbers = variants.index.to_numpy()
    for name, _, _, log_p in tests:
        is_hit = log_p > GENOME_WIDE
        hits = rows.loc[is_hit, [*VARIANT_COLUMNS, "effect_allele_frequency"]]
        collected.hits.append(
            hits.assign(number=numbers[is_hit], test=name, neg_log10_p=log_p[is_hit])
        )
    return rows


def _write_hits(scan: Scan, folder: Path, collected: _Collected) -> pd.DataFrame:
    """Write the leads of each test, and the latent direction of each lead variant."""
    hits = pd.concat(collected.hits, ignore_index=True)
    distance = scan.prepared.settings.clump_distance
    groups = [
        clump(hits[hits["test"] == name], distance).assign(test=name)
        for name in reversed(scan.test_names())
    ]
    leads = pd.concat(groups, ignore_index=True)
    first = ["test", *VARIANT_COLUMNS, "effect_allele_frequency", "neg_log10_p", "clumped"]
    with replacing(folder / HITS) as temporary:
        leads[first].to_csv(temporary, sep="\t", index=False, float_format="%.8g")
    strongest = leads.sort_values("neg_log10_p", ascending=False, kind="stable")
    numbers = list(dict.fromkeys(strongest["number"].astype(int)))[:MAX_DIRECTIONS]
    effects = allele_effects(scan.prepared, scan.genotypes, numbers)
    write_directions(
        [effect.direction for effect in effects],
        [(effect.variant, effect.effect_allele) for effect in effects],
        folder,
    )
    return leads


def _summary(scan: Scan, collected: _Collected, leads: pd.DataFrame) -> dict[str, object]:
    """Say in numbers what was tested and what came of it."""
    prepared = scan.prepared
    p = np.concatenate(collected.neg_log10_p, axis=1)
    chance = np.concatenate(collected.permuted, axis=1)
    tests = {}
    for place, name in reversed(list(enumerate(scan.test_names()))):
        mine = leads[leads["test"] == name]
        tests[name] = {
            "components": prepared.components[place],
            "lambda": _number(inflation(p[place])),
            "hits": int((p[place] > GENOME_WIDE).sum()),
            "lead_variants": len(mine),
            "largest_neg_log10_p": _number(p[place].max(initial=0.0)),
            "lambda_permuted": _number(inflation(chance[place])),
            "below_5_percent_permuted": _number(
                (chance[place] > -np.log10(0.05)).mean() if chance.shape[1] else np.nan
            ),
            "hits_permuted": int((chance[place] > GENOME_WIDE).sum()),
        }
    projection = prepared.projection
    return {
        "is_simulated": scan.latents.is_simulated,
        "run_fingerprint": scan.latents.run_fingerprint,
        "cohort_fingerprint": scan.latents.cohort_fingerprint,
        "kind": prepared.settings.kind,
        "participants": prepared.participants.counts.as_dict(),
        "covariates": {
            "removed": list(prepared.space.confounders.used),
            "left_out": dict(prepared.space.confounders.left_out),
        },
        "null_space_projection": None
        if projection is None
        else {
            "iterations": projection.iterations,
            "directions_removed": projection.basis.shape[1],
            "r2_left": dict(projection.r2),
            "is_clean": projection.is_clean,
        },
        "latent_rank": prepared.space.rank,
        "variants": {
            "in_file": int(collected.reasons.sum()),
            "tested": int(collected.reasons[0]),
            "left_out": {
                name: int(count)
                for name, count in zip(REASONS, collected.reasons[1:], strict=True)
                if count
            },
            "with_missing_dosages": collected.with_missing,
            "dosages_imputed_by_the_mean": collected.imputed,
        },
        "tests": tests,
        "permutation": {"variants": chance.shape[1], "seed": prepared.settings.seed},
        "clump_distance_bases": prepared.settings.clump_distance,
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
