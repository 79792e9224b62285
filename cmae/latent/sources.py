"""What embedding needs of a run and of a cohort, as protocols."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Masks = Mapping[str, NDArray[np.bool_]]


class Encoder(Protocol):
    """What embedding needs of a run (``cmae.model.run.Run`` has it)."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities that can be encoded."""

    @property
    def latent_dim(self) -> int:
        """Numbers in a latent."""

    @property
    def fingerprint(self) -> str:
        """Hash of settings and weights."""

    def encode(self, modality: str, recordings: Floats, *, batch_size: int = ...) -> Floats:
        """Encode recordings in physical units into latents ``(n, latent_dim)``."""

    def joint(
        self, latents: Mapping[str, Floats], present: Mapping[str, NDArray[np.bool_]]
    ) -> Floats:
        """Merge the latents of each modality, with their presence, into joint latents."""


class Recordings(Protocol):
    """What embedding needs of a cohort (``cmae.data.cohort.Cohort`` has it)."""

    @property
    def table(self) -> pd.DataFrame:
        """One row a (participant, visit)."""

    @property
    def fingerprint(self) -> str:
        """Hash of the table and the recordings' parts."""

    @property
    def is_simulated(self) -> bool:
        """Whether any row is simulated."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def has(self, modality: str) -> NDArray[np.bool_]:
        """Tell for each row whether it has a recording of a modality."""

    def read_many(self, modality: str, rows: Sequence[int]) -> Floats:
        """Read the recordings of rows, in physical units."""
