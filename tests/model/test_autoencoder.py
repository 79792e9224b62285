"""The autoencoder: presence, dropped modalities, losses of the right modality, training."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import ops

from cmae.model import losses
from cmae.model.architecture import Contrast
from cmae.model.autoencoder import CrossModalAutoencoder


def losses_of(model, batch, *, training=False):
    parts = model.compute_losses(batch, model(batch, training=training))
    return {name: float(value) for name, value in parts.items()}


def test_absent_values_change_nothing(tiny_architecture, batch):
    model = CrossModalAutoencoder(replace(tiny_architecture, translation_weight=1.0))
    other = {name: np.array(batch[name]) for name in ("ecg", "mri")} | {"present": batch["present"]}
    other["mri"][2] = 7.0
    other["ecg"][3] = -7.0
    assert losses_of(model, batch) == pytest.approx(losses_of(model, other), rel=1e-6)
    np.testing.assert_allclose(
        ops.convert_to_numpy(model(batch)["joint"]),
        ops.convert_to_numpy(model(other)["joint"]),
        atol=1e-6,
    )


def test_each_modality_gets_its_own_loss(tiny_architecture, batch):
    model = CrossModalAutoencoder(tiny_architecture)
    outputs = model(batch)
    parts = losses_of(model, batch)
    ecg = ops.convert_to_numpy(losses.log_cosh(batch["ecg"], outputs["decoded"]["ecg"]))
    mri = ops.convert_to_numpy(losses.mean_squared_error(batch["mri"], outputs["decoded"]["mri"]))
    assert parts["ecg"] == pytest.approx(ecg[[0, 1, 2, 4]].mean(), rel=1e-5)
    assert parts["mri"] == pytest.approx(mri[[0, 1, 3, 4]].mean(), rel=1e-5)


def test_inference_is_deterministic_and_takes_the_mean(tiny_architecture, batch):
    model = CrossModalAutoencoder(tiny_architecture)
    outputs = model(batch)
    ecg, mri = (ops.convert_to_numpy(outputs["latents"][name]) for name in ("ecg", "mri"))
    joint = ops.convert_to_numpy(outputs["joint"])
    np.testing.assert_allclose(joint[0], (ecg[0] + mri[0]) / 2, atol=1e-6)
    np.testing.assert_allclose(joint[2], ecg[2], atol=1e-6)
    np.testing.assert_allclose(joint[3], mri[3], atol=1e-6)
    np.testing.assert_array_equal(joint, ops.convert_to_numpy(model(batch)["joint"]))


@pytest.mark.parametrize("merge", ["participant", "coordinate"])
def test_training_draws_a_modality_anew_and_only_one_that_exists(tiny_architecture, merge):
    model = CrossModalAutoencoder(replace(tiny_architecture, merge=merge))
    n, dim = 400, 6
    latents = {"ecg": np.zeros((n, dim), np.float32), "mri": np.ones((n, dim), np.float32)}
    present = {"ecg": np.ones(n, np.float32), "mri": np.ones(n, np.float32)}
    present["mri"][:50] = 0.0
    present["ecg"][50:100] = 0.0
    first, second = (
        ops.convert_to_numpy(model.merge(latents, present, training=True)) for _ in range(2)
    )
    assert (first[:50] == 0).all()
    assert (first[50:100] == 1).all()
    drawn = first[100:]
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert 0.4 < drawn.mean() < 0.6
    assert not np.array_equal(first, second)
    is_whole = (drawn.min(axis=1) == drawn.max(axis=1)).all()
    assert is_whole == (merge == "participant")


@pytest.mark.slow
@pytest.mark.parametrize("names", [("ecg",), ("mri",), ("ecg", "mri")])
def test_one_class_trains_one_or_two_modalities(tiny_architecture, batch, names):
    architecture = replace(
        tiny_architecture, networks={name: tiny_architecture.networks[name] for name in names}
    )
    model = CrossModalAutoencoder(architecture)
    model.compile(optimizer=keras.optimizers.Adam(1e-2), jit_compile=False)
    some = {name: batch[name] for name in names}
    some["present"] = {name: batch["present"][name] for name in names}
    losses_seen = [float(model.train_on_batch(some, return_dict=True)["loss"]) for _ in range(8)]
    assert losses_seen[-1] < losses_seen[0]


@pytest.mark.parametrize("loss", ["info_nce", "sigmoid", "published", "none"])
def test_contrast_is_the_loss_that_was_chosen(tiny_architecture, batch, loss):
    contrast = Contrast(loss=loss, weight=0.5, log_scale=0.3, offset=-1.0)
    model = CrossModalAutoencoder(replace(tiny_architecture, contrast=contrast))
    outputs = model(batch)
    parts = losses_of(model, batch)
    total = float(model.compute_loss(x=batch, y_pred=outputs))
    if loss == "none":
        assert "contrast" not in parts
        assert total == pytest.approx(parts["ecg"] + parts["mri"], rel=1e-5)
        return
    paired = batch["present"]["ecg"] * batch["present"]["mri"]
    similarities = losses.cosine_similarities(outputs["latents"]["ecg"], outputs["latents"]["mri"])
    arguments = {
        "info_nce": (losses.info_nce, (0.3, paired)),
        "published": (losses.published_info_nce, (0.3, paired)),
        "sigmoid": (losses.sigmoid_pairs, (0.3, -1.0, paired)),
    }
    function, rest = arguments[loss]
    expected = ops.convert_to_numpy(function(similarities, *rest)).sum() / 3
    assert parts["contrast"] == pytest.approx(expected, rel=1e-5)
    assert total == pytest.approx(parts["ecg"] + parts["mri"] + 0.5 * expected, rel=1e-5)


def test_translation_is_decoded_from_the_other_modality_alone(tiny_architecture, batch):
    model = CrossModalAutoencoder(replace(tiny_architecture, translation_weight=2.0))
    outputs = model(batch)
    translated = ops.convert_to_numpy(outputs["translated"]["mri"])
    expected = ops.convert_to_numpy(model.translate("ecg", batch["ecg"], "mri"))
    np.testing.assert_allclose(translated, expected, atol=1e-5)
    assert {"ecg_to_mri", "mri_to_ecg"} <= set(losses_of(model, batch))


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_who_is_not_decoded_meets_in_the_contrastive_loss_alone(tiny_architecture, batch, weight):
    settings = replace(tiny_architecture, translation_weight=weight, merge="mean")
    model = CrossModalAutoencoder(settings)
    every = losses_of(model, batch, training=True)
    first = {name: batch[name][:3] for name in ("ecg", "mri")}
    first["present"] = {name: mask[:3] for name, mask in batch["present"].items()}
    alone = losses_of(model, first, training=True)
    model.num_decoded = 3
    some = losses_of(model, batch, training=True)
    assert some["contrast"] == pytest.approx(every["contrast"], rel=1e-6)
    assert some["contrast"] != pytest.approx(alone["contrast"], rel=1e-3)
    for name in set(alone) - {"contrast"}:
        assert some[name] == pytest.approx(alone[name], rel=1e-6)
    assert model(batch, training=True)["decoded"]["mri"].shape[0] == 3
    assert losses_of(model, batch) == pytest.approx(every, rel=1e-6)


def test_decoding_as_many_as_a_batch_holds_is_decoding_all(tiny_architecture, batch):
    grown = []
    for num_decoded in (None, 5):
        keras.utils.set_random_seed(5)
        model = CrossModalAutoencoder(tiny_architecture, seed=5)
        model.num_decoded = num_decoded
        model.compile(optimizer=keras.optimizers.SGD(0.1), jit_compile=False)
        model.fit(((batch,) for _ in range(3)), steps_per_epoch=3, shuffle=False, verbose=0)
        grown.append([ops.convert_to_numpy(weight) for weight in model.trainable_variables])
    for one, other in zip(*grown, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
