"""What probes read from one participant's latents, fitted on other participants alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.column import Column
from cmae.evaluation.folds import outer_folds
from cmae.evaluation.targets import why_not
from cmae.latent import probe
from cmae.latent.probe import Probe

Floats = NDArray[np.float64]
Masked = tuple[NDArray[np.floating], NDArray[np.bool_]]
"""Latents ``(rows, latent_dim)``, and ``(rows,)`` whether a row has one."""

MOST_ROWS = 4000
"""Rows that the probes of a fold are fitted to at most: more hardly change them."""


@dataclass(frozen=True, eq=False)
class FoldProbes:
    """Probes that never saw the participants of one fold.

    Attributes:
        fold: The fold that they did not see.
        probes: By latent (``ecg``, ``mri``, ``joint``) and phenotype.
        participants: By latent, how many participants they were fitted to.
    """

    fold: int
    probes: Mapping[str, Mapping[str, Probe]]
    participants: Mapping[str, int]


@dataclass(frozen=True)
class Prediction:
    """A phenotype as one latent tells it.

    Attributes:
        value: In the unit of the phenotype; for a binary one the probability of 1.
        low: Lower end of the 95 % interval of a participant with this latent; None if binary.
        high: Its upper end.
        percentile: Share of the cohort's measured values below it, 0 to 100; None if binary.
    """

    value: float
    low: float | None
    high: float | None
    percentile: float | None


@dataclass(frozen=True)
class Reading:
    """One phenotype of one participant, measured and predicted.

    Attributes:
        name: Column of the phenotype.
        kind: ``continuous`` or ``binary``.
        mean: Of the cohort; for a binary phenotype the share of 1.
        sd: Of the cohort.
        measured: The value in the table, or None.
        percentile: Share of the cohort's values below it, 0 to 100; None for a binary one.
        predicted: By latent.
        surprise: How far the measured value lies from the nearest prediction, in SD of that probe's
            errors (binary: in SD of the phenotype); None where either is lacking.
    """

    name: str
    kind: str
    mean: float
    sd: float
    measured: float | None
    percentile: float | None
    predicted: Mapping[str, Prediction] = field(default_factory=dict)
    surprise: float | None = None


def percentile(value: float, others: NDArray[np.floating]) -> float:
    """Say which share of other values lies below one, equal ones counting half.

    Args:
        value: Any number.
        others: (n,) values to compare with, at least one; NaN are left out.

    Returns:
        0 to 100.
    """
    return Standings.of(np.asarray(others, np.float64)).percentile(value)


@dataclass(frozen=True, eq=False)
class Standings:
    """The values of one column, to place others among them at once.

    Attributes:
        in_order: (n,) float64, ascending, without the missing ones.
        mean: Of them; NaN where there are none.
        sd: Of them.
    """

    in_order: Floats
    mean: float
    sd: float

    @classmethod
    def of(cls, values: Floats) -> "Standings":
        """Put values in order.

        Args:
            values: (rows,) with NaN where missing.
        """
        known = np.sort(values[np.isfinite(values)])
        if not len(known):
            return cls(known, float("nan"), float("nan"))
        return cls(known, float(known.mean()), float(known.std()))

    def percentile(self, value: float) -> float:
        """Say which share of these lies below a value, equal ones counting half: 0 to 100."""
        below = np.searchsorted(self.in_order, value, "left")
        not_above = np.searchsorted(self.in_order, value, "right")
        return float(50 * (below + not_above) / len(self.in_order))


def fit_without_fold(
    latents: Mapping[str, Masked],
    table: pd.DataFrame,
    columns: Mapping[str, Column],
    names: Sequence[str],
    *,
    fold: int,
) -> FoldProbes:
    """Fit probes to the participants outside one of the outer folds.

    Args:
        latents: By kind, for each row of the table.
        table: Of the cohort: ``participant_id`` and the phenotypes.
        columns: What its columns mean.
        names: Phenotypes to fit; those with too few values are left out.
        fold: The fold to leave out, of ``outer_folds``.

    Returns:
        The probes.
    """
    participants = table["participant_id"].to_numpy(dtype=str)
    folds = outer_folds(participants)
    probes: dict[str, dict[str, Probe]] = {}
    counts: dict[str, int] = {}
    for source, (values, present) in latents.items():
        known: dict[str, Floats] = {}
        for name in names:
            truth = np.where(present, numbers(table, name), np.nan)
            inside = np.where(present, folds, folds[present][0] if present.any() else 0)
            if why_not(truth, columns[name].kind, participants, inside) is None:
                known[name] = truth
        rows = np.flatnonzero(present & (folds != fold))
        if len(rows) > MOST_ROWS:
            rows = np.sort(np.random.default_rng(fold).choice(rows, MOST_ROWS, replace=False))
        fitted = (
            probe.fit(
                values[rows],
                np.stack([truth[rows] for truth in known.values()], axis=1),
                [columns[name].kind for name in known],
                participants=participants[rows],
            )
            if known
            else []
        )
        probes[source] = dict(zip(known, fitted, strict=True))
        counts[source] = len(np.unique(participants[rows]))
    return FoldProbes(fold, probes, counts)


def read(
    fitted: FoldProbes,
    latents: Mapping[str, NDArray[np.floating]],
    table: pd.DataFrame,
    columns: Mapping[str, Column],
    *,
    row: int,
    standings: Callable[[str], Standings] | None = None,
) -> list[Reading]:
    """Lay what was measured of a participant beside what probes read from their latents.

    Args:
        fitted: Probes of the fold that the participant is in.
        latents: By kind, the row's latent, (latent_dim,).
        table: Of the cohort.
        columns: What its columns mean.
        row: Row of the table.
        standings: Gives those of a column, for who asks often; None: worked out here.

    Returns:
        A reading for each phenotype that some probe predicts, in the order of the probes.
    """
    names = dict.fromkeys(name for by_name in fitted.probes.values() for name in by_name)
    readings, own = [], table.iloc[[row]]
    for name in names:
        known = Standings.of(numbers(table, name)) if standings is None else standings(name)
        kind = columns[name].kind
        is_number = kind == "continuous"
        value_here = float(numbers(own, name)[0])
        measured = value_here if np.isfinite(value_here) else None
        predicted: dict[str, Prediction] = {}
        misses = []
        for source, latent in latents.items():
            told = fitted.probes.get(source, {}).get(name)
            if told is None:
                continue
            value = float(told.predict(latent[None])[0])
            low, high = told.interval(latent[None]) if is_number else (None, None)
            predicted[source] = Prediction(
                value,
                None if low is None else float(low[0]),
                None if high is None else float(high[0]),
                known.percentile(value) if is_number else None,
            )
            if measured is not None:
                misses.append(abs(measured - value) / (told.residual_sd or known.sd))
        readings.append(
            Reading(
                name,
                kind,
                known.mean,
                known.sd,
                measured,
                known.percentile(measured) if is_number and measured is not None else None,
                predicted,
                min(misses, default=None),
            )
        )
    return readings


def numbers(table: pd.DataFrame, name: str) -> Floats:
    """Return a column as (rows,) float64, NaN where it is missing."""
    values: Floats = pd.to_numeric(table[name], errors="coerce").to_numpy(
        np.float64, na_value=np.nan
    )
    return values
