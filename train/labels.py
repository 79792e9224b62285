"""Labelled participants: who they are, what their labels are, and which of them validate."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cmae.data.cohort import Cohort
from cmae.errors import CohortError
from cmae.model.supervised import Target, scales
from train.supervised_experiment import SupervisedExperiment

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Labels:
    """What one network learns from.

    Attributes:
        name: Name of its folder, such as ``labels-50`` or ``labels-all``.
        participants: Labelled participants, those who validate included.
        rows: Row numbers: labelled ones by ``train`` and ``validation``, held-out ones by ``test``.
        targets: What is predicted.
        left_out: Targets that these participants' labels cannot teach, and why.
        values: (rows of the cohort, targets) standardized labels, or 0 and 1; 0 where unknown.
        known: (rows of the cohort, targets) 1 where there is a label.
    """

    name: str
    participants: int
    rows: dict[str, Rows]
    targets: tuple[Target, ...]
    left_out: dict[str, str]
    values: NDArray[np.float32]
    known: NDArray[np.float32]


def draw(experiment: SupervisedExperiment, cohort: Cohort) -> list[Labels]:
    """Draw the labelled participants of each network, once: fewer are among more.

    A participant counts as labelled with a recording and at least one known target, and comes with
    all such rows. Only the training part of the cohort's split is drawn from.

    Args:
        experiment: The settings.
        cohort: Whose labels.

    Returns:
        One for each number of labels, in the order of the settings.

    Raises:
        CohortError: A column is missing or holds text, there are fewer labelled participants than
            asked for, or they teach nothing.
    """
    check_targets(experiment, cohort)
    split = cohort.split(experiment.split.fractions, seed=experiment.split.seed)
    names = list(experiment.supervision.targets)
    known = np.isfinite(cohort.table[names].to_numpy(np.float64)).any(axis=1)
    usable = {
        part: rows[(cohort.has(experiment.modality) & known)[rows]] for part, rows in split.items()
    }
    if not len(usable["test"]):
        raise CohortError(
            "The test part has no labelled row, so the networks could not be measured: take a "
            "larger cohort or another split."
        )
    ids = cohort.table["participant_id"].to_numpy(dtype=str)
    order = np.random.default_rng(experiment.seed).permutation(np.unique(ids[usable["train"]]))
    drawn = []
    for count in experiment.supervision.labels:
        if count > len(order):
            raise CohortError(
                f"{count} labelled participants are asked for, but the training part has "
                f"{len(order)} with a recording and a label: ask for fewer, or take a larger "
                "cohort."
            )
        chosen = order[: count or len(order)]
        validates = validating(len(chosen), experiment.supervision.validation_share)
        rows = {
            "train": usable["train"][np.isin(ids[usable["train"]], chosen[~validates])],
            "validation": usable["train"][np.isin(ids[usable["train"]], chosen[validates])],
            "test": usable["test"],
        }
        if len(rows["train"]) < 2 or not len(rows["validation"]):
            raise CohortError(
                f"{len(chosen)} labelled participants are too few to train and to validate on: "
                "take a larger cohort."
            )
        name = f"labels-{count or 'all'}"
        drawn.append(labels_of(name, len(chosen), rows, experiment, cohort))
    return drawn


def check_targets(experiment: SupervisedExperiment, cohort: Cohort) -> None:
    """Refuse targets that the cohort lacks or that are text.

    Raises:
        CohortError: As said.
    """
    for name in experiment.supervision.targets:
        if name not in cohort.columns:
            raise CohortError(
                f"The cohort has no column {name} to predict: import it, or take it out of "
                "supervision.targets."
            )
        if cohort.columns[name].kind == "categorical":
            raise CohortError(
                f"The column {name} is text: predict binary or continuous columns, and take it "
                "out of supervision.targets."
            )


def validating(count: int, share: float) -> NDArray[np.bool_]:
    """Which of the drawn participants validate: always the same of the first, (count,).

    Args:
        count: Participants, in the order in which they were drawn.
        share: Share of them that validates.
    """
    whole = [math.floor(k * share + 1e-9) for k in range(count + 1)]
    return np.diff(np.array(whole)) > 0


def labels_of(
    name: str,
    participants: int,
    rows: dict[str, Rows],
    experiment: SupervisedExperiment,
    cohort: Cohort,
) -> Labels:
    """Standardize the labels by what the training rows among them say.

    Args:
        name: Name of the network's folder.
        participants: Labelled participants.
        rows: As in ``Labels``.
        experiment: The settings.
        cohort: Whose labels.

    Raises:
        CohortError: No target is left.
    """
    targets, left_out = [], {}
    for target in experiment.supervision.targets:
        column = cohort.columns[target]
        labels = cohort.table[target].to_numpy(np.float64)[rows["train"]]
        labels = labels[np.isfinite(labels)]
        if len(labels) < 2 or labels.std() <= 1e-9 * abs(labels.mean()):
            left_out[target] = (
                f"{len(labels)} training labels, too few"
                if len(labels) < 2
                else f"{len(labels)} training labels, all the same"
            )
            continue
        kind: Literal["binary", "continuous"] = (
            "binary" if column.kind == "binary" else "continuous"
        )
        targets.append(Target(target, kind, float(labels.mean()), float(labels.std()), column.unit))
    if not targets:
        raise CohortError(
            f"No target of {name} has training labels that vary: ask for more labels or other "
            "targets."
        )
    table = cohort.table[[target.name for target in targets]].to_numpy(np.float64)
    known = np.isfinite(table)
    mean, std = scales(tuple(targets))
    values = np.where(known, (table - mean) / std, 0.0).astype(np.float32)
    return Labels(
        name, participants, rows, tuple(targets), left_out, values, known.astype(np.float32)
    )
