"""Small genotypes, latents and covariates with a known effect, made from a seed."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from cmae.data import genotypes as sets
from cmae.data.table import fingerprint
from cmae.latent.latents import Latents
from cmae.latent.partial import write_head


@dataclass
class Covariates:
    """A cohort as far as an association looks at it."""

    table: pd.DataFrame

    @property
    def fingerprint(self):
        return fingerprint(self.table)


def people(count, seed=0):
    """Covariates of some participants, one visit each."""
    rng = np.random.default_rng([seed, 1])
    sex = rng.integers(0, 2, count).astype(float)
    table = pd.DataFrame(
        {
            "participant_id": np.array([f"P{k:05d}" for k in range(count)], dtype=object),
            "visit": np.zeros(count, np.int64),
            "age_years": rng.normal(60, 8, count),
            "sex": sex,
            "height_cm": rng.normal(165, 7, count) + 12 * sex,
            "center": rng.choice(np.array(["north", "south", "west"], dtype=object), count),
        }
    )
    return Covariates(table)


def write_latents(path, cohort, values, *, kinds=("joint",), is_simulated=True):
    """Write a latents file with given values (rows, latent_dim); NaN rows are absent."""
    values = np.asarray(values, np.float32)
    present = {kind: np.isfinite(values).all(axis=1) for kind in kinds}
    with h5py.File(path, "w") as file:
        write_head(
            file,
            keys=cohort.table[["participant_id", "visit"]],
            present=present,
            latent_dim=values.shape[1],
            fingerprints=("run", cohort.fingerprint),
            is_simulated=is_simulated,
        )
        for kind in kinds:
            file[kind][...] = values
    return Latents.open(path)


def write_bed(folder, dosages, *, who=None, positions=None, chromosomes=None):
    """Write a PLINK set with given dosages (participants, variants), -127 where missing."""
    count, variants = dosages.shape
    Path(folder).mkdir(parents=True, exist_ok=True)
    samples = pd.DataFrame(
        {
            "participant_id": who or [f"P{k:05d}" for k in range(count)],
            "sex": np.arange(count) % 2,
        }
    )
    table = pd.DataFrame(
        {
            "variant": [f"rs{k}" if k % 2 else f"v{k}" for k in range(variants)],
            "chromosome": chromosomes or [1 + k * 22 // variants for k in range(variants)],
            "position": positions or [1000 * (k + 1) for k in range(variants)],
        }
    )
    sets.write(Path(folder), samples, table, [dosages.astype(np.int8)])
    return Path(folder) / sets.BED


def draw_dosages(count, variants, seed=0, low=0.1):
    rng = np.random.default_rng([seed, 2])
    frequency = rng.uniform(low, 0.5, variants)
    return (rng.random((count, variants, 2)) < frequency[None, :, None]).sum(2).astype(np.int8)
