"""Embedding a cohort with the paper's networks: against memory, and against the arithmetic."""

import sys
import tempfile
import time
from pathlib import Path

from measuring import is_full, peak_memory_gb, say, seconds, simulated_cohort

FULL, SMALL = 1000, 128
PAIRS_OF_RUNS = 3
GIGA_OPERATIONS = 1.95
"""Of one participant with both recordings: 2 × the multiply-adds of the two encoders."""


def main() -> int:
    """Measure and print."""
    participants = FULL if is_full(__doc__ or "") else SMALL
    import keras  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    from cmae.data.cohort import Cohort  # noqa: PLC0415
    from cmae.latent.embedding import BATCH_SIZE, embed  # noqa: PLC0415
    from cmae.model.architecture import Architecture  # noqa: PLC0415
    from cmae.model.autoencoder import CrossModalAutoencoder  # noqa: PLC0415
    from cmae.model.run import ModelFile, Run, save_model  # noqa: PLC0415

    with simulated_cohort(participants) as path, tempfile.TemporaryDirectory() as folder:
        cohort = Cohort.open(path)
        description = ModelFile(format_number=1, architecture=Architecture())
        save_model(
            Path(folder) / "run", description, CrossModalAutoencoder(description.architecture)
        )
        run = Run.open(Path(folder) / "run")
        batches = {
            name: run.normalize(name, cohort.read_many(name, range(BATCH_SIZE)))
            for name in run.modalities
        }
        count = len(cohort)

        def in_memory() -> None:
            for name, batch in batches.items():
                for _ in range(0, count, BATCH_SIZE):
                    run.model.encoders[name].predict_on_batch(batch)

        def from_cohort() -> None:
            target = Path(folder) / f"latents-{time.perf_counter_ns()}.h5"
            embed(run, cohort, target, batch_size=BATCH_SIZE)

        matrix = keras.ops.convert_to_tensor(
            np.random.default_rng(0).normal(size=(4096, 4096)).astype(np.float32)
        )

        def product() -> None:
            keras.ops.convert_to_numpy(keras.ops.matmul(matrix, matrix)[0, 0])

        # In turn, so that a machine that slows down slows all of them.
        ratios, floors, speeds = [], [], []
        from_cohort()
        for _ in range(PAIRS_OF_RUNS):
            memory = seconds(in_memory, repeats=1)
            whole = seconds(from_cohort, repeats=1, warmups=0)
            rate = 2 * 4096**3 / seconds(product, repeats=5) / 1e9
            ratios.append(memory / whole)
            floors.append(count * GIGA_OPERATIONS / rate / whole)
            speeds.append(count / whole)
        say("participants/s from a cohort", float(np.median(speeds)), "")
        say("of the same networks on arrays in memory", float(np.median(ratios)), "", ">= 0.90")
        say("of the rate of a large matrix product", float(np.median(floors)), "", ">= 0.55")
        say("peak memory", peak_memory_gb(), "GB", "< 2.5")
    return 0


if __name__ == "__main__":
    sys.exit(main())
