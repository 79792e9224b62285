"""Two groups of rows compared: every phenotype, with effects, intervals and false discoveries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import fisher_exact, norm, t

from cmae.data.column import Column
from cmae.errors import InputError
from cmae.latent.association_confounders import Confounders, check_names, confounders, known
from cmae.latent.false_discovery import q_values
from cmae.latent.groups import FEWEST, participants_of

Floats = NDArray[np.float64]

_SAME = 1e-9

COLUMNS = (
    "phenotype", "kind", "unit", "n_first", "n_second", "mean_first", "sd_first", "mean_second",
    "sd_second", "difference", "effect", "effect_low", "effect_high", "p", "q",
    "adjusted_n", "adjusted_difference", "adjusted_effect", "adjusted_low", "adjusted_high",
    "adjusted_p", "adjusted_q", "note",
)  # fmt: skip
"""Columns of ``Comparison.table``.

``mean_…`` of a binary phenotype is its share, and its ``sd_…`` is empty. ``difference`` is first
less second in the phenotype's unit. ``effect`` is Cohen's d of a continuous phenotype and the
difference of shares of a binary one, with its 95 % interval ``effect_low`` … ``effect_high``;
``p`` is that of Welch's t or of Fisher's exact test, ``q`` its false-discovery rate (Benjamini and
Hochberg) among all phenotypes. ``adjusted_…`` are the same with the covariates held constant;
``adjusted_low`` … ``adjusted_high`` is the interval of ``adjusted_effect``. ``note`` says why
something is empty."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What differs between two groups.

    Attributes:
        table: A row a phenotype, the smallest p first, ``COLUMNS``; missing is NaN.
        first: Participants of the first group.
        second: Participants of the second group.
        repeated: Rows that were left out because their participant has another in the group.
        covariates: What was held constant, categorical ones as ``name=level``.
        left_out: By covariate, why it adds nothing.
    """

    table: pd.DataFrame
    first: int
    second: int
    repeated: int
    covariates: tuple[str, ...]
    left_out: Mapping[str, str]


def compare_groups(
    table: pd.DataFrame,
    columns: Mapping[str, Column],
    first: NDArray[np.generic],
    second: NDArray[np.generic],
    *,
    covariates: Sequence[str] = (),
) -> Comparison:
    """Compare two groups, phenotype by phenotype.

    Each participant counts once, with their first row in the group. Continuous: Welch's t test;
    Cohen's d with the interval of Hedges and Olkin (1985, large samples). Binary: Fisher's exact
    test; difference of shares with Newcombe's interval (1998, doi:10.1002/(SICI)1097-0258(19980430)
    17:8<873::AID-SIM779>3.0.CO;2-I, method 10). Adjusted: least squares of the phenotype on the
    group and the covariates, for a binary phenotype too (a linear probability model, so that the
    effect stays a difference of shares and no class is separated to infinity), with standard errors
    that allow for unequal variances (HC3, MacKinnon and White 1985). The adjusted difference over
    the same pooled SD is the adjusted d.

    Args:
        table: One row a (participant, visit), ``participant_id`` among its columns.
        columns: The phenotypes to compare, with what each means; categorical ones get a note.
        first: A mask (rows,), or row numbers.
        second: Likewise.
        covariates: Columns of the table that are held constant.

    Raises:
        InputError: A group is empty or too small, a participant is in both, a row does not exist,
            or a covariate is missing.
    """
    check_names(table, covariates)
    check_names(table, list(columns))
    chosen, repeated = participants_of(table, first, second)
    used: tuple[str, ...] = ()
    left_out: Mapping[str, str] = {}
    in_first = np.zeros(len(table), bool)
    in_first[chosen[0]] = True
    rows = np.sort(np.concatenate(chosen))
    has_all, _ = known(table.iloc[rows], covariates)
    for name, mine in (("first", in_first[rows]), ("second", ~in_first[rows])):
        if (has_all & mine).sum() < FEWEST:
            raise InputError(
                f"Fewer than {FEWEST} participants of the {name} group have all of "
                f"{', '.join(covariates)}: choose fewer covariates, or more participants."
            )
    part = _Groups(table.iloc[rows], in_first[rows], has_all, tuple(covariates))
    if covariates:
        basis = part.basis(has_all, "")
        used, left_out = basis.used, basis.left_out
    found = [_compared(part, name, column) for name, column in columns.items()]
    result = pd.DataFrame(found, columns=list(COLUMNS))
    result["q"] = q_values(result["p"].to_numpy(np.float64))
    result["adjusted_q"] = q_values(result["adjusted_p"].to_numpy(np.float64))
    result = result.iloc[_order(result)].reset_index(drop=True)
    return Comparison(result, len(chosen[0]), len(chosen[1]), repeated, used, left_out)


class _Groups:
    """The rows of both groups, and bases of the covariates for those that have a phenotype."""

    def __init__(
        self,
        table: pd.DataFrame,
        in_first: NDArray[np.bool_],
        has_covariates: NDArray[np.bool_],
        covariates: tuple[str, ...],
    ) -> None:
        self.table, self.in_first, self.covariates = table, in_first, covariates
        self.has_covariates = has_covariates
        self._bases: dict[tuple[bytes, str], Confounders] = {}

    def basis(self, rows: NDArray[np.bool_], but: str) -> Confounders:
        """Return the confounders of some rows, without the phenotype itself."""
        names = [name for name in self.covariates if name != but]
        key = np.packbits(rows).tobytes(), but if but in self.covariates else ""
        if key not in self._bases:
            self._bases = {key: confounders(self.table[rows], names)}
        return self._bases[key]


def _compared(part: _Groups, name: str, column: Column) -> dict[str, object]:
    """Return a row of the table."""
    row: dict[str, object] = dict.fromkeys(COLUMNS, float("nan"))
    row.update(phenotype=name, kind=column.kind, unit=column.unit, note="")
    if column.kind == "categorical":
        return {**row, "n_first": 0, "n_second": 0, "note": "categorical"}
    values = part.table[name].to_numpy(np.float64, na_value=np.nan)
    has = np.isfinite(values)
    first, second = values[has & part.in_first], values[has & ~part.in_first]
    row |= {"n_first": len(first), "n_second": len(second), "adjusted_n": 0}
    if min(len(first), len(second)) < FEWEST:
        return {**row, "note": f"fewer than {FEWEST} values in a group"}
    is_binary = column.kind == "binary"
    row |= {"mean_first": first.mean(), "mean_second": second.mean()}
    row["difference"] = first.mean() - second.mean()
    spread = 1.0
    if not is_binary:
        row |= {"sd_first": first.std(ddof=1), "sd_second": second.std(ddof=1)}
        spread = _pooled_sd(first, second)
    if np.ptp(values[has]) <= _SAME * max(1.0, float(np.abs(values[has]).max())):
        return {**row, "note": "the same in both groups"}
    if spread <= _SAME * max(1.0, float(np.abs(values[has]).max())):
        return {**row, "note": "the same within each group"}
    row |= _shares(first, second) if is_binary else _means(first, second, spread)
    rows = has & part.has_covariates
    if part.covariates and rows.any():
        row |= _adjusted(part, name, values, rows, spread)
    return row


def _pooled_sd(first: Floats, second: Floats) -> float:
    squares = ((first - first.mean()) ** 2).sum() + ((second - second.mean()) ** 2).sum()
    return float(np.sqrt(squares / (len(first) + len(second) - 2)))


def _means(first: Floats, second: Floats, spread: float) -> dict[str, object]:
    """Cohen's d with its interval, and p of Welch's t test."""
    one, two = len(first), len(second)
    difference = first.mean() - second.mean()
    effect = difference / spread
    error = np.sqrt((one + two) / (one * two) + effect**2 / (2 * (one + two)))
    parts = first.var(ddof=1) / one, second.var(ddof=1) / two
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (one - 1) + parts[1] ** 2 / (two - 1))
    away = norm.isf(0.025) * error
    p = 2 * t.sf(abs(difference) / np.sqrt(sum(parts)), freedom)
    return {"effect": effect, "effect_low": effect - away, "effect_high": effect + away, "p": p}


def _shares(first: Floats, second: Floats) -> dict[str, object]:
    """Difference of shares with Newcombe's interval, and p of Fisher's exact test."""
    shares, lows, highs = [], [], []
    z = float(norm.isf(0.025))
    for values in (first, second):
        count, share = len(values), float(values.mean())
        middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
        away = np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
        away *= z / (1 + z**2 / count)
        shares.append(share)
        lows.append(middle - away)
        highs.append(middle + away)
    effect = shares[0] - shares[1]
    low = effect - np.hypot(shares[0] - lows[0], highs[1] - shares[1])
    high = effect + np.hypot(highs[0] - shares[0], shares[1] - lows[1])
    counts = [[int(values.sum()), len(values) - int(values.sum())] for values in (first, second)]
    p = float(fisher_exact(counts).pvalue)
    return {"effect": effect, "effect_low": low, "effect_high": high, "p": p}


def _adjusted(
    part: _Groups, name: str, values: Floats, rows: NDArray[np.bool_], spread: float
) -> dict[str, object]:
    """Least squares on group and covariates, by the residuals of both (Frisch, Waugh, Lovell)."""
    basis = part.basis(rows, name)
    group = part.in_first[rows].astype(np.float64)
    freedom = len(group) - basis.basis.shape[1] - 1
    if freedom < 1:
        return {"note": "too few participants for the covariates"}
    left = basis.residuals(np.stack([values[rows], group], axis=1))
    squares = float(left[:, 1] @ left[:, 1])
    if squares <= 1e-6 * len(group):
        return {"note": "the covariates tell the groups apart"}
    slope = float(left[:, 0] @ left[:, 1]) / squares
    errors = left[:, 0] - slope * left[:, 1]
    # HC3 weighs the error of a row by how much the row itself bends the fit.
    leverage = (basis.basis**2).sum(axis=1) + left[:, 1] ** 2 / squares
    weighed = left[:, 1] * errors / np.maximum(1 - leverage, 1e-6)
    error = float(np.sqrt((weighed**2).sum())) / squares
    away = float(t.isf(0.025, freedom)) * error
    return {
        "adjusted_n": len(group),
        "adjusted_difference": slope,
        "adjusted_effect": slope / spread,
        "adjusted_low": (slope - away) / spread,
        "adjusted_high": (slope + away) / spread,
        "adjusted_p": float(2 * t.sf(abs(slope) / error, freedom)) if error > 0 else float("nan"),
    }


def _order(found: pd.DataFrame) -> NDArray[np.int64]:
    """Order rows by p, smallest first, equal ones by effect; what was not tested comes last."""
    size = np.abs(found["effect"].to_numpy(np.float64))
    return np.lexsort((-np.nan_to_num(size), found["p"].to_numpy(np.float64)))
