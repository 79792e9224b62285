"""The parts of an evaluation that need latents alone: retrieval, probes, label curves."""

from dataclasses import replace

import numpy as np
import pandas as pd

from cmae.evaluation import baselines, supervised
from cmae.evaluation.alignment import FEWEST, alignment
from cmae.evaluation.curves import CurveSettings, label_curves
from cmae.evaluation.features import FeatureSet, Labels, Learned
from cmae.evaluation.probing import cross_validate
from cmae.evaluation.subject import Subject
from cmae.evaluation.tables import Tidy
from cmae.latent import retrieval
from cmae.latent.latents import Latents
from cmae.progress import Progress

SMALL_GALLERY = 500
"""Beside the whole one, a gallery that small cohorts have too."""


def retrieval_tables(subject: Subject, on_progress: Progress | None = None) -> Tidy:
    """Score retrieval both ways among all held-out pairs and among few, and how modalities lie."""
    del on_progress
    rows, lie = [], []
    runs = {"latent": subject.latents, **subject.of_baselines}
    for name, latents in runs.items():
        if not {"ecg", "mri"} <= set(latents.kinds):
            continue
        pairs = _pairs(subject, latents)
        sizes = {min(len(pairs), subject.settings.gallery), min(len(pairs), SMALL_GALLERY)}
        for size in sorted(sizes - {0, 1}):
            rows += _scores(subject, latents, pairs[:size], name)
        if len(pairs) >= FEWEST:
            lie += _alignment(subject, latents, pairs, name)
    columns = ["features", "direction", "gallery", "measure", "k", "n"]
    columns += ["value", "low", "high", "chance", "ceiling"]
    where = ["features", "measure", "n", "value", "low", "high", "baseline", "chance"]
    return {
        "retrieval": pd.DataFrame(rows, columns=columns),
        "alignment": pd.DataFrame(lie, columns=where),
    }


def _alignment(
    subject: Subject, latents: Latents, rows: np.ndarray, features: str
) -> list[tuple[object, ...]]:
    """Measure how the two modalities of some rows lie: rows of the table."""
    ecg, mri = (np.asarray(latents.latents[kind])[rows] for kind in ("ecg", "mri"))
    found = alignment(ecg, mri, seed=subject.settings.seed)
    return [
        (
            features,
            measure,
            found["n"],
            *(entry[key] for key in ("value", "low", "high")),
            entry.get("baseline"),
            entry.get("chance"),
        )
        for measure, entry in found.items()
        if isinstance(entry, dict)
    ]


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
                (
                    features,
                    direction,
                    len(rows),
                    name,
                    int(k) if k else None,
                    len(rows),
                    *numbers,
                    top,
                )
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


CURVES = {
    "ecg": ("lv_mass_g", "lvedv_ml", "lvef_percent", "rvedv_ml", "la_max_ml", "lv_hypertrophy"),
    "mri": ("qrs_ms", "pr_ms", "qtc_ms", "heart_rate_bpm", "qrs_axis_deg", "atrial_fibrillation"),
}
"""Targets of the label curves, by the modality that tells them; else the first six."""


def probe_tables(subject: Subject, on_progress: Progress | None = None) -> Tidy:
    """Probe what each modality tells, by latents and by every baseline, in the same folds."""
    scores, pairs, left_out = [], [], []
    for source in subject.sources():
        targets = subject.targets(source)
        if not targets:
            left_out.append(pd.DataFrame([(source, "all", "no phenotype to tell")]))
            continue
        labels = _labels(subject, targets)
        features = feature_sets(subject, source, labels)
        found = cross_validate(
            features,
            labels,
            compared=[("latent", one.name) for one in features[1:]],
            seed=subject.settings.seed,
            on_progress=on_progress,
        )
        scores.append(found.scores.assign(source=source))
        pairs.append(found.comparisons.assign(source=source))
        left_out.append(pd.DataFrame([(source, *one) for one in found.left_out]))
    return {
        "probes": _together(scores),
        "probe_pairs": _together(pairs),
        "left_out": _named(left_out),
    }


def label_tables(subject: Subject, on_progress: Progress | None = None) -> Tidy:
    """Probe some targets with few labels and with many."""
    scores, pairs, left_out = [], [], []
    for source in subject.sources():
        told = subject.targets(source)
        wanted = [name for name in CURVES[source] if name in told] or list(told[:6])
        if not wanted:
            continue
        labels = _labels(subject, tuple(wanted))
        features = [
            one
            for one in feature_sets(subject, source, labels)
            if one.name not in ("shuffled", "classical")
        ]
        learned = learned_elsewhere(subject, source, tuple(wanted))
        others = [one.name for one in features[1:]] + (["supervised"] if learned else [])
        found = label_curves(
            features,
            labels,
            settings=CurveSettings(seed=subject.settings.seed),
            compared=[("latent", name) for name in others],
            learned=learned,
            on_progress=on_progress,
        )
        is_main = found.scores["measure"].isin(["r2", "auroc"])
        scores.append(found.scores[is_main].assign(source=source))
        pairs.append(found.comparisons.assign(source=source))
        left_out.append(pd.DataFrame([(source, *one) for one in found.left_out]))
    return {
        "label_curves": _together(scores),
        "label_pairs": _together(pairs),
        "labels_left_out": _named(left_out),
    }


def feature_sets(subject: Subject, source: str, labels: Labels) -> list[FeatureSet]:
    """Give what phenotypes are predicted from: the run's latents first, then every baseline.

    Args:
        subject: What is measured.
        source: Modality that tells: ``ecg`` or ``mri``.
        labels: Of the held-out rows.

    Returns:
        Feature sets of the held-out rows: ``latent``, a set for each baseline run that has the
        modality, ``pca``, ``classical`` (ECG), ``covariates`` and ``shuffled``.
    """
    rows = subject.held_out.rows
    cohort = subject.cohort.select(rows)
    # Reading the recordings takes longest, and two parts need it.
    if source not in subject.read:
        subject.read[source] = [replace(baselines.recording_components(cohort, source), name="pca")]
        if source == "ecg":
            subject.read[source] += [replace(baselines.ecg_measures(cohort), name="classical")]
    sets = [
        FeatureSet(name, np.asarray(latents.latents[source])[rows], latents.present[source][rows])
        for name, latents in _runs(subject, source).items()
    ]
    sets += subject.read[source]
    if labels.covariates:
        sets.append(replace(baselines.body(labels), name="covariates"))
    by_chance = baselines.shuffled(sets[0], labels.participants, seed=subject.settings.seed)
    return [*sets, replace(by_chance, name="shuffled")]


def learned_elsewhere(subject: Subject, source: str, targets: tuple[str, ...]) -> list[Learned]:
    """Give what supervised networks of a modality predict for the held-out rows.

    Args:
        subject: What is measured.
        source: Modality that tells.
        targets: Names of the targets that are wanted.

    Returns:
        Predictions for each network, named ``supervised``; none where there is no network.
    """
    networks = {name: one for name, one in subject.supervised.items() if one.modality == source}
    if not networks:
        return []
    rows = subject.held_out.rows
    table = supervised.predictions(networks, subject.cohort, rows)
    places = np.full(len(subject.cohort.table), -1)
    places[rows] = np.arange(len(rows))
    result = []
    for (network, labels), mine in table.groupby(["network", "labels"], sort=False):
        found = {}
        for target, some in mine.groupby("target"):
            if target in targets:
                values = np.full(len(rows), np.nan)
                values[places[some["row"]]] = some["prediction"]
                found[str(target)] = values
        has_all = str(network).endswith("-all")
        result.append(Learned("supervised", 0 if has_all else int(labels), found))
    return result


def _runs(subject: Subject, source: str) -> dict[str, Latents]:
    """Name the latents of all runs that have a modality; one of it alone is ``unimodal``."""
    alone = [
        name
        for name, run in subject.baselines.items()
        if source in run.modalities and len(run.modalities) == 1
    ]
    found = {"latent": subject.latents}
    for name, latents in subject.of_baselines.items():
        if source in subject.baselines[name].modalities:
            is_alone = name in alone
            found["unimodal" if is_alone and len(alone) == 1 else _prefixed(name, is_alone)] = (
                latents
            )
    return found


def _prefixed(name: str, is_alone: bool) -> str:
    return f"unimodal {name}" if is_alone else name


def _labels(subject: Subject, targets: tuple[str, ...]) -> Labels:
    table = subject.cohort.table.iloc[subject.held_out.rows].reset_index(drop=True)
    return Labels.of(table, subject.cohort.columns, targets=targets)


def _together(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _named(left_out: list[pd.DataFrame]) -> pd.DataFrame:
    """Put together what was left out: ``source``, ``target``, ``reason``."""
    names = ["source", "target", "reason"]
    some = [table.set_axis(names, axis=1) for table in left_out if len(table)]
    return pd.concat(some, ignore_index=True) if some else pd.DataFrame(columns=names)
