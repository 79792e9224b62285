import numpy as np
import pytest

from cmae.errors import InputError
from cmae.latent import trust as module
from cmae.latent.traversal import principal_components, walk
from cmae.latent.trust import Surroundings


@pytest.fixture(scope="module")
def real():
    return np.random.default_rng(0).normal(size=(3000, 8)).astype(np.float32)


def test_distances_are_those_of_numpy_longhand(real, monkeypatch):
    monkeypatch.setattr(module, "_NUMBERS", 7 * len(real))  # many blocks
    points = np.random.default_rng(1).normal(size=(40, 8))
    found = Surroundings(real + 50, neighbor=3).trust(points + 50)
    away = np.sort(np.linalg.norm(points[:, None] - real[None], axis=2), axis=1)
    np.testing.assert_allclose(found.distance, away[:, 2], rtol=1e-4)
    wanted = np.linalg.norm(points[:, None] - real[None], axis=2).argmin(axis=1)
    np.testing.assert_array_equal(found.nearest, wanted)


def test_what_is_usual_is_measured_in_others_than_oneself(real):
    few = real[:200]
    around = Surroundings(few, neighbor=2)
    away = np.sort(np.linalg.norm(few[:, None] - few[None], axis=2), axis=1)
    assert around.usual == pytest.approx(np.median(away[:, 2]), rel=1e-4)


def test_real_latents_are_usual_and_trust_ends_along_a_walk(real):
    around = Surroundings(real)
    others = np.random.default_rng(2).normal(size=(500, 8))
    usual = around.trust(others)
    assert np.median(usual.relative) == pytest.approx(1, abs=0.1)
    assert 0.4 < usual.share.mean() < 0.6
    taken = walk(real.mean(0), principal_components(real, 1)[0], [0, 2, 4, 8])
    found = around.trust(taken.points)
    assert (np.diff(found.relative) > 0).all()
    assert found.share[0] > 0.9
    assert found.share[-1] == 0


def test_rows_without_a_latent_are_left_out_and_keep_the_numbers_of_the_others(real):
    holes = real.copy()
    holes[:1000] = np.nan
    found = Surroundings(holes).trust(real[1500:1501])
    assert found.nearest[0] == 1500


def test_points_and_latents_that_do_not_fit_are_refused(real):
    with pytest.raises(InputError, match="too few to have 10 neighbours"):
        Surroundings(real[:10])
    around = Surroundings(real)
    with pytest.raises(InputError, match="8 numbers"):
        around.trust(np.ones((2, 7)))
    with pytest.raises(InputError, match="not finite"):
        around.trust(np.full((1, 8), np.nan))
