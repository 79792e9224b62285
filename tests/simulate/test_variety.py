"""Fine variety: spread as asked for, and the realistic one is the stream itself."""

import numpy as np
import pytest

from cmae.errors import SettingsError
from cmae.simulate import cine, ecg
from cmae.simulate.physiology import draw
from cmae.simulate.variety import fine_variety


def stream(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def heart():
    return draw(1, seed=5).to_dict("records")[0]


def test_the_realistic_variety_is_the_stream_itself():
    rng = stream()
    assert fine_variety(rng, 1.0) is rng


def test_less_variety_uses_up_the_same_bits():
    rng, calm = stream(), stream()
    less = fine_variety(calm, 0.25)
    np.testing.assert_allclose(less.standard_normal(5), 0.5 * rng.standard_normal(5))
    np.testing.assert_allclose(less.normal(2.0, 3.0, 5), 1 + 0.5 * rng.normal(2.0, 3.0, 5))
    np.testing.assert_allclose(less.uniform(2.0, 4.0, 5), 1.5 + 0.5 * rng.uniform(2.0, 4.0, 5))
    assert less.standard_normal(3, dtype=np.float32).dtype == np.float32
    assert calm.bit_generator.state == less.bit_generator.state


def test_more_variety_leaves_shares_in_their_range():
    more = fine_variety(stream(), 4.0)
    shares = more.uniform(0.2, 0.7, 1000)
    assert 0.2 <= shares.min() < shares.max() <= 0.7
    assert more.standard_normal(4000).std() == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("modality", ["ecg", "mri"])
def test_people_with_the_same_factors_differ_as_much_as_asked_for(heart, modality):
    def rendered(seed, variance):
        if modality == "ecg":
            return ecg.render(heart, stream(seed), has_noise=False, private_variance=variance)
        return cine.render_truth(heart, stream(seed), private_variance=variance).noiseless

    def apart(variance):
        first, second = (rendered(seed, variance).astype(np.float64) for seed in (1, 2))
        return np.sqrt(((first - second) ** 2).mean())

    ordinary = apart(1.0)
    assert ordinary > 0
    assert apart(0.0) == pytest.approx(0, abs=0.02 * ordinary)
    assert 0.25 < apart(0.25) / ordinary < 0.8


def test_a_negative_variance_is_refused():
    with pytest.raises(SettingsError, match=r"-0\.5 is impossible"):
        fine_variety(stream(), -0.5)
