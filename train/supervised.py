"""Cohort -> supervised networks, one for each number of labels, read from top to bottom."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cmae import settings
from cmae.data import batches
from cmae.data.batches import Batches
from cmae.data.cohort import Cohort
from cmae.model.supervised import (
    FORMAT_NUMBER,
    SupervisedFile,
    SupervisedNetwork,
    save_supervised,
)
from train import backend, checkpoint, report, supervised_report
from train.checkpoint import Checkpoint
from train.experiment import Stage
from train.folder import check_folder, is_finished, write_settings
from train.labels import Labels, Rows, draw
from train.loop import Feed, Inputs, optimizer, run_epochs, with_spares
from train.schedule import Progress
from train.supervised_experiment import SupervisedExperiment

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class SupervisedMaterials:
    """What one supervised network is made of.

    Attributes:
        experiment: The settings.
        cohort: The recordings.
        labels: Who is labelled, and how.
        commit: The commit of the code that trains, where it is known.
    """

    experiment: SupervisedExperiment
    cohort: Cohort
    labels: Labels
    commit: str | None = None

    @property
    def stage(self) -> Stage:
        """How long and how fast this network is trained."""
        return self.experiment.stage_of(len(self.labels.rows["train"]))

    @property
    def description(self) -> SupervisedFile:
        """What the network is built from."""
        return SupervisedFile(FORMAT_NUMBER, self.experiment.architecture, self.labels.targets)

    def identity(self) -> dict[str, str]:
        """What a resumed training must share with the one that it goes on with."""
        text = settings.dumps(self.experiment) + self.labels.name
        return {
            "experiment": hashlib.sha256(text.encode()).hexdigest()[:16],
            "cohort": self.cohort.fingerprint,
        }

    def labelled(self, rows: Rows, batch: batches.Batch) -> batches.Batch:
        """A batch of these rows with their labels, as the network takes it."""
        return {
            self.experiment.modality: batch[self.experiment.modality],
            "labels": self.labels.values[rows],
            "known": self.labels.known[rows],
        }


def fit(
    experiment: SupervisedExperiment, cohort: Cohort, out: Path, *, is_resuming: bool = False
) -> Path:
    """Train a network from scratch for each number of labels, one after the other.

    Args:
        experiment: The settings.
        cohort: The recordings and labels to train on.
        out: Gets a folder for each number of labels (``labels-50`` …), and the cards.
        is_resuming: Whether to go on with what an interrupted training left in ``out``.

    Returns:
        ``out``.

    Raises:
        CohortError: The cohort lacks a column or labelled participants.
        RunError: ``out`` holds other networks.
        Interrupted: Somebody asked to stop; the training can be resumed.
    """
    has_begun = any(out.glob("labels-*"))
    check_folder(out, has_begun=has_begun, is_resuming=is_resuming)
    commit = report.commit()
    all_labels = draw(experiment, cohort)
    for labels in all_labels:
        folder = out / labels.name
        if not is_finished(folder):
            fit_network(SupervisedMaterials(experiment, cohort, labels, commit), folder)
    supervised_report.gather(out, [out / labels.name for labels in all_labels])
    return out


def fit_network(materials: SupervisedMaterials, folder: Path) -> None:
    """Train one network into its folder, or go on where its checkpoint stands."""
    experiment, labels, stage = materials.experiment, materials.labels, materials.stage
    folder.mkdir(parents=True, exist_ok=True)
    for name, reason in labels.left_out.items():
        logger.warning("%s leaves out %s: %s.", labels.name, name, reason)

    # The network and its optimizer.
    with backend.prepared(experiment.numerics, seed=experiment.seed):
        model = build(materials)
    if checkpoint.exists(folder):
        state = checkpoint.restore(folder, model, materials.identity())
        logger.info("%s goes on after epoch %d.", labels.name, state.progress.epoch)
    else:
        state = Checkpoint(Progress(), [], {}, materials.identity())
        state.save(folder, model)
    write_settings(folder, experiment, labels.rows)

    # The data.
    source = Batches(
        materials.cohort,
        labels.rows["train"],
        stage.modalities,
        stage.batch_size,
        experiment.seed,
    )

    # The loop; it ends with the best weights, and those are saved and measured.
    feed = Feed(
        lambda first_step: training_inputs(materials, source, first_step),
        lambda: validate(model, materials),
    )
    run_epochs(model, stage, state, feed, folder)
    save_supervised(folder, model, dtype=experiment.numerics.weights)
    supervised_report.write(
        folder,
        materials.cohort,
        supervised_report.Training(experiment, labels, state),
        commit=materials.commit,
    )
    checkpoint.remove(folder)


def build(materials: SupervisedMaterials) -> SupervisedNetwork:
    """The compiled network, with its optimizer's variables made."""
    model = SupervisedNetwork(materials.description, seed=materials.experiment.seed)
    model.num_replicas = backend.num_replicas()
    model.compile(
        optimizer=optimizer(materials.stage), jit_compile=materials.experiment.numerics.xla
    )
    model.optimizer.build(model.trainable_variables)
    return model


@contextmanager
def training_inputs(
    materials: SupervisedMaterials, source: Batches, first_step: int
) -> Iterator[Inputs]:
    """Labelled training batches from a step on, without end."""
    with source.stream(first_step) as stream:
        yield (
            (materials.labelled(source.rows_at(step), batch),)
            for step, batch in enumerate(stream, start=first_step)
        )


def validate(model: SupervisedNetwork, materials: SupervisedMaterials) -> dict[str, float]:
    """The loss on the validating participants: all of them, or as many as the stage says."""
    stage = materials.stage
    rows = materials.labels.rows["validation"][: stage.validation_steps * stage.batch_size]
    with batches.in_order(
        materials.cohort, rows, stage.modalities, batch_size=stage.batch_size
    ) as stream:
        values = model.evaluate(
            with_spares((materials.labelled(some, batch),) for some, batch in stream),
            steps=-(-len(rows) // stage.batch_size),
            verbose=0,
            return_dict=True,
        )
    return {name: float(value) for name, value in values.items()}
