"""Published weights: the run gives what the original gives; strange files are refused."""

import json
import shutil

import h5py
import numpy as np
import pytest

from cmae.errors import InputError, ReadError, RunError
from cmae.model.published import import_weights
from cmae.model.run import Run
from tests.model import published_network as published
from tests.model.published_network import TENSORS, Original, write_joint, write_separate

DRAWN = np.random.default_rng(5).integers(0, 2, 256)
ECGS = np.random.default_rng(1).normal(0, 0.4, (2, 600, 12))
CINES = np.random.default_rng(2).integers(0, 900, (2, 96, 96, 50)).astype(np.uint16)
MRI_PARTS = [("mri", "encode"), ("mri", "decode")]
MRI_ENCODER = "encoder_lax_4ch_heart_center.h5"
BLOCK = "model_weights/encode_block_lax_4ch_heart_center"


@pytest.fixture(scope="module")
def original():
    return Original()


@pytest.fixture(scope="module")
def separate(tmp_path_factory, original):
    return write_separate(tmp_path_factory.mktemp("separate"), original)


@pytest.fixture(scope="module")
def joint(tmp_path_factory, original):
    path = tmp_path_factory.mktemp("joint") / "dropfuse_256d.h5"
    return write_joint(path, original, drawn=DRAWN)


@pytest.fixture(scope="module")
def originals(original):
    """What the original gives: latents by modality, and decodings of them in physical units."""
    latents = {
        "ecg": original.run(("ecg", "encode"), published.as_tensor(ECGS, microvolts=5)),
        "mri": original.run(("mri", "encode"), published.z_scores(CINES)),
    }
    scale = CINES.mean((1, 2, 3)), CINES.std((1, 2, 3))
    mean, std = (values.reshape(2, 1, 1, 1) for values in scale)
    decoded = {
        (source, target): original.run((target, "decode"), latent)
        for source, latent in latents.items()
        for target in TENSORS
    }
    for source in latents:
        ecg = decoded[source, "ecg"]
        decoded[source, "ecg"] = published.from_tensor(ecg, microvolts=5)
        decoded[source, "mri"] = decoded[source, "mri"] * (std + 1e-7) + mean
    return latents, decoded, scale


def assert_same(run, originals):
    """Latents, reconstructions and translations equal the original's to 1e-4 of their size."""
    latents, decoded, (mean, std) = originals
    recorded = {"ecg": ECGS, "mri": CINES}
    for source, latent in latents.items():
        ours = run.encode(source, recorded[source])
        np.testing.assert_allclose(ours, latent, rtol=0, atol=1e-4)
        for target in TENSORS:
            scale = {"mean": mean, "std": std} if target == "mri" else {}
            expected = decoded[source, target]
            tolerance = 1e-4 * expected.std()
            found = run.decode(target, ours, **scale)
            np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_the_four_files_give_what_the_original_gives(tmp_path, separate, originals):
    report = import_weights(separate, tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert run.modalities == ("ecg", "mri")
    assert report["ecg_unit_microvolts"] == 50
    assert report["log_scale"] is None
    assert_same(run, originals)
    present = {name: np.ones(2, bool) for name in TENSORS}
    mean = (originals[0]["ecg"] + originals[0]["mri"]) / 2
    np.testing.assert_allclose(run.joint(originals[0], present), mean, atol=1e-6)


def test_the_joint_file_gives_what_the_original_gives(tmp_path, joint, originals):
    report = import_weights(joint.parent, tmp_path / "run")
    assert report["coordinates"] == {"ecg": (DRAWN == 0).sum(), "mri": (DRAWN == 1).sum()}
    assert report["layers_left_out"] == 1
    assert report["log_scale"] == pytest.approx(1.7)
    run = Run.open(tmp_path / "run")
    assert_same(run, originals)
    latents = originals[0]
    both = np.ones(2, bool)
    ours = run.joint(latents, {"ecg": both, "mri": both})
    np.testing.assert_array_equal(ours, np.where(DRAWN == 0, latents["ecg"], latents["mri"]))
    alone = run.joint(latents, {"ecg": both, "mri": ~both})
    np.testing.assert_array_equal(alone, latents["ecg"])
    assert float(run.model.alignment.log_scale) == pytest.approx(1.7)
