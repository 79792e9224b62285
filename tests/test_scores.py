import numpy as np
import pytest

from cmae.scores import auroc, group_means, r2


def test_auroc_is_the_share_of_pairs_in_order():
    truth, scores = np.array([0.0, 1, 0, 1, 1]), np.array([1.0, 1, 0, 3, 0])
    pairs = [(s > h) + 0.5 * (s == h) for s in scores[truth > 0] for h in scores[truth < 1]]
    assert auroc(truth, scores) == pytest.approx(np.mean(pairs))


def test_auroc_of_one_class_is_unknown():
    assert np.isnan(auroc(np.ones(3), np.arange(3.0)))


def test_r2_within_groups_takes_the_group_means_for_granted(rng):
    group = np.repeat([0, 1], 50)
    truth = 10.0 * group + rng.normal(size=100)
    assert r2(truth, group_means(truth, group)) > 0.9
    assert r2(truth, group_means(truth, group), group) == pytest.approx(0)
    assert r2(truth, np.full(100, truth.mean())) == pytest.approx(0)
    assert r2(truth, truth, group) == 1
    assert np.isnan(r2(np.ones(5), np.zeros(5)))
