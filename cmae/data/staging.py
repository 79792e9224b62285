"""Writers side by side: the lock of a cohort, and the folder of a writer at work.

Both are advisory locks of the operating system, which a killed process lets go of by itself.
"""

import fcntl
import logging
import os
import secrets
import shutil
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path

from cmae.data.files import explained

RECORDINGS = "recordings"
_LOCK = ".lock"
_STAGING = ".writing-"

_log = logging.getLogger(__name__)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the cohort in ``folder`` for one change at a time; readers do not look at the lock."""
    with explained(folder / _LOCK):
        number = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        if not _try_lock(number):
            _log.info("waiting for another writer of %s", folder)
            fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


class Staging:
    """A hidden folder in which one writer makes its parts; gone when the writer ends."""

    def __init__(self, folder: Path) -> None:
        """Make the staging folder of a new writer; the cohort's lock must be held."""
        self.path = folder / RECORDINGS / f"{_STAGING}{secrets.token_hex(8)}"
        with explained(self.path):
            self.path.mkdir(parents=True)
            self._number = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        fcntl.flock(self._number, fcntl.LOCK_EX)

    def close(self) -> None:
        """Delete what is left in the folder, and let go of its lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._number)


def remove_leftovers(folder: Path, parts: Set[str]) -> None:
    """Delete what killed writers left behind; the cohort's lock must be held.

    Args:
        folder: The cohort.
        parts: Names of the parts that its table refers to.
    """
    for path in (folder / RECORDINGS).iterdir():
        if path.name.startswith(_STAGING):
            if _is_abandoned(path):
                shutil.rmtree(path, ignore_errors=True)
        elif path.suffix == ".h5" and path.name not in parts:
            path.unlink(missing_ok=True)


def _is_abandoned(staging: Path) -> bool:
    try:
        number = os.open(staging / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:  # its writer died between making the folder and the lock
        return True
    try:
        return _try_lock(number)
    finally:
        os.close(number)


def _try_lock(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
