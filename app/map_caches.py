"""Caches of what a map draws: points and colors, bounded, keyed by fingerprints."""

import pandas as pd
import streamlit as st

from app import map_data
from app.components.latent_map import Categories, MapPoints, Numbers
from app.explorer import Explorer
from app.session import explorer
from cmae.latent.phenotype_map import PhenotypeMap, phenotype_map


def map_points(space: str, name: str, axes: map_data.Axes | None = None) -> MapPoints:
    """Return the points of a map; the same object for the same map.

    Args:
        space: A key of map_data.SPACES.
        name: A name of the latents' maps, or map_data.AXES.
        axes: The phenotypes of the two axes, for map_data.AXES.

    Raises:
        InputError: A phenotype has no direction in these latents.
    """
    return _map_points(explorer().key, space, name, axes)


@st.cache_resource(max_entries=16, show_spinner=False)
def _map_points(key: str, space: str, name: str, axes: map_data.Axes | None) -> MapPoints:
    here = explorer()
    if name != map_data.AXES or axes is None:
        return map_data.points(here.latents.maps[name], here.latent_rows, space=space)
    found = phenotype_axes(axes)
    titles = map_data.axis_titles(axes)
    return map_data.points(found.positions, here.latent_rows, space=space, axis_titles=titles)


def phenotype_axes(axes: map_data.Axes) -> PhenotypeMap:
    """Return the latents' places on two phenotype axes.

    Args:
        axes: The phenotypes, and what they are adjusted for.

    Raises:
        InputError: A phenotype has no direction in these latents.
    """
    return _phenotype_axes(explorer().key, axes)


@st.cache_resource(max_entries=6, show_spinner="Finding the directions of two phenotypes …")
def _phenotype_axes(key: str, axes: map_data.Axes) -> PhenotypeMap:
    here = explorer()
    kind = "joint" if "joint" in here.latents.kinds else here.latents.kinds[0]
    return phenotype_map(
        here.latents.latents,
        _table_of_latents(here, [axes.across, axes.up, *axes.covariates]),
        (axes.across, axes.up),
        kind=kind,
        covariates=axes.covariates,
    )


def _table_of_latents(here: Explorer, names: list[str]) -> pd.DataFrame:
    """Return columns of the cohort at the rows of the latents file; missing where it has none."""
    rows = map_data.rows_of_cohort(here.latent_rows, len(here.latents))
    return here.cohort.table[list(dict.fromkeys(names))].reset_index(drop=True).reindex(rows)


def colour(space: str, points: MapPoints, name: str) -> Categories | Numbers:
    """Return the column of colour of a map; the same object for the same rows.

    Args:
        space: A key of map_data.SPACES.
        points: The map's points.
        name: One of map_data.colour_names.
    """
    return _colour(explorer().key, space, points.meaning, name, _points=points)


@st.cache_resource(max_entries=16, show_spinner=False)
def _colour(
    key: str, space: str, meaning: str, name: str, *, _points: MapPoints
) -> Categories | Numbers:
    return map_data.colour(explorer().cohort, _points, name)
