"""Cohort -> one run for each variant and seed of an ablation, read from top to bottom."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from cmae import settings
from cmae.data.cohort import Cohort
from cmae.data.files import replacing
from cmae.errors import RunError
from cmae.model.run import CARD_FILE, read_card, read_model_file, run_fingerprint
from train import ablation_report, checkpoint
from train.ablation_experiment import AblationExperiment
from train.ablation_metrics import Cards
from train.experiment import Experiment
from train.fit import fit
from train.folder import check_folder, is_finished

logger = logging.getLogger(__name__)

SETTINGS_FILE = "ablation.toml"
"""In the folder of an ablation: its settings as resolved; by it the folder is known."""

START_FILE = "start.json"
"""In the folder of an ablation: the cohort, and the runs that every variant starts from."""


def ablate(
    experiment: AblationExperiment,
    cohort: Cohort,
    out: Path,
    *,
    start_from: Sequence[Path] = (),
    is_resuming: bool = False,
) -> Path:
    """Train the earlier stages once, then the last stage for each seed and variant.

    All variants are trained with the first seed before any is with the second, so that an ablation
    that is stopped early compares all of them.

    Args:
        experiment: The settings.
        cohort: The recordings to train on.
        out: Gets ``stages/`` with the earlier stages, a run folder ``<variant>/seed-<k>`` for each
            training, the table of all and the cards.
        start_from: Run folders that take the place of the earlier stages.
        is_resuming: Whether to go on with what an interrupted ablation left in ``out``.

    Returns:
        ``out``.

    Raises:
        CohortError: The cohort lacks a modality or has too few rows.
        RunError: ``out`` holds something else, or a run to start from does not fit.
        Interrupted: Somebody asked to stop; the ablation can be resumed.
    """
    trainings = [(variant, seed) for seed in experiment.seeds for variant in experiment.variants]
    has_begun = (out / SETTINGS_FILE).is_file()
    if has_begun and is_resuming and len(cards(experiment, out)) < len(trainings):
        (out / CARD_FILE).unlink(missing_ok=True)  # it was complete; variants or seeds were added
    check_folder(out, has_begun=has_begun, is_resuming=is_resuming)
    with replacing(out / SETTINGS_FILE) as temporary:
        temporary.write_text(settings.dumps(experiment), encoding="utf-8")
    starts = tuple(start_from) or train_earlier(experiment, cohort, out)
    check_starts(experiment, cohort, starts)
    keep_start(out, cohort, starts)
    for number, (variant, seed) in enumerate(trainings, start=1):
        logger.info("Training %d of %d: %s, seed %d.", number, len(trainings), variant.name, seed)
        folder = run_folder(out, variant.name, seed)
        train_run(variant.with_seed(seed), cohort, folder, starts)
        ablation_report.write(out, experiment, cards(experiment, out))
    ablation_report.finish(out, experiment, cards(experiment, out))
    return out


def run_folder(out: Path, variant: str, seed: int) -> Path:
    """Where the run of a variant and a seed lies."""
    return out / variant / f"seed-{seed}"


def cards(experiment: AblationExperiment, out: Path) -> Cards:
    """The cards of the finished runs, by variant and seed."""
    return {
        (variant.name, seed): read_card(folder)
        for variant in experiment.variants
        for seed in experiment.seeds
        if is_finished(folder := run_folder(out, variant.name, seed))
    }


def train_earlier(experiment: AblationExperiment, cohort: Cohort, out: Path) -> tuple[Path, ...]:
    """Train the stages that all variants share, each into ``out/stages``.

    Returns:
        Their run folders.
    """
    done: dict[Path, Experiment] = {}
    for number, one in enumerate(experiment.earlier, start=1):
        (stage,) = one.stages
        folder = out / "stages" / f"{number}-{stage.name}"
        starts = [
            path
            for path, before in done.items()
            if set(before.stages[0].modalities) & set(stage.modalities)
        ]
        train_run(one, cohort, folder, starts)
        done[folder] = one
    return tuple(done)


def train_run(
    experiment: Experiment, cohort: Cohort, folder: Path, start_from: Sequence[Path]
) -> None:
    """Train one run, go on where its checkpoint stands, or leave it alone where it is finished.

    Raises:
        RunError: The folder holds a finished run of other settings or another cohort.
    """
    if not is_finished(folder):
        # What Keras keeps of earlier networks would add up over dozens of trainings.
        keras.utils.clear_session()
        resumes = checkpoint.exists(folder)
        fit(experiment, cohort, folder, start_from=start_from, is_resuming=resumes)
        return
    written = (folder / "experiment.toml").read_text(encoding="utf-8")
    name = "/".join(folder.parts[-2:])
    if written != settings.dumps(experiment):
        raise RunError(
            f"{name} was trained with other settings: give those again, or another --out."
        )
    if read_card(folder).get("cohort_fingerprint") != cohort.fingerprint:
        raise RunError(f"{name} was trained on another cohort: give that one, or another --out.")
    logger.info("%s is finished already.", name)


def check_starts(experiment: AblationExperiment, cohort: Cohort, runs: Sequence[Path]) -> None:
    """Refuse runs that are not the earlier stages of this ablation.

    Raises:
        RunError: A modality of an earlier stage is missing, or a held-out row was trained on.
    """
    found = {name for run in runs for name in read_model_file(run).architecture.networks}
    needed = {str(name) for one in experiment.earlier for name in one.stages[0].modalities}
    if lacking := sorted(needed - found):
        raise RunError(
            f"No run to start from has a network for {lacking[0]}, which an earlier stage of the "
            "base trains: give one more after --start-from, or leave it out."
        )
    split = cohort.split(experiment.base.split.fractions, seed=experiment.base.split.seed)
    for run in runs:
        if read_card(run).get("cohort_fingerprint") != cohort.fingerprint:
            logger.warning(
                "%s was trained on another cohort: make sure that nobody held out here was trained "
                "on there.",
                run.name,
            )
            continue
        try:
            rows = pd.read_csv(run / "split.csv")
            seen = rows.loc[rows["split"] != "test", "row"].to_numpy()
        except (OSError, ValueError, KeyError) as error:
            raise RunError(f"{run.name} has no readable split.csv: copy the run again.") from error
        if count := int(np.isin(split["test"], seen).sum()):
            raise RunError(
                f"{run.name} was trained or validated on {count} rows that are held out here: "
                "start from runs with the split of the base."
            )


def keep_start(out: Path, cohort: Cohort, starts: Sequence[Path]) -> None:
    """Write down what all variants start from, or check that it is what was written.

    Raises:
        RunError: What was trained before started from something else.
    """
    facts = {
        "cohort_fingerprint": cohort.fingerprint,
        "started_from": [{"name": run.name, "fingerprint": run_fingerprint(run)} for run in starts],
    }
    path = out / START_FILE
    if not path.is_file():
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{START_FILE} is damaged: train into another folder.") from error
    if before != facts:
        raise RunError(
            "This ablation began with another cohort or other runs to start from: give those "
            "again, or another --out."
        )
