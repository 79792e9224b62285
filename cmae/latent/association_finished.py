"""A finished scan: what was tested, and what lies in its parts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.latent.association_parts import Parts
from cmae.latent.association_settings import Prepared
from cmae.latent.association_tests import neg_log10_p
from cmae.latent.latents import Latents
from cmae.readers.genotypes import Genotypes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scan:
    """A finished scan: what was tested, and where its parts lie."""

    latents: Latents
    genotypes: Genotypes
    prepared: Prepared
    parts: Parts

    def test_names(self) -> list[str]:
        """Name the tests as the columns of the table begin: ``pcs_5`` …, then ``joint``."""
        return [*(f"pcs_{k}" for k in self.prepared.components[:-1]), "joint"]

    def chunks(self) -> Iterator[tuple[pd.DataFrame, dict[str, NDArray[Any]]]]:
        """Go through the parts: their variants, and what was found."""
        for start in self.parts.starts:
            found = self.parts.read(start)
            stop = start + len(found["reason"])
            yield self.genotypes.variants.iloc[start:stop], found

    def neg_log10_p(self, r2: Floats) -> Floats:
        """Return −log10 p of each test, (tests, variants)."""
        freedom = self.prepared.space.residual_freedom
        rows = [
            neg_log10_p(values, k, freedom - k)
            for values, k in zip(r2, self.prepared.components, strict=True)
        ]
        return np.stack(rows)
