"""The slow movement of an ECG's baseline, told from the waves of the heart."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, CubicSpline

Floats = NDArray[np.float64]
Samples = NDArray[np.intp]

KNOT_SHARE = 0.3
"""Knots of the drift stand this share of an RR interval apart."""

ROUNDS = 2
"""How often beat and drift are fitted: first to learn where beats vary, then with that known."""

BLOCK = 10
"""Samples of which one mean is taken: drift is slow."""

SMOOTHING = 1e-2
"""Weight of the drift's unevenness against what the beats tell of it.

What recurs with every beat is the beat's unless it is as even as drift: slow noise is not taken
for drift.
"""

ORDER = 3
"""Order of the differences that measure unevenness. Few beats do not tell breathing from a wave
that recurs with every beat; the higher the order, the less of the breath is taken for such a wave.
With second differences, six beats under a wander of 0.2 mV kept some 30 µV of it."""


def block_means(signals: Floats, step: int) -> Floats:
    """Return means of ``step`` samples each; what is left over at the end makes no block."""
    whole = len(signals) // step
    blocks = signals[: whole * step].reshape(whole, step, -1)
    return np.asarray(np.einsum("bsl->bl", blocks) / step)


def between_blocks(values: Floats, step: int, samples: int) -> Floats:
    """Return for every sample the value between those of the blocks about it, ``(samples, …)``."""
    # Every block has the same shares of its own value and of its neighbors'.
    edged = np.concatenate([values[:1], values, values[-1:]])
    place = (np.arange(step) - (step - 1) / 2) / step
    share = np.abs(place).reshape(1, -1, *[1] * (values.ndim - 1))
    is_first = place < 0
    own = edged[1:-1, None]
    between = np.empty((len(values), step, *values.shape[1:]))
    between[:, is_first] = own + share[:, is_first] * (edged[:-2, None] - own)
    between[:, ~is_first] = own + share[:, ~is_first] * (edged[2:, None] - own)
    between = between.reshape(-1, *values.shape[1:])
    missing = samples - len(between)
    if missing > 0:
        between = np.concatenate([between, np.repeat(values[-1:], missing, axis=0)])
    return between[:samples]


def drift_through(signals: Floats, knots: Samples, half_width: int) -> CubicSpline:
    """Return a natural cubic spline through the mean level about some samples.

    Meyer & Keiser 1977 drew it through the PR segments, which leaves ST as it is.

    Args:
        signals: ``(samples, leads)`` in mV.
        knots: ``(beats,)`` samples of the middle of the PR segments, at least 2, increasing.
        half_width: Samples on each side that the level is a mean of.

    Returns:
        The level in mV at samples from the first knot to the last.
    """
    around = knots[:, None] + np.arange(-half_width, half_width)
    levels = signals[np.clip(around, 0, len(signals) - 1)].mean(axis=1)
    return CubicSpline(knots, levels, axis=0, bc_type="natural")


@dataclass(frozen=True)
class DriftBasis:
    """The splines of which a drift is made, at the places where beats tell of it.

    Attributes:
        knots: Of the splines, in samples.
        at_parts: ``(beats, parts, splines)``, what each spline is there.
    """

    knots: Floats
    at_parts: Floats

    @classmethod
    def of(cls, times: Floats, inner: Floats) -> Self:
        """Return the cubic B-splines of some knots.

        Args:
            times: ``(beats, parts)`` in samples: where the beats tell of the drift; a place
                outside the recording is its end.
            inner: ``(knots,)`` in samples, increasing, from the begin to the end of the recording.
        """
        knots = np.concatenate([[inner[0]] * 3, inner, [inner[-1]] * 3])
        places = times.ravel().clip(inner[0], inner[-1])
        at_parts = BSpline.design_matrix(places, knots, 3).toarray().reshape(*times.shape, -1)
        return cls(knots, at_parts)

    def curve(self, sizes: Floats) -> BSpline:
        """Return the drift at any sample of the recording, of the sizes of the splines."""
        return BSpline(self.knots, sizes, 3)


def drift_below(parts: Floats, basis: DriftBasis, weight: Floats) -> Floats:
    """Return the slow part of what is not the same in every beat.

    The typical beat and a cubic B-spline are fitted together by least squares: at every distance
    from R only what differs among the beats tells of the drift, and where that leaves it open,
    the spline is as even as it can be.

    Args:
        parts: ``(beats, parts, leads)`` in mV: means over a few samples each.
        basis: The splines of the drift where the parts are.
        weight: ``(beats, parts)``, 0 where the waves are not those of every beat.

    Returns:
        ``(splines, leads)`` in mV: the sizes of the splines.
    """
    share = weight / np.maximum(weight.sum(axis=0), 1e-9)
    at_parts = basis.at_parts
    varying = (at_parts - np.einsum("bp,bpk->pk", share, at_parts)).reshape(-1, at_parts.shape[2])
    seen = (parts - np.einsum("bp,bpl->pl", share, parts)).reshape(-1, parts.shape[2])
    weighted = varying.T * weight.ravel()
    normal = weighted @ varying
    uneven = np.diff(np.eye(len(normal)), ORDER, axis=0)
    normal += SMOOTHING * np.trace(normal) / len(normal) * uneven.T @ uneven
    normal += 1e-9 * np.trace(normal) / len(normal) * np.eye(len(normal))
    return np.asarray(np.linalg.solve(normal, weighted @ seen))


def drift_knots(intervals: Samples, samples: int) -> Floats:
    """Return the knots of a drift.

    Args:
        intervals: Samples between successive beats.
        samples: Length of the recording.

    Returns:
        ``(knots,)`` in samples.
    """
    spacing = KNOT_SHARE * float(np.median(intervals))
    return np.linspace(0, samples, max(round(samples / spacing), 1) + 1)
