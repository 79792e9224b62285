"""Retrieval: which MRI belongs to this ECG, and back, by cosine over all candidates."""

import numpy as np
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.latent.bootstrap import Estimate, Values, estimate, mean, median

CHUNK = 2048
"""Queries compared with all targets at once."""

RANKS = (1, 5, 10)
"""The k of recall@k."""

Floats = NDArray[np.floating]


def unit_length(latents: Floats) -> NDArray[np.float32]:
    """Scale latents to length 1; a latent of zeros stays zero.

    Args:
        latents: ``(n, latent_dim)``.

    Returns:
        ``(n, latent_dim)`` float32.
    """
    lengths = np.linalg.norm(latents, axis=1, keepdims=True)
    return np.asarray(latents / np.where(lengths > 0, lengths, 1), np.float32)


def true_match_ranks(queries: Floats, targets: Floats) -> Values:
    """Rank, for each query, its own target among all targets by cosine similarity.

    Args:
        queries: ``(n, latent_dim)``; row i is of the same participant as row i of ``targets``.
        targets: ``(n, latent_dim)``.

    Returns:
        ``(n,)``: 1 where the own target is the nearest. Equally near targets share the mean of
        their ranks, so a space in which all is the same gets the rank of chance, not 1.

    Raises:
        InputError: The shapes differ.
    """
    if queries.shape != targets.shape or queries.ndim != 2:
        raise InputError(
            f"Queries have shape {queries.shape} and targets {targets.shape}: retrieval needs "
            "one target a query, both (participants, latent_dim)."
        )
    from_unit, to_unit = unit_length(queries), unit_length(targets)
    ranks = np.empty(len(queries), np.float64)
    for start in range(0, len(queries), CHUNK):
        rows = slice(start, min(start + CHUNK, len(queries)))
        similarity = from_unit[rows] @ to_unit.T
        own = similarity[np.arange(len(similarity)), np.arange(rows.start, rows.stop)][:, None]
        num_nearer = (similarity > own).sum(1)
        num_equal = (similarity == own).sum(1)
        ranks[rows] = num_nearer + (num_equal + 1) / 2
    return ranks


def rank_of(query: NDArray[np.floating], targets: Floats, own: int) -> float:
    """Rank one query's own target among all by cosine similarity, as ``true_match_ranks`` does.

    Args:
        query: ``(latent_dim,)``.
        targets: ``(n, latent_dim)``, not scaled and not copied.
        own: Number of the query's own target.

    Returns:
        1 where the own target is the nearest; equally near targets share the mean of their ranks.
    """
    lengths = np.sqrt(np.einsum("ij,ij->i", targets, targets))
    similarity = (targets @ query) / np.where(lengths > 0, lengths, 1)
    nearer = (similarity > similarity[own]).sum()
    equal = (similarity == similarity[own]).sum()
    return float(nearer + (equal + 1) / 2)


def score(
    queries: Floats,
    targets: Floats,
    *,
    participants: NDArray[np.generic] | None = None,
    seed: int = 0,
) -> dict[str, object]:
    """Score retrieval in one direction.

    Args:
        queries: ``(n, latent_dim)``; row i is of the same participant as row i of ``targets``.
        targets: ``(n, latent_dim)``.
        participants: Who each row is of, ``(n,)``, where some have several rows: the bootstrap
            draws participants.
        seed: Seed of the bootstrap.

    Returns:
        For JSON: ``n``; ``recall_at_1`` … ``recall_at_10``, ``median_rank`` and
        ``mean_reciprocal_rank``, each with ``value``, the 95 % interval ``low`` … ``high`` and
        ``chance``.
    """
    ranks = true_match_ranks(queries, targets)
    count = len(ranks)

    def entry(found: Estimate, chance: float) -> dict[str, float]:
        return {**found.as_dict(), "chance": chance}

    def interval(values: Values) -> Estimate:
        return estimate(values, statistic=mean, participants=participants, seed=seed)

    result: dict[str, object] = {"n": count}
    for k in RANKS:
        result[f"recall_at_{k}"] = entry(
            interval((ranks <= k).astype(np.float64)), min(1.0, k / count)
        )
    middle = estimate(ranks, statistic=median, participants=participants, seed=seed)
    result["median_rank"] = entry(middle, (count + 1) / 2)
    harmonic = float((1 / np.arange(1, count + 1)).sum() / count)
    result["mean_reciprocal_rank"] = entry(interval(1 / ranks), harmonic)
    return result


def both_ways(
    ecg: Floats,
    mri: Floats,
    *,
    participants: NDArray[np.generic] | None = None,
    seed: int = 0,
) -> dict[str, dict[str, object]]:
    """Score retrieval from ECG to MRI and from MRI to ECG.

    Args:
        ecg: ECG latents ``(n, latent_dim)`` of participants who have both recordings.
        mri: Their MRI latents ``(n, latent_dim)``.
        participants: Who each row is of, ``(n,)``, where some have several rows.
        seed: Seed of the bootstrap.

    Returns:
        ``ecg_to_mri`` and ``mri_to_ecg``, each as ``score`` gives it.
    """
    return {
        "ecg_to_mri": score(ecg, mri, participants=participants, seed=seed),
        "mri_to_ecg": score(mri, ecg, participants=participants, seed=seed),
    }
