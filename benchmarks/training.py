"""Training from a cohort against the same steps on data in memory: what the reading costs."""

import itertools
import sys
from pathlib import Path

from measuring import is_full, say, seconds, simulated_cohort

EXPERIMENTS = Path(__file__).parents[1] / "train" / "experiments"


def main() -> int:
    """Measure and print."""
    full = is_full(__doc__ or "")
    import numpy as np  # noqa: PLC0415

    from cmae.data.batches import Batches  # noqa: PLC0415
    from cmae.data.cohort import Cohort  # noqa: PLC0415
    from train import experiment as experiments  # noqa: PLC0415
    from train.fit import as_inputs, build  # noqa: PLC0415
    from train.materials import Materials  # noqa: PLC0415

    with simulated_cohort(256 if full else 64) as path:
        cohort = Cohort.open(path)
        for name, many in (("demo", 24), ("cross_modal", 12)):
            experiment = experiments.read(EXPERIMENTS / f"{name}.toml")
            stage = experiment.stages[-1]
            steps = many if full else 6
            split = {"train": np.arange(len(cohort))}
            model = build(Materials(experiment, stage, cohort, split, ()))
            source = Batches(cohort, split["train"], stage.modalities, stage.batch_size)

            def fit(batches, model=model, steps=steps) -> None:  # noqa: ANN001
                model.fit(batches, steps_per_epoch=steps, epochs=1, verbose=0, shuffle=False)

            def from_cohort(source=source, steps=steps, fit=fit) -> None:  # noqa: ANN001
                with source.stream(steps=steps) as stream:
                    fit(as_inputs(stream))

            (batch,) = next(as_inputs(iter([source.at(0)])))

            def in_memory(batch=batch, fit=fit) -> None:  # noqa: ANN001
                fit((batch,) for _ in itertools.count())

            in_memory()
            pairs = [
                (
                    seconds(in_memory, repeats=1, warmups=0),
                    seconds(from_cohort, repeats=1, warmups=0),
                )
                for _ in range(3)
            ]
            ratio = float(np.median([memory / whole for memory, whole in pairs]))
            speed = float(np.median([steps * stage.batch_size / whole for _, whole in pairs]))
            say(f"{name}: participants/s from a cohort, batch {stage.batch_size}", speed, "")
            say(f"{name}: of the same step on data in memory", ratio, "", ">= 0.90")
    return 0


if __name__ == "__main__":
    sys.exit(main())
