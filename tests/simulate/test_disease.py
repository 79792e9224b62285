import numpy as np
import pytest

from cmae.simulate.disease import LEADING, RISKS
from cmae.simulate.physiology import draw
from cmae.simulate.settings import PopulationSettings

STRUCTURAL = ["lv_hypertrophy", "infarct", "dilated_failure", "left_atrial_enlargement"]
BLOCKS = ["left_bundle_branch_block", "right_bundle_branch_block"]


@pytest.fixture(scope="module")
def population():
    return draw(20_000, seed=2)


def sick_share(**settings):
    people = draw(3000, seed=4, settings=PopulationSettings(**settings))
    assert people.drop(columns=["pr_ms", "atrial_lead_ms"]).notna().all(axis=None)
    return (people["disease"] != "healthy").mean()


def share(population, name, given):
    return population.groupby(given)[name].mean()


def test_five_to_fifteen_in_a_hundred_have_disease_of_the_heart(population):
    assert 0.05 < population[STRUCTURAL + BLOCKS].any(axis=1).mean() < 0.15


def test_the_leading_diagnosis_is_the_first_that_a_participant_has(population):
    expected = np.full(len(population), "healthy", dtype=object)
    for disease, flag in reversed(LEADING.items()):
        expected[population[flag] == 1] = disease
    assert (population["disease"] == expected).all()
    assert set(population["disease"]) == {*LEADING, "healthy"}


def test_diseases_come_together_where_one_leads_to_the_other(population):
    for name, given in (
        ("dilated_failure", "infarct"),
        ("left_bundle_branch_block", "dilated_failure"),
        ("atrial_fibrillation", "dilated_failure"),
        ("atrial_fibrillation", "lv_hypertrophy"),
        ("left_atrial_enlargement", "atrial_fibrillation"),
    ):
        without, with_it = share(population, name, given)
        assert with_it > 2 * without
    assert 0.02 < (population[[*RISKS]].sum(axis=1) > 1).mean() < 0.08


def test_every_disease_comes_alone_too(population):
    alone = population[population[[*RISKS]].sum(axis=1) == 1]
    assert (alone[[*RISKS]].sum() > 50).all()


def test_an_enlarged_atrium_is_large_and_a_block_slow(population):
    means = population.groupby("disease")[["la_max_ml", "pr_ms", "qrs_ms"]].mean()
    healthy = means.loc["healthy"]
    assert means.loc["left_atrial_enlargement", "la_max_ml"] > 1.35 * healthy["la_max_ml"]
    assert 220 < means.loc["first_degree_block", "pr_ms"] < 240
    assert (population.loc[population["first_degree_block"] == 1, "pr_ms"] > 200).mean() > 0.97
    assert 142 < means.loc["left_bundle_branch_block", "qrs_ms"] < 155
    assert 130 < means.loc["right_bundle_branch_block", "qrs_ms"] < 145
    blocked = population[BLOCKS].any(axis=1)
    assert population.loc[blocked, "qrs_ms"].min() > 120
    assert population.loc[population["disease"] == "healthy", "qrs_ms"].max() <= 120


def test_blocks_that_exclude_each_other_do(population):
    assert not (population[BLOCKS].sum(axis=1) == 2).any()
    assert not (population["first_degree_block"] & population["atrial_fibrillation"]).any()


def test_risk_rises_with_age(population):
    sick = population["disease"] != "healthy"
    young, old = (
        sick[population["age_years"].between(*ages)].mean() for ages in ((45, 55), (72, 80))
    )
    assert old > 2 * young


def test_only_infarcts_have_a_territory_and_an_extent(population):
    infarct = population["infarct"] == 1
    assert ((population["infarct_territory"] != "none") == infarct).all()
    assert ((population["infarct_extent"] > 0) == infarct).all()


def test_frequency_scales_all_diseases_from_nobody_to_a_hospital():
    assert sick_share(disease_frequency=0.0) == 0
    half, usual, most = (sick_share(disease_frequency=f) for f in (0.5, 1.0, 4.0))
    assert 0.4 < half / usual < 0.65
    assert 0.3 < most < 0.7
