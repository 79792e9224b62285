import numpy as np
import pytest

from cmae.readers.beat_average import finely_aligned, middle, typical_beat, without_fast_noise
from cmae.readers.qrs_complex import independent, qrs_onset


def test_one_odd_beat_of_six_changes_little():
    beats = np.zeros((6, 600, 8))
    beats[2] = 1.0

    assert np.abs(typical_beat(beats, np.ones((6, 600), bool))).max() < 1e-12


def test_samples_that_do_not_count_are_left_out():
    beats, known = np.ones((4, 600, 8)), np.ones((4, 600), bool)
    beats[0, :100], known[0, :100] = 9.0, False

    np.testing.assert_allclose(typical_beat(beats, known), 1.0)


def test_a_beat_without_noise_stays_within_1_uv(foreign):
    beat = independent(foreign.one_beat(500.0))

    assert 1000 * np.abs(without_fast_noise(beat) - beat).max() < 1


def test_noise_goes_where_the_beat_is_slow_and_the_qrs_complex_stays(rng, foreign):
    beat = independent(foreign.one_beat(500.0))
    noisy = beat + rng.normal(0, 0.006, beat.shape)

    left = 1000 * (without_fast_noise(noisy) - beat)

    assert left[20:150].std() < 3
    assert np.abs(left[185:215].mean(axis=1)).max() < 12


def test_a_plateau_inside_a_wide_complex_is_no_pr_segment():
    time = np.arange(600)
    notched = np.interp(time, [160, 168, 190, 198, 200, 240], [0, 0.8, 0.8, 1.2, 1.2, 0])

    assert qrs_onset(np.tile(notched[:, None], 8)) <= 162


@pytest.mark.parametrize("count", [4, 5])
def test_the_middle_of_beats_is_their_median(rng, count):
    beats = rng.normal(size=(count, 30, 8))

    np.testing.assert_allclose(middle(beats), np.median(beats, axis=0))


def test_beats_off_by_parts_of_a_sample_are_brought_together():
    time = np.arange(600.0)
    shifts = np.array([-0.5, -0.2, 0.0, 0.3, 0.4])
    wave = np.exp(-0.5 * ((time - 200 - shifts[:, None]) / 5) ** 2)
    beats = wave[:, :, None] * np.linspace(-1, 2, 8)

    moved = finely_aligned(beats, beats.mean(axis=0), slice(160, 260))

    assert np.ptp(beats, axis=0).max() > 0.15
    assert np.ptp(moved, axis=0).max() < 0.01
