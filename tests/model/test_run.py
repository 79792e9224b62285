"""The run folder: the round trip, and what is refused."""

import tomllib
from dataclasses import replace

import keras
import numpy as np
import pytest
import tomli_w
from safetensors.numpy import load_file, save_file

from cmae.data.modality import ECG, MODALITIES, MRI
from cmae.errors import InputError, RunError
from cmae.model.architecture import PAPER_NETWORKS
from cmae.model.autoencoder import CrossModalAutoencoder
from cmae.model.describe import describe
from cmae.model.run import CineScale, ModelFile, Run, read_card, run_fingerprint, save_model
from cmae.model.weights import weight_variables

RECORDINGS = {
    "ecg": np.random.default_rng(0).normal(size=(5, *ECG.shape)).astype(np.float32),
    "mri": np.random.default_rng(1).integers(0, 900, size=(5, *MRI.shape)).astype(np.uint16),
}


@pytest.fixture
def saved(tmp_path, tiny_architecture):
    """A run folder of a tiny random model, and the model."""
    keras.utils.set_random_seed(0)
    model = CrossModalAutoencoder(tiny_architecture)
    description = ModelFile(
        format_number=1, architecture=tiny_architecture, decoded_cine=CineScale(300.0, 50.0)
    )
    save_model(tmp_path / "run", description, model)
    return tmp_path / "run", model


@pytest.mark.parametrize("name", ["ecg", "mri"])
def test_saved_run_gives_the_same_latents(saved, name):
    folder, model = saved
    run = Run.open(folder)
    expected = np.asarray(model.encode(name, run.normalize(name, RECORDINGS[name])))
    np.testing.assert_allclose(run.encode(name, RECORDINGS[name]), expected, atol=1e-5)


def test_batches_change_no_latent(saved):
    run = Run.open(saved[0])
    whole = run.encode("mri", RECORDINGS["mri"], batch_size=5)
    parts = run.encode("mri", RECORDINGS["mri"], batch_size=2)
    np.testing.assert_allclose(whole, parts, atol=1e-5)


def test_decoded_ecg_is_in_millivolts(saved):
    folder, model = saved
    latents = np.random.default_rng(2).normal(size=(3, 6)).astype(np.float32)
    expected = np.asarray(model.decode("ecg", latents)) * 0.05
    np.testing.assert_allclose(Run.open(folder).decode("ecg", latents), expected, atol=1e-6)


def test_decoded_cine_takes_the_recorded_scale_or_the_training_medians(saved):
    folder, model = saved
    run = Run.open(folder)
    latents = np.random.default_rng(2).normal(size=(2, 6)).astype(np.float32)
    scores = np.asarray(model.decode("mri", latents))
    np.testing.assert_allclose(run.decode("mri", latents), scores * 50 + 300, rtol=1e-5)
    scaled = run.decode("mri", latents, mean=[1.0, 2.0], std=[10.0, 20.0])
    np.testing.assert_allclose(scaled[1], scores[1] * 20 + 2, rtol=1e-4, atol=1e-3)


def test_translation_is_encoding_then_decoding(saved):
    run = Run.open(saved[0])
    expected = run.decode("mri", run.encode("ecg", RECORDINGS["ecg"]))
    np.testing.assert_allclose(run.translate("ecg", RECORDINGS["ecg"], "mri"), expected, rtol=1e-5)


def test_joint_ignores_absent_latents_even_if_not_a_number(saved):
    run = Run.open(saved[0])
    latents = {"ecg": np.ones((3, 6), np.float32), "mri": np.full((3, 6), 3, np.float32)}
    latents["mri"][1] = np.nan
    present = {"ecg": np.array([True, True, False]), "mri": np.array([True, False, True])}
    joint = run.joint(latents, present)
    np.testing.assert_array_equal(joint[:, 0], [2, 1, 3])


def test_the_model_and_the_run_merge_alike(saved):
    folder, model = saved
    draws = np.random.default_rng(4)
    latents = {name: draws.normal(size=(3, 6)).astype(np.float32) for name in ("ecg", "mri")}
    present = {"ecg": np.array([True, True, False]), "mri": np.array([True, False, True])}
    merged = np.asarray(model.merge(latents, {k: v.astype("f4") for k, v in present.items()}))
    np.testing.assert_allclose(Run.open(folder).joint(latents, present), merged, atol=1e-6)


def test_half_precision_weights_give_nearly_the_same_latents(tmp_path, saved, tiny_architecture):
    folder, model = saved
    description = ModelFile(format_number=1, architecture=tiny_architecture)
    save_model(tmp_path / "half", description, model, dtype="float16")
    full = Run.open(folder).encode("ecg", RECORDINGS["ecg"])
    half = Run.open(tmp_path / "half").encode("ecg", RECORDINGS["ecg"])
    assert 0 < np.abs(full - half).max() < 0.02


def test_every_weight_has_a_key_of_its_own_and_is_saved(saved):
    folder, model = saved
    stored = load_file(folder / "weights.safetensors")
    count = sum(len(part.weights) for part in model.parts.values())
    assert len(stored) == len(weight_variables(model)) == count
    assert "mri_encoder/latent_dense/kernel" in stored
    assert "alignment/alignment/log_scale" in stored


def test_fingerprint_follows_the_weights(saved):
    folder, _ = saved
    before = run_fingerprint(folder)
    assert Run.open(folder).fingerprint == before
    stored = load_file(folder / "weights.safetensors")
    stored["alignment/alignment/log_scale"] = np.array(9.0, np.float32)
    save_file(stored, folder / "weights.safetensors")
    assert run_fingerprint(folder) != before


def test_other_format_number_is_refused(saved):
    folder, _ = saved
    settings = tomllib.loads((folder / "model.toml").read_text())
    settings["format_number"] = 99
    (folder / "model.toml").write_text(tomli_w.dumps(settings))
    with pytest.raises(RunError, match="format number 99"):
        Run.open(folder)


@pytest.mark.parametrize("damage", ["renamed", "reshaped", "missing", "truncated", "not finite"])
def test_weights_that_do_not_fit_are_refused(saved, damage):
    folder, _ = saved
    path = folder / "weights.safetensors"
    stored = load_file(path)
    key = "ecg_encoder/latent_dense/bias"
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        array = stored.pop(key)
        if damage == "renamed":
            stored["ecg_encoder/other/bias"] = array
        elif damage == "reshaped":
            stored[key] = np.zeros(7, np.float32)
        elif damage == "not finite":
            stored[key] = np.full(6, np.nan, np.float32)
        save_file(stored, path)
    with pytest.raises(RunError, match=r"weights\.safetensors"):
        Run.open(folder)


def test_unknown_setting_is_named(saved):
    folder, _ = saved
    text = (folder / "model.toml").read_text().replace("latent_dim", "latent_size")
    (folder / "model.toml").write_text(text)
    with pytest.raises(RunError, match="latent_size is not a known setting"):
        Run.open(folder)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="no finished run"):
        Run.open(tmp_path)


def test_a_card_that_is_no_object_is_refused(saved):
    folder, _ = saved
    assert read_card(folder) == {}
    (folder / "card.json").write_text("[1]")
    with pytest.raises(RunError, match="no JSON object"):
        read_card(folder)


def test_a_modality_that_the_run_lacks_is_refused(tmp_path, tiny_architecture):
    only_ecg = replace(tiny_architecture, networks={"ecg": tiny_architecture.networks["ecg"]})
    save_model(
        tmp_path, ModelFile(format_number=1, architecture=only_ecg), CrossModalAutoencoder(only_ecg)
    )
    with pytest.raises(InputError, match="no mri network"):
        Run.open(tmp_path).encode("mri", RECORDINGS["mri"])


def test_latents_of_another_length_are_refused(saved):
    with pytest.raises(InputError, match=r"\(n, 6\)"):
        Run.open(saved[0]).decode("ecg", np.zeros((2, 5)))


def test_the_description_counts_the_papers_parameters_and_operations(tmp_path, tiny_architecture):
    paper = replace(tiny_architecture, networks=dict(PAPER_NETWORKS), latent_dim=256)
    description = ModelFile(format_number=1, architecture=paper)
    run = Run(tmp_path, description, CrossModalAutoencoder(paper))
    parts = describe(run, with_speed=False)["parts"]
    assert {name: parts[name]["parameters"] for name in parts if name != "alignment"} == {
        "ecg_encoder": 5_469_501,
        "ecg_decoder": 5_800_934,
        "mri_encoder": 1_734_240,
        "mri_decoder": 1_741_930,
    }
    giga = {name: round(parts[name]["operations"] / 1e9, 2) for name in parts}
    assert giga["ecg_encoder"] == 0.60
    assert giga["ecg_decoder"] == 1.36
    assert giga["mri_encoder"] == 0.38
    assert giga["mri_decoder"] == 1.07


@pytest.mark.parametrize("name", list(MODALITIES))
def test_one_recording_is_encoded_like_many(saved, name):
    run = Run.open(saved[0])
    one = run.encode(name, RECORDINGS[name][:1])
    np.testing.assert_allclose(one, run.encode(name, RECORDINGS[name])[:1], atol=1e-5)
