"""Simulating cohorts: participants a second, and what one costs as cohorts grow."""

import os
import sys
import tempfile
import time
from pathlib import Path

from measuring import is_full, peak_memory_gb, say


def main() -> int:
    """Measure and print."""
    sizes = (100, 1000, 10_000) if is_full(__doc__ or "") else (32, 192)
    from cmae.simulate.cohort import simulate  # noqa: PLC0415 - the sizes come first
    from cmae.simulate.settings import CohortSettings  # noqa: PLC0415

    costs = []
    for participants in sizes:
        with tempfile.TemporaryDirectory() as folder:
            wall, used = time.perf_counter(), os.times()
            simulate(Path(folder) / "cohort", participants=participants, seed=3)
            wall = time.perf_counter() - wall
            now = os.times()
            spent = sum(now[:4]) - sum(used[:4])  # of this process and its ended children
            costs.append(1000 * spent / participants)
            say(f"{participants:,} participants with both recordings", participants / wall, "/s")
            say("  processor time a participant", costs[-1], "ms")
            say("  peak memory of the writing process", peak_memory_gb(), "GB")
    say("participants/s of the largest", participants / wall, "/s", ">= 20")
    say("cost of the largest against the one before", costs[-1] / costs[-2], "")
    with tempfile.TemporaryDirectory() as folder:
        wall = time.perf_counter()
        table = CohortSettings(has_recordings=False)
        simulate(Path(folder) / "cohort", participants=20_000, seed=1, settings=table)
        say("20,000 participants without recordings", time.perf_counter() - wall, "s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
