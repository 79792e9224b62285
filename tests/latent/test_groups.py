import numpy as np
import pandas as pd
import pytest

from cmae.latent import groups


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age_years": np.r_[rng.normal(40, 5, 60), rng.normal(60, 5, 40)],
            "height_cm": rng.normal(170, 9, 100),
            "sex": pd.array(rng.integers(0, 2, 100), dtype="Int8"),
        }
    )


def test_the_phenotype_that_differs_most_comes_first(table):
    result = groups.compare(table, ["height_cm", "sex", "age_years"], np.arange(100) >= 60)
    assert result["phenotype"][0] == "age_years"
    assert result["rows"][0] == 40
    assert result["mean"][0] == pytest.approx(table["age_years"][60:].mean())
    assert result["rest_sd"][0] == pytest.approx(table["age_years"][:60].std())


def test_the_difference_is_cohens_d(table):
    selected = np.arange(100) >= 60
    result = groups.compare(table, ["age_years"], selected)
    inside, outside = table["age_years"][60:], table["age_years"][:60]
    pooled = np.sqrt((39 * inside.var() + 59 * outside.var()) / 98)
    assert result["difference"][0] == pytest.approx((inside.mean() - outside.mean()) / pooled)


def test_missing_values_do_not_count(table):
    table.loc[60:79, "age_years"] = np.nan
    table.loc[:4, "sex"] = pd.NA
    result = groups.compare(table, ["age_years", "sex"], np.arange(100) >= 60)
    assert result.set_index("phenotype")["rows"].to_dict() == {"age_years": 20, "sex": 40}


def test_a_group_of_everyone_has_a_mean_but_no_difference(table):
    result = groups.compare(table, ["age_years"], np.ones(100, bool))
    assert result["mean"][0] == pytest.approx(table["age_years"].mean())
    assert np.isnan(result["difference"][0])
