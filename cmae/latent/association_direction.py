"""What an allele does: the direction of its effect in latent space, and what that decodes to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.latent.association_settings import Prepared
from cmae.latent.association_tests import LatentSpace
from cmae.latent.decoding import Decoder
from cmae.readers.genotypes import Genotypes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AlleleEffect:
    """The mean effect of one more effect allele on the latent.

    Attributes:
        number: Row of the variant in the genotype file.
        variant: Its name.
        effect_allele: What is counted.
        direction: (latent_dim,) unit vector.
        size: Length of the step an allele, in latent units.
    """

    number: int
    variant: str
    effect_allele: str
    direction: Floats
    size: float


def hit_direction(dosage: NDArray[np.generic], space: LatentSpace) -> tuple[Floats, float]:
    """Regress the latent on a dosage, confounders removed from both.

    Args:
        dosage: (n,) of the participants of the space; NaN is taken as the mean.
        space: Their latents.

    Returns:
        (latent_dim,) unit vector along which the latent moves with the effect allele, and how far
        one allele moves it.

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
    size = float(np.linalg.norm(step))
    if not size:
        raise InputError("The latent does not move with the variant: choose another.")
    return step / size, size


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
        direction, size = hit_direction(dosage, prepared.space)
        row = genotypes.variants.iloc[number]
        names = str(row["variant"]), str(row["effect_allele"])
        effects.append(AlleleEffect(int(number), *names, direction, size))
    return effects


def decode_walk(
    run: Decoder,
    start: NDArray[np.generic],
    effect: AlleleEffect,
    *,
    alleles: Sequence[float],
    cine: NDArray[np.generic] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Decode steps along the direction of an effect.

    Args:
        run: The run that made the latents.
        start: (latent_dim,) where the walk passes at 0 alleles: a participant, or the mean.
        effect: The direction and the size of a step.
        alleles: How many alleles each step is away, negative ones against the effect. Effects of
            common variants are small: tens show what one does.
        cine: A recorded cine whose mean and SD scale the decoded ones; else the run's medians.

    Returns:
        By modality of the run, (steps, *shape) in physical units.

    Raises:
        InputError: There is no step, or the start is of another latent.
    """
    origin = np.asarray(start, np.float64)
    if origin.shape != effect.direction.shape:
        raise InputError(
            f"The walk starts at {origin.shape} numbers, but the direction has "
            f"{effect.direction.shape}: take both from the same latents."
        )
    if not len(alleles):
        raise InputError("The walk has no step: give numbers of alleles, such as -20, 0, 20.")
    steps = np.asarray(alleles, np.float64)[:, None] * effect.size * effect.direction
    places = (origin + steps).astype(np.float32)
    scale = {}
    if cine is not None:
        values = np.asarray(cine, np.float32)
        scale = {
            "mean": np.full(len(places), values.mean(dtype=np.float64), np.float32),
            "std": np.full(len(places), values.std(dtype=np.float64), np.float32),
        }
    return {
        name: run.decode(name, places, **(scale if name == "mri" else {}))
        for name in run.modalities
    }
