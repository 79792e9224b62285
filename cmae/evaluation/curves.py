"""How well phenotypes are predicted from few labels: curves over labeled participants."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.split import hashed_places
from cmae.errors import InputError
from cmae.evaluation.features import FeatureSet, Labels, Learned, Rows
from cmae.evaluation.folds import held_out
from cmae.evaluation.scoring import CHANCE, Draws, Predictions, interval, measures_of, score
from cmae.evaluation.targets import Target, check_features, choose_targets
from cmae.latent import probe

SIZES = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
"""Numbers of labeled participants; those that there are not are left out, and all are added."""

REPEATS = 10
RESAMPLES = 300

Floats = NDArray[np.float64]

SCORES = (
    "target", "features", "measure", "labels", "repeats", "n", "participants", "value", "low",
    "high", "chance",
)  # fmt: skip
COMPARISONS = (
    "target", "features", "against", "measure", "labels", "repeats", "n", "participants",
    "difference", "low", "high",
)  # fmt: skip


@dataclass(frozen=True)
class CurveSettings:
    """How label curves are drawn.

    Attributes:
        sizes: Numbers of labeled participants; all that there are come last, once.
        repeats: Draws of labels.
        seed: Of the held-out third, the draws of labels and the bootstrap.
    """

    sizes: tuple[int, ...] = SIZES
    repeats: int = REPEATS
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what tells nothing.

        Raises:
            InputError: There is no size or draw, or a size is below 10.
        """
        if not self.sizes or min(self.sizes) < 10 or self.repeats < 1:
            raise InputError("Curves need at least one draw, and 10 or more labels at each point.")


@dataclass(frozen=True, eq=False)
class LabelCurves:
    """How well each target is told by each feature set at each number of labels.

    Attributes:
        scores: One row a (target, feature set, measure, number of labeled participants
            ``labels``): ``repeats`` draws of labels that count, ``n`` held-out rows and their
            ``participants``, mean ``value`` over draws with its 95 % interval ``low`` … ``high``
            over draws and held-out participants, and ``chance``.
        comparisons: One row a (target, feature set, the one that it is held against, measure,
            ``labels``): ``difference`` with its interval, by the same labels and participants.
        left_out: (target, reason): what could not be scored.
    """

    scores: pd.DataFrame
    comparisons: pd.DataFrame
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class _Work:
    """A target with what gathers: by number of labels, for each draw (held-out rows, sets)."""

    target: Target
    predicted: dict[int, list[Floats]] = field(default_factory=dict)


def label_curves(
    features: Sequence[FeatureSet],
    labels: Labels,
    *,
    settings: CurveSettings | None = None,
    compared: Sequence[tuple[str, str]] | None = None,
    learned: Sequence[Learned] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> LabelCurves:
    """Score probes that learned from few labels, on a third of the participants.

    The third is fixed by a hash of the identifiers. Draw k of n labels are the first n training
    participants with a label in an order that another hash fixes: the same for all feature sets,
    and each larger draw holds the smaller. Principal components are those of all training rows,
    with or without labels, as an autoencoder saw them too; scaling and penalty come from the
    labeled rows alone.

    Args:
        features: The feature sets, each with a row a row of the labels.
        labels: Who the rows are of, and what is known about them.
        settings: Numbers of labels, draws, seed.
        compared: Pairs (features, against) of names; None for all.
        learned: Predictions of models that learned from so many labels elsewhere: a point of the
            curves each, beside those of the probes of as many labels. One that learned from all
            labels stands beside the probes of all training rows, whatever their number.
        on_progress: Called with (done, all) fits.

    Returns:
        The curves.

    Raises:
        InputError: Names or lengths do not fit, or no row has all features.
    """
    settings = settings or CurveSettings()
    check_features(features, labels, [pair for pair in compared or () if _is_of(pair, features)])
    present = np.all([one.present for one in features], axis=0)
    is_held_out = held_out(labels.participants, seed=settings.seed)
    train, test = np.flatnonzero(present & ~is_held_out), np.flatnonzero(present & is_held_out)
    # Both sides must have labels enough, as if each were held out once.
    targets, left_out = choose_targets(features, labels, is_held_out)
    works = [_Work(target) for target in targets]
    prepared = {one.name: one.prepared(train, test) for one in features} if targets else {}
    scales = {one.name: one.components is not None for one in features}
    plan = list(_plan(works, labels.participants[train], train, settings))
    for done, (members, size, some) in enumerate(plan):
        usable = [work for work in members if _can_learn(work.target, train[some], labels)]
        for work in usable:
            shape = (len(test), len(work.target.sets))
            work.predicted.setdefault(size, []).append(np.zeros(shape))
        for name, (inside, outside) in prepared.items():
            asked = [work for work in usable if name in work.target.sets]
            if asked:
                fitted = probe.fit(
                    inside[some],
                    np.stack([work.target.truth[train[some]] for work in asked], axis=1),
                    [work.target.kind for work in asked],
                    participants=labels.participants[train[some]],
                    has_shared_scale=scales[name],
                )
                for work, one in zip(asked, fitted, strict=True):
                    place = work.target.sets.index(name)
                    work.predicted[size][-1][:, place] = one.decide(outside)
        if on_progress is not None:
            on_progress(done + 1, len(plan))
    pairs = list(combinations([one.name for one in features], 2)) if compared is None else compared
    scores: list[dict[str, object]] = []
    comparisons: list[dict[str, object]] = []
    drawn = Draws(labels.participants, RESAMPLES, settings.seed)
    for work in works:
        for size in settings.sizes:
            if size not in work.predicted:
                there = _labeled(work.target, train, labels)
                why = "no draw has enough of each class" if size <= there else f"there are {there}"
                left_out.append((work.target.name, f"{size} labels: {why}"))
        for size in sorted(work.predicted):
            beside = {
                one.name: one.predictions[work.target.name][test]
                for one in learned
                if work.target.name in one.predictions
                and (one.labels or max(work.predicted)) == size
            }
            rows, differences = _score(
                work, size, beside, test, (labels.participants, pairs, drawn)
            )
            scores += rows
            comparisons += differences
    return LabelCurves(
        pd.DataFrame(scores, columns=list(SCORES)),
        pd.DataFrame(comparisons, columns=list(COMPARISONS)),
        tuple(left_out),
    )


def _labeled(target: Target, train: Rows, labels: Labels) -> int:
    """Count training participants with a label."""
    return len(np.unique(labels.participants[train[np.isfinite(target.truth[train])]]))


def _plan(
    works: Sequence[_Work],
    participants: NDArray[np.generic],
    train: Rows,
    settings: CurveSettings,
) -> Iterator[tuple[list[_Work], int, Rows]]:
    """Yield (targets known of the same rows, number of labels, places of labeled training rows)."""
    sizes, repeats, seed = settings.sizes, settings.repeats, settings.seed
    groups: dict[bytes, list[_Work]] = {}
    for work in works:
        groups.setdefault(np.isfinite(work.target.truth[train]).tobytes(), []).append(work)
    orders = [hashed_places(participants, f"labels-{seed}-{k}") for k in range(repeats)]
    for members in groups.values():
        known = np.flatnonzero(np.isfinite(members[0].target.truth[train]))
        places = [np.unique(order[known]) for order in orders]
        there = len(places[0])
        for size in (*sorted(size for size in set(sizes) if size < there), there):
            for k in range(1 if size == there else repeats):
                yield members, size, known[orders[k][known] <= places[k][size - 1]]


def _can_learn(target: Target, rows: Rows, labels: Labels) -> bool:
    """Say whether a draw has enough of each class, or values that vary."""
    values = target.truth[rows]
    if target.kind == "continuous":
        return bool(np.ptp(values) > 0)
    who = labels.participants[rows]
    return min(len(np.unique(who[values == flag])) for flag in (0, 1)) >= probe.FEWEST


def _is_of(pair: tuple[str, str], features: Sequence[FeatureSet]) -> bool:
    return set(pair) <= {one.name for one in features}


def _score(
    work: _Work,
    size: int,
    beside: Mapping[str, Floats],
    test: Rows,
    asked: tuple[NDArray[np.generic], Sequence[tuple[str, str]], Draws],
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Return the rows of the two tables for one number of labels."""
    (participants, pairs, drawn), target = asked, work.target
    names = (*target.sets, *beside)
    is_known = np.isfinite(target.truth[test])
    rows, predicted = test[is_known], work.predicted[size]
    apart = np.zeros(len(rows), np.int64)
    others = np.stack([*beside.values()], axis=1) if beside else np.empty((len(test), 0))
    columns = np.concatenate(
        [np.concatenate([one, others], axis=1)[is_known] for one in predicted], axis=1
    )
    predictions = Predictions(target.truth[rows], columns, apart, apart)
    found = score(predictions, drawn.of(rows), kind=target.kind)
    repeats = len(predicted)
    chosen = np.random.default_rng(size).integers(0, repeats, (RESAMPLES, repeats))
    counts: dict[str, object] = {
        "target": target.name,
        "labels": size,
        "repeats": repeats,
        "n": len(rows),
        "participants": len(np.unique(participants[rows])),
    }
    scores, comparisons = [], []
    for measure in measures_of(found):
        by_draw = found[measure].reshape(1 + RESAMPLES, repeats, len(names))
        again = by_draw[1:][np.arange(RESAMPLES)[:, None], chosen]
        means = np.concatenate([by_draw[:1].mean(axis=1), again.mean(axis=1)])
        for place, name in enumerate(names):
            ends = dict(zip(("value", "low", "high"), interval(means[:, place]), strict=True))
            what = {"features": name, "measure": measure, "chance": CHANCE[measure]}
            scores.append({**counts, **what, **ends})
        for first, second in pairs:
            if first in names and second in names:
                one, other = names.index(first), names.index(second)
                away = interval(means[:, one] - means[:, other])
                ends = dict(zip(("difference", "low", "high"), away, strict=True))
                what = {"features": first, "against": second, "measure": measure}
                comparisons.append({**counts, **what, **ends})
    return scores, comparisons
