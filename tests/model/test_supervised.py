"""The supervised network: its loss, the round trip of its folder, and what is refused."""

import tomllib
from dataclasses import replace

import keras
import numpy as np
import pytest
import tomli_w
from keras import ops
from safetensors.numpy import load_file, save_file

from cmae.data.modality import ECG, MRI
from cmae.errors import RunError, SettingsError
from cmae.model import losses
from cmae.model.supervised import (
    SupervisedFile,
    SupervisedNetwork,
    SupervisedRun,
    Target,
    save_supervised,
)

TARGETS = (
    Target("lv_mass_g", "continuous", 120.0, 30.0, "g"),
    Target("infarct", "binary", 0.25, 0.4),
)
RECORDINGS = {
    "ecg": np.random.default_rng(0).normal(size=(5, *ECG.shape)).astype(np.float32),
    "mri": np.random.default_rng(1).integers(0, 900, size=(5, *MRI.shape)).astype(np.uint16),
}


def network(tiny_architecture, name):
    """A network whose head was moved from where it starts."""
    keras.utils.set_random_seed(0)
    only = replace(tiny_architecture, networks={name: tiny_architecture.networks[name]})
    model = SupervisedNetwork(SupervisedFile(1, only, TARGETS))
    kernel = model.parts["head"].kernel
    kernel.assign(np.random.default_rng(2).normal(size=kernel.shape))
    return model


@pytest.fixture
def saved(tmp_path, tiny_architecture):
    model = network(tiny_architecture, "ecg")
    save_supervised(tmp_path / "run", model)
    return tmp_path / "run", model


def test_label_errors_equal_their_formulas():
    draws = np.random.default_rng(3)
    outputs = draws.normal(size=(4, 3)).astype(np.float32)
    labels = np.array([[0.3, 1, 0], [-2, 0, 1], [0, 1, 1], [9, 1, 0]], np.float32)
    known = np.array([[1, 1, 1], [1, 0, 1], [0, 0, 1], [0, 0, 0]], np.float32)
    expected = np.zeros(4)
    for i in range(4):
        parts = []
        for j, is_binary in enumerate((False, True, True)):
            probability = 1 / (1 + np.exp(-float(outputs[i, j])))
            if known[i, j] and is_binary:
                y = labels[i, j]
                parts.append(-y * np.log(probability) - (1 - y) * np.log(1 - probability))
            elif known[i, j]:
                parts.append((float(outputs[i, j]) - labels[i, j]) ** 2)
        expected[i] = np.mean(parts) if parts else 0.0
    found = losses.label_errors(labels, outputs, known, np.array([0, 1, 1], np.float32))
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-5)


def test_label_errors_do_not_overflow():
    outputs = np.array([[1e4], [-1e4]], np.float32)
    found = losses.label_errors(np.zeros((2, 1)), outputs, np.ones((2, 1)), np.ones(1))
    np.testing.assert_allclose(ops.convert_to_numpy(found), [1e4, 0.0])


@pytest.mark.parametrize("name", ["ecg", "mri"])
def test_saved_network_gives_the_same_predictions(tmp_path, tiny_architecture, name):
    model = network(tiny_architecture, name)
    save_supervised(tmp_path, model)
    run = SupervisedRun.open(tmp_path)
    normalized = run.description.normalization.normalize(name, RECORDINGS[name])
    outputs = ops.convert_to_numpy(model({name: normalized}))
    expected = outputs * np.array([30.0, 1.0]) + np.array([120.0, 0.0])
    found = run.predict(RECORDINGS[name], batch_size=2)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
    assert np.ptp(found[:, 0]) > 1
    assert run.targets == TARGETS


def test_an_untrained_network_says_the_mean_and_the_base_rate(tiny_architecture, tmp_path):
    only = replace(tiny_architecture, networks={"ecg": tiny_architecture.networks["ecg"]})
    save_supervised(tmp_path, SupervisedNetwork(SupervisedFile(1, only, TARGETS)))
    found = SupervisedRun.open(tmp_path).predict(RECORDINGS["ecg"])
    np.testing.assert_allclose(found, np.tile([120.0, np.log(0.25 / 0.75)], (5, 1)), rtol=1e-5)


def test_labels_that_are_not_known_change_no_loss(tiny_architecture):
    model = network(tiny_architecture, "ecg")
    labels = np.array([[0.5, 1.0], [0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [-1.0, 1.0]], np.float32)
    known = np.ones((5, 2), np.float32)
    known[1, 0] = known[2] = 0
    outputs = np.random.default_rng(4).normal(size=(5, 2)).astype(np.float32)
    before = float(model.compute_loss({"labels": labels, "known": known}, None, outputs))
    others = np.where(known > 0, labels, 77.0).astype(np.float32)
    after = float(model.compute_loss({"labels": others, "known": known}, None, outputs))
    assert before == pytest.approx(after)
    rows = [0, 1, 3, 4]  # row 2 has no label at all and counts for nothing
    fewer = {"labels": labels[rows], "known": known[rows]}
    assert float(model.compute_loss(fewer, None, outputs[rows])) == pytest.approx(before)


def test_every_weight_has_a_key_of_its_own_and_is_saved(saved):
    folder, model = saved
    stored = load_file(folder / "weights.safetensors")
    assert len(stored) == len(model.weights) == len(model.network.weights)
    assert "head/head/kernel" in stored
    assert "ecg_encoder/latent_dense/kernel" in stored


@pytest.mark.parametrize("damage", ["renamed", "reshaped", "truncated", "not finite"])
def test_weights_that_do_not_fit_are_refused(saved, damage):
    path = saved[0] / "weights.safetensors"
    stored = load_file(path)
    bias = stored.pop("head/head/bias")
    if damage == "renamed":
        stored["head/other/bias"] = bias
    elif damage == "reshaped":
        stored["head/head/bias"] = np.zeros(7, np.float32)
    elif damage == "not finite":
        stored["head/head/bias"] = np.full(2, np.nan, np.float32)
    save_file(stored, path)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RunError, match=r"weights\.safetensors"):
        SupervisedRun.open(saved[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_number": 99}, "format number 99"),
        ({"surprise": 1}, "surprise is not a known setting"),
        ({"targets": []}, "needs targets"),
        ({"targets": [{"name": "a", "kind": "binary", "mean": 1.0, "std": 1.0}]}, "some have not"),
        ({"targets": [{"name": "a", "kind": "continuous", "mean": 1.0, "std": 0.0}]}, "varies"),
        ({"targets": [{"name": "a", "kind": "text", "mean": 1.0, "std": 1.0}]}, "kind"),
    ],
)
def test_damaged_settings_are_refused(saved, change, message):
    path = saved[0] / "supervised.toml"
    path.write_text(tomli_w.dumps(tomllib.loads(path.read_text()) | change))
    with pytest.raises(RunError, match=message):
        SupervisedRun.open(saved[0])


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"no supervised\.toml"):
        SupervisedRun.open(tmp_path)


def test_two_modalities_are_refused(tiny_architecture):
    with pytest.raises(SettingsError, match="one modality"):
        SupervisedFile(1, tiny_architecture, TARGETS)


def test_fingerprint_follows_the_weights(saved, tiny_architecture):
    before = SupervisedRun.open(saved[0]).fingerprint
    assert SupervisedRun.open(saved[0]).fingerprint == before
    saved[1].parts["head"].bias.assign([3.0, 4.0])
    save_supervised(saved[0], saved[1])
    assert SupervisedRun.open(saved[0]).fingerprint != before
