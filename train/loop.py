"""Epoch after epoch until the schedule says that it is enough: the same for every network."""

import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import keras
import numpy as np

from cmae.errors import Interrupted, RunError
from train import checkpoint
from train.checkpoint import Checkpoint, Trained
from train.experiment import Stage
from train.folder import write_history
from train.watching import TensorBoardScalars, Watcher

logger = logging.getLogger(__name__)

Item = TypeVar("Item")

Inputs = Iterator[tuple[dict[str, Any]]]
"""Batches as Keras takes them: a tuple of inputs without targets."""


@dataclass(frozen=True)
class Feed:
    """What a network is trained and validated on.

    Attributes:
        batches: Opens the training batches from a step on, counted from 0 over all epochs.
        validate: Gives the parts of the loss on the validation rows, ``loss`` among them.
    """

    batches: Callable[[int], AbstractContextManager[Inputs]]
    validate: Callable[[], dict[str, float]]


def run_epochs(model: Trained, stage: Stage, state: Checkpoint, feed: Feed, folder: Path) -> None:
    """Train until the stage is over; every epoch is kept, and the best weights are set at the end.

    Args:
        model: The compiled model.
        stage: How long and how fast.
        state: Where it stands; goes on from there and is changed as it goes.
        feed: What it is trained and validated on.
        folder: The run folder.

    Raises:
        RunError: The validation loss is not finite.
        Interrupted: Somebody asked to stop; the training can be resumed.
    """
    scalars = TensorBoardScalars(folder / "tensorboard")
    with stopping_on_signals() as stop:
        while not state.progress.is_over(stage):
            started = time.perf_counter()
            rate = state.progress.learning_rate(stage)
            model.optimizer.learning_rate = rate
            watcher = Watcher(stage, state.progress, stop)
            with feed.batches(state.progress.epoch * stage.steps_per_epoch) as inputs:
                model.fit(
                    inputs,
                    steps_per_epoch=stage.steps_per_epoch,
                    epochs=1,
                    verbose=0,
                    shuffle=False,
                    callbacks=[watcher],
                )
            validation = feed.validate()
            if not np.isfinite(validation["loss"]):
                raise RunError(
                    f"The loss of stage {stage.name} is not finite after epoch "
                    f"{state.progress.epoch + 1}: lower the learning rate or set clip_norm."
                )
            seconds = time.perf_counter() - started
            is_best = state.progress.record(validation["loss"], stage)
            state.progress.seconds += seconds
            if is_best:
                state.best.clear()
                state.best.update(checkpoint.weights(model))
            row = watcher.history_row(validation, rate=rate, seconds=seconds)
            state.history.append(row)
            state.save(folder, model)
            write_history(folder, state.history)
            scalars.add(row)
            watcher.report(row, is_best=is_best)
            if number := stop():
                raise Interrupted(
                    f"Stopped after epoch {state.progress.epoch} of stage {stage.name}: "
                    "give --resume to go on.",
                    number,
                )
    scalars.close()
    checkpoint.assign_weights(model, state.best)


def with_spares(stream: Iterator[Item]) -> Iterator[Item]:
    """The batches, then the last one again and again: several devices read ahead of the end."""
    batch = None
    for batch in stream:
        yield batch
    while batch is not None:
        yield batch


def optimizer(stage: Stage) -> keras.optimizers.Optimizer:
    """Adam; with a weight decay AdamW, which leaves offsets, norms and the temperature alone."""
    clip = stage.clip_norm if stage.clip_norm > 0 else None
    if not stage.weight_decay:
        return keras.optimizers.Adam(stage.learning_rate, global_clipnorm=clip)
    decaying = keras.optimizers.AdamW(
        stage.learning_rate, weight_decay=stage.weight_decay, global_clipnorm=clip
    )
    decaying.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "log_scale", "offset"])
    return decaying


@contextmanager
def stopping_on_signals() -> Iterator[Any]:
    """Let Ctrl-C and SIGTERM end the epoch's batch in peace; a second one ends at once.

    Yields:
        A function that returns the signal that asked to stop, or 0.
    """
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        del frame
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        logger.warning("Stopping; the last finished epoch is kept.")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked[0] if asked else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
