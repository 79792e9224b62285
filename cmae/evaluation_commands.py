"""The words of ``cmae evaluate``, and what it does: measure a run, draw, write the report."""

import argparse
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cmae.argument_types import count
from cmae.association_arguments import AddCommand
from cmae.errors import InputError, RunError, SettingsError
from cmae.progress import progress_bars

if TYPE_CHECKING:
    from cmae.model.run import Run
    from cmae.model.supervised import SupervisedRun

# Each command imports what it needs when it runs, as in commands.py.
# ruff: noqa: PLC0415

Result = Mapping[str, object]

PARTS = ("retrieval", "probes", "labels", "paths", "function")
"""What can be measured; the library has the same list, whose import takes seconds."""


def add_evaluate(command: AddCommand) -> None:
    """Add ``cmae evaluate``.

    Args:
        command: Adds a command to the command line.
    """
    evaluate = command("evaluate", "measure a run on people it has never seen, with a report")
    evaluate.add_argument("run", type=Path, metavar="RUN")
    evaluate.add_argument("cohort", type=Path, metavar="COHORT")
    evaluate.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    evaluate.add_argument(
        "--baseline",
        type=Path,
        nargs="+",
        default=[],
        metavar="RUN",
        help="runs to compare with: unimodal autoencoders, supervised networks",
    )
    evaluate.add_argument(
        "--latents", type=Path, metavar="FILE", help="the cohort's latents, if embedded before"
    )
    evaluate.add_argument(
        "--parts", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure (all)"
    )
    evaluate.add_argument(
        "--decoded", type=count, default=1000, metavar="N", help="rows to decode at most (1000)"
    )
    evaluate.add_argument("--seed", type=int, default=0, help="of draws and bootstraps (0)")


def evaluate(options: argparse.Namespace, *, open_run: Callable[[Path], "Run"]) -> Result:
    """Measure a run and write the report.

    Args:
        options: Of the command line.
        open_run: Opens a run.
    """
    from cmae.data.cohort import Cohort

    _check(options)
    cohort, run = Cohort.open(options.cohort), open_run(options.run)
    runs: dict[str, Run] = {}
    networks: dict[str, SupervisedRun] = {}
    for path in options.baseline:
        if is_supervised(path):
            networks |= _networks(path)
        else:
            runs[_name(path, runs)] = open_run(path)
    from cmae.evaluation import evaluation
    from cmae.figures import evaluation_report
    from cmae.latent.latents import Latents

    with progress_bars() as report:
        metrics = evaluation.evaluate(
            run,
            cohort,
            options.out,
            latents=None if options.latents is None else Latents.open(options.latents),
            baselines=evaluation.Baselines(runs, networks),
            settings=evaluation.EvaluationSettings(
                parts=tuple(options.parts), decoded=options.decoded, seed=options.seed
            ),
            on_progress=report,
        )
    evaluation_report.write_report(options.out)
    return {
        "folder": str(options.out),
        "report": str(options.out / evaluation_report.REPORT),
        "measured_on": metrics["held_out"],
        "is_simulated": metrics["is_simulated"],
        # A row each: sentences in one line of a terminal cannot be read.
        "findings": [{"finding": line} for line in metrics["headlines"]],
    }


def _check(options: argparse.Namespace) -> None:
    """Raise what an evaluation would fail with, or regret, after its work of minutes."""
    if options.seed < 0:
        raise SettingsError(f"The seed {options.seed} is negative: count from 0.")
    if options.out.resolve().is_relative_to(options.cohort.resolve()):
        raise InputError(
            "The report would lie inside the cohort, whose folder holds nothing else: give "
            "another --out."
        )


def is_supervised(path: Path) -> bool:
    """Tell whether a folder is what a supervised experiment left.

    Args:
        path: The folder.
    """
    return any(path.glob("labels-*/supervised.toml"))


def _networks(path: Path) -> "dict[str, SupervisedRun]":
    from cmae.evaluation.supervised import open_networks

    return {f"{_name(path, ())} {name}": one for name, one in open_networks(path).items()}


def _name(path: Path, taken: Collection[str]) -> str:
    """Name a baseline by its folder, without the number that stages have."""
    name = path.resolve().name.lstrip("0123456789-_ ")
    if not name or name in taken:
        raise RunError(
            f"The baseline {path} has {'the name of another' if name else 'no name'}: rename its "
            "folder."
        )
    return name
