"""An ablation's settings: one factor at a time, and what cannot be compared is refused."""

import subprocess
import sys
from pathlib import Path

import pytest

from cmae import settings as toml
from cmae.errors import SettingsError
from train import ablation_experiment
from train.__main__ import main
from train.ablation_variant import flattened

SHIPPED = Path(ablation_experiment.__file__).parent / "experiments"


@pytest.fixture
def read(settings, write_toml):
    """Read an ablation of the tiny experiment."""

    def read(*variants, base="experiment.toml", **ablation):
        write_toml(settings)
        mapping = {
            "name": "tiny",
            "ablation": {"base": base, "stage": "cross_modal", "seeds": [0, 1]} | ablation,
            "variants": [{"name": name, "settings": changed} for name, changed in variants],
        }
        return ablation_experiment.read(write_toml(mapping, "ablation.toml"))

    return read


def differing(first, second):
    """Dotted names of the settings in which two experiments differ."""
    one, other = (flattened(toml.to_mapping(some), "x") for some in (first, second))
    return {name for name in one | other if one.get(name) != other.get(name)}


@pytest.mark.parametrize("name", ["model.merge", "model.hidden_share", "model.contrast.loss"])
def test_a_variant_differs_in_the_named_setting_and_its_name_alone(read, name):
    value = {"model.merge": "mean", "model.hidden_share": 0.5, "model.contrast.loss": "none"}[name]
    base, variant = read(("one", {name: value})).variants
    assert base.name == "base"
    assert differing(base.with_seed(3), variant.with_seed(3)) == {name, "name"}
    assert differing(variant.with_seed(3), variant.with_seed(4)) == {"seed"}


def test_the_base_is_the_last_stage_unchanged(read, settings):
    experiment = read(("one", {"model.merge": "mean"}), epochs=2)
    last = settings["stages"][2]
    stage = experiment.variants[0].stage
    assert (stage.name, stage.batch_size, stage.epochs) == (last["name"], last["batch_size"], 2)
    assert [one.stages[0].name for one in experiment.earlier] == ["ecg", "mri"]
    assert [one.stages[0].epochs for one in experiment.earlier] == [3, 3]


def test_dotted_names_are_the_same_quoted_or_not(read):
    quoted = read(("one", {"model.contrast.loss": "none", "stage.learning_rate": 0.1}))
    nested = read(
        ("one", {"model": {"contrast": {"loss": "none"}}, "stage": {"learning_rate": 0.1}})
    )
    assert quoted == nested


def test_other_batches_see_as_many_recordings(read, settings):
    settings["stages"][2] |= {"steps_per_epoch": 8, "validation_steps": 4, "batch_size": 4}
    base, small, large = read(
        ("small", {"stage.batch_size": 2}), ("large", {"stage.batch_size": 16})
    ).variants
    assert base.recordings_seen == small.recordings_seen == large.recordings_seen == 3 * 8 * 4
    assert (small.stage.steps_per_epoch, small.stage.validation_steps) == (16, 8)
    assert (large.stage.steps_per_epoch, large.stage.validation_steps) == (2, 1)
    assert small.stage.learning_rate == base.stage.learning_rate


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"model.contrast.loss": "none"}, False),
        ({"model.translation_weight": 1.0}, False),
        ({"stage.batch_size": 1}, False),
        ({"model.merge": "mean"}, True),
        ({"stage.weight_decay": 0.1}, True),
    ],
)
def test_it_is_known_whether_the_validation_loss_is_that_of_the_base(read, change, expected):
    assert read(("one", change)).variants[1].has_the_loss_of_the_base == expected


def test_limited_ablations_end_each_training_after_that_many_batches(read):
    experiment = ablation_experiment.limited(read(("one", {"stage.batch_size": 1})), 2)
    assert [variant.batches for variant in experiment.variants] == [2, 2]
    assert [one.stages[0].steps_per_epoch for one in experiment.earlier] == [2, 2]
    with pytest.raises(SettingsError, match="at least 1"):
        ablation_experiment.limited(experiment, 0)


GOOD = ("one", {"model.merge": "mean"})


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ([("one", {"model.nothing": 1})], "model of variant one, nothing is not a known setting"),
        ([("one", {"stage.contrast.loss": 1})], "stage of variant one, contrast is not a known"),
        ([("one", {"model.contrast.los": 1})], r"variant one, contrast\.los is not a known"),
        ([("one", {"model.merge": "median"})], "variant one, merge is not usable"),
        ([("one", {"model.hidden_share": 1.5})], "from 0 to below 1"),
        ([("one", {"stage.batch_size": 0})], "must be at least 1"),
        ([("one", {"seed": 4})], "one changes seed: only settings"),
        ([("one", {"model.latent_dim": 7})], "latent_dim, which the earlier stages share"),
        ([("one", {"model.networks.ecg.patch": 4})], "which the earlier stages share"),
        ([("one", {"stage.batch_size": 4})], "Batches of 4 in variant one do not divide the 6"),
        ([("one", {})], "Variant one is the same as base"),
        ([("one", {"model.merge": "participant"})], "Variant one is the same as base"),
        ([GOOD, ("two", GOOD[1])], "Variant two is the same as one"),
        ([GOOD, GOOD], "Two variants are named one"),
        ([("one", {"model.merge": "mean", "model": {"merge": "mean"}})], "merge twice"),
        ([("base", GOOD[1])], "cannot be named 'base'"),
        ([("../up", GOOD[1])], "cannot be named"),
        ([], "has no variant"),
    ],
)
def test_a_variant_that_cannot_be_compared_is_refused(read, variants, message):
    with pytest.raises(SettingsError, match=message) as caught:
        read(*variants)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("ablation", "message"),
    [
        ({"stage": "ecg"}, "the last stage of experiment.toml, which alone can be repeated"),
        ({"base": "missing.toml"}, "cannot be read"),
        ({"seeds": []}, "at least one, each once"),
        ({"seeds": [1, 1]}, "at least one, each once"),
        ({"seeds": [-1]}, "from 0"),
        ({"epochs": 0}, "must be at least 1"),
        ({"epoch": 3}, r"ablation\.epoch is not a known setting"),
    ],
)
def test_an_unusable_ablation_is_refused(read, ablation, message):
    with pytest.raises(SettingsError, match=message):
        read(GOOD, **ablation)


def test_the_shipped_ablation_has_what_decides_the_defaults():
    path = SHIPPED / "ablation.toml"
    assert ablation_experiment.is_ablation(path)
    assert not ablation_experiment.is_ablation(SHIPPED / "demo.toml")
    experiment = ablation_experiment.read(path)
    assert len(experiment.seeds) == 3
    models = [variant.experiment.model for variant in experiment.variants]
    stages = [variant.stage for variant in experiment.variants]
    assert {m.contrast.loss for m in models} == {"info_nce", "sigmoid", "published", "none"}
    assert {m.merge for m in models} == {"participant", "coordinate", "mean"}
    assert {s.batch_size for s in stages} == {4, 32, 128}
    assert {bool(m.translation_weight) for m in models} == {False, True}
    assert {m.hidden_share for m in models} == {0.0, 0.5}
    assert len({variant.recordings_seen for variant in experiment.variants}) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [([], "No cohort was given"), (["--steps", "0"], "at least 1")],
)
def test_bad_input_is_one_line_and_exit_code_2(capsys, options, message):
    assert main([str(SHIPPED / "ablation.toml"), *options]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]


def test_reading_an_ablation_needs_no_keras():
    program = (
        "import sys; from pathlib import Path; from train import ablation_experiment as e;"
        f"e.read(Path({str(SHIPPED / 'ablation.toml')!r})); assert 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
