"""Caches of comparisons: bounded, keyed by the cohort's fingerprint and a hash of the rows."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.once import Once
from app.session import explorer
from cmae.data.column import Column
from cmae.latent.group_comparison import Comparison, compare_groups
from cmae.latent.mean_recordings import (
    MeanDifference,
    MeanRecording,
    difference,
    mean_recording,
)

Rows = NDArray[np.int64]
Progress = Callable[[int, int], None]

SEED = 0
"""Of the draw where a group is too large to average quickly."""


@dataclass(frozen=True, eq=False)
class Means:
    """The mean recordings of two groups.

    Attributes:
        first: Of the first.
        second: Of the second.
        difference: First less second.
    """

    first: MeanRecording
    second: MeanRecording
    difference: MeanDifference


def hash_of(rows: Rows) -> str:
    """Return a hash of row numbers.

    Args:
        rows: (n,) sorted.
    """
    return hashlib.sha256(np.ascontiguousarray(rows, np.int64).tobytes()).hexdigest()


def comparison(
    first: Rows, second: Rows, names: Sequence[str], covariates: Sequence[str]
) -> Comparison:
    """Return what differs between two groups of rows.

    Args:
        first: Rows of the first.
        second: Rows of the second.
        names: Columns to compare.
        covariates: Columns that are held constant.

    Raises:
        InputError: They cannot be compared.
    """
    key = (explorer().cohort.fingerprint, hash_of(first), hash_of(second))
    return _comparison(key, tuple(names), tuple(covariates), first, second)


@st.cache_resource(max_entries=32, show_spinner=False)
def _comparison(
    key: tuple[str, str, str],
    names: tuple[str, ...],
    covariates: tuple[str, ...],
    _first: Rows,  # the key holds their hash
    _second: Rows,
) -> Comparison:
    cohort = explorer().cohort
    columns: Mapping[str, Column] = {name: cohort.columns[name] for name in names}
    return compare_groups(cohort.table, columns, _first, _second, covariates=covariates)


def cycle_ms(first: Rows, second: Rows) -> float | None:
    """Return the median time of a heartbeat in both groups, in ms, or None where it is not known.

    Args:
        first: Rows of the first.
        second: Rows of the second.
    """
    table = explorer().cohort.table
    for name in ("mri_rr_ms", "ecg_rr_ms"):
        if name in table:
            values = pd.to_numeric(
                table[name].iloc[np.concatenate([first, second])], errors="coerce"
            )
            if values.notna().any():
                return float(values.median())
    return None


def means(
    modality: str, first: Rows, second: Rows, *, most: int | None, on_progress: Progress
) -> Means:
    """Return the mean recordings of two groups.

    Args:
        modality: ``ecg`` or ``mri``.
        first: Rows of the first.
        second: Rows of the second.
        most: Participants of each that are averaged at most; None: all.
        on_progress: Called with (recordings done, recordings), where there is work to do.

    Raises:
        InputError: A group has too few such recordings.
    """
    here = explorer().cohort.fingerprint
    return _means(here, modality, hash_of(first), hash_of(second), most).get(
        lambda: _made(modality, (first, second), most, on_progress)
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _means(
    cohort_fingerprint: str, modality: str, first: str, second: str, most: int | None
) -> Once[Means]:
    return Once()


@st.cache_resource(max_entries=16, show_spinner=False)
def _mean(
    cohort_fingerprint: str, modality: str, rows: str, most: int | None
) -> Once[MeanRecording]:
    return Once()


def _made(
    modality: str, groups: tuple[Rows, Rows], most: int | None, on_progress: Progress
) -> Means:
    """Average both groups, one after the other, with one progress over both."""
    sizes = [len(rows) if most is None else min(len(rows), most) for rows in groups]
    found = []
    for rows, before in zip(groups, (0, sizes[0]), strict=True):

        def report(done: int, _: int, before: int = before) -> None:
            on_progress(min(before + done, sum(sizes)), sum(sizes))

        def average(rows: Rows = rows, report: Progress = report) -> MeanRecording:
            cohort = explorer().cohort
            return mean_recording(cohort, modality, rows, most=most, seed=SEED, on_progress=report)

        place = _mean(explorer().cohort.fingerprint, modality, hash_of(rows), most)
        found.append(place.get(average))
    return Means(found[0], found[1], difference(found[0], found[1]))
