"""Errors of all decodings of a participant."""

import pytest

from cmae.latent.decoding import Decodings
from cmae.latent.decoding_errors import decoding_errors
from cmae.measure.similarity import cine_error, ecg_error


@pytest.fixture
def recorded(rng):
    return rng.normal(size=(600, 12)), rng.gamma(2.0, 50.0, size=(96, 96, 50))


@pytest.fixture
def decodings(rng, recorded):
    ecg, cine = recorded
    return Decodings(
        ecg={"ecg": ecg + 0.01, "mri": ecg + rng.normal(0, 0.1, ecg.shape)},
        mri={"mri": cine * 1.1},
    )


def test_errors_are_those_of_each_decoding(recorded, decodings):
    ecg, cine = recorded
    found = decoding_errors(decodings, ecg=ecg, cine=cine)
    assert found.ecg["mri"] == ecg_error(ecg, decodings.ecg["mri"])
    assert found.mri["mri"] == cine_error(cine, decodings.mri["mri"])
    sizes = found.sizes()
    assert set(sizes) == {("ecg", "ecg"), ("mri", "ecg"), ("mri", "mri")}
    assert sizes["ecg", "ecg"] == pytest.approx(10.0)
    assert sizes["mri", "mri"] == found.mri["mri"].mae_z


def test_what_was_not_recorded_has_no_errors(recorded, decodings):
    found = decoding_errors(decodings, ecg=recorded[0], cine=None)
    assert found.mri == {}
    assert set(found.ecg) == {"ecg", "mri"}
