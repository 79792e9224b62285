import numpy as np
import pytest

from cmae.errors import InputError
from cmae.latent import decoding


class EchoRun:
    """Fill a recording with the first number of its latent, scaled as a run scales."""

    def __init__(self, modalities=("ecg", "mri")):
        self.modalities = modalities
        self.batches = []

    def decode(self, modality, latents, *, mean=None, std=None):
        self.batches.append((modality, latents.shape))
        shape = {"ecg": (600, 12), "mri": (96, 96, 50)}[modality]
        values = latents[:, 0].astype(np.float32)
        if std is not None:
            values = values * std + mean
        return np.broadcast_to(values.reshape(-1, *[1] * len(shape)), (len(latents), *shape)).copy()


def latents(**values):
    return {source: np.full(4, value, np.float32) for source, value in values.items()}


def test_each_latent_is_decoded_into_both_modalities():
    decoded = decoding.decode_all(EchoRun(), latents(ecg=1, mri=2, joint=3))
    assert {source: beat[0, 0] for source, beat in decoded.ecg.items()} == {
        "ecg": 1,
        "mri": 2,
        "joint": 3,
    }
    assert decoded.mri["joint"].shape == (96, 96, 50)
    assert decoded.mri["mri"][5, 5, 5] == 2


def test_a_missing_latent_gives_no_decoding_but_the_same_batch_shape():
    run = EchoRun()
    decoded = decoding.decode_all(run, latents(mri=2))
    assert list(decoded.ecg) == ["mri"]
    assert run.batches == [("ecg", (3, 4)), ("mri", (3, 4))]


def test_decoded_cines_take_the_recorded_scale():
    cine = np.arange(96 * 96 * 50, dtype=np.float64).reshape(96, 96, 50)
    decoded = decoding.decode_all(EchoRun(), latents(ecg=1), cine=cine)
    assert decoded.mri["ecg"][0, 0, 0] == pytest.approx(cine.mean() + cine.std(), rel=1e-6)


def test_decodings_are_read_only():
    decoded = decoding.decode_all(EchoRun(), latents(ecg=1))
    with pytest.raises(ValueError, match="read-only"):
        decoded.ecg["ecg"][0, 0] = 1


def test_no_latent_is_refused():
    with pytest.raises(InputError, match="no latent"):
        decoding.decode_all(EchoRun(), {})


def test_a_run_of_one_modality_decodes_that_one():
    decoded = decoding.decode_all(EchoRun(("ecg",)), latents(ecg=1))
    assert list(decoded.ecg) == ["ecg"]
    assert decoded.mri == {}
