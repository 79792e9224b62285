import numpy as np
import pandas as pd
import pytest

from cmae.errors import SettingsError
from cmae.simulate.anatomy import CHAMBER_CORRELATIONS
from cmae.simulate.factors import ECG_INPUTS, MRI_INPUTS, SHARED
from cmae.simulate.physiology import COLUMNS, draw
from cmae.simulate.reference import FEMALE_MALE


@pytest.fixture(scope="module")
def population():
    return draw(4000, seed=1)


def test_every_column_is_described_and_every_renderer_input_is_a_column(population):
    assert list(population) == list(COLUMNS)
    assert set(ECG_INPUTS) | set(MRI_INPUTS) <= set(COLUMNS)
    assert set(ECG_INPUTS) & set(MRI_INPUTS) == set(SHARED)


def test_participant_does_not_depend_on_how_many_are_drawn(population):
    pd.testing.assert_frame_equal(draw(5, seed=1, first=37), population.iloc[37:42])


def test_another_seed_draws_other_people(population):
    assert not np.isclose(draw(20, seed=2)["lvedv_ml"], population["lvedv_ml"][:20]).any()


@pytest.mark.parametrize("name", list(FEMALE_MALE))
def test_healthy_people_have_the_means_and_spreads_of_the_tables(population, name):
    healthy = population[population["disease"] == "healthy"]
    for sex in (0, 1):
        mean, sd = FEMALE_MALE[name][sex]
        values = healthy.loc[healthy["sex"] == sex, name]
        assert abs(values.mean() - mean) < 0.15 * sd
        assert 0.82 < values.std() / sd < 1.18


def test_chamber_correlations_are_a_correlation_matrix():
    matrix = np.array(CHAMBER_CORRELATIONS)
    assert (matrix == matrix.T).all()
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_chambers_correlate_as_in_real_hearts(population):
    names = ["lvedv_ml", "lvesv_ml", "lv_mass_g", "lv_length_mm"]
    real = np.array([[0.87, 0.73, 0.76], [0, 0.72, 0], [0, 0, 0.69]])
    logs = np.log(population[names]).corr().to_numpy()
    for row, column in ((0, 1), (0, 2), (0, 3), (1, 2), (2, 3)):
        assert abs(logs[row, column] - real[row, column - 1]) < 0.12


def test_disease_changes_the_heart_as_it_does(population):
    names = ["lvef_percent", "lv_mass_g", "lvedv_ml", "qrs_ms"]
    means = population.groupby("disease")[names].mean()
    masses = means["lv_mass_g"]
    assert means.loc["dilated_failure", "lvef_percent"] < 40
    assert means.loc["dilated_failure", "lvedv_ml"] > 210
    assert masses["hypertensive_hypertrophy"] > 1.4 * masses["healthy"]
    assert means.loc["left_bundle_branch_block", "qrs_ms"] > 135


def test_fibrillating_atria_have_no_pr_and_no_kick(population):
    fibrillating = population["atrial_fibrillation"] == 1
    assert fibrillating.sum() > 20
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
