"""Heart function of decoded cines against runs whose quality is known by construction."""

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from cmae.errors import CohortError, InputError
from cmae.evaluation import function
from cmae.evaluation.agreement import agreement
from cmae.evaluation.function import MEASURES, HeartFunction, mean_curves, measure_function
from cmae.simulate import cine
from cmae.simulate.physiology import draw

HEARTS = 5


class Hearts:
    """A cohort in memory: simulated cines with masks, ECGs that only name their row."""

    def __init__(self):
        drawn = draw(HEARTS, seed=4)
        truths = [
            cine.render_truth(heart, np.random.default_rng(k))
            for k, heart in enumerate(drawn.to_dict("records"))
        ]
        self.stored = {
            "mri": [truth.recording for truth in truths],
            "mri_mask": [truth.masks for truth in truths],
            "ecg": [np.full((600, 12), k) for k in range(HEARTS)],
        }
        self.absent = {"mri_mask": {4}, "ecg": {3}}
        self.table = drawn.assign(participant_id=[f"P{k}" for k in range(HEARTS)])

    def has(self, modality):
        return np.array([k not in self.absent.get(modality, ()) for k in range(HEARTS)])

    def read_many(self, modality, rows):
        return np.stack([self.stored[modality][row] for row in rows]).astype(np.float32)


class Run:
    """Reconstructs perfectly from MRI, as nothing from ECG, and blurred from both."""

    modalities = ("ecg", "mri")

    def __init__(self, cohort):
        self.cohort = cohort

    def encode(self, modality, recordings, *, batch_size=32):
        kind = 0 if modality == "mri" else 1
        rows = [
            next(
                k
                for k, stored in enumerate(self.cohort.stored[modality])
                if np.array_equal(stored, recording)
            )
            for recording in recordings
        ]
        return np.array([[kind, row] for row in rows], np.float32)

    def joint(self, latents, present):
        return np.stack([np.full(len(latents["mri"]), 2), latents["mri"][:, 1]], axis=1)

    def decode(self, modality, latents, *, mean=None, std=None, batch_size=32):
        assert modality == "mri"
        decoded = []
        for kind, row in latents.astype(int):
            recorded = self.cohort.stored["mri"][row].astype(np.float32)
            recorded = (recorded - recorded.mean()) / recorded.std()
            ways = [recorded, np.zeros_like(recorded), gaussian_filter(recorded, (1, 1, 1))]
            decoded.append(mean + std * ways[kind])
        return np.stack(decoded)


@pytest.fixture(scope="module")
def hearts():
    return Hearts()


@pytest.fixture(scope="module")
def found(hearts):
    return measure_function(Run(hearts), hearts, np.arange(HEARTS))


def test_every_cine_of_the_same_rows_is_measured(found):
    assert set(found.measures) == {
        "recorded", "mri_to_mri", "ecg_to_mri", "joint_to_mri", "truth",
    }  # fmt: skip
    assert found.rows.tolist() == [0, 1, 2, 4]
    assert found.num_left_out == 1
    assert found.participants.tolist() == ["P0", "P1", "P2", "P4"]


def test_a_perfect_reconstruction_measures_what_was_recorded(found):
    np.testing.assert_allclose(
        found.areas_cm2["mri_to_mri"], found.areas_cm2["recorded"], rtol=0.01
    )
    np.testing.assert_allclose(found.measures["mri_to_mri"], found.measures["recorded"], rtol=0.01)
    assert np.isfinite(found.measures["joint_to_mri"]).all(axis=None)


def test_cines_without_a_heart_and_rows_without_masks_are_missing_and_counted(found):
    assert found.num_not_found == {
        "recorded": 0, "mri_to_mri": 0, "ecg_to_mri": 4, "joint_to_mri": 0, "truth": 1,
    }  # fmt: skip
    assert np.isnan(found.measures["ecg_to_mri"]).all(axis=None)
    assert np.isfinite(found.measures["truth"]["edv_ml"]).tolist() == [True] * 3 + [False]


def test_chunks_give_what_all_at_once_gives(hearts, found, monkeypatch):
    monkeypatch.setattr(function, "ROWS_AT_ONCE", 3)
    pieces = measure_function(Run(hearts), hearts, np.arange(HEARTS))
    for name, areas in found.areas_cm2.items():
        np.testing.assert_allclose(pieces.areas_cm2[name], areas)
        pd.testing.assert_frame_equal(pieces.measures[name], found.measures[name])


def test_mean_curves_are_means_with_intervals(found):
    curves = mean_curves(found).set_index(["of", "frame"])
    first = curves.loc[("recorded", 0)]
    assert first["area_cm2"] == pytest.approx(found.areas_cm2["recorded"][:, 0].mean())
    assert first["low"] <= first["area_cm2"] <= first["high"]
    assert (curves.loc["truth"]["n"] == 3).all()
    assert "ecg_to_mri" not in curves.index


def test_a_run_without_mri_is_refused(hearts):
    run = Run(hearts)
    run.modalities = ("ecg",)
    with pytest.raises(CohortError, match="with MRI"):
        measure_function(run, hearts, np.arange(HEARTS))


N = 200


@pytest.fixture(scope="module")
def made():
    """200 rows: recorded volumes are the column + 10 mL, translated ones half of it and noise."""
    rng = np.random.default_rng(3)
    volume = rng.normal(140, 30, N)
    recorded = pd.DataFrame({name: rng.normal(size=N) for name in MEASURES})
    recorded["edv_ml"] = volume + 10
    translated = recorded.assign(edv_ml=0.5 * volume + rng.normal(0, 9, N))
    translated.loc[:4] = np.nan
    areas = 30 + np.outer(rng.normal(1, 0.1, N), np.cos(np.arange(50) / 8))
    lost = np.where(np.arange(N)[:, None] < 5, np.nan, areas[:, ::-1])
    found = HeartFunction(
        rows=np.arange(N),
        participants=np.array([f"P{k}" for k in range(N)]),
        areas_cm2={"recorded": areas, "ecg_to_mri": lost},
        measures={"recorded": recorded, "ecg_to_mri": translated},
    )
    return found, pd.DataFrame({"lvedv_ml": volume}), np.arange(N) % 5


@pytest.fixture(scope="module")
def scores(made):
    return agreement(*made).set_index(["measure", "of", "against", "statistic"]).sort_index()


def test_agreement_is_numpy_longhand(made, scores):
    found, table, folds = made
    own, other = (found.measures[name]["edv_ml"][5:] for name in ("ecg_to_mri", "recorded"))
    rows = scores.loc[("edv_ml", "ecg_to_mri", "recorded")]
    assert rows.loc["pearson_r", "value"] == pytest.approx(np.corrcoef(own, other)[0, 1])
    assert rows.loc["bias", "value"] == pytest.approx((own - other).mean())
    sd = (own - other).std(ddof=1)
    assert rows.loc["sd", "value"] == pytest.approx(sd)
    assert rows.loc["limit_high", "value"] == pytest.approx((own - other).mean() + 1.96 * sd)
    volume, left = table["lvedv_ml"].to_numpy()[5:], []
    for fold in range(5):
        held = folds[5:] == fold
        line = np.polyfit(own[~held], volume[~held], 1)
        left.append((volume[held] - np.polyval(line, own[held])) ** 2)
    expected = 1 - np.concatenate(left).sum() / ((volume - volume.mean()) ** 2).sum()
    row = scores.loc[("edv_ml", "ecg_to_mri", "lvedv_ml", "r2")]
    assert row["value"] == pytest.approx(expected)
    assert row["low"] < row["value"] < row["high"]
    assert (row["n"], row["num_missing"]) == (195, 5)


def test_a_shared_bias_costs_no_r2_and_is_named(scores):
    rows = scores.loc[("edv_ml", "recorded", "lvedv_ml")]
    assert rows.loc["r2", "value"] == pytest.approx(1)
    assert rows.loc["bias", "value"] == pytest.approx(10)


def test_outlines_that_went_astray_do_not_decide_the_line(made):
    found, table, folds = made
    measures = {name: values.copy() for name, values in found.measures.items()}
    measures["recorded"].loc[[7, 50, 120], "edv_ml"] = [9000.0, 5000.0, -7000.0]
    astray = HeartFunction(found.rows, found.participants, found.areas_cm2, measures)
    r2 = agreement(astray, table, folds).set_index(["measure", "of", "against", "statistic"])
    assert r2.loc[("edv_ml", "recorded", "lvedv_ml", "r2"), "value"] > 0.7
    assert r2.loc[("edv_ml", "recorded", "lvedv_ml", "bias"), "value"] > 40


def test_all_measures_together_find_what_one_of_them_tells(scores):
    together = scores.loc[("all measures", "recorded", "lvedv_ml", "r2")]
    assert together["value"] == pytest.approx(1)


def test_noise_predicts_nothing(made):
    found, table, folds = made
    rng = np.random.default_rng(0)
    noise = pd.DataFrame({name: rng.normal(size=N) for name in MEASURES})
    lost = HeartFunction(found.rows, found.participants, found.areas_cm2, {"recorded": noise})
    r2 = agreement(lost, table, folds).set_index(["measure", "statistic"])["value"]
    assert r2["edv_ml", "r2"] < 0.03
    assert r2["all measures", "r2"] < 0.03


def test_curves_are_compared_one_by_one(scores):
    row = scores.loc[("area_curve", "ecg_to_mri", "recorded", "median_pearson_r")]
    expected = np.corrcoef(np.cos(np.arange(50) / 8), np.cos(np.arange(50)[::-1] / 8))[0, 1]
    assert row["value"] == pytest.approx(expected)
    assert row["num_missing"] == 5


def test_too_few_are_counted_and_have_no_number(found, hearts):
    few = agreement(found, hearts.table, np.arange(4))
    assert few["value"].isna().all()
    assert few["n"].max() == 4


def test_a_participant_in_two_folds_is_an_error(made):
    found, table, folds = made
    twice = HeartFunction(
        found.rows,
        np.array(["P0", *found.participants[:-1]]),
        found.areas_cm2,
        found.measures,
    )
    with pytest.raises(InputError, match="two folds"):
        agreement(twice, table, folds)
    with pytest.raises(InputError, match="199 folds for 200 rows"):
        agreement(found, table, folds[1:])
