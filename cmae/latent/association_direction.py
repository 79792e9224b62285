"""What an allele does: the direction of its effect in latent space."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.latent.association_settings import Prepared
from cmae.latent.association_tests import LatentSpace
from cmae.latent.traversal import Direction, along
from cmae.readers.genotypes import Genotypes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AlleleEffect:
    """The mean effect of one more effect allele on the latent.

    Attributes:
        number: Row of the variant in the genotype file.
        variant: Its name.
        effect_allele: What is counted.
        direction: Where it moves the latent; a step is an allele.
    """

    number: int
    variant: str
    effect_allele: str
    direction: Direction


def hit_direction(
    dosage: NDArray[np.generic], space: LatentSpace, *, name: str = "the variant", kind: str
) -> Direction:
    """Regress the latent on a dosage, confounders removed from both.

    Args:
        dosage: (n,) of the participants of the space; NaN is taken as the mean.
        space: Their latents.
        name: The variant with its effect allele.
        kind: Which latents these are.

    Returns:
        Where the latent moves with the effect allele; a step is an allele.

    Raises:
        InputError: The dosage does not vary beyond the confounders.
    """
    values = np.asarray(dosage, np.float64)
    is_known = np.isfinite(values)
    mean = float(values[is_known].mean()) if is_known.any() else 0.0
    left = space.confounders.residuals(np.where(is_known, values, mean)[:, None])[:, 0]
    squares = float(left @ left)
    if squares <= 1e-9 * max(1.0, float(is_known.sum())):
        raise InputError(
            "The variant does not vary beyond the covariates: choose one that was tested."
        )
    step = space.loadings.T @ (space.scores.T @ left) / squares
    return along(step, name=name, step="allele", kind=kind, rows=len(values))


def allele_effects(
    prepared: Prepared, genotypes: Genotypes, numbers: Sequence[int]
) -> list[AlleleEffect]:
    """Read some variants again and find the direction of each.

    Args:
        prepared: What was tested.
        genotypes: The genotypes.
        numbers: Rows of variants in the file.

    Returns:
        Their effects, in this order.
    """
    effects = []
    for number in numbers:
        found = genotypes.read(prepared.participants.samples, number, number + 1)
        dosage = np.where(found.missing[:, 0], np.nan, found.values[:, 0])
        row = genotypes.variants.iloc[number]
        variant, allele = str(row["variant"]), str(row["effect_allele"])
        direction = hit_direction(
            dosage, prepared.space, name=f"{variant} {allele}", kind=prepared.settings.kind
        )
        effects.append(AlleleEffect(int(number), variant, allele, direction))
    return effects
