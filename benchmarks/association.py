"""Testing variants of a BED file against whole latents: time and memory, from file to results."""

import sys
import tempfile
import time
from pathlib import Path

from measuring import is_full, peak_memory_gb, say

FULL, SMALL = (20_000, 100_000), (5_000, 4_000)
"""Participants and variants."""

LATENT_DIM = 256
COVARIATES = ("age_years", "sex", "height_cm", "weight_kg")
WRITTEN_AT_ONCE = 1000


def main() -> int:
    """Measure and print."""
    participants, variants = FULL if is_full(__doc__ or "") else SMALL
    import h5py  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    from cmae.data import genotypes as sets  # noqa: PLC0415
    from cmae.data.table import fingerprint  # noqa: PLC0415
    from cmae.latent.association import AssociationSettings, associate  # noqa: PLC0415
    from cmae.latent.latents import Latents  # noqa: PLC0415
    from cmae.latent.partial import write_head  # noqa: PLC0415
    from cmae.readers.genotypes import open_genotypes  # noqa: PLC0415

    class Cohort:
        """A table of covariates."""

        def __init__(self, table: pd.DataFrame) -> None:
            self.table, self.fingerprint = table, fingerprint(table)

    rng = np.random.default_rng(3)
    table = pd.DataFrame({name: rng.normal(size=participants) for name in COVARIATES})
    who = np.array([f"P{k:06d}" for k in range(participants)], dtype=object)
    table = table.assign(participant_id=who, visit=0)
    cohort = Cohort(table)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with h5py.File(folder / "latents.h5", "w") as file:
            write_head(
                file,
                keys=table[["participant_id", "visit"]],
                present={"joint": np.ones(participants, bool)},
                latent_dim=LATENT_DIM,
                fingerprints=("run", cohort.fingerprint),
                is_simulated=True,
            )
            file["joint"][...] = rng.normal(size=(participants, LATENT_DIM))
        samples = pd.DataFrame({"participant_id": who, "sex": 1})
        number = np.arange(variants)
        described = pd.DataFrame(
            {
                "chromosome": number * 22 // variants + 1,
                "variant": [f"v{k}" for k in number],
                "position": 1000 * (number + 1),
            }
        )

        def drawn(count: int) -> np.ndarray:
            dosages = rng.binomial(2, rng.uniform(0.05, 0.5, count), (participants, count))
            dosages[rng.random(dosages.shape) < 0.001] = -127
            return dosages.astype(np.int8)

        blocks = (
            drawn(min(WRITTEN_AT_ONCE, variants - start))
            for start in range(0, variants, WRITTEN_AT_ONCE)
        )
        sets.write(folder, samples, described, blocks)
        before = peak_memory_gb()
        started = time.perf_counter()
        genotypes = open_genotypes(folder / sets.BED)
        summary = associate(
            Latents.open(folder / "latents.h5"),
            genotypes,
            folder / "out",
            cohort=cohort,
            settings=AssociationSettings(covariates=COVARIATES),
        )
        taken = time.perf_counter() - started
    say(f"{variants:,} variants x {participants:,} participants x 256", taken, "s")
    say("million dosages/s", variants * participants / taken / 1e6, "")
    whole = FULL[0] * FULL[1] / (variants * participants) * taken / 60
    say("100,000 variants x 20,000 participants at that rate", whole, "min", "<= 3")
    say("peak memory", peak_memory_gb(), "GB")
    say("  before testing", before, "GB")
    say("inflation of the joint test without effects", summary["tests"]["joint"]["lambda"], "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
