"""Settings are read strictly; the shipped experiments say what the paper says."""

import subprocess
import sys
from pathlib import Path

import pytest

from cmae import settings as toml
from cmae.errors import SettingsError
from cmae.model.architecture import PAPER_NETWORKS
from train import experiment as experiments
from train.experiment import Experiment

SHIPPED = Path(experiments.__file__).parent / "experiments"


def test_settings_survive_the_round_trip(settings, write_toml):
    experiment = experiments.read(write_toml(settings))
    again = toml.from_mapping(Experiment, toml.to_mapping(experiment), where="memory")
    assert again == experiment
    assert experiment.stages[2].modalities == ("ecg", "mri")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sede": 3}, "sede is not a known setting"),
        ({"seed": "3"}, "seed is not usable"),
        ({"seed": 1.5}, "seed is not usable"),
        ({"stages": []}, "has no stage"),
        ({"evaluated_participants": True}, "evaluated_participants is not usable"),
        ({"numerics": {"precision": "half"}}, r"numerics\.precision is not usable"),
        ({"numerics": {"xla": True, "deterministic": True}}, "xla and deterministic exclude"),
        ({"model": {"networks": {"ct": {"kind": "paper"}}}}, "networks"),
    ],
)
def test_an_unknown_or_ill_typed_setting_is_named(settings, write_toml, change, message):
    with pytest.raises(SettingsError, match=message):
        experiments.read(write_toml(settings | change))


@pytest.mark.parametrize(
    ("stage", "decoded", "message"),
    [(2, 3, "at most the 2 of a batch"), (2, -1, "give 0 for all"), (0, 1, "leave decoded")],
)
def test_decoding_more_than_a_batch_or_less_than_what_is_trained_is_refused(
    settings, write_toml, stage, decoded, message
):
    settings["stages"][stage]["decoded_participants"] = decoded
    with pytest.raises(SettingsError, match=message):
        experiments.read(write_toml(settings))


def test_leaving_out_decoding_needs_a_contrastive_loss(settings, write_toml):
    settings["stages"][2]["decoded_participants"] = 1
    assert experiments.read(write_toml(settings)).stages[2].decoded_participants == 1
    settings["model"]["contrast"] = {"loss": "none"}
    with pytest.raises(SettingsError, match="has no contrastive loss"):
        experiments.read(write_toml(settings))


def test_a_stage_without_a_network_is_refused(settings, write_toml):
    del settings["model"]["networks"]["mri"]
    with pytest.raises(SettingsError, match="no such network"):
        experiments.read(write_toml(settings))


def test_a_file_that_is_no_toml_is_refused(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("name = ")
    with pytest.raises(SettingsError, match="not valid TOML"):
        experiments.read(path)


@pytest.mark.parametrize("name", ["ecg", "mri", "cross_modal"])
def test_the_papers_experiments_have_the_papers_numbers(name):
    experiment = experiments.read(SHIPPED / f"{name}.toml")
    (stage,) = experiment.stages
    assert (stage.epochs, stage.steps_per_epoch, stage.batch_size) == (696, 128, 4)
    assert (stage.validation_steps, stage.schedule.patience) == (36, 64)
    assert stage.schedule.stop_after == 3 * 64
    assert experiment.split.fractions == (0.7, 0.2, 0.1)
    for modality in stage.modalities:
        assert experiment.model.networks[modality] == PAPER_NETWORKS[modality]


def test_the_demo_has_all_three_stages():
    stages = experiments.read(SHIPPED / "demo.toml").stages
    assert [stage.modalities for stage in stages] == [("ecg",), ("mri",), ("ecg", "mri")]


def test_limited_experiments_end_after_that_many_batches(settings, write_toml):
    experiment = experiments.read(write_toml(settings))
    for steps, expected in ((1, (1, 1)), (3, (1, 3)), (6, (2, 3))):
        stage = experiments.limited(experiment, steps).stages[0]
        assert (stage.epochs, stage.steps_per_epoch) == expected
    with pytest.raises(SettingsError, match="at least 1"):
        experiments.limited(experiment, 0)


def test_reading_an_experiment_needs_no_keras():
    program = (
        "import sys; from pathlib import Path; from train import experiment;"
        f"experiment.read(Path({str(SHIPPED / 'demo.toml')!r})); assert 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
