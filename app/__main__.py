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
    from app.demo import Sources
    from cmae.model.run import Run

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
        sources = choose(options.run, options.cohort, options.latents)
        _open(sources)
    except CmaeError as error:
        sys.stderr.write(f"app: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped; the next start goes on from here.\n")
        return 130
    _serve(port, is_browser_opened=not options.no_browser)
    return 0


def choose(run: Path | None, cohort: Path | None, latents: Path | None) -> "Sources":
    """Decide what to open, and make what is missing.

    Args:
        run: Run folder; None: the demo run.
        cohort: Cohort folder; None: the demo cohort.
        latents: Latents of this run and cohort; None: made now, under build/.

    Returns:
        What to open.

    Raises:
        CmaeError: Something is missing or cannot be made.
    """
    from app.demo import Sources, content_hash, prepare_demo, prepare_latents  # noqa: PLC0415
    from cmae.data.cohort import Cohort  # noqa: PLC0415 - after --help

    chosen = run if run is not None else DEMO_RUN
    if not chosen.is_dir():
        raise RunError(
            f"There is no run folder {chosen}: give one with --run, or make one with "
            "`python -m train`."
        )
    content_hash(chosen)
    if cohort is None:
        if latents is not None:
            raise InputError("--latents needs the --cohort that it was made from: give both.")
        name = "demo" if run is None else f"demo-{content_hash(chosen)[:12]}"
        return prepare_demo(BUILD / name, chosen)
    opened = Cohort.open(cohort)
    if latents is not None:
        return Sources(chosen, cohort, latents)
    name = f"{content_hash(chosen)[:12]}-{opened.fingerprint[:12]}.h5"
    sources = Sources(chosen, cohort, BUILD / "latents" / name)
    prepare_latents(sources)
    return sources


def _open(sources: "Sources") -> None:
    """Open everything but the networks, and hand it to the pages."""
    from app.explorer import Explorer, show  # noqa: PLC0415 - after --help
    from cmae.data.cohort import Cohort  # noqa: PLC0415
    from cmae.latent.latents import Latents  # noqa: PLC0415

    def load_run() -> "Run":
        from cmae.model.run import Run  # noqa: PLC0415 - the networks' framework takes seconds

        run = Run.open(sources.run)
        if run.fingerprint != latents.run_fingerprint:
            raise RunError(
                f"The latents {sources.latents.name} were made by another run than "
                f"{sources.run.name}: embed the cohort again, or give the run that made them."
            )
        return run

    cohort, latents = Cohort.open(sources.cohort), Latents.open(sources.latents)
    if not len(cohort):
        raise CohortError(f"The cohort {sources.cohort} is empty: add to it with `cmae import`.")
    explorer = Explorer(
        cohort=cohort,
        latents=latents,
        run_path=sources.run,
        load_run=load_run,
        is_demo=sources.is_demo,
    )
    if (explorer.latent_rows < 0).all():
        raise LatentsError(
            f"The latents {sources.latents.name} hold no row of the cohort {sources.cohort.name}: "
            "embed this cohort with `cmae embed`, or leave --latents out."
        )
    show(explorer)


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
    from app.views import about, map, participant, upload  # noqa: F401, PLC0415 - now, not
    # when the first page asks for them

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
    parser.add_argument("--run", type=Path, help="run folder (default: the demo run)")
    parser.add_argument("--cohort", type=Path, help="cohort folder (default: a simulated one)")
    parser.add_argument("--latents", type=Path, help="latents of this run and cohort")
    for name, words in (
        ("report", "folders that `cmae evaluate` left, for the page Evidence"),
        ("association", "folders that `cmae associate` left, likewise"),
    ):
        parser.add_argument(
            f"--{name}",
            type=Path,
            nargs="+",
            action="extend",
            default=[],
            metavar="FOLDER",
            help=words,
        )
    parser.add_argument("--port", type=int, help=f"port (default: {PORT}, or the next free one)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    return parser


if __name__ == "__main__":
    sys.exit(main())
