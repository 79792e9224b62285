"""Caches of what one participant's page works out: bounded, keyed by fingerprints, read-only.

Nothing here may slow down the recordings: what takes long is worked out in the background, or after
the recordings have been drawn.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import caches, phenotypes
from app.background import Background, Report
from app.explorer import Explorer
from app.session import explorer
from cmae.data.modality import MRI_PIXEL_MM
from cmae.errors import RunError
from cmae.evaluation.folds import outer_folds
from cmae.evaluation.participants import split_of
from cmae.evaluation.reading import (
    FoldProbes,
    Reading,
    Standings,
    fit_without_fold,
    numbers,
    read,
)
from cmae.latent.decoding import Decodings, decode_all
from cmae.latent.decoding_errors import DecodingErrors, Path, decoding_errors
from cmae.latent.retrieval import rank_of
from cmae.latent.spread import spread_sample
from cmae.measure.ventricle import Ejection, ejection, find_ventricle

SAMPLED = 200
"""Rows whose decodings say how large errors are in the cohort."""

PROBED = ("ecg", "mri")
"""Latents that phenotypes are predicted from."""

KEPT_DECODINGS = 24


@dataclass(frozen=True, eq=False)
class Beat:
    """What a cine shows of the left ventricle over one heartbeat.

    Attributes:
        area_cm2: (frames,) area of the cavity; NaN throughout where none was found.
        ejection: Largest and smallest area, volumes, ejection fraction.
    """

    area_cm2: NDArray[np.float64]
    ejection: Ejection


def decodings_at_hand(row: int) -> Decodings | None:
    """Return all that a row's latents decode to where that is known already, or None.

    Args:
        row: Row of the cohort.
    """
    here = explorer()
    return _known(here.key).get(row) if here.model.is_ready else None


def decode(row: int) -> Decodings | None:
    """Decode a row's latents now; None while the model is not ready, or without latents.

    Args:
        row: Row of the cohort.
    """
    decoded = caches.decodings(row)
    if decoded is not None:
        known = _known(explorer().key)
        known[row] = decoded
        while len(known) > KEPT_DECODINGS:
            known.popitem(last=False)
    return decoded


@st.cache_resource(max_entries=4, show_spinner=False)
def _known(key: str) -> OrderedDict[int, Decodings]:
    """Return the decodings that were made last; shared by all who look."""
    return OrderedDict()


def errors(row: int) -> DecodingErrors | None:
    """Return how far a row's decodings are from its recordings, or None without decodings.

    Args:
        row: Row of the cohort.
    """
    return None if decodings_at_hand(row) is None else _errors(explorer().key, row)


@st.cache_resource(max_entries=256, show_spinner=False)
def _errors(key: str, row: int) -> DecodingErrors:
    decoded = decodings_at_hand(row) or decode(row)
    assert decoded is not None
    return decoding_errors(
        decoded, ecg=caches.recording("ecg", row), cine=caches.recording("mri", row)
    )


def error_sample() -> Background[Mapping[Path, NDArray[np.float64]]]:
    """Return the errors of a sample of the cohort by path, (SAMPLED,) or fewer each."""
    return _error_sample(explorer().key)


@st.cache_resource(max_entries=4, show_spinner=False)
def _error_sample(key: str) -> Background[Mapping[Path, NDArray[np.float64]]]:
    here = explorer()
    return Background(lambda report: _sample(here, report))


def _sample(here: Explorer, report: Report) -> Mapping[Path, NDArray[np.float64]]:
    """Decode rows that have both recordings, spread over the ages, one by one: clicks go first."""
    has_both = here.cohort.has("ecg") & here.cohort.has("mri") & (here.latent_rows >= 0)
    rows = np.flatnonzero(has_both)
    ages = here.cohort.table.get("age_years")
    order = rows if ages is None else ages.to_numpy(np.float64, na_value=np.nan)[rows]
    chosen = spread_sample(rows, order, SAMPLED)
    found: dict[Path, list[float]] = {}
    for done, row in enumerate(np.random.default_rng(0).permutation(chosen).tolist()):
        ecg, cine = (np.asarray(here.cohort.read(name, row)) for name in ("ecg", "mri"))
        with here.model.use() as run:
            decoded = decode_all(run, caches.latents_in(here, row), cine=cine)
        for path, size in decoding_errors(decoded, ecg=ecg, cine=cine).sizes().items():
            found.setdefault(path, []).append(size)
        report((done + 1) / len(chosen))
    return {path: np.array(sizes) for path, sizes in found.items()}


def heartbeat(row: int, source: str | None) -> Beat | None:
    """Find the left ventricle in a recorded or decoded cine, or None where there is none.

    Args:
        row: Row of the cohort.
        source: The latent that was decoded, or None for the recorded cine.
    """
    if source is None:
        return _heartbeat(explorer().cohort.fingerprint, row, None)
    decoded = decodings_at_hand(row)
    if decoded is None or source not in decoded.mri:
        return None
    return _heartbeat(explorer().key, row, source)


@st.cache_resource(max_entries=512, show_spinner=False)
def _heartbeat(key: str, row: int, source: str | None) -> Beat | None:
    if source is None:
        cine = caches.recording("mri", row)
    else:
        decoded = decodings_at_hand(row)
        cine = None if decoded is None else decoded.mri[source]
    if cine is None:
        return None
    pixel = phenotypes.known(explorer().cohort.table.iloc[row].get("mri_pixel_mm"))
    found = find_ventricle(cine, pixel_mm=pixel or MRI_PIXEL_MM)
    return Beat(found.area_mm2 / 100, ejection(found))


def probes(row: int, kind: str) -> Background[FoldProbes]:
    """Return probes that were fitted without the fold of a row's participant.

    Args:
        row: Row of the cohort.
        kind: Of the phenotypes, ``continuous`` or ``binary``.
    """
    return _probes(explorer().key, int(_folds(explorer().cohort.fingerprint)[row]), kind)


@st.cache_resource(max_entries=4, show_spinner=False)
def _folds(cohort_fingerprint: str) -> NDArray[np.int64]:
    return outer_folds(explorer().cohort.table["participant_id"].to_numpy(dtype=str))


@st.cache_resource(max_entries=40, show_spinner=False)
def _probes(key: str, fold: int, kind: str) -> Background[FoldProbes]:
    here = explorer()

    def fit(report: Report) -> FoldProbes:
        cohort, latents = here.cohort, here.latents
        known = here.latent_rows >= 0
        place = np.where(known, here.latent_rows, 0)
        given = {
            source: (latents.latents[source][place], latents.present[source][place] & known)
            for source in PROBED
            if source in latents.kinds
        }
        names = [
            name for name in phenotypes.ordered(cohort.columns) if cohort.columns[name].kind == kind
        ]
        return fit_without_fold(given, cohort.table, cohort.columns, names, fold=fold)

    return Background(fit)


def readings(row: int, kind: str) -> list[Reading] | None:
    """Return a row's phenotypes as measured and as predicted, or None while probes are fitted.

    Args:
        row: Row of the cohort.
        kind: ``continuous`` or ``binary``.

    Raises:
        CmaeError: The probes could not be fitted.
    """
    work = probes(row, kind)
    if work.error is not None:
        raise work.error
    return None if work.result is None else _readings(explorer().key, row, kind)


@st.cache_resource(max_entries=256, show_spinner=False)
def _readings(key: str, row: int, kind: str) -> list[Reading]:
    fitted = probes(row, kind).result
    assert fitted is not None
    cohort = explorer().cohort
    return read(
        fitted,
        caches.latents_of_row(row),
        cohort.table,
        cohort.columns,
        row=row,
        standings=lambda name: _standings(cohort.fingerprint, name),
    )


@st.cache_resource(max_entries=96, show_spinner=False)
def _standings(cohort_fingerprint: str, name: str) -> Standings:
    return Standings.of(numbers(explorer().cohort.table, name))


def part_in_training(row: int) -> str | None:
    """Say which part of the run's split a row was in.

    Args:
        row: Row of the cohort.

    Returns:
        ``train``, ``validation``, ``test``, empty for none of them; None where the run was trained
        on another cohort, or does not say.
    """
    split = _split(explorer().key)
    return None if split is None else str(split[row])


@st.cache_resource(max_entries=4, show_spinner=False)
def _split(key: str) -> NDArray[np.object_] | None:
    try:
        return split_of(explorer().run_path, explorer().cohort.table)
    except RunError:
        return None


def across(row: int, source: str, target: str) -> tuple[float, int] | None:
    """Say where a row's own recording ranks among all, by cosine to its other latent.

    Args:
        row: Row of the cohort.
        source: The latent that asks, ``ecg`` or ``mri``.
        target: The latents that are ranked.

    Returns:
        The rank, 1 for the nearest, and among how many; None where the row lacks either latent.
    """
    own = caches.latents_of_row(row)
    if source not in own or target not in own:
        return None
    return _across(explorer().key, row, source, target)


@st.cache_resource(max_entries=512, show_spinner=False)
def _across(key: str, row: int, source: str, target: str) -> tuple[float, int]:
    here = explorer()
    present, values = here.latents.present[target], here.latents.latents[target]
    index = int(here.latent_rows[row])
    own = int(present[:index].sum())
    candidates = values if present.all() else values[present]
    return rank_of(caches.latents_of_row(row)[source], candidates, own), len(candidates)
