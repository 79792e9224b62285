"""Where walks begin and where they lead: latents, starts and directions, cached."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import phenotypes, session
from app.explorer import shown_evidence
from app.session import explorer
from app.walk_wish import (
    COHORT,
    COMPONENT,
    GROUP,
    PHENOTYPE,
    ROW,
    SELECTION,
    TO,
    WalkWish,
    found_parts,
    row_of,
)
from cmae.errors import InputError
from cmae.latent import traversal
from cmae.latent.association_reading import read_results
from cmae.latent.direction_files import read_directions
from cmae.latent.traversal import Direction, Walk

Floats = NDArray[np.float64]

COMPONENTS = 10
"""Principal components that are offered."""

MOST_FOUND = 500
"""Directions of one association that are offered, the most telling."""

SIZES = (("bsa_m2",), ("height_cm", "weight_kg"))
"""Columns that say how large a body is; the first of these that a cohort has."""


@dataclass(frozen=True, eq=False)
class Start:
    """Where a walk begins.

    Attributes:
        name: For people.
        latent: (latent_dim,).
        row: The participant's row, or None for a center.
        rr_ms: The heartbeat at which hearts are played, in ms, or None.
    """

    name: str
    latent: Floats
    row: int | None
    rr_ms: float | None


@dataclass(frozen=True, eq=False)
class Way:
    """Where a walk leads.

    Attributes:
        title: For people.
        direction: The direction.
        covariates: Columns that it is adjusted for.
        cosine: With the unadjusted direction; None where nothing is adjusted.
        share: Share of the variance of the latents along it.
        source: Name of the association's folder that it is from, or empty.
    """

    title: str
    direction: Direction
    covariates: tuple[str, ...]
    cosine: float | None
    share: float
    source: str = ""


# Latents ---------------------------------------------------------------------------------------


def kinds() -> list[str]:
    """Return the kinds of latent that a walk can go through, the joint one first."""
    here = explorer()
    return [
        kind
        for kind in ("joint", "ecg", "mri")
        if kind in here.latents.kinds and int(here.latents.present[kind].sum()) > traversal.FEWEST
    ]


def latents_of_kind(kind: str) -> NDArray[np.float32]:
    """Return one latent a row of the cohort.

    Args:
        kind: ``ecg``, ``mri`` or ``joint``.

    Returns:
        (rows, latent_dim), read-only; NaN where a row has none.
    """
    here = explorer()
    latents = here.latents.latents[kind]
    if (
        len(latents) == len(here.latent_rows)
        and (here.latent_rows == np.arange(len(latents))).all()
    ):
        return latents
    return _aligned(here.key, kind)


@st.cache_resource(max_entries=3, show_spinner=False)
def _aligned(key: str, kind: str) -> NDArray[np.float32]:
    here = explorer()
    found = np.full((len(here.cohort), here.latents.latent_dim), np.nan, np.float32)
    is_known = here.latent_rows >= 0
    found[is_known] = here.latents.latents[kind][here.latent_rows[is_known]]
    found.setflags(write=False)
    return found


# Starts ----------------------------------------------------------------------------------------


def start(wish: WalkWish) -> Start:
    """Find where a walk begins.

    Args:
        wish: What was asked for.

    Raises:
        InputError: The group is gone or empty, or nobody there has such a latent.
    """
    number = session.row() if wish.start == ROW else None
    return _place(wish.start if number is None else f"row:{number}", wish.kind)


def _place(name: str, kind: str) -> Start:
    """Return a participant's latent, or the center of a group or of the cohort."""
    latents = latents_of_kind(kind)
    number = row_of(name)
    if number is not None:
        if number >= len(latents):
            raise InputError(f"There is no row {number:,}: choose one below {len(latents):,}.")
        if not np.isfinite(latents[number]).all():
            raise InputError(
                f"Participant {number:,} has no such latent, because a recording is missing: "
                "choose another latent, or another participant."
            )
        return Start(
            f"participant {number:,}", latents[number].astype(np.float64), number, _rr_ms(number)
        )
    if name == COHORT:
        return Start(
            "the cohort's center", _center(explorer().key, kind), None, _rr_ms(slice(None))
        )
    group = session.selection() if name == SELECTION else None
    if name.startswith(GROUP):
        group = session.groups().get(name.removeprefix(GROUP))
    if group is None:
        raise InputError("This group is not there any more: choose where to start from.")
    title = "the selection" if name == SELECTION else group.name
    return Start(
        f"the center of {title} ({len(group):,})",
        traversal.mean_latent(latents, group.rows),
        None,
        _rr_ms(group.rows),
    )


@st.cache_resource(max_entries=6, show_spinner=False)
def _center(key: str, kind: str) -> Floats:
    return traversal.mean_latent(latents_of_kind(kind))


def _rr_ms(rows: int | slice | NDArray[np.int64]) -> float | None:
    """Return the (median) heartbeat of rows, in ms, or None where none is known."""
    table = explorer().cohort.table
    for name in ("mri_rr_ms", "ecg_rr_ms"):
        if name in table:
            values = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64)[rows]
            known = values[np.isfinite(values) & (values > 0)]
            if known.size:
                return float(np.median(known))
    return None


# Ways ------------------------------------------------------------------------------------------


def covariates(alike: Sequence[str]) -> tuple[str, ...]:
    """Return the columns by which participants are held alike.

    Args:
        alike: Of ``age``, ``sex`` and ``size``; what the cohort does not know is left out.
    """
    columns = explorer().cohort.columns
    size = next((names for names in SIZES if all(name in columns for name in names)), ())
    by_word = {"age": ("age_years",), "sex": ("sex",), "size": size}
    return tuple(name for word in alike for name in by_word[word] if name in columns)


def way(wish: WalkWish, begin: Start) -> Way:
    """Find where a walk leads.

    Args:
        wish: What was asked for.
        begin: Where it begins.

    Raises:
        InputError: There is no such direction, or it cannot be found in these latents.
    """
    if wish.along.startswith(PHENOTYPE):
        return _phenotype_way(wish)
    here, latents = explorer(), latents_of_kind(wish.kind)
    if wish.along.startswith(COMPONENT):
        number = wish.along.removeprefix(COMPONENT)
        offered = components(wish.kind)
        if not (number.isascii() and number.isdecimal() and 1 <= int(number) <= len(offered)):
            raise InputError("There is no such component: choose another direction.")
        direction, share = offered[int(number) - 1]
        return Way(f"principal component {number}", direction, (), None, share)
    if wish.along.startswith(TO):
        end = _place(wish.along.removeprefix(TO), wish.kind)
        title = f"{begin.name} to {end.name}"
        leads = traversal.between(begin.latent, end.latent, name=title, kind=wish.kind)
        return Way(f"to {end.name}", leads, (), None, traversal.variance_share(leads, latents))
    place, name = found_parts(wish.along)
    folders = shown_evidence().associations
    if not 0 <= place < len(folders):
        raise InputError("There is no such direction here: choose another.")
    named = [each for each in found(place) if each.name == name]
    if not named:
        raise InputError("The association holds no direction of this name: choose another.")
    direction = named[0]
    if direction.kind != wish.kind:
        raise InputError(
            f"This direction was found in {direction.kind} latents, not in {wish.kind} ones: "
            "choose that latent."
        )
    if len(direction.vector) != here.latents.latent_dim:
        raise InputError("The association is of another run's latents: choose another direction.")
    share = traversal.variance_share(direction, latents)
    return Way(name, direction, (), None, share, folders[place].name)


def _phenotype_way(wish: WalkWish) -> Way:
    name = wish.along.removeprefix(PHENOTYPE)
    removed = tuple(each for each in covariates(wish.alike) if each != name)
    key = explorer().key
    direction, share = _phenotype_direction(key, wish.kind, name, removed)
    cosine = None
    if removed:
        plain, _ = _phenotype_direction(key, wish.kind, name, ())
        cosine = direction.cosine(plain)
    return Way(phenotypes.title(name), direction, removed, cosine, share)


@st.cache_resource(max_entries=128, show_spinner="Finding the direction …")
def _phenotype_direction(
    key: str, kind: str, name: str, removed: tuple[str, ...]
) -> tuple[Direction, float]:
    latents = latents_of_kind(kind)
    direction = traversal.phenotype_direction(
        latents, explorer().cohort.table, name, kind=kind, covariates=removed
    )
    return direction, traversal.variance_share(direction, latents)


def components(kind: str) -> list[tuple[Direction, float]]:
    """Return the principal components of a kind of latent, each with its share of variance.

    Args:
        kind: ``ecg``, ``mri`` or ``joint``.
    """
    return _components(explorer().key, kind)


@st.cache_resource(max_entries=6, show_spinner="Finding the principal components …")
def _components(key: str, kind: str) -> list[tuple[Direction, float]]:
    latents = latents_of_kind(kind)
    known = int(np.isfinite(latents).all(axis=1).sum())
    count = min(COMPONENTS, explorer().latents.latent_dim, known - 1)
    while count:
        try:
            found = traversal.principal_components(latents, count, kind=kind)
        except InputError:  # they vary in fewer directions
            count -= 1
            continue
        return [(each, traversal.variance_share(each, latents)) for each in found]
    return []


def found(place: int) -> list[Direction]:
    """Return the directions that an association found, the most telling first.

    Args:
        place: Which of the associations that the server shows, from 0.

    Raises:
        InputError: The folder was damaged since the start.
    """
    return _found(explorer().key, str(shown_evidence().associations[place]), place)


@st.cache_resource(max_entries=8, show_spinner=False)
def _found(key: str, folder: str, place: int) -> list[Direction]:
    path = shown_evidence().associations[place]
    return read_directions(path, kind=read_results(path).head.kind, most=MOST_FOUND)


def walk(begin: Start, leads: Way, wish: WalkWish) -> Walk:
    """Lay the points of a walk.

    Args:
        begin: Where it begins.
        leads: Where it leads.
        wish: How far, and in how many points.

    Raises:
        InputError: The two are of different latents.
    """
    latents = latents_of_kind(wish.kind)
    steps = traversal.even_steps(leads.direction, latents, reach=wish.reach, count=wish.count)
    return traversal.walk(begin.latent, leads.direction, steps)
