"""How far measures read from cines agree with what was recorded, with the truth and with columns.

Every row of the table is one statistic with its 95 % bootstrap interval over participants.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.evaluation.function import MEASURES, RECORDED, TRUTH, HeartFunction
from cmae.latent.bootstrap import estimate, median

COLUMNS = {
    "edv_ml": "lvedv_ml",
    "esv_ml": "lvesv_ml",
    "ef_percent": "lvef_percent",
    "wall_g": "lv_mass_g",
}
"""Which column of a cohort each measure stands for."""

ALL_MEASURES = "all measures"

FEWEST = 20
"""Fewest participants with both numbers for a row, and fewest that a calibration is fitted to."""

FENCE_IQR = 3.0
"""Interquartile ranges beyond the quartiles at which a number counts as far out (Tukey 1977)."""

LIMITS_SD = 1.96
"""Bland and Altman's limits of agreement, in SD around the bias."""

Floats = NDArray[np.float64]
PairStatistic = Callable[[Floats, Floats], Floats]


def agreement(
    found: HeartFunction, table: pd.DataFrame, folds: NDArray[np.integer[Any]], *, seed: int = 0
) -> pd.DataFrame:
    """Compare what was read from each cine with the recorded cine, the truth and the columns.

    ``pearson_r``; ``r2`` = 1 - Σ (y - ŷ)² / Σ (y - ȳ)² with ŷ linear in the measure, fitted to the
    other folds, so that a bias that all cines share costs nothing and nobody calibrates themselves;
    numbers beyond the other folds' outer fences count as the fences, so that the few outlines that
    went astray do not decide the line;
    ``bias``, ``sd``, ``limit_low`` and ``limit_high``: mean and SD of the differences, and bias ±
    1.96 SD (Bland and Altman 1986, Lancet 327:307). Against columns there is one row more, with
    ``r2`` of all measures of the cine together, likewise linear. Of area curves: the median over
    participants of Pearson's r with the recorded (or true) curve.

    Args:
        found: What ``measure_function`` gave.
        table: The cohort's table, of all its rows.
        folds: (n,) fold of each row of ``found``, the same for all rows of a participant.
        seed: Seed of the bootstrap.

    Returns:
        A row for each ``measure``, ``unit``, ``of`` (which cine), ``against`` (``recorded``,
        ``truth`` or a column's name) and ``statistic``: ``value``, ``low``, ``high``, ``n``
        participants' rows with both numbers, ``num_missing`` without. NaN where fewer than 20 have
        both.

    Raises:
        InputError: There is not one fold a row, or a participant is in two.
    """
    _check(found, folds)
    rows = []
    for measure, of, against, values, aims in _pairs(found, table):
        known = np.isfinite(values).all(axis=1) & np.isfinite(aims)
        facts = {
            "measure": measure,
            "unit": MEASURES.get(measure, ""),
            "of": of,
            "against": against,
            "n": int(known.sum()),
            "num_missing": int((~known).sum()),
        }
        people = found.participants[known]
        scores = _scores(values[known], aims[known], folds[known], people, seed)
        rows += [{**facts, "statistic": name, **score} for name, score in scores.items()]
    rows += list(_curves(found, seed))
    columns = ["measure", "unit", "of", "against", "statistic", "value", "low", "high"]
    return pd.DataFrame(rows, columns=[*columns, "n", "num_missing"])


def _check(found: HeartFunction, folds: NDArray[np.integer[Any]]) -> None:
    if len(folds) != len(found.rows):
        raise InputError(
            f"There are {len(folds)} folds for {len(found.rows)} rows: give one fold a row."
        )
    most = pd.Series(folds).groupby(found.participants).nunique().max()
    if most > 1:
        raise InputError(
            "A participant is in two folds: a calibration would be fitted to the people that it "
            "is scored on; split by participant."
        )


def _pairs(
    found: HeartFunction, table: pd.DataFrame
) -> Iterator[tuple[str, str, str, Floats, Floats]]:
    """Yield measure, cine, what it is compared with, (n, k) numbers and (n,) aims."""
    for of, measures in found.measures.items():
        for measure in MEASURES:
            values = measures[[measure]].to_numpy(np.float64)
            for against in (RECORDED, TRUTH):
                if against in found.measures and against != of != TRUTH:
                    aims = found.measures[against][measure].to_numpy(np.float64)
                    if np.isfinite(aims).any():
                        yield measure, of, against, values, aims
            if COLUMNS.get(measure) in table:
                yield measure, of, COLUMNS[measure], values, _column(table, measure, found)
        if of != TRUTH:
            for measure in (measure for measure, column in COLUMNS.items() if column in table):
                values = measures.to_numpy(np.float64)
                yield ALL_MEASURES, of, COLUMNS[measure], values, _column(table, measure, found)


def _column(table: pd.DataFrame, measure: str, found: HeartFunction) -> Floats:
    column = table[COLUMNS[measure]].to_numpy(np.float64, na_value=np.nan)
    return np.asarray(column[found.rows])


def _scores(
    values: Floats, aims: Floats, folds: NDArray[Any], people: NDArray[np.str_], seed: int
) -> dict[str, dict[str, float]]:
    """Score (n, k) numbers against (n,) aims; differences only where k is 1."""
    statistics: dict[str, tuple[PairStatistic, Floats]] = {
        "r2": (_r2, _calibrated(values, aims, folds))
    }
    if values.shape[1] == 1:
        own = values[:, 0]
        statistics = {"pearson_r": (pearson_r, own), **statistics}
        statistics |= {name: (statistic, own) for name, statistic in DIFFERENCES.items()}
    return {
        name: _estimated(statistic, numbers, aims, people, seed)
        for name, (statistic, numbers) in statistics.items()
    }


def _estimated(
    statistic: PairStatistic, numbers: Floats, aims: Floats, people: NDArray[np.str_], seed: int
) -> dict[str, float]:
    """Estimate a statistic of pairs, drawing pairs by their place."""
    if len(aims) < FEWEST or not np.isfinite(numbers).all():
        return dict.fromkeys(("value", "low", "high"), float("nan"))

    def of_places(places: Floats) -> Floats:
        drawn = places.astype(np.intp)
        return statistic(numbers[drawn], aims[drawn])

    places = np.arange(len(aims))
    return estimate(places, statistic=of_places, participants=people, seed=seed).as_dict()


def _calibrated(values: Floats, aims: Floats, folds: NDArray[Any]) -> Floats:
    """Predict aims from (n, k) numbers by least squares fitted to the other folds."""
    predicted = np.full(len(aims), np.nan)
    for fold in np.unique(folds):
        is_held = folds == fold
        others = values[~is_held]
        if len(others) >= max(FEWEST // 2, 2 * (values.shape[1] + 1)):
            low, high = np.percentile(others, (25, 75), axis=0)
            reach = FENCE_IQR * (high - low)
            believed = np.clip(values, low - reach, high + reach)
            spread = believed[~is_held].std(axis=0)
            scaled = (believed - low) / np.where(spread > 0, spread, 1)
            design = np.column_stack([np.ones(len(aims)), scaled])
            weights = np.linalg.lstsq(design[~is_held], aims[~is_held], rcond=None)[0]
            predicted[is_held] = design[is_held] @ weights
    return predicted


def pearson_r(first: Floats, second: Floats) -> Floats:
    """Give Pearson's r along the last axis, NaN where one does not vary."""
    first = first - first.mean(axis=-1, keepdims=True)
    second = second - second.mean(axis=-1, keepdims=True)
    scale = np.sqrt((first**2).sum(-1) * (second**2).sum(-1))
    return np.where(scale > 0, (first * second).sum(-1) / np.where(scale > 0, scale, 1), np.nan)


def _r2(predicted: Floats, aims: Floats) -> Floats:
    left = ((aims - predicted) ** 2).sum(-1)
    whole = ((aims - aims.mean(axis=-1, keepdims=True)) ** 2).sum(-1)
    return np.where(whole > 0, 1 - left / np.where(whole > 0, whole, 1), np.nan)


def _bias(values: Floats, aims: Floats) -> Floats:
    return np.asarray((values - aims).mean(-1))


def _sd(values: Floats, aims: Floats) -> Floats:
    return np.asarray((values - aims).std(-1, ddof=1))


DIFFERENCES: dict[str, PairStatistic] = {
    "bias": _bias,
    "sd": _sd,
    "limit_low": lambda values, aims: _bias(values, aims) - LIMITS_SD * _sd(values, aims),
    "limit_high": lambda values, aims: _bias(values, aims) + LIMITS_SD * _sd(values, aims),
}


def _curves(found: HeartFunction, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of area curves: each participant's r with their own recorded or true curve."""
    for of, areas in found.areas_cm2.items():
        for against in (RECORDED, TRUTH):
            if of in {against, TRUTH} or against not in found.areas_cm2:
                continue
            r = pearson_r(areas, found.areas_cm2[against])
            known = np.isfinite(r)
            number = dict.fromkeys(("value", "low", "high"), float("nan"))
            if known.sum() >= FEWEST:
                people = found.participants[known]
                score = estimate(r[known], statistic=median, participants=people, seed=seed)
                number = score.as_dict()
            facts = {"measure": "area_curve", "unit": "", "of": of, "against": against}
            counts = {"n": int(known.sum()), "num_missing": int((~known).sum())}
            yield {**facts, "statistic": "median_pearson_r", **number, **counts}
