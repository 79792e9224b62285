"""Directions and paths in latent space: where they lead, what they decode to, and how far to trust.

A direction is found in the latents of many participants; a walk is a row of points along it from a
place of somebody's choice. Nothing keeps a walk within the data, so its points are compared with
the real latents around them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.latent.association_confounders import check_names, confounders, known
from cmae.latent.decoding import Decoder, cine_scale

Floats = NDArray[np.float64]

FEWEST = 10
"""Fewest participants whose latents give a direction."""

MOST_STEPS = 201
"""Most points of a walk: their cines take 370 MB."""

_SAME = 1e-9
"""A spread of less than this share of the size of numbers is rounding."""


@dataclass(frozen=True, eq=False)
class Direction:
    """A way through latent space.

    Attributes:
        name: What one follows: a phenotype, ``PC 1``, a variant with its effect allele.
        step: What one step is: ``SD`` of the phenotype or the component, ``allele``, or ``way``
            from one place to another.
        kind: Which latents it was found in: ``ecg``, ``mri`` or ``joint``.
        vector: (latent_dim,) of length 1.
        size: How far one step goes, in latent units.
        rows: How many rows it was found in.
    """

    name: str
    step: str
    kind: str
    vector: Floats
    size: float
    rows: int

    def cosine(self, other: "Direction") -> float:
        """Return the cosine of the angle to another direction: 1 the same way, 0 across it."""
        return float(self.vector @ other.vector)


@dataclass(frozen=True, eq=False)
class Walk:
    """Points along a direction.

    Attributes:
        direction: The direction.
        steps: (points,) how many steps each is away from the start.
        points: (points, latent_dim) float32.
    """

    direction: Direction
    steps: Floats
    points: NDArray[np.float32]


def along(
    move: NDArray[np.floating], *, name: str, step: str, kind: str = "joint", rows: int
) -> Direction:
    """Make a direction of what one step adds to a latent.

    Args:
        move: (latent_dim,).
        name: What one follows.
        step: What one step is.
        kind: Which latents it is of.
        rows: How many rows it was found in.

    Raises:
        InputError: The step is of length 0, or not finite.
    """
    values = np.asarray(move, np.float64)
    size = float(np.linalg.norm(values))
    if not np.isfinite(size):
        raise InputError(f"The direction of {name} is not finite: embed again.")
    if not size:
        raise InputError(f"The latent does not move with {name}: choose another.")
    return Direction(name, step, kind, values / size, size, rows)


def phenotype_direction(
    latents: NDArray[np.floating],
    table: pd.DataFrame,
    name: str,
    *,
    kind: str = "joint",
    covariates: Sequence[str] = (),
) -> Direction:
    """Find along which direction the latent moves with a phenotype.

    The latent is regressed on the phenotype in SDs, after covariates were removed from both by
    regression: the step is the mean change of the latent a standard deviation of the phenotype
    among participants alike in the covariates.

    Args:
        latents: (rows, latent_dim); rows of NaN have none and are left out.
        table: Their rows: the phenotype and the covariates as columns. Rows that lack one of them
            are left out.
        name: The phenotype, numeric or binary.
        kind: Which latents these are.
        covariates: Columns to remove; those that add nothing are left out.

    Raises:
        InputError: A column is missing or text, too few rows are left, or the phenotype does not
            vary beyond the covariates.
    """
    if len(latents) != len(table):
        raise InputError(
            f"There are {len(latents)} latents for {len(table)} rows: give one latent a row."
        )
    check_names(table, [name, *(each for each in covariates if each != name)])
    if not pd.api.types.is_numeric_dtype(table[name]):
        raise InputError(f"{name} is text, which has no direction: choose a numeric phenotype.")
    removed = [each for each in covariates if each != name]
    is_used, _ = known(table, [name, *removed])
    is_used &= np.isfinite(latents).all(axis=1)
    used = table[is_used]
    if len(used) < FEWEST:
        raise InputError(
            f"{len(used)} rows have a latent, {name} and all covariates: a direction takes "
            f"{FEWEST} or more."
        )
    values = used[name].to_numpy(np.float64)
    spread = float(values.std())
    if spread <= _SAME * max(1.0, float(np.abs(values).max())):
        raise InputError(f"{name} is the same in all rows: choose a phenotype that varies.")
    basis = confounders(used, removed)
    left = basis.residuals(((values - values.mean()) / spread)[:, None])[:, 0]
    squares = float(left @ left)
    if squares <= 1e-6 * len(left):
        raise InputError(
            f"{name} does not vary beyond the covariates: leave out those that tell it."
        )
    # The phenotype's residual is orthogonal to the covariates, so removing them from the latent
    # too would change nothing.
    move = np.asarray(latents[is_used], np.float64).T @ left / squares
    return along(move, name=name, step="SD", kind=kind, rows=len(used))


def principal_components(
    latents: NDArray[np.floating], count: int, *, kind: str = "joint"
) -> list[Direction]:
    """Find the directions along which latents vary most; a step is an SD along each.

    Args:
        latents: (rows, latent_dim); rows of NaN have none and are left out.
        count: How many directions, the one with the most variance first.
        kind: Which latents these are.

    Returns:
        The directions; the largest entry of each is positive.

    Raises:
        InputError: There are fewer, because latents are few or vary in fewer directions.
    """
    values = np.asarray(latents[np.isfinite(latents).all(axis=1)], np.float64)
    if len(values) < FEWEST:
        raise InputError(f"There are {len(values)} latents: components take {FEWEST} or more.")
    centered = values - values.mean(axis=0)
    variances, vectors = np.linalg.eigh(centered.T @ centered / (len(values) - 1))
    varying = int((variances > 1e-12 * max(variances[-1], _SAME)).sum())
    if not 1 <= count <= min(varying, len(values) - 1):
        raise InputError(
            f"{count} components were asked for, but the latents vary in "
            f"{min(varying, len(values) - 1)} directions: ask for 1 to that many."
        )
    found = []
    for place in range(count):
        vector, variance = vectors[:, -1 - place], variances[-1 - place]
        vector = vector * np.sign(vector[np.abs(vector).argmax()])
        move = vector * variance**0.5
        found.append(along(move, name=f"PC {place + 1}", step="SD", kind=kind, rows=len(values)))
    return found


def between(
    start: NDArray[np.floating], stop: NDArray[np.floating], *, name: str, kind: str = "joint"
) -> Direction:
    """Give the way from one place to another: 0 steps are the start, 1 step is the stop.

    Args:
        start: (latent_dim,).
        stop: (latent_dim,).
        name: What the two are.
        kind: Which latents they are.

    Raises:
        InputError: They are of different latents, or the same.
    """
    first, last = np.asarray(start, np.float64), np.asarray(stop, np.float64)
    if first.shape != last.shape or first.ndim != 1:
        raise InputError(
            f"A way leads from {first.shape} numbers to {last.shape}: take both from the same "
            "latents."
        )
    return along(last - first, name=name, step="way", kind=kind, rows=2)


def mean_latent(latents: NDArray[np.floating], rows: NDArray[np.integer] | None = None) -> Floats:
    """Give the center of some latents, as a place to start from.

    Args:
        latents: (rows, latent_dim); rows of NaN have none and are left out.
        rows: Row numbers; None: all.

    Returns:
        (latent_dim,).

    Raises:
        InputError: None of the rows has a latent.
    """
    chosen = latents if rows is None else latents[rows]
    is_known = np.isfinite(chosen).all(axis=1)
    if not is_known.any():
        raise InputError(
            "None of these rows has such a latent: choose other rows, or another kind of latent."
        )
    return np.asarray(chosen.mean(axis=0, dtype=np.float64, where=is_known[:, None]))


def even_steps(
    direction: Direction, latents: NDArray[np.floating], *, reach: float, count: int
) -> Floats:
    """Give evenly spaced steps about 0.

    From one place to another the steps go from 0 to 1. A single allele moves the latent too little
    to be seen, so variants are walked as many alleles as span ``reach`` SD of the latents each way,
    the same whole number from each point to the next.

    Args:
        direction: Where to.
        latents: (rows, latent_dim) of the kind that the direction is of; NaN where there is none.
        reach: How many steps the last one is away; of a variant, how many SD of the latents.
        count: How many, an odd number, so that 0 is one of them.

    Returns:
        (count,).

    Raises:
        InputError: The count is even or out of range, or the reach is not positive.
    """
    if count % 2 == 0 or not 3 <= count <= MOST_STEPS:
        raise InputError(f"A walk takes an odd number of points, 3 to {MOST_STEPS}, not {count}.")
    if not (np.isfinite(reach) and reach > 0):
        raise InputError(f"A walk that reaches {reach} steps goes nowhere: give more than 0.")
    if direction.step == "way":
        return np.linspace(0.0, 1.0, count)
    half = count // 2
    if direction.step != "allele":
        return np.linspace(-reach, reach, count)
    along_it = latents @ direction.vector.astype(np.float32)
    spread = float(np.nanstd(along_it, dtype=np.float64))
    alleles = max(1, round(reach / half * spread / direction.size))
    return np.arange(-half, half + 1, dtype=np.float64) * alleles


def variance_share(direction: Direction, latents: NDArray[np.floating]) -> float:
    """Give the share of all variance of latents that lies along a direction, 0 to 1.

    Args:
        direction: The direction.
        latents: (rows, latent_dim) of its kind; rows of NaN have none and are left out.
    """
    along_it = latents @ direction.vector.astype(np.float32)
    total = float(np.nanvar(latents, axis=0, dtype=np.float64).sum())
    return float(np.nanvar(along_it, dtype=np.float64)) / total if total > 0 else 0.0


def walk(
    start: NDArray[np.floating],
    direction: Direction,
    steps: Sequence[float] | NDArray[np.floating],
) -> Walk:
    """Lay points along a direction.

    Args:
        start: (latent_dim,) where the walk passes at 0 steps: a participant, a group's mean.
        direction: Where to.
        steps: How many steps each point is away, negative ones backward.

    Raises:
        InputError: There is no step or are too many, one is not finite, or the start is of other
            latents.
    """
    origin, counts = np.asarray(start, np.float64), np.asarray(steps, np.float64)
    if origin.shape != direction.vector.shape:
        raise InputError(
            f"The walk starts at {origin.shape} numbers, but the direction has "
            f"{direction.vector.shape}: take both from the same latents."
        )
    if not len(counts):
        raise InputError("The walk has no step: give some numbers, such as -2, 0, 2.")
    if len(counts) > MOST_STEPS:
        raise InputError(f"The walk has {len(counts)} points: ask for {MOST_STEPS} or fewer.")
    points = origin + counts[:, None] * direction.size * direction.vector
    if not np.isfinite(points).all():
        raise InputError("The start or a step of the walk is not finite: give numbers.")
    return Walk(direction, counts, points.astype(np.float32))


def decode_walk(
    run: Decoder, taken: Walk, *, cine: NDArray[np.generic] | None = None
) -> dict[str, NDArray[np.float32]]:
    """Decode all points of a walk, one batch a modality.

    Args:
        run: The run that made the latents.
        taken: The walk.
        cine: A recorded cine whose mean and SD scale the decoded ones; else the run's medians.

    Returns:
        By modality of the run, (points, *shape) in physical units.
    """
    scale = {"ecg": {}, "mri": cine_scale(cine, len(taken.points))}
    return {name: run.decode(name, taken.points, **scale[name]) for name in run.modalities}
