"""What a person sees while a stage trains: a bar with time left, a line an epoch, TensorBoard."""

import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
from tensorboard.summary import Writer
from tqdm import tqdm

from cmae.errors import Interrupted
from train.experiment import Stage
from train.memory import keep_memory
from train.schedule import Progress

logger = logging.getLogger(__name__)


class Watcher(keras.callbacks.Callback):
    """Follows one epoch: shows it, keeps its losses, and ends it when somebody asks to stop.

    Args:
        stage: The stage.
        progress: Where it stands.
        stop_signal: The signal that asked to stop, or 0.
    """

    def __init__(self, stage: Stage, progress: Progress, stop_signal: Callable[[], int]) -> None:
        super().__init__()
        self.stage = stage
        self.progress = progress
        self.stop_signal = stop_signal
        self.losses: dict[str, float] = {}
        self.training_seconds = 0.0
        self._started = time.perf_counter()
        self._bar = tqdm(
            total=stage.steps_per_epoch,
            desc=f"{stage.name} {progress.epoch + 1}/{stage.epochs}",
            unit="batch",
            leave=False,
            disable=not sys.stderr.isatty(),
        )

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Undo what TensorFlow's input pipeline sets when it starts: to give back freed memory."""
        del logs
        if batch == 0:
            keep_memory()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Advance the bar; stop here if somebody asked to."""
        del batch
        if not self._bar.disable and logs:
            parts = {name: f"{float(value):.4f}" for name, value in logs.items()}
            left = (self.stage.epochs - self.progress.epoch - 1) * self._epoch_seconds()
            self._bar.set_postfix({**parts, "all": f"{left / 60:.0f} min"}, refresh=False)
        self._bar.update()
        if number := self.stop_signal():
            self._bar.close()
            raise Interrupted(
                f"Stopped in epoch {self.progress.epoch + 1} of stage {self.stage.name}; "
                f"{self.progress.epoch} epochs are kept: give --resume to go on.",
                number,
            )

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Keep the epoch's losses."""
        self.losses = {name: float(value) for name, value in (logs or {}).items()}
        self.training_seconds = time.perf_counter() - self._started
        self._bar.close()

    def history_row(
        self, validation: dict[str, float], *, rate: float, seconds: float
    ) -> dict[str, float]:
        """One row of ``history.csv``, after the epoch was counted into the progress."""
        participants = self.stage.steps_per_epoch * self.stage.batch_size
        return {
            "epoch": self.progress.epoch,
            "step": self.progress.epoch * self.stage.steps_per_epoch,
            "learning_rate": rate,
            "seconds": round(seconds, 3),
            "participants_per_s": round(participants / self.training_seconds, 2),
            **self.losses,
            **{f"validation_{name}": value for name, value in validation.items()},
        }

    def report(self, row: dict[str, float], *, is_best: bool) -> None:
        """Say in one line how the epoch went."""
        parts = ", ".join(
            f"{name} {value:.4f} ({row[f'validation_{name}']:.4f})"
            for name, value in self.losses.items()
        )
        left_s = (self.stage.epochs - self.progress.epoch) * self.progress.seconds
        left_s /= max(self.progress.epoch, 1)
        logger.info(
            "%s epoch %d/%d: %s%s; %.1f participants/s, %.0f min left",
            self.stage.name,
            self.progress.epoch,
            self.stage.epochs,
            parts,
            ", best so far" if is_best else "",
            row["participants_per_s"],
            left_s / 60,
        )

    def _epoch_seconds(self) -> float:
        if self.progress.epoch:
            return self.progress.seconds / self.progress.epoch
        done = max(int(self._bar.n), 1)
        return (time.perf_counter() - self._started) * self.stage.steps_per_epoch / done


class TensorBoardScalars:
    """The history as TensorBoard scalars; needs no TensorFlow.

    Args:
        folder: Where the event files go.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = Writer(str(folder))

    def add(self, row: dict[str, float]) -> None:
        """Add a row of the history."""
        epoch = int(row["epoch"])
        for name, value in row.items():
            if name != "epoch":
                self._writer.add_scalar(name, value, epoch)
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
