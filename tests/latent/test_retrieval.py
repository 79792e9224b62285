"""Retrieval and its intervals against NumPy longhand and cases known by hand."""

import numpy as np
import pytest

from cmae.errors import InputError
from cmae.latent.bootstrap import estimate, median
from cmae.latent.retrieval import both_ways, rank_of, score, true_match_ranks


def longhand_ranks(queries, targets):
    ranks = []
    for i, query in enumerate(queries):
        similarities = [
            query @ target / (np.linalg.norm(query) * np.linalg.norm(target)) for target in targets
        ]
        order = np.argsort(similarities)[::-1]
        ranks.append(int(np.flatnonzero(order == i)[0]) + 1)
    return ranks


def test_ranks_agree_with_sorting_longhand():
    rng = np.random.default_rng(0)
    ecg = rng.normal(size=(60, 9))
    mri = ecg + 1.5 * rng.normal(size=(60, 9))
    assert true_match_ranks(ecg, mri).tolist() == longhand_ranks(ecg, mri)


def test_ranks_are_the_same_over_several_chunks(monkeypatch):
    rng = np.random.default_rng(1)
    ecg, mri = rng.normal(size=(2, 50, 5))
    whole = true_match_ranks(ecg, mri)
    monkeypatch.setattr("cmae.latent.retrieval.CHUNK", 7)
    np.testing.assert_array_equal(true_match_ranks(ecg, mri), whole)


def test_a_space_that_collapsed_gets_the_rank_of_chance():
    same = np.ones((11, 4))
    np.testing.assert_array_equal(true_match_ranks(same, same), np.full(11, 6.0))


def test_perfect_pairs_rank_first():
    latents = np.eye(12)
    found = score(latents, 3 * latents)
    assert found["n"] == 12
    assert found["recall_at_1"] == {"value": 1.0, "low": 1.0, "high": 1.0, "chance": 1 / 12}
    assert found["median_rank"]["value"] == 1
    assert found["median_rank"]["chance"] == 6.5


def test_scores_of_a_case_known_by_hand():
    # Ranks 1, 2 and 3: the targets lie at growing angles, the queries at the first of them.
    targets = np.array([[1, 0], [1, 1], [0, 1]], float)
    queries = np.array([[1, 0], [1, 0], [1, 0]], float)
    found = score(queries, targets)
    assert found["recall_at_1"]["value"] == pytest.approx(1 / 3)
    assert found["recall_at_5"] == {"value": 1.0, "low": 1.0, "high": 1.0, "chance": 1.0}
    assert found["median_rank"]["value"] == 2
    assert found["mean_reciprocal_rank"]["value"] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert found["mean_reciprocal_rank"]["chance"] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


def test_unrelated_latents_score_as_chance():
    rng = np.random.default_rng(2)
    ecg, mri = rng.normal(size=(2, 400, 16))
    for direction in both_ways(ecg, mri).values():
        recall = direction["recall_at_10"]
        assert recall["low"] <= recall["chance"] <= recall["high"]


def test_both_ways_are_not_the_same_way():
    targets = np.array([[1, 0], [1, 1], [0, 1]], float)
    queries = np.array([[1, 0], [1, 0], [1, 0]], float)
    found = both_ways(queries, targets)
    assert found["ecg_to_mri"]["median_rank"]["value"] == 2
    assert found["mri_to_ecg"]["median_rank"]["value"] == 2
    assert found["mri_to_ecg"]["recall_at_1"]["value"] == 0


def test_pairs_of_different_shape_are_refused():
    with pytest.raises(InputError, match="one target a query"):
        true_match_ranks(np.zeros((3, 2)), np.zeros((4, 2)))


def test_interval_of_a_mean_has_the_width_of_its_standard_error():
    values = np.random.default_rng(3).normal(5, 2, size=900)
    found = estimate(values)
    assert found.value == pytest.approx(values.mean())
    half_width = 1.96 * values.std() / 30
    assert found.high - found.value == pytest.approx(half_width, rel=0.15)
    assert found.value - found.low == pytest.approx(half_width, rel=0.15)


def test_interval_is_the_same_for_the_same_seed_only():
    values = np.random.default_rng(4).normal(size=50)
    assert estimate(values, seed=1) == estimate(values, seed=1)
    assert estimate(values, seed=1) != estimate(values, seed=2)


def test_rows_of_one_participant_are_drawn_together():
    # Ten people with 50 equal rows each: as if there were ten values, not five hundred.
    values = np.repeat(np.random.default_rng(5).normal(size=10), 50)
    people = np.repeat(np.arange(10), 50)
    wide = estimate(values, participants=people)
    narrow = estimate(values)
    assert wide.value == narrow.value
    assert wide.high - wide.low > 4 * (narrow.high - narrow.low)


def test_means_by_participant_are_those_of_drawing_rows_one_by_one():
    rng = np.random.default_rng(6)
    values, people = rng.normal(size=40), rng.integers(0, 12, 40)
    quick = estimate(values, participants=people, resamples=200)
    plain = estimate(
        values,
        statistic=lambda drawn: np.asarray(drawn.mean(-1)),
        participants=people,
        resamples=200,
    )
    assert quick.low == pytest.approx(plain.low)
    assert quick.high == pytest.approx(plain.high)


def test_median_is_estimated_too():
    values = np.arange(101, dtype=float)
    found = estimate(values, statistic=median)
    assert found.value == 50
    assert 30 < found.low < 50 < found.high < 70


def test_the_rank_of_one_query_is_that_among_all(rng):
    queries, targets = rng.normal(size=(2, 40, 8)).astype(np.float32)
    targets[5] = targets[7]  # equally near: their ranks are shared
    expected = true_match_ranks(queries, targets)
    found = [rank_of(queries[k], targets, k) for k in range(40)]
    assert found == expected.tolist()
