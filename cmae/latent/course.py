"""The course of a walk: where it leaves the data, and what probes read from each of its points."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.latent.probe import Probe
from cmae.latent.traversal import Walk
from cmae.latent.trust import Surroundings, Trust

Floats = NDArray[np.float64]

BINS = 60
"""Bins of the count of real latents along a walk."""


_TINY = 1e-6
"""Steps by which rounding may put the start beyond itself."""


@dataclass(frozen=True, eq=False)
class Forecast:
    """What a probe predicts along a walk.

    Attributes:
        name: The phenotype.
        values: (points,) in its unit, or the probability of 1 for a binary one.
        low: (points,) lower end of the 95 % interval of a participant there; NaN for a binary one.
        high: (points,) its upper end.
    """

    name: str
    values: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class Course:
    """What is met along a walk.

    Attributes:
        walk: The walk.
        trust: How near each point is to real latents.
        crowd: (BINS,) how many real latents lie along the walk, in even bins from its first step
            to its last, wherever they lie across it.
        ends: How many steps backward and forward from the start the walk leaves the data: farther
            from others than any real latent, or farther along than all of them; None where
            it does not within its steps.
        forecasts: What the probes predict.
    """

    walk: Walk
    trust: Trust
    crowd: NDArray[np.int64]
    ends: tuple[float | None, float | None]
    forecasts: tuple[Forecast, ...]

    @property
    def is_inside(self) -> NDArray[np.bool_]:
        """(points,) Whether a point lies within the data."""
        low, high = self.ends
        steps = self.walk.steps
        inside = np.ones(len(steps), np.bool_)
        if low is not None:
            inside &= steps >= low - _TINY
        if high is not None:
            inside &= steps <= high + _TINY
        return inside

    def table(self) -> pd.DataFrame:
        """Return a row a point: its step, trust, and predictions with their intervals."""
        columns: dict[str, NDArray[np.generic]] = {
            f"steps_{self.walk.direction.step.lower()}": self.walk.steps,
            "relative_distance": self.trust.relative,
            "share_of_real_as_far": self.trust.share,
            "is_within_data": self.is_inside,
            "nearest_row": self.trust.nearest,
        }
        for each in self.forecasts:
            columns[each.name] = each.values
            if np.isfinite(each.low).all():
                columns[f"{each.name}_low"] = each.low
                columns[f"{each.name}_high"] = each.high
        return pd.DataFrame(columns)


def follow(
    taken: Walk,
    latents: NDArray[np.floating],
    around: Surroundings,
    probes: Mapping[str, Probe],
) -> Course:
    """Look what is met along a walk.

    Args:
        taken: The walk, through latents of one kind.
        latents: (rows, latent_dim) real ones of that kind; rows of NaN have none.
        around: The same, as surroundings.
        probes: By phenotype, fitted to latents of that kind.

    Returns:
        The course.

    Raises:
        InputError: The walk, the latents or the probes are of different latents.
    """
    trust = around.trust(taken.points)
    places = places_along(latents, taken)
    places = places[np.isfinite(places)]
    edges = (float(taken.steps.min()), float(taken.steps.max()))
    crowd = np.histogram(places, bins=BINS, range=edges)[0]
    ends = (
        _end(taken.steps, trust, around.farthest, float(places.min()), way=-1),
        _end(taken.steps, trust, around.farthest, float(places.max()), way=1),
    )
    forecasts = tuple(_forecast(name, probe, taken) for name, probe in probes.items())
    return Course(taken, trust, crowd.astype(np.int64), ends, forecasts)


def places_along(latents: NDArray[np.floating], taken: Walk) -> Floats:
    """Say how far along a walk real latents lie, wherever they lie across it.

    Args:
        latents: (rows, latent_dim).
        taken: A walk through latents of that kind.

    Returns:
        (rows,) in steps from the start; NaN for rows without a latent.
    """
    direction = taken.direction
    offset = float(taken.points[0].astype(np.float64) @ direction.vector) / direction.size
    along = latents @ direction.vector.astype(np.float32)
    return np.asarray(along / direction.size - (offset - taken.steps[0]), np.float64)


def _end(steps: Floats, trust: Trust, farthest: float, last: float, *, way: int) -> float | None:
    """Return how many steps one way a walk leaves the data, between two points by interpolation."""
    order = np.argsort(steps)[::way]
    ahead = order[steps[order] * way >= 0]
    if not len(ahead):
        return None
    passed: list[float] = []
    is_far = trust.distance[ahead] > farthest
    if is_far.any():
        k = int(is_far.argmax())
        after = ahead[k]
        if k == 0:
            passed.append(float(steps[after]))
        else:
            before = ahead[k - 1]
            gone = trust.distance[[before, after]]
            part = (farthest - gone[0]) / (gone[1] - gone[0])
            passed.append(float(steps[before] + part * (steps[after] - steps[before])))
    if last * way < float(steps[ahead[-1]]) * way:
        passed.append(max(last * way, 0.0) * way)
    return min(passed, key=abs) + 0.0 if passed else None


def _forecast(name: str, probe: Probe, taken: Walk) -> Forecast:
    values = probe.predict(taken.points)
    if probe.residual_sd is None:
        unknown = np.full(len(values), np.nan)
        return Forecast(name, values, unknown, unknown)
    return Forecast(name, values, *probe.interval(taken.points))
