"""Supervised networks end to end on tiny ones: who is labelled, what the folder holds."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from cmae import settings as toml
from cmae.errors import CohortError, Interrupted, RunError, SettingsError
from cmae.model.supervised import SupervisedRun
from train import experiment as experiments
from train import supervised as training
from train import supervised_experiment
from train.__main__ import main
from train.labels import draw, validating
from train.supervised_experiment import SupervisedExperiment

SHIPPED = Path(experiments.__file__).parent / "experiments"

SETTINGS = {
    "name": "tiny",
    "supervision": {
        "targets": ["lvef_percent", "sex"],
        "labels": [10, 0],
        "least_steps": 2,
    },
    "stage": {
        "name": "supervised",
        "modalities": ["ecg"],
        "epochs": 3,
        "steps_per_epoch": 3,
        "batch_size": 4,
        "learning_rate": 0.01,
        "weight_decay": 0.1,
    },
    "split": {"fractions": [0.5, 0.1, 0.4]},
    "model": {
        "latent_dim": 6,
        "networks": {"ecg": {"kind": "compact", "patch": 60, "filters": [4]}},
    },
}


def experiment_of(**supervision):
    mapping = SETTINGS | {"supervision": SETTINGS["supervision"] | supervision}
    return toml.from_mapping(SupervisedExperiment, mapping, where="the test")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, training_cohort):
    out = tmp_path_factory.mktemp("supervised") / "tiny"
    return training.fit(experiment_of(), training_cohort, out)


def test_fewer_labelled_participants_are_among_more(training_cohort):
    ids = training_cohort.table["participant_id"].to_numpy()
    few, many = draw(experiment_of(), training_cohort)
    assert (few.name, many.name) == ("labels-10", "labels-all")
    for part in ("train", "validation"):
        assert set(ids[few.rows[part]]) <= set(ids[many.rows[part]])
    assert len(set(ids[few.rows["train"]])) == 8
    assert len(set(ids[few.rows["validation"]])) == 2


def test_nobody_is_in_two_parts_or_labelled_outside_the_training_part(training_cohort):
    ids = training_cohort.table["participant_id"].to_numpy()
    split = training_cohort.split((0.5, 0.1, 0.4), seed=0)
    for labels in draw(experiment_of(), training_cohort):
        people = [set(ids[rows]) for rows in labels.rows.values()]
        assert sum(map(len, people)) == len(set.union(*people))
        labelled = np.concatenate([labels.rows["train"], labels.rows["validation"]])
        assert set(labelled) <= set(split["train"])
        assert set(labels.rows["test"]) <= set(split["test"])
        assert training_cohort.has("ecg")[labelled].all()


def test_labels_are_standardized_by_the_training_rows_alone(training_cohort):
    labels = draw(experiment_of(), training_cohort)[1]
    values = training_cohort.table["lvef_percent"].to_numpy()
    mine = values[labels.rows["train"]]
    mine = mine[np.isfinite(mine)]
    target = labels.targets[0]
    assert (target.mean, target.std) == pytest.approx((mine.mean(), mine.std()))
    assert target.unit == "%"
    known = labels.known[:, 0] > 0
    np.testing.assert_array_equal(known, np.isfinite(values))
    expected = (values[known] - mine.mean()) / mine.std()
    np.testing.assert_allclose(labels.values[known, 0], expected, atol=1e-5)
    assert (labels.values[~known] == 0).all()
    np.testing.assert_array_equal(labels.values[:, 1], training_cohort.table["sex"])


@pytest.mark.parametrize(("count", "expected"), [(50, 10), (200, 40), (7, 1), (5, 1)])
def test_a_fifth_of_the_labelled_validate(count, expected):
    assert validating(count, 0.2).sum() == expected
    np.testing.assert_array_equal(validating(count, 0.2), validating(1000, 0.2)[:count])


def test_another_seed_labels_other_participants(training_cohort):
    few = draw(experiment_of(), training_cohort)[0]
    other = draw(replace(experiment_of(), seed=1), training_cohort)[0]
    assert set(few.rows["train"]) != set(other.rows["train"])


def test_a_folder_for_each_number_of_labels(finished, training_cohort):
    for name in ("labels-10", "labels-all"):
        run = SupervisedRun.open(finished / name)
        assert [target.name for target in run.targets] == ["lvef_percent", "sex"]
        assert run.predict(training_cohort.read_many("ecg", [0, 1])).shape == (2, 2)
        history = pd.read_csv(finished / name / "history.csv")
        assert run.card["best_epoch"] == history["validation_loss"].idxmin() + 1
        assert not (finished / name / "checkpoint").exists()
    card = json.loads((finished / "card.json").read_text())
    assert card["networks"]["labels-10"]["labels"] == 10
    assert card["networks"]["labels-10"]["participants"]["train"] == 8
    (score,) = [s for s in card["networks"]["labels-all"]["metrics"] if s["measure"] == "r2"]
    assert score["low"] <= score["value"] <= score["high"]
    assert "**Simulated recordings**" not in (finished / "card.md").read_text()
    for file in finished.rglob("*"):
        if file.suffix in {".csv", ".json", ".md", ".toml"}:
            assert "P005" not in file.read_text()


def test_the_best_weights_are_the_ones_that_are_saved(finished, training_cohort):
    labels = draw(experiment_of(), training_cohort)[1]
    materials = training.SupervisedMaterials(experiment_of(), training_cohort, labels)
    model = SupervisedRun.open(finished / "labels-all").model
    model.compile(jit_compile=False)
    history = pd.read_csv(finished / "labels-all" / "history.csv")
    best = history["validation_loss"].min()
    assert training.validate(model, materials)["loss"] == pytest.approx(best, rel=1e-4)


def test_what_was_finished_before_a_stop_is_not_trained_again(finished, training_cohort, tmp_path):
    out = tmp_path / "out"
    weights = Path("labels-10", "weights.safetensors")
    one = experiment_of(labels=[10])
    training.fit(one, training_cohort, out)
    written = (out / weights).stat().st_mtime_ns
    (out / "card.json").unlink()  # as if it had been stopped before the second network
    with pytest.raises(RunError, match="--resume"):
        training.fit(experiment_of(), training_cohort, out)
    training.fit(experiment_of(), training_cohort, out, is_resuming=True)
    assert (out / weights).stat().st_mtime_ns == written
    found = load_file(out / "labels-all" / "weights.safetensors")
    for key, array in load_file(finished / "labels-all" / "weights.safetensors").items():
        np.testing.assert_allclose(found[key], array, atol=1e-5)


def test_a_network_that_was_stopped_goes_on_where_it_was(
    finished, training_cohort, tmp_path, monkeypatch
):
    validate, calls = training.validate, []

    def stop_in_the_second_epoch(model, materials):
        calls.append(1)
        if len(calls) == 2:
            raise Interrupted("stopped")
        return validate(model, materials)

    one = experiment_of(labels=[10, 0])
    monkeypatch.setattr(training, "validate", stop_in_the_second_epoch)
    with pytest.raises(Interrupted):
        training.fit(one, training_cohort, tmp_path / "out")
    assert len(pd.read_csv(tmp_path / "out" / "labels-10" / "history.csv")) == 1
    training.fit(one, training_cohort, tmp_path / "out", is_resuming=True)
    assert len(calls) == 2 + 2 + 3
    for name in ("labels-10", "labels-all"):
        found = load_file(tmp_path / "out" / name / "weights.safetensors")
        for key, array in load_file(finished / name / "weights.safetensors").items():
            np.testing.assert_allclose(found[key], array, atol=1e-5)


def test_finished_networks_are_not_written_over(finished, training_cohort):
    with pytest.raises(RunError, match="finished run already"):
        training.fit(experiment_of(), training_cohort, finished)


@pytest.mark.parametrize(
    ("supervision", "error", "message"),
    [
        ({"targets": ["lvef_percent", "nothing"]}, CohortError, "no column nothing"),
        ({"targets": ["center"]}, CohortError, "center is text"),
        ({"labels": [500]}, CohortError, "500 labelled participants are asked for"),
        ({"labels": [4]}, SettingsError, "4 labels are too few"),
        ({"labels": [10, 10]}, SettingsError, "each once"),
        ({"validation_share": 1.5}, SettingsError, "between 0 and 1"),
        ({"target": ["sex"]}, SettingsError, "target is not a known setting"),
    ],
)
def test_what_cannot_be_learned_is_named(training_cohort, supervision, error, message):
    with pytest.raises(error, match=message):
        draw(experiment_of(**supervision), training_cohort)


def test_a_target_of_one_class_is_left_out_and_named(training_cohort):
    cohort = training_cohort.select(np.arange(len(training_cohort)))
    cohort.table.loc[:, "sex"] = 1.0
    for labels in draw(experiment_of(), cohort):
        assert [target.name for target in labels.targets] == ["lvef_percent"]
        assert "all the same" in labels.left_out["sex"]
    with pytest.raises(CohortError, match="No target of labels-10"):
        draw(experiment_of(targets=["sex"]), cohort)


def test_few_rows_make_short_epochs():
    experiment = experiment_of()
    for rows, expected in ((3, (3, 2)), (8, (4, 2)), (12, (4, 3)), (400, (4, 3))):
        stage = experiment.stage_of(rows)
        assert (stage.batch_size, stage.steps_per_epoch) == expected


@pytest.mark.parametrize("name", ["ecg", "mri"])
def test_the_shipped_networks_are_those_of_the_demo(name):
    path = SHIPPED / f"supervised_{name}.toml"
    assert supervised_experiment.is_supervised(path)
    experiment = supervised_experiment.read(path)
    demo = experiments.read(SHIPPED / "demo.toml")
    assert experiment.architecture.networks == {name: demo.model.networks[name]}
    assert experiment.architecture.latent_dim == demo.model.latent_dim
    assert (experiment.split, experiment.seed) == (demo.split, demo.seed)
    assert not supervised_experiment.is_supervised(SHIPPED / "demo.toml")


def test_the_shipped_targets_are_columns_of_simulated_cohorts():
    from cmae.simulate.factors import COLUMNS

    for name in ("ecg", "mri"):
        experiment = supervised_experiment.read(SHIPPED / f"supervised_{name}.toml")
        for target in experiment.supervision.targets:
            assert COLUMNS[target].role == "phenotype"
            assert COLUMNS[target].kind != "categorical"


def test_the_command_line_trains_supervised_networks(write_toml, training_cohort, tmp_path):
    mapping = SETTINGS | {"supervision": SETTINGS["supervision"] | {"labels": [10]}}
    path, out = str(write_toml(mapping)), tmp_path / "out"
    options = [path, "--cohort", str(training_cohort.path), "--out", str(out), "--steps", "1"]
    assert main(options) == 0
    assert json.loads((out / "card.json").read_text())["networks"]["labels-10"]["batches"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [([], "No cohort was given"), (["--start-from", "runs/ecg"], "from scratch")],
)
def test_bad_input_is_one_line_and_exit_code_2(write_toml, capsys, options, message):
    assert main([str(write_toml(SETTINGS)), *options]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]


def test_reading_an_experiment_needs_no_keras():
    program = (
        "import sys; from pathlib import Path; from train import supervised_experiment as e;"
        f"e.read(Path({str(SHIPPED / 'supervised_ecg.toml')!r})); assert 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
