"""What is met along a walk, cached: trust, predictions, decoded hearts and their ventricles."""

from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.caches import recording
from app.components.cine_pixels import MARKS, Cine, pixels_and_facts
from app.session import explorer
from app.walk_ways import Start, latents_of_kind
from cmae.errors import InputError
from cmae.latent import traversal
from cmae.latent.course import Course, follow
from cmae.latent.media import window
from cmae.latent.probe import Probe, fit
from cmae.latent.traversal import Walk
from cmae.latent.trust import Surroundings
from cmae.measure.ventricle import Ejection, Ventricle, ejection, find_ventricle

Floats = NDArray[np.float64]

PREDICTED = (
    "lvef_percent",
    "lvedv_ml",
    "lv_mass_g",
    "qrs_ms",
    "qtc_ms",
    "heart_rate_bpm",
    "age_years",
)
"""What is predicted along every walk, of what the cohort knows."""

MOST_FITTED = 20_000
"""Rows that a probe is fitted to at most, drawn by a seed: more would not make it better."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """What the points of a walk decode to, as a browser draws it; read-only.

    Attributes:
        ecg: (points, 600, 12) in mV, or None where the run does not decode it.
        pixels: (points × frames, rows, columns) bytes with one window, or None.
        facts: What CineScreen takes to draw the pixels.
        sd: Bytes that are one SD of the cine at the start.
    """

    ecg: NDArray[np.float32] | None
    pixels: NDArray[np.uint8] | None
    facts: dict[str, object]
    sd: float


def _identity(taken: Walk) -> tuple[object, ...]:
    """Return what makes a walk this walk, for keys."""
    direction = taken.direction
    return (
        direction.kind,
        direction.name,
        direction.step,
        direction.size,
        direction.vector.tobytes(),
        taken.steps.tobytes(),
        taken.points.tobytes(),
    )


def surroundings(kind: str) -> Surroundings:
    """Return the cohort's latents of a kind, ready to say how near points are to them.

    Args:
        kind: ``ecg``, ``mri`` or ``joint``.
    """
    return _surroundings(explorer().key, kind)


@st.cache_resource(max_entries=3, show_spinner="Measuring how close real hearts lie …")
def _surroundings(key: str, kind: str) -> Surroundings:
    return Surroundings(latents_of_kind(kind))


def course(taken: Walk, *, first: str = "") -> Course:
    """Return where a walk leaves the data, and what is predicted along it.

    Args:
        taken: The walk.
        first: A column that is predicted too, before the others; empty: none.
    """
    return _course(explorer().key, taken, first)


@st.cache_resource(max_entries=32, show_spinner=False, hash_funcs={Walk: _identity})
def _course(key: str, taken: Walk, first: str) -> Course:
    kind = taken.direction.kind
    probes = dict(_probes(key, kind, PREDICTED))
    if first and first not in probes:
        probes = {**_probes(key, kind, (first,)), **probes}
    return follow(taken, latents_of_kind(kind), surroundings(kind), probes)


def probes(kind: str, names: tuple[str, ...]) -> dict[str, Probe]:
    """Return probes of those columns of the cohort that can be fitted.

    Args:
        kind: Which latents they read: ``ecg``, ``mri`` or ``joint``.
        names: Columns wanted; those that the cohort lacks are left out.
    """
    return _probes(explorer().key, kind, names)


@st.cache_resource(max_entries=24, show_spinner="Fitting what is predicted …")
def _probes(key: str, kind: str, names: tuple[str, ...]) -> dict[str, Probe]:
    """Return probes of those columns that can be fitted."""
    here, latents = explorer(), latents_of_kind(kind)
    table, columns = here.cohort.table, here.cohort.columns
    rows = np.flatnonzero(np.isfinite(latents).all(axis=1))
    if len(rows) > MOST_FITTED:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_FITTED, replace=False))
    people = pd.factorize(table["participant_id"].iloc[rows])[0]
    values = {}
    for name in names:
        if name in columns and columns[name].kind != "categorical":
            numbers = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64)[rows]
            if len(np.unique(numbers[np.isfinite(numbers)])) > 1:
                values[name] = numbers
    try:
        return _fitted(latents[rows], values, people)
    except InputError:  # too few values of one of them: leave that out
        probes: dict[str, Probe] = {}
        for name, numbers in values.items():
            with suppress(InputError):
                probes |= _fitted(latents[rows], {name: numbers}, people)
        return probes


def _fitted(
    latents: NDArray[np.float32], values: dict[str, Floats], people: NDArray[np.int64]
) -> dict[str, Probe]:
    """Fit a probe a column, together: they share the decomposition of the latents."""
    if not values:
        return {}
    columns = explorer().cohort.columns
    targets = np.stack(list(values.values()), axis=1)
    kinds = [columns[name].kind for name in values]
    return dict(zip(values, fit(latents, targets, kinds, participants=people), strict=True))


def decoded(taken: Walk, begin: Start) -> Decoded | None:
    """Return what the points of a walk decode to, or None while the model is not ready.

    Args:
        taken: The walk.
        begin: Where it begins: a participant's recorded cine gives the decoded ones its scale.
    """
    here = explorer()
    if not here.model.is_ready:
        return None
    return _decoded(here.key, taken, begin.row)


@st.cache_resource(max_entries=6, show_spinner=False, hash_funcs={Walk: _identity})
def _decoded(key: str, taken: Walk, row: int | None) -> Decoded:
    cine = recording("mri", row) if row is not None else None
    with explorer().model.use() as run:
        outputs = traversal.decode_walk(run, taken, cine=cine)
    ecg = outputs.get("ecg")
    if ecg is not None:
        ecg.setflags(write=False)
    if "mri" not in outputs:
        return Decoded(ecg, None, {}, 1.0)
    cines = outputs["mri"]
    begins = cines[int(np.abs(taken.steps).argmin())]
    low, high = window(begins)
    # One long cine, the points one after the other, so that all have the same window.
    frames = np.moveaxis(cines, 0, 2).reshape(*cines.shape[1:3], -1)
    pixels, facts = pixels_and_facts(Cine(frames, "", low=low, high=high, note="", marks=MARKS))
    pixels.setflags(write=False)
    ends = facts["high"], facts["low"]
    assert isinstance(ends[0], float)
    assert isinstance(ends[1], float)
    scale = (ends[0] - ends[1]) / max(high - low, 1e-6)
    return Decoded(ecg, pixels, facts, float(begins.std()) * scale)


def ventricles(taken: Walk, begin: Start, shown: Decoded) -> list[tuple[Ventricle, Ejection]]:
    """Return the left ventricle found in each decoded cine; empty where none were decoded.

    Args:
        taken: The walk.
        begin: Where it begins.
        shown: What its points decode to.
    """
    if shown.pixels is None:
        return []
    return _ventricles(explorer().key, taken, begin.row)


@st.cache_resource(max_entries=12, show_spinner=False, hash_funcs={Walk: _identity})
def _ventricles(key: str, taken: Walk, row: int | None) -> list[tuple[Ventricle, Ejection]]:
    pixels = _decoded(key, taken, row).pixels
    assert pixels is not None
    measured = []
    for cine in np.split(pixels, len(taken.points)):
        ventricle = find_ventricle(np.moveaxis(cine, 0, 2))
        # Masks are 460 kB a point, and not shown.
        slim = replace(ventricle, masks=np.zeros((0, 0, 0), np.bool_))
        measured.append((slim, ejection(ventricle)))
    return measured
