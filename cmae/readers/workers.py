"""Many files are read by several processes; one that hangs or kills its process is refused."""

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from typing import Generic, TypeVar

from threadpoolctl import threadpool_limits

from cmae.errors import ReadError
from cmae.readers.foreign import PARSER_FAULTS

READING_S = 60.0
"""Longest that reading one file may take."""

STARTING_S = 180.0
"""Longest that a process may take to start."""

AHEAD = 8
"""Files a process that are read ahead of the oldest one still being read; bounds the memory."""

_TRIM, _MAP = -1, -3
"""Names of two thresholds of the C library's ``mallopt``: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD."""

_KEPT_BYTES, _MAPPED_BYTES = 64 * 2**20, 16 * 2**20
"""Freed memory that a process keeps at most, and the size above which arrays go back at once."""

_DEPTH = 2
"""Files handed to a process at once, so that it never waits for the next."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Refused:
    """What came of a file that was not read.

    Attributes:
        reason: One sentence.
    """

    reason: str


def in_order(
    tasks: Sequence[T],
    read: Callable[[T], R],
    *,
    processes: int,
    timeout_s: float = READING_S,
) -> Generator[R | Refused, None, None]:
    """Read many files, and yield what came of them in their order.

    Args:
        tasks: What to read; few bytes each.
        read: Reads one; a ReadError refuses it. Must survive pickle, as must what it returns.
        processes: How many read at once; 0 reads in this process, where nothing stops a file
            that hangs.
        timeout_s: Longest that one may take; its process is ended then.

    Yields:
        For each task what was read, or why not.

    Raises:
        ReadError: The processes cannot start.
    """
    if processes == 0 or not tasks:
        for task in tasks:
            with threadpool_limits(1):  # sums of several threads would differ in the last digit
                outcome = _outcome(read, task)
            yield outcome
        return
    pool = _Pool(tasks, read, min(processes, len(tasks)), timeout_s)
    try:
        yield from pool.outcomes()
    finally:
        pool.stop()


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _outcome(read: Callable[[T], R], task: T) -> R | Refused:
    """Read one file, or say why not."""
    try:
        return read(task)
    except ReadError as error:
        return Refused(" ".join(str(error).split()))
    except PARSER_FAULTS as error:
        # A reader should have said it in its own words: name the kind of fault, never its text.
        return Refused(f"Reading it failed by a fault of the program ({type(error).__name__}).")


def _work(connection: Connection, read: Callable[[T], R]) -> None:
    """Read what comes until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which decides
    silence = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):  # what parsers print may name a participant
        os.dup2(silence, number)
    threadpool_limits(1)
    _keep_memory()
    gc.freeze()  # what was imported stays: it need not be looked through again and again
    try:
        connection.send(None)
        while True:
            number, task = connection.recv()
            connection.send((number, _outcome(read, task)))
    except (EOFError, OSError):
        return


def _keep_memory() -> None:
    """Keep freed arrays of usual size for the next file.

    To give each back and have it anew, cleared page by page, takes a sixth of an ECG's time. The
    thresholds are those of glibc; other C libraries are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MAP, _MAPPED_BYTES)
        mallopt(_TRIM, _KEPT_BYTES)


class _Worker(Generic[T, R]):
    """A process that reads, and what it was handed."""

    def __init__(self, context: SpawnContext, read: Callable[[T], R]) -> None:
        """Start the process."""
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, read), daemon=True)
        self.process.start()
        other.close()
        self.numbers: deque[int] = deque()
        self.is_ready = False
        self.since = time.monotonic()

    def hand(self, number: int, task: T) -> None:
        """Give it one more to read."""
        if not self.numbers:
            self.since = time.monotonic()
        self.numbers.append(number)
        try:
            self.connection.send((number, task))
        except OSError:
            return  # it has died, which shows when its answer is read

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.process.close()
        self.connection.close()


class _Pool(Generic[T, R]):
    """Processes at work on some tasks, and what they found that nobody took yet."""

    def __init__(
        self, tasks: Sequence[T], read: Callable[[T], R], processes: int, timeout_s: float
    ) -> None:
        """Start the processes."""
        self._tasks, self._read, self._timeout_s = tasks, read, timeout_s
        self._context = multiprocessing.get_context("spawn")
        self._ahead = AHEAD * processes
        self._next, self._again = 0, deque[int]()
        self._found: dict[int, R | Refused] = {}
        self._workers = [_Worker[T, R](self._context, read) for _ in range(processes)]

    def outcomes(self) -> Iterator[R | Refused]:
        """Yield what came of each task."""
        for number in range(len(self._tasks)):
            self._hand_out(number)
            while number not in self._found:
                self._collect()
                self._hand_out(number)
            yield self._found.pop(number)

    def stop(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.stop()

    def _hand_out(self, oldest: int) -> None:
        """Keep every process supplied, not too far ahead of the oldest that is awaited."""
        for depth in range(1, _DEPTH + 1):
            for worker in self._workers:
                if len(worker.numbers) >= depth:
                    continue
                if self._again:
                    number = self._again.popleft()
                elif self._next < min(len(self._tasks), oldest + self._ahead):
                    number, self._next = self._next, self._next + 1
                else:
                    return
                worker.hand(number, self._tasks[number])

    def _collect(self) -> None:
        """Wait until a process answers, dies, or is overdue."""
        busy = [worker for worker in self._workers if worker.numbers or not worker.is_ready]
        soonest = min(map(self._deadline, busy))
        ready = wait([w.connection for w in busy], max(soonest - time.monotonic(), 0.0))
        for worker in busy:
            if worker.connection in ready:
                self._receive(worker)
            elif time.monotonic() > self._deadline(worker):
                self._lose(
                    worker,
                    f"Reading it took more than {self._timeout_s:g} s, so it was given up.",
                )

    def _deadline(self, worker: _Worker[T, R]) -> float:
        return worker.since + (self._timeout_s if worker.is_ready else STARTING_S)

    def _receive(self, worker: _Worker[T, R]) -> None:
        """Take one answer."""
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._lose(worker, "Reading it ended the process: it is damaged, or needs much memory.")
            return
        worker.since = time.monotonic()
        if message is None:
            worker.is_ready = True
            return
        number, outcome = message
        worker.numbers.popleft()
        self._found[number] = outcome

    def _lose(self, worker: _Worker[T, R], reason: str) -> None:
        """Refuse what a process was reading, and put another in its place."""
        if not worker.is_ready:
            raise ReadError(
                "The processes that read files cannot start: call the import from a script, under "
                "`if __name__ == '__main__':`, or ask for 0 processes to read in this one."
            )
        if worker.numbers:
            self._found[worker.numbers.popleft()] = Refused(reason)
        self._again.extendleft(reversed(worker.numbers))
        place = self._workers.index(worker)
        worker.stop()
        self._workers[place] = _Worker[T, R](self._context, self._read)
