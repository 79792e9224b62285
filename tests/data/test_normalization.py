import numpy as np
import pytest

from cmae.data.normalization import Normalization, mri_mean_and_std
from cmae.errors import InputError


def test_one_ecg_unit_is_a_twentieth_of_a_millivolt(rng):
    traces = rng.normal(size=(2, 600, 12)).astype(np.float32)
    units = Normalization().normalize("ecg", traces)
    np.testing.assert_allclose(units, traces * 20, rtol=1e-6)
    np.testing.assert_allclose(Normalization().denormalize("ecg", units), traces, rtol=1e-6)
    np.testing.assert_allclose(
        Normalization(ecg_unit_mv=0.01).normalize("ecg", traces), traces * 100, rtol=1e-6
    )


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.uint8, np.float32, np.float64])
def test_cine_becomes_its_z_scores_and_comes_back(rng, dtype):
    cines = (rng.gamma(2, 40, (2, 96, 96, 50)).clip(0, 250) * [[[[1]]], [[[0.5]]]]).astype(dtype)
    copy = cines.copy()
    scores = Normalization().normalize("mri", cines)
    wide = cines.astype(np.float64)
    mean, std = wide.mean((1, 2, 3), keepdims=True), wide.std((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(scores, (wide - mean) / (std + 1e-7), atol=2e-5)
    np.testing.assert_array_equal(cines, copy)
    means, stds = mri_mean_and_std(cines)
    np.testing.assert_allclose(means, mean.ravel(), rtol=1e-6)
    np.testing.assert_allclose(stds, std.ravel(), rtol=1e-5)
    back = Normalization().denormalize("mri", scores, mean=means, std=stds)
    np.testing.assert_allclose(back, wide, atol=5e-3)


def test_normalizing_in_place_gives_the_same(rng):
    cines = rng.normal(500, 90, (2, 96, 96, 50)).astype(np.float32)
    expected = Normalization().normalize("mri", cines)
    assert Normalization().normalize("mri", cines, out=cines) is cines
    np.testing.assert_array_equal(cines, expected)


@pytest.mark.parametrize("value", [np.float32(0.1), np.float32(1234.567), np.int16(77)])
def test_constant_cine_becomes_zeros(value):
    cine = np.full((1, 96, 96, 50), value)
    assert (Normalization().normalize("mri", cine) == 0).all()


@pytest.mark.parametrize(("modality", "shape"), [("ecg", (600, 12)), ("mri", (96, 96, 50))])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_value_that_is_not_finite_is_refused(modality, shape, value):
    recordings = np.ones((2, *shape), np.float32)
    recordings[1, 3, 4] = value
    with pytest.raises(InputError, match="NaN, infinite"):
        Normalization().normalize(modality, recordings)


def test_other_shape_and_missing_scale_are_refused():
    with pytest.raises(InputError, match="shape"):
        Normalization().normalize("ecg", np.ones((600, 12)))
    with pytest.raises(InputError, match="no scale"):
        Normalization().denormalize("mri", np.ones((1, 96, 96, 50)))
