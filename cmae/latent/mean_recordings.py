"""Mean recordings of groups, sample by sample and pixel by pixel, with how far they could lie."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from cmae.data.modality import MODALITIES, MRI
from cmae.data.normalization import Normalization
from cmae.errors import InputError
from cmae.latent.groups import first_rows

Floats = NDArray[np.float32]
Progress = Callable[[int, int], None]

AT_ONCE = {"ecg": 512, "mri": 16}
"""Recordings in memory at a time: 15 MB of ECGs, 30 MB of cines, whatever the group's size."""


class Recordings(Protocol):
    """What is needed of a cohort (``cmae.data.cohort.Cohort`` has it)."""

    @property
    def table(self) -> pd.DataFrame:
        """One row a (participant, visit)."""

    def has(self, modality: str) -> NDArray[np.bool_]:
        """Tell which rows have a recording."""

    def read_many(self, modality: str, rows: Sequence[int]) -> Floats:
        """Read recordings in physical units."""


@dataclass(frozen=True, eq=False)
class MeanRecording:
    """A mean with its 95 % interval at each point; intervals are pointwise, not of all at once.

    Attributes:
        modality: ``ecg`` or ``mri``.
        participants: How many the mean is of.
        available: Participants of the group who have such a recording; more than the mean is of
            where it is of some, drawn at random.
        without: Participants of the group who have no such recording.
        mean: In the modality's shape: mV, or SDs of a cine (each cine's own z-score).
        low: Lower end of the interval of the mean, the same shape.
        high: Upper end.
        standard_error: Of the mean, the same shape.
    """

    modality: str
    participants: int
    available: int
    without: int
    mean: Floats
    low: Floats
    high: Floats
    standard_error: Floats


@dataclass(frozen=True, eq=False)
class MeanDifference:
    """First mean less the second, with its pointwise 95 % interval (Welch).

    Attributes:
        modality: ``ecg`` or ``mri``.
        difference: In the modality's shape and the unit of the means; positive where the first
            is larger.
        low: Lower end of the interval, the same shape.
        high: Upper end.
    """

    modality: str
    difference: Floats
    low: Floats
    high: Floats

    @property
    def is_clear(self) -> NDArray[np.bool_]:
        """Where the interval excludes 0, in the modality's shape; pointwise, not of all at once."""
        return np.asarray((self.low > 0) | (self.high < 0))

    def clear(self) -> Floats:
        """Return the difference where the interval excludes 0, and 0 elsewhere."""
        return np.where(self.is_clear, self.difference, np.float32(0))


def mean_recording(
    cohort: Recordings,
    modality: str,
    rows: NDArray[np.generic],
    *,
    most: int | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> MeanRecording:
    """Average the recordings of a group, read a few at a time.

    Each participant counts once, with their first row that has the recording. A cine has no scale
    of its own, so each is averaged as its z-score. Mean and variance are Welford's, chunks merged
    as by Chan et al. (1979), in double precision.

    Args:
        cohort: The cohort.
        modality: ``ecg`` or ``mri``.
        rows: The group: a mask (rows,), or row numbers.
        most: Average so many participants at most, drawn at random; None: all.
        seed: Of the draw.
        on_progress: Called with (recordings done, recordings).

    Raises:
        InputError: A row does not exist, the group is empty, or fewer than two of it have the
            recording.
    """
    if modality not in MODALITIES:
        raise InputError(f"There is no modality {modality!r}: choose {' or '.join(MODALITIES)}.")
    everybody = first_rows(cohort.table, rows, name="chosen")
    wanted = np.asarray(rows)
    wanted = np.flatnonzero(wanted) if wanted.dtype == bool else np.unique(wanted)
    wanted = wanted[cohort.has(modality)[wanted]]
    title = MODALITIES[modality].title
    chosen = first_rows(cohort.table, wanted, name=title) if len(wanted) else wanted
    if len(chosen) < 2:
        raise InputError(
            f"{len(chosen)} participants of the group have an {title}, and a mean with an interval "
            "takes two: choose more."
        )
    available = len(chosen)
    if most is not None and available > max(most, 2):
        drawn = np.random.default_rng(seed).choice(available, max(most, 2), replace=False)
        chosen = chosen[np.sort(drawn)]
    mean, squares = _moments(cohort, modality, chosen, on_progress)
    count = len(chosen)
    error = np.sqrt(squares / (count - 1) / count)
    away = float(t.isf(0.025, count - 1)) * error
    return MeanRecording(
        modality=modality,
        participants=count,
        available=available,
        without=len(everybody) - available,
        mean=mean.astype(np.float32),
        low=(mean - away).astype(np.float32),
        high=(mean + away).astype(np.float32),
        standard_error=error.astype(np.float32),
    )


def difference(first: MeanRecording, second: MeanRecording) -> MeanDifference:
    """Subtract the second mean from the first.

    Args:
        first: Of one group.
        second: Of another, of nobody of the first.

    Raises:
        InputError: They are of different modalities.
    """
    if first.modality != second.modality:
        raise InputError(
            f"The means are of an {MODALITIES[first.modality].title} and of an "
            f"{MODALITIES[second.modality].title}: compare two of one modality."
        )
    parts = [np.asarray(each.standard_error, np.float64) ** 2 for each in (first, second)]
    variance = parts[0] + parts[1]
    squares = parts[0] ** 2 / (first.participants - 1) + parts[1] ** 2 / (second.participants - 1)
    fewest = float(min(first.participants, second.participants) - 1)
    freedom = np.divide(
        variance**2, squares, out=np.full(variance.shape, fewest), where=squares > 0
    )
    value = np.asarray(first.mean, np.float64) - second.mean
    away = t.isf(0.025, freedom) * np.sqrt(variance)
    return MeanDifference(
        modality=first.modality,
        difference=value.astype(np.float32),
        low=(value - away).astype(np.float32),
        high=(value + away).astype(np.float32),
    )


def _moments(
    cohort: Recordings,
    modality: str,
    rows: NDArray[np.int64],
    on_progress: Progress | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean, and the sum of squares about it."""
    shape = MODALITIES[modality].shape
    mean, squares = np.zeros(shape), np.zeros(shape)
    size, done = AT_ONCE[modality], 0
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        recordings = cohort.read_many(modality, some.tolist())
        if modality == MRI.name:
            recordings = Normalization().normalize(modality, recordings, out=recordings)
        elif not np.isfinite(recordings).all():
            raise InputError("An ECG of the group holds numbers that are not finite: leave it out.")
        part = recordings.mean(axis=0, dtype=np.float64)
        away = part - mean
        both = done + len(some)
        for recording in recordings:
            squares += (recording - part) ** 2
        squares += away**2 * (done * len(some) / both)
        mean += away * (len(some) / both)
        done = both
        if on_progress is not None:
            on_progress(done, len(rows))
    return mean, squares
