"""Who a run may be measured on: participants that neither it nor its baselines have seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data import table as tables
from cmae.errors import CohortError, RunError
from cmae.evaluation.heldout import Recordings
from cmae.model.run_files import read_card

SPLIT_FILE = "split.csv"
SEEN = ("train", "validation")
"""Parts of a split that decide weights, or which epoch's weights are kept."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The rows that a run is measured on.

    Attributes:
        rows: (n,) row numbers, ascending.
        decoded: (m,) those of them whose recordings are decoded, ascending.
        for_mean: Row numbers that the mean recording is made of; none of them is decoded.
        description: In words, who they are and why they count as unseen.
    """

    rows: Rows
    decoded: Rows
    for_mean: Rows
    description: str


def held_out(
    runs: Sequence[Path],
    cohort: Recordings,
    *,
    most_decoded: int,
    seed: int = 0,
) -> HeldOut:
    """Choose the rows.

    Of the cohort that a run was trained on, its test participants count as unseen, and rows that
    were added since by participants who are not among those it has seen. Any other cohort is taken
    as unseen as a whole: who is in it is the caller's to know.

    Args:
        runs: Folder of the run, and of each baseline.
        cohort: The cohort.
        most_decoded: How many rows are decoded at most, drawn once by the seed.
        seed: Of the draw.

    Returns:
        The rows.

    Raises:
        CohortError: Nobody is left that no run has seen.
        RunError: A run's split cannot be read, or fits another cohort.
    """
    unseen = np.ones(len(cohort.table), bool)
    ids = cohort.table["participant_id"].to_numpy(dtype=str)
    trained_on = [run for run in runs if was_trained_on(read_card(run), cohort.table)]
    training = np.zeros(len(unseen), bool)
    for run in trained_on:
        split = read_split(run, len(unseen))
        seen = split["split"].isin(SEEN).to_numpy()
        # Another visit of somebody who was seen is no stranger.
        unseen &= ~np.isin(ids, ids[seen])
        if run == runs[0]:
            training = (split["split"] == "train").to_numpy()
    rows = np.flatnonzero(unseen)
    if len(rows) < 2:
        raise CohortError(
            f"{len(rows)} of {len(unseen)} rows were not seen in training: a run is measured on "
            "people it does not know; take another cohort."
        )
    has_any = np.any([cohort.has(name)[rows] for name in ("ecg", "mri")], axis=0)
    order = np.random.default_rng(seed).permutation(rows[has_any])
    # Without training rows at hand the mean recording is of others, so half stay for it at least.
    most = most_decoded if training.any() else min(most_decoded, len(order) // 2)
    decoded = np.sort(order[:most])
    for_mean = np.flatnonzero(training) if training.any() else np.sort(order[most:])
    if training.any():
        described = f"{len(rows):,} rows of unseen participants, of the run's training cohort"
    elif trained_on:
        described = f"{len(rows):,} rows that no baseline was trained on, of another cohort"
    else:
        described = (
            f"all {len(rows):,} rows of a cohort other than the one that the run was trained on"
        )
    return HeldOut(rows, decoded, for_mean, described)


def was_trained_on(card: Mapping[str, Any], table: pd.DataFrame) -> bool:
    """Tell whether a run was trained on a cohort, or on the rows that it began with.

    Args:
        card: Of the run; those of before 2026-11-23 do not say who their rows were, and know the
            cohort only if nothing was added to it.
        table: Of the cohort.

    Returns:
        Whether the first rows are those of the training, whatever columns or rows were added.
    """
    if card.get("cohort_fingerprint") == tables.fingerprint(table):
        return True
    count, known = card.get("cohort_rows"), card.get("rows_fingerprint")
    if not isinstance(count, int) or not 0 < count <= len(table):
        return False
    return bool(known == tables.rows_fingerprint(table, count))


def split_of(run: Path, table: pd.DataFrame) -> NDArray[np.object_] | None:
    """Say which part of its training cohort each row of a cohort belonged to.

    Args:
        run: The run folder.
        table: Of the cohort.

    Returns:
        (rows,) ``train``, ``validation``, ``test``, or empty for rows that were added later; None
        where the run was trained on another cohort, or its card does not say on which.

    Raises:
        RunError: The card or the split cannot be read.
    """
    if not was_trained_on(read_card(run), table):
        return None
    return np.asarray(read_split(run, len(table))["split"].to_numpy(), object)


def read_split(run: Path, rows: int) -> pd.DataFrame:
    """Read which part of its cohort each row belonged to when a run was trained.

    Args:
        run: The run folder.
        rows: Rows of the cohort.

    Returns:
        ``split``, one row a row of the cohort: ``train``, ``validation``, ``test``, or empty.

    Raises:
        RunError: The file is missing or damaged, or is of another cohort.
    """
    try:
        table = pd.read_csv(run / SPLIT_FILE, dtype={"row": np.int64, "split": str})
        numbers = table["row"].to_numpy()
        names = table["split"].fillna("").to_numpy(str)
    except (OSError, ValueError, KeyError) as error:
        raise RunError(
            f"{run} has no readable {SPLIT_FILE}, so who it was trained on is not known: copy the "
            "run again, or measure it on another cohort."
        ) from error
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= rows):
        raise RunError(
            f"{run}/{SPLIT_FILE} names rows that the cohort of {rows:,} rows lacks: give the "
            "cohort that the run was trained on, or another one."
        )
    split = np.full(rows, "", dtype=object)
    split[numbers] = names
    return pd.DataFrame({"split": split})
