"""Training end to end on tiny networks: what a run holds, and what is refused."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from cmae import settings as toml
from cmae.data.cohort import Cohort
from cmae.errors import CohortError, RunError
from cmae.model.run import Run
from train import checkpoint
from train.__main__ import main
from train.experiment import Experiment, Stage
from train.fit import build, fit, optimizer, start, validate
from train.materials import Materials


@pytest.fixture
def experiment(settings):
    return toml.from_mapping(Experiment, settings, where="the test")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, training_cohort):
    """A run of all three stages."""
    experiment = toml.from_mapping(Experiment, _settings(), where="the test")
    return fit(experiment, training_cohort, tmp_path_factory.mktemp("runs") / "tiny"), experiment


def _settings():
    stage = {"epochs": 2, "steps_per_epoch": 3, "validation_steps": 2, "batch_size": 2}
    return {
        "name": "tiny",
        "evaluated_participants": 4,
        "stages": [
            {"name": "ecg", "modalities": ["ecg"], "learning_rate": 0.01, **stage},
            {"name": "mri", "modalities": ["mri"], "learning_rate": 0.01, **stage},
            {"name": "both", "modalities": ["ecg", "mri"], "learning_rate": 0.5, **stage},
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


@pytest.mark.slow
def test_a_run_holds_everything_that_the_format_lists(finished):
    folder, _ = finished
    for name in (
        "model.toml",
        "weights.safetensors",
        "experiment.toml",
        "history.csv",
        "split.csv",
        "card.json",
        "card.md",
        "figures/learning_curves.svg",
        "figures/heldout_1_ecg.svg",
        "figures/heldout_1_mri.png",
    ):
        assert (folder / name).stat().st_size > 0, name
    assert list((folder / "tensorboard").glob("events*"))
    assert not (folder / "checkpoint").exists()
    assert sorted(path.name for path in (folder / "stages").iterdir()) == ["1-ecg", "2-mri"]


def test_the_best_weights_are_the_ones_that_are_saved(finished, training_cohort):
    folder, experiment = finished
    history = pd.read_csv(folder / "history.csv")
    card = json.loads((folder / "card.json").read_text())
    best = history["validation_loss"].min()
    assert card["best_epoch"] == history["validation_loss"].idxmin() + 1
    split = training_cohort.split((0.5, 0.3, 0.2), seed=0)
    materials = Materials(experiment, experiment.stages[-1], training_cohort, split, ())
    model = Run.open(folder).model
    model.compile(jit_compile=False)
    found = validate(model, materials, materials.validation_sample())["loss"]
    assert found == pytest.approx(best, rel=1e-4)


def test_the_split_is_by_participant_and_without_identifiers(finished, training_cohort):
    folder, _ = finished
    split = pd.read_csv(folder / "split.csv")
    assert list(split.columns) == ["row", "split"]
    assert list(split["row"]) == list(range(len(training_cohort)))
    ids = training_cohort.table["participant_id"].to_numpy()[split["row"]]
    assert (pd.Series(split["split"].to_numpy()).groupby(ids).nunique() == 1).all()
    for file in folder.rglob("*"):
        if file.suffix in {".csv", ".json", ".md", ".toml", ".svg"}:
            assert "P005" not in file.read_text()


@pytest.mark.slow
def test_the_last_stage_starts_from_the_first_two(settings, training_cohort, tmp_path):
    settings["stages"][2] |= {"epochs": 1, "steps_per_epoch": 1, "learning_rate": 1e-12}
    experiment = toml.from_mapping(Experiment, settings, where="the test")
    folder = fit(experiment, training_cohort, tmp_path / "run")
    last = load_file(folder / "weights.safetensors")
    for stage, name in (("1-ecg", "ecg"), ("2-mri", "mri")):
        first = load_file(folder / "stages" / stage / "weights.safetensors")
        for key, array in first.items():
            assert key.startswith(name)
            np.testing.assert_allclose(last[key], array, atol=1e-6)


@pytest.mark.parametrize(("loss", "taken"), [("info_nce", True), ("sigmoid", False)])
def test_a_run_of_both_hands_its_temperature_on_to_the_same_loss(
    finished, settings, training_cohort, loss, taken
):
    settings["model"]["contrast"] = {"loss": loss, "log_scale": 3.0}
    settings["stages"][2] |= {"batch_size": 3, "decoded_participants": 2}
    experiment = toml.from_mapping(Experiment, settings, where="the test")
    model = build(Materials(experiment, experiment.stages[2], training_cohort, {}, ()))
    assert model.num_decoded == 2
    start(model, [finished[0]])
    learned = load_file(finished[0] / "weights.safetensors")["alignment/alignment/log_scale"]
    wanted = learned if taken else 3.0
    assert float(model.alignment.log_scale) == pytest.approx(float(wanted), abs=1e-6)
    assert abs(float(learned)) > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    "numerics", [{"precision": "mixed_float16"}, {"precision": "mixed_bfloat16", "xla": True}]
)
def test_precision_and_xla_are_settings_of_the_training_alone(
    settings, training_cohort, tmp_path, numerics
):
    settings["stages"] = [settings["stages"][2] | {"epochs": 1}]
    experiment = toml.from_mapping(Experiment, settings | {"numerics": numerics}, where="the test")
    folder = fit(experiment, training_cohort, tmp_path / "run")
    assert keras.config.dtype_policy().name == "float32"
    run = Run.open(folder)
    assert run.model.encoders["mri"].get_layer("latent_dense").compute_dtype == "float32"
    history = pd.read_csv(folder / "history.csv")
    assert np.isfinite(history["validation_loss"]).all()


def test_a_finished_run_is_not_written_over(finished, experiment, training_cohort):
    with pytest.raises(RunError, match="finished run already"):
        fit(experiment, training_cohort, finished[0])


def test_resuming_where_nothing_was_begun_is_refused(experiment, training_cohort, tmp_path):
    with pytest.raises(RunError, match="no unfinished training"):
        fit(experiment, training_cohort, tmp_path / "new", is_resuming=True)


def test_a_cohort_without_the_modality_is_refused(experiment, tmp_path, rng):
    cohort = Cohort.create(tmp_path / "cohort")
    with cohort.writer() as writer:
        for k in range(12):
            writer.add(f"Q{k}", mri=rng.integers(0, 9, (96, 96, 50)).astype(np.uint16))
    with pytest.raises(CohortError, match="trains on ecg recordings, but no row"):
        fit(experiment, cohort, tmp_path / "run")


def test_a_cohort_without_pairs_is_refused(settings, tmp_path, rng):
    settings["stages"] = settings["stages"][2:]
    experiment = toml.from_mapping(Experiment, settings, where="the test")
    cohort = Cohort.create(tmp_path / "cohort")
    with cohort.writer() as writer:
        for k in range(20):
            if k % 2:
                writer.add(f"Q{k}", mri=rng.integers(0, 9, (96, 96, 50)).astype(np.uint16))
            else:
                writer.add(f"Q{k}", ecg=rng.normal(size=(600, 12)).astype(np.float32))
    with pytest.raises(CohortError, match="both an ECG and an MRI"):
        fit(experiment, cohort, tmp_path / "run")


@pytest.mark.slow
def test_starting_from_a_run_of_other_networks_is_refused(
    finished, settings, training_cohort, tmp_path
):
    settings["stages"] = settings["stages"][:1]
    experiment = toml.from_mapping(Experiment, settings, where="the test")
    mri_run = finished[0] / "stages" / "2-mri"
    with pytest.raises(RunError, match="has networks for mri, but tiny trains ecg"):
        fit(experiment, training_cohort, tmp_path / "run", start_from=[mri_run])


def test_a_damaged_checkpoint_is_refused(settings, training_cohort, tmp_path):
    experiment = toml.from_mapping(Experiment, settings, where="the test")
    (tmp_path / "stages" / "1-ecg" / "checkpoint").mkdir(parents=True)
    (tmp_path / "stages" / "1-ecg" / "checkpoint" / "state.json").write_text("{")
    assert checkpoint.exists(tmp_path / "stages" / "1-ecg")
    with pytest.raises(RunError, match="damaged"):
        fit(experiment, training_cohort, tmp_path, is_resuming=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["missing.toml"], "cannot be read"),
        (["{toml}"], "No cohort was given"),
        (["{toml}", "--cohort", "nowhere"], "nowhere"),
        (["{toml}", "--cohort", "nowhere", "--steps", "0"], "at least 1"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(settings, write_toml, capsys, options, message):
    path = str(write_toml(settings))
    assert main([option.replace("{toml}", path) for option in options]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]


def test_a_cohort_without_test_participants_is_refused_before_training(
    settings, training_cohort, tmp_path
):
    settings["split"] = {"fractions": [0.6, 0.4, 0.0]}
    experiment = toml.from_mapping(Experiment, settings, where="the test")
    with pytest.raises(CohortError, match="The test part has no row"):
        fit(experiment, training_cohort, tmp_path / "run")
    assert not (tmp_path / "run" / "history.csv").exists()


def test_weight_decay_shrinks_kernels_and_nothing_else():
    rates = {"learning_rate": 0.1, "weight_decay": 0.5}
    decaying = optimizer(Stage("ecg", ("ecg",), **rates))
    layer = keras.layers.Dense(3)
    layer.build((None, 2))
    layer.bias.assign(np.ones(3))
    before = keras.ops.convert_to_numpy(layer.kernel)
    decaying.apply(
        [keras.ops.zeros_like(weight) for weight in layer.trainable_variables],
        layer.trainable_variables,
    )
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer.kernel), 0.95 * before, rtol=1e-5)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer.bias), np.ones(3))
