"""What a stage of a training works on: settings, recordings, and who is in which part."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmae import settings
from cmae.data.cohort import Cohort
from cmae.data.normalization import mri_mean_and_std
from cmae.errors import CohortError
from cmae.model.run import CineScale
from train.experiment import Experiment, Stage

SCALE_CINES = 500
"""Training cines whose mean and SD are looked at for the scale of decoded ones."""


@dataclass(frozen=True)
class Materials:
    """What a stage works on.

    Attributes:
        experiment: The settings.
        stage: Which stage of them.
        cohort: The recordings.
        split: Row numbers by ``train``, ``validation`` and ``test``.
        start_from: Run folders whose weights this stage starts from.
        commit: The commit of the code that trains, where it is known.
    """

    experiment: Experiment
    stage: Stage
    cohort: Cohort
    split: dict[str, NDArray[np.int64]]
    start_from: tuple[Path, ...]
    commit: str | None = None

    def rows(self, part: str) -> NDArray[np.int64]:
        """Rows of one part of the split that have something this stage trains on."""
        rows = self.split[part]
        has_any = np.any([self.cohort.has(name)[rows] for name in self.stage.modalities], axis=0)
        return rows[has_any]

    def validation_sample(self) -> NDArray[np.int64]:
        """The rows that are validated on after each epoch: always the same, drawn once."""
        rows = self.rows("validation")
        count = min(len(rows), self.stage.validation_steps * self.stage.batch_size)
        count -= count % self.stage.batch_size
        order = np.random.default_rng(self.experiment.seed).permutation(rows)
        return np.sort(order[:count])

    def identity(self) -> dict[str, str]:
        """What a resumed training must share with the one that it goes on with."""
        text = settings.dumps(self.experiment) + settings.dumps(self.stage)
        return {
            "experiment": hashlib.sha256(text.encode()).hexdigest()[:16],
            "cohort": self.cohort.fingerprint,
        }

    def check(self) -> None:
        """Refuse a cohort that lacks what the stage trains on.

        Raises:
            CohortError: As said, with the numbers.
        """
        stage, cohort = self.stage, self.cohort
        for name in stage.modalities:
            if not cohort.has(name).any():
                raise CohortError(
                    f"Stage {stage.name} trains on {name} recordings, but no row of "
                    f"{cohort.path} has one: import some, or train another stage."
                )
        if len(stage.modalities) == 2:
            both = cohort.has("ecg") & cohort.has("mri")
            if not both[self.split["train"]].any():
                raise CohortError(
                    f"Stage {stage.name} needs rows with both an ECG and an MRI, but the training "
                    f"part of {cohort.path} has none: pair them by participant and visit."
                )
        for part in ("train", "validation"):
            if len(self.rows(part)) < stage.batch_size:
                raise CohortError(
                    f"The {part} part has {len(self.rows(part))} rows for stage {stage.name}, "
                    f"fewer than a batch of {stage.batch_size}: take a larger cohort or a smaller "
                    "batch."
                )
        if not len(self.rows("test")):
            raise CohortError(
                f"The test part has no row for stage {stage.name}, so the run could not be "
                "measured: take a larger cohort or another split."
            )

    def cine_scale(self) -> CineScale:
        """Median mean and SD of the training cines, from a fixed sample of them."""
        if "mri" not in self.stage.modalities:
            return CineScale()
        rows = self.rows("train")
        rows = rows[self.cohort.has("mri")[rows]]
        order = np.random.default_rng(self.experiment.seed).permutation(rows)
        pairs = [
            mri_mean_and_std(self.cohort.read("mri", int(row))[None]) for row in order[:SCALE_CINES]
        ]
        return CineScale(
            mean=float(np.median([mean[0] for mean, _ in pairs])),
            std=float(np.median([std[0] for _, std in pairs])),
        )
