"""``python -m train``: train an experiment into a run folder."""

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cmae.errors import CmaeError, Interrupted, SettingsError
from cmae.quiet import quiet_import

if TYPE_CHECKING:
    from cmae.data.cohort import Cohort

logger = logging.getLogger("train")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 when the run is complete, 2 for bad input, 130 after Ctrl-C, 143 after SIGTERM.
    """
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for chatty in ("absl", "tensorflow", "matplotlib"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    try:
        train(options)
    except Interrupted as error:
        logger.warning("%s", error)
        return 128 + error.signal_number
    except CmaeError as error:
        if options.debug:
            raise
        sys.stderr.write(f"train: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("train: stopped at once; give --resume to go on.\n")
        return 128 + signal.SIGINT
    return 0


def parser() -> argparse.ArgumentParser:
    """The options: what changes a result is in the experiment file, not here."""
    made = argparse.ArgumentParser(
        prog="python -m train", description="Train an experiment into a run folder."
    )
    made.add_argument("experiment", type=Path, help="TOML file of the experiment")
    made.add_argument("--cohort", type=Path, help="cohort folder to train on")
    made.add_argument(
        "--start-from",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="RUN",
        help="run folders whose weights the first stage starts from (of an ablation: that take the "
        "place of the stages before the repeated one)",
    )
    made.add_argument("--steps", type=int, help="end each stage after this many batches")
    made.add_argument("--resume", action="store_true", help="go on with an interrupted training")
    made.add_argument("--out", type=Path, help="run folder to write (default: runs/NAME)")
    made.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return made


def train(options: argparse.Namespace) -> None:
    """Read the settings and the cohort, then train.

    Raises:
        CmaeError: Something that was given cannot be used.
    """
    # Keras is imported only after the settings were found right.
    from train import ablation_experiment, supervised_experiment  # noqa: PLC0415
    from train import experiment as experiments  # noqa: PLC0415

    if supervised_experiment.is_supervised(options.experiment):
        train_supervised(options)
        return
    if ablation_experiment.is_ablation(options.experiment):
        train_ablation(options)
        return
    experiment = experiments.read(options.experiment)
    if options.steps is not None:
        experiment = experiments.limited(experiment, options.steps)
    out = options.out or Path("runs") / experiment.name
    cohort = open_cohort(options)
    with quiet_import():
        from train.fit import fit  # noqa: PLC0415
    fit(experiment, cohort, out, start_from=options.start_from, is_resuming=options.resume)
    logger.info("The run is complete: %s", out)


def train_supervised(options: argparse.Namespace) -> None:
    """Read the settings and the cohort, then train supervised networks from scratch.

    Raises:
        CmaeError: Something that was given cannot be used.
    """
    from train import supervised_experiment  # noqa: PLC0415

    experiment = supervised_experiment.read(options.experiment)
    if options.steps is not None:
        experiment = supervised_experiment.limited(experiment, options.steps)
    if options.start_from:
        raise SettingsError("Supervised networks are trained from scratch: leave --start-from out.")
    out = options.out or Path("runs") / experiment.name
    cohort = open_cohort(options)
    with quiet_import():
        from train.supervised import fit  # noqa: PLC0415
    fit(experiment, cohort, out, is_resuming=options.resume)
    logger.info("The supervised networks are complete: %s", out)


def train_ablation(options: argparse.Namespace) -> None:
    """Read the settings and the cohort, then train every variant with every seed.

    Raises:
        CmaeError: Something that was given cannot be used.
    """
    from train import ablation_experiment  # noqa: PLC0415

    experiment = ablation_experiment.read(options.experiment)
    if options.steps is not None:
        experiment = ablation_experiment.limited(experiment, options.steps)
    out = options.out or Path("runs") / experiment.name
    cohort = open_cohort(options)
    with quiet_import():
        from train.ablation import ablate  # noqa: PLC0415
    ablate(experiment, cohort, out, start_from=options.start_from, is_resuming=options.resume)
    logger.info("The ablation is complete: %s", out)


def open_cohort(options: argparse.Namespace) -> "Cohort":
    """Open the cohort that was given.

    Raises:
        CmaeError: None was given, or it cannot be opened.
    """
    from cmae.data.cohort import Cohort  # noqa: PLC0415

    if options.cohort is None:
        raise SettingsError(
            "No cohort was given: make one with 'cmae simulate --participants 1000 --out cohort/' "
            "and give --cohort cohort/."
        )
    return Cohort.open(options.cohort)


if __name__ == "__main__":
    sys.exit(main())
