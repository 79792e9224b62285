"""python -m app: makes the demo ready where nothing else is given, and starts the server."""

import argparse
import logging
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cmae.errors import CmaeError, CohortError, InputError, LatentsError, RunError

if TYPE_CHECKING:
    from app.catalog import Catalog
    from app.demo import Sources

PROJECT = Path(__file__).resolve().parents[1]
DEMO_RUN = PROJECT / "data_samples" / "demo_run"
BUILD = PROJECT / "build"
HOST = "127.0.0.1"
PORT = 8501
PORTS_TRIED = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the explorer.

    Args:
        arguments: Of the command line; None: those of the process.

    Returns:
        Exit code: 0, or 2 for input that cannot be used.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    # The networks' framework writes about its own build to the terminal unless told not to.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        port = _free_port(options.port)
        _check_evidence(options.report, options.association)
        _open(*choose(options.run, options.cohort, options.latents))
    except CmaeError as error:
        sys.stderr.write(f"app: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped; the next start goes on from here.\n")
        return 130
    _serve(port, is_browser_opened=not options.no_browser)
    return 0


def choose(
    runs: Sequence[Path] = (),
    cohorts: Sequence[Path] = (),
    latents: Sequence[Path] = (),
) -> tuple["Sources", "Catalog"]:
    """Decide what to open first and what else is offered, and make what is missing of the first.

    Args:
        runs: Run folders, or folders that contain some; none: the demo run.
        cohorts: Cohort folders, or folders that contain some; none: the demo cohort.
        latents: Latents of these runs and cohorts; where there are none for the first pair, they
            are made now, under build/.

    Returns:
        What to open first, and all that can be chosen.

    Raises:
        CmaeError: Something is missing, does not go together, or cannot be made.
    """
    from app.catalog import Catalog, Pair, cohorts_in, runs_in  # noqa: PLC0415 - after --help
    from app.demo import content_hash, prepare_demo, prepare_latents  # noqa: PLC0415

    offered_runs = runs_in(runs or [DEMO_RUN])
    if not cohorts:
        if latents:
            raise InputError("--latents needs the --cohort that it was made from: give both.")
        first_run = offered_runs[0]
        name = "demo" if not runs else f"demo-{content_hash(first_run)[:12]}"
        demo = prepare_demo(BUILD / name, first_run)
        return demo, Catalog(offered_runs, (demo.cohort,), (demo,), BUILD / "latents")
    offered_cohorts = cohorts_in(cohorts)
    given = tuple(_makers_of(path, offered_runs, offered_cohorts) for path in latents)
    catalog = Catalog(offered_runs, offered_cohorts, given, BUILD / "latents")
    if given:
        return given[0], catalog
    pairs = [Pair(run, cohort) for run in offered_runs for cohort in offered_cohorts]
    conditions = {pair: catalog.condition(pair) for pair in pairs}
    ready = [pair for pair in pairs if conditions[pair].latents is not None]
    fitting = [pair for pair in pairs if conditions[pair].problem is None]
    if not fitting:
        raise InputError(str(conditions[pairs[0]].problem))
    sources = catalog.sources((ready or fitting)[0])
    prepare_latents(sources)
    return sources, catalog


def _makers_of(latents: Path, runs: Sequence[Path], cohorts: Sequence[Path]) -> "Sources":
    """Find the run and the cohort that made some latents; fingerprints say so."""
    from app.catalog import labels  # noqa: PLC0415 - after --help
    from app.demo import Sources  # noqa: PLC0415
    from app.map_data import rows_of_latents  # noqa: PLC0415
    from cmae.data.cohort import Cohort  # noqa: PLC0415
    from cmae.latent.latents import Latents  # noqa: PLC0415
    from cmae.model.run_files import run_fingerprint  # noqa: PLC0415

    opened = Latents.open(latents)
    run = next((each for each in runs if run_fingerprint(each) == opened.run_fingerprint), None)
    if run is None:
        names = ", ".join(labels(runs).values())
        raise RunError(
            f"The latents {latents.name} were made by another run ({opened.run_fingerprint}) than "
            f"{names}: give the run that made them, or leave --latents out."
        )
    tables = {each: Cohort.open(each) for each in cohorts}
    # Latents of an earlier state of a cohort belong to it, but the one that is the same goes first.
    for cohort in sorted(
        cohorts, key=lambda each: tables[each].fingerprint != opened.cohort_fingerprint
    ):
        if not len(tables[cohort]):
            raise CohortError(f"The cohort {cohort} is empty: add to it with `cmae import`.")
        if (rows_of_latents(tables[cohort], opened) >= 0).any():
            return Sources(run, cohort, latents)
    raise LatentsError(
        f"The latents {latents.name} hold no row of {', '.join(labels(cohorts).values())}: embed "
        "this cohort with `cmae embed`, or leave --latents out."
    )


def _open(sources: "Sources", catalog: "Catalog") -> None:
    """Open everything but the networks, and hand it to the pages."""
    from app.catalog import open_explorer  # noqa: PLC0415 - after --help
    from app.explorer import show  # noqa: PLC0415

    show(open_explorer(sources, model_of=catalog.model_of), catalog=catalog)


def _check_evidence(reports: Sequence[Path], associations: Sequence[Path]) -> None:
    """Read what was measured before, so that a wrong folder is said now, and hand it to the pages.

    Raises:
        InputError: A folder is no report, or holds no results of an association.
    """
    from app.explorer import Evidence, show_evidence  # noqa: PLC0415 - after --help

    if reports:
        from cmae.evaluation.report import read_report  # noqa: PLC0415

        for folder in reports:
            read_report(folder)
    if associations:
        from cmae.latent.association_reading import read_results  # noqa: PLC0415

        for folder in associations:
            read_results(folder)
    show_evidence(Evidence(tuple(reports), tuple(associations)))


def _serve(port: int, *, is_browser_opened: bool) -> None:
    """Serve the pages until the process is stopped."""
    import streamlit as st  # noqa: PLC0415 - takes a second to load

    from app.routes import routes  # noqa: PLC0415
    from app.theme import THEME  # noqa: PLC0415

    # Now, not when the first page asks for them.
    from app.views import (  # noqa: F401, PLC0415
        about,
        compare,
        evidence,
        map,
        participant,
        upload,
        walk,
    )

    url = f"http://{HOST}:{port}"
    if is_browser_opened and _has_screen():
        timer = threading.Timer(1.5, webbrowser.open, (url,))
        timer.daemon = True
        timer.start()
    app = st.App(Path(__file__).with_name("main.py").resolve(), routes=routes())
    app.run(
        config={
            "server.address": HOST,
            "server.port": port,
            "server.headless": True,
            "server.allowedHosts": [HOST, "localhost"],
            "server.fileWatcherType": "none",
            "server.maxUploadSize": 200,
            "browser.gatherUsageStats": False,
            "client.toolbarMode": "minimal",
            "logger.level": "error",
            "client.showErrorDetails": "none",
            **THEME,
        }
    )


def _free_port(wanted: int | None) -> int:
    """Return the port that was asked for, or the first free one from PORT on."""
    for port in [wanted] if wanted is not None else range(PORT, PORT + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise InputError(
        f"Port {wanted or PORT} is in use: give another with --port, or stop the program there."
    )


def _has_screen() -> bool:
    return sys.platform in {"darwin", "win32"} or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app",
        description="Explore a cohort of hearts in the browser. Without arguments: the demo.",
    )
    for name, words in (
        ("run", "run folders, or folders of runs, to choose from (default: the demo run)"),
        ("cohort", "cohort folders, or folders of them, to choose from (default: a simulated one)"),
        ("latents", "latents of these runs and cohorts; the first is what is opened"),
        ("report", "folders that `cmae evaluate` left, for the page Evidence"),
        ("association", "folders that `cmae associate` left, likewise"),
    ):
        parser.add_argument(
            f"--{name}",
            type=Path,
            nargs="+",
            action="extend",
            default=[],
            metavar="FILE" if name == "latents" else "FOLDER",
            help=words,
        )
    parser.add_argument("--port", type=int, help=f"port (default: {PORT}, or the next free one)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    return parser


if __name__ == "__main__":
    sys.exit(main())
