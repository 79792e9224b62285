"""Cohort -> model -> run folder, read from top to bottom."""

import logging
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae import settings
from cmae.data import batches
from cmae.data.batches import Batches
from cmae.data.cohort import Cohort
from cmae.data.files import replacing
from cmae.errors import Interrupted, RunError
from cmae.model.autoencoder import CrossModalAutoencoder
from cmae.model.run import (
    CARD_FILE,
    FORMAT_NUMBER,
    WEIGHTS_FILE,
    ModelFile,
    read_model_file,
    save_model,
)
from cmae.model.weights import load_weights
from train import backend, checkpoint, report
from train.checkpoint import Checkpoint
from train.experiment import Experiment, Stage
from train.materials import Materials
from train.schedule import Progress
from train.watching import TensorBoardScalars, Watcher

logger = logging.getLogger(__name__)


def fit(
    experiment: Experiment,
    cohort: Cohort,
    out: Path,
    *,
    start_from: Sequence[Path] = (),
    is_resuming: bool = False,
) -> Path:
    """Train every stage of an experiment, one after the other.

    Args:
        experiment: The settings.
        cohort: The recordings to train on.
        out: The run folder of the last stage; inner stages get ``out/stages/<name>``.
        start_from: Run folders whose weights the first stage starts from.
        is_resuming: Whether to go on with what an interrupted training left in ``out``.

    Returns:
        ``out``.

    Raises:
        CohortError: The cohort lacks a modality or has too few rows.
        RunError: ``out`` holds another run, or a run to start from does not fit.
        Interrupted: Somebody asked to stop; the training can be resumed.
    """
    check_folder(out, is_resuming=is_resuming)
    check_start(experiment, start_from)
    split = cohort.split(experiment.split.fractions, seed=experiment.split.seed)
    done: tuple[Path, ...] = tuple(start_from)
    commit = report.commit()
    for number, stage in enumerate(experiment.stages, start=1):
        is_last = number == len(experiment.stages)
        folder = out if is_last else out / "stages" / f"{number}-{stage.name}"
        if not is_finished(folder):
            fit_stage(Materials(experiment, stage, cohort, split, done, commit), folder)
        done = (*done, folder)
    return out


def fit_stage(materials: Materials, folder: Path) -> None:
    """Train one stage into a run folder, or go on where its checkpoint stands."""
    experiment, stage, cohort = materials.experiment, materials.stage, materials.cohort
    materials.check()
    folder.mkdir(parents=True, exist_ok=True)

    # The model, its optimizer, and where it starts.
    with backend.prepared(experiment.numerics, seed=experiment.seed):
        model = build(materials)
    if checkpoint.exists(folder):
        state = checkpoint.restore(folder, model, materials.identity())
        logger.info("Stage %s goes on after epoch %d.", stage.name, state.progress.epoch)
    else:
        start(model, materials.start_from)
        state = Checkpoint(Progress(), [], {}, materials.identity())
        state.save(folder, model)
    write_settings(folder, materials)

    # The data.
    source = Batches(
        cohort, materials.rows("train"), stage.modalities, stage.batch_size, experiment.seed
    )
    validation_rows = materials.validation_sample()
    scalars = TensorBoardScalars(folder / "tensorboard")

    # The loop.
    with stopping_on_signals() as stop:
        while not state.progress.is_over(stage):
            started = time.perf_counter()
            rate = state.progress.learning_rate(stage)
            model.optimizer.learning_rate = rate
            first_step = state.progress.epoch * stage.steps_per_epoch
            watcher = Watcher(stage, state.progress, stop)
            with source.stream(first_step) as stream:
                model.fit(
                    as_inputs(stream),
                    steps_per_epoch=stage.steps_per_epoch,
                    epochs=1,
                    verbose=0,
                    shuffle=False,
                    callbacks=[watcher],
                )
            validation = validate(model, materials, validation_rows)
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

    # The best weights are the ones that are saved and used.
    checkpoint.assign_weights(model, state.best)
    description = ModelFile(
        format_number=FORMAT_NUMBER,
        architecture=experiment.architecture(stage),
        decoded_cine=materials.cine_scale(),
    )
    save_model(folder, description, model, dtype=experiment.numerics.weights)
    scalars.close()
    report.write(folder, materials, state)
    checkpoint.remove(folder)


def check_folder(out: Path, *, is_resuming: bool) -> None:
    """Refuse to write over a run, or to resume where there is nothing to resume.

    Raises:
        RunError: As said.
    """
    if is_finished(out):
        raise RunError(
            f"{out} holds a finished run already, which cannot be gone on with: give another "
            "--out, or delete it."
        )
    has_begun = checkpoint.exists(out) or (out / "stages").is_dir()
    if has_begun and not is_resuming:
        raise RunError(
            f"{out} holds an unfinished training: give --resume to go on with it, or another --out."
        )
    if is_resuming and not has_begun:
        raise RunError(f"{out} holds no unfinished training: leave --resume out to begin one.")


def check_start(experiment: Experiment, runs: Sequence[Path]) -> None:
    """Refuse a run to start from that has nothing this experiment trains.

    Raises:
        RunError: As said, or a run is missing.
    """
    trained = {name for stage in experiment.stages for name in stage.modalities}
    for run in runs:
        networks = read_model_file(run).architecture.networks
        if not trained & set(networks):
            raise RunError(
                f"{run} has networks for {', '.join(networks)}, but {experiment.name} trains "
                f"{', '.join(sorted(trained))}: start from another run."
            )


def is_finished(folder: Path) -> bool:
    """Whether a run folder is complete: weights and card are there, the checkpoint is gone."""
    return (folder / CARD_FILE).is_file() and not checkpoint.exists(folder)


def build(materials: Materials) -> CrossModalAutoencoder:
    """The compiled model of a stage, with its optimizer's variables made."""
    experiment, stage = materials.experiment, materials.stage
    model = CrossModalAutoencoder(experiment.architecture(stage), seed=experiment.seed)
    model.num_replicas = backend.num_replicas()
    model.compile(optimizer=optimizer(stage), jit_compile=experiment.numerics.xla)
    model.optimizer.build(model.trainable_variables)
    return model


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


def start(model: CrossModalAutoencoder, runs: Sequence[Path]) -> None:
    """Take over what the model shares with earlier runs: encoders and decoders by modality.

    Raises:
        RunError: The networks of a run have other settings.
    """
    for run in runs:
        shared = set(read_model_file(run).architecture.networks) & set(model.encoders)
        if not shared:
            continue
        parts = {f"{name}_{kind}" for name in shared for kind in ("encoder", "decoder")}
        load_weights(model, run / WEIGHTS_FILE, parts=parts)
        logger.info("Starting from %s of %s.", " and ".join(sorted(shared)), run)


def as_inputs(stream: Iterator[batches.Batch]) -> Iterator[tuple[dict[str, Any]]]:
    """Batches as Keras takes them: a tuple of inputs without targets."""
    for batch in stream:
        present = {name: mask.astype(np.float32) for name, mask in batch["present"].items()}
        yield ({**batch, "present": present},)


def with_spares(stream: Iterator[batches.Batch]) -> Iterator[batches.Batch]:
    """The batches, then the last one again and again: several devices read ahead of the end."""
    batch = None
    for batch in stream:
        yield batch
    while batch is not None:
        yield batch


def validate(
    model: CrossModalAutoencoder, materials: Materials, rows: NDArray[np.int64]
) -> dict[str, float]:
    """The parts of the loss on validation rows, without dropped modalities."""
    stage = materials.stage
    with batches.in_order(
        materials.cohort, rows, stage.modalities, batch_size=stage.batch_size
    ) as stream:
        values = model.evaluate(
            as_inputs(with_spares(batch for _, batch in stream)),
            steps=len(rows) // stage.batch_size,
            verbose=0,
            return_dict=True,
        )
    return {name: float(value) for name, value in values.items()}


def write_settings(folder: Path, materials: Materials) -> None:
    """Write the resolved experiment and the split: row numbers, no identifiers."""
    with replacing(folder / "experiment.toml") as temporary:
        temporary.write_text(settings.dumps(materials.experiment), encoding="utf-8")
    parts = [pd.DataFrame({"row": rows, "split": name}) for name, rows in materials.split.items()]
    table = pd.concat(parts).sort_values("row")
    with replacing(folder / "split.csv") as temporary:
        table.to_csv(temporary, index=False)


def write_history(folder: Path, history: list[dict[str, float]]) -> None:
    """Write a row an epoch."""
    with replacing(folder / "history.csv") as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)


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
