"""Confounders of an association: columns of a cohort as an orthonormal basis, and their removal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.errors import InputError

Floats = NDArray[np.float64]

COLLINEAR = 1e-7
"""A column of which less than this share of its length is new says nothing of its own."""

MAX_LEVELS = 100
"""Levels that a categorical covariate may have; more are names, not groups."""


@dataclass(frozen=True)
class Confounders:
    """What is removed from latents and dosages.

    Attributes:
        basis: (participants, c) orthonormal; the first is the intercept.
        used: Names of the columns after the intercept, one-hot ones as ``name=level``.
        left_out: By name of a column, why it adds nothing.
    """

    basis: Floats
    used: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    def residuals(self, values: Floats) -> Floats:
        """Return (participants, k) values without what the confounders explain.

        Twice, because the first pass leaves rounding errors as large as the mean's.
        """
        once = values - self.basis @ (self.basis.T @ values)
        return np.asarray(once - self.basis @ (self.basis.T @ once))


def check_names(table: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise InputError unless a table has all these columns, each named once."""
    unknown = [name for name in names if name not in table]
    if unknown:
        raise InputError(
            f"The cohort has no column {', '.join(unknown)}: choose covariates among its columns "
            "(`cmae info COHORT` lists them)."
        )
    twice = {name for name in names if list(names).count(name) > 1}
    if twice:
        raise InputError(f"The covariate {', '.join(sorted(twice))} is named twice: name it once.")


def known(table: pd.DataFrame, names: Sequence[str]) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Tell which rows have all covariates.

    Args:
        table: One row a participant.
        names: The covariates.

    Returns:
        (rows,) True where all are known; and by name how many rows lack it.
    """
    is_known = np.ones(len(table), bool)
    lacking = {}
    for name in names:
        values = table[name]
        has = values.notna().to_numpy()
        if pd.api.types.is_numeric_dtype(values):
            has &= np.isfinite(values.to_numpy(np.float64, na_value=np.nan))
        if not has.all():
            lacking[name] = int((~has).sum())
        is_known &= has
    return is_known, lacking


def confounders(table: pd.DataFrame, names: Sequence[str]) -> Confounders:
    """Make the basis of some covariates and the intercept.

    Continuous and binary columns are standardized, categorical ones become one column a level but
    the most frequent one. A column that is constant, or a linear combination of those before it,
    is left out and named.

    Args:
        table: One row a participant; no covariate is missing (``known``).
        names: The covariates, in the order in which they are taken.

    Returns:
        The confounders.

    Raises:
        InputError: A categorical column has so many levels that it names rather than groups.
    """
    count = len(table)
    basis = [np.full(count, count**-0.5)]
    used: list[str] = []
    left_out: dict[str, str] = {}
    for name in names:
        for label, values in _columns(table[name], name).items():
            spread = values - values.mean()
            length = float(np.linalg.norm(spread))
            if length <= COLLINEAR * max(1.0, float(np.abs(values).max(initial=0))):
                left_out[label] = "constant"
                continue
            new = spread / length
            for _ in range(2):
                known_part = np.stack(basis)
                new = new - known_part.T @ (known_part @ new)
            rest = float(np.linalg.norm(new))
            if rest < COLLINEAR:
                left_out[label] = "a linear combination of the covariates before it"
                continue
            basis.append(new / rest)
            used.append(label)
    return Confounders(np.stack(basis, axis=1), tuple(used), left_out)


def _columns(values: pd.Series, name: str) -> dict[str, Floats]:
    """Return a covariate as columns of numbers, by label."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return {name: values.to_numpy(np.float64)}
    levels = values.value_counts().sort_index().sort_values(ascending=False, kind="stable").index
    if len(levels) > MAX_LEVELS:
        raise InputError(
            f"The covariate {name} has {len(levels)} levels, more than {MAX_LEVELS}: choose one "
            "that groups participants, or merge its levels."
        )
    if len(levels) == 1:
        return {name: np.zeros(len(values))}
    return {
        f"{name}={level}": (values == level).to_numpy(np.float64) for level in sorted(levels[1:])
    }


@dataclass(frozen=True)
class Projection:
    """What iterative null-space projection did.

    Attributes:
        basis: (latent_dim, removed) orthonormal directions that were removed.
        iterations: How often it looked for directions.
        r2: By confounder, what the other half of the participants still tell of it.
        is_clean: Whether it stopped because no confounder is told of any more.
    """

    basis: Floats
    iterations: int
    r2: Mapping[str, float]
    is_clean: bool

    def project(self, latents: Floats) -> Floats:
        """Return latents (n, latent_dim) without the removed directions."""
        return np.asarray(latents - (latents @ self.basis) @ self.basis.T)


NULL_SPACE_R2 = 0.01
"""The projection stops when no confounder is told of better than this."""

NULL_SPACE_ITERATIONS = 30
"""Most rounds of the projection; each removes at most one direction a confounder."""


def null_space_projection(
    latents: Floats,
    removed: Confounders,
    *,
    iterations: int = NULL_SPACE_ITERATIONS,
    max_r2: float = NULL_SPACE_R2,
    seed: int = 0,
) -> Projection:
    """Remove from latents the directions that tell of confounders, until none does.

    Iterative null-space projection (Ravfogel et al. 2020, doi:10.18653/v1/2020.acl-main.647) with
    least squares as the predictor, so categorical levels and numbers are treated alike: each round
    regresses every confounder on the latents, and projects the latents onto the null space of the
    regression weights. Regression of latents on confounders removes what is linear in the
    *confounders*; this removes whole *directions*, hence also the rest of what lies along them.
    It stops when weights found in one half of the participants tell of no confounder in the other
    half with R² above ``max_r2``, after ``iterations`` rounds, or with one direction left.

    Args:
        latents: (participants, latent_dim).
        removed: The confounders.
        iterations: Most rounds.
        max_r2: R² that may remain.
        seed: Of the halves.

    Returns:
        The projection.
    """
    aims = removed.basis[:, 1:] * len(latents) ** 0.5
    centered = latents - latents.mean(0)
    basis = np.zeros((latents.shape[1], 0))
    first = np.random.default_rng(seed).permutation(len(latents)) < len(latents) // 2
    rounds = 0
    while True:
        left = centered - (centered @ basis) @ basis.T
        r2 = _crossed_r2(left, aims, first)
        is_clean = bool((r2 <= max_r2).all())
        room = latents.shape[1] - 1 - basis.shape[1]
        if is_clean or rounds == iterations or room < 1:
            named = dict(zip(removed.used, r2.tolist(), strict=True))
            return Projection(basis, rounds, named, is_clean)
        weights = np.linalg.lstsq(left, aims[:, r2 > max_r2], rcond=1e-9)[0]
        weights -= basis @ (basis.T @ weights)
        directions, sizes, _ = np.linalg.svd(weights, full_matrices=False)
        new = directions[:, sizes > 1e-9 * sizes[0]][:, :room]
        basis = np.linalg.qr(np.concatenate([basis, new], axis=1))[0]
        rounds += 1


def _crossed_r2(latents: Floats, aims: Floats, first: NDArray[np.bool_]) -> Floats:
    """R² of each aim in one half from weights of the other, mean of both ways, (aims,)."""
    scores = []
    for learn in (first, ~first):
        mean, aim_mean = latents[learn].mean(0), aims[learn].mean(0)
        weights = np.linalg.lstsq(latents[learn] - mean, aims[learn] - aim_mean, rcond=1e-9)[0]
        error = aims[~learn] - aim_mean - (latents[~learn] - mean) @ weights
        total = (aims[~learn] - aims[~learn].mean(0)) ** 2
        scores.append(1 - (error**2).sum(0) / np.maximum(total.sum(0), 1e-300))
    return np.asarray(np.mean(scores, axis=0))
