"""The networks: the paper's sizes and order, and shapes of the compact ones."""

import keras
import numpy as np
import pytest

from cmae.data.modality import ECG, MODALITIES, MRI
from cmae.errors import SettingsError
from cmae.model.architecture import PAPER_NETWORKS, CompactNetwork
from cmae.model.networks import build_decoder, build_encoder


@pytest.mark.parametrize(
    ("name", "encoder", "decoder"), [("ecg", 5_469_501, 5_800_934), ("mri", 1_734_240, 1_741_930)]
)
def test_paper_networks_have_the_papers_parameter_counts(name, encoder, decoder):
    network, modality = PAPER_NETWORKS[name], MODALITIES[name]
    assert build_encoder(network, modality, 256).count_params() == encoder
    assert build_decoder(network, modality, 256).count_params() == decoder


@pytest.mark.parametrize("modality", [ECG, MRI])
def test_the_encoder_ends_in_a_layer_norm_without_another_layer(modality):
    encoder = build_encoder(PAPER_NETWORKS[modality.name], modality, 256)
    last = encoder.layers[-1]
    assert isinstance(last, keras.layers.LayerNormalization)
    assert last.epsilon == 1e-3
    assert encoder.layers[-2].name == "latent_dense"


@pytest.mark.parametrize("modality", [ECG, MRI])
@pytest.mark.parametrize("is_compact", [False, True])
def test_the_decoder_gives_back_the_shape_of_a_recording(modality, is_compact):
    network = (
        CompactNetwork(patch=4, filters=(4, 6)) if is_compact else PAPER_NETWORKS[modality.name]
    )
    assert build_encoder(network, modality, 8).output_shape == (None, 8)
    assert build_decoder(network, modality, 8).output_shape == (None, *modality.shape)


def test_a_compact_decoder_ends_in_patches_that_do_not_overlap():
    decoder = build_decoder(CompactNetwork(patch=24, filters=(2,)), MRI, 4)
    output = keras.Model(decoder.get_layer("level_1_unit_1_add").output, decoder.output)
    output.get_layer("output").bias.assign(np.zeros(50, np.float32))
    grid = np.zeros((1, 4, 4, 2), np.float32)
    grid[0, 1, 2] = 1.0
    is_touched = np.abs(np.asarray(output(grid))[0]).max(axis=2) > 0
    assert is_touched[24:48, 48:72].all()
    assert is_touched.sum() == 24 * 24


def test_a_network_that_does_not_divide_the_recording_is_refused():
    with pytest.raises(SettingsError, match="does not divide"):
        build_decoder(CompactNetwork(patch=7, filters=(4,)), ECG, 8)


def test_residual_stage_leaves_its_input_out_of_the_sum():
    encoder = build_encoder(PAPER_NETWORKS["ecg"], ECG, 8)
    stage = keras.Model(encoder.input, encoder.get_layer("residual_add").output)
    for name in ("residual_a", "residual_b", "residual_project"):
        layer = encoder.get_layer(name)
        layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    x = np.random.default_rng(0).normal(size=(1, *ECG.shape)).astype(np.float32)
    assert np.abs(np.asarray(stage(x))).max() == 0.0


def test_the_motion_path_sees_what_moves_and_nothing_that_rests():
    encoder = build_encoder(CompactNetwork(patch=8, filters=(4,), motion_filters=6), MRI, 8)
    assert build_decoder(CompactNetwork(patch=8, filters=(4,), motion_filters=6), MRI, 8)
    motion = keras.Model(encoder.input, encoder.get_layer("motion_flatten").output)
    assert motion.output_shape == (None, 25 * 6)
    rng = np.random.default_rng(0)
    moving = rng.normal(size=(1, *MRI.shape)).astype(np.float32)
    resting = rng.normal(size=(1, 96, 96, 1)).astype(np.float32)
    seen = np.asarray(motion(moving))
    np.testing.assert_allclose(np.asarray(motion(moving + 3 * resting)), seen, atol=1e-4)
    assert np.abs(np.asarray(motion(moving[..., ::-1])) - seen).max() > 0.01


def test_an_ecg_has_no_motion_path():
    with pytest.raises(SettingsError, match="only a cine has motion"):
        build_encoder(CompactNetwork(patch=4, filters=(4,), motion_filters=6), ECG, 8)
