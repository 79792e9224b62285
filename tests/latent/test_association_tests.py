"""The closed forms of an association against statsmodels, NumPy longhand and the truth."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cmae.errors import InputError
from cmae.latent.association_confounders import confounders, null_space_projection
from cmae.latent.association_direction import hit_direction
from cmae.latent.association_results import clump, inflation
from cmae.latent.association_scan import permuted
from cmae.latent.association_tests import (
    f_statistic,
    joint_r2,
    latent_space,
    neg_log10_p,
    products,
    regressions,
)
from cmae.simulate import genotypes

NAMES = ("age_years", "sex", "center")


@pytest.fixture(scope="module")
def data():
    """400 participants: covariates, correlated latents that they and a variant move, dosages."""
    rng = np.random.default_rng(11)
    table = pd.DataFrame(
        {
            "age_years": rng.normal(60, 8, 400),
            "sex": rng.integers(0, 2, 400).astype(float),
            "center": rng.choice(np.array(["a", "b", "c"], dtype=object), 400),
        }
    )
    dosages = rng.integers(0, 3, (400, 6)).astype(float)
    latents = rng.normal(size=(400, 9)) @ rng.normal(size=(9, 9)) + 5
    latents += table["sex"].to_numpy()[:, None] + 0.6 * dosages[:, :1]
    return table, latents, dosages


def design(table):
    center = pd.get_dummies(table["center"], drop_first=True).to_numpy(float)
    return np.column_stack([np.ones(len(table)), table["age_years"], table["sex"], center])


def test_joint_test_is_that_of_statsmodels(data):
    from statsmodels.multivariate.manova import MANOVA

    table, latents, dosages = data
    space = latent_space(latents, confounders(table, NAMES))
    r2 = joint_r2(products(dosages, space.stacked(), space.rank), [9])[0]
    freedom = space.residual_freedom - 9
    for variant in range(dosages.shape[1]):
        matrix = np.column_stack([design(table), dosages[:, variant]])
        contrast = np.eye(matrix.shape[1])[-1:]
        found = MANOVA(latents, matrix).mv_test([("dosage", contrast)]).results["dosage"]["stat"]
        wanted = found.loc["Pillai's trace"].astype(float)
        assert r2[variant] == pytest.approx(wanted["Value"], rel=1e-8)
        assert f_statistic(r2[variant], 9, freedom) == pytest.approx(wanted["F Value"], rel=1e-8)
        assert (wanted["Num DF"], wanted["Den DF"]) == (9, freedom)
        p = 10.0 ** -neg_log10_p(r2[variant], 9, freedom)
        assert p == pytest.approx(wanted["Pr > F"], rel=1e-8)


def test_component_tests_are_those_of_statsmodels_on_the_components(data):
    from statsmodels.multivariate.manova import MANOVA

    table, latents, dosages = data
    removed = confounders(table, NAMES)
    space = latent_space(latents, removed)
    rest = removed.residuals(latents)
    rest = rest @ np.linalg.svd(rest, full_matrices=False)[2][:4].T
    r2 = joint_r2(products(dosages, space.stacked(), space.rank), [4])[0, 0]
    matrix = np.column_stack([design(table), dosages[:, 0]])
    found = MANOVA(rest, matrix).mv_test([("dosage", np.eye(matrix.shape[1])[-1:])])
    wanted = found.results["dosage"]["stat"].loc["Pillai's trace", "Value"]
    assert r2 == pytest.approx(float(wanted), rel=1e-8)


def test_coordinates_are_the_ordinary_least_squares_of_statsmodels(data):
    from statsmodels.regression.linear_model import OLS

    table, latents, dosages = data
    space = latent_space(latents, confounders(table, NAMES))
    found = regressions(products(dosages, space.stacked(), space.rank), space, range(9))
    for coordinate, variant in ((0, 0), (3, 0), (8, 5)):
        matrix = np.column_stack([design(table), dosages[:, variant]])
        wanted = OLS(latents[:, coordinate], matrix).fit()
        assert found.beta[coordinate, variant] == pytest.approx(wanted.params[-1], rel=1e-8)
        error = found.standard_error[coordinate, variant]
        assert error == pytest.approx(wanted.bse[-1], rel=1e-8)
        p = 10.0 ** -found.neg_log10_p[coordinate, variant]
        assert p == pytest.approx(wanted.pvalues[-1], rel=1e-8)


def test_p_is_right_where_double_precision_ends():
    # With 2 and 4 degrees of freedom the tail is a polynomial: (1 - V)^a and (1 - V)^a (1 + a V).
    for r2 in (0.01, 0.2, 0.5, 0.9):
        a = 20_000 / 2
        power = a * np.log1p(-r2) / np.log(10)
        assert neg_log10_p(r2, 2, 20_000) == pytest.approx(-power, rel=1e-11)
        assert neg_log10_p(r2, 4, 20_000) == pytest.approx(-power - np.log10(1 + a * r2), rel=1e-11)


def test_p_is_that_of_scipy_and_joins_the_tail_smoothly():
    r2 = np.linspace(0.0, 0.2, 400)
    f = f_statistic(r2, 256, 19_000)
    direct = -stats.f.logsf(f, 256, 19_000) / np.log(10)
    found = neg_log10_p(r2, 256, 19_000)
    in_range = direct < 300
    assert in_range.sum() > 100
    assert not in_range.all()
    np.testing.assert_allclose(found[in_range], direct[in_range], rtol=1e-8, atol=1e-12)
    assert (np.diff(found) >= 0).all()
    steps = np.diff(found[found > 200])
    assert (np.abs(np.diff(steps)) < 0.02 * steps[1:]).all()
    assert np.isinf(neg_log10_p(1.0, 3, 50))


def test_latents_without_effect_give_uniform_p_and_no_inflation():
    rng = np.random.default_rng(5)
    dosages = rng.binomial(2, rng.uniform(0.1, 0.5, 4000), (800, 4000)).astype(float)
    table = pd.DataFrame({"age_years": rng.normal(60, 8, 800)})
    space = latent_space(rng.normal(size=(800, 40)), confounders(table, ("age_years",)))
    for tested in (space, permuted(space, 0)):
        r2 = joint_r2(products(dosages, tested.stacked(), 40), [1, 10, 40])
        for k, values in zip((1, 10, 40), r2, strict=True):
            log_p = neg_log10_p(values, k, 798 - k)
            assert inflation(log_p) == pytest.approx(1, abs=0.06)
            assert stats.kstest(10.0**-log_p, "uniform").pvalue > 0.001


def test_inflation_of_doubled_statistics_is_two():
    chi2 = 2 * stats.chi2.ppf((np.arange(999) + 0.5) / 999, 1)
    assert inflation(-np.log10(stats.chi2.sf(chi2, 1))) == pytest.approx(2, rel=1e-6)


def test_permuted_latents_of_a_hit_show_nothing(data):
    table, latents, dosages = data
    space = latent_space(latents, confounders(table, NAMES))
    real, chance = (
        neg_log10_p(joint_r2(products(dosages, each.stacked(), 9), [9])[0, 0], 9, 386)
        for each in (space, permuted(space, 1))
    )
    assert real > 10
    assert chance < 3


@pytest.fixture(scope="module")
def planted():
    """4,000 participants: dosages, variants, factors that these shift, latents that mix them."""
    people, variants, seed = 4000, 60, 5
    rng = np.random.default_rng(1)
    dosages = np.concatenate(list(genotypes.blocks(range(people), variants, seed=seed)), axis=1)
    truth = genotypes.variant_table(variants, seed=seed)
    names = sorted({name for factors in truth["factors"] for name in factors.split(",") if name})
    noise = {name: rng.normal(size=people) for name in names}
    shifted = genotypes.shifted(noise, range(people), seed=seed, variants=variants)
    factors = np.stack([shifted[name] for name in names], axis=1)
    latents = factors @ rng.normal(size=(len(names), 32)) + 0.5 * rng.normal(size=(people, 32))
    return dosages.astype(float), truth, factors, latents


def test_spread_effects_show_in_the_joint_test_ahead_of_every_phenotype(planted):
    dosages, truth, factors, latents = planted
    removed = confounders(pd.DataFrame(index=range(len(latents))), ())
    space = latent_space(latents, removed)
    r2 = joint_r2(products(dosages, space.stacked(), space.rank), [space.rank])[0]
    joint = neg_log10_p(r2, space.rank, space.residual_freedom - space.rank)
    alone, count = latent_space(factors, removed), factors.shape[1]
    single = regressions(products(dosages, alone.stacked(), alone.rank), alone, range(count))
    best = single.neg_log10_p.max(axis=0) - np.log10(count)
    spread = truth.index[(truth["kind"] == "spread") & (truth["variance_share"] >= 0.005)]
    assert len(spread) == 3
    assert (joint[spread] > 7.3).all()
    assert (joint[spread] > best[spread]).all()
    measured = truth.index[(truth["kind"] == "measured") & (truth["variance_share"] >= 0.02)]
    assert (joint[measured] > 6).all()
    assert (joint[measured] < best[measured]).all()  # all of the effect is on one phenotype
    assert (joint[truth["kind"] == "no_effect"] < 5).all()


def test_categorical_covariates_become_levels_and_names_are_told():
    table = pd.DataFrame({"center": ["a", "b", "b", "c", "b", "a"], "same": ["x"] * 6})
    found = confounders(table, ("center", "same"))
    assert found.used == ("center=a", "center=c")
    assert found.left_out == {"same": "constant"}
    np.testing.assert_allclose(found.basis.T @ found.basis, np.eye(3), atol=1e-12)


def test_a_column_of_names_is_no_covariate():
    table = pd.DataFrame({"who": [f"n{k}" for k in range(200)]})
    with pytest.raises(InputError, match="200 levels"):
        confounders(table, ("who",))


def test_coordinates_that_do_not_vary_lower_the_rank(data):
    table, latents, _ = data
    wider = np.column_stack([latents, np.full(len(latents), 7.3), latents[:, 0] * 2])
    space = latent_space(wider, confounders(table, NAMES))
    assert space.rank == 9
    with pytest.raises(InputError, match="do not vary"):
        latent_space(np.full((400, 3), 2.5), confounders(table, NAMES))


def test_null_space_projection_removes_what_tells_of_confounders_and_keeps_the_rest():
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"sex": rng.integers(0, 2, 2000).astype(float)})
    latents = rng.normal(size=(2000, 12))
    latents[:, 2] += 3 * table["sex"]
    latents[:, 5] -= 1 * table["sex"]
    removed = confounders(table, ("sex",))
    projection = null_space_projection(latents, removed)
    assert projection.is_clean
    assert projection.r2["sex"] < 0.01
    assert 1 <= projection.basis.shape[1] <= 3
    assert projection.iterations == projection.basis.shape[1]
    left = projection.project(latents)
    assert np.abs(left @ projection.basis).max() < 1e-9
    kept = np.delete(np.arange(12), [2, 5])
    assert (1 - left[:, kept].var(0) / latents[:, kept].var(0)).max() < 0.02
    assert not null_space_projection(latents, removed, iterations=0).is_clean


def test_null_space_projection_is_that_of_ravfogel_written_longhand():
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"sex": rng.integers(0, 2, 500).astype(float)})
    latents = rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6))
    latents[:, 1] += 2 * table["sex"]
    projection = null_space_projection(
        latents, confounders(table, ("sex",)), iterations=3, max_r2=-np.inf
    )
    left = latents - latents.mean(0)
    aim = (table["sex"] - table["sex"].mean()).to_numpy()
    guard = np.eye(6)
    for _ in range(3):  # a linear predictor, then the projection onto the null space of its weights
        weights = np.linalg.pinv(left) @ aim
        null_space = np.eye(6) - np.outer(weights, weights) / (weights @ weights)
        guard, left = guard @ null_space, left @ null_space
    assert projection.iterations == projection.basis.shape[1] == 3
    np.testing.assert_allclose(projection.project(latents), latents @ guard, atol=1e-8)


def test_direction_of_a_hit_is_the_regression_on_its_dosage(data):
    table, latents, dosages = data
    space = latent_space(latents, confounders(table, NAMES))
    found = hit_direction(dosages[:, 0], space, name="rs1 G", kind="ecg")
    matrix = np.column_stack([design(table), dosages[:, 0]])
    wanted = np.linalg.lstsq(matrix, latents, rcond=None)[0][-1]
    np.testing.assert_allclose(found.vector * found.size, wanted, rtol=1e-8)
    assert np.linalg.norm(found.vector) == pytest.approx(1)
    assert (found.name, found.step, found.kind, found.rows) == ("rs1 G", "allele", "ecg", 400)
    with pytest.raises(InputError, match="does not vary"):
        hit_direction(np.ones(400), space, kind="ecg")


def test_clumps_keep_the_strongest_of_each_neighborhood():
    hits = pd.DataFrame(
        {
            "chromosome": ["1", "1", "1", "2", "1"],
            "position": [100, 150, 210, 150, 400],
            "neg_log10_p": [9.0, 20.0, 8.0, 12.0, 10.0],
        }
    )
    leads = clump(hits, 60)
    assert leads["position"].tolist() == [150, 150, 400]
    assert leads["chromosome"].tolist() == ["1", "2", "1"]
    assert leads["clumped"].tolist() == [3, 1, 1]
    assert clump(hits.iloc[:0], 60).empty
