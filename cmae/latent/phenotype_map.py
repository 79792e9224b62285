"""Maps whose two axes are phenotypes: latents projected on the directions of two of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.latent.traversal import Direction, phenotype_direction

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PhenotypeMap:
    """A map of two phenotype axes.

    Attributes:
        positions: By kind, (rows, 2) float32 in SDs of the latents along each axis, 0 at their
            mean, NaN where a row has no latent.
        axes: The directions of the horizontal and the vertical axis.
        correlations: How each axis goes with its phenotype among the latents in which the
            directions were found (Pearson's r).
        cosine: Of the angle between the two directions: 0 where they are independent, 1 where
            they are the same.
    """

    positions: Mapping[str, Floats]
    axes: tuple[Direction, Direction]
    correlations: tuple[float, float]
    cosine: float


def phenotype_map(
    latents: Mapping[str, NDArray[np.floating]],
    table: pd.DataFrame,
    names: tuple[str, str],
    *,
    kind: str = "joint",
    covariates: Sequence[str] = (),
) -> PhenotypeMap:
    """Project latents on the directions of two phenotypes.

    Both directions are found in one kind of latent, and all kinds are projected on them, so that
    the kinds lie in one picture.

    Args:
        latents: By kind, (rows, latent_dim); rows of NaN have none.
        table: Their rows: the phenotypes and the covariates as columns.
        names: The phenotypes of the horizontal and the vertical axis.
        kind: The kind in which the directions are found, and whose mean and SD scale the axes.
        covariates: Columns to remove before, see ``phenotype_direction``.

    Returns:
        The map.

    Raises:
        InputError: The phenotypes are the same, the kind is lacking, or a direction cannot be
            found.
    """
    if names[0] == names[1]:
        raise InputError(f"Both axes are {names[0]}: choose two phenotypes.")
    if kind not in latents:
        raise InputError(f"There are {', '.join(latents)} latents, none are {kind}: name another.")
    found = latents[kind]
    first, second = (
        phenotype_direction(found, table, name, kind=kind, covariates=covariates) for name in names
    )
    vectors = np.stack([first.vector, second.vector], axis=1)
    along = _projected(found, vectors)
    center, spread = np.nanmean(along, axis=0), np.nanstd(along, axis=0)
    values = [_correlation(along[:, k], table[name]) for k, name in enumerate(names)]
    return PhenotypeMap(
        positions={
            each: ((_projected(latents[each], vectors) - center) / spread).astype(np.float32)
            for each in latents
        },
        axes=(first, second),
        correlations=(values[0], values[1]),
        cosine=float(first.vector @ second.vector),
    )


def _projected(latents: NDArray[np.floating], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (rows, 2) places along two directions, without a copy of the latents."""
    # Rows without a latent may be NaN or anything: NaN goes through, and warns in some builds.
    with np.errstate(invalid="ignore"):
        return np.asarray(latents @ vectors.astype(latents.dtype), np.float64)


def _correlation(along: NDArray[np.float64], column: pd.Series) -> float:
    """Return Pearson's r of places and a phenotype, among the rows that have both."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    has_both = np.isfinite(along) & np.isfinite(values)
    return float(np.corrcoef(along[has_both], values[has_both])[0, 1])
