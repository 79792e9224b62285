"""Work that takes longer than a page may wait: done by a thread of its own, asked for by many.

People go first: between two parts of its work the thread waits while pages are being drawn.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from cmae.errors import CmaeError

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Report = Callable[[float], None]
"""Called with the share that is done, 0 to 1."""

PATIENCE_S = 2.0
"""Longest wait for people between two parts of the work, so that it ends however busy they are."""

_traffic = threading.Condition()
_pages = [0]
"""How many pages are being drawn."""


@contextmanager
def drawing() -> Iterator[None]:
    """Draw a page inside: background work waits meanwhile."""
    with _traffic:
        _pages[0] += 1
    try:
        yield
    finally:
        with _traffic:
            _pages[0] -= 1
            _traffic.notify_all()


def give_way(at_most_s: float = PATIENCE_S) -> None:
    """Wait while pages are being drawn.

    Args:
        at_most_s: Seconds after which to go on all the same.
    """
    with _traffic:
        _traffic.wait_for(lambda: not _pages[0], at_most_s)


class Background(Generic[Result]):
    """One result, worked out once by a thread of its own, which starts at once.

    Args:
        work: Makes the result; it must not ask for anything of a session. Where it reports how far
            it is, it waits for people.
    """

    def __init__(self, work: Callable[[Report], Result]) -> None:
        """Start to work."""
        self._work = work
        self._done = threading.Event()
        self.share = 0.0
        self.result: Result | None = None
        self.error: CmaeError | None = None
        threading.Thread(target=self._run, name="work of a page", daemon=True).start()

    @property
    def is_done(self) -> bool:
        """Whether there is a result, or an error in its place."""
        return self._done.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, and return whether it came.

        Args:
            seconds: How long to wait at most.
        """
        return self._done.wait(seconds)

    def _report(self, share: float) -> None:
        self.share = share
        give_way()

    def _run(self) -> None:
        give_way()
        try:
            self.result = self._work(self._report)
        except CmaeError as error:
            self.error = error
        except Exception as error:
            logger.exception("Work in the background failed.")
            self.error = CmaeError(f"This could not be worked out ({type(error).__name__}).")
        finally:
            self._done.set()
