"""The slow movement of an ECG's baseline, told from the waves of the heart."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, CubicSpline

from cmae.data.modality import ECG_RATE_HZ

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

BREATHS_HZ = np.arange(0.12, 0.45, 0.015)
"""Frequencies of breathing that are tried, 7 to 27 breaths a minute."""

BREATH_SHARE = 0.2
"""A breath is believed that explains more than this share of what splines leave.

From 0.1 to 0.3 simulated beats came out alike; without a limit some came out worse.
"""


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
    """What a drift is made of, at the places where beats tell of it: splines, perhaps a breath.

    Attributes:
        knots: Of the cubic B-splines, in samples.
        at_parts: ``(beats, parts, functions)``, what each function is there: the splines, then the
            waves of the breath.
        breath_hz: Frequency of the breath, None where there is none.
    """

    knots: Floats
    at_parts: Floats
    breath_hz: float | None = None

    @classmethod
    def of(cls, times: Floats, inner: Floats) -> Self:
        """Return the splines of some knots.

        Args:
            times: ``(beats, parts)`` in samples: where the beats tell of the drift; a place
                outside the recording is its end.
            inner: ``(knots,)`` in samples, increasing, from the begin to the end of the recording.
        """
        knots = np.concatenate([[inner[0]] * 3, inner, [inner[-1]] * 3])
        places = times.ravel().clip(inner[0], inner[-1])
        at_parts = BSpline.design_matrix(places, knots, 3).toarray().reshape(*times.shape, -1)
        return cls(knots, at_parts)

    @property
    def splines(self) -> int:
        """How many of the functions are splines."""
        return len(self.knots) - 4

    def with_breath(self, times: Floats, breath_hz: float) -> Self:
        """Return the basis with the waves of a breath beside the splines.

        Args:
            times: ``(beats, parts)`` in samples, those of the basis.
            breath_hz: Its frequency.
        """
        waves = _breath(times.clip(self.knots[0], self.knots[-1]), breath_hz)
        at_parts = np.concatenate([self.at_parts[..., : self.splines], waves], axis=-1)
        return replace(self, at_parts=at_parts, breath_hz=breath_hz)

    def at(self, samples: Floats, sizes: Floats) -> Floats:
        """Return the drift at some samples of the recording, of the sizes of its functions."""
        drift = np.asarray(BSpline(self.knots, sizes[: self.splines], 3)(samples))
        if self.breath_hz is None:
            return drift
        return drift + _breath(samples, self.breath_hz) @ sizes[self.splines :]


def drift_below(parts: Floats, basis: DriftBasis, weight: Floats) -> tuple[Floats, float]:
    """Return the slow part of what is not the same in every beat.

    The typical beat and the drift are fitted together by least squares: at every distance
    from R only what differs among the beats tells of the drift, and where that leaves it open,
    the splines are as even as they can be.

    Args:
        parts: ``(beats, parts, leads)`` in mV: means over a few samples each.
        basis: What the drift is made of where the parts are.
        weight: ``(beats, parts)``, 0 where the waves are not those of every beat.

    Returns:
        ``(functions, leads)`` in mV, the sizes of the basis' functions; and the weighted squares
        that are left, with the unevenness.
    """
    share = weight / np.maximum(weight.sum(axis=0), 1e-9)
    at_parts = basis.at_parts
    varying = (at_parts - np.einsum("bp,bpk->pk", share, at_parts)).reshape(-1, at_parts.shape[2])
    seen = (parts - np.einsum("bp,bpl->pl", share, parts)).reshape(-1, parts.shape[2])
    weighted = varying.T * weight.ravel()
    normal, known = weighted @ varying, weighted @ seen
    splines = slice(basis.splines)
    scale = np.trace(normal[splines, splines]) / basis.splines
    uneven = np.diff(np.eye(basis.splines), ORDER, axis=0)
    normal[splines, splines] += SMOOTHING * scale * uneven.T @ uneven
    normal += 1e-9 * scale * np.eye(len(normal))
    sizes = np.linalg.solve(normal, known)
    left = np.einsum("p,pl,pl->", weight.ravel(), seen, seen) - np.einsum("kl,kl->", known, sizes)
    return sizes, float(left)


def with_breath(parts: Floats, basis: DriftBasis, weight: Floats, times: Floats) -> DriftBasis:
    """Add a breath to the basis of a drift where the recording shows one.

    A few beats leave open what of a slow wave is theirs; that breathing has one frequency for some
    seconds, with its harmonic, tells more than evenness does.

    Args:
        parts: As in ``drift_below``.
        basis: The splines.
        weight: As in ``drift_below``.
        times: ``(beats, parts)`` in samples, those of the basis.

    Returns:
        The basis with the breath that leaves least, or as it was where even that explains no more
        than BREATH_SHARE of what the splines leave.
    """
    _, left = drift_below(parts, basis, weight)
    breaths = [basis.with_breath(times, breath_hz) for breath_hz in BREATHS_HZ]
    remains = [drift_below(parts, breath, weight)[1] for breath in breaths]
    best = int(np.argmin(remains))
    return breaths[best] if remains[best] < (1 - BREATH_SHARE) * left else basis


def _breath(samples: Floats, breath_hz: float) -> Floats:
    """Return the waves of a breath with its harmonic, ``(..., 4)``."""
    angle = 2 * np.pi * breath_hz / ECG_RATE_HZ * samples
    waves = (np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle))
    return np.stack(waves, axis=-1)


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
