"""Ridge regression of many targets with many penalties from one decomposition, in closed form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Features in their principal axes, where every ridge regression is a division.

    Attributes:
        mean: (k,) what was taken from the features.
        scale: (k,) by what they were divided.
        axes: (k, q) principal axes of the standardized features, orthonormal.
        rotated: (n, q) standardized features in these axes.
        squares: (q,) their sums of squares, all above 0.
    """

    mean: Floats
    scale: Floats
    axes: Floats
    rotated: Floats
    squares: Floats

    def to_features(self, weights: Floats) -> Floats:
        """Turn weights (q, …) of the axes into weights (k, …) of the features as they came."""
        by_feature = self.axes @ weights
        return by_feature / self.scale.reshape(-1, *[1] * (by_feature.ndim - 1))


def decompose(features: Floats, *, has_shared_scale: bool = False) -> Spectrum:
    """Standardize features and find their principal axes.

    Args:
        features: (n, k).
        has_shared_scale: Whether one scale serves all columns, so that small ones stay small (as
            principal components ask for), instead of each column getting an SD of 1.

    Returns:
        The spectrum; columns that do not vary have no part in it.
    """
    mean = features.mean(axis=0)
    scale = features.std(axis=0)
    varies = scale > 1e-9 * max(float(scale.max(initial=0.0)), 1e-300)
    if has_shared_scale:
        scale = np.full_like(scale, np.sqrt((scale**2).mean()) or 1.0)
    standard = np.where(varies, (features - mean) / np.where(varies, scale, 1.0), 0.0)
    if len(features) > features.shape[1]:
        squares, axes = np.linalg.eigh(standard.T @ standard)
    else:
        _, sizes, rows = np.linalg.svd(standard, full_matrices=False)
        squares, axes = sizes**2, rows.T
    kept = squares > 1e-12 * max(float(squares.max(initial=0.0)), 1e-300)
    axes = axes[:, kept]
    return Spectrum(mean, np.where(varies, scale, 1.0), axes, standard @ axes, squares[kept])


@dataclass(frozen=True, eq=False)
class RidgeFit:
    """Ridge regressions, each with the penalty that left-out participants chose.

    Attributes:
        weights: (q, targets) in the axes of the spectrum.
        intercepts: (targets,) at the mean of the features.
        penalties: (targets,) λ of Σ (y − ŷ)² + λ Σ weights², on standardized features.
        left_out_sd: (targets,) root of the mean squared error of rows whose participant was left
            out, at that penalty.
    """

    weights: Floats
    intercepts: Floats
    penalties: Floats
    left_out_sd: Floats


def fit_ridge(
    spectrum: Spectrum, targets: Floats, participants: NDArray[np.integer], penalties: Floats
) -> RidgeFit:
    """Fit ridge regressions; each target gets the penalty with the least left-out error.

    With Z the rotated features and D = diag(1 / (s² + λ)), predictions are A y with
    A = 1/n + Z D Zᵀ (the intercept is not penalized). Leaving out all rows g of a participant gives
    the errors (1 − A_gg)⁻¹ e_g exactly, so no fold has to be refitted.

    Args:
        spectrum: Of the features, n rows.
        targets: (n, targets), finite.
        participants: (n,) numbers: who each row is of.
        penalties: (penalties,) λ, each above 0.

    Returns:
        The fits.
    """
    z = spectrum.rotated
    intercepts = targets.mean(axis=0)
    centered = targets - intercepts
    products = z.T @ centered
    z_squares = z**2
    groups = _several_rows(participants)
    errors = []
    for penalty in penalties:
        shrink = 1 / (spectrum.squares + penalty)
        residuals = centered - z @ (shrink[:, None] * products)
        left_out = residuals / (1 - 1 / len(z) - z_squares @ shrink)[:, None]
        for rows in groups:
            members = z[rows]
            hat = 1 / len(z) + np.einsum("gaq,q,gbq->gab", members, shrink, members, optimize=True)
            left_out[rows] = np.linalg.solve(np.eye(rows.shape[1]) - hat, residuals[rows])
        errors.append((left_out**2).mean(axis=0))
    table = np.array(errors)
    best = table.argmin(axis=0)
    chosen = penalties[best]
    weights = products / (spectrum.squares[:, None] + chosen)
    sd = np.sqrt(table[best, np.arange(len(best))])
    return RidgeFit(weights, intercepts, chosen, sd)


def _several_rows(participants: NDArray[np.integer]) -> list[NDArray[np.int64]]:
    """Return the rows of participants that have several: (participants, rows) for each count."""
    _, place, count = np.unique(participants, return_inverse=True, return_counts=True)
    order = np.argsort(place, kind="stable")
    starts = np.cumsum(count) - count
    return [
        order[starts[count == size][:, None] + np.arange(size)]
        for size in np.unique(count)
        if size > 1
    ]
