"""Hidden patches: which, how many, and only in training."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import ops

from cmae.errors import SettingsError
from cmae.model.autoencoder import CrossModalAutoencoder
from cmae.model.masking import PATCHES, hide_patches


def hidden(modality, shape, highest_share):
    recordings = np.ones((200, *shape), np.float32)
    seen = hide_patches(modality, recordings, highest_share, keras.random.SeedGenerator(1))
    return 1.0 - ops.convert_to_numpy(seen)


@pytest.mark.parametrize(("modality", "shape"), [("ecg", (600, 12)), ("mri", (16, 16, 50))])
def test_whole_patches_are_hidden(modality, shape):
    away = hidden(modality, shape, 0.6)
    rows, columns = PATCHES[modality][:2]
    parts = away.reshape(200, shape[0] // rows, rows, shape[1] // columns, columns, -1)
    assert set(np.unique(parts.mean(axis=(2, 4, 5)))) == {0.0, 1.0}


def test_shares_are_drawn_from_none_to_the_highest():
    shares = hidden("ecg", (600, 12), 0.6).mean(axis=(1, 2))
    assert shares.mean() == pytest.approx(0.3, abs=0.03)
    assert shares.min() < 0.02
    assert 0.55 < shares.max() < 0.75  # 144 patches: the share of those hidden is itself drawn


def test_encoders_see_everything_at_inference(tiny_architecture, batch):
    model = CrossModalAutoencoder(replace(tiny_architecture, hidden_share=0.9), seed=2)
    model.set_weights(weights := CrossModalAutoencoder(tiny_architecture).get_weights())
    plain = CrossModalAutoencoder(tiny_architecture)
    plain.set_weights(weights)
    for name in ("ecg", "mri"):
        whole = ops.convert_to_numpy(plain(batch)["latents"][name])
        np.testing.assert_array_equal(ops.convert_to_numpy(model(batch)["latents"][name]), whole)
        trained = ops.convert_to_numpy(model(batch, training=True)["latents"][name])
        assert np.abs(trained - whole).max() > 0.01


def test_a_share_of_everything_is_refused(tiny_architecture):
    with pytest.raises(SettingsError, match=r"hidden_share is 1: give a share"):
        replace(tiny_architecture, hidden_share=1.0)
