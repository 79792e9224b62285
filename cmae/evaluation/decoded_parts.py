"""The parts of an evaluation that decode recordings: the five paths, and function from cines."""

import pandas as pd

from cmae.evaluation import heldout
from cmae.evaluation.subject import Subject
from cmae.evaluation.tables import Tidy
from cmae.progress import Progress

PATHS = ("path", "measure", "n", "value", "low", "high", "mean_recording", "chance")


def path_tables(subject: Subject, on_progress: Progress | None = None) -> Tidy:
    """Measure every path from a latent to a decoded recording against the mean recording."""
    del on_progress
    rows = subject.held_out
    found = heldout.evaluate(
        subject.run, subject.cohort, rows.decoded, rows.for_mean, seed=subject.settings.seed
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
