"""What the benchmarks share: sizes, a simulated cohort, medians, and how to say a result."""

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def is_full(description: str) -> bool:
    """Whether ``--size full`` was asked for."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--size", choices=("small", "full"), default="small")
    return bool(parser.parse_args().size == "full")


@contextmanager
def simulated_cohort(participants: int) -> Iterator[Path]:
    """A simulated cohort in a temporary folder; ``CMAE_BENCH_COHORT`` names one to take instead."""
    given = os.environ.get("CMAE_BENCH_COHORT")
    if given:
        yield Path(given)
        return
    from cmae.simulate.cohort import simulate  # noqa: PLC0415 - the sizes come first

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cohort"
        simulate(path, participants=participants, seed=3)
        yield path


def seconds(work: Callable[[], object], *, repeats: int, warmups: int = 1) -> float:
    """Median wall seconds of some work."""
    for _ in range(warmups):
        work()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def peak_memory_gb() -> float:
    """The most memory this process ever held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def say(name: str, value: float, unit: str, aim: str = "") -> None:
    """Print one line of a result."""
    print(f"  {name:<58}{value:>9.2f} {unit}{f'   (aim: {aim})' if aim else ''}")
