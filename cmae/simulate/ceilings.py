"""Ceilings: how well anything could tell of one modality from the other in a simulated population.

A renderer makes a recording of its inputs; so whoever knows all of them, before any noise, knows at
least as much as the recording shows. Gradient boosting from the inputs of one modality to what the
other shows is therefore a ceiling for models, up to what boosting itself misses at this number of
participants. A real model has it harder still: renderers add fine variety of their own (texture,
bends of the loops, chest) and noise, neither of which is a factor, so nothing here counts them.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae import __version__
from cmae.data.files import replacing
from cmae.errors import SettingsError
from cmae.scores import auroc, r2
from cmae.simulate import electricity
from cmae.simulate.factors import COLUMNS, ECG_INPUTS, MRI_INPUTS, SHARED
from cmae.simulate.physiology import draw
from cmae.simulate.reference import Floats
from cmae.simulate.settings import PopulationSettings

FILE = "ceilings.json"
FORMAT, FORMAT_NUMBER = "cmae-ceilings", 2
READABLE = (1, FORMAT_NUMBER)
"""Formats that load; those of format 1 know the gallery of 500 alone."""

PARTICIPANTS = 20_000
"""Participants that ceilings are computed from, as the protocol has it."""

FIRST = 2**31
"""Number of the first of them: no cohort reaches it, so they are other people of its population."""

HELD_OUT = 0.25
GALLERIES = (500, 4752)
"""Recordings that are ranked for a query: few, and as many as the protocol has."""
RECALLS = (1, 5, 10)
RESAMPLES = 200
FEWEST = 10
"""Fewest participants of each class, in training and held out, for a binary phenotype to count."""

INPUTS = {"ecg": ECG_INPUTS, "mri": MRI_INPUTS}
NOISE = ("ecg_noise_mv", "scanner_noise")


@dataclass(frozen=True)
class PhenotypeCeiling:
    """How well the inputs of one renderer tell a phenotype or covariate.

    Attributes:
        name: The column.
        source: Modality whose inputs predict, ``ecg`` or ``mri``.
        measure: ``r2`` (chance: 0) or ``auroc`` (chance: 0.5), on held-out participants.
        value: The measure.
        low: 2.5 % quantile of its bootstrap distribution.
        high: 97.5 % quantile.
        within_sex: R² after the mean of each sex is taken out; None for AUROC.
        participants: Held-out participants that have the phenotype's value.
    """

    name: str
    source: str
    measure: str
    value: float
    low: float
    high: float
    within_sex: float | None
    participants: int


@dataclass(frozen=True)
class RetrievalCeiling:
    """How often the own recording is among the k that rank first.

    Attributes:
        query: Modality that is asked with, ``ecg`` or ``mri``.
        k: How many count as first.
        recall: Share of queries whose own recording is among them.
        low: 2.5 % quantile of its bootstrap distribution.
        high: 97.5 % quantile.
        chance: k of the gallery.
        participants: Queries, all of them held out.
        gallery: Recordings that are ranked for each.
    """

    query: str
    k: int
    recall: float
    low: float
    high: float
    chance: float
    participants: int
    gallery: int


@dataclass(frozen=True)
class Ceilings:
    """The ceilings of one population.

    Attributes:
        seed: Of the population.
        settings: Of the population.
        variants: Genetic variants of the population.
        trained: Participants that boosting learned from.
        held_out: Participants that the numbers of phenotypes are of.
        phenotypes: For each phenotype of the one modality, from the inputs of the other.
        retrieval: Which cine belongs to an ECG, and back.
        version: Of the code.
    """

    seed: int
    settings: PopulationSettings
    variants: int
    trained: int
    held_out: int
    phenotypes: tuple[PhenotypeCeiling, ...]
    retrieval: tuple[RetrievalCeiling, ...]
    version: str = __version__

    def save(self, path: Path) -> None:
        """Write them as JSON, whole or not at all."""
        facts = {"format": FORMAT, "format_number": FORMAT_NUMBER, **asdict(self)}
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(facts, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Ceilings":
        """Read what ``save`` wrote.

        Raises:
            SettingsError: The file is missing, damaged, or of another format.
        """
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            if facts.pop("format") != FORMAT or facts.pop("format_number") not in READABLE:
                raise ValueError
            facts["settings"] = PopulationSettings(**facts["settings"])
            facts["phenotypes"] = tuple(PhenotypeCeiling(**row) for row in facts["phenotypes"])
            facts["retrieval"] = tuple(RetrievalCeiling(**row) for row in facts["retrieval"])
            return cls(**facts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SettingsError(
                f"{path} holds no ceilings of format {FORMAT_NUMBER}: compute them anew with "
                "`cmae simulate --ceilings`."
            ) from error

    def of_retrieval(self, query: str, k: int, gallery: int) -> RetrievalCeiling:
        """Return one ceiling of retrieval.

        Args:
            query: Modality that is asked with, ``ecg`` or ``mri``.
            k: How many count as first.
            gallery: Recordings that are ranked for each.

        Raises:
            SettingsError: There is none, as in files of format 1 for a gallery of 4,752.
        """
        for found in self.retrieval:
            if (found.query, found.k, found.gallery) == (query, k, gallery):
                return found
        raise SettingsError(
            f"There is no ceiling of recall@{k} among {gallery:,} by the {query.upper()}: compute "
            "the ceilings anew with `cmae simulate --ceilings`."
        )


def ceilings(
    settings: PopulationSettings,
    *,
    seed: int,
    participants: int = PARTICIPANTS,
    variants: int = 0,
    galleries: Sequence[int] = GALLERIES,
) -> Ceilings:
    """Compute the ceilings of a population from participants that no cohort holds.

    Held-out R² or AUROC of histogram gradient boosting from all inputs of one renderer, for the
    phenotypes that the other modality shows; diagnoses and covariates from either. For retrieval,
    the standardized factors of the cine are predicted from the inputs of the ECG, and with residual
    covariance S and factors y of covariance Y, pairs are ranked by the Gaussian log-likelihood
    ratio −½ (y − ŷ)ᵀ S⁻¹ (y − ŷ) + ½ yᵀ Y⁻¹ y, in galleries of 500 and of 4,752. Half of the
    held-out participants tell S and Y for the other half, so more are drawn where one half would
    not fill the largest gallery. Fine variety drawn by the renderers limits recordings further and
    is not counted.

    Args:
        settings: Of the population.
        seed: Of the population.
        participants: How many to draw, at least 1,000; three quarters train.
        variants: Genetic variants of the population.
        galleries: How many recordings are ranked for a query.

    Returns:
        The ceilings.

    Raises:
        SettingsError: Too few participants.
    """
    if participants < 1000:
        raise SettingsError(
            f"Ceilings from {participants} participants mean nothing: ask for 1,000 or more."
        )
    held_out = int(HELD_OUT * participants)
    more = max(0, 2 * max(galleries) - held_out)
    table = draw(participants + more, seed=seed, first=FIRST, settings=settings, variants=variants)
    split = _Split(table, participants - held_out, participants)
    return Ceilings(
        seed=seed,
        settings=settings,
        variants=variants,
        trained=participants - held_out,
        held_out=held_out,
        phenotypes=tuple(
            found
            for name, source in _questions()
            if (found := _phenotype(split, name, source)) is not None
        ),
        retrieval=_retrieval(split, galleries),
    )


class _Split:
    """A population with its inputs as numbers: rows that train, rows that test, more for retrieval.

    Args:
        table: The population.
        trained: The first so many rows train.
        tested: Rows from there to here test what is told of phenotypes; retrieval takes all others.
    """

    def __init__(self, table: pd.DataFrame, trained: int, tested: int) -> None:
        self.table = table
        self.train = np.arange(len(table)) < trained
        self.test = ~self.train & (np.arange(len(table)) < tested)
        self.inputs = {name: numbers_of(table, inputs) for name, inputs in INPUTS.items()}


def numbers_of(table: pd.DataFrame, names: Sequence[str]) -> Floats:
    """Return columns as numbers, (rows, numbers): a text column becomes one 0/1 column a text."""
    columns = []
    for name in names:
        if name in NOISE:
            continue
        if COLUMNS[name].kind == "categorical":
            texts = table[name].to_numpy(dtype=str)
            columns += [(texts == text).astype(np.float64) for text in np.unique(texts)[1:]]
        else:
            columns.append(table[name].to_numpy(np.float64))
    return np.stack(columns, axis=1)


def _questions() -> list[tuple[str, str]]:
    """What is predicted from which modality: (column, modality whose inputs predict)."""
    asked = []
    for name, column in COLUMNS.items():
        if column.role not in {"phenotype", "covariate"} or column.kind == "categorical":
            continue
        is_of_either = column.kind == "binary" or column.role == "covariate"
        if is_of_either or name not in electricity.COLUMNS:
            asked.append((name, "ecg"))
        if is_of_either or name in electricity.COLUMNS:
            asked.append((name, "mri"))
    return asked


def _boosting(kind: str) -> Any:  # noqa: ANN401 - scikit-learn has no types
    from sklearn.ensemble import (  # noqa: PLC0415 - takes a second, and few need it
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )

    cls = HistGradientBoostingClassifier if kind == "binary" else HistGradientBoostingRegressor
    return cls(
        learning_rate=0.1,
        max_iter=200,
        max_leaf_nodes=15,
        early_stopping=True,
        n_iter_no_change=8,
        random_state=0,
    )


def _phenotype(split: _Split, name: str, source: str) -> PhenotypeCeiling | None:
    kind = COLUMNS[name].kind
    truth, inputs = split.table[name].to_numpy(np.float64), split.inputs[source]
    train, test = (np.isfinite(truth) & rows for rows in (split.train, split.test))
    if kind == "binary" and _fewest(truth[train], truth[test]) < FEWEST:
        return None
    statistic: Callable[[Floats, Floats], float]
    model = _boosting(kind).fit(inputs[train], truth[train])
    if kind == "binary":
        scores, measure, statistic = model.decision_function(inputs[test]), "auroc", auroc
    else:
        scores, measure, statistic = model.predict(inputs[test]), "r2", r2
    value, low, high = _interval(statistic, truth[test], scores)
    within = None
    if kind != "binary":
        sex = split.table["sex"].to_numpy()[test]
        within = r2(truth[test], scores, sex)
    return PhenotypeCeiling(name, source, measure, value, low, high, within, int(test.sum()))


def _fewest(*classes: Floats) -> int:
    return int(min(count for flags in classes for count in (flags.sum(), (1 - flags).sum())))


def _interval(
    statistic: Callable[[Floats, Floats], float], truth: Floats, scores: Floats
) -> tuple[float, float, float]:
    """Return a statistic with its 95 % bootstrap interval over participants."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(truth), (RESAMPLES, len(truth)))
    values = [statistic(truth[some], scores[some]) for some in rows]
    low, high = np.nanquantile(values, (0.025, 0.975))
    return statistic(truth, scores), float(low), float(high)


def _retrieval(split: _Split, galleries: Sequence[int]) -> tuple[RetrievalCeiling, ...]:
    # The flags that both renderers get are left out: few have them, and disease shows in the rest.
    truth = _standardized(split, [name for name in MRI_INPUTS if name not in SHARED])
    inputs, train = split.inputs["ecg"], split.train
    predicted = np.stack(
        [_boosting("continuous").fit(inputs[train], y[train]).predict(inputs) for y in truth.T],
        axis=1,
    )
    held_out = truth[~train], predicted[~train]
    return tuple(found for size in galleries for found in _recalls(*_ranks(*held_out, size)))


def _standardized(split: _Split, names: Sequence[str]) -> Floats:
    """Factors with mean 0 and SD 1 in training, 0 where there is none; constant ones left out."""
    numbers = numbers_of(split.table, names)
    mean, sd = np.nanmean(numbers[split.train], axis=0), np.nanstd(numbers[split.train], axis=0)
    varies = sd > 1e-9
    result: Floats = np.nan_to_num((numbers[:, varies] - mean[varies]) / sd[varies])
    return result


def _ranks(
    truth: Floats, predicted: Floats, gallery: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Rank each held-out participant's own pair, from 0: of all cines, of all ECGs.

    Args:
        truth: (held out, factors), standardized.
        predicted: (held out, factors), told by the ECG's inputs.
        gallery: How many are ranked; fewer where half of the held-out are fewer.

    Returns:
        (queries,) ranks by the ECG and by the MRI, and how many were ranked for each.
    """
    # Boosting knows its training rows too well: half of the held-out ones tell the residuals
    # for the other half, and back.
    size = min(gallery, len(truth) // 2)
    ecg_ranks, mri_ranks = [], []
    for own, other in (
        (slice(0, None, 2), slice(1, None, 2)),
        (slice(1, None, 2), slice(0, None, 2)),
    ):
        ridge = 1e-4 * np.eye(truth.shape[1])
        # With W = L Lᵀ a quadratic form is a squared length, so that scores are matrix products.
        within = np.linalg.cholesky(np.linalg.inv(np.cov((truth - predicted)[other].T) + ridge))
        total = np.linalg.cholesky(np.linalg.inv(np.cov(truth[other].T) + ridge))
        hearts, guesses = truth[own] @ within, predicted[own] @ within
        usual = ((truth[own] @ total) ** 2).sum(axis=1) - (hearts**2).sum(axis=1)
        for start in range(0, len(hearts) - size + 1, size):
            rows = slice(start, start + size)
            guess_length = (guesses[rows] ** 2).sum(axis=1)[:, None]
            scores = usual[rows] + 2 * guesses[rows] @ hearts[rows].T - guess_length
            mine = np.diag(scores)
            ecg_ranks.append((scores > mine[:, None]).sum(axis=1))
            mri_ranks.append((scores > mine[None]).sum(axis=0))
    return np.concatenate(ecg_ranks), np.concatenate(mri_ranks), size


def _recalls(
    ecg_ranks: NDArray[np.int64], mri_ranks: NDArray[np.int64], gallery: int
) -> list[RetrievalCeiling]:
    found = []
    for query, ranks in (("ecg", ecg_ranks), ("mri", mri_ranks)):
        for k in RECALLS:
            hits = (ranks < k).astype(np.float64)
            value, low, high = _interval(lambda one, _: float(one.mean()), hits, hits)
            found.append(
                RetrievalCeiling(query, k, value, low, high, k / gallery, len(hits), gallery)
            )
    return found
