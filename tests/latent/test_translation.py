"""Translation of files: what is written can be read by the programs it is for."""

import nibabel
import numpy as np
import pytest
from PIL import Image

from cmae.errors import InputError, RunError
from cmae.latent import translation

CINE = np.random.default_rng(0).random((96, 96, 50), np.float32)


class FakeRun:
    modalities = ("ecg", "mri")

    def translate(self, source, recordings, target):
        assert recordings.shape == (1, 600, 12)
        assert (source, target) == ("ecg", "mri")
        return CINE[None] * recordings.mean()


def ecg():
    return translation.Recorded("ecg", np.full((600, 12), 2, np.float32), 900.0, {})


def test_a_recording_is_translated_on_its_own():
    np.testing.assert_allclose(translation.translate(FakeRun(), ecg(), "mri"), 2 * CINE)


def test_a_run_of_one_modality_is_refused():
    run = FakeRun()
    run.modalities = ("ecg",)
    with pytest.raises(RunError, match="not mri"):
        translation.translate(run, ecg(), "mri")


def test_gif_lasts_one_heartbeat(tmp_path):
    translation.write("mri", CINE, tmp_path / "c.gif", rr_ms=1200.0)
    with Image.open(tmp_path / "c.gif") as image:
        durations = []
        for frame in range(image.n_frames):
            image.seek(frame)
            durations.append(image.info["duration"])
    assert len(durations) == 50
    assert sum(durations) == 1200


def test_nifti_holds_the_frames_with_spacing_and_timing(tmp_path):
    translation.write("mri", CINE, tmp_path / "c.nii.gz", rr_ms=1000.0)
    image = nibabel.load(tmp_path / "c.nii.gz")
    assert image.shape == (96, 96, 1, 50)
    np.testing.assert_allclose(np.asarray(image.dataobj)[:, :, 0].transpose(1, 0, 2), CINE)
    np.testing.assert_allclose(image.header.get_zooms()[::3], (1.8, 0.02), rtol=1e-6)


def test_numpy_and_csv_hold_the_numbers(tmp_path):
    beat = np.random.default_rng(1).normal(size=(600, 12)).astype(np.float32)
    translation.write("ecg", beat, tmp_path / "e.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "e.npy"), beat)
    translation.write("ecg", beat, tmp_path / "e.csv")
    table = np.loadtxt(tmp_path / "e.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(table[:, 1:], beat, atol=1e-4)


@pytest.mark.parametrize(("modality", "name"), [("mri", "c.csv"), ("ecg", "e.gif"), ("mri", "c")])
def test_a_suffix_that_does_not_fit_is_refused(tmp_path, modality, name):
    with pytest.raises(InputError, match="end the name"):
        translation.check_suffix(modality, tmp_path / name)


def test_an_unknown_modality_is_refused(tmp_path):
    with pytest.raises(InputError, match="'ct'"):
        translation.read("ct", tmp_path)
