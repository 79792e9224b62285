"""The parts of an evaluation that decode recordings: the five paths, and function from cines."""

import numpy as np
import pandas as pd

from cmae.evaluation import heldout
from cmae.evaluation.agreement import agreement
from cmae.evaluation.folds import outer_folds
from cmae.evaluation.function import (
    RECORDED,
    TRUTH,
    HeartFunction,
    mean_curves,
    measure_function,
)
from cmae.evaluation.subject import Subject
from cmae.evaluation.tables import Tidy
from cmae.progress import Progress

PATHS = ("path", "measure", "n", "value", "low", "high", "mean_recording", "chance")


def path_tables(subject: Subject, on_progress: Progress | None = None) -> Tidy:
    """Measure every path from a latent to a decoded recording against the mean recording."""
    rows = subject.held_out
    found = heldout.evaluate(
        subject.run,
        subject.cohort,
        rows.decoded,
        rows.for_mean,
        seed=subject.settings.seed,
        on_progress=on_progress,
    )
    lines = [
        (
            path,
            measure,
            scores["n"],
            *(entry[key] for key in ("value", "low", "high")),
            entry.get("baseline"),
            entry.get("chance"),
        )
        for path, scores in found["paths"].items()
        for measure, entry in scores.items()
        if measure != "n"
    ]
    return {"paths": pd.DataFrame(lines, columns=list(PATHS))}


DRAWN = ("edv_ml", "ef_percent", "wall_g")
"""Measures whose agreement is drawn participant by participant."""


def function_tables(subject: Subject, on_progress: Progress | None = None) -> Tidy:
    """Read the left ventricle from recorded and decoded cines, and compare."""
    rows = subject.held_out.decoded
    has_all = np.all([subject.cohort.has(name)[rows] for name in subject.run.modalities], axis=0)
    empty = {
        name: pd.DataFrame()
        for name in ("function_agreement", "function_curves", "function_measures")
    }
    if "mri" not in subject.run.modalities or not has_all.any():
        return empty
    seed = subject.settings.seed
    found = measure_function(subject.run, subject.cohort, rows, on_progress=on_progress)
    folds = outer_folds(found.participants)
    curves = mean_curves(found, seed=seed).rename(columns={"area_cm2": "value"})
    return {
        "function_agreement": agreement(found, subject.cohort.table, folds, seed=seed),
        "function_curves": curves,
        "function_measures": _beside_reference(found),
    }


def _beside_reference(found: HeartFunction) -> pd.DataFrame:
    """Lay what decoded cines show beside the truth, or else beside the recorded cine."""
    reference = TRUTH if TRUTH in found.measures else RECORDED
    tables = [
        pd.DataFrame(
            {
                "measure": measure,
                "of": of,
                "against": reference,
                "value": measures[measure],
                "reference": found.measures[reference][measure],
            }
        )
        for measure in DRAWN
        for of, measures in found.measures.items()
        if of != reference
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
