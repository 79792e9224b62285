r"""The tests of an association in closed form: many variants at the price of one matrix product.

With confounders C (intercept included, rank c), dosage g and latents Y, let g̃ and Ỹ be what C does
not explain, and q the rank of Ỹ. Pillai's trace of the effect of g in the multivariate regression
of Y on C and g is the partial R² of g̃ on Ỹ,

    V = ‖Q_Ỹᵀ g‖² / (‖g‖² − ‖Q_Cᵀ g‖²),   F = (V / q) / ((1 − V) / (n − c − q)),

with F exactly distributed as F(q, n − c − q) for normal latents. The columns of Q_Ỹ are the
principal components of Ỹ, so that the first k squares of Q_Ỹᵀ g give the test on the leading k
components, and Q_Ỹᵀ g times the loadings the regression of every coordinate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln
from threadpoolctl import threadpool_limits

from cmae.errors import InputError
from cmae.latent.association_confounders import Confounders

Floats = NDArray[np.float64]

_SMALLEST = 1e-280
"""Below this the incomplete beta function nears the end of double precision."""

_MAX_TERMS = 100_000


@dataclass(frozen=True)
class LatentSpace:
    """Latents of the participants that are tested, ready for any number of variants.

    Attributes:
        scores: (n, q) orthonormal: principal components of the latents without confounders, that
            with the most variance first.
        loadings: (q, latent_dim): the latents without confounders are scores @ loadings.
        confounders: What was removed.
    """

    scores: Floats
    loadings: Floats
    confounders: Confounders

    @property
    def rank(self) -> int:
        """The number of components, q."""
        return int(self.scores.shape[1])

    @property
    def residual_freedom(self) -> int:
        """What confounders leave: n − c."""
        return int(self.scores.shape[0] - self.confounders.basis.shape[1])

    def stacked(self) -> Floats:
        """Return scores and confounders beside each other, (n, q + c)."""
        return np.concatenate([self.scores, self.confounders.basis], axis=1)


@dataclass(frozen=True)
class Products:
    """What the tests need of some variants.

    Attributes:
        scores: (q, variants), Q_Ỹᵀ g.
        dosage: (variants,), ‖g̃‖²: squares of the dosage that confounders do not explain.
        share: (variants,), ‖g̃‖² as a share of the squares about the mean; NaN for a variant that
            does not vary.
    """

    scores: Floats
    dosage: Floats
    share: Floats


def latent_space(latents: NDArray[np.floating], removed: Confounders) -> LatentSpace:
    """Prepare latents for testing.

    Args:
        latents: (n, latent_dim).
        removed: Confounders of the same participants.

    Returns:
        The space.

    Raises:
        InputError: The latents do not vary beyond the confounders, or participants are too few
            for as many coordinates.
    """
    residuals = removed.residuals(np.asarray(latents, np.float64))
    # One thread: these are many small steps, whose threads wait for each other on a busy machine.
    with threadpool_limits(1):
        orthonormal, triangle = np.linalg.qr(residuals)
        left, sizes, loadings = np.linalg.svd(triangle)
    # What constant coordinates leave is rounding of their size, not of that of their residuals.
    largest = float(np.abs(latents).max(initial=0)) * len(residuals) ** 0.5
    floor = 10 * np.finfo(np.float64).eps * max(residuals.shape) * max(sizes[0], largest * 1e-2)
    rank = int((sizes > floor).sum())
    freedom = len(residuals) - removed.basis.shape[1] - rank
    if not rank:
        raise InputError(
            "The latents do not vary beyond the covariates: embed more participants, or choose "
            "fewer covariates."
        )
    if freedom < 1:
        raise InputError(
            f"{len(residuals)} participants are too few for {rank} latent coordinates and "
            f"{removed.basis.shape[1]} confounders: give at least "
            f"{rank + removed.basis.shape[1] + 1} participants who have both latents and genotypes."
        )
    return LatentSpace(
        scores=orthonormal @ left[:, :rank],
        loadings=sizes[:rank, None] * loadings[:rank],
        confounders=removed,
    )


def products(dosages: Floats, stacked: Floats, rank: int) -> Products:
    """Multiply dosages by a space: the one expensive step.

    Args:
        dosages: (n, variants) complete.
        stacked: ``LatentSpace.stacked()``.
        rank: ``LatentSpace.rank``.

    Returns:
        The products.
    """
    both = stacked.T @ dosages
    explained = both[rank:] ** 2
    squares = np.einsum("ij,ij->j", dosages, dosages)
    about_mean = np.maximum(squares - explained[0], 0.0)
    left = np.maximum(about_mean - explained[1:].sum(0), 0.0)
    share = np.divide(left, about_mean, out=np.full_like(left, np.nan), where=about_mean > 1e-6)
    return Products(both[:rank], left, share)


def joint_r2(found: Products, components: Sequence[int]) -> Floats:
    """Return the partial R² of each variant on the leading components, (len(components), variants).

    Args:
        found: Products of the variants; none of them constant.
        components: How many leading components, ascending; the rank for the whole latent.
    """
    cumulative = np.cumsum(found.scores**2, axis=0)
    return np.asarray(
        np.clip(cumulative[np.asarray(components) - 1] / found.dosage, 0.0, 1.0), np.float64
    )


def f_statistic(r2: Floats, numerator: int, denominator: int) -> Floats:
    """Return F of a partial R² with its degrees of freedom."""
    with np.errstate(divide="ignore"):
        return np.asarray((r2 / numerator) / ((1 - r2) / denominator))


def neg_log10_p(r2: Floats, numerator: int, denominator: int) -> Floats:
    """Return −log10 p of a partial R², accurate however small p is.

    Under no association R² is Beta(numerator / 2, denominator / 2), so with x = 1 − R²,
    a = denominator / 2 and b = numerator / 2, p = I_x(a, b). Where that leaves double precision,
    its series I_x(a, b) = xᵃ (1 − x)ᵇ / (a B(a, b)) · Σ (a + b)ₖ / (a + 1)ₖ xᵏ is summed in logs
    (DLMF 8.17.8); all of its terms are positive.

    Args:
        r2: Any shape, 0 to 1.
        numerator: Degrees of freedom of the effect.
        denominator: Degrees of freedom of the residuals.

    Returns:
        −log10 p, of the same shape; infinite only where R² is 1.
    """
    a, b = denominator / 2, numerator / 2
    values = np.atleast_1d(np.asarray(r2, np.float64))
    p = betainc(a, b, 1 - values)
    with np.errstate(divide="ignore"):
        result = np.abs(np.log10(p))
    # 1 − R² rounds R² off where R² is tiny; there p is near 1 and nothing is lost.
    for place in zip(*np.nonzero(p < _SMALLEST), strict=True):
        result[place] = _tail(float(values[place]), a, b)
    return np.asarray(result.reshape(np.shape(r2)))


def _tail(r2: float, a: float, b: float) -> float:
    """Return −log10 of I_x(a, b) at x = 1 − r2, deep in its tail."""
    if r2 >= 1:
        return float("inf")
    x, term, total = 1 - r2, 1.0, 1.0
    for k in range(_MAX_TERMS):
        term *= (a + b + k) / (a + 1 + k) * x
        total += term
        if term < 1e-17 * total:
            break
    log_p = a * np.log1p(-r2) + b * np.log(r2) - np.log(a) - betaln(a, b) + np.log(total)
    return float(-log_p / np.log(10))


@dataclass(frozen=True)
class Regressions:
    """Each coordinate on the dosage, confounders removed from both.

    Attributes:
        beta: (coordinates, variants) change of the coordinate an effect allele.
        standard_error: The same shape.
        neg_log10_p: The same shape, of the t test with n − c − 1 degrees of freedom.
    """

    beta: Floats
    standard_error: Floats
    neg_log10_p: Floats


def coordinate_r2(found: Products, space: LatentSpace) -> Floats:
    """Return the partial R² of each coordinate with each variant, (latent_dim, variants)."""
    squares = (space.loadings**2).sum(0)
    r2 = (space.loadings.T @ found.scores) ** 2
    r2 /= found.dosage
    r2 *= np.divide(1.0, squares, out=np.zeros_like(squares), where=squares > 0)[:, None]
    return np.asarray(np.clip(r2, 0.0, 1.0, out=r2))


def regressions(found: Products, space: LatentSpace, coordinates: Sequence[int]) -> Regressions:
    """Regress coordinates on dosages.

    Args:
        found: Products of the variants.
        space: The latents.
        coordinates: Which.

    Returns:
        The regressions; a coordinate that does not vary has beta 0 and p 1.
    """
    loadings = space.loadings[:, list(coordinates)]
    squares = (loadings**2).sum(0)[:, None]
    beta = (loadings.T @ found.scores) / found.dosage
    freedom = space.residual_freedom - 1
    rest = np.maximum(squares - beta**2 * found.dosage, 0.0)
    explained = np.divide(
        beta**2 * found.dosage, squares, out=np.zeros_like(beta), where=squares > 0
    )
    return Regressions(
        beta=beta,
        standard_error=np.sqrt(rest / (freedom * found.dosage)),
        neg_log10_p=neg_log10_p(np.clip(explained, 0, 1), 1, freedom),
    )
