"""Nearest neighbours by cosine, exact, by matrix products in pieces."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cmae.latent.retrieval import unit_length

QUERIES_AT_ONCE = 1024
TARGETS_AT_ONCE = 16384

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Progress = Callable[[int, int], None]


def nearest_rows(
    queries: NDArray[np.floating],
    targets: NDArray[np.floating],
    k: int,
    *,
    own: Rows | None = None,
    on_progress: Progress | None = None,
) -> tuple[Rows, Floats]:
    """Find the targets that point most nearly in the direction of each query.

    Memory grows with k, not with queries times targets, and the targets are not copied: one query
    costs little more than one look at each.

    Args:
        queries: ``(n, latent_dim)``.
        targets: ``(m, latent_dim)``.
        k: How many to find.
        own: ``(n,)``: a target that a query must not find (itself), or -1.
        on_progress: Called with (queries done, queries).

    Returns:
        Target numbers ``(n, k)``, nearest first, -1 where there are no more targets; and their
        cosine similarities ``(n, k)``, -inf there.
    """
    from_unit = unit_length(queries)
    lengths = np.sqrt(np.einsum("ij,ij->i", targets, targets)).astype(np.float32)
    shares = 1 / np.where(lengths > 0, lengths, np.float32(1))
    found = np.full((len(queries), k), -1, np.int64)
    similarity = np.full((len(queries), k), -np.inf, np.float32)
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        rows = slice(start, min(start + QUERIES_AT_ONCE, len(queries)))
        best = _Best(rows.stop - rows.start, k)
        for first in range(0, len(targets), TARGETS_AT_ONCE):
            some = slice(first, first + TARGETS_AT_ONCE)
            block = from_unit[rows] @ np.asarray(targets[some], np.float32).T
            block *= shares[some]
            if own is not None:
                column = own[rows] - first
                hit = np.flatnonzero((own[rows] >= 0) & (column >= 0) & (column < block.shape[1]))
                block[hit, column[hit]] = -np.inf
            best.take(block, first)
        found[rows], similarity[rows] = best.in_order()
        if on_progress is not None:
            on_progress(rows.stop, len(queries))
    return found, similarity


class _Best:
    """The k best targets of some queries, while targets come in blocks."""

    def __init__(self, count: int, k: int) -> None:
        self.similarity = np.full((count, k), -np.inf, np.float32)
        self.targets = np.full((count, k), -1, np.int64)

    def take(self, block: Floats, first: int) -> None:
        """Look at the similarities to targets ``first`` onwards, ``(count, targets)``.

        Only what beats the worst of the k best so far is sorted in; after the first blocks that
        is next to nothing, so most of the time goes into one comparison an element.
        """
        rows, columns = self._candidates(block)
        if not len(rows):
            return
        k = self.similarity.shape[1]
        counts = np.bincount(rows, minlength=len(block))
        offset = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        width = k + int(counts.max())
        similarity = np.full((len(block), width), -np.inf, np.float32)
        targets = np.full((len(block), width), -1, np.int64)
        similarity[:, :k], targets[:, :k] = self.similarity, self.targets
        similarity[rows, k + offset] = block[rows, columns]
        targets[rows, k + offset] = columns + first
        keep = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
        self.similarity = np.take_along_axis(similarity, keep, 1)
        self.targets = np.take_along_axis(targets, keep, 1)

    def _candidates(self, block: Floats) -> tuple[Rows, Rows]:
        k = self.similarity.shape[1]
        worst = self.similarity.min(axis=1)
        if np.isneginf(worst).any() and block.shape[1] > k:
            columns = np.argpartition(-block, k - 1, axis=1)[:, :k]
            rows = np.repeat(np.arange(len(block)), k)
            is_real = np.isfinite(block[rows, columns.ravel()])
            return rows[is_real], columns.ravel()[is_real]
        rows, columns = np.nonzero(block > worst[:, None])
        return rows, columns

    def in_order(self) -> tuple[Rows, Floats]:
        """Return targets and similarities, nearest first; equal ones by target number."""
        order = np.lexsort((self.targets, -self.similarity), axis=1)
        return (
            np.take_along_axis(self.targets, order, 1),
            np.take_along_axis(self.similarity, order, 1),
        )
