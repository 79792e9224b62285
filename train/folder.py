"""The run folder while a training writes it: what may be written where, and what was decided."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae import settings
from cmae.data.files import replacing
from cmae.errors import RunError
from cmae.model.run import CARD_FILE
from train import checkpoint


def check_folder(out: Path, *, has_begun: bool, is_resuming: bool) -> None:
    """Refuse to write over a run, or to resume where there is nothing to resume.

    Args:
        out: The folder that shall be written.
        has_begun: Whether an unfinished training lies there.
        is_resuming: Whether to go on with it.

    Raises:
        RunError: As said.
    """
    if is_finished(out):
        raise RunError(
            f"{out} holds a finished run already, which cannot be gone on with: give another "
            "--out, or delete it."
        )
    if has_begun and not is_resuming:
        raise RunError(
            f"{out} holds an unfinished training: give --resume to go on with it, or another --out."
        )
    if is_resuming and not has_begun:
        raise RunError(f"{out} holds no unfinished training: leave --resume out to begin one.")


def is_finished(folder: Path) -> bool:
    """Whether a run folder is complete: weights and card are there, the checkpoint is gone."""
    return (folder / CARD_FILE).is_file() and not checkpoint.exists(folder)


def write_settings(
    folder: Path, experiment: object, split: Mapping[str, NDArray[np.int64]]
) -> None:
    """Write the resolved experiment and the split: row numbers, no identifiers.

    Args:
        folder: The run folder.
        experiment: The settings, a frozen dataclass.
        split: Row numbers by part.
    """
    with replacing(folder / "experiment.toml") as temporary:
        temporary.write_text(settings.dumps(experiment), encoding="utf-8")
    parts = [pd.DataFrame({"row": rows, "split": name}) for name, rows in split.items()]
    table = pd.concat(parts).sort_values("row")
    with replacing(folder / "split.csv") as temporary:
        table.to_csv(temporary, index=False)


def write_history(folder: Path, history: list[dict[str, float]]) -> None:
    """Write a row an epoch."""
    with replacing(folder / "history.csv") as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)
