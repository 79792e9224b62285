"""The numbers of an ablation: the cards' own, and intervals against NumPy longhand."""

import json

import matplotlib as mpl
import numpy as np
import pytest

from cmae import settings as toml
from cmae.errors import RunError
from train import ablation_report
from train.ablation_experiment import AblationExperiment
from train.ablation_metrics import METRICS, compare, interval, tidy
from train.ablation_variant import Variant
from train.experiment import Experiment

RECALL = "ecg_to_mri_recall_at_10"


def card(recall, loss, *, specificity=0.7):
    return {
        "is_simulated": True,
        "cohort_fingerprint": "c0",
        "fingerprint": f"{recall}",
        "participants": {"train": 70, "validation": 20, "test": 40},
        "versions": {"keras": "3"},
        "commit": None,
        "processors": 2,
        "started_from": ["1-ecg", "2-mri"],
        "losses": {"validation_loss": loss},
        "best_epoch": 3,
        "training_seconds": 12.5,
        "metrics": {
            "retrieval": {
                "ecg_to_mri": {"n": 40, "recall_at_10": {"value": recall, "chance": 0.25}}
            },
            "paths": {
                "ecg_to_mri": {"n": 41, "specificity": {"value": specificity, "chance": 0.5}},
                "ecg_to_ecg": {"n": 42, "mae_uv": {"value": 20.0, "baseline": 48.0}},
            },
        },
    }


def said(experiment, cards):
    table = tidy(cards)
    return ablation_report.for_people(experiment, cards, table, compare(table, experiment))


@pytest.fixture
def experiment(settings):
    settings["stages"] = settings["stages"][2:]
    base = toml.from_mapping(Experiment, settings, where="the test")
    variants = [
        Variant("base", {}, base),
        Variant("mean", {"model.merge": "mean"}, base),
        Variant("none", {"model.contrast.loss": "none"}, base),
    ]
    return AblationExperiment("tiny", base, tuple(variants), (0, 1, 2))


@pytest.fixture
def cards():
    recalls = {"base": (0.3, 0.4, 0.5), "mean": (0.41, 0.5, 0.61), "none": (0.2, 0.5, 0.4)}
    return {
        (name, seed): card(recalls[name][seed], 1.0 + seed) for seed in range(3) for name in recalls
    }


def test_the_table_has_the_numbers_of_the_cards_and_what_they_are_compared_with(cards):
    table = tidy(cards).set_index(["variant", "seed", "metric"])
    row = table.loc["mean", 2, RECALL]
    assert (row["value"], row["reference"], row["n"]) == (0.61, 0.25, 40)
    row = table.loc["none", 0, "ecg_to_ecg_mae_uv"]
    assert (row["value"], row["reference"], row["n"]) == (20.0, 48.0, 42)
    assert table.loc["base", 1, "best_validation_loss"]["value"] == 2.0
    assert table.index.is_unique
    assert len(table) == 9 * 6


def test_the_interval_is_that_of_the_t_distribution():
    values = np.array([0.11, 0.10, 0.11])
    low, high = interval(values)
    away = 4.302652729911275 * values.std(ddof=1) / np.sqrt(3)
    assert (low, high) == pytest.approx((values.mean() - away, values.mean() + away))
    assert np.isnan(interval(values[:1])).all()


def test_differences_are_paired_by_seed(cards, experiment):
    found = compare(tidy(cards), experiment).set_index(["variant", "metric"])
    clear, unclear = found.loc["mean", RECALL], found.loc["none", RECALL]
    assert clear["mean"] == pytest.approx(np.mean([0.41, 0.5, 0.61]))
    assert clear["sd"] == pytest.approx(np.std([0.41, 0.5, 0.61], ddof=1))
    assert clear["difference"] == pytest.approx(np.mean([0.11, 0.10, 0.11]))
    assert 0 < clear["low"] < clear["difference"] < clear["high"]
    assert clear["is_clear"]
    assert unclear["low"] < 0 < unclear["high"]
    assert not unclear["is_clear"]


def test_a_seed_that_the_base_lacks_is_not_compared(cards, experiment):
    del cards["base", 1]
    row = compare(tidy(cards), experiment).set_index(["variant", "metric"]).loc["mean", RECALL]
    assert (row["seeds"], row["paired_seeds"]) == (3, 2)
    assert row["difference"] == pytest.approx(0.11)


def test_another_validation_loss_is_not_compared(cards, experiment):
    found = compare(tidy(cards), experiment).set_index(["variant", "metric"])
    assert found.loc["mean", "best_validation_loss"]["difference"] == 0
    assert np.isnan(found.loc["none", "best_validation_loss"]["difference"])
    text = said(experiment, cards)
    assert text.count("another loss, not comparable") == 1


def test_the_report_says_n_chance_and_what_is_clear_of_zero(cards, experiment):
    text = said(experiment, cards)
    assert "**Simulated recordings**" in text
    assert "9 of 9 runs" in text
    assert "N = 3 seeds" in text
    assert "more is better; N = 40 held-out participants; chance 0.250." in text
    assert "| mean | 3 | 0.507 | 0.100 | **+0.107 (+0.092 – +0.121)** |" in text
    assert "| none | 3 | 0.367 | 0.153 | -0.033 (-0.320 – +0.254) |" in text
    assert "## MRI→MRI, SSIM a frame\n\nThese runs have no such number." in text


def test_a_complete_ablation_has_a_card_and_a_figure(cards, experiment, tmp_path, monkeypatch):
    monkeypatch.setitem(mpl.rcParams, "svg.fonttype", "none")
    ablation_report.finish(tmp_path, experiment, cards)
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["variants"][1]["fingerprints"] == ["0.41", "0.5", "0.61"]
    (row,) = [r for r in card["metrics"] if (r["variant"], r["metric"]) == ("mean", RECALL)]
    assert row["is_clear"]
    assert row["difference"] == pytest.approx(np.mean([0.11, 0.10, 0.11]))
    (row,) = [r for r in card["metrics"] if (r["variant"], r["metric"]) == ("base", RECALL)]
    assert row["difference"] is None
    figure = (tmp_path / "figures" / "differences.svg").read_text()
    assert "ECG→MRI retrieval, recall@10 ↑" in figure
    assert "ECG→ECG, mean absolute error, µV ↓" in figure
    assert "MRI→ECG" not in figure


def test_an_incomplete_ablation_has_no_card(cards, experiment, tmp_path):
    del cards["mean", 2]
    with pytest.raises(RunError, match="8 of 9 runs are finished"):
        ablation_report.finish(tmp_path, experiment, cards)
    assert not list(tmp_path.iterdir())


def test_one_seed_has_no_interval(cards, experiment):
    some = {key: value for key, value in cards.items() if key[1] == 0}
    text = said(experiment, some)
    assert "3 of 9 runs" in text
    assert "+0.110 (no interval from one seed)" in text
    assert not compare(tidy(some), experiment)["is_clear"].any()


def test_all_that_was_asked_for_is_taken_of_the_cards():
    assert [metric.name for metric in METRICS] == [
        "ecg_to_mri_recall_at_10",
        "mri_to_ecg_recall_at_10",
        "mri_to_mri_mse_z",
        "mri_to_mri_ssim",
        "ecg_to_ecg_mae_uv",
        "ecg_to_mri_mse_z",
        "ecg_to_mri_specificity",
        "mri_to_ecg_mae_uv",
        "best_validation_loss",
        "best_epoch",
        "seconds",
    ]
