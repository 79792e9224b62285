"""Every loss against NumPy, written longhand."""

import math

import numpy as np
import pytest
from keras import ops

from cmae.model import losses

N, DIM = 5, 7


@pytest.fixture
def latents():
    draws = np.random.default_rng(0)
    return (
        draws.normal(size=(N, DIM)).astype(np.float32),
        draws.normal(size=(N, DIM)).astype(np.float32),
    )


def cosines(ecg, mri):
    result = np.zeros((len(ecg), len(mri)))
    for i, u in enumerate(ecg.astype(float)):
        for j, v in enumerate(mri.astype(float)):
            result[i, j] = u @ v / math.sqrt(u @ u) / math.sqrt(v @ v)
    return result


def probabilities(similarities, log_scale, paired):
    """p_ii among the paired candidates of row i, and of column i."""
    n = len(similarities)
    weights = np.exp(np.exp(log_scale) * similarities)
    rows, columns = np.zeros(n), np.zeros(n)
    for i in range(n):
        rows[i] = weights[i, i] / sum(weights[i, j] for j in range(n) if paired[j])
        columns[i] = weights[i, i] / sum(weights[j, i] for j in range(n) if paired[j])
    return rows, columns


def test_log_cosh_equals_its_formula():
    draws = np.random.default_rng(1)
    x, y = draws.normal(size=(2, 3, 8, 2)).astype(np.float32)
    expected = np.log(np.cosh(y.astype(float) - x)).mean(axis=(1, 2))
    np.testing.assert_allclose(losses.log_cosh(x, y), expected, atol=1e-6)


def test_log_cosh_does_not_overflow():
    x = np.zeros((1, 4, 1), np.float32)
    value = ops.convert_to_numpy(losses.log_cosh(x, x + 1e4))
    np.testing.assert_allclose(value, 1e4 - math.log(2), rtol=1e-6)


def test_mean_squared_error_equals_its_formula():
    draws = np.random.default_rng(2)
    x, y = draws.normal(size=(2, 3, 4, 4, 2)).astype(np.float32)
    expected = ((y.astype(float) - x) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(losses.mean_squared_error(x, y), expected, rtol=1e-5)


def test_similarities_are_cosines(latents):
    found = ops.convert_to_numpy(losses.cosine_similarities(*latents))
    np.testing.assert_allclose(found, cosines(*latents), atol=1e-6)


@pytest.mark.parametrize("paired", [[1, 1, 1, 1, 1], [1, 0, 1, 1, 0]])
@pytest.mark.parametrize("log_scale", [0.0, 1.5])
def test_info_nce_equals_its_formula(latents, paired, log_scale):
    paired = np.array(paired, np.float32)
    similarities = cosines(*latents)
    rows, columns = probabilities(similarities, log_scale, paired)
    expected = -0.5 * (np.log(rows) + np.log(columns)) * paired
    found = losses.info_nce(similarities.astype(np.float32), log_scale, paired)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("paired", [[1, 1, 1, 1, 1], [1, 0, 1, 1, 0]])
def test_published_loss_equals_its_formula(latents, paired):
    paired = np.array(paired, np.float32)
    similarities = cosines(*latents)
    rows, columns = probabilities(similarities, 0.7, paired)
    expected = 16.118096 * (1 - 0.5 * (rows + columns)) * paired
    found = losses.published_info_nce(similarities.astype(np.float32), 0.7, paired)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("paired", [[1, 1, 1, 1, 1], [1, 0, 1, 1, 0]])
def test_sigmoid_pairs_equal_their_formula(latents, paired):
    paired = np.array(paired, np.float32)
    similarities = cosines(*latents)
    expected = np.zeros(N)
    for i in range(N):
        for j in range(N):
            if not (paired[i] and paired[j]):
                continue
            logit = math.exp(0.9) * similarities[i, j] - 2.0
            loss = math.log(1 + math.exp(-logit if i == j else logit))
            expected[i] += 0.5 * loss
            expected[j] += 0.5 * loss
    found = losses.sigmoid_pairs(similarities.astype(np.float32), 0.9, -2.0, paired)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_mean_leaves_absent_participants_out():
    values, present = np.array([1.0, 99.0, 3.0], np.float32), np.array([1, 0, 1], np.float32)
    assert float(losses.mean_over_participants(values, present)) == pytest.approx(2.0)


def test_mean_over_nobody_is_zero():
    assert float(losses.mean_over_participants(np.ones(3, np.float32), np.zeros(3))) == 0.0
