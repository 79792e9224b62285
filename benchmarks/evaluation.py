"""Evaluating a run: how long each part takes after embedding, and memory."""

import sys
import tempfile
import time
from pathlib import Path

from measuring import is_full, peak_memory_gb, say

RUN = Path(__file__).parents[1] / "data_samples" / "demo_run"


def main() -> int:
    """Measure and print."""
    participants = 5000 if is_full(__doc__ or "") else 120
    from cmae.evaluation.evaluation import PARTS, EvaluationSettings, evaluate  # noqa: PLC0415
    from cmae.latent.embedding import embed  # noqa: PLC0415
    from cmae.model.run import Run  # noqa: PLC0415
    from cmae.simulate.cohort import simulate  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        cohort = simulate(Path(folder) / "cohort", participants=participants, seed=4)
        run = Run.open(RUN)
        latents = embed(run, cohort, Path(folder) / "latents.h5")
        total = 0.0
        for part in PARTS:
            started = time.perf_counter()
            settings = EvaluationSettings(parts=(part,))
            evaluate(run, cohort, Path(folder) / "report", latents=latents, settings=settings)
            seconds = time.perf_counter() - started
            total += seconds
            say(f"{part} of {participants:,} participants", seconds, "s")
        say(f"all parts of {participants:,} participants", total / 60, "min", "<= 10 at 5,000")
        say("peak memory", peak_memory_gb(), "GB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
