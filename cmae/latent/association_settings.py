"""What an association tests, and everything that is known before the first variant is read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cmae.errors import InputError, SettingsError
from cmae.latent.association_confounders import Projection, confounders, null_space_projection
from cmae.latent.association_samples import Covariates, Participants, match, rows_with_latent
from cmae.latent.association_tests import LatentSpace, latent_space
from cmae.latent.latents import KINDS, Latents
from cmae.readers.genotypes import Genotypes

MIN_MAC = 20
"""Fewest copies of the rarer allele; below it tests rest on a handful of participants."""


@dataclass(frozen=True)
class AssociationSettings:
    """What is tested, and how.

    Attributes:
        kind: The kind of latent: ``ecg``, ``mri`` or ``joint``.
        visit: Only latents of this visit; None where each participant has one.
        covariates: Columns of the cohort that are removed.
        components: Tests on so many leading principal components, beside that on all.
        coordinates: Coordinates that get a file each; None for all.
        min_mac: Fewest copies of the rarer allele.
        null_space: Whether directions that tell of covariates are projected out first.
        clump_distance: Hits within so many bases of a stronger one belong to it.
        seed: Of the permutation and of the halves of the projection.
    """

    kind: str = "joint"
    visit: int | None = None
    covariates: tuple[str, ...] = ()
    components: tuple[int, ...] = (1, 5, 10, 20)
    coordinates: tuple[int, ...] | None = ()
    min_mac: int = MIN_MAC
    null_space: bool = False
    clump_distance: int = 500_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise SettingsError where a value is out of range."""
        if self.kind not in KINDS:
            raise SettingsError(f"There is no kind {self.kind!r}: choose {', '.join(KINDS)}.")
        if min(self.components, default=1) < 1 or self.min_mac < 1 or self.clump_distance < 0:
            raise SettingsError(
                "Principal components, the least allele count (both 1 or more) or the distance of "
                "clumps (0 or more) is out of range: give another."
            )
        if self.seed < 0 or any(number < 0 for number in self.coordinates or ()):
            raise SettingsError("A seed or a coordinate is negative: count from 0.")
        if self.null_space and not self.covariates:
            raise SettingsError(
                "A null-space projection removes what tells of covariates: name some."
            )


def chosen_coordinates(words: Sequence[str]) -> tuple[int, ...] | None:
    """Return the coordinates that some words name: numbers, or the one word ``all`` (None).

    Raises:
        SettingsError: A word is neither.
    """
    if list(words) == ["all"]:
        return None
    if not all(word.isascii() and word.isdecimal() for word in words):
        raise SettingsError("Coordinates are whole numbers from 0, or the one word all.")
    return tuple(dict.fromkeys(map(int, words)))


@dataclass(frozen=True)
class Prepared:
    """Everything that is known before the first variant is read.

    Attributes:
        participants: Who is tested.
        space: Their latents.
        projection: What the null-space projection did; None without one.
        settings: What is tested.
    """

    participants: Participants
    space: LatentSpace
    projection: Projection | None
    settings: AssociationSettings

    @property
    def components(self) -> tuple[int, ...]:
        """Numbers of leading components tested, ascending; the last is the rank: all of them."""
        few = {k for k in self.settings.components if k < self.space.rank}
        return (*sorted(few), self.space.rank)


def prepare(
    latents: Latents,
    genotypes: Genotypes,
    *,
    cohort: Covariates | None = None,
    settings: AssociationSettings | None = None,
) -> Prepared:
    """Match participants and remove confounders from their latents.

    Args:
        latents: The latents.
        genotypes: The genotypes.
        cohort: The cohort with the covariates; it must be the one that was embedded.
        settings: What is tested.

    Returns:
        What testing needs.

    Raises:
        InputError: Nobody matches, a covariate is missing, or participants are too few.
        LatentsError: The latents are a shard, of another cohort, or lack the kind or visit.
        SettingsError: A coordinate does not exist.
    """
    settings = settings or AssociationSettings()
    beyond = [k for k in settings.coordinates or () if k >= latents.latent_dim]
    if beyond:
        raise SettingsError(
            f"There is no coordinate {beyond[0]}: the latents have {latents.latent_dim}, counted "
            "from 0."
        )
    rows = rows_with_latent(latents, settings.kind, settings.visit)
    participants = match(
        latents, rows, genotypes.samples, cohort=cohort, covariates=settings.covariates
    )
    if len(participants.rows) < 3:
        raise InputError(
            f"{len(participants.rows)} participants have latents, genotypes and all covariates: "
            "an association needs more than its confounders and latent coordinates together."
        )
    values = latents.latents[settings.kind][participants.rows].astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError("The latents hold numbers that are not finite: embed again.")
    removed = confounders(participants.table, settings.covariates)
    projection = None
    if settings.null_space:
        projection = null_space_projection(values, removed, seed=settings.seed)
        values = projection.project(values)
    return Prepared(participants, latent_space(values, removed), projection, settings)
