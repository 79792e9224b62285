"""Cohort -> model -> run folder, read from top to bottom."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmae.data import batches
from cmae.data.batches import Batches
from cmae.data.cohort import Cohort
from cmae.errors import RunError
from cmae.model.autoencoder import CrossModalAutoencoder
from cmae.model.run import (
    FORMAT_NUMBER,
    WEIGHTS_FILE,
    ModelFile,
    read_model_file,
    save_model,
)
from cmae.model.weights import load_weights
from train import backend, checkpoint, report
from train.checkpoint import Checkpoint
from train.experiment import Experiment
from train.folder import check_folder, is_finished, write_settings
from train.loop import Feed, Inputs, optimizer, run_epochs, with_spares
from train.materials import Materials
from train.schedule import Progress

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
    has_begun = checkpoint.exists(out) or (out / "stages").is_dir()
    check_folder(out, has_begun=has_begun, is_resuming=is_resuming)
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
    write_settings(folder, experiment, materials.split)

    # The data.
    source = Batches(
        cohort, materials.rows("train"), stage.modalities, stage.batch_size, experiment.seed
    )
    validation_rows = materials.validation_sample()

    # The loop; it ends with the best weights, and those are saved and used.
    feed = Feed(
        lambda first_step: training_inputs(source, first_step),
        lambda: validate(model, materials, validation_rows),
    )
    run_epochs(model, stage, state, feed, folder)
    description = ModelFile(
        format_number=FORMAT_NUMBER,
        architecture=experiment.architecture(stage),
        decoded_cine=materials.cine_scale(),
    )
    save_model(folder, description, model, dtype=experiment.numerics.weights)
    report.write(folder, materials, state)
    checkpoint.remove(folder)


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


def build(materials: Materials) -> CrossModalAutoencoder:
    """The compiled model of a stage, with its optimizer's variables made."""
    experiment, stage = materials.experiment, materials.stage
    model = CrossModalAutoencoder(experiment.architecture(stage), seed=experiment.seed)
    model.num_replicas = backend.num_replicas()
    if stage.decoded_participants:
        model.num_decoded = -(-stage.decoded_participants // model.num_replicas)
    model.compile(optimizer=optimizer(stage), jit_compile=experiment.numerics.xla)
    model.optimizer.build(model.trainable_variables)
    return model


def start(model: CrossModalAutoencoder, runs: Sequence[Path]) -> None:
    """Take over what the model shares with earlier runs: encoders and decoders by modality.

    Of a run of both modalities with the same contrastive loss, its temperature as well.

    Raises:
        RunError: The networks of a run have other settings.
    """
    for run in runs:
        architecture = read_model_file(run).architecture
        shared = set(architecture.networks) & set(model.encoders)
        if not shared:
            continue
        parts = {f"{name}_{kind}" for name in shared for kind in ("encoder", "decoder")}
        if len(shared) == 2 and architecture.contrast.loss == model.architecture.contrast.loss:
            parts.add("alignment")
        load_weights(model, run / WEIGHTS_FILE, parts=parts)
        logger.info("Starting from %s of %s.", " and ".join(sorted(shared)), run)


def as_inputs(stream: Iterator[batches.Batch]) -> Inputs:
    """Batches as Keras takes them: a tuple of inputs without targets."""
    for batch in stream:
        present = {name: mask.astype(np.float32) for name, mask in batch["present"].items()}
        yield ({**batch, "present": present},)


@contextmanager
def training_inputs(source: Batches, first_step: int) -> Iterator[Inputs]:
    """Training batches from a step on, without end."""
    with source.stream(first_step) as stream:
        yield as_inputs(stream)


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
