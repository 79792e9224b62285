"""What supervised networks say of themselves: cards for programs and for people."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cmae.data.cohort import Cohort
from cmae.data.files import replacing
from cmae.data.modality import MODALITIES
from cmae.data.table import rows_fingerprint
from cmae.evaluation import supervised
from cmae.model.run import CARD_FILE, read_card
from cmae.model.supervised import FORMAT_NUMBER, SupervisedRun
from cmae.model.weights import count_parameters
from train.checkpoint import Checkpoint
from train.labels import Labels
from train.report import versions
from train.supervised_experiment import SupervisedExperiment

MEASURES = {"r2": "R²", "auroc": "AUROC"}
"""The name of each measure for people."""


@dataclass(frozen=True)
class Training:
    """How one network was trained.

    Attributes:
        experiment: The settings.
        labels: Who was labelled, and how.
        state: How the training went.
    """

    experiment: SupervisedExperiment
    labels: Labels
    state: Checkpoint


def write(folder: Path, cohort: Cohort, training: Training, *, commit: str | None) -> None:
    """Measure a network on held-out participants and write its card.

    Args:
        folder: The network's folder; its weights are complete.
        cohort: What it was trained on.
        training: How.
        commit: The commit of the code that trained, where it is known.
    """
    run = SupervisedRun.open(folder)
    rows = training.labels.rows["test"][: training.experiment.evaluated_participants]
    metrics = [asdict(score) for score in supervised.score(run, cohort, rows)]
    _write(folder, describe(run, cohort, training) | {"commit": commit, "metrics": metrics})


def gather(out: Path, folders: Sequence[Path]) -> None:
    """Write the cards of all networks together, ``card.md`` first and ``card.json`` last.

    Args:
        out: The folder of the networks.
        folders: Theirs, in the order of the table; each has its card.
    """
    cards = {folder.name: read_card(folder) for folder in folders}
    first = next(iter(cards.values()))
    shared = ("experiment", "modality", "is_simulated", "cohort_fingerprint", "versions", "commit")
    card = {
        "format_number": FORMAT_NUMBER,
        **{name: first[name] for name in shared},
        "networks": cards,
    }
    with replacing(out / "card.md") as temporary:
        temporary.write_text(for_people(card), encoding="utf-8")
    _write(out, card)


def describe(run: SupervisedRun, cohort: Cohort, training: Training) -> dict[str, Any]:
    """Everything that the card of a network says but its metrics, ready for JSON."""
    experiment, labels, state = training.experiment, training.labels, training.state
    ids = cohort.table["participant_id"]
    return {
        "format_number": FORMAT_NUMBER,
        "experiment": experiment.name,
        "modality": run.modality,
        "is_simulated": bool(cohort.is_simulated),
        "labels": labels.participants,
        "participants": {name: int(ids.iloc[rows].nunique()) for name, rows in labels.rows.items()},
        "left_out": labels.left_out,
        "parameters": count_parameters(run.model),
        "fingerprint": run.fingerprint,
        "cohort_fingerprint": cohort.fingerprint,
        "cohort_rows": len(cohort),
        "rows_fingerprint": rows_fingerprint(cohort.table),
        "epochs": state.progress.epoch,
        "best_epoch": state.progress.best_epoch,
        "batches": int(state.history[-1]["step"]),
        "training_seconds": round(state.progress.seconds, 1),
        "losses": state.history[state.progress.best_epoch - 1],
        "versions": versions(),
        "processors": os.cpu_count(),
    }


def for_people(card: Mapping[str, Any]) -> str:
    """The cards of all networks as Markdown."""
    source = (
        "**Simulated recordings**: every number here is about simulated hearts."
        if card["is_simulated"]
        else "Recorded participants."
    )
    networks = "\n".join(
        f"| {one['labels']:,} | {one['participants']['train']:,} | "
        f"{one['participants']['validation']:,} | {one['epochs']} | {one['best_epoch']} | "
        f"{one['batches']:,} | {one['training_seconds'] / 60:.1f} |"
        for one in card["networks"].values()
    )
    rows = "\n".join(
        f"| {score['target']} | {one['labels']:,} | {score['participants']:,} | "
        f"{MEASURES[score['measure']]} | {score['value']:.3f} "
        f"({score['low']:.3f} – {score['high']:.3f}) | {score['chance']:.1f} |"
        for score, one in sorted(
            ((score, one) for one in card["networks"].values() for score in one["metrics"]),
            key=lambda pair: pair[0]["target"],
        )
    )
    left_out = "".join(
        f"- With {one['labels']:,} labels {name} was left out: {reason}.\n"
        for one in card["networks"].values()
        for name, reason in one["left_out"].items()
    )
    return f"""# Supervised networks {card["experiment"]}

Research use only, not for diagnosis. {source}

- Predicts from the {MODALITIES[card["modality"]].title}: one network for each number of labelled
  participants, each trained from scratch
- Those who validate, on whom a training is stopped, are among the labelled; the weights are those
  of the best epoch
- Code {card["commit"] or "of an installed package"}, cmae {card["versions"]["cmae"]}, Keras
  {card["versions"]["keras"]}; cohort `{card["cohort_fingerprint"]}`
{left_out}
| labels | trained on | validated on | epochs | best epoch | batches | minutes |
|---|---|---|---|---|---|---|
{networks}

## On held-out participants

| phenotype | labels | N | measure | value (95 % interval) | chance |
|---|---|---|---|---|---|
{rows}
"""


def _write(folder: Path, card: Mapping[str, Any]) -> None:
    with replacing(folder / CARD_FILE) as temporary:
        temporary.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
