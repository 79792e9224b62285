"""What probes are given: named feature sets, and what is known about the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.column import Column
from cmae.errors import InputError

COVARIATES = ("age_years", "sex", "height_cm", "weight_kg", "bmi_kg_m2", "bsa_m2")
"""Age, sex and body size: what results are adjusted for, as far as a cohort has it."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """Numbers about the rows from which phenotypes are predicted.

    Attributes:
        name: For tables.
        values: (rows, k); NaN is filled by the mean of the training rows.
        present: (rows,): whether a row has them at all.
        components: Into how many principal components of the training rows they are turned
            before they are used; None leaves them as they are.
        holds: Names of the columns that they are made of, which are no target for them.
    """

    name: str
    values: NDArray[np.floating] = field(repr=False)
    present: NDArray[np.bool_] = field(repr=False)
    components: int | None = None
    holds: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Raise InputError where shapes differ."""
        if self.values.ndim != 2 or self.present.shape != (len(self.values),):
            raise InputError(
                f"The features {self.name} have shape {self.values.shape} and a mask of "
                f"{self.present.shape}: give (rows, k) and (rows,)."
            )

    def prepared(self, train: Rows, test: Rows) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the features of training and test rows; all that is fitted sees training only.

        Args:
            train: Row numbers that gaps are filled from and components are fitted to.
            test: Row numbers.

        Returns:
            (train, k) and (test, k), finite.
        """
        inside, outside = self.values[train], self.values[test]
        if self.components is None:
            return _filled(inside, inside), _filled(outside, inside)
        from sklearn.decomposition import PCA  # noqa: PLC0415 - takes a second

        components = min(self.components, len(train) - 1, self.values.shape[1])
        pca = PCA(components, svd_solver="randomized", iterated_power=2, random_state=0)
        return pca.fit_transform(inside), pca.transform(outside)


def _filled(values: NDArray[Any], training: NDArray[Any]) -> NDArray[Any]:
    """Return values with the training mean of the column where there is none."""
    is_known = np.isfinite(values)
    if is_known.all():
        return values
    known = np.isfinite(training)
    sums = np.where(known, training, 0).sum(axis=0)
    return np.where(is_known, values, sums / np.maximum(known.sum(axis=0), 1))


@dataclass(frozen=True, eq=False)
class Learned:
    """Predictions of a model that learned elsewhere, from participants that are none of the rows.

    Attributes:
        name: For tables.
        labels: From how many labeled participants it learned; 0 for all that there were.
        predictions: By target (rows,), in its unit or as log odds.
    """

    name: str
    labels: int
    predictions: Mapping[str, NDArray[np.float64]] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Labels:
    """Who the rows are of and what is known about them.

    Attributes:
        participants: (rows,): who each row is of.
        table: (rows): columns of phenotypes and covariates, NaN where unknown.
        columns: What they mean.
        targets: Names of those that are predicted.
        covariates: Names of those that results are adjusted for, and ``sex`` taken from.
    """

    participants: NDArray[np.generic] = field(repr=False)
    table: pd.DataFrame = field(repr=False)
    columns: Mapping[str, Column] = field(repr=False)
    targets: tuple[str, ...]
    covariates: tuple[str, ...] = COVARIATES

    def __post_init__(self) -> None:
        """Raise InputError where lengths differ or a column is not in the table."""
        if len(self.participants) != len(self.table):
            raise InputError(
                f"{len(self.participants)} participants and a table of {len(self.table)} rows do "
                "not fit: give one a row."
            )
        for name in (*self.targets, *self.covariates):
            if name not in self.table or (name in self.targets and name not in self.columns):
                raise InputError(f"There is no column {name!r}: name columns of the cohort.")

    @classmethod
    def of(
        cls, table: pd.DataFrame, columns: Mapping[str, Column], *, targets: Sequence[str] = ()
    ) -> Self:
        """Take the labels from the table of a cohort.

        Args:
            table: Of a cohort or a selection of it.
            columns: Of the cohort.
            targets: What is predicted; empty for all phenotypes and covariates.

        Returns:
            The labels.

        Raises:
            InputError: A target is not in the table.
        """
        wanted = tuple(targets) or tuple(
            name for name, column in columns.items() if column.role in {"phenotype", "covariate"}
        )
        there = tuple(name for name in COVARIATES if name in table)
        participants = table["participant_id"].to_numpy(dtype=str)
        return cls(participants, table, columns, wanted, there)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column as numbers, (rows,), NaN where unknown."""
        values = self.table[name].to_numpy(np.float64, na_value=np.nan)
        return np.where(np.isfinite(values), values, np.nan)

    def sexes(self) -> NDArray[np.int64]:
        """Return a number for each sex, (rows,); those of unknown sex are a group of their own."""
        if "sex" not in self.table:
            return np.zeros(len(self.table), np.int64)
        sex = self.numbers("sex")
        return np.where(np.isnan(sex), -1, sex).astype(np.int64)

    def body(self, target: str) -> NDArray[np.float64] | None:
        """Return the covariates, (rows, covariates), None where the target is one or none are."""
        if target in self.covariates or not self.covariates:
            return None
        return np.stack([self.numbers(name) for name in self.covariates], axis=1)
