"""What the latent map draws: latents and a cohort's columns as points and colours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app import phenotypes
from app.components.latent_map import Categories, MapPoints, Numbers

if TYPE_CHECKING:
    from cmae.data.cohort import Cohort
    from cmae.latent.latents import Latents

SPACES = {
    "both": ("ecg", "mri"),
    "ecg": ("ecg",),
    "mri": ("mri",),
    "joint": ("joint",),
}
"""The kinds of latent that a map can show together."""

SPACE_TITLES = {"both": "ECG + MRI", "ecg": "ECG", "mri": "MRI", "joint": "Joint"}
KIND_TITLES = {"ecg": "ECG latents", "mri": "MRI latents", "joint": "Joint latents"}
MODALITY = "modality"
"""The colour that says which recording a latent comes from."""

AXES = "axes"
"""The map whose two axes are phenotypes."""

MAX_CATEGORIES = 12


@dataclass(frozen=True)
class Axes:
    """Two phenotypes as the axes of a map.

    Attributes:
        across: Name of the horizontal axis' column.
        up: Of the vertical one's.
        covariates: Columns that are removed before the directions are found.
    """

    across: str
    up: str
    covariates: tuple[str, ...] = ()


def rows_of_latents(cohort: "Cohort", latents: "Latents") -> NDArray[np.int64]:
    """Find the latent of each row of a cohort.

    Args:
        cohort: The cohort that is open.
        latents: Latents of this cohort, or of an earlier or other state of it.

    Returns:
        (rows,) row of the latents file, -1 where a row has none.
    """
    if latents.cohort_fingerprint == cohort.fingerprint and len(latents) == len(cohort):
        return np.arange(len(cohort))
    known = pd.MultiIndex.from_frame(latents.keys[["participant_id", "visit"]])
    wanted = pd.MultiIndex.from_frame(cohort.table[["participant_id", "visit"]])
    return np.asarray(known.get_indexer(wanted), np.int64)


def rows_of_cohort(latent_rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Find the row of the cohort of each latent.

    Args:
        latent_rows: (rows,) from rows_of_latents.
        count: Rows of the latents file.

    Returns:
        (count,) row of the cohort, -1 where it has none.
    """
    known = np.flatnonzero(latent_rows >= 0)
    rows = np.full(count, -1, np.int64)
    rows[latent_rows[known]] = known
    return rows


def axis_titles(axes: Axes) -> tuple[str, str]:
    """Name two phenotype axes with their unit.

    Args:
        axes: The phenotypes.
    """
    adjusted = ", adjusted" if axes.covariates else ""
    across, up = (f"{phenotypes.title(name)}{adjusted} (SD)" for name in (axes.across, axes.up))
    return across, up


def axis_names(cohort: "Cohort") -> list[str]:
    """List what can be an axis: columns of numbers that are no mere quality.

    Args:
        cohort: The cohort.
    """
    return [
        name
        for name in phenotypes.ordered(cohort.columns)
        if cohort.columns[name].kind != "categorical"
    ]


def points(
    positions: Mapping[str, NDArray[np.float32]],
    latent_rows: NDArray[np.int64],
    *,
    space: str,
    axis_titles: tuple[str, str] | None = None,
) -> MapPoints:
    """Gather the positions of a map.

    Args:
        positions: By kind of latent, (latents, 2), NaN where there is none.
        latent_rows: (rows,) from rows_of_latents.
        space: A key of SPACES.
        axis_titles: What the coordinates mean, where one can read them off.

    Returns:
        One point for each latent that has a position; with two kinds, a participant's two
        points are partners.
    """
    kinds = [kind for kind in SPACES[space] if kind in positions]
    parts = []
    for number, kind in enumerate(kinds):
        places = np.full((len(latent_rows), 2), np.nan, np.float32)
        known = latent_rows >= 0
        places[known] = positions[kind][latent_rows[known]]
        rows = np.flatnonzero(np.isfinite(places).all(axis=1))
        parts.append((places[rows], rows, np.full(len(rows), number, np.uint8)))
    if not parts:
        return MapPoints(positions=np.empty((0, 2), np.float32))
    partners = None
    if len(parts) == 2:
        first = np.full(len(latent_rows), -1)
        second = first.copy()
        first[parts[0][1]] = np.arange(len(parts[0][1]))
        second[parts[1][1]] = len(parts[0][1]) + np.arange(len(parts[1][1]))
        partners = np.concatenate([second[parts[0][1]], first[parts[1][1]]])
    return MapPoints(
        positions=np.concatenate([part[0] for part in parts]),
        rows=np.concatenate([part[1] for part in parts]),
        classes=np.concatenate([part[2] for part in parts]),
        class_names=tuple(KIND_TITLES[kind] for kind in kinds),
        partners=partners,
        axis_titles=axis_titles,
    )


def point_of_row(points: MapPoints, row: int) -> int | None:
    """Find the first point of a row.

    Args:
        points: The map.
        row: Row of the cohort.

    Returns:
        Index of the point, or None where the row is not on this map.
    """
    if points.rows is None:
        return None
    found = np.flatnonzero(points.rows == row)
    return int(found[0]) if len(found) else None


def with_point(points: MapPoints, position: NDArray[np.floating]) -> MapPoints:
    """Add the point of an upload, as the last, with a marker of its own.

    Args:
        points: A map of one kind of latent.
        position: (2,).

    Returns:
        A new map with one point more, whose row is -1.
    """
    count = len(points.positions)
    return MapPoints(
        positions=np.concatenate([points.positions, np.asarray(position, np.float32)[None]]),
        rows=np.append(points.rows if points.rows is not None else np.arange(count), -1),
        classes=np.append(np.zeros(count, np.int64), 1),
        class_names=(*points.class_names[:1], "Your recording"),
    )


def rows_of_points(points: MapPoints, selected: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows that selected points belong to, each once.

    Args:
        points: The map.
        selected: Indices of points.

    Returns:
        Sorted row numbers.
    """
    rows = points.rows if points.rows is not None else np.arange(len(points.positions))
    return np.unique(np.asarray(rows)[selected]).astype(np.int64)


def points_of_rows(points: MapPoints, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Tell which points belong to some rows: both of a participant's two.

    Args:
        points: The map.
        rows: (n,) row numbers.

    Returns:
        (points,).
    """
    if points.rows is None:
        return np.isin(np.arange(len(points)), rows)
    is_chosen = np.zeros(max(int(points.rows.max(initial=-1)), int(rows.max(initial=-1))) + 1, bool)
    is_chosen[rows] = True
    chosen: NDArray[np.bool_] = is_chosen[points.rows] & (points.rows >= 0)
    return chosen


def colour_names(cohort: "Cohort") -> list[str]:
    """List what a map can be coloured by: the modality, then phenotypes, then the rest.

    Args:
        cohort: The cohort.

    Returns:
        MODALITY and names of columns.
    """
    names = [MODALITY]
    for roles in (("phenotype", "covariate"), ("quality",)):
        names += [
            name
            for name in phenotypes.ordered(cohort.columns, roles=roles)
            if cohort.columns[name].kind != "categorical"
            or cohort.table[name].nunique() <= MAX_CATEGORIES
        ]
    return names


def colour(cohort: "Cohort", points: MapPoints, name: str) -> Categories | Numbers:
    """Make the column of colour of a map.

    Args:
        cohort: The cohort.
        points: The map's points.
        name: One of colour_names.

    Returns:
        Categories for the modality and for binary or categorical columns, else numbers.
    """
    if name == MODALITY or points.rows is None:
        classes = points.classes if points.classes is not None else np.zeros(0, np.int64)
        return Categories(codes=np.asarray(classes), names=points.class_names, title="Latent")
    column = cohort.columns[name]
    title = phenotypes.title(name)
    values = cohort.table[name].iloc[points.rows]
    words = phenotypes.categories(name, column)
    if words is not None:
        known = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        return Categories(
            codes=np.nan_to_num(known, nan=-1.0).astype(np.int64), names=words, title=title
        )
    if column.kind == "categorical":
        factor = pd.Categorical(cohort.table[name])
        names = [phenotypes.category_words(each) for each in factor.categories]
        codes = np.asarray(factor.codes, np.int64)[points.rows]
        return Categories(codes=codes, names=names, title=title)
    return Numbers(
        values=pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan),
        title=title,
        unit=column.unit,
    )
