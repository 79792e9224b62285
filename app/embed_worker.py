"""Embedding in a process of its own: python -m app.embed_worker RUN COHORT LATENTS.

It ends when its standard input is closed, hence with the server that started it.
"""

import _thread
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.demo import Sources, prepare_latents
from cmae.errors import CmaeError
from cmae.progress import Progress

NICENESS = 5
"""Pages go before embedding where processors are few."""


def main(run: str, cohort: str, latents: str) -> int:
    """Embed a cohort and map its latents, and tell how far it has come on standard output.

    Args:
        run: Run folder.
        cohort: Cohort folder.
        latents: The file to make.

    Returns:
        Exit code: 0, or 2 for input that cannot be used, with one sentence on standard error.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a server in the background ignores it
    os.nice(NICENESS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        prepare_latents(Sources(Path(run), Path(cohort), Path(latents)), reporter=_report)
    except CmaeError as error:
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


@contextmanager
def _report(what: str) -> Iterator[Progress]:
    """Tell of one step, a JSON object a line."""

    def tell(done: int, total: int) -> None:
        sys.stdout.write(json.dumps({"what": what, "done": done, "total": total}) + "\n")
        sys.stdout.flush()

    yield tell


def _end_with_parent() -> None:
    """Interrupt the work once nobody holds the other end of standard input."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    _thread.interrupt_main()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
