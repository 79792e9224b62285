"""Held-out numbers against runs whose quality is known by construction."""

import json

import numpy as np
import pytest

from cmae.errors import CohortError
from cmae.evaluation import heldout
from cmae.evaluation.measures import errors, pooled, specificity


class Perfect:
    """Decodes each latent into exactly the recordings of the row that it came from."""

    latent_dim = 16

    def __init__(self, cohort, modalities=("ecg", "mri")):
        self.modalities = modalities
        self._keys, self._recordings = {}, {}
        self._codes = np.random.default_rng(0).normal(size=(len(cohort), 16)).astype(np.float32)
        for name in ("ecg", "mri"):
            for row in np.flatnonzero(cohort.has(name)):
                recording = cohort.read_many(name, [row])[0]
                self._keys[recording.tobytes()] = row
                self._recordings[name, row] = recording

    def normalize(self, modality, recordings):
        if modality == "ecg":
            return recordings / 0.05
        axes = (1, 2, 3)
        return (recordings - recordings.mean(axes, keepdims=True)) / recordings.std(
            axes, keepdims=True
        )

    def encode(self, modality, recordings, *, batch_size=32):
        return np.stack([self._codes[self._keys[item.tobytes()]] for item in recordings])

    def _row(self, latent):
        return int(((self._codes - latent) ** 2).sum(1).argmin())

    def decode(self, modality, latents, *, mean=None, std=None, batch_size=32):
        decoded = np.stack([self._recordings[modality, self._row(latent)] for latent in latents])
        if modality == "mri":
            decoded = self.normalize("mri", decoded) * std + mean
        return decoded

    def joint(self, latents, present):
        return sum(latents.values()) / len(latents)


class AnotherOne(Perfect):
    """Decodes into the recordings of the next row."""

    def _row(self, latent):
        return (super()._row(latent) + 1) % len(self._codes)


ROWS, TRAINING = np.arange(0, 6), np.arange(6, 12)


@pytest.fixture
def cohort(full_cohort):
    return full_cohort


def test_a_perfect_run_has_no_error_on_any_path(cohort):
    found = heldout.evaluate(Perfect(cohort), cohort, ROWS, TRAINING)
    assert set(found["paths"]) == {
        f"{source}_to_{target}" for source in ("ecg", "mri", "joint") for target in ("ecg", "mri")
    }
    for path, scores in found["paths"].items():
        assert scores["n"] == 6
        assert scores["specificity"]["value"] == pytest.approx(1.0)
        if path.endswith("_ecg"):
            assert scores["mae_uv"]["value"] == pytest.approx(0, abs=1e-3)
            assert scores["correlation"]["value"] == pytest.approx(1)
        else:
            assert scores["mse_z"]["value"] == pytest.approx(0, abs=1e-6)
            assert scores["ssim"]["value"] == pytest.approx(1, abs=1e-5)
            assert scores["motion_correlation"]["value"] == pytest.approx(1, abs=1e-6)
    for direction in found["retrieval"].values():
        assert direction["recall_at_1"]["value"] == 1


def test_the_baseline_is_the_mean_recording_of_the_training_rows(cohort):
    run = Perfect(cohort)
    found = heldout.evaluate(run, cohort, ROWS, TRAINING)
    ecg, mean = cohort.read_many("ecg", ROWS), cohort.read_many("ecg", TRAINING).mean(0)
    wanted = np.abs(ecg - mean).mean() * 1000
    assert found["paths"]["mri_to_ecg"]["mae_uv"]["baseline"] == pytest.approx(wanted, rel=1e-5)
    mri = run.normalize("mri", cohort.read_many("mri", ROWS))
    mean = run.normalize("mri", cohort.read_many("mri", TRAINING)).mean(0)
    wanted = ((mri - mean) ** 2).mean()
    assert found["paths"]["ecg_to_mri"]["mse_z"]["baseline"] == pytest.approx(wanted, rel=1e-5)
    assert found["mean_recording_of"] == {"ecg": 6, "mri": 6}


def test_a_run_that_decodes_someone_else_is_seen(cohort):
    found = heldout.evaluate(AnotherOne(cohort), cohort, ROWS[:5], TRAINING)
    scores = found["paths"]["ecg_to_ecg"]
    wanted = np.abs(cohort.read_many("ecg", ROWS[:5]) - cohort.read_many("ecg", ROWS[1:6]))
    assert scores["mae_uv"]["value"] == pytest.approx(wanted.mean() * 1000, rel=1e-5)
    assert scores["specificity"]["value"] < 0.9
    assert scores["mae_uv"]["low"] <= scores["mae_uv"]["value"] <= scores["mae_uv"]["high"]


def test_chunks_give_what_all_at_once_gives(cohort, monkeypatch):
    whole = heldout.evaluate(AnotherOne(cohort), cohort, ROWS, TRAINING)
    monkeypatch.setattr(heldout, "ROWS_AT_ONCE", 4)
    pieces = heldout.evaluate(AnotherOne(cohort), cohort, ROWS, TRAINING)
    assert pieces["paths"].keys() == whole["paths"].keys()
    for path, scores in whole["paths"].items():
        for name, entry in scores.items():
            assert pieces["paths"][path][name] == pytest.approx(entry, rel=1e-4)


def test_rows_that_lack_a_recording_count_where_they_can(small_cohort):
    rows = np.arange(0, 9)
    found = heldout.evaluate(Perfect(small_cohort), small_cohort, rows, np.arange(9, 12))
    counts = {path: scores["n"] for path, scores in found["paths"].items()}
    assert counts["ecg_to_ecg"] == 7
    assert counts["mri_to_mri"] == 7
    assert counts["ecg_to_mri"] == counts["joint_to_ecg"] == 5
    assert found["retrieval"]["ecg_to_mri"]["n"] == 5


def test_a_run_of_one_modality_has_one_path_and_no_retrieval(cohort):
    found = heldout.evaluate(Perfect(cohort, ("ecg",)), cohort, ROWS, TRAINING)
    assert set(found["paths"]) == {"ecg_to_ecg"}
    assert "retrieval" not in found
    assert "retrieval" not in heldout.to_markdown(found)


def test_numbers_are_json_and_a_table_with_intervals_and_baselines(cohort):
    found = heldout.evaluate(AnotherOne(cohort), cohort, ROWS, TRAINING)
    assert json.loads(json.dumps(found)) == found
    table = heldout.to_markdown(found)
    scores = found["paths"]["ecg_to_ecg"]["mae_uv"]
    row = (
        f"| ECG → ECG | 6 | mean absolute error, µV | {scores['value']:.1f} "
        f"({scores['low']:.1f} – {scores['high']:.1f}) | {scores['baseline']:.1f} |"
    )
    assert row in table.splitlines()
    assert "| MRI → ECG | 6 | recall at 1 |" in table


def test_no_held_out_rows_is_an_error(cohort):
    with pytest.raises(CohortError, match="0 held-out"):
        heldout.evaluate(Perfect(cohort), cohort, ROWS[:0], TRAINING)


def test_errors_agree_with_numpy_longhand(rng):
    recorded = rng.normal(size=(96, 96, 50)).astype(np.float32)
    decoded = (recorded + 0.5 * rng.normal(size=recorded.shape)).astype(np.float32)
    found = errors("mri", recorded, decoded)
    assert found["mse_z"] == pytest.approx(((recorded - decoded) ** 2).mean(), rel=1e-5)
    peak = recorded.max() - recorded.min()
    frames = [
        10 * np.log10(peak**2 / ((recorded[..., k] - decoded[..., k]) ** 2).mean())
        for k in range(50)
    ]
    assert found["psnr_db"] == pytest.approx(np.mean(frames), rel=1e-5)


def test_pooling_averages_neighbours(rng):
    beat = rng.normal(size=(600, 12)).astype(np.float32)
    assert pooled("ecg", beat)[12] == pytest.approx(beat[4:8, 0].mean(), rel=1e-5)
    assert pooled("mri", np.ones((96, 96, 50), np.float32)).shape == (24 * 24 * 10,)


def test_specificity_is_a_half_for_what_resembles_nobody():
    recorded = np.array([[0.0], [1.0], [3.0]], np.float32)
    is_other = ~np.eye(3, dtype=bool)
    own = np.arange(3)
    np.testing.assert_allclose(specificity(recorded, recorded, own, is_other), 1)
    same = np.full((3, 1), 1.0, np.float32)
    # From 1 the three lie at distances 1, 0 and 2.
    np.testing.assert_allclose(specificity(same, recorded, own, is_other), [0.5, 1, 0])
    alone = specificity(same[:1], recorded[:1], own[:1], is_other[:1, :1])
    assert np.isnan(alone).all()
