"""Progress on standard error: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

Progress = Callable[[int, int], None]
"""Called with (done, total) as work goes on."""

LINE_INTERVAL_S = 10.0
"""Seconds between two lines where standard error is not a terminal."""


@contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """Show how far a piece of work has come, with the time left.

    Args:
        label: What is being done, a few words.

    Yields:
        A function of (done, total). The first call may be above zero: what a resumed
        piece of work had done before is shown, and not counted in its speed.
    """
    if sys.stderr.isatty():
        yield from _bar(label)
    else:
        yield _lines(label)


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """Show one bar after the other, each for another piece of work.

    Yields:
        A function of (what is being done, done, total); a new name closes the bar before.
    """
    with ExitStack() as bars:
        shown: dict[str, Progress] = {}

        def advance(label: str, done: int, total: int) -> None:
            if label not in shown:
                bars.close()
                shown.clear()
                shown[label] = bars.enter_context(progress_bar(label))
            shown[label](done, total)

        yield advance


def _bar(label: str) -> Iterator[Progress]:
    from tqdm import tqdm  # noqa: PLC0415 - only a terminal needs it

    bar: tqdm[None] | None = None

    def advance(done: int, total: int) -> None:
        nonlocal bar
        if bar is None:
            bar = tqdm(desc=label, total=total, initial=done, file=sys.stderr, leave=True)
        if bar.total != total:
            bar.total = total
        bar.update(done - bar.n)

    try:
        yield advance
    finally:
        if bar is not None:
            bar.close()


def _lines(label: str) -> Progress:
    started: tuple[float, int] | None = None
    last_line = time.monotonic()

    def advance(done: int, total: int) -> None:
        nonlocal started, last_line
        now = time.monotonic()
        if started is None:
            started = (now, done)
        is_finished = done >= total
        if not is_finished and now - last_line < LINE_INTERVAL_S:
            return
        last_line = now
        sys.stderr.write(f"{label}: {describe(done, total, started=started, now=now)}\n")
        sys.stderr.flush()

    return advance


def describe(done: int, total: int, *, started: tuple[float, int], now: float) -> str:
    """Say in words how far work has come.

    Args:
        done: Pieces done.
        total: Pieces in all.
        started: When the work began in seconds, and how much was done before.
        now: The time in seconds.

    Returns:
        ``"600 of 1,000 (60 %), 12 s left"``, or ``"1,000 of 1,000 in 30 s"`` at the end.
    """
    elapsed_s = now - started[0]
    if done >= total:
        return f"{done:,} of {total:,} in {_duration(elapsed_s)}"
    text = f"{done:,} of {total:,} ({100 * done // max(total, 1)} %)"
    fresh = done - started[1]
    if fresh > 0 and elapsed_s > 0:
        text += f", {_duration((total - done) * elapsed_s / fresh)} left"
    return text


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
