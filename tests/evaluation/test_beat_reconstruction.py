"""Beats rebuilt by what was learned from others."""

import numpy as np
import pytest

from cmae.errors import InputError
from cmae.evaluation.beat_reconstruction import by_principal_components, compared


def _beats(number: int, seed: int) -> np.ndarray:
    """Beats (number, 600, 12) in mV that lie in three directions."""
    directions = np.random.default_rng(0).standard_normal((3, 600, 12))
    weights = np.random.default_rng(seed).standard_normal((number, 3))
    return np.tensordot(weights, directions, 1) + 0.3


def test_errors_are_those_computed_longhand():
    recorded, rebuilt = _beats(4, 1), _beats(4, 2)
    found = compared(recorded, rebuilt)
    by_hand = [1000 * np.abs(a - b).mean() for a, b in zip(recorded, rebuilt, strict=True)]
    np.testing.assert_allclose(found.error_uv, by_hand, rtol=1e-4)
    r = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(recorded, rebuilt, strict=True)]
    np.testing.assert_allclose(found.correlation, r, atol=1e-4)


def test_components_rebuild_beats_of_their_own_span_and_no_others():
    mine, others = _beats(5, 3), np.random.default_rng(9).standard_normal((5, 600, 12))
    fitted_to = _beats(40, 4)
    inside = compared(mine, by_principal_components(fitted_to, mine, components=3))
    outside = compared(others, by_principal_components(fitted_to, others, components=3))
    assert inside.error_uv.max() < 1.0
    assert outside.error_uv.min() > 500.0
    assert inside.less_than(outside).high < 0.0
    error, correlation = inside.estimates
    assert error.low <= error.value <= error.high < 1.0
    assert correlation.value > 0.999


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(InputError, match="same beats"):
        compared(_beats(3, 0), _beats(4, 0))
    with pytest.raises(InputError, match="more beats"):
        by_principal_components(_beats(3, 0), _beats(3, 0), components=3)
