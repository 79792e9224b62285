"""Phenotypes predicted from feature sets by nested cross-validation, in the very same folds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.evaluation.features import FeatureSet, Labels, Rows
from cmae.evaluation.folds import check_folds, outer_folds
from cmae.evaluation.scoring import (
    ADJUSTED,
    CHANCE,
    RESAMPLES,
    WITHIN_SEX,
    Draws,
    Predictions,
    interval,
    measures_of,
    score,
)
from cmae.evaluation.targets import Target, check_features, choose_targets
from cmae.latent import probe

Floats = NDArray[np.float64]

SCORES = (
    "target", "features", "measure", "n", "participants", "positive", "value", "low", "high",
    "chance", "within_sex", "within_sex_low", "within_sex_high", "adjusted", "adjusted_low",
    "adjusted_high",
)  # fmt: skip
COMPARISONS = (
    "target", "features", "against", "measure", "n", "participants", "difference", "low", "high"
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Probing:
    """How well each target is told by each feature set.

    Attributes:
        scores: One row a (target, feature set, measure): ``n`` rows and their ``participants``,
            ``positive`` rows of a binary target, ``value`` with its 95 % interval ``low`` …
            ``high`` over participants and ``chance``; then the measure ``within_sex`` and
            ``adjusted`` with theirs.
        comparisons: One row a (target, feature set, feature set that it is held against, measure):
            ``difference`` with its interval, by the same draws. Measures are those of ``scores``,
            and with ``_within_sex`` and ``_adjusted`` after their names.
        predictions: One row a row of the cohort; columns (target, feature set): what models that
            never saw the participant predicted, in the unit of the target or as log odds; NaN
            where a row was not scored.
        folds: (rows,): the outer fold of each row.
        left_out: (target, reason): targets, or targets for one feature set, that could not be
            scored, and what was not adjusted for.
    """

    scores: pd.DataFrame
    comparisons: pd.DataFrame
    predictions: pd.DataFrame = field(repr=False)
    folds: NDArray[np.int64] = field(repr=False)
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class _Work:
    """A target with what gathers fold by fold.

    Attributes:
        target: The target.
        predicted: By feature set (rows,).
        residual: (rows,) what age, sex and body size do not tell, by a regression on the training
            rows of the fold at hand; empty where nothing is adjusted for.
        left_over: (rows,) the residual of each row in the fold that held it out.
        adjusted: By feature set (rows,) predictions of the residual.
    """

    target: Target
    predicted: dict[str, Floats]
    residual: Floats
    left_over: Floats
    adjusted: dict[str, Floats]


def cross_validate(
    features: Sequence[FeatureSet],
    labels: Labels,
    *,
    folds: NDArray[np.int64] | None = None,
    compared: Sequence[tuple[str, str]] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Probing:
    """Predict every target from every feature set for participants that no model has seen.

    A target is scored on the rows that have a label and *all* feature sets, so that sets can be
    compared. Of each outer fold, everything is fitted in the other folds: filling of gaps,
    principal components, scaling, and penalty (``cmae.latent.probe``).

    Adjusted: in the training rows the target is regressed on age, sex and body size (least
    squares; gaps filled by the mean), the probe learns the residual from the features, and is
    scored on the residual that the same regression leaves in the held-out rows. That is what
    features tell beyond what a questionnaire tells; only for continuous targets that are no
    covariate themselves. A binary target has the measure within sex, and is to be held against
    the covariates as a feature set.

    Args:
        features: The feature sets, each with a row a row of the labels.
        labels: Who the rows are of, and what is known about them.
        folds: (rows,) outer folds, whole participants; None hashes five from the identifiers.
        compared: Pairs (features, against) of names; None for all.
        resamples: Bootstrap draws.
        seed: Of the draws.
        on_progress: Called with (done, all) fits of a feature set in a fold.

    Returns:
        Scores, comparisons, out-of-fold predictions, and what was left out.

    Raises:
        InputError: A participant stands in two folds, names or lengths do not fit, or no row has
            all feature sets.
    """
    check_features(features, labels, compared)
    folds = outer_folds(labels.participants) if folds is None else np.asarray(folds)
    check_folds(labels.participants, folds)
    present = np.all([one.present for one in features], axis=0)
    targets, left_out = choose_targets(features, labels, folds)
    if "sex" not in labels.table:
        left_out.append(("all", "no column sex: nothing is scored within sex"))
    works = [_work(target, labels) for target in targets]
    numbers = np.unique(folds[present])
    for done, fold in enumerate(numbers):
        train = np.flatnonzero(present & (folds != fold))
        test = np.flatnonzero(present & (folds == fold))
        for work in works:
            _adjust(work, labels, train, test)
        for place, one in enumerate(features):
            if works:
                _predict(one, works, labels.participants, train, test)
            if on_progress is not None:
                on_progress(done * len(features) + place + 1, len(numbers) * len(features))
    pairs = list(combinations([one.name for one in features], 2)) if compared is None else compared
    scores, comparisons = [], []
    drawn = Draws(labels.participants, resamples, seed)
    for work in works:
        rows, differences = _score(work, labels, folds, list(pairs), drawn)
        scores += rows
        comparisons += differences
    predictions = {
        (work.target.name, name): values
        for work in works
        for name, values in work.predicted.items()
    }
    return Probing(
        pd.DataFrame(scores, columns=list(SCORES)),
        pd.DataFrame(comparisons, columns=list(COMPARISONS)),
        pd.DataFrame(predictions, index=pd.RangeIndex(len(folds))),
        folds,
        tuple(left_out),
    )


def _work(target: Target, labels: Labels) -> _Work:
    rows = len(target.truth)
    is_adjusted = target.kind == "continuous" and labels.body(target.name) is not None

    def empty() -> dict[str, Floats]:
        return {name: np.full(rows, np.nan) for name in target.sets}

    size = rows if is_adjusted else 0
    residuals = np.full(size, np.nan), np.full(size, np.nan)
    return _Work(target, empty(), *residuals, empty() if is_adjusted else {})


def _adjust(work: _Work, labels: Labels, train: Rows, test: Rows) -> None:
    """Fill the residuals of training and test rows, by a regression on training rows."""
    body = labels.body(work.target.name)
    if not len(work.residual) or body is None:
        return
    truth, both = work.target.truth, np.concatenate([train, test])
    known = train[np.isfinite(truth[train])]
    covariates = FeatureSet("covariates", body, np.ones(len(body), bool))
    inside, outside = covariates.prepared(known, both)
    mean, sd = inside.mean(axis=0), inside.std(axis=0)
    scale = np.where(sd > 0, sd, 1.0)
    weights = np.linalg.lstsq(
        np.column_stack([np.ones(len(inside)), (inside - mean) / scale]), truth[known], rcond=1e-9
    )[0]
    work.residual[both] = truth[both] - weights[0] - (outside - mean) / scale @ weights[1:]
    work.left_over[test] = work.residual[test]


def _predict(
    one: FeatureSet,
    works: list[_Work],
    participants: NDArray[np.generic],
    train: Rows,
    test: Rows,
) -> None:
    """Fill the predictions of test rows."""
    asked = list(_asked(one, works))
    if not asked:
        return
    inside, outside = one.prepared(train, test)
    found = probe.fit(
        inside,
        np.stack([truth[train] for truth, _, _ in asked], axis=1),
        [kind for _, _, kind in asked],
        participants=participants[train],
        has_shared_scale=one.components is not None,
    )
    for fitted, (truth, predicted, _) in zip(found, asked, strict=True):
        predicted[test] = np.where(np.isfinite(truth[test]), fitted.decide(outside), np.nan)


def _asked(one: FeatureSet, works: list[_Work]) -> Iterator[tuple[Floats, Floats, str]]:
    """Yield truth, where predictions go, and kind of all that a feature set is asked for."""
    for work in works:
        if one.name in work.target.sets:
            yield work.target.truth, work.predicted[one.name], work.target.kind
            # Nothing may remain, as of body surface once height and weight are known.
            spread = np.nanstd(work.residual) if len(work.residual) else 0.0
            if spread > 1e-6 * np.nanstd(work.target.truth):
                yield work.residual, work.adjusted[one.name], work.target.kind


def _score(
    work: _Work,
    labels: Labels,
    folds: NDArray[np.int64],
    pairs: list[tuple[str, str]],
    drawn: Draws,
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Return the rows of the two tables."""
    target = work.target
    rows = np.flatnonzero(np.isfinite(target.truth))

    def scored(truth: Floats, predicted: dict[str, Floats]) -> dict[str, Floats]:
        found = Predictions(
            truth[rows],
            np.stack([values[rows] for values in predicted.values()], axis=1),
            folds[rows],
            labels.sexes()[rows],
        )
        return score(found, drawn.of(rows), kind=target.kind)

    names = list(target.sets)
    found = scored(target.truth, work.predicted)
    measures = measures_of(found)
    if len(work.residual):
        beyond = scored(work.left_over, work.adjusted)
        found |= {name + ADJUSTED: beyond[name] for name in measures}
    if "sex" not in labels.table:
        found = {name: values for name, values in found.items() if WITHIN_SEX not in name}
    counts: dict[str, object] = {
        "target": target.name,
        "n": len(rows),
        "participants": len(np.unique(labels.participants[rows])),
    }
    scores = [
        {**counts, **_row(found, measure, place), "features": name, "positive": _positive(target)}
        for place, name in enumerate(names)
        for measure in measures
    ]
    comparisons = []
    for first, second in pairs:
        if first not in names or second not in names:
            continue
        for measure, values in found.items():
            away = values[:, names.index(first)] - values[:, names.index(second)]
            difference = dict(zip(("difference", "low", "high"), interval(away), strict=True))
            which = {"features": first, "against": second, "measure": measure}
            comparisons.append({**counts, **which, **difference})
    return scores, comparisons


def _positive(target: Target) -> int | None:
    return int(np.nansum(target.truth)) if target.kind == "binary" else None


def _row(found: dict[str, Floats], measure: str, place: int) -> dict[str, object]:
    """Return a measure of one feature set with its intervals, as a row of the scores."""
    row: dict[str, object] = {"measure": measure, "chance": CHANCE[measure]}
    for suffix, prefix in (("", ""), (WITHIN_SEX, "within_sex"), (ADJUSTED, "adjusted")):
        if measure + suffix in found:
            value, low, high = interval(found[measure + suffix][:, place])
            names = (prefix or "value", *(f"{prefix}_{end}".lstrip("_") for end in ("low", "high")))
            row |= dict(zip(names, (value, low, high), strict=True))
    return row
