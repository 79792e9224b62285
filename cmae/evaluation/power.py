"""Power: at which number of participants the tests of an association find planted variants."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.latent.association_confounders import Confounders, confounders
from cmae.latent.association_tests import joint_r2, latent_space, neg_log10_p, products

GENOME_WIDE = 5e-8
COMPONENTS = (5, 20, 50)
"""Leading principal components that are tested together, besides the whole latent."""

COLUMNS = ("variant", "kind", "participants", "test", "found", "repeats", "neg_log10_p")

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Planted:
    """Participants, their latents, and variants whose effects are known.

    Attributes:
        latents: (n, latent_dim).
        dosages: (n, variants) complete.
        variants: One row a variant: ``variant`` and ``kind`` (``measured``, ``unmeasured``,
            ``spread``).
        phenotypes: (n) rows, a numeric column a phenotype; NaN where unknown.
        covariates: (n) rows, complete; removed from everything.
    """

    latents: NDArray[np.floating]
    dosages: NDArray[np.generic]
    variants: pd.DataFrame
    phenotypes: pd.DataFrame
    covariates: pd.DataFrame

    def __post_init__(self) -> None:
        """Raise InputError where lengths differ."""
        lengths = {len(self.dosages), len(self.phenotypes), len(self.covariates)}
        if lengths != {len(self.latents)} or self.dosages.shape[1] != len(self.variants):
            raise InputError(
                "Latents, dosages, phenotypes, covariates and variants are of different numbers: "
                "give the same participants in the same order, and a dosage a variant."
            )


def power(
    planted: Planted,
    participants: Sequence[int],
    *,
    repeats: int = 20,
    p_value: float = GENOME_WIDE,
    seed: int = 0,
) -> pd.DataFrame:
    """Count how often each test finds each variant among so many participants.

    The tests are those of the association: the whole latent (``joint``), its leading components
    (``pcs_5`` …), and for each phenotype alone the regression on the dosage. ``best_phenotype``
    stands for a study of all phenotypes: the smallest p times their number (Bonferroni). For each
    number of participants, that many are drawn without replacement, anew for each repeat, the same
    for all tests.

    Args:
        planted: The participants and the variants.
        participants: Numbers of participants to draw.
        repeats: Draws a number.
        p_value: What counts as found; genome-wide significance by default.
        seed: Of the draws.

    Returns:
        One row a (variant, number, test): ``variant``, ``kind``, ``participants``, ``test``,
        ``found`` (share of the repeats), ``repeats``, ``neg_log10_p`` (median over repeats).

    Raises:
        InputError: More participants are asked for than there are, or too few for the latent.
    """
    total = len(planted.latents)
    if not participants or max(participants) > total:
        raise InputError(
            f"Power is asked for among up to {max(participants, default=0):,} participants, but "
            f"{total:,} have latents, genotypes and covariates: ask for fewer."
        )
    rng = np.random.default_rng(seed)
    threshold = -np.log10(p_value)
    rows = []
    for count in participants:
        # All of them can be drawn in one way only.
        draws = 1 if count == total else repeats
        found = [_tested(planted, rng.choice(total, count, replace=False)) for _ in range(draws)]
        for test in found[0]:
            heights = np.stack([one[test] for one in found])
            for place, variant in enumerate(planted.variants.itertuples()):
                mine = heights[:, place]
                share, middle = float((mine > threshold).mean()), float(np.median(mine))
                rows.append((variant.variant, variant.kind, count, test, share, draws, middle))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _tested(planted: Planted, rows: NDArray[np.integer]) -> dict[str, Floats]:
    """Test all variants among some participants: by test, (variants,) −log10 p."""
    covariates = planted.covariates.iloc[rows].reset_index(drop=True)
    removed = confounders(covariates, list(covariates))
    dosages = np.asarray(planted.dosages[rows], np.float64)
    space = latent_space(planted.latents[rows], removed)
    found = products(dosages, space.stacked(), space.rank)
    components = [*(k for k in COMPONENTS if k < space.rank), space.rank]
    names = [*(f"pcs_{k}" for k in components[:-1]), "joint"]
    freedom = space.residual_freedom
    result = {
        name: neg_log10_p(r2, k, freedom - k)
        for name, k, r2 in zip(names, components, joint_r2(found, components), strict=True)
    }
    single = {
        str(name): _regressed(dosages, planted.phenotypes[name].to_numpy(np.float64)[rows], removed)
        for name in planted.phenotypes
    }
    if single:
        best = np.stack(list(single.values())).max(axis=0) - np.log10(len(single))
        result["best_phenotype"] = np.maximum(best, 0.0)
    return {**result, **single}


def _regressed(dosages: Floats, phenotype: Floats, removed: Confounders) -> Floats:
    """Regress a phenotype on each dosage among those who have it: (variants,) −log10 p."""
    has = np.isfinite(phenotype)
    # The confounders of those who have it: another basis of the same columns.
    basis = np.linalg.qr(removed.basis[has])[0]
    mine = Confounders(basis)
    left, right = mine.residuals(phenotype[has][:, None])[:, 0], mine.residuals(dosages[has])
    squares = np.maximum((right**2).sum(axis=0) * float(left @ left), 1e-300)
    r2 = np.clip((left @ right) ** 2 / squares, 0.0, 1.0)
    return neg_log10_p(r2, 1, int(has.sum()) - basis.shape[1] - 1)
