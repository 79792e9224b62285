"""Trust: whether a point of latent space lies among real latents, or where nobody was."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmae.errors import InputError

Floats = NDArray[np.float64]

NEIGHBOR = 10
"""Distances are to this nearest neighbour: one odd latent near a point is not enough."""

SAMPLED = 1000
"""Real latents whose own distance to their neighbours says what is usual."""

_NUMBERS = 2**24
"""Distances in memory at once: 128 MB."""


@dataclass(frozen=True, eq=False)
class Trust:
    """How near some points are to real latents.

    Attributes:
        distance: (points,) Euclidean distance to the k-th nearest real latent, in latent units.
        relative: (points,) the same over its median in real latents: 1 is usual.
        share: (points,) share of real latents that are at least as far from their own k-th
            neighbour: 0.5 is usual, 0 is farther out than anybody.
        nearest: (points,) row of the nearest real latent.
    """

    distance: Floats
    relative: Floats
    share: Floats
    nearest: NDArray[np.int64]


class Surroundings:
    """Real latents, ready to say how near points are to them.

    Euclidean, not cosine as for neighbours: a walk leaves the data along a ray as well, where the
    angle stays as it is.
    """

    def __init__(
        self, latents: NDArray[np.floating], *, neighbor: int = NEIGHBOR, seed: int = 0
    ) -> None:
        """Measure what is usual.

        Args:
            latents: (rows, latent_dim); rows of NaN have none and are left out.
            neighbor: Which nearest neighbour counts.
            seed: Of the real latents that tell what is usual.

        Raises:
            InputError: There are too few latents.
        """
        self._rows = np.flatnonzero(np.isfinite(latents).all(axis=1))
        if neighbor < 1 or len(self._rows) <= neighbor:
            raise InputError(
                f"There are {len(self._rows)} latents, too few to have {neighbor} neighbours: "
                "embed more."
            )
        self._real = np.asarray(latents[self._rows], np.float32)
        # About the mean, squares of distances lose fewer digits.
        self._mean = self._real.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._real = self._real - self._mean
        self._squares = np.einsum("ij,ij->i", self._real, self._real)
        self._neighbor = neighbor
        count = min(SAMPLED, len(self._real))
        some = np.random.default_rng(seed).choice(len(self._real), count, replace=False)
        self._usual = np.sort(self._nearest(self._real[some], own=some)[0])

    @property
    def usual(self) -> float:
        """The median distance of real latents to their k-th neighbour, in latent units."""
        return float(np.median(self._usual))

    @property
    def farthest(self) -> float:
        """The largest distance of a real latent to its k-th neighbour, in latent units."""
        return float(self._usual[-1])

    def trust(self, points: NDArray[np.floating]) -> Trust:
        """Say how near points are to real latents.

        Args:
            points: (points, latent_dim).

        Raises:
            InputError: The points are of other latents, or not finite.
        """
        if np.ndim(points) != 2 or points.shape[1] != self._real.shape[1]:
            raise InputError(
                f"Points have shape {np.shape(points)}, but the latents have "
                f"{self._real.shape[1]} numbers: take both from the same file."
            )
        if not np.isfinite(points).all():
            raise InputError("A point is not finite: give numbers.")
        distance, nearest = self._nearest(np.asarray(points - self._mean, np.float32))
        farther = len(self._usual) - np.searchsorted(self._usual, distance, side="left")
        return Trust(
            distance=distance,
            relative=distance / max(self.usual, float(np.finfo(np.float32).tiny)),
            share=farther / len(self._usual),
            nearest=self._rows[nearest],
        )

    def _nearest(
        self, points: NDArray[np.float32], own: NDArray[np.int64] | None = None
    ) -> tuple[Floats, NDArray[np.int64]]:
        """Return the distance to the k-th nearest, and which is the nearest; never the own."""
        distances = np.empty(len(points))
        nearest = np.empty(len(points), np.int64)
        at_once = max(1, _NUMBERS // len(self._real))
        for start in range(0, len(points), at_once):
            some = points[start : start + at_once]
            block = self._squares - 2 * some @ self._real.T
            if own is not None:
                block[np.arange(len(some)), own[start : start + at_once]] = np.inf
            block += np.einsum("ij,ij->i", some, some)[:, None]
            stop = start + len(some)
            nearest[start:stop] = block.argmin(axis=1)
            kth = np.partition(block, self._neighbor - 1, axis=1)[:, self._neighbor - 1]
            distances[start:stop] = np.sqrt(np.maximum(kth, 0))
        return distances, nearest
