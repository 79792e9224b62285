import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cmae.errors import InputError
from cmae.evaluation.realism import (
    KINDS,
    beat_values,
    cine_values,
    discrimination,
    share_within,
)
from cmae.simulate import ecg
from cmae.simulate.physiology import draw


@pytest.fixture(scope="module")
def beats():
    table = draw(1200, seed=6)
    rows = table.to_dict("records")
    return (
        np.array(
            [ecg.render(heart, np.random.default_rng([6, k])) for k, heart in enumerate(rows)]
        ),
        table["rr_ms"].to_numpy(),
    )


def test_values_of_one_distribution_lie_within_each_other():
    rng = np.random.default_rng(0)
    share = share_within(rng.normal(size=(4000, 9)), rng.normal(size=(60, 9)))
    assert share.value == pytest.approx(0.98, abs=0.02)
    assert share.low < share.value < share.high


def test_values_that_are_far_off_lie_without_and_missing_ones_do_not_count():
    rng = np.random.default_rng(0)
    real = np.full((20, 2), 9.0)
    real[:10, 0] = 0.0
    real[10:, 0] = np.nan
    share = share_within(rng.normal(size=(500, 2)), real)
    assert share.value == pytest.approx(10 / 30)


@pytest.mark.slow
def test_beats_of_one_simulator_cannot_be_told_apart(beats):
    recordings, rr = beats
    found = discrimination(
        recordings[15:], recordings[:15], rr_ms=(rr[15:], rr[:15]), components=15
    )
    assert 0.3 < found.auroc.value < 0.7
    assert found.auroc.low < 0.5 < found.auroc.high


@pytest.mark.slow
def test_louder_beats_are_told_apart(beats):
    recordings, rr = beats
    noise = 0.2 * np.random.default_rng(0).normal(size=(15, 600, 12))
    found = discrimination(
        recordings[15:], recordings[:15] * 2 + noise, rr_ms=(rr[15:], rr[:15]), components=15
    )
    assert found.auroc.value > 0.8


def test_values_of_a_beat_have_their_places(beats):
    recordings, rr = beats
    values = beat_values(recordings[0], rr_ms=rr[0])
    assert values.shape == (55,)
    assert KINDS["voltages"].stop == 55
    assert 60 < values[2] < 180


def test_too_few_beats_are_refused(beats):
    recordings, rr = beats
    with pytest.raises(InputError, match="too few"):
        discrimination(recordings[:50], recordings[:3], rr_ms=(rr[:50], rr[:3]))
    with pytest.raises(InputError, match="cannot be compared"):
        share_within(np.zeros((5, 3)), np.zeros((0, 3)))


def test_a_still_cine_does_not_move_and_a_beating_one_beats_in_its_harmonic():
    rng = np.random.default_rng(0)
    still = np.repeat(rng.normal(size=(96, 96, 1)), 50, axis=2)
    beating = still * (1 + 0.5 * np.cos(2 * np.pi * 2 * np.arange(50) / 50))
    noisy = still + rng.normal(size=(96, 96, 50))
    assert cine_values(still)["share of variance that moves"] == pytest.approx(0, abs=1e-9)
    assert cine_values(beating)["of it in harmonics 1 to 3"] == pytest.approx(1)
    assert cine_values(noisy)["share of variance that moves"] == pytest.approx(0.5, abs=0.02)
    assert cine_values(noisy)["of it in harmonics 8 and above"] == pytest.approx(18 / 25, abs=0.03)


def test_a_white_cine_has_a_flat_spectrum_and_a_smooth_one_a_steep_one():
    white = np.random.default_rng(0).normal(size=(96, 96, 50))
    smooth = gaussian_filter(white, (2, 2, 0))
    name = "slope of the spectrum, coarse"
    assert cine_values(white)[name] == pytest.approx(0, abs=0.15)
    assert cine_values(smooth)[name] < -1
