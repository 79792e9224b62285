"""Alignment of the space: how near ECG and MRI of one heart lie, and how well they spread."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import hyp0f1

from cmae.errors import InputError
from cmae.latent.bootstrap import RESAMPLES, Estimate
from cmae.latent.retrieval import unit_length

Floats = NDArray[np.float64]

MOST_FOR_UNIFORMITY = 5000
"""Rows, drawn at random, among which all pairs are compared."""

SWAPS = 200
"""Times that each pair's modalities are swapped at random, for chance."""

FEWEST = 10

_KERNEL = 2.0
"""The t of uniformity, as Wang and Isola have it."""


def alignment(
    ecg: NDArray[np.floating],
    mri: NDArray[np.floating],
    *,
    participants: NDArray[np.generic] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure how the latents of two modalities lie to each other.

    On latents of length 1, x of ECGs and y of MRIs (Wang and Isola 2020, arXiv:2005.10242):

    - ``alignment``: mean ‖x − y‖² of own pairs, smaller is nearer; baseline: shuffled pairs.
    - ``uniformity_ecg``, ``uniformity_mri``: log of the mean exp(−2 ‖x − x′‖²) over pairs of
      participants, smaller is spread wider; baseline: points uniform on the sphere,
      −4 + log ₀F₁(d / 2; 4), below which no large set comes.
    - ``centroid_distance``: ‖mean x − mean y‖; chance: modalities swapped within pairs at random.

    On latents as they are, ``modality_variance``: the share of the variance of all latents that
    lies between the two means; chance likewise.

    Both of these are never below 0, so their chance is above it.

    Args:
        ecg: ECG latents (n, latent_dim) of rows that have both recordings.
        mri: Their MRI latents (n, latent_dim).
        participants: Who each row is of, (n,), where some have several rows: the bootstrap draws
            participants.
        resamples: Resamples of the bootstrap.
        seed: Seed of everything random.

    Returns:
        For JSON: ``n``, ``uniformity_rows``, and by measure ``value``, the 95 % interval ``low`` …
        ``high``, and ``baseline`` or ``chance``.

    Raises:
        InputError: The shapes differ, rows are too few, or a latent is not finite or is 0.
    """
    _check(ecg, mri)
    rng = np.random.default_rng(seed)
    weights = _weights(len(ecg), participants, resamples, rng)
    x, y = unit_length(ecg).astype(np.float64), unit_length(mri).astype(np.float64)
    pairs = ((x - y) ** 2).sum(axis=1)
    shuffled = 2 - 2 * (x.sum(0) @ y.sum(0) - (x * y).sum()) / (len(x) * (len(x) - 1))
    some = np.sort(rng.permutation(len(x))[:MOST_FOR_UNIFORMITY])
    result: dict[str, Any] = {"n": len(x), "uniformity_rows": len(some)}
    result["alignment"] = {
        **_interval(weights @ pairs / weights.sum(1)).as_dict(),
        "baseline": float(shuffled),
    }
    sphere = float(-2 * _KERNEL + np.log(hyp0f1(x.shape[1] / 2, (2 * _KERNEL) ** 2 / 4)))
    for name, points in (("ecg", x), ("mri", y)):
        found = _uniformity(points[some], weights[:, some])
        result[f"uniformity_{name}"] = {**found.as_dict(), "baseline": sphere}
    result["centroid_distance"] = {
        **_distance(weights @ (x - y) / weights.sum(1)[:, None]).as_dict(),
        "chance": _swapped(lambda signs: np.linalg.norm(signs @ (x - y), axis=1) / len(x), x, rng),
    }
    a, b = np.asarray(ecg, np.float64), np.asarray(mri, np.float64)
    result["modality_variance"] = {
        **_recentred(_between(a, b, weights)).as_dict(),
        "chance": _swapped(lambda signs: _between_swapped(a, b, signs), a, rng),
    }
    return result


def _check(ecg: NDArray[np.floating], mri: NDArray[np.floating]) -> None:
    if ecg.shape != mri.shape or ecg.ndim != 2:
        raise InputError(
            f"ECG latents have shape {ecg.shape} and MRI latents {mri.shape}: alignment needs one "
            "of each a row, both (rows, latent_dim)."
        )
    if len(ecg) < FEWEST:
        raise InputError(f"{len(ecg)} rows have both latents: alignment takes {FEWEST} or more.")
    for latents in (ecg, mri):
        if not np.isfinite(latents).all():
            raise InputError("A latent is not finite: choose rows that have both.")
        if not np.abs(latents).max(axis=1).all():
            raise InputError("A latent is all zeros, which has no direction: embed again.")


def _weights(
    count: int,
    participants: NDArray[np.generic] | None,
    resamples: int,
    rng: np.random.Generator,
) -> Floats:
    """Return how often each row is drawn, (1 + resamples, rows); first of all, once each."""
    if participants is None:
        number, place = count, np.arange(count)
    else:
        names, place = np.unique(participants, return_inverse=True)
        number = len(names)
    weights = np.ones((1 + resamples, count), np.float64)
    for row in range(1, 1 + resamples):
        drawn = np.bincount(rng.integers(0, number, number), minlength=number)
        weights[row] = drawn[place]
    return weights


def _interval(values: Floats) -> Estimate:
    low, high = np.quantile(values[1:], (0.025, 0.975))
    return Estimate(float(values[0]), float(low), float(high))


def _recentred(values: Floats) -> Estimate:
    """Return a square with its interval: resampling adds its own noise, whose mean is taken off."""
    moved = np.maximum(values[1:] - (values[1:].mean() - values[0]), 0)
    return _interval(np.concatenate([values[:1], moved]))


def _distance(apart: Floats) -> Estimate:
    """Return the length of the first of some vectors (k, latent_dim) with its interval."""
    squares = _recentred((apart**2).sum(axis=1))
    return Estimate(squares.value**0.5, squares.low**0.5, squares.high**0.5)


def _uniformity(points: Floats, weights: Floats) -> Estimate:
    """Return the uniformity of points; copies of a point in a resample are no pairs."""
    unit = points.astype(np.float32)
    kernel = np.exp(np.float32(-2 * _KERNEL) + np.float32(2 * _KERNEL) * (unit @ unit.T))
    np.fill_diagonal(kernel, 0)
    counts = weights.astype(np.float32)
    products = np.einsum("ki,ki->k", counts @ kernel, counts, dtype=np.float64)
    pairs = weights.sum(1) ** 2 - (weights**2).sum(1)
    return _interval(np.log(products / pairs))


def _between(ecg: Floats, mri: Floats, weights: Floats) -> Floats:
    """Return the share of variance between the modalities' means, for each set of weights."""
    count = weights.sum(1)
    means = (weights @ ecg) / count[:, None], (weights @ mri) / count[:, None]
    squares = weights @ ((ecg**2).sum(1) + (mri**2).sum(1))
    middle = (means[0] + means[1]) / 2
    total = squares - 2 * count * (middle**2).sum(1)
    between = count / 2 * ((means[0] - means[1]) ** 2).sum(1)
    return np.asarray(between / np.maximum(total, np.finfo(np.float64).tiny))


def _between_swapped(ecg: Floats, mri: Floats, signs: Floats) -> Floats:
    """Return the same with the modalities of pairs swapped where a sign is negative."""
    count = len(ecg)
    middle = (ecg.mean(0) + mri.mean(0)) / 2
    total = (ecg**2).sum() + (mri**2).sum() - 2 * count * (middle**2).sum()
    apart = signs @ (ecg - mri) / count
    between = count / 2 * (apart**2).sum(1)
    return np.asarray(between / max(float(total), float(np.finfo(np.float64).tiny)))


def _swapped(
    statistic: Callable[[Floats], Floats], like: Floats, rng: np.random.Generator
) -> float:
    """Return the mean of a statistic of signs (swaps, rows)."""
    return float(statistic(rng.choice(np.array([-1.0, 1.0]), (SWAPS, len(like)))).mean())
