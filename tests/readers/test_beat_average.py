import numpy as np

from cmae.readers.beat_average import typical_beat, without_fast_noise
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
