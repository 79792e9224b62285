"""What a finished run says of itself: figures, a card for programs and a card for people."""

import importlib.metadata
import json
import logging
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

import cmae
from cmae.data.cohort import Cohort
from cmae.data.files import replacing
from cmae.data.table import rows_fingerprint
from cmae.evaluation import heldout
from cmae.figures.learning import learning_curves
from cmae.figures.recordings import cine_contact_sheet, ecg_overlay
from cmae.model.run import CARD_FILE, FORMAT_NUMBER, Run
from cmae.model.weights import count_parameters
from train.checkpoint import Checkpoint
from train.materials import Materials

logger = logging.getLogger(__name__)

DRAWN_PARTICIPANTS = 3
"""Held-out participants whose recordings are drawn."""

PATHS = {"ecg": "from the ECG", "mri": "from the MRI", "joint": "from both"}


def write(folder: Path, materials: Materials, state: Checkpoint) -> None:
    """Draw the figures, measure on held-out participants, and write the cards, the card last.

    Args:
        folder: The run folder; its model is complete.
        materials: What was trained on.
        state: How the training went.
    """
    run = Run.open(folder)
    figures = folder / "figures"
    learning_curves(
        pd.DataFrame(state.history),
        figures / "learning_curves.svg",
        title=f"{materials.experiment.name}: stage {materials.stage.name}",
        is_simulated=materials.cohort.is_simulated,
    )
    rows = materials.rows("test")[: materials.experiment.evaluated_participants]
    draw_reconstructions(run, materials.cohort, rows[:DRAWN_PARTICIPANTS], figures)
    metrics = heldout.evaluate(run, materials.cohort, rows, materials.rows("train"))
    card = describe(run, materials, state, metrics)
    with replacing(folder / "card.md") as temporary:
        temporary.write_text(for_people(card), encoding="utf-8")
    with replacing(folder / CARD_FILE) as temporary:
        temporary.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def draw_reconstructions(run: Run, cohort: Cohort, rows: NDArray[np.int64], folder: Path) -> None:
    """Draw every path of some held-out rows: ECGs overlaid, all 50 frames of the cines.

    Args:
        run: The finished run.
        cohort: Its cohort.
        rows: Row numbers to draw.
        folder: Where the figures go.
    """
    for number, row in enumerate(rows, start=1):
        recorded = {
            name: cohort.read_many(name, [int(row)])
            for name in run.modalities
            if cohort.has(name)[row]
        }
        latents = {name: run.encode(name, recordings) for name, recordings in recorded.items()}
        if len(latents) == 2:
            latents["joint"] = run.joint(latents, {name: np.ones(1, bool) for name in latents})
        title = f"Held-out participant {number}"
        if "ecg" in recorded:
            beats = {"recorded": recorded["ecg"][0]}
            beats |= {PATHS[k]: run.decode("ecg", z)[0] for k, z in latents.items()}
            path = folder / f"heldout_{number}_ecg.svg"
            ecg_overlay(beats, path, title=title, is_simulated=cohort.is_simulated)
        if "mri" in recorded:
            cine = recorded["mri"]
            scale = {"mean": cine.mean(), "std": cine.std()}
            cines = {"recorded": cine[0]}
            cines |= {PATHS[k]: run.decode("mri", z, **scale)[0] for k, z in latents.items()}
            path = folder / f"heldout_{number}_mri.png"
            cine_contact_sheet(cines, path, title=title, is_simulated=cohort.is_simulated)


def describe(
    run: Run, materials: Materials, state: Checkpoint, metrics: dict[str, Any]
) -> dict[str, Any]:
    """Everything that the card says, ready for JSON."""
    experiment, stage, cohort = materials.experiment, materials.stage, materials.cohort
    ids = cohort.table["participant_id"]
    return {
        "format_number": FORMAT_NUMBER,
        "experiment": experiment.name,
        "stage": stage.name,
        "is_simulated": bool(cohort.is_simulated),
        "modalities": list(run.modalities),
        "latent_dim": run.latent_dim,
        "parameters": count_parameters(run.model),
        "fingerprint": run.fingerprint,
        "cohort_fingerprint": cohort.fingerprint,
        "cohort_rows": len(cohort),
        "rows_fingerprint": rows_fingerprint(cohort.table),
        "participants": {
            name: int(ids.iloc[materials.rows(name)].nunique()) for name in materials.split
        },
        "started_from": [path.name for path in materials.start_from],
        "epochs": state.progress.epoch,
        "best_epoch": state.progress.best_epoch,
        "batches": state.progress.epoch * stage.steps_per_epoch,
        "training_seconds": round(state.progress.seconds, 1),
        "losses": state.history[state.progress.best_epoch - 1],
        "versions": versions(),
        "commit": materials.commit,
        "processors": os.cpu_count(),
        "metrics": metrics,
    }


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    backend = keras.backend.backend()
    names = ["keras", backend, "numpy", "h5py"]
    found = {name: importlib.metadata.version(name) for name in names}
    return {"cmae": cmae.__version__, "python": platform.python_version(), **found}


def commit() -> str | None:
    """The commit of the code that trained, where it is a git checkout."""
    try:
        result = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip() or None


def for_people(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    people = card["participants"]
    source = (
        "**Simulated recordings**: every number here is about simulated hearts."
        if card["is_simulated"]
        else "Recorded participants."
    )
    minutes = card["training_seconds"] / 60
    parameters = "\n".join(f"| {name} | {count:,} |" for name, count in card["parameters"].items())
    return f"""# Run {card["experiment"]}, stage {card["stage"]}

Research use only, not for diagnosis. {source}

- Modalities: {", ".join(card["modalities"])}; latent of {card["latent_dim"]} numbers
- Participants: {people["train"]} for training, {people["validation"]} for validation,
  {people["test"]} for testing, by participant; row numbers in `split.csv`
- Trained for {card["epochs"]} epochs ({card["batches"]} batches, {minutes:.1f} minutes on
  {card["processors"]} processors); the weights are those of epoch {card["best_epoch"]}, which had
  the lowest validation loss
- Started from: {", ".join(card["started_from"]) or "random weights"}
- Code {card["commit"] or "of an installed package"}, cmae {card["versions"]["cmae"]}, Keras
  {card["versions"]["keras"]}; cohort `{card["cohort_fingerprint"]}`

| part | parameters |
|---|---|
{parameters}

## On held-out participants

{heldout.to_markdown(card["metrics"])}

Learning curves and held-out recordings with every reconstruction and translation are in `figures/`.
"""
