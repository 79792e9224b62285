"""Which targets can be scored, and why others cannot."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.evaluation.features import FeatureSet, Labels

Floats = NDArray[np.float64]

FEWEST = 20
"""Fewest participants with a label in the training part of every fold."""

FEWEST_OF_CLASS = 10
"""Fewest participants of each class in the training part of every fold."""


@dataclass(frozen=True, eq=False)
class Target:
    """A target that can be scored.

    Attributes:
        name: Its column.
        kind: ``continuous`` or ``binary``.
        truth: (rows,), NaN where unknown or where a feature set is absent.
        sets: Names of the feature sets that predict it: those that it is not part of.
    """

    name: str
    kind: str
    truth: Floats = field(repr=False)
    sets: tuple[str, ...]


def check_features(
    features: Sequence[FeatureSet], labels: Labels, compared: Sequence[tuple[str, str]] | None
) -> None:
    """Raise InputError unless feature sets, labels and names of comparisons fit each other.

    Args:
        features: The feature sets.
        labels: Who the rows are of.
        compared: Pairs (features, against) of names; None for all.

    Raises:
        InputError: A name is used twice or unknown, lengths differ, or no row has all features.
    """
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
    if not np.all([one.present for one in features], axis=0).any():
        raise InputError(
            "No row has all of the features "
            f"{', '.join(f'{one.name} ({int(one.present.sum())} rows)' for one in features)}: "
            "probe those apart that are not of the same rows."
        )


def choose_targets(
    features: Sequence[FeatureSet], labels: Labels, folds: NDArray[np.generic]
) -> tuple[list[Target], list[tuple[str, str]]]:
    """Return the targets that can be scored on rows that have all feature sets.

    Args:
        features: The feature sets.
        labels: Who the rows are of, and what is known about them.
        folds: (rows,): the fold of each row; each is held out once.

    Returns:
        The targets, and (target, reason) for what is left out.
    """
    present = np.all([one.present for one in features], axis=0)
    targets, left_out = [], []
    for name in labels.targets:
        kind = labels.columns[name].kind
        if kind == "categorical":
            left_out.append((name, "text: probes predict numbers and 0/1"))
            continue
        truth = np.where(present, labels.numbers(name), np.nan)
        reason = why_not(
            truth, kind, labels.participants, np.where(present, folds, folds[present][0])
        )
        if reason is not None:
            left_out.append((name, reason))
            continue
        held = [one.name for one in features if name in one.holds]
        left_out += [(name, f"told by all features but {one}, which holds it") for one in held]
        sets = tuple(one.name for one in features if one.name not in held)
        if sets:
            targets.append(Target(name, kind, truth, sets))
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
