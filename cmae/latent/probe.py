"""Probes: a phenotype from a latent by a linear rule."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.latent.logistic import INNER_FOLDS, fit_logistic
from cmae.latent.ridge import decompose, fit_ridge

Floats = NDArray[np.float64]
Kind = Literal["ridge", "logistic"]

KIND_OF: dict[str, Kind] = {"continuous": "ridge", "binary": "logistic"}
"""The kind of probe for a kind of column."""

RIDGE_PENALTIES = np.logspace(-4, 3, 15)
"""Candidates for λ over the number of rows: from hardly any shrinking to nearly the mean."""

LOGISTIC_PENALTIES = np.logspace(-3, 2, 6)
"""Candidates for λ over the curvature at the mean, Σ p̄ (1 − p̄)."""

FEWEST = 3
"""Fewest participants, and of each class where there are classes, that a probe is fitted to."""


@dataclass(frozen=True, eq=False)
class Probe:
    """A linear rule from latents to a phenotype.

    Attributes:
        kind: ``ridge`` for continuous phenotypes, ``logistic`` for binary ones.
        weights: (latent_dim,) in units of the latent.
        intercept: What a latent of zeros gives.
        penalty: λ on standardized features: Σ (y − ŷ)² + λ Σ weights² for ridge,
            −Σ log likelihood + λ/2 Σ weights² for logistic.
        rows: Rows that it was fitted to.
        residual_sd: For ridge the SD of its errors in participants that were left out, in the
            unit of the phenotype; None for logistic.
    """

    kind: Kind
    weights: Floats = field(repr=False)
    intercept: float
    penalty: float
    rows: int
    residual_sd: float | None = None

    def decide(self, values: NDArray[np.floating]) -> Floats:
        """Return latents · weights + intercept: ridge's prediction, logistic's log odds.

        Args:
            values: (n, latent_dim).

        Returns:
            (n,).

        Raises:
            InputError: The latents have another length than those that it was fitted to.
        """
        if values.ndim != 2 or values.shape[1] != len(self.weights):
            raise InputError(
                f"Latents of shape {values.shape} do not fit a probe of {len(self.weights)} "
                "numbers: give (participants, latent_dim) of the run that it was fitted to."
            )
        result: Floats = np.asarray(values, np.float64) @ self.weights + self.intercept
        return result

    def predict(self, values: NDArray[np.floating]) -> Floats:
        """Predict the phenotype in its unit, or the probability of 1, (n,) from (n, latent_dim)."""
        decided = self.decide(values)
        return decided if self.kind == "ridge" else 0.5 * (1 + np.tanh(decided / 2))

    def interval(
        self, values: NDArray[np.floating], *, level: float = 0.95
    ) -> tuple[Floats, Floats]:
        """Say between which values the phenotype of a new participant lies.

        Prediction ± z · SD of the errors in left-out participants, as if errors were normal and
        alike for everybody.

        Args:
            values: (n, latent_dim).
            level: Share of participants whose phenotype lies within.

        Returns:
            Lower and upper ends, (n,) each, in the unit of the phenotype.

        Raises:
            InputError: The probe is logistic, or the latents have another length.
        """
        if self.residual_sd is None:
            raise InputError("A logistic probe gives a probability: ask it for no interval.")
        from scipy.special import ndtri  # noqa: PLC0415 - takes a while

        middle = self.predict(values)
        away = float(ndtri((1 + level) / 2)) * self.residual_sd
        return middle - away, middle + away


def fit(
    values: NDArray[np.floating],
    targets: NDArray[np.floating],
    kinds: Sequence[str],
    *,
    participants: NDArray[np.generic] | None = None,
    has_shared_scale: bool = False,
) -> list[Probe]:
    """Fit one probe a target, each with its own penalty.

    Ridge penalties are chosen by leaving out each participant in turn with all their rows: exact
    in closed form, hence cheaper than folds and without their chance. Logistic regression has no
    such form, so three inner folds over participants choose. Features are standardized, and their
    weights given back in units of the features.

    Args:
        values: (n, latent_dim), finite.
        targets: (n, targets), NaN where unknown.
        kinds: For each target ``continuous`` or ``binary`` (0 or 1).
        participants: (n,): who each row is of; None where each row is a participant.
        has_shared_scale: Whether to scale all columns alike instead of each to SD 1.

    Returns:
        A probe a target.

    Raises:
        InputError: Shapes differ, a value is not finite, or a target has too few values, one
            class, or does not vary.
    """
    x, y = np.asarray(values, np.float64), np.asarray(targets, np.float64)
    who = np.arange(len(x)) if participants is None else np.asarray(participants)
    if x.ndim != 2 or y.shape != (len(x), len(kinds)) or who.shape != (len(x),):
        raise InputError(
            f"Latents {x.shape}, targets {y.shape} of {len(kinds)} kinds and participants "
            f"{who.shape} do not fit: give one row a row, and one kind a target."
        )
    if not np.isfinite(x).all():
        raise InputError("A latent to fit to is not finite: leave out the rows that have none.")
    people = np.unique(who, return_inverse=True)[1]
    for target, kind in zip(y.T, kinds, strict=True):
        _check(target, kind, people)
    probes: dict[int, Probe] = {}
    continuous = [k for k, kind in enumerate(kinds) if kind == "continuous"]
    for known, members in _patterns(np.isfinite(y[:, continuous])):
        columns = [continuous[k] for k in members]
        found = _ridges(x[known], y[known][:, columns], people[known], has_shared_scale)
        probes |= dict(zip(columns, found, strict=True))
    binary = [k for k, kind in enumerate(kinds) if kind == "binary"]
    if binary:
        probes |= dict(
            zip(binary, _logistics(x, y[:, binary], people, has_shared_scale), strict=True)
        )
    return [probes[k] for k in range(len(kinds))]


def _patterns(known: NDArray[np.bool_]) -> list[tuple[NDArray[np.int64], list[int]]]:
    """Group targets (columns) by the rows that they are known of: (rows, targets) each."""
    groups: dict[bytes, list[int]] = {}
    for k, column in enumerate(known.T):
        groups.setdefault(column.tobytes(), []).append(k)
    return [(np.flatnonzero(known[:, members[0]]), members) for members in groups.values()]


def _ridges(x: Floats, y: Floats, people: NDArray[np.int64], has_shared_scale: bool) -> list[Probe]:
    spectrum = decompose(x, has_shared_scale=has_shared_scale)
    found = fit_ridge(spectrum, y, people, RIDGE_PENALTIES * len(x))
    weights = spectrum.to_features(found.weights).T
    intercepts = found.intercepts - weights @ spectrum.mean
    return [
        Probe("ridge", weights[k], float(intercepts[k]), float(penalty), len(x), float(sd))
        for k, (penalty, sd) in enumerate(zip(found.penalties, found.left_out_sd, strict=True))
    ]


def _logistics(
    x: Floats, y: Floats, people: NDArray[np.int64], has_shared_scale: bool
) -> list[Probe]:
    spectrum = decompose(x, has_shared_scale=has_shared_scale)
    probes = []
    for flags in y.T:
        found = fit_logistic(spectrum, flags, people, LOGISTIC_PENALTIES)
        weights = spectrum.to_features(found.weights)
        intercept = found.intercept - float(weights @ spectrum.mean)
        rows = int(np.isfinite(flags).sum())
        probes.append(Probe("logistic", weights, intercept, found.penalty, rows))
    return probes


def _check(target: Floats, kind: str, people: NDArray[np.int64]) -> None:
    """Raise InputError unless a probe can be fitted to a target."""
    if kind not in KIND_OF:
        raise InputError(f"A probe's target is continuous or binary, not {kind}.")
    known = np.isfinite(target)
    classes = [known]
    if kind == "binary":
        if not np.isin(target[known], (0, 1)).all():
            raise InputError("A binary target holds a value that is neither 0 nor 1.")
        classes = [known & (target == flag) for flag in (0, 1)]
    fewest = min(len(np.unique(people[members])) for members in classes)
    if fewest < max(FEWEST, INNER_FOLDS):
        raise InputError(
            f"{fewest} participants {'of a class ' if kind == 'binary' else ''}are too few for a "
            f"probe: give at least {FEWEST}."
        )
    if kind == "continuous" and not np.ptp(target[known]) > 0:
        raise InputError("The target of a probe has one value everywhere: leave it out.")
