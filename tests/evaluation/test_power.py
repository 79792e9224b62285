"""Power curves on planted effects whose outcome is known by construction."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from cmae.errors import InputError
from cmae.evaluation.power import Planted, power

N, DIM = 900, 12


@pytest.fixture(scope="module")
def planted():
    """Variant 0 acts on a phenotype, 1 on a coordinate that no phenotype shows, 2 on nothing."""
    rng = np.random.default_rng(4)
    dosages = rng.binomial(2, 0.4, (N, 3)).astype(float)
    x = (dosages - dosages.mean(0)) / dosages.std(0)
    latents = rng.normal(size=(N, DIM))
    latents[:, 0] += 0.4 * x[:, 0]
    latents[:, 1] += 0.4 * x[:, 1]
    phenotypes = pd.DataFrame(
        {"mass": latents[:, 0] + 0.5 * rng.normal(size=N), "rate": rng.normal(size=N)}
    )
    phenotypes.loc[::7, "rate"] = np.nan
    variants = pd.DataFrame(
        {"variant": ["a", "b", "c"], "kind": ["measured", "unmeasured", "no_effect"]}
    )
    covariates = pd.DataFrame({"age_years": rng.normal(60, 8, N)})
    return Planted(latents, dosages, variants, phenotypes, covariates)


@pytest.fixture(scope="module")
def table(planted):
    return power(planted, [60, 300, N], repeats=10)


def found(table, variant, test):
    mine = table[(table["variant"] == variant) & (table["test"] == test)]
    return mine.set_index("participants")["found"]


def test_power_grows_with_participants(table):
    for variant, test in (("a", "joint"), ("a", "mass"), ("b", "joint")):
        shares = found(table, variant, test)
        assert shares[60] < 0.5
        assert shares[N] == 1.0
        assert shares.is_monotonic_increasing


def test_what_no_phenotype_shows_is_found_by_the_latent_alone(table):
    assert found(table, "b", "joint")[N] == 1.0
    assert found(table, "b", "best_phenotype")[N] == 0.0
    assert found(table, "a", "best_phenotype")[N] == 1.0


def test_a_null_variant_is_not_found(table):
    null = table[table["variant"] == "c"]
    assert (null["found"] == 0).all()
    assert (null["neg_log10_p"] < 4).all()


def test_a_single_phenotype_is_regressed_as_statsmodels_does(planted, table):
    has = planted.phenotypes["rate"].notna().to_numpy()
    design = sm.add_constant(
        np.column_stack([planted.dosages[has, 0], planted.covariates.to_numpy()[has]])
    )
    p = sm.OLS(planted.phenotypes["rate"].to_numpy()[has], design).fit().pvalues[1]
    mine = table.query("variant == 'a' and test == 'rate' and participants == @N")
    assert mine["neg_log10_p"].item() == pytest.approx(-np.log10(p), rel=1e-8)
    assert mine["repeats"].item() == 1


def test_more_participants_than_there_are_is_refused(planted):
    with pytest.raises(InputError, match="ask for fewer"):
        power(planted, [N + 1])
    with pytest.raises(InputError, match="ask for fewer"):
        power(planted, [])
