import numpy as np

from cmae.latent.spread import spread_sample


def test_a_sample_has_the_quantiles_of_its_group_whatever_the_order_of_rows():
    values = np.sort(np.random.default_rng(0).normal(60.0, 8.0, 5_000))
    rows = np.arange(5_000)
    sample = values[spread_sample(rows, values, 101)]
    assert sample[0] == values[0]
    assert sample[-1] == values[-1]
    levels = np.linspace(0, 100, 11)
    assert np.allclose(np.percentile(sample, levels), np.percentile(values, levels), atol=0.5)


def test_categories_come_by_their_shares_and_not_from_the_first_rows():
    codes = np.repeat([0, 1], [900, 100])
    sample = spread_sample(np.arange(1_000), codes, 50)
    assert (codes[sample] == 1).sum() == 5
    assert sample.max() > 900
    assert len(np.unique(sample)) == 50
    equal = spread_sample(np.arange(1_000), np.zeros(1_000), 50)
    assert equal.max() > 500


def test_missing_values_come_last_and_small_groups_come_whole():
    rows = np.array([4, 7, 9])
    assert spread_sample(rows, np.array([np.nan, 2.0, 1.0]), 10).tolist() == [9, 7, 4]
    assert spread_sample(rows[:0], np.empty(0), 10).tolist() == []
