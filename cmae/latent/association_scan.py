"""A scan: chunks of variants tested one after the other, in arrays that are used again."""

import numpy as np
from numpy.typing import NDArray

from cmae.latent.association_settings import Prepared
from cmae.latent.association_tests import (
    LatentSpace,
    Products,
    coordinate_r2,
    joint_r2,
    latent_space,
    products,
    regressions,
)
from cmae.readers.genotypes import Dosages

Floats = NDArray[np.float64]

REASONS = ("more than two alleles", "no dosage", "monomorphic", "rare", "explained by covariates")
"""Why a variant is left out; its number is 1 + the place here."""

_EXPLAINED = 1e-6
"""A variant is explained by covariates where less than this share of its variance is not."""


class Tester:
    """Tests chunks of variants in arrays of its own, which are used again.

    Args:
        prepared: What is tested.
        size: Most variants of a chunk.
        every: Every so many variants are tested with permuted latents too.
    """

    def __init__(self, prepared: Prepared, size: int, *, every: int = 1) -> None:
        """Permute the latents and make room."""
        self._prepared, self._every = prepared, every
        self._space = prepared.space
        self._stacked = np.asfortranarray(self._space.stacked())
        self._permuted = np.asfortranarray(permuted(self._space, prepared.settings.seed).stacked())
        self._room = np.empty((len(self._stacked), size), order="F")
        chosen = prepared.settings.coordinates
        self._coordinates = range(self._space.loadings.shape[1]) if chosen is None else chosen

    def test(
        self, dosages: Dosages, start: int, is_biallelic: NDArray[np.bool_]
    ) -> dict[str, NDArray[np.generic]]:
        """Test a chunk.

        Args:
            dosages: Of its variants.
            start: Number of the first.
            is_biallelic: (variants,).

        Returns:
            By name, arrays with variants last; ``reason`` is 0 where a variant was tested, and
            all of ``tested``'s columns are of these alone.
        """
        space, components = self._space, self._prepared.components
        complete, facts = _completed(dosages, self._room)
        found = products(complete, self._stacked, space.rank)
        reason = self._reasons(facts, found.share, is_biallelic)
        kept = np.flatnonzero(reason == 0)
        found = Products(found.scores[:, kept], found.dosage[kept], found.share[kept])
        by_coordinate = coordinate_r2(found, space)
        best = by_coordinate.argmax(axis=0) if len(kept) else np.zeros(0, np.int64)
        result: dict[str, NDArray[np.generic]] = {
            **facts,
            "reason": reason,
            "r2": joint_r2(found, components),
            "best_coordinate": best,
            "best_r2": by_coordinate[best, np.arange(len(kept))],
        }
        if len(self._coordinates):
            each = regressions(found, space, self._coordinates)
            result["beta"], result["standard_error"] = each.beta, each.standard_error
            result["neg_log10_p"] = each.neg_log10_p
        again = kept[(kept + start) % self._every == 0]
        by_chance = products(np.asfortranarray(complete[:, again]), self._permuted, space.rank)
        result["permuted_r2"] = joint_r2(by_chance, components)
        return result

    def _reasons(
        self,
        facts: dict[str, NDArray[np.generic]],
        share: Floats,
        is_biallelic: NDArray[np.bool_],
    ) -> NDArray[np.int8]:
        """Say of each variant why it is left out, 0 where it is not."""
        called = len(self._stacked) - facts["missing"].astype(np.float64)
        copies = facts["frequency"].astype(np.float64) * 2 * called
        rarer = np.minimum(copies, 2 * called - copies)
        conditions = (
            ~is_biallelic,
            called == 0,
            (rarer < 0.5) | np.isnan(share),
            rarer < self._prepared.settings.min_mac,
            share < _EXPLAINED,
        )
        return np.select(conditions, list(range(1, 1 + len(conditions))), 0).astype(np.int8)


def permuted(space: LatentSpace, seed: int) -> LatentSpace:
    """Give the latents to other participants, confounders staying with theirs.

    Residuals of the latents are permuted and regressed again on the confounders (Freedman and Lane
    1983, doi:10.1080/07350015.1983.10509354), so that no variant has an effect and calibration
    shows alone.
    """
    order = np.random.default_rng([seed, 1]).permutation(len(space.scores))
    return latent_space((space.scores @ space.loadings)[order], space.confounders)


def _completed(dosages: Dosages, room: Floats) -> tuple[Floats, dict[str, NDArray[np.generic]]]:
    """Put dosages into ``room`` with the mean where they are missing."""
    complete = room[:, : dosages.values.shape[1]]
    np.copyto(complete, dosages.values)
    missing = dosages.missing.sum(axis=0, dtype=np.int64)
    called = np.maximum(len(complete) - missing, 1)
    mean = (np.ones(len(complete)) @ complete) / called
    for column in np.flatnonzero(missing):
        complete[dosages.missing[:, column], column] = mean[column]
    return complete, {"missing": missing, "frequency": mean / 2}
