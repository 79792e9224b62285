"""Feature sets that are no latents: what a latent has to beat, and what it must not be."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.modality import MODALITIES
from cmae.evaluation.features import FeatureSet, Labels
from cmae.evaluation.measures import pooled
from cmae.measure.electrocardiogram import EcgMeasures, measure_ecg

ROWS_AT_ONCE = 64
"""Recordings in memory at a time: 120 MB of cines."""

COMPONENTS = 256
"""Principal components of a recording: as many numbers as a latent of the paper has."""

SHUFFLED = "shuffled"

Floats = NDArray[np.float32]


class Recordings(Protocol):
    """What is needed of a cohort (``cmae.data.cohort.Cohort`` has it)."""

    @property
    def table(self) -> pd.DataFrame:
        """One row a (participant, visit)."""

    def has(self, modality: str) -> NDArray[np.bool_]:
        """Tell which rows have a recording."""

    def read_many(self, modality: str, rows: Sequence[int]) -> Floats:
        """Read recordings in physical units."""


def body(labels: Labels) -> FeatureSet:
    """Take age, sex and body size alone, as far as the table has them.

    Args:
        labels: Their covariates; gaps are filled by the mean of training rows.

    Returns:
        One number a covariate; present where any of them is known.
    """
    values = np.stack([labels.numbers(name) for name in labels.covariates], axis=1)
    present = np.asarray(np.isfinite(values).any(axis=1))
    return FeatureSet("age, sex, body size", values, present, holds=frozenset(labels.covariates))


def ecg_measures(cohort: Recordings) -> FeatureSet:
    """Measure the median beats as a cardiologist does.

    No RR interval and no QTc are among the measures: both need the rate, which a median beat does
    not hold, so latents have not seen it either. (Where a row has it, it helps to tell P from the
    T before.) About 6 ms a beat.

    Args:
        cohort: Its ECGs are read in chunks.

    Returns:
        (rows, 59): PR, P, QRS and QT in ms, whether there is a P, cosine and sine of the axes of
        P, QRS and T, and Q, R, S and T of each lead in mV; NaN where a wave is not there.
    """
    rate = "ecg_rr_ms"
    rr_ms = cohort.table[rate].to_numpy(np.float64) if rate in cohort.table else None
    present = cohort.has("ecg")
    values = np.full((len(present), 59), np.nan)
    for rows, recordings in _chunks(cohort, "ecg"):
        for row, beat in zip(rows, recordings, strict=True):
            known = None if rr_ms is None or not np.isfinite(rr_ms[row]) else float(rr_ms[row])
            values[row] = _numbers(measure_ecg(beat, rr_ms=known))
    return FeatureSet("ECG measures", values, present)


def _numbers(found: EcgMeasures) -> NDArray[np.float64]:
    """Lay measures out as features; an axis as a point on the circle, since −180° is 180°."""
    axes = np.deg2rad([found.p_axis_deg, found.qrs_axis_deg, found.t_axis_deg])
    has_p = float(np.isfinite(found.pr_ms))
    return np.concatenate(
        [
            [found.pr_ms, found.p_duration_ms, found.qrs_ms, found.qt_ms, has_p],
            np.cos(axes),
            np.sin(axes),
            found.q_mv,
            found.r_mv,
            found.s_mv,
            found.t_mv,
        ]
    )


def recording_components(
    cohort: Recordings, modality: str, *, components: int = COMPONENTS
) -> FeatureSet:
    """Take the recordings themselves, of which each training part finds principal components.

    An ECG as its 600 × 12 numbers, a cine as its z-score pooled by 4 × 4 pixels × 5 frames
    (24 × 24 × 10). All rows stay in memory: 29 kB an ECG, 23 kB a cine (144 and 115 MB for 5,000).

    Args:
        cohort: Its recordings are read in chunks.
        modality: ``ecg`` or ``mri``.
        components: Number of components.

    Returns:
        (rows, 7200) or (rows, 5760) float32, zero where there is no recording.
    """
    present = cohort.has(modality)
    values: Floats | None = None
    for rows, recordings in _chunks(cohort, modality):
        for row, recording in zip(rows, recordings, strict=True):
            flat = recording.ravel() if modality == "ecg" else pooled("mri", _standard(recording))
            if values is None:
                values = np.zeros((len(present), len(flat)), np.float32)
            values[row] = flat
    if values is None:
        values = np.zeros((len(present), 1), np.float32)
    return FeatureSet(f"PCA of the {MODALITIES[modality].title}", values, present, components)


def _standard(cine: Floats) -> Floats:
    """Return the z-score of a cine; a flat one is zero."""
    spread = float(cine.std())
    standard: Floats = (cine - cine.mean()) / (spread if spread > 0 else 1.0)
    return standard


def _chunks(cohort: Recordings, modality: str) -> Iterator[tuple[NDArray[np.int64], Floats]]:
    """Yield (rows, their recordings) of all rows that have one."""
    rows = np.flatnonzero(cohort.has(modality))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        yield some, cohort.read_many(modality, some.tolist())


def shuffled(
    features: FeatureSet, participants: NDArray[np.generic], *, seed: int = 0
) -> FeatureSet:
    """Give each row the features of a row of somebody else, drawn by chance.

    The rows of the participants trade places as blocks of a shuffled order, so nobody who has
    several rows keeps what their rows have in common.

    Args:
        features: The feature set.
        participants: (rows,): who each row is of.
        seed: Of the order.

    Returns:
        The same features in another order of the rows that have them.
    """
    rows = np.flatnonzero(features.present)
    places = np.unique(np.asarray(participants)[rows], return_inverse=True)[1]
    # Rows lie participant by participant in an order by chance; each takes those of one further on,
    # by more than any participant has rows, so nobody is given their own.
    by_chance = np.random.default_rng(seed).permutation(places.max(initial=0) + 1)
    order = rows[np.lexsort((np.arange(len(rows)), by_chance[places]))]
    most = int(np.bincount(places, minlength=1).max())
    values = features.values.copy()
    values[order] = features.values[np.roll(order, most)]
    name = f"{features.name}, {SHUFFLED}"
    return FeatureSet(name, values, features.present, features.components)
