"""What supervised networks predict for participants that they never saw, and how well."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.cohort import Cohort
from cmae.data.modality import MODALITIES
from cmae.errors import CohortError, RunError
from cmae.evaluation.participants import was_trained_on
from cmae.latent.bootstrap import estimate
from cmae.model.supervised import SUPERVISED_FILE, SupervisedRun
from cmae.scores import auroc, r2

ROWS_AT_ONCE = 32
"""Rows in memory at a time: 60 MB of cines."""

FEWEST = 10
"""Fewest held-out rows, and of each class where there are classes, that a target is scored on."""

SPLIT_FILE = "split.csv"

Rows = NDArray[np.integer]


@dataclass(frozen=True)
class Score:
    """How well a target is predicted.

    Attributes:
        target: The column.
        measure: ``r2`` of continuous targets, ``auroc`` of binary ones.
        value: The measure.
        low: 2.5 % quantile of its bootstrap distribution over participants.
        high: 97.5 % quantile.
        chance: What knowing nothing gives.
        participants: Held-out participants that have the label.
    """

    target: str
    measure: str
    value: float
    low: float
    high: float
    chance: float
    participants: int


def open_networks(folder: Path) -> dict[str, SupervisedRun]:
    """Open the networks of a supervised experiment, fewest labels first.

    Args:
        folder: What ``python -m train`` left: a folder for each number of labels.

    Returns:
        Networks by the name of their folder, such as ``labels-50`` and ``labels-all``.

    Raises:
        RunError: There is none, or one is damaged.
    """
    found = [path.parent for path in Path(folder).glob(f"labels-*/{SUPERVISED_FILE}")]
    if not found:
        raise RunError(
            f"{folder} holds no supervised network: give the folder that the training of a "
            "supervised experiment left."
        )
    runs = {path.name: SupervisedRun.open(path) for path in found}
    return dict(sorted(runs.items(), key=lambda item: (_count(item[1]), item[0])))


def predictions(
    networks: dict[str, SupervisedRun], cohort: Cohort, rows: Sequence[int] | Rows
) -> pd.DataFrame:
    """Predict for held-out rows with every network; a recording is read once.

    Args:
        networks: Networks of one modality, as ``open_networks`` gives them.
        cohort: The cohort.
        rows: Held-out row numbers; those without a recording of the modality are left out.

    Returns:
        One row a (network, target, row of the cohort): ``network``, ``labels`` (labelled
        participants that it was trained and validated on), ``target``, ``row``, and
        ``prediction``: continuous targets in their unit, binary ones as logits.

    Raises:
        CohortError: A row is of a participant that a network was trained on, or none has a
            recording.
        RunError: The networks are of several modalities.
    """
    if len({run.modality for run in networks.values()}) != 1:
        raise RunError("The networks are of several modalities: give those of one experiment.")
    usable = _usable(list(networks.values()), cohort, rows)
    blocks = _predicted(list(networks.values()), cohort, usable)
    values = [np.concatenate(parts) for parts in zip(*blocks, strict=True)]
    tables = [
        pd.DataFrame(
            {
                "network": name,
                "labels": _count(run),
                "target": np.repeat([target.name for target in run.targets], len(usable)),
                "row": np.tile(usable, len(run.targets)),
                "prediction": predicted.T.ravel(),
            }
        )
        for (name, run), predicted in zip(networks.items(), values, strict=True)
    ]
    return pd.concat(tables, ignore_index=True)


def score(run: SupervisedRun, cohort: Cohort, rows: Sequence[int] | Rows) -> list[Score]:
    """Score one network on held-out rows.

    Args:
        run: The network.
        cohort: The cohort, with the labels of these rows.
        rows: Held-out row numbers.

    Returns:
        A score for each target with enough labels (``FEWEST``), in the order of the network.

    Raises:
        CohortError: As for ``predictions``.
    """
    table = predictions({"": run}, cohort, rows)
    ids = cohort.table["participant_id"].to_numpy(dtype=str)
    scores = []
    for target in run.targets:
        mine = table[table["target"] == target.name]
        truth = cohort.table[target.name].to_numpy(np.float64)[mine["row"]]
        known = np.isfinite(truth)
        found = score_target(
            truth[known],
            mine["prediction"].to_numpy(np.float64)[known],
            kind=target.kind,
            participants=ids[mine["row"]][known],
        )
        if found is not None:
            measure, chance, (value, low, high) = found
            who = len(np.unique(ids[mine["row"]][known]))
            scores.append(Score(target.name, measure, value, low, high, chance, who))
    return scores


def score_target(
    truth: NDArray[np.float64],
    predicted: NDArray[np.float64],
    *,
    kind: str,
    participants: NDArray[np.generic],
) -> tuple[str, float, tuple[float, float, float]] | None:
    """R² or AUROC with its bootstrap interval over participants.

    Args:
        truth: (n,) known labels.
        predicted: (n,) in the unit of the labels, or logits.
        kind: ``continuous`` or ``binary``.
        participants: (n,): who each row is of.

    Returns:
        The measure, its chance, and (value, low, high); None where there are too few labels.
    """
    is_binary = kind == "binary"
    sick = int(truth.sum()) if is_binary else len(truth)
    if min(sick, len(truth) - sick if is_binary else sick) < FEWEST or np.ptp(truth) == 0:
        return None
    measure, chance = (auroc, 0.5) if is_binary else (r2, 0.0)

    def of_places(places: NDArray[np.float64]) -> NDArray[np.float64]:
        def one(some: NDArray[np.float64]) -> float:
            chosen = some.astype(np.int64)
            value = measure(truth[chosen], predicted[chosen])
            # A resample without a sick participant tells nothing of their order.
            return value if np.isfinite(value) else chance

        return np.asarray(np.apply_along_axis(one, -1, places))

    found = estimate(np.arange(len(truth)), statistic=of_places, participants=participants)
    return measure.__name__, chance, (found.value, found.low, found.high)


def _usable(runs: list[SupervisedRun], cohort: Cohort, rows: Sequence[int] | Rows) -> Rows:
    """The rows that have a recording, after nobody among them was found to be known."""
    modality = runs[0].modality
    numbers = np.asarray(rows, np.int64)
    usable = numbers[cohort.has(modality)[numbers]]
    if not len(usable):
        raise CohortError(
            f"None of {len(numbers)} held-out rows has an {MODALITIES[modality].title}: give rows "
            "with a recording of it."
        )
    ids = cohort.table["participant_id"].to_numpy(dtype=str)
    for run in runs:
        known = ids[_seen_rows(run, cohort)]
        count = len(np.unique(ids[usable][np.isin(ids[usable], known)]))
        if count:
            raise CohortError(
                f"{count} participants are among those that a supervised network was trained on: "
                "give held-out rows only."
            )
    return usable


def _seen_rows(run: SupervisedRun, cohort: Cohort) -> Rows:
    """Rows that a network was trained and validated on; none known where the cohort is another."""
    path = run.path / SPLIT_FILE
    if not was_trained_on(run.card, cohort.table) or not path.is_file():
        return np.zeros(0, np.int64)
    try:
        split = pd.read_csv(path)
        rows: Rows = split["row"].to_numpy(np.int64)[split["split"].to_numpy() != "test"]
    except (ValueError, KeyError, OSError) as error:
        raise RunError(f"{path} is damaged: copy the run again.") from error
    if len(rows) and (rows.min() < 0 or rows.max() >= len(cohort)):
        raise RunError(f"{path} names rows that the cohort does not have: copy the run again.")
    return rows


def _predicted(
    runs: list[SupervisedRun], cohort: Cohort, rows: Rows
) -> Iterator[list[NDArray[np.float32]]]:
    """Chunk by chunk, the predictions of each network, (rows of the chunk, targets)."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        recordings = cohort.read_many(runs[0].modality, rows[start : start + ROWS_AT_ONCE])
        yield [run.predict(recordings, batch_size=ROWS_AT_ONCE) for run in runs]


def _count(run: SupervisedRun) -> int:
    """Labelled participants of a network, 0 where its card does not say."""
    return int(run.card.get("labels", 0))
