import numpy as np
import pytest
from scipy.stats import beta

from cmae.latent.association_plots import (
    chromosome_order,
    genome,
    null_band,
    quantile_points,
    quantile_ranks,
    thinned,
)


def test_chromosomes_stand_side_by_side_in_their_natural_order():
    found = genome({"X": (5, 105), "2": (1000, 1200), "10": (0, 50)})
    assert found.order == ("2", "10", "X") == tuple(chromosome_order(["X", "10", "2", "10"]))
    names = np.array(["2", "2", "10", "10", "X", "X"], object)
    places = found.places(names, np.array([1000, 1200, 0, 50, 5, 105]))
    gap = 0.004 * (201 + 51 + 101)
    np.testing.assert_allclose(np.diff(places), [200, gap, 50, gap, 100])
    np.testing.assert_allclose(found.middles, (places[::2] + places[1::2]) / 2)


def test_a_thinned_plot_keeps_every_peak_and_is_bounded():
    rng = np.random.default_rng(0)
    places, heights = rng.uniform(0, 1e6, 300_000), rng.exponential(0.4343, 300_000)
    heights[[17, 1234]] = 12.0, 30.0
    kept = thinned(places, heights, end=1e6)
    assert {17, 1234} <= set(kept.tolist())
    assert len(kept) < 20_000
    assert (np.diff(kept) > 0).all()
    columns = np.floor(places / 1e6 * 699).astype(int)
    highest = np.zeros(700)
    np.maximum.at(highest, columns, heights)
    of_kept = np.zeros(700)
    np.maximum.at(of_kept, columns[kept], heights[kept])
    np.testing.assert_array_equal(of_kept, highest)


def test_few_points_are_all_of_their_own_cell():
    kept = thinned(np.array([0.0, 50.0, 99.0]), np.array([1.0, 2.0, 0.5]), end=100)
    assert kept.tolist() == [0, 1, 2]


def test_quantiles_are_those_of_sorted_p_values():
    p = np.random.default_rng(1).random(500)
    found = quantile_points(-np.log10(p))
    np.testing.assert_allclose(found.observed, -np.log10(np.sort(p)))
    np.testing.assert_allclose(found.expected, -np.log10(np.arange(1, 501) / 501))
    ranks = np.arange(1, 501)
    np.testing.assert_allclose(10**-found.low, beta.ppf(0.975, ranks, 501 - ranks))
    inside = (found.low <= found.observed) & (found.observed <= found.high)
    assert inside.mean() > 0.8


def test_many_quantiles_are_drawn_by_few_ranks_with_all_the_smallest():
    ranks = quantile_ranks(10_000_000)
    assert len(ranks) <= 2000
    assert ranks[:5].tolist() == [1, 2, 3, 4, 5]
    assert ranks[-1] == 10_000_000
    low, high = null_band(ranks, 10_000_000)
    assert (low < high).all()
    assert low[-1] == pytest.approx(0, abs=1e-3)
