import numpy as np
import pytest
from scipy.stats import false_discovery_control

from cmae.latent.false_discovery import log10_q_values, q_values


def test_q_is_that_of_scipy_and_missing_tests_do_not_count(rng):
    p = rng.random(200) ** 2
    p[:5] = p[5]
    p[[7, 100]] = np.nan
    found = q_values(p)
    tested = np.isfinite(p)
    np.testing.assert_allclose(found[tested], false_discovery_control(p[tested]), rtol=1e-10)
    assert np.isnan(found[~tested]).all()
    assert np.isnan(q_values(np.array([np.nan]))).all()
    assert q_values(np.zeros(0)).shape == (0,)


def test_p_beyond_double_precision_still_gives_q():
    found = log10_q_values(np.array([5000.0, 1.0, 0.0]))
    np.testing.assert_allclose(found, [5000 - np.log10(3), 1 - np.log10(1.5), 0])
    assert q_values(np.array([0.0]))[0] == 0


def test_false_discoveries_stay_below_the_rate_asked_for(rng):
    """Of 1,000 families of 50 null and 50 real tests, the mean share of false ones is at most q."""
    shares = []
    for _ in range(1000):
        p = rng.random(100)
        p[50:] **= 6
        found = q_values(p) < 0.1
        shares.append(found[:50].sum() / max(found.sum(), 1))
    assert np.mean(shares) == pytest.approx(0.05, abs=0.012)  # q times the share of null tests
