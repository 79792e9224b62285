import numpy as np
import pytest

from cmae.evaluation import baselines
from cmae.evaluation.baselines import body, ecg_measures, recording_components, shuffled
from cmae.evaluation.features import FeatureSet, Labels
from cmae.evaluation.measures import pooled
from cmae.measure.electrocardiogram import measure_ecg
from cmae.simulate.cohort import simulate


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    from cmae.simulate.settings import CohortSettings

    folder = tmp_path_factory.mktemp("simulated") / "c"
    return simulate(folder, participants=6, seed=1, processes=1,
                    settings=CohortSettings(ecg_only=0.2, mri_only=0.2))  # fmt: skip


def test_ecg_measures_are_those_of_each_beat(simulated, monkeypatch):
    monkeypatch.setattr(baselines, "ROWS_AT_ONCE", 2)
    found = ecg_measures(simulated)
    assert found.values.shape == (6, 59)
    assert (found.present == simulated.has("ecg")).all()
    for row in np.flatnonzero(found.present):
        rr_ms = float(simulated.table["ecg_rr_ms"][row])
        wanted = measure_ecg(simulated.read("ecg", int(row)), rr_ms=rr_ms)
        assert found.values[row, 2] == wanted.qrs_ms
        angle = np.rad2deg(np.arctan2(found.values[row, 9], found.values[row, 6]))
        assert angle == pytest.approx(wanted.qrs_axis_deg)
        np.testing.assert_array_equal(found.values[row, 23:35], wanted.r_mv)


def test_recordings_are_laid_flat_and_cines_pooled(simulated, monkeypatch):
    monkeypatch.setattr(baselines, "ROWS_AT_ONCE", 2)
    ecg, mri = (recording_components(simulated, name, components=3) for name in ("ecg", "mri"))
    assert ecg.values.shape == (6, 7200)
    assert mri.values.shape == (6, 5760)
    assert ecg.values.dtype == mri.values.dtype == np.float32
    row = int(np.flatnonzero(mri.present)[-1])
    cine = simulated.read("mri", row).astype(np.float32)
    wanted = pooled("mri", (cine - cine.mean()) / cine.std())
    np.testing.assert_allclose(mri.values[row], wanted, atol=1e-5)
    row = int(np.flatnonzero(ecg.present)[0])
    np.testing.assert_array_equal(ecg.values[row], simulated.read("ecg", row).ravel())


def test_components_are_those_of_training_rows(rng):
    scores = rng.normal(size=(100, 5)) * [9, 7, 5, 3, 1]
    values = scores @ rng.normal(size=(5, 40)) + 3
    found = FeatureSet("pca", values, np.ones(100, bool), components=4)
    train, test = np.arange(60), np.arange(60, 100)
    inside, outside = found.prepared(train, test)
    center = values[train].mean(0)
    _, _, axes = np.linalg.svd(values[train] - center, full_matrices=False)
    wanted = (values - center) @ axes[:4].T
    np.testing.assert_allclose(np.abs(inside), np.abs(wanted[train]), atol=1e-3)
    np.testing.assert_allclose(np.abs(outside), np.abs(wanted[test]), atol=1e-3)


def test_gaps_are_filled_from_training_rows():
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, 5.0]])
    found = FeatureSet("gaps", values, np.ones(3, bool))
    inside, outside = found.prepared(np.array([0, 1]), np.array([2]))
    np.testing.assert_array_equal(inside, [[1, 0], [3, 0]])
    np.testing.assert_array_equal(outside, [[2, 5]])


def test_the_body_is_age_sex_and_size(small_cohort):
    labels = Labels.of(small_cohort.table, small_cohort.columns)
    found = body(labels)
    assert found.holds == {"age_years", "sex"}
    np.testing.assert_array_equal(found.values[:, 0], small_cohort.table["age_years"])
    assert found.present.all()


def test_nobody_keeps_their_own_features_when_shuffled(rng):
    who = rng.permutation(np.concatenate([np.repeat(np.arange(20), 3), np.arange(20, 60)]))
    present = rng.random(100) < 0.8
    values = np.stack([np.arange(100.0), who], axis=1)
    values[~present] = -1
    found = shuffled(FeatureSet("latent", values, present), who, seed=4)
    assert (found.values[present, 1] != who[present]).all()
    assert sorted(found.values[present, 0]) == sorted(values[present, 0])
    assert (found.values[~present] == -1).all()
    assert found.name == "latent, shuffled"
