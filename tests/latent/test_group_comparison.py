import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact, ttest_ind

from cmae.data.column import Column
from cmae.errors import InputError
from cmae.latent.group_comparison import COLUMNS, compare_groups

COUNT = 800
PHENOTYPES = {
    "lv_mass_g": Column("g", "continuous", "phenotype", "mri", "LV mass"),
    "lvef_percent": Column("%", "continuous", "phenotype", "mri", "LV ejection fraction"),
    "infarct": Column("", "binary", "phenotype", "clinical", "Infarct"),
}


@pytest.fixture
def people():
    """The first half is taller and older; mass follows height alone, infarcts follow the group."""
    rng = np.random.default_rng(0)
    group = np.arange(COUNT) < COUNT // 2
    height = rng.normal(165, 8, COUNT) + 8 * group
    return pd.DataFrame(
        {
            "participant_id": np.array([f"P{k}" for k in range(COUNT)], dtype=object),
            "visit": 0,
            "height_cm": height,
            "sex": rng.integers(0, 2, COUNT).astype(float),
            "lv_mass_g": 0.8 * height + rng.normal(0, 8, COUNT),
            "lvef_percent": rng.normal(60, 6, COUNT),
            "infarct": (rng.random(COUNT) < np.where(group, 0.3, 0.1)).astype(float),
            "center": rng.choice(np.array(["north", "south"], dtype=object), COUNT),
        }
    )


def halves():
    return np.arange(COUNT // 2), np.arange(COUNT // 2, COUNT)


def rows_of(compared):
    return compared.table.set_index("phenotype")


def test_numbers_are_those_of_scipy(people):
    first, second = halves()
    found = rows_of(compare_groups(people, PHENOTYPES, first, second))
    mass, infarct = found.loc["lv_mass_g"], found.loc["infarct"]
    one, two = people["lv_mass_g"][first], people["lv_mass_g"][second]
    assert mass["p"] == pytest.approx(ttest_ind(one, two, equal_var=False).pvalue, rel=1e-9)
    pooled = np.sqrt((one.var() + two.var()) / 2)
    assert mass["effect"] == pytest.approx((one.mean() - two.mean()) / pooled)
    assert mass["difference"] == pytest.approx(one.mean() - two.mean())
    counts = pd.crosstab(np.arange(COUNT) < COUNT // 2, people["infarct"])
    assert infarct["p"] == pytest.approx(fisher_exact(counts).pvalue, rel=1e-6)
    assert infarct["effect"] == pytest.approx(
        people["infarct"][first].mean() - people["infarct"][second].mean()
    )
    assert np.isnan(infarct["sd_first"])
    assert (found["q"] >= found["p"]).all()


def test_newcombes_interval_is_that_of_his_table():
    """56 of 70 against 48 of 80: 0.0524 to 0.3339 (Newcombe 1998, table II a, method 10)."""
    table = pd.DataFrame({"x": np.r_[np.ones(56), np.zeros(14), np.ones(48), np.zeros(32)]})
    columns = {"x": Column("", "binary", "phenotype", "clinical", "x")}
    found = compare_groups(table, columns, np.arange(70), np.arange(70, 150)).table.iloc[0]
    assert found["effect_low"] == pytest.approx(0.0524, abs=5e-5)
    assert found["effect_high"] == pytest.approx(0.3339, abs=5e-5)


def test_adjustment_is_least_squares_with_hc3_errors(people):
    statsmodels = pytest.importorskip("statsmodels.api")
    first, second = halves()
    people.loc[3, "height_cm"] = np.nan
    compared = compare_groups(
        people, PHENOTYPES, first, second, covariates=["height_cm", "sex", "center"]
    )
    found = rows_of(compared)
    has = people["height_cm"].notna().to_numpy()
    design = np.column_stack(
        [np.ones(COUNT), people[["height_cm", "sex"]], people["center"] == "north",
         np.arange(COUNT) < COUNT // 2]
    ).astype(float)  # fmt: skip
    for name in PHENOTYPES:
        fit = statsmodels.OLS(people[name][has], design[has]).fit(cov_type="HC3", use_t=True)
        row = found.loc[name]
        assert row["adjusted_n"] == COUNT - 1
        assert row["adjusted_difference"] == pytest.approx(fit.params.iloc[-1], rel=1e-7)
        assert row["adjusted_p"] == pytest.approx(fit.pvalues.iloc[-1], rel=1e-6)
        scale = row["adjusted_effect"] / row["adjusted_difference"]
        low, high = fit.conf_int().iloc[-1] * scale
        assert row[["adjusted_low", "adjusted_high"]].tolist() == pytest.approx([low, high])
    assert compared.covariates[:2] == ("height_cm", "sex")
    assert len(compared.covariates) == 3
    assert found.loc["lv_mass_g", "p"] < 1e-20
    assert found.loc["lv_mass_g", "adjusted_p"] > 1e-3
    assert found.loc["infarct", "adjusted_p"] < 1e-6


@pytest.mark.slow
def test_intervals_hold_the_truth_in_ninety_five_of_a_hundred(rng):
    columns = {
        "d": Column("", "continuous", "phenotype", "mri", ""),
        "share": Column("", "binary", "phenotype", "mri", ""),
    }
    held = {"d": 0, "share": 0, "adjusted": 0}
    for _ in range(400):
        group = np.arange(120) < 50
        table = pd.DataFrame(
            {
                "age": rng.normal(size=120) + group,
                "d": rng.normal(size=120) + 0.8 * group,
                "share": (rng.random(120) < np.where(group, 0.4, 0.15)).astype(float),
            }
        )
        found = rows_of(compare_groups(table, columns, group, ~group, covariates=["age"]))
        for name, truth in (("d", 0.8), ("share", 0.25)):
            held[name] += found.loc[name, "effect_low"] <= truth <= found.loc[name, "effect_high"]
        row = found.loc["d"]
        scale = row["adjusted_effect"] / row["adjusted_difference"]
        held["adjusted"] += row["adjusted_low"] <= 0.8 * scale <= row["adjusted_high"]
    assert all(0.92 <= count / 400 <= 0.985 for count in held.values()), held


@pytest.mark.slow
def test_q_controls_false_discoveries_among_shuffled_phenotypes(rng):
    columns = {f"p{k}": Column("", "continuous", "phenotype", "mri", "") for k in range(40)}
    discoveries = 0
    for _ in range(60):
        table = pd.DataFrame(rng.normal(size=(100, 40)), columns=list(columns))
        group = np.arange(100) < 40
        found = compare_groups(table, columns, group, ~group).table
        discoveries += bool((found["q"] < 0.05).any())
    assert discoveries <= 8  # 5 % of 60 families: 3 expected


def test_what_cannot_be_compared_is_named(people):
    first, second = halves()
    columns = {
        **PHENOTYPES,
        "center": Column("", "categorical", "covariate", "clinical", "Center"),
        "constant": Column("", "continuous", "phenotype", "mri", ""),
        "split": Column("", "continuous", "phenotype", "mri", ""),
        "rare": Column("", "continuous", "phenotype", "mri", ""),
        "group": Column("", "binary", "phenotype", "mri", ""),
    }
    people["constant"] = 5.0
    people["split"] = (np.arange(COUNT) < COUNT // 2).astype(float)
    people["rare"] = np.where(np.arange(COUNT) < 3, 1.0, np.nan)
    people["group"] = people["split"]
    compared = compare_groups(people, columns, first, second, covariates=["split"])
    found = rows_of(compared)
    assert list(compared.table) == list(COLUMNS)
    assert found.loc["center", "note"] == "categorical"
    assert found.loc["constant", "note"] == "the same in both groups"
    assert found.loc["split", "note"] == "the same within each group"
    assert found.loc["rare", "note"] == "fewer than 5 values in a group"
    assert found.loc["lv_mass_g", "note"] == "the covariates tell the groups apart"
    assert np.isnan(found.loc["lv_mass_g", "adjusted_p"])
    assert found.loc["group", "effect"] == 1
    assert np.isnan(found.loc["constant", "q"])


def test_participants_count_once(people):
    again = pd.concat([people, people.iloc[:10].assign(visit=1)], ignore_index=True)
    group = np.zeros(len(again), bool)
    group[: COUNT // 2] = True
    group[COUNT:] = True
    compared = compare_groups(again, PHENOTYPES, group, ~group)
    once = compare_groups(people, PHENOTYPES, *halves())
    assert compared.repeated == 10
    assert (compared.first, compared.second) == (COUNT // 2, COUNT // 2)
    pd.testing.assert_frame_equal(compared.table, once.table)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([], range(10), "first group is empty"),
        (range(10), [], "second group is empty"),
        (range(10), range(5, 30), "5 participants are in both"),
        (range(4), range(5, 30), "first group has 4 participants"),
        (range(10), [COUNT], "outside the table's 800"),
        (range(10), [-1], "outside"),
    ],
)
def test_impossible_groups_are_refused_in_one_sentence(people, first, second, message):
    rows = [np.array(list(rows), np.int64) for rows in (first, second)]
    with pytest.raises(InputError, match=message):
        compare_groups(people, PHENOTYPES, *rows)


def test_masks_and_covariates_that_do_not_fit_are_refused(people):
    first, second = halves()
    with pytest.raises(InputError, match="mask of 3 rows"):
        compare_groups(people, PHENOTYPES, np.ones(3, bool), second)
    with pytest.raises(InputError, match="whole numbers"):
        compare_groups(people, PHENOTYPES, first.astype(float), second)
    with pytest.raises(InputError, match="no column weight_kg"):
        compare_groups(people, PHENOTYPES, first, second, covariates=["weight_kg"])
    people.loc[: COUNT // 2, "height_cm"] = np.nan
    with pytest.raises(InputError, match="Fewer than 5 participants of the first group"):
        compare_groups(people, PHENOTYPES, first, second, covariates=["height_cm"])
