import numpy as np
import pytest

from cmae.errors import InputError
from cmae.measure import similarity


def test_equal_beats_have_no_error_and_full_correlation():
    beat = np.random.default_rng(0).normal(size=(600, 12)).astype(np.float32)
    error = similarity.ecg_error(beat, beat)
    assert error.mae_uv == 0.0
    assert error.correlation == pytest.approx(1.0)


def test_an_offset_of_a_tenth_of_a_millivolt_is_100_microvolt():
    beat = np.random.default_rng(0).normal(size=(600, 12))
    error = similarity.ecg_error(beat, beat + 0.1)
    assert error.mae_uv == pytest.approx(100.0)
    assert error.correlation == pytest.approx(1.0)


def test_correlation_agrees_with_numpy():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 50, 4))
    assert similarity.correlation(first, second) == pytest.approx(
        np.corrcoef(first.ravel(), second.ravel())[0, 1]
    )


def test_correlation_with_a_flat_array_is_nan():
    assert np.isnan(similarity.correlation(np.full((5, 5), 0.3), np.eye(5)))


def test_cine_error_is_in_units_of_the_recorded_sd_whatever_the_intensity():
    rng = np.random.default_rng(2)
    cine = rng.integers(0, 900, size=(8, 8, 5)).astype(np.uint16)
    decoded = cine + 0.5 * cine.std()
    small = similarity.cine_error(cine, decoded)
    large = similarity.cine_error(cine * 3.0, decoded * 3.0)
    assert small.mae_z == pytest.approx(0.5)
    assert large.mae_z == pytest.approx(0.5)


def test_a_still_picture_of_the_right_heart_has_no_motion_correlation():
    rng = np.random.default_rng(3)
    still = rng.normal(size=(8, 8, 1)) * 10
    moving = still + rng.normal(size=(8, 8, 5))
    error = similarity.cine_error(moving, np.repeat(still, 5, axis=2))
    assert error.correlation > 0.9
    assert np.isnan(error.motion_correlation)


def test_recordings_of_different_shapes_are_refused():
    with pytest.raises(InputError, match="cannot be compared"):
        similarity.ecg_error(np.zeros((600, 12)), np.zeros((600, 11)))


def test_a_difference_of_integers_keeps_its_sign():
    recorded = np.full((2, 2, 2), 500, np.uint16)
    assert similarity.difference(recorded - 400, recorded).max() == -400


def test_a_difference_in_sd_does_not_depend_on_the_scanner(rng):
    recorded, decoded = rng.gamma(2.0, 50.0, size=(2, 12, 12, 5))
    found = similarity.difference_in_sd(decoded, recorded)
    np.testing.assert_allclose(found, (decoded - recorded) / recorded.std(), rtol=1e-4)
    np.testing.assert_allclose(
        similarity.difference_in_sd(30 * decoded, 30 * recorded), found, rtol=1e-4
    )
    assert not similarity.difference_in_sd(np.ones((3, 3)), np.full((3, 3), 7)).any()
