"""Predictions of supervised networks for held-out rows, and their scores."""

import json
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

from cmae.errors import CohortError, RunError
from cmae.evaluation import supervised
from cmae.model.architecture import Architecture, CompactNetwork
from cmae.model.supervised import (
    SupervisedFile,
    SupervisedNetwork,
    Target,
    save_supervised,
)

TARGETS = (
    Target("lvef_percent", "continuous", 55.0, 4.0, "%"),
    Target("sex", "binary", 0.5, 0.5),
)
ARCHITECTURE = Architecture(networks={"ecg": CompactNetwork(patch=60, filters=(4,))}, latent_dim=6)


@pytest.fixture
def folder(tmp_path, full_cohort):
    """Two networks whose training rows are 0 to 5 of a cohort of 12; row 1 is of row 0's person."""
    for seed, (name, labels) in enumerate({"labels-all": 90, "labels-10": 10}.items()):
        keras.utils.set_random_seed(seed)
        targets = TARGETS if labels > 10 else TARGETS[:1]
        model = SupervisedNetwork(SupervisedFile(1, ARCHITECTURE, targets))
        kernel = model.parts["head"].kernel
        kernel.assign(np.random.default_rng(seed).normal(size=kernel.shape))
        save_supervised(tmp_path / "runs" / name, model)
        card = {"labels": labels, "cohort_fingerprint": full_cohort.fingerprint}
        (tmp_path / "runs" / name / "card.json").write_text(json.dumps(card))
        parts = ["train"] * 4 + ["validation"] * 2 + ["test"] * 6
        split = pd.DataFrame({"row": range(12), "split": parts})
        split.to_csv(tmp_path / "runs" / name / "split.csv", index=False)
    return tmp_path / "runs"


def test_the_table_has_a_row_for_each_network_target_and_row(folder, full_cohort, monkeypatch):
    monkeypatch.setattr(supervised, "ROWS_AT_ONCE", 4)
    networks = supervised.open_networks(folder)
    assert list(networks) == ["labels-10", "labels-all"]
    rows = np.array([11, 6, 7, 8, 10])
    table = supervised.predictions(networks, full_cohort, rows)
    assert list(table.columns) == ["network", "labels", "target", "row", "prediction"]
    assert len(table) == 5 * (1 + 2)
    for name, run in networks.items():
        expected = run.predict(full_cohort.read_many("ecg", rows))
        for k, target in enumerate(run.targets):
            mine = table[(table["network"] == name) & (table["target"] == target.name)]
            np.testing.assert_array_equal(mine["row"], rows)
            np.testing.assert_allclose(mine["prediction"], expected[:, k], rtol=1e-4, atol=1e-4)
            assert set(mine["labels"]) == {run.card["labels"]}


def test_a_participant_who_was_trained_on_is_refused(folder, full_cohort):
    networks = supervised.open_networks(folder)
    with pytest.raises(CohortError, match="2 participants are among those"):
        supervised.predictions(networks, full_cohort, [3, 5, 7])


def test_another_visit_of_a_participant_who_was_trained_on_is_refused(folder, full_cohort):
    for path in folder.glob("*/split.csv"):
        split = pd.read_csv(path)
        split.loc[split["row"] == 1, "split"] = "test"
        split.to_csv(path, index=False)
    with pytest.raises(CohortError, match="1 participants"):
        supervised.predictions(supervised.open_networks(folder), full_cohort, [1, 7])


def test_rows_without_a_recording_are_left_out(folder, small_cohort):
    networks = supervised.open_networks(folder)
    table = supervised.predictions(networks, small_cohort, [3, 6, 8])
    assert set(table["row"]) == {6}
    with pytest.raises(CohortError, match="None of 2 held-out rows"):
        supervised.predictions(networks, small_cohort, [3, 8])


def test_a_folder_without_networks_is_refused(tmp_path):
    with pytest.raises(RunError, match="no supervised network"):
        supervised.open_networks(tmp_path)


@pytest.mark.parametrize("damage", ["row,split\n99,train\n", "rows\n1\n", ""])
def test_a_damaged_split_is_refused(folder, full_cohort, damage):
    (folder / "labels-10" / "split.csv").write_text(damage)
    with pytest.raises(RunError, match=r"split\.csv"):
        supervised.predictions(supervised.open_networks(folder), full_cohort, [7])


def test_scores_come_with_chance_and_an_interval_around_them(rng):
    ids = np.arange(200)
    truth = rng.normal(size=200)
    measure, chance, (value, low, high) = supervised.score_target(
        truth, truth + rng.normal(size=200), kind="continuous", participants=ids
    )
    assert (measure, chance) == ("r2", 0.0)
    assert low < value < high
    measure, chance, (value, low, high) = supervised.score_target(
        (truth > 0).astype(float), rng.normal(size=200), kind="binary", participants=ids
    )
    assert (measure, chance) == ("auroc", 0.5)
    assert low < 0.5 < high
    right = supervised.score_target(
        (truth > 0).astype(float), truth, kind="binary", participants=ids
    )
    assert right[2] == (1.0, 1.0, 1.0)


def test_targets_of_too_few_labels_are_not_scored(folder, full_cohort):
    run = supervised.open_networks(folder)["labels-all"]
    assert supervised.score(run, full_cohort, np.arange(6, 12)) == []
    truth = np.zeros(50)
    truth[:9] = 1
    assert supervised.score_target(truth, truth, kind="binary", participants=truth) is None
    assert supervised.score_target(truth * 0, truth, kind="continuous", participants=truth) is None


def test_networks_of_two_modalities_are_refused(folder, full_cohort, tmp_path):
    mri = replace(ARCHITECTURE, networks={"mri": CompactNetwork(patch=24, filters=(4,))})
    save_supervised(
        tmp_path / "runs" / "labels-20", SupervisedNetwork(SupervisedFile(1, mri, TARGETS))
    )
    with pytest.raises(RunError, match="several modalities"):
        supervised.predictions(supervised.open_networks(folder), full_cohort, [7])
