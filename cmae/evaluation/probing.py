"""Phenotypes predicted from feature sets by nested cross-validation, in the very same folds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.evaluation.features import FeatureSet, Labels, Rows
from cmae.evaluation.folds import check_folds, outer_folds
from cmae.evaluation.scoring import (
    ADJUSTED,
    CHANCE,
    RESAMPLES,
    WITHIN_SEX,
    Predictions,
    draws,
    interval,
    measures_of,
)
from cmae.latent import probe

Floats = NDArray[np.float64]

FEWEST = 20
"""Fewest participants with a label in the training part of every fold."""

FEWEST_OF_CLASS = 10
"""Fewest participants of each class in the training part of every fold."""

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


@dataclass
class _Target:
    """A target that can be probed.

    Attributes:
        name: Its column.
        kind: ``continuous`` or ``binary``.
        truth: (rows,), NaN where unknown or where a feature set is absent.
        predicted: By feature set (rows,), filled fold by fold.
        residual: (rows,) what age, sex and body size do not tell, by models that never saw the
            row's participant; None where nothing is adjusted for.
        adjusted: By feature set (rows,) predictions of the residual.
    """

    name: str
    kind: str
    truth: Floats
    predicted: dict[str, Floats]
    residual: Floats | None
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
    _check(features, labels, compared)
    folds = outer_folds(labels.participants) if folds is None else np.asarray(folds)
    check_folds(labels.participants, folds)
    present = np.all([one.present for one in features], axis=0)
    if not present.any():
        raise InputError(
            "No row has all of the features "
            f"{', '.join(f'{one.name} ({int(one.present.sum())} rows)' for one in features)}: "
            "probe those apart that are not of the same rows."
        )
    targets, left_out = _targets(features, labels, folds, present)
    numbers = np.unique(folds[present])
    for done, fold in enumerate(numbers):
        train = np.flatnonzero(present & (folds != fold))
        test = np.flatnonzero(present & (folds == fold))
        for target in targets:
            _adjust(target, labels, train, test)
        for place, one in enumerate(features):
            if targets:
                _predict(one, targets, labels.participants, train, test)
            if on_progress is not None:
                on_progress(done * len(features) + place + 1, len(numbers) * len(features))
    pairs = list(combinations([one.name for one in features], 2)) if compared is None else compared
    scores, comparisons = [], []
    for target in targets:
        rows, differences = _score(target, labels, folds, list(pairs), (resamples, seed))
        scores += rows
        comparisons += differences
    predictions = {
        (target.name, name): values
        for target in targets
        for name, values in target.predicted.items()
    }
    return Probing(
        pd.DataFrame(scores, columns=list(SCORES)),
        pd.DataFrame(comparisons, columns=list(COMPARISONS)),
        pd.DataFrame(predictions, index=pd.RangeIndex(len(folds))),
        folds,
        tuple(left_out),
    )


def _check(
    features: Sequence[FeatureSet], labels: Labels, compared: Sequence[tuple[str, str]] | None
) -> None:
    names = [one.name for one in features]
    if not names or len(set(names)) < len(names):
        raise InputError("Feature sets need names, each its own: give at least one set.")
    for one in features:
        if len(one.values) != len(labels.participants):
            raise InputError(
                f"The features {one.name} have {len(one.values)} rows and the labels "
                f"{len(labels.participants)}: give the same rows in the same order."
            )
    for name in {name for pair in compared or () for name in pair}:
        if name not in names:
            raise InputError(f"There are no features {name!r}: compare {', '.join(names)}.")


def _targets(
    features: Sequence[FeatureSet],
    labels: Labels,
    folds: NDArray[np.int64],
    present: NDArray[np.bool_],
) -> tuple[list[_Target], list[tuple[str, str]]]:
    """Return the targets that can be probed, and what is left out and why."""
    targets, left_out = [], []
    if "sex" not in labels.table:
        left_out.append(("all", "no column sex: nothing is scored within sex"))
    for name in labels.targets:
        kind = labels.columns[name].kind
        if kind == "categorical":
            left_out.append((name, "text: probes predict numbers and 0/1"))
            continue
        truth = np.where(present, labels.numbers(name), np.nan)
        reason = why_not(truth, kind, labels.participants, folds)
        if reason is not None:
            left_out.append((name, reason))
            continue
        held = [one.name for one in features if name in one.holds]
        left_out += [(name, f"{one}: these features hold the target itself") for one in held]
        allowed = [one.name for one in features if one.name not in held]
        body = labels.body(name) if kind == "continuous" else None
        empty = np.full(len(truth), np.nan)
        targets.append(
            _Target(
                name,
                kind,
                truth,
                {one: empty.copy() for one in allowed},
                None if body is None else empty.copy(),
                {} if body is None else {one: empty.copy() for one in allowed},
            )
        )
    return targets, left_out


def why_not(
    truth: Floats, kind: str, participants: NDArray[np.generic], folds: NDArray[np.generic]
) -> str | None:
    """Say why a target cannot be probed, or None where it can.

    Args:
        truth: (rows,), NaN where unknown.
        kind: ``continuous`` or ``binary``.
        participants: (rows,): who each row is of.
        folds: (rows,): the fold of each row.

    Returns:
        The reason, without any participant's value.
    """
    known = np.isfinite(truth)
    values = np.unique(truth[known])
    if len(values) < 2:
        return (
            "no row that has all features has a value"
            if not len(values)
            else "one class only"
            if kind == "binary"
            else "one value everywhere"
        )
    if kind == "binary" and not np.isin(values, (0, 1)).all():
        return "a binary column with values other than 0 and 1"
    parts = [known & (folds != fold) for fold in np.unique(folds)]
    fewest = min(len(np.unique(participants[part])) for part in parts)
    if fewest < FEWEST:
        return f"too few labels: {fewest} participants to train a fold, {FEWEST} are needed"
    if kind == "continuous":
        varies = all(np.ptp(truth[part]) > 0 for part in parts)
        return None if varies else "one value everywhere in the training part of a fold"
    classes = [part & (truth == flag) for part in parts for flag in (0, 1)]
    fewest = min(len(np.unique(participants[members])) for members in classes)
    if fewest >= FEWEST_OF_CLASS:
        return None
    return (
        f"too few labels: {fewest} participants of a class to train a fold, "
        f"{FEWEST_OF_CLASS} are needed"
    )


def _adjust(target: _Target, labels: Labels, train: Rows, test: Rows) -> None:
    """Fill the residuals of training and test rows, by a regression on training rows."""
    body = labels.body(target.name)
    if target.residual is None or body is None:
        return
    known = train[np.isfinite(target.truth[train])]
    covariates = FeatureSet("covariates", body, np.ones(len(body), bool))
    inside, outside = covariates.prepared(known, np.concatenate([train, test]))
    mean, sd = inside.mean(axis=0), inside.std(axis=0)
    sd = np.where(sd > 0, sd, 1.0)
    ones = (np.ones((len(inside), 1)), np.ones((len(outside), 1)))
    design = np.hstack([ones[0], (inside - mean) / sd])
    weights = np.linalg.lstsq(design, target.truth[known], rcond=1e-9)[0]
    both = np.concatenate([train, test])
    target.residual[both] = (
        target.truth[both] - np.hstack([ones[1], (outside - mean) / sd]) @ weights
    )


def _predict(
    one: FeatureSet,
    targets: list[_Target],
    participants: NDArray[np.generic],
    train: Rows,
    test: Rows,
) -> None:
    """Fill the predictions of test rows."""
    asked = list(_asked(one, targets))
    if not asked or not len(test):
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


def _asked(one: FeatureSet, targets: list[_Target]) -> Iterator[tuple[Floats, Floats, str]]:
    """Yield truth, where predictions go, and kind of all that a feature set is asked for."""
    for target in targets:
        if one.name in target.predicted:
            yield target.truth, target.predicted[one.name], target.kind
            if target.residual is not None:
                yield target.residual, target.adjusted[one.name], target.kind


def _score(
    target: _Target,
    labels: Labels,
    folds: NDArray[np.int64],
    pairs: list[tuple[str, str]],
    bootstrap: tuple[int, int],
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Return the rows of the two tables."""
    rows = np.flatnonzero(np.isfinite(target.truth))
    resamples, seed = bootstrap

    def scored(truth: Floats, predicted: dict[str, Floats]) -> dict[str, Floats]:
        found = Predictions(
            truth[rows],
            np.stack([values[rows] for values in predicted.values()], axis=1),
            labels.participants[rows],
            folds[rows],
            labels.sexes()[rows],
        )
        return draws(found, kind=target.kind, resamples=resamples, seed=seed)

    names = list(target.predicted)
    if not names:
        return [], []
    found = scored(target.truth, target.predicted)
    measures = measures_of(found)
    if target.residual is not None:
        beyond = scored(target.residual, target.adjusted)
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


def _positive(target: _Target) -> int | None:
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
