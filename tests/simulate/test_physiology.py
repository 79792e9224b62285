import numpy as np
import pandas as pd
import pytest

from cmae.errors import SettingsError
from cmae.simulate.anatomy import CHAMBER_CORRELATIONS
from cmae.simulate.factors import ECG_INPUTS, MRI_INPUTS, SHARED
from cmae.simulate.physiology import COLUMNS, draw

HEALTHY = {
    "lvedv_ml": ((166, 32), (124, 21)),
    "lvesv_ml": ((69, 16), (49, 11)),
    "lvsv_ml": ((96, 20), (75, 14)),
    "lvef_percent": ((58, 5), (61, 5)),
    "lv_mass_g": ((103, 21), (70, 13)),
    "lv_mass_index_g_m2": ((53, 9), (42, 7)),
    "rvedv_ml": ((182, 36), (130, 24)),
    "rvesv_ml": ((85, 22), (55, 15)),
    "rvef_percent": ((54, 6), (58, 6)),
    "la_max_ml": ((71, 19), (62, 17)),
    "ra_max_ml": ((93, 27), (69, 17)),
    "heart_rate_bpm": ((62, 10), (66, 9)),
    "pr_ms": ((165, 25), (158, 23)),
    "qrs_ms": ((96, 10), (85, 8)),
    "qtc_ms": ((412, 20), (413, 14)),
    "qrs_axis_deg": ((30, 35), (40, 35)),
    "bsa_m2": ((1.98, 0.17), (1.73, 0.16)),
}
"""Published mean and SD of the healthy, (men, women); chambers from Petersen et al. 2017."""

VENTRICLE = ["lvedv_ml", "lvesv_ml", "lv_mass_g", "lv_length_mm"]


@pytest.fixture(scope="module")
def population():
    return draw(20_000, seed=1)


@pytest.fixture(scope="module")
def healthy(population):
    return population[population["disease"] == "healthy"]


def mass_ratio(group, healthy):
    """Mass against the healthy of the same sex, (group,)."""
    return group["lv_mass_g"] / group["sex"].map(healthy.groupby("sex")["lv_mass_g"].mean())


def explained(table, target, *names):
    """Slopes of a linear regression with intercept, by name."""
    design = np.column_stack([np.ones(len(table)), *(table[name] for name in names)])
    return dict(zip(names, np.linalg.lstsq(design, table[target], rcond=None)[0][1:], strict=True))


def test_every_column_is_described_and_every_renderer_input_is_a_column(population):
    assert list(population) == list(COLUMNS)
    assert set(ECG_INPUTS) | set(MRI_INPUTS) <= set(COLUMNS)
    assert set(ECG_INPUTS) & set(MRI_INPUTS) == set(SHARED)


def test_participant_does_not_depend_on_how_many_are_drawn(population):
    pd.testing.assert_frame_equal(draw(5, seed=1, first=37), population.iloc[37:42])


def test_another_seed_draws_other_people(population):
    assert not np.isclose(draw(20, seed=2)["lvedv_ml"], population["lvedv_ml"][:20]).any()


@pytest.mark.parametrize("name", list(HEALTHY))
def test_healthy_people_have_the_means_and_spreads_of_the_tables(healthy, name):
    for sex, (mean, sd) in zip((1, 0), HEALTHY[name], strict=True):
        values = healthy.loc[healthy["sex"] == sex, name]
        assert abs(values.mean() / mean - 1) < 0.05
        assert abs(values.std() / sd - 1) < 0.15


def test_the_p_wave_and_the_long_axis_have_their_usual_length(healthy):
    for _, people in healthy.groupby("sex"):
        assert abs(people["p_duration_ms"].mean() / 113 - 1) < 0.05
        assert 14 < people["mapse_mm"].mean() < 19
    assert abs(healthy["lv_length_mm"].mean() / 90 - 1) < 0.05


def test_chamber_correlations_are_a_correlation_matrix():
    matrix = np.array(CHAMBER_CORRELATIONS)
    assert (matrix == matrix.T).all()
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_chambers_correlate_as_in_real_hearts_of_both_sexes(population):
    logs = np.log(population[VENTRICLE])
    correlation = logs.corr().to_numpy()
    for row, column, real in (
        (0, 1, 0.87), (0, 2, 0.73), (1, 2, 0.72), (0, 3, 0.76), (2, 3, 0.69),
    ):  # fmt: skip
        assert abs(correlation[row, column] - real) < 0.07
    np.testing.assert_allclose(logs.std(), (0.240, 0.361, 0.271, 0.094), rtol=0.1)
    for first, second, real in (
        ("lvedv_ml", "lvef_percent", -0.41),
        ("lv_mass_g", "lvef_percent", -0.46),
        ("lvef_percent", "lv_shortening", 0.62),
    ):
        assert abs(population[first].corr(population[second]) - real) < 0.07


def test_within_a_sex_hearts_spread_and_correlate_less(healthy, population):
    spread = np.log(healthy[VENTRICLE]).groupby(healthy["sex"]).std().mean()
    np.testing.assert_allclose(spread, (0.18, 0.23, 0.19, 0.07), rtol=0.1)
    pooled = np.log(population[VENTRICLE]).corr().to_numpy()
    for _, people in population.groupby("sex"):
        within = np.log(people[VENTRICLE]).corr().to_numpy()
        off_diagonal = np.triu_indices(4, 1)
        assert (within[off_diagonal] < pooled[off_diagonal] - 0.02).all()
        assert (within[off_diagonal] > 0.65 * pooled[off_diagonal]).all()


def test_failing_hearts_are_those_of_the_published_groups(population, healthy):
    failing = population[population["dilated_failure"] == 1]
    for infarct, volume, ejection, ratio in ((0, 234, 33, 194 / 130), (1, 245, 32, 201 / 130)):
        group = failing[failing["infarct"] == infarct]
        assert len(group) > 60
        assert abs(group["lvedv_ml"].mean() / volume - 1) < 0.07
        assert abs(group["lvef_percent"].mean() - ejection) < 2
        assert abs(mass_ratio(group, healthy).mean() / ratio - 1) < 0.07


def test_hypertrophic_hearts_are_heavy_and_not_large(population, healthy):
    group = population[population["disease"] == "hypertensive_hypertrophy"]
    assert abs(mass_ratio(group, healthy).mean() / (176 / 130) - 1) < 0.05
    assert abs(group["lvef_percent"].mean() - 63) < 2
    for sex, people in group.groupby("sex"):
        usual = healthy.loc[healthy["sex"] == sex, "lvedv_ml"].mean()
        assert abs(people["lvedv_ml"].mean() / usual / (114 / 116) - 1) < 0.05


def test_survivors_of_an_infarct_pump_less_the_larger_it_is(population):
    survivors = population[population["infarct"] == 1]
    assert abs(survivors["lvef_percent"].mean() - 41) < 2
    assert abs(survivors["lvef_percent"].std() - 11) < 1.5
    alone = survivors[survivors["disease"] == "infarct"]
    assert alone["infarct_extent"].corr(alone["lvef_percent"]) < -0.7


def test_half_of_the_difference_in_qrs_between_the_sexes_is_the_size_of_the_cavity(healthy):
    alone = explained(healthy, "qrs_ms", "sex")["sex"]
    beside = explained(healthy, "qrs_ms", "sex", "lvedv_ml")["sex"]
    assert 0.4 < 1 - beside / alone < 0.6


def test_conduction_is_slower_in_larger_hearts_of_either_sex(healthy):
    for _, people in healthy.groupby("sex"):
        for name in ("lvedv_ml", "lv_mass_g", "lvsv_ml"):
            assert 0.15 < people["qrs_ms"].corr(people[name]) < 0.5
        assert 0.1 < people["pr_ms"].corr(people["la_max_ml"]) < 0.4
        assert -0.5 < people["qrs_axis_deg"].corr(people["bmi_kg_m2"]) < -0.25


def test_hearts_shrink_with_age_but_only_men_lose_muscle(healthy):
    for sex, people in healthy.groupby("sex"):
        yearly = {name: explained(people, name, "age_years")["age_years"] for name in HEALTHY}
        assert yearly["lvedv_ml"] < -0.3
        assert abs(yearly["lvef_percent"]) < 0.05
        assert yearly["lv_mass_g"] < -0.15 if sex else abs(yearly["lv_mass_g"]) < 0.1


def test_fibrillating_atria_have_no_pr_and_no_kick(population):
    fibrillating = population["atrial_fibrillation"] == 1
    assert fibrillating.sum() > 100
    assert (population["pr_ms"].isna() == fibrillating).all()
    assert (population.loc[fibrillating, "atrial_kick_share"] == 0).all()


def test_volumes_are_ordered_and_intervals_fit_the_cycle(population):
    assert (population["lvesv_ml"] < population["lvedv_ml"]).all()
    assert (population["rvesv_ml"] < population["rvedv_ml"]).all()
    assert (population["pr_ms"].fillna(0) + population["qt_ms"] < 1.15 * population["rr_ms"]).all()


@pytest.mark.parametrize(("participants", "seed"), [(0, 1), (3, -1)])
def test_an_impossible_population_is_refused_in_a_sentence(participants, seed):
    with pytest.raises(SettingsError, match="ask for at least 1 participant"):
        draw(participants, seed=seed)
