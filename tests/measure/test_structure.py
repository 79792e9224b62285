"""SSIM against scikit-image and against what it must be by its definition."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity as reference

from cmae.errors import InputError
from cmae.measure.structure import structural_similarity


@pytest.fixture
def cines(rng):
    rows, columns, frames = np.indices((96, 96, 6))
    cine = 300.0 * (np.hypot(rows - 48, columns - 50) < 22 + 3 * np.cos(frames))
    recorded = np.round(cine + 40 + 12 * rng.normal(size=cine.shape)).clip(0)
    return recorded, np.roll(cine, 2, axis=0) * 0.8 + 60


def test_it_agrees_with_scikit_image(cines):
    recorded, decoded = cines
    shift, span = recorded.min(), np.ptp(recorded)
    expected = [
        reference(recorded[..., k] - shift, decoded[..., k] - shift, data_range=span)
        for k in range(6)
    ]
    np.testing.assert_allclose(structural_similarity(recorded, decoded), expected, atol=1e-6)


def test_the_unit_does_not_matter(cines):
    recorded, decoded = cines
    z_scores = [(cine - recorded.mean()) / recorded.std() for cine in cines]
    found = structural_similarity(*z_scores)
    np.testing.assert_allclose(found, structural_similarity(recorded, decoded), atol=1e-6)


def test_equal_cines_are_wholly_alike_and_noise_is_not(cines, rng):
    recorded, decoded = cines
    np.testing.assert_allclose(structural_similarity(recorded, recorded), 1, atol=1e-6)
    near = structural_similarity(recorded, decoded)
    noise = rng.normal(recorded.mean(), recorded.std(), recorded.shape)
    assert (structural_similarity(recorded, noise) < near).all()


def test_a_flat_recording_resembles_nothing():
    assert np.isnan(structural_similarity(np.ones((9, 9, 2)), np.zeros((9, 9, 2)))).all()


def test_shapes_that_differ_are_refused():
    with pytest.raises(InputError, match="one shape"):
        structural_similarity(np.zeros((9, 9, 2)), np.zeros((9, 9, 3)))
    with pytest.raises(InputError, match="at least 7"):
        structural_similarity(np.zeros((6, 9, 2)), np.zeros((6, 9, 2)))
