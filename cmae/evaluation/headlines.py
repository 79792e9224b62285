"""The findings of an evaluation in a few sentences, each with what it is compared with."""

from collections.abc import Mapping

import pandas as pd

from cmae.evaluation.tables import Tidy

MODALITIES = {"ecg": "ECG", "mri": "MRI"}

SHOWN = {"ecg": ("lv_mass_g", "lvedv_ml", "lvef_percent"), "mri": ("qrs_ms", "heart_rate_bpm")}
"""Phenotypes that have a sentence of their own, by the modality that tells them."""


def headlines(tables: Tidy, names: Mapping[str, str]) -> list[str]:
    """Say in sentences what the tables show.

    Args:
        tables: Of an evaluation, by name; those that were not made are not spoken of.
        names: Of phenotypes, for people.

    Returns:
        Sentences.
    """
    result = []
    for source in MODALITIES:
        result += _against_baselines(tables, source)
        result += _phenotypes(tables, source, names)
    return [*result, *_retrieval(tables), *_translation(tables)]


def _against_baselines(tables: Tidy, source: str) -> list[str]:
    pairs = tables.get("probe_pairs")
    if pairs is None or pairs.empty:
        return []
    mine = pairs[
        (pairs["source"] == source)
        & (pairs["features"] == "latent")
        & pairs["measure"].isin(["r2", "auroc"])
    ]
    result = []
    for against in dict.fromkeys(mine["against"]):
        some = mine[mine["against"] == against]
        better, worse = int((some["low"] > 0).sum()), int((some["high"] < 0).sum())
        result.append(
            f"From the {MODALITIES[source]}, cross-modal latents tell {better} of {len(some)} "
            f"targets better than {_words(against)} and {worse} worse (paired 95 % intervals; the "
            "others do not differ)."
        )
    return result


def _words(features: str) -> str:
    known = {
        "pca": "principal components of the recording",
        "classical": "classical measurements",
        "covariates": "age, sex and body size",
        "shuffled": "shuffled latents",
        "unimodal": "latents of the unimodal autoencoder",
        "supervised": "the supervised network",
    }
    return known.get(features, features.replace("_", " "))


def _phenotypes(tables: Tidy, source: str, names: Mapping[str, str]) -> list[str]:
    scores, ceilings = tables.get("probes"), tables.get("ceilings")
    if scores is None or scores.empty:
        return []
    result = []
    for target in SHOWN[source]:
        mine = scores[
            (scores["source"] == source)
            & (scores["target"] == target)
            & (scores["features"] == "latent")
            & (scores["measure"] == "r2")
        ]
        for row in mine.itertuples():
            text = (
                f"{names.get(target, target)} from the {MODALITIES[source]}: R² {row.value:.2f} "
                f"({row.low:.2f} to {row.high:.2f}), N = {row.n:,}"
            )
            top = _ceiling(ceilings, source, target)
            if top:
                text += f"; {100 * row.value / top:.0f} % of the ceiling {top:.2f}"
            result.append(f"{text}.")
    return result


def _ceiling(ceilings: pd.DataFrame | None, source: str, target: str) -> float | None:
    if ceilings is None or ceilings.empty:
        return None
    mine = ceilings[(ceilings["source"] == source) & (ceilings["name"] == target)]
    return float(mine["value"].iloc[0]) if len(mine) else None


def _retrieval(tables: Tidy) -> list[str]:
    table = tables.get("retrieval")
    if table is None or table.empty:
        return []
    mine = table[(table["measure"] == "recall") & (table["k"] == 10)]
    result = []
    for row in mine.itertuples():
        source, _, target = str(row.direction).partition("_to_")
        text = (
            f"For {100 * row.value:.0f} % ({100 * row.low:.0f} to {100 * row.high:.0f}) of "
            f"{row.n:,} {MODALITIES[source]}s the own {MODALITIES[target]} is among the 10 nearest "
            f"of {row.gallery:,} (chance {100 * row.chance:.1f} %"
        )
        result.append(
            f"{text}; ceiling {100 * row.ceiling:.0f} %)." if row.ceiling > 0 else f"{text})."
        )
    return result


def _translation(tables: Tidy) -> list[str]:
    table = tables.get("paths")
    if table is None or table.empty:
        return []
    result = []
    for path in ("ecg_to_mri", "mri_to_ecg"):
        mine = table[(table["path"] == path) & (table["measure"] == "specificity")]
        source, _, target = path.partition("_to_")
        for row in mine.itertuples():
            result.append(
                f"An {MODALITIES[target]} translated from the {MODALITIES[source]} is nearer to "
                f"its own participant's than to another's in {100 * row.value:.0f} % "
                f"({100 * row.low:.0f} to {100 * row.high:.0f}) of pairs (chance 50 %)."
            )
    return result
