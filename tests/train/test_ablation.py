"""An ablation end to end on tiny networks: what is shared, what is repeated, what is skipped."""

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest
from safetensors.numpy import load_file

from cmae.errors import Interrupted, RunError
from train import ablation, ablation_experiment, fit, report
from train.__main__ import main
from train.ablation_metrics import METRICS

pytestmark = pytest.mark.slow

RUNS = ["base/seed-0", "mean/seed-0", "base/seed-1", "mean/seed-1"]

STAGE = {"epochs": 1, "steps_per_epoch": 2, "validation_steps": 1, "batch_size": 2}

BASE = {
    "name": "tiny",
    "evaluated_participants": 4,
    "stages": [
        {"name": "ecg", "modalities": ["ecg"], **STAGE},
        {"name": "mri", "modalities": ["mri"], **STAGE},
        {"name": "both", "modalities": ["ecg", "mri"], **STAGE, "learning_rate": 0.01},
    ],
    "split": {"fractions": [0.5, 0.3, 0.2]},
    "model": {
        "latent_dim": 6,
        "networks": {
            "ecg": {"kind": "compact", "patch": 60, "filters": [4]},
            "mri": {"kind": "compact", "patch": 24, "filters": [4]},
        },
    },
}

ABLATION = {
    "name": "tiny",
    "ablation": {"base": "base.toml", "stage": "both", "seeds": [0, 1]},
    "variants": [{"name": "mean", "settings": {"model.merge": "mean"}}],
}


@pytest.fixture(scope="module")
def toml(tmp_path_factory):
    import tomli_w

    folder = tmp_path_factory.mktemp("settings")
    (folder / "base.toml").write_text(tomli_w.dumps(BASE))
    (folder / "ablation.toml").write_text(tomli_w.dumps(ABLATION))
    return folder / "ablation.toml"


@pytest.fixture(scope="module")
def experiment(toml):
    return ablation_experiment.read(toml)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, toml, training_cohort):
    """An ablation of two variants and two seeds; it was stopped in the middle and resumed."""
    out = tmp_path_factory.mktemp("ablation") / "tiny"
    trained, whole = [], fit.fit_stage

    def counted(materials, folder):
        if len(trained) == 4:
            trained.append("stopped")
            raise Interrupted("stopped")
        trained.append("/".join(folder.relative_to(out).parts))
        whole(materials, folder)

    options = [str(toml), "--cohort", str(training_cohort.path), "--out", str(out)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "fit_stage", counted)
        patch.setattr(report, "draw_reconstructions", lambda *_: None)
        patch.setattr(report, "learning_curves", lambda *_, **__: None)
        codes = [main(options), main(options), main([*options, "--resume"])]
    return out, trained, codes


def test_earlier_stages_are_trained_once_and_finished_runs_are_skipped(finished):
    out, trained, codes = finished
    assert codes == [130, 2, 0]
    earlier = ["stages/1-ecg", "stages/2-mri"]
    assert trained == [*earlier, *RUNS[:2], "stopped", *RUNS[2:]]
    for run in RUNS:
        card = json.loads((out / run / "card.json").read_text())
        assert card["started_from"] == ["1-ecg", "2-mri"]
        assert card["batches"] == 2
    assert not list(out.rglob("checkpoint"))


def test_base_and_variant_differ_in_the_named_setting_alone(finished):
    out, _, _ = finished
    written = [(out / run / "experiment.toml").read_text().splitlines() for run in RUNS]
    base, mean, other_seed, _ = written
    assert set(base) ^ set(mean) == {
        'name = "tiny_base"', 'name = "tiny_mean"', 'merge = "participant"', 'merge = "mean"',
    }  # fmt: skip
    assert set(base) ^ set(other_seed) == {"seed = 0", "seed = 1"} - (set(base) & set(other_seed))
    weights = [load_file(out / run / "weights.safetensors") for run in RUNS]
    for other in weights[1:]:
        assert any((weights[0][key] != other[key]).any() for key in other)


def test_the_table_has_the_numbers_of_the_cards(finished):
    out, _, _ = finished
    table = pd.read_csv(out / "ablation.csv", float_precision="round_trip")
    table = table.set_index(["variant", "seed", "metric"])
    assert table.index.is_unique
    assert len(table) == 4 * len(METRICS)
    for run in RUNS:
        card = json.loads((out / run / "card.json").read_text())
        variant, seed = run.split("/seed-")
        for metric in METRICS:
            found = card
            for key in metric.path:
                found = found[key]
            expected = found["value"] if isinstance(found, dict) else found
            assert table.loc[variant, int(seed), metric.name]["value"] == expected


def test_the_card_has_each_variant_against_the_base(finished):
    out, _, _ = finished
    card = json.loads((out / "card.json").read_text())
    assert [variant["name"] for variant in card["variants"]] == ["base", "mean"]
    assert card["variants"][1]["changes"] == {"model.merge": "mean"}
    assert {variant["recordings_seen"] for variant in card["variants"]} == {4}
    table = pd.read_csv(out / "ablation.csv").set_index(["metric", "variant", "seed"])["value"]
    (row,) = [
        row
        for row in card["metrics"]
        if (row["variant"], row["metric"]) == ("mean", "mri_to_mri_mse_z")
    ]
    values = table["mri_to_mri_mse_z"]
    assert row["difference"] == pytest.approx((values["mean"] - values["base"]).mean())
    assert row["low"] < row["difference"] < row["high"]
    text = (out / "ablation.md").read_text()
    assert "4 of 4 runs are finished" in text
    assert "N = 2 seeds" in text
    assert (out / "figures" / "differences.svg").stat().st_size > 0
    for file in out.rglob("*"):
        if file.suffix in {".csv", ".json", ".md", ".toml", ".svg"}:
            assert "P005" not in file.read_text()


def test_a_finished_ablation_is_not_written_over(finished, experiment, training_cohort):
    with pytest.raises(RunError, match="finished run already"):
        ablation.ablate(experiment, training_cohort, finished[0], is_resuming=True)


def test_a_complete_ablation_goes_on_where_a_seed_was_added(
    finished, experiment, training_cohort, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    shutil.copytree(finished[0], out)
    trained = []
    monkeypatch.setattr(ablation, "fit", lambda *given, **_: trained.append(given[2]))
    more = replace(experiment, seeds=(0, 1, 2))
    with pytest.raises(RunError, match="finished run already"):
        ablation.ablate(more, training_cohort, out)
    with pytest.raises(RunError, match="4 of 6 runs are finished"):
        ablation.ablate(more, training_cohort, out, is_resuming=True)
    assert trained == [out / "base" / "seed-2", out / "mean" / "seed-2"]
    assert not (out / "card.json").exists()


def test_a_run_of_other_settings_is_not_taken_for_this_one(finished, experiment, training_cohort):
    folder = finished[0] / "mean" / "seed-1"
    mean = experiment.variants[1]
    ablation.train_run(mean.with_seed(1), training_cohort, folder, ())
    with pytest.raises(RunError, match="mean/seed-1 was trained with other settings"):
        ablation.train_run(mean.with_seed(0), training_cohort, folder, ())


def test_runs_to_start_from_take_the_place_of_the_earlier_stages(
    finished, experiment, training_cohort, tmp_path, monkeypatch
):
    starts = [finished[0] / "stages" / name for name in ("1-ecg", "2-mri")]
    trained = []
    monkeypatch.setattr(ablation, "train_run", lambda *given: trained.append(given))
    monkeypatch.setattr(ablation, "cards", lambda *_: {})
    monkeypatch.setattr(ablation.ablation_report, "write", lambda *_: None)
    with pytest.raises(RunError, match="0 of 4 runs"):
        ablation.ablate(experiment, training_cohort, tmp_path / "out", start_from=starts)
    assert [one.seed for one, *_ in trained] == [0, 0, 1, 1]
    assert all(list(given[3]) == starts for given in trained)
    other = [*starts[:1], finished[0] / "base" / "seed-0"]
    with pytest.raises(RunError, match="other runs to start from"):
        ablation.ablate(
            experiment, training_cohort, tmp_path / "out", start_from=other, is_resuming=True
        )


def test_runs_to_start_from_that_do_not_fit_are_refused(
    finished, experiment, training_cohort, tmp_path
):
    ecg, mri = (finished[0] / "stages" / name for name in ("1-ecg", "2-mri"))
    with pytest.raises(RunError, match="has a network for mri"):
        ablation.check_starts(experiment, training_cohort, [ecg])
    shutil.copytree(mri, tmp_path / "leaky")
    rows = pd.read_csv(mri / "split.csv")
    held_out = int((rows["split"] == "test").sum())
    rows.assign(split="train").to_csv(tmp_path / "leaky" / "split.csv", index=False)
    ablation.check_starts(experiment, training_cohort, [ecg, mri])
    with pytest.raises(RunError, match=f"trained or validated on {held_out} rows"):
        ablation.check_starts(experiment, training_cohort, [ecg, tmp_path / "leaky"])
    (tmp_path / "leaky" / "split.csv").write_text("nothing\n")
    with pytest.raises(RunError, match="no readable split"):
        ablation.check_starts(experiment, training_cohort, [ecg, tmp_path / "leaky"])
