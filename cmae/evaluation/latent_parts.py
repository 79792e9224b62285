"""The parts of an evaluation that need latents alone: retrieval, probes, label curves."""

import numpy as np
import pandas as pd

from cmae.evaluation.subject import Subject
from cmae.evaluation.tables import Tidy
from cmae.latent import retrieval
from cmae.latent.latents import Latents

SMALL_GALLERY = 500
"""Beside the whole one, a gallery that small cohorts have too."""


def retrieval_tables(subject: Subject) -> Tidy:
    """Score retrieval both ways among all held-out pairs, and among few."""
    rows = []
    runs = {"latent": subject.latents, **subject.of_baselines}
    for name, latents in runs.items():
        if not {"ecg", "mri"} <= set(latents.kinds):
            continue
        pairs = _pairs(subject, latents)
        sizes = {min(len(pairs), subject.settings.gallery), min(len(pairs), SMALL_GALLERY)}
        for size in sorted(sizes - {0, 1}):
            rows += _scores(subject, latents, pairs[:size], name)
    columns = ["features", "direction", "gallery", "measure", "k", "n"]
    columns += ["value", "low", "high", "chance", "ceiling"]
    return {"retrieval": pd.DataFrame(rows, columns=columns)}


def _pairs(subject: Subject, latents: Latents) -> np.ndarray:
    """Rows with both latents, one a participant, in a drawn order."""
    rows = subject.held_out.rows
    has = latents.present["ecg"][rows] & latents.present["mri"][rows]
    order = np.random.default_rng(subject.settings.seed).permutation(np.flatnonzero(has))
    # Two visits of one participant would compete for being the own one.
    _, first = np.unique(subject.participants[order], return_index=True)
    return np.asarray(rows[order[np.sort(first)]])


def _scores(
    subject: Subject, latents: Latents, rows: np.ndarray, features: str
) -> list[tuple[object, ...]]:
    """Score retrieval among some rows, both ways: rows of the table."""
    ecg, mri = (np.asarray(latents.latents[kind])[rows] for kind in ("ecg", "mri"))
    result: list[tuple[object, ...]] = []
    for direction, found in retrieval.both_ways(ecg, mri, seed=subject.settings.seed).items():
        for measure, entry in found.items():
            if not isinstance(entry, dict):
                continue
            name, _, k = measure.partition("_at_")
            numbers = [entry[key] for key in ("value", "low", "high", "chance")]
            top = _ceiling(subject, direction, int(k), len(rows)) if k else np.nan
            result.append(
                (features, direction, len(rows), name, int(k or 0), len(rows), *numbers, top)
            )
    return result


def _ceiling(subject: Subject, direction: str, k: int, gallery: int) -> float:
    """Give the ceiling of recall@k in a gallery of this size; NaN where there is none."""
    if subject.ceilings is None:
        return float("nan")
    query = direction.partition("_to_")[0]
    for found in subject.ceilings.retrieval:
        if (found.query, found.k, found.gallery) == (query, k, gallery):
            return found.recall
    return float("nan")
