"""Caches that several pages share: bounded, keyed by run and cohort, arrays read-only."""

import io
from hashlib import blake2b

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import phenotypes
from app.explorer import Explorer
from app.groups import Group
from app.session import explorer
from cmae.latent.decoding import SOURCES, Decodings, decode_all
from cmae.latent.groups import compare
from cmae.latent.histogram import MISSING, Bins, bins_of
from cmae.latent.neighbours import nearest_rows

NUM_NEIGHBOURS = 12
"""Similar hearts that are offered."""

EXAMPLES = {
    "Weakest pump": ("lvef_percent", False),
    "Heaviest heart": ("lv_mass_g", True),
    "Widest QRS": ("qrs_ms", True),
}
"""What to try first: the row with the lowest or highest value of a column."""

MAX_TEXT_BYTES = 4_000_000
"""Bytes of a run's card or history that are read at most."""

CURVES = {
    "loss": "training",
    "validation_loss": "validation",
    "validation_ecg": "validation, ECG",
    "validation_mri": "validation, MRI",
}
"""Columns of a history that the page draws, with their names for people."""

History = tuple[NDArray[np.int64], list[tuple[str, NDArray[np.float64]]]]


def examples() -> dict[str, int]:
    """Return rows worth seeing first, by what they show."""
    return _examples(explorer().cohort.fingerprint)


@st.cache_resource(max_entries=4, show_spinner=False)
def _examples(cohort_fingerprint: str) -> dict[str, int]:
    cohort = explorer().cohort
    has_both = cohort.has("ecg") & cohort.has("mri")
    found = {}
    for label, (name, is_highest) in EXAMPLES.items():
        if name not in cohort.columns:
            continue
        values = pd.to_numeric(cohort.table[name], errors="coerce")[has_both].dropna()
        if len(values):
            found[label] = int(values.idxmax() if is_highest else values.idxmin())
    return found


def recording(modality: str, row: int) -> NDArray[np.generic] | None:
    """Return a recorded ECG or cine, or None where the row lacks it.

    Args:
        modality: ``ecg`` or ``mri``.
        row: Row of the cohort.

    Returns:
        A read-only array of the modality's shape, in its physical unit.
    """
    if not explorer().cohort.has(modality)[row]:
        return None
    return _recording(explorer().cohort.fingerprint, modality, row)


@st.cache_resource(max_entries=256, show_spinner=False)
def _recording(cohort_fingerprint: str, modality: str, row: int) -> NDArray[np.generic]:
    array = np.asarray(explorer().cohort.read(modality, row))
    array.setflags(write=False)
    return array


def latents_of_row(row: int) -> dict[str, NDArray[np.float32]]:
    """Return the latents that a row has, by source, each (latent_dim,).

    Args:
        row: Row of the cohort.
    """
    return latents_in(explorer(), row)


def latents_in(here: Explorer, row: int) -> dict[str, NDArray[np.float32]]:
    """Return the latents that a row of any explorer has, by source, each (latent_dim,).

    Args:
        here: What is looked at; a thread of its own has no session to ask.
        row: Row of the cohort.
    """
    index = here.latent_rows[row]
    return {
        source: here.latents.latents[source][index]
        for source in SOURCES
        if index >= 0 and source in here.latents.kinds and here.latents.present[source][index]
    }


def decodings(row: int) -> Decodings | None:
    """Return all that a row's latents decode to, or None while the model is not ready.

    Args:
        row: Row of the cohort.
    """
    here = explorer()
    if not here.model.is_ready or not latents_of_row(row):
        return None
    return _decodings(here.key, row)


@st.cache_resource(max_entries=24, show_spinner=False)
def _decodings(key: str, row: int) -> Decodings:
    with explorer().model.use() as run:
        return decode_all(run, latents_of_row(row), cine=recording("mri", row))


def bins(name: str) -> Bins:
    """Return the bins of a column of numbers, over all rows.

    Args:
        name: Name in the cohort's table.
    """
    return _bins(explorer().cohort.fingerprint, name)


@st.cache_resource(max_entries=96, show_spinner=False)
def _bins(cohort_fingerprint: str, name: str) -> Bins:
    numbers = pd.to_numeric(explorer().cohort.table[name], errors="coerce")
    return bins_of(numbers.to_numpy(np.float64, na_value=np.nan))


def categories(name: str) -> tuple[tuple[str | int, ...], NDArray[np.uint8]]:
    """Return what stands in a binary or categorical column, and the code of each row.

    Args:
        name: Name in the cohort's table, of a column with fewer than 255 categories.

    Returns:
        The categories as in the table, and (rows,) their positions, histogram.MISSING for none.
    """
    return _categories(explorer().cohort.fingerprint, name)


@st.cache_resource(max_entries=96, show_spinner=False)
def _categories(
    cohort_fingerprint: str, name: str
) -> tuple[tuple[str | int, ...], NDArray[np.uint8]]:
    here = explorer().cohort
    if here.columns[name].kind == "binary":
        numbers = pd.to_numeric(here.table[name], errors="coerce")
        known = numbers.to_numpy(np.float64, na_value=np.nan)
        return (0, 1), np.where(np.isin(known, (0, 1)), known, MISSING).astype(np.uint8)
    factor = pd.Categorical(here.table[name])
    codes = np.where(factor.codes < 0, MISSING, factor.codes).astype(np.uint8)
    return tuple(str(category) for category in factor.categories), codes


def compared_with_rest(group: Group) -> pd.DataFrame:
    """Compare a group with the rest of the cohort: ``cmae.latent.groups.compare``.

    Args:
        group: Rows of the cohort.
    """
    digest = blake2b(group.rows.tobytes(), digest_size=12).hexdigest()
    return _compared_with_rest(explorer().cohort.fingerprint, digest, _group=group)


@st.cache_data(max_entries=32, show_spinner=False)
def _compared_with_rest(
    cohort_fingerprint: str, rows_digest: str, *, _group: Group
) -> pd.DataFrame:
    cohort = explorer().cohort
    names = [
        name
        for name in phenotypes.ordered(cohort.columns)
        if cohort.columns[name].kind != "categorical"
    ]
    return compare(cohort.table, names, _group.mask(len(cohort)))


def run_text(name: str) -> str | None:
    """Return a text of the run folder, or None where it is not there.

    Args:
        name: File in the run folder.
    """
    return _run_text(explorer().latents.run_fingerprint, name)


@st.cache_resource(max_entries=8, show_spinner=False)
def _run_text(run_fingerprint: str, name: str) -> str | None:
    path = explorer().run_path / name
    if not path.is_file() or path.stat().st_size > MAX_TEXT_BYTES:
        return None
    return path.read_text(encoding="utf-8")


def run_history() -> History | None:
    """Return epochs and curves of the run's training, or None where none are stored."""
    text = run_text("history.csv")
    if not text:
        return None
    table = pd.read_csv(io.StringIO(text))
    names = [name for name in CURVES if name in table.columns]
    if "epoch" not in table.columns or not names:
        return None
    epochs = table["epoch"].to_numpy(np.int64)
    return epochs, [(CURVES[name], table[name].to_numpy(np.float64)) for name in names]


def neighbours(row: int, source: str, target: str | None = None) -> NDArray[np.int64]:
    """Return the rows whose latents are most like one of a row's latents.

    Args:
        row: Row of the cohort.
        source: Which latent: ``ecg``, ``mri`` or ``joint``.
        target: Which latents of the others; None: the same kind. Of another kind the row itself
            may be among the nearest.

    Returns:
        (k,) rows of the cohort, nearest first.
    """
    target = target or source
    stored = explorer().latents.neighbours.get(f"{source}_{target}")
    if stored is None:
        own = row if target == source else None
        return nearest_to(latents_of_row(row)[source], target, without=own)
    return _cohort_rows(np.asarray(stored[explorer().latent_rows[row]], np.int64))


def nearest_to(
    latent: NDArray[np.float32], source: str, *, without: int | None = None
) -> NDArray[np.int64]:
    """Return the rows of the cohort whose latents are most like any latent.

    Args:
        latent: (latent_dim,) of this run.
        source: Which latents it is compared with.
        without: A row to leave out.

    Returns:
        (k,) rows of the cohort, nearest first.
    """
    here = explorer()
    present, latents = here.latents.present[source], here.latents.latents[source]
    candidates = np.flatnonzero(present)
    found, _ = nearest_rows(
        latent[None], latents if present.all() else latents[candidates], NUM_NEIGHBOURS + 1
    )
    rows = _cohort_rows(candidates[found[0][found[0] >= 0]])
    others: NDArray[np.int64] = rows[rows != without][:NUM_NEIGHBOURS]
    return others


def _cohort_rows(latent_rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Turn rows of the latents file into rows of the cohort, leaving out what is not in it."""
    here = explorer()
    known = np.flatnonzero(here.latent_rows >= 0)
    rows = np.full(len(here.latents), -1, np.int64)
    rows[here.latent_rows[known]] = known
    found: NDArray[np.int64] = rows[latent_rows[latent_rows >= 0]]
    return found[found >= 0][:NUM_NEIGHBOURS]
