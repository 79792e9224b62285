"""Heart function read from recorded, reconstructed and translated cines of the same people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.modality import MRI, MRI_FRAMES, MRI_MASK, MRI_PIXEL_MM
from cmae.errors import CohortError
from cmae.evaluation.heldout import SOURCES, Evaluated, Recordings
from cmae.latent.bootstrap import estimate
from cmae.measure.ventricle import Ventricle, ejection, find_ventricle, of_masks
from cmae.progress import Progress

ROWS_AT_ONCE = 32
"""Rows in memory at a time: 60 MB of cines, and as much for the path that is decoded."""

RECORDED, TRUTH = "recorded", "truth"

MEASURES = {
    "max_area_cm2": "cm²",
    "min_area_cm2": "cm²",
    "area_change_percent": "%",
    "edv_ml": "mL",
    "esv_ml": "mL",
    "ef_percent": "%",
    "septum_mm": "mm",
    "wall_g": "g",
}
"""What is read from each cine (``cmae.measure.ventricle``), with its unit."""

CAVITY_LABEL = 1
"""Label of the left ventricle's cavity in a cohort's masks."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class HeartFunction:
    """What was read from the cines of the same held-out rows.

    Attributes:
        rows: (n,) row numbers in the cohort.
        participants: (n,) who each row is of.
        areas_cm2: By cine (``recorded``, ``mri_to_mri``, ``ecg_to_mri``, ``joint_to_mri``, and
            ``truth`` where the cohort has masks), (n, 50) areas of the left ventricle over the
            cycle; NaN where it was not found.
        measures: By cine, a table of n rows with the columns of ``MEASURES``; NaN likewise.
        num_left_out: Given rows that lack a recording which the run encodes.
    """

    rows: NDArray[np.int64]
    participants: NDArray[np.str_]
    areas_cm2: Mapping[str, Floats] = field(repr=False)
    measures: Mapping[str, pd.DataFrame] = field(repr=False)
    num_left_out: int = 0

    @property
    def num_not_found(self) -> dict[str, int]:
        """By cine, in how many rows no ventricle was found."""
        return {name: int(np.isnan(areas[:, 0]).sum()) for name, areas in self.areas_cm2.items()}


def measure_function(
    run: Evaluated,
    cohort: Recordings,
    rows: NDArray[np.integer[Any]],
    *,
    on_progress: Progress | None = None,
) -> HeartFunction:
    """Read the left ventricle from recorded, reconstructed and translated cines.

    Args:
        run: The run; it encodes and decodes MRI.
        cohort: The cohort; its masks are the truth where it has any.
        rows: Held-out row numbers; those that lack a recording which the run encodes are left out.
        on_progress: Called with (rows done, rows).

    Returns:
        Areas and measures by cine.

    Raises:
        CohortError: The run has no MRI, or no row has all recordings.
    """
    given = np.asarray(rows, np.int64)
    has_all = np.all([cohort.has(name)[given] for name in run.modalities], axis=0)
    if MRI.name not in run.modalities or not has_all.any():
        raise CohortError(
            f"The run encodes {', '.join(run.modalities)}, and {int(has_all.sum())} of "
            f"{len(given)} rows have all of it: heart function needs a run with MRI and rows that "
            "have every recording."
        )
    held_out = given[has_all]
    areas: dict[str, Floats] = {}
    values: dict[str, Floats] = {}
    for start in range(0, len(held_out), ROWS_AT_ONCE):
        chunk = slice(start, start + ROWS_AT_ONCE)
        pixels = _pixels_mm(cohort.table, held_out[chunk])
        for name, ventricles in _read(run, cohort, held_out[chunk], pixels):
            areas.setdefault(name, np.full((len(held_out), MRI_FRAMES), np.nan))
            table = values.setdefault(name, np.full((len(held_out), len(MEASURES)), np.nan))
            for row, ventricle in enumerate(ventricles, start):
                if ventricle is not None:
                    areas[name][row] = ventricle.area_mm2 / 100
                    table[row] = _values(ventricle)
        if on_progress is not None:
            on_progress(min(start + ROWS_AT_ONCE, len(held_out)), len(held_out))
    return HeartFunction(
        rows=held_out,
        participants=cohort.table["participant_id"].to_numpy()[held_out].astype(str),
        areas_cm2=areas,
        measures={
            name: pd.DataFrame(table, columns=list(MEASURES)) for name, table in values.items()
        },
        num_left_out=len(given) - len(held_out),
    )


def mean_curves(found: HeartFunction, *, seed: int = 0) -> pd.DataFrame:
    """Average the area curves over participants.

    Args:
        found: What ``measure_function`` gave.
        seed: Seed of the bootstrap.

    Returns:
        A row for each cine and frame: ``of``, ``frame``, ``area_cm2`` with its 95 % interval over
        participants ``low`` … ``high``, and ``n`` curves.
    """
    rows = []
    for name, areas in found.areas_cm2.items():
        is_known = np.isfinite(areas).all(axis=1)
        if not is_known.any():
            continue
        for frame in range(areas.shape[1]):
            number = estimate(
                areas[is_known, frame], participants=found.participants[is_known], seed=seed
            )
            rows.append(
                {
                    "of": name,
                    "frame": frame,
                    "area_cm2": number.value,
                    "low": number.low,
                    "high": number.high,
                    "n": int(is_known.sum()),
                }
            )
    return pd.DataFrame(rows)


def _read(
    run: Evaluated, cohort: Recordings, rows: NDArray[np.int64], pixels_mm: Floats
) -> Iterator[tuple[str, list[Ventricle | None]]]:
    """Yield the ventricles of each cine of a chunk of rows."""
    numbers = rows.tolist()
    recorded = cohort.read_many(MRI.name, numbers)
    yield RECORDED, _found(recorded, pixels_mm)
    latents = {MRI.name: run.encode(MRI.name, recorded, batch_size=ROWS_AT_ONCE)}
    for name in run.modalities:
        if name != MRI.name:
            recordings = cohort.read_many(name, numbers)
            latents[name] = run.encode(name, recordings, batch_size=ROWS_AT_ONCE)
    if len(latents) > 1:
        present = {name: np.ones(len(rows), bool) for name in latents}
        latents["joint"] = run.joint(dict(latents), present)
    for source in (source for source in SOURCES if source in latents):
        decoded = run.decode(MRI.name, latents[source], mean=0.0, std=1.0, batch_size=ROWS_AT_ONCE)
        yield f"{source}_to_{MRI.name}", _found(decoded, pixels_mm)
    has_mask = cohort.has(MRI_MASK.name)[rows]
    if has_mask.any():
        masks = iter(cohort.read_many(MRI_MASK.name, rows[has_mask].tolist()))
        yield (
            TRUTH,
            [
                of_masks(next(masks) == CAVITY_LABEL, pixel_mm=pixel) if has else None
                for has, pixel in zip(has_mask, pixels_mm, strict=True)
            ],
        )


def _found(cines: NDArray[np.float32], pixels_mm: Floats) -> list[Ventricle | None]:
    return [
        find_ventricle(cine, pixel_mm=float(pixel))
        for cine, pixel in zip(cines, pixels_mm, strict=True)
    ]


def _values(ventricle: Ventricle) -> list[float]:
    beat = ejection(ventricle)
    return [getattr(beat if hasattr(beat, name) else ventricle, name) for name in MEASURES]


def _pixels_mm(table: pd.DataFrame, rows: NDArray[np.int64]) -> Floats:
    """Return the pixel side of each row, the canonical one where the cohort does not say."""
    if "mri_pixel_mm" not in table:
        return np.full(len(rows), MRI_PIXEL_MM)
    sides = table["mri_pixel_mm"].to_numpy(np.float64, na_value=np.nan)[rows]
    return np.where(np.isfinite(sides) & (sides > 0), sides, MRI_PIXEL_MM)
