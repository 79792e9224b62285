import numpy as np
import pytest

from cmae.simulate.physiology import draw
from cmae.simulate.rhythm import RhythmSettings, departure_uv, record

QUIET = RhythmSettings(noise_mv=0.0, wander_mv=0.0, mains_mv=0.0, modulation=0.0)


def heart_of(number):
    return draw(1, seed=11, first=number).iloc[0].to_dict()


def test_the_truth_departs_by_nothing_and_a_bent_one_by_its_bend():
    rhythm = record(heart_of(0), np.random.default_rng(0), QUIET)

    assert departure_uv(rhythm.beat, rhythm) < 1e-6
    assert departure_uv(rhythm.beat + 0.02, rhythm) == pytest.approx(20, rel=0.05)


def test_beats_stand_where_they_are_said_to():
    rhythm = record(heart_of(1), np.random.default_rng(0), QUIET)
    inside = rhythm.peaks[(rhythm.peaks > 300) & (rhythm.peaks < 4500)].round().astype(int)

    heights = np.abs(rhythm.signals[inside][:, [0, 1, 10, 11]]).max(axis=1)

    assert len(inside) > 5
    assert heights == pytest.approx(heights.mean(), rel=0.1)


def test_noise_has_the_asked_size_and_leads_obey_einthoven():
    loud = RhythmSettings(noise_mv=0.03, wander_mv=0.0, mains_mv=0.0)
    rhythm = record(heart_of(2), np.random.default_rng(0), loud)
    noise = (rhythm.signals - rhythm.clean)[:, [0, 1, 6, 7, 8, 9, 10, 11]]

    assert 0.02 < (noise - noise.mean(axis=0)).std() < 0.04
    np.testing.assert_allclose(
        rhythm.signals[:, 2], rhythm.signals[:, 1] - rhythm.signals[:, 0], atol=1e-5
    )


def test_ectopic_beats_come_early_in_their_share():
    settings = RhythmSettings(duration_s=60.0, ectopic_share=0.2)
    rhythm = record(heart_of(3), np.random.default_rng(0), settings)
    intervals = np.diff(rhythm.peaks)

    assert rhythm.is_ectopic.mean() == pytest.approx(0.2, abs=0.04)
    assert intervals[rhythm.is_ectopic[1:]].mean() < 0.75 * np.median(intervals)
