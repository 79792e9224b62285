"""Reports and associations that were made before, read once and again after they changed."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app.once import Once
from app.session import explorer
from cmae.evaluation.report import METRICS, Report, read_report
from cmae.latent.association_reading import (
    PhenotypeResults,
    ScanPoints,
    VariantResults,
    read_results,
    scan_points,
)
from cmae.latent.association_results import SUMMARY


def report(folder: Path) -> Report:
    """Return the report in a folder.

    Args:
        folder: What ``cmae evaluate`` left.

    Raises:
        InputError: It is damaged.
    """
    return _report(str(folder), _state(folder / METRICS))


@st.cache_resource(max_entries=8, show_spinner="Reading the report …")
def _report(folder: str, state: tuple[int, int]) -> Report:
    return read_report(Path(folder))


def association(folder: Path) -> VariantResults | PhenotypeResults:
    """Return the results in a folder.

    Args:
        folder: What ``cmae associate`` left.

    Raises:
        InputError: They are damaged.
    """
    return _association(str(folder), _state(folder / SUMMARY))


@st.cache_resource(max_entries=8, show_spinner="Reading the results …")
def _association(folder: str, state: tuple[int, int]) -> VariantResults | PhenotypeResults:
    return read_results(Path(folder))


def points(
    results: VariantResults, test: str, on_progress: Callable[[int, int], None]
) -> ScanPoints:
    """Return what is drawn of one test of all variants.

    Args:
        results: The results.
        test: Name of the test.
        on_progress: Called with (lines read, lines), where they are read now.

    Raises:
        InputError: The table is damaged.
    """
    place = _points(results.head.fingerprint, test)
    return place.get(lambda: scan_points(results, test, on_progress=on_progress))


@st.cache_resource(max_entries=12, show_spinner=False)
def _points(fingerprint: str, test: str) -> Once[ScanPoints]:
    return Once()


def misfit(run_fingerprint: str, cohort_fingerprint: str) -> str:
    """Say in one sentence where what was measured is not of the run and cohort that are open.

    Args:
        run_fingerprint: Of the run; empty where it is not said.
        cohort_fingerprint: Of the cohort; empty where it is not said.

    Returns:
        The sentence, or nothing where both are those that are open.
    """
    here = explorer()
    if not run_fingerprint:
        return "This does not say which run and cohort it is of: it may be of others than these."
    is_run = run_fingerprint == here.latents.run_fingerprint
    is_cohort = cohort_fingerprint in (here.cohort.fingerprint, here.latents.cohort_fingerprint)
    if is_run and is_cohort:
        return ""
    if is_run:
        return "This was measured with the run that is open, on another cohort than this one."
    what = "another run" if is_cohort else "another run and on another cohort"
    return f"This was measured with {what} than the one that is open: its numbers are not of it."


def is_of_run(run_fingerprint: str) -> bool:
    """Tell whether what was measured may be of the run that is open.

    Args:
        run_fingerprint: Of the run; empty where it is not said.
    """
    return run_fingerprint in ("", explorer().latents.run_fingerprint)


def _state(path: Path) -> tuple[int, int]:
    """Return size and time of a file, by which a change is seen; zeros where it is gone."""
    try:
        facts = path.stat()
    except OSError:
        return 0, 0
    return facts.st_size, facts.st_mtime_ns
