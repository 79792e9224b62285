import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from cmae.errors import InputError
from cmae.latent import mean_recordings as module
from cmae.latent.mean_recordings import difference, mean_recording


class Beats:
    """A cohort of random ECGs; it remembers how many it was asked for at once."""

    def __init__(self, count=90, *, repeated=0):
        rng = np.random.default_rng(0)
        self.beats = rng.normal(3, 0.2, (count, 600, 12)).astype(np.float32)
        self.beats[:30] += 0.5
        who = [f"P{max(k - repeated, 0)}" for k in range(count)]
        self.table = pd.DataFrame({"participant_id": who, "visit": range(count)})
        self.asked = []

    def has(self, modality):
        return np.arange(len(self.beats)) % 10 != 9

    def read_many(self, modality, rows):
        self.asked.append(len(rows))
        return self.beats[rows]


def test_mean_and_interval_are_those_of_numpy_in_any_chunks(monkeypatch):
    cohort = Beats()
    monkeypatch.setattr(module, "AT_ONCE", {"ecg": 7})
    found = mean_recording(cohort, "ecg", np.arange(30))
    beats = cohort.beats[[k for k in range(30) if k % 10 != 9]].astype(np.float64)
    assert (found.participants, found.without) == (27, 3)
    assert max(cohort.asked) == 7
    np.testing.assert_allclose(found.mean, beats.mean(0), rtol=1e-6)
    error = beats.std(0, ddof=1) / 27**0.5
    np.testing.assert_allclose(found.standard_error, error, rtol=1e-5)
    np.testing.assert_allclose(found.high, beats.mean(0) + 2.0555 * error, rtol=1e-5)
    np.testing.assert_allclose(found.low, beats.mean(0) - 2.0555 * error, rtol=1e-5)


def test_difference_has_a_sign_and_welchs_interval():
    cohort = Beats()
    first = mean_recording(cohort, "ecg", np.arange(90) < 30)
    second = mean_recording(cohort, "ecg", np.arange(90) >= 30)
    found = difference(first, second)
    assert found.difference.mean() == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose(difference(second, first).difference, -found.difference)
    has = cohort.has("ecg")
    test = ttest_ind(
        cohort.beats[:30][has[:30]].astype(float),
        cohort.beats[30:][has[30:]].astype(float),
        equal_var=False,
    )
    low, high = test.confidence_interval()
    np.testing.assert_allclose(found.low, low, atol=1e-5)
    np.testing.assert_allclose(found.high, high, atol=1e-5)


def test_cines_are_averaged_as_their_z_scores(full_cohort):
    found = mean_recording(full_cohort, "mri", np.arange(12))
    cines = full_cohort.read_many("mri", [k for k in range(12) if k != 1]).astype(np.float64)
    z = (cines - cines.mean((1, 2, 3), keepdims=True)) / cines.std((1, 2, 3), keepdims=True)
    assert found.participants == 11  # row 1 is the second visit of row 0
    np.testing.assert_allclose(found.mean, z.mean(0), atol=1e-4)
    np.testing.assert_allclose(found.standard_error, z.std(0, ddof=1) / 11**0.5, atol=1e-4)


def test_a_participant_counts_once_with_the_first_row_that_has_a_recording():
    cohort = Beats(repeated=20)
    found = mean_recording(cohort, "ecg", np.arange(30))
    kept = [0, *(k for k in range(21, 30) if k % 10 != 9)]
    assert found.participants == len(kept)
    np.testing.assert_allclose(found.mean, cohort.beats[kept].mean(0, dtype=float), rtol=1e-6)


def test_groups_without_recordings_are_refused_in_one_sentence():
    cohort = Beats()
    for rows, message in (
        ([], "group is empty"),
        ([9, 19], "0 participants of the group have an"),
        ([1, 9], "takes two"),
        ([90], "outside the table's 90"),
    ):
        with pytest.raises(InputError, match=message):
            mean_recording(cohort, "ecg", np.array(rows, np.int64))
    with pytest.raises(InputError, match="no modality 'ct'"):
        mean_recording(cohort, "ct", np.arange(5))
    cohort.beats[3, 0, 0] = np.nan
    with pytest.raises(InputError, match="not finite"):
        mean_recording(cohort, "ecg", np.arange(5))


def test_a_large_group_is_averaged_by_a_seeded_draw_and_says_of_how_many():
    cohort = Beats()
    found = mean_recording(cohort, "ecg", np.arange(90), most=20, seed=3)
    assert (found.participants, found.available, found.without) == (20, 81, 9)
    assert sum(cohort.asked) == 20
    again = mean_recording(cohort, "ecg", np.arange(90), most=20, seed=3)
    np.testing.assert_array_equal(found.mean, again.mean)
    other = mean_recording(cohort, "ecg", np.arange(90), most=20, seed=4)
    assert not np.array_equal(found.mean, other.mean)
    whole = mean_recording(cohort, "ecg", np.arange(90), most=81)
    np.testing.assert_array_equal(whole.mean, mean_recording(cohort, "ecg", np.arange(90)).mean)


def test_what_is_clear_of_zero_stays_and_the_rest_is_zero():
    cohort = Beats()
    cohort.beats[:, 300:] = np.random.default_rng(1).normal(3, 0.2, (90, 300, 12))
    found = difference(
        mean_recording(cohort, "ecg", np.arange(90) < 30),
        mean_recording(cohort, "ecg", np.arange(90) >= 30),
    )
    assert found.is_clear[:300].all()
    assert 0.01 < found.is_clear[300:].mean() < 0.1
    clear = found.clear()
    np.testing.assert_array_equal(clear[:300], found.difference[:300])
    np.testing.assert_array_equal(clear[~found.is_clear], 0)
