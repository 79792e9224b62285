import numpy as np
import pandas as pd
import pytest

from cmae.data.column import Column
from cmae.evaluation.features import FeatureSet, Labels

KINDS = {
    "sex": ("binary", "covariate"),
    "age_years": ("continuous", "covariate"),
    "height_cm": ("continuous", "covariate"),
    "told": ("continuous", "phenotype"),
    "sexed": ("continuous", "phenotype"),
    "noise": ("continuous", "phenotype"),
    "sick": ("binary", "phenotype"),
}


@pytest.fixture(scope="session")
def planted():
    """Make labels with known truth, and latents that tell of them.

    Returns a function ``(rows, *, visits=1, seed=3) -> (labels, latents)``: ``told`` is half latent
    and half noise, so R² is 0.5; ``sexed`` is sex and noise; ``sick`` follows latent 1.
    """

    def make(rows=600, *, visits=1, seed=3):
        rng = np.random.default_rng(seed)
        latents = rng.normal(size=(rows, 8))
        sex = (rng.random(rows) < 0.5).astype(float)
        latents[:, 7] = sex + 0.1 * rng.normal(size=rows)
        height = 170 + 8 * sex + rng.normal(size=rows)
        values = {
            "participant_id": [f"P{k // visits:05d}" for k in range(rows)],
            "sex": sex,
            "age_years": 60 + 5 * rng.normal(size=rows),
            "height_cm": height,
            "told": 100 + 10 * (latents[:, 0] + rng.normal(size=rows)),
            "sexed": 20 * sex + rng.normal(size=rows),
            "noise": rng.normal(size=rows),
            "sick": (2 * latents[:, 1] + rng.logistic(size=rows) > 2).astype(float),
        }
        columns = {
            name: Column("", kind, role, "clinical", name) for name, (kind, role) in KINDS.items()
        }
        return Labels.of(pd.DataFrame(values), columns), latents

    return make


@pytest.fixture(scope="session")
def everywhere():
    """Make a feature set that every row has: a function (name, values, **choices)."""

    def make(name, values, **choices):
        return FeatureSet(name, values, np.ones(len(values), bool), **choices)

    return make
