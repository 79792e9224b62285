r"""The two tests of a phenome scan, of many phenotypes of the same participants at once.

Derive and test. In one half of the participants, covariates removed from both by regression, ridge
regression of phenotype y on latents X finds weights w = (XᵀX + λI)⁻¹ Xᵀy, with the λ that has the
least generalized cross-validation error n ‖y − Xw‖² / (n − tr H)² (Golub, Heath and Wahba 1979,
doi:10.1080/00401706.1979.10489751). In the other half the scores Xw are correlated with the
phenotype, covariates removed from both. That half chose nothing, so its p is one of a single test.
It is one-sided: a score that tells the opposite of what it was derived for has found nothing.

Jointly. The partial R² of the phenotype with the whole latent, in all participants, in the closed
form of ``association_tests``; it needs no halves, and shows no direction.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from cmae.latent.association_confounders import Confounders
from cmae.latent.association_tests import joint_r2, latent_space, neg_log10_p, products
from cmae.scores import auroc

Floats = NDArray[np.float64]

PENALTIES = 10.0 ** np.arange(-6, 4.01, 0.5)
"""λ that are tried, over the mean eigenvalue of XᵀX."""

EXPLAINED = 1e-6
"""A phenotype of which covariates leave less than this share of its variance is theirs."""


@dataclass(frozen=True, eq=False)
class Derived:
    """What one half says.

    Attributes:
        weights: (latent_dim, phenotypes) of the ridge probes.
        penalties: (phenotypes,) λ.
        moves: (latent_dim, phenotypes) mean change of the latent an SD of the phenotype.
    """

    weights: Floats
    penalties: Floats
    moves: Floats


@dataclass(frozen=True, eq=False)
class Confirmed:
    """What the other half says to it, (phenotypes,) each.

    Attributes:
        r: Correlation of score and phenotype, covariates removed from both; chance 0.
        r_low: Lower end of its 95 % interval (Fisher's z).
        r_high: Upper end.
        neg_log10_p: Of r above 0, one-sided.
        auroc: Of the score without covariates, for two classes; chance 0.5; else NaN.
        auroc_low: Lower end of its 95 % interval (Hanley and McNeil 1982).
        auroc_high: Upper end.
    """

    r: Floats
    r_low: Floats
    r_high: Floats
    neg_log10_p: Floats
    auroc: Floats
    auroc_low: Floats
    auroc_high: Floats


def derive(latents: Floats, targets: Floats, removed: Confounders) -> Derived:
    """Fit a ridge probe of each phenotype.

    Args:
        latents: (n, latent_dim) of the half that derives.
        targets: (n, phenotypes), complete, in SDs.
        removed: Covariates of the same participants.

    Returns:
        The probes.
    """
    features, aims = removed.residuals(latents), removed.residuals(targets)
    squares, axes = np.linalg.eigh(features.T @ features)
    squares = np.maximum(squares, 0)
    cross = features.T @ aims
    rotated = axes.T @ cross
    total = np.einsum("ij,ij->j", aims, aims)
    freedom = len(aims) - removed.basis.shape[1]
    tried = PENALTIES * max(float(squares.mean()), np.finfo(np.float64).tiny)
    errors = np.empty((len(tried), targets.shape[1]))
    for place, penalty in enumerate(tried):
        shrunk = 1 / (squares + penalty)
        explained = (rotated**2 * (2 * shrunk - squares * shrunk**2)[:, None]).sum(axis=0)
        left = max(freedom - float((squares * shrunk).sum()), 1e-9)
        errors[place] = np.maximum(total - explained, 0) / left**2
    penalties = tried[errors.argmin(axis=0)]
    weights = axes @ (rotated / (squares[:, None] + penalties))
    return Derived(weights, penalties, cross / total)


def confirm(scores: Floats, targets: Floats, removed: Confounders) -> Confirmed:
    """Correlate scores with phenotypes in participants who did not derive them.

    Args:
        scores: (n, phenotypes) of the half that tests.
        targets: (n, phenotypes), complete; two classes are told by having two values.
        removed: Covariates of the same participants.

    Returns:
        The correlations; r is 0 where a score does not vary.
    """
    left, aims = removed.residuals(scores), removed.residuals(targets)
    lengths = np.sqrt((left**2).sum(axis=0) * (aims**2).sum(axis=0))
    product = (left * aims).sum(axis=0)
    r = np.divide(product, lengths, out=np.zeros_like(product), where=lengths > 0)
    r = np.clip(r, -1 + 1e-15, 1 - 1e-15)
    freedom = len(aims) - removed.basis.shape[1] - 1
    away = norm.isf(0.025) / np.sqrt(max(freedom - 1, 1))
    areas = np.array([_area(targets[:, k], left[:, k]) for k in range(targets.shape[1])])
    areas = areas.reshape(-1, 3)
    return Confirmed(
        r=r,
        r_low=np.tanh(np.arctanh(r) - away),
        r_high=np.tanh(np.arctanh(r) + away),
        neg_log10_p=_one_sided(r, freedom),
        auroc=areas[:, 0],
        auroc_low=areas[:, 1],
        auroc_high=areas[:, 2],
    )


def joint(
    latents: Floats, targets: Floats, removed: Confounders
) -> tuple[Floats, Floats, tuple[int, int]]:
    """Test each phenotype against the whole latent.

    Args:
        latents: (n, latent_dim).
        targets: (n, phenotypes), complete, in SDs.
        removed: Covariates of the same participants.

    Returns:
        Partial R² and −log10 p, (phenotypes,) each, and the degrees of freedom of F.

    Raises:
        InputError: Participants are too few for as many coordinates.
    """
    space = latent_space(latents, removed)
    found = products(np.asfortranarray(targets), space.stacked(), space.rank)
    r2 = joint_r2(found, (space.rank,))[0]
    freedom = space.rank, space.residual_freedom - space.rank
    return r2, neg_log10_p(r2, *freedom), freedom


def _one_sided(r: Floats, freedom: int) -> Floats:
    """Return −log10 p of r above 0, from that of r on either side."""
    both = neg_log10_p(r**2, 1, freedom)
    with np.errstate(divide="ignore"):
        return np.where(r > 0, both + np.log10(2), -np.log10(1 - 10.0**-both / 2))


def _area(target: Floats, score: Floats) -> tuple[float, float, float]:
    """Return the area under the ROC curve with its interval, NaN for more than two values."""
    values = np.unique(target)
    if len(values) != 2:
        return (float("nan"),) * 3
    is_sick = target == values[1]
    area = auroc(is_sick.astype(np.float64), score)
    sick = int(is_sick.sum())
    healthy = len(target) - sick
    variance = area * (1 - area)
    variance += (sick - 1) * (area / (2 - area) - area**2)
    variance += (healthy - 1) * (2 * area**2 / (1 + area) - area**2)
    away = float(norm.isf(0.025)) * np.sqrt(max(variance, 0.0) / (sick * healthy))
    return area, max(area - away, 0.0), min(area + away, 1.0)
