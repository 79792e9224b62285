"""What an evaluation is of: a run, its baselines, their latents, and the rows that count."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cmae.data.cohort import Cohort
from cmae.data.column import Column
from cmae.errors import SettingsError
from cmae.evaluation.features import FeatureSet
from cmae.evaluation.participants import HeldOut
from cmae.latent.latents import Latents
from cmae.model.run import Run
from cmae.model.supervised import SupervisedRun
from cmae.simulate.ceilings import Ceilings
from cmae.simulate.electricity import COLUMNS as OF_SIMULATED_ECG

PARTS = ("retrieval", "probes", "labels", "paths", "function")
"""What can be measured, in this order."""


@dataclass(frozen=True)
class EvaluationSettings:
    """What is measured.

    Attributes:
        parts: Of PARTS.
        decoded: Rows at most whose recordings are decoded.
        gallery: Recordings that are ranked at most in retrieval; by default the paper's number.
        seed: Of draws and bootstraps.
    """

    parts: tuple[str, ...] = PARTS
    decoded: int = 1000
    gallery: int = 4752
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be measured.

        Raises:
            SettingsError: A part is unknown, or a number too small.
        """
        unknown = sorted(set(self.parts) - set(PARTS))
        if unknown or not self.parts:
            came = f"{unknown[0]!r} is no part" if unknown else "No part is chosen"
            raise SettingsError(f"{came} of an evaluation: choose from {', '.join(PARTS)}.")
        if self.decoded < 2 or self.gallery < 2:
            raise SettingsError(
                f"{self.decoded} rows to decode and {self.gallery} to rank are too few: give 2 or "
                "more of each."
            )


@dataclass(frozen=True, eq=False)
class Subject:
    """What is measured.

    Attributes:
        run: The run.
        baselines: Other runs by name, measured beside it in the same folds.
        cohort: The cohort.
        held_out: The rows that none of the runs has seen.
        latents: Of the run, a row a row of the cohort.
        of_baselines: Of the baselines, likewise, by name.
        supervised: Networks trained on labels, by name; several of them with few labels.
        ceilings: Of the cohort's population, where it is simulated and they were computed.
        settings: What is measured.
        read: Feature sets that were read from recordings, by modality, once they are.
    """

    run: Run
    baselines: Mapping[str, Run]
    cohort: Cohort
    held_out: HeldOut
    latents: Latents
    of_baselines: Mapping[str, Latents] = field(default_factory=dict)
    supervised: Mapping[str, SupervisedRun] = field(default_factory=dict)
    ceilings: Ceilings | None = None
    settings: EvaluationSettings = field(default_factory=EvaluationSettings)
    read: dict[str, list[FeatureSet]] = field(default_factory=dict, repr=False)

    @property
    def participants(self) -> NDArray[np.str_]:
        """Who the held-out rows are of, (n,)."""
        names = self.cohort.table["participant_id"].to_numpy(dtype=str)
        return np.asarray(names[self.held_out.rows])

    def sources(self) -> tuple[str, ...]:
        """Name the modalities that the run encodes and anybody held out was recorded in."""
        rows = self.held_out.rows
        return tuple(name for name in self.run.modalities if self.latents.present[name][rows].any())

    def targets(self, source: str) -> tuple[str, ...]:
        """Name what the other modality shows, and what neither does alone.

        Args:
            source: Modality whose recordings tell: ``ecg`` or ``mri``.

        Returns:
            Phenotypes that the other modality shows, diagnoses, and covariates, in the order of
            the cohort's columns.
        """
        return tuple(
            name
            for name, column in self.cohort.columns.items()
            if column.role in {"phenotype", "covariate"}
            and column.kind != "categorical"
            and shown_by(name, column) != source
        )

    def names(self) -> dict[str, str]:
        """Give each phenotype and covariate a name for people, with its unit."""
        return {
            name: _named(name, column)
            for name, column in self.cohort.columns.items()
            if column.role in {"phenotype", "covariate"}
        }


def shown_by(name: str, column: Column) -> str:
    """Tell which modality shows a phenotype: ``ecg``, ``mri``, or ``both`` where neither alone.

    Diagnoses, covariates and what was measured elsewhere are of neither. Of simulated columns,
    those of the conduction are what an ECG shows.

    Args:
        name: Of the column.
        column: What it means.
    """
    if column.role == "covariate" or column.kind == "binary" or column.source == "clinical":
        return "both"
    if column.source == "simulated":
        return "ecg" if name in OF_SIMULATED_ECG else "mri"
    return column.source


def _named(name: str, column: Column) -> str:
    """Say what stands before the first comma, semicolon or bracket, and the unit.

    A description that only lists codes, such as ``1 male, 0 female``, gives way to the name.
    """
    words = re.split(r"[,;(]", column.description)[0].strip()
    if not words or words[0].isdigit():
        words = name.replace("_", " ").capitalize()
    return f"{words} ({column.unit})" if column.unit else words
