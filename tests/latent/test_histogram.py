import numpy as np
import pytest

from cmae.errors import InputError
from cmae.latent.histogram import MISSING, bins_of


def test_counts_are_those_of_numpy_within_the_edges():
    values = np.random.default_rng(1).normal(60.0, 8.0, 5_000)
    bins = bins_of(values)
    inside = np.clip(values, bins.edges[0], np.nextafter(bins.edges[-1], 0))
    assert bins.counts().tolist() == np.histogram(inside, bins.edges)[0].tolist()
    rows = np.array([3, 5, 8, 4_000])
    assert bins.counts(rows).tolist() == np.histogram(inside[rows], bins.edges)[0].tolist()


@pytest.mark.parametrize("scale", [1e-4, 0.3, 17.0, 1e6])
def test_edges_are_round_and_about_as_many_as_wanted(scale):
    bins = bins_of(np.random.default_rng(2).normal(size=2_000) * scale, about=30)
    step = bins.edges[1] - bins.edges[0]
    mantissa = step / 10.0 ** np.floor(np.log10(step) + 1e-9)
    assert np.isclose(mantissa, [1.0, 2.0, 2.5, 5.0]).any()
    assert 20 <= len(bins.edges) - 1 <= 46


def test_strays_are_counted_at_the_ends_and_do_not_widen_the_bins():
    values = np.append(np.linspace(40.0, 80.0, 10_000), [1e9, -1e9])
    bins = bins_of(values)
    assert bins.edges[0] > 30
    assert bins.edges[-1] < 90
    assert bins.counts().sum() == len(values)


def test_missing_values_are_in_no_bin():
    bins = bins_of(np.array([1.0, np.nan, 2.0, np.inf]))
    assert bins.codes[[1, 3]].tolist() == [MISSING, MISSING]
    assert bins.counts().sum() == 2


@pytest.mark.parametrize("values", [[], [np.nan], [5.0, 5.0]])
def test_columns_without_spread_have_bins(values):
    bins = bins_of(np.array(values, float))
    assert bins.counts().sum() == np.isfinite(np.array(values, float)).sum()


def test_too_many_bins_are_refused():
    with pytest.raises(InputError, match="2 to 150"):
        bins_of(np.zeros(3), about=1_000)
