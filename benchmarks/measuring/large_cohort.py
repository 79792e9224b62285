"""A cohort as large as wanted on little disk: the recordings of some simulated people, repeated."""

import os
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from cmae.data import table as tables
from cmae.data.cohort import Cohort
from cmae.data.staging import RECORDINGS
from cmae.latent.latents import Latents
from cmae.latent.partial import write_head

Floats = NDArray[np.float32]

AWAY_ON_MAP = 0.15
"""SD of a repeated row about the position of the first, in units of the map."""

AWAY_IN_LATENT = 0.3
"""SD of a repeated row about the latent of the first, in latent units."""

AWAY_IN_TABLE = 0.05
"""SD of a repeated row's measurements about those of the first, in SDs of the column."""


def repeat(cohort: Cohort, latents: Latents, folder: Path, *, rows: int, seed: int = 0) -> None:
    """Write a cohort of many rows that share few recordings, with latents and maps.

    Measurements and latents are spread about those of the people whose recordings a row has: the
    maps and histograms look like those of a large cohort, and mean nothing.

    Args:
        cohort: Simulated people, all with both recordings.
        latents: Theirs, with maps.
        folder: Gets ``cohort/`` and ``latents.h5``.
        rows: How many.
        seed: Of the spread.
    """
    rng = np.random.default_rng(seed)
    source = np.arange(rows) % len(cohort)
    large = _repeated_cohort(cohort, folder / "cohort", source, rng)
    with h5py.File(folder / "latents.h5", "w") as file:
        write_head(
            file,
            keys=large.table[["participant_id", "visit"]],
            present={kind: np.ones(rows, np.bool_) for kind in latents.kinds},
            latent_dim=latents.latent_dim,
            fingerprints=(latents.run_fingerprint, large.fingerprint),
            is_simulated=True,
        )
        for kind in latents.kinds:
            file[kind][...] = _spread(latents.latents[kind][source], AWAY_IN_LATENT, rng)
        for name, positions in latents.maps.items():
            group = file.create_group(f"maps/{name}")
            group.attrs.update(latents.map_settings[name])
            for kind, found in positions.items():
                group[kind] = _spread(found[source], AWAY_ON_MAP, rng)


def _repeated_cohort(
    cohort: Cohort, path: Path, source: NDArray[np.int64], rng: np.random.Generator
) -> Cohort:
    """Write the table of the large cohort beside links to the parts of the small one."""
    table = cohort.table.iloc[source].reset_index(drop=True)
    table["participant_id"] = [f"R{k:07d}" for k in range(len(table))]
    for name, column in cohort.columns.items():
        if column.kind == "continuous" and column.role != "truth":
            values = table[name].to_numpy(np.float64)
            away = AWAY_IN_TABLE * float(np.nanstd(values))
            table[name] = values + rng.normal(scale=max(away, 1e-9), size=len(values))
    (path / RECORDINGS).mkdir(parents=True)
    for part in (cohort.path / RECORDINGS).iterdir():
        os.link(part, path / RECORDINGS / part.name)
    number = dict.fromkeys(tables.STORED, 1)
    tables.save(path, tables.Contents(table, cohort.columns, number))
    return Cohort.open(path)


def _spread(values: Floats, away: float, rng: np.random.Generator) -> Floats:
    moved: Floats = values + np.float32(away) * rng.standard_normal(values.shape, np.float32)
    return moved
