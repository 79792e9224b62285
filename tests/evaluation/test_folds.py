import numpy as np
import pytest

from cmae.errors import InputError
from cmae.evaluation.folds import check_folds, held_out, outer_folds

PEOPLE = np.array([f"P{k // 2}" for k in range(2000)])


def test_a_participant_stands_in_one_fold_whatever_else_is_there():
    folds = outer_folds(PEOPLE)
    check_folds(PEOPLE, folds)
    assert (outer_folds(PEOPLE[500:]) == folds[500:]).all()
    assert (outer_folds(PEOPLE, seed=1) != folds).any()
    assert np.bincount(folds, minlength=5).min() > 300


def test_a_participant_in_two_folds_is_an_error():
    folds = outer_folds(PEOPLE)
    folds[7] = (folds[6] + 1) % 5
    with pytest.raises(InputError, match="1 participants stand in more than one fold"):
        check_folds(PEOPLE, folds)
    with pytest.raises(InputError, match="do not fit"):
        check_folds(PEOPLE, folds[1:])


def test_the_held_out_participants_of_a_run_fill_all_folds(make_cohort, tmp_path):
    from cmae.data.split import hashed_places

    late = PEOPLE[hashed_places(PEOPLE, "0") > 0.9]  # the test part of a split of seed 0
    assert np.bincount(outer_folds(late), minlength=5).min() > 10


def test_a_third_is_held_out_by_participant():
    out = held_out(PEOPLE)
    assert 0.28 < out.mean() < 0.38
    assert (out[0::2] == out[1::2]).all()


def test_fewer_than_two_folds_are_refused():
    with pytest.raises(InputError, match="2 or more"):
        outer_folds(PEOPLE, folds=1)
