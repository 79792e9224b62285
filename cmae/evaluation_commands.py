"""The words of ``cmae evaluate``, and what it does: measure a run, draw, write the report."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cmae.argument_types import count
from cmae.association_arguments import AddCommand
from cmae.errors import RunError
from cmae.progress import progress_bars

if TYPE_CHECKING:
    from cmae.model.run import Run

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

    cohort, run = Cohort.open(options.cohort), open_run(options.run)
    baselines = [(_name(path), open_run(path)) for path in options.baseline]
    from cmae.evaluation import evaluation
    from cmae.figures import evaluation_report
    from cmae.latent.latents import Latents

    with progress_bars() as report:
        metrics = evaluation.evaluate(
            run,
            cohort,
            options.out,
            latents=None if options.latents is None else Latents.open(options.latents),
            baselines=[evaluation.Baseline(name, one) for name, one in baselines],
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
        "findings": metrics["headlines"],
    }


def _name(path: Path) -> str:
    """Name a baseline by its folder, without the number that stages have."""
    name = path.resolve().name.lstrip("0123456789-_ ")
    if not name:
        raise RunError(f"{path} has no name to call a baseline by: rename the folder.")
    return name
