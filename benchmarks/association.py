"""Testing variants of a BED file against whole latents: time and memory, from file to results.

Wall seconds are what counts; processor seconds of all threads stand beside them, because on a busy
machine only those can be compared.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measuring import is_full, peak_memory_gb, say

PARTICIPANTS, LATENT_DIM = 20_000, 256
FULL = (100_000,)
SMALL = (600, 3_000)
"""Numbers of variants; the difference of two tells what each costs beside what any scan costs."""

COVARIATES = ("age_years", "sex", "height_cm", "weight_kg")
WRITTEN_AT_ONCE = 300


def main() -> int:
    """Measure and print."""
    sizes = FULL if is_full(__doc__ or "") else SMALL
    with tempfile.TemporaryDirectory() as name:
        if len(sizes) > 1:
            scan(Path(name) / "first", sizes[0], is_told=False)  # imports are paid for here
        taken = np.array([scan(Path(name) / str(variants), variants) for variants in sizes])
    for kind, seconds, aim in zip(("wall", "processor"), taken.T, ("<= 3", "<= 6"), strict=True):
        each = seconds[-1] / sizes[-1]
        if len(sizes) > 1:
            each = (seconds[-1] - seconds[0]) / (sizes[-1] - sizes[0])
        whole = seconds[-1] + each * (FULL[0] - sizes[-1])
        say(f"100,000 variants x 20,000 participants, {kind}", whole / 60, "min", aim)
    return 0


def scan(folder: Path, variants: int, *, is_told: bool = True) -> tuple[float, float]:
    """Make latents and genotypes, and return wall and processor seconds that testing them takes."""
    import h5py  # noqa: PLC0415 - the sizes come first
    import pandas as pd  # noqa: PLC0415

    from cmae.data import genotypes as sets  # noqa: PLC0415
    from cmae.data.column import Column  # noqa: PLC0415
    from cmae.data.table import fingerprint, typed  # noqa: PLC0415
    from cmae.latent import association  # noqa: PLC0415
    from cmae.latent.latents import Latents  # noqa: PLC0415
    from cmae.latent.partial import write_head  # noqa: PLC0415
    from cmae.readers.genotypes import open_genotypes  # noqa: PLC0415

    rng = np.random.default_rng(3)
    who = np.array([f"P{k:06d}" for k in range(PARTICIPANTS)], dtype=object)
    drawn = {name: rng.normal(size=PARTICIPANTS) for name in COVARIATES}
    columns = {name: Column("", "continuous", "covariate", "simulated", "") for name in COVARIATES}
    table = typed(
        pd.DataFrame({"participant_id": who, "visit": 0, "is_simulated": True, **drawn}), columns
    )

    class Cohort:
        """A table of covariates."""

        def __init__(self) -> None:
            self.table, self.fingerprint = table, fingerprint(table)

    folder.mkdir()
    with h5py.File(folder / "latents.h5", "w") as file:
        write_head(
            file,
            keys=table[["participant_id", "visit"]],
            present={"joint": np.ones(PARTICIPANTS, bool)},
            latent_dim=LATENT_DIM,
            fingerprints=("run", Cohort().fingerprint),
            is_simulated=True,
        )
        file["joint"][...] = rng.normal(size=(PARTICIPANTS, LATENT_DIM))
    number = np.arange(variants)
    described = pd.DataFrame(
        {
            "chromosome": number * 22 // variants + 1,
            "variant": [f"v{k}" for k in number],
            "position": 1000 * (number + 1),
        }
    )
    samples = pd.DataFrame({"participant_id": who, "sex": 1})
    sets.write(folder, samples, described, dosages(variants, rng))
    # Of 100,000 variants a tenth is tested with permuted latents too; so here.
    association.PERMUTED_VARIANTS = max(1, variants // 10)
    before, started, used = peak_memory_gb(), time.perf_counter(), time.process_time()
    summary = association.associate(
        Latents.open(folder / "latents.h5"),
        open_genotypes(folder / sets.BED),
        folder / "out",
        cohort=Cohort(),
        settings=association.AssociationSettings(covariates=COVARIATES),
    )
    taken, spent = time.perf_counter() - started, time.process_time() - used
    if not is_told:
        return taken, spent
    say(f"{variants:,} variants x {PARTICIPANTS:,} participants x {LATENT_DIM}", taken, "s")
    say("  processor time", spent, "s")
    say("  peak memory", peak_memory_gb(), "GB")
    say("  peak memory before testing", before, "GB")
    inflation = summary["tests"]["joint"]["lambda"]
    say("  inflation of the joint test without effects", inflation, "")
    return taken, spent


def dosages(variants: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Draw dosages of variants without effects, one in a thousand missing."""
    for start in range(0, variants, WRITTEN_AT_ONCE):
        count = min(WRITTEN_AT_ONCE, variants - start)
        frequency = rng.uniform(0.05, 0.5, count).astype(np.float32)
        drawn = np.zeros((PARTICIPANTS, count), np.int8)
        for _ in range(2):
            drawn += rng.random(drawn.shape, dtype=np.float32) < frequency
        drawn[rng.random(drawn.shape, dtype=np.float32) < 0.001] = -127
        yield drawn


if __name__ == "__main__":
    sys.exit(main())
