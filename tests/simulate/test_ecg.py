import numpy as np
import pytest

from cmae.data.modality import LEADS
from cmae.simulate import ecg
from cmae.simulate.factors import ECG_INPUTS, MRI_INPUTS
from cmae.simulate.physiology import draw

LEAD = {name: number for number, name in enumerate(LEADS)}


@pytest.fixture(scope="module")
def hearts():
    return draw(300, seed=4).to_dict("records")


def beat(heart, seed=0, **changes):
    return ecg.render({**heart, "ecg_noise_mv": 0.0, **changes}, np.random.default_rng(seed))


def test_a_beat_has_the_shape_and_type_of_a_recording(hearts):
    recording = ecg.render(hearts[0], np.random.default_rng(0))
    assert recording.shape == (600, 12)
    assert recording.dtype == np.float32


def test_limb_leads_obey_einthoven_and_goldberger(hearts):
    for heart in hearts[:20]:
        leads = ecg.render(heart, np.random.default_rng(1)).T
        one, two, three, right, left, foot = leads[:6]
        assert np.abs(two - one - three).max() < 1e-6
        assert np.abs(right + (one + two) / 2).max() < 1e-6
        assert np.abs(left - (one - three) / 2).max() < 1e-6
        assert np.abs(foot - (two + three) / 2).max() < 1e-6


def test_the_same_stream_gives_the_same_beat_and_another_differs(hearts):
    assert (beat(hearts[3], 5) == beat(hearts[3], 5)).all()
    assert (beat(hearts[3], 5) != beat(hearts[3], 6)).any()


def test_the_qrs_is_largest_at_sample_200(hearts):
    ordinary = [heart for heart in hearts if heart["qrs_ms"] < 115]
    peaks = [120 + (beat(h)[120:280] ** 2).sum(axis=1).argmax() for h in ordinary[:60]]
    assert np.abs(np.median(peaks) - 200) <= 1
    assert np.abs(np.array(peaks) - 200).max() <= 8


def test_only_the_factors_of_an_ecg_change_it(hearts):
    private = {name: np.nan for name in MRI_INPUTS if name not in ECG_INPUTS}
    assert (beat(hearts[0]) == beat(hearts[0], **private)).all()


def test_p_starts_a_pr_interval_before_the_qrs_and_is_absent_in_fibrillation(hearts):
    heart = next(h for h in hearts if h["disease"] == "healthy" and h["heart_rate_bpm"] < 70)
    second = LEAD["II"]
    near, far = (beat(heart, pr_ms=pr)[:175, second] for pr in (180.0, 220.0))
    assert near.argmax() - far.argmax() == pytest.approx(20, abs=2)
    without = beat(heart, pr_ms=np.nan)[:175, second]
    assert without.max() < 0.5 * near.max()


def test_a_fast_heart_shows_its_next_r_and_a_slow_one_does_not(hearts):
    heart = next(h for h in hearts if h["disease"] == "healthy")
    fast = np.abs(np.diff(beat(heart, rr_ms=600.0, qt_ms=320.0), axis=0)).max(axis=1)
    slow = np.abs(np.diff(beat(heart, rr_ms=1100.0, qt_ms=400.0), axis=0)).max(axis=1)
    assert fast[450:].max() > 0.8 * fast[150:250].max()
    assert slow[450:].max() < 0.2 * slow[150:250].max()


def test_a_longer_qt_ends_the_t_wave_later(hearts):
    heart = next(h for h in hearts if h["disease"] == "healthy" and h["t_gain"] > 0.8)
    peaks = [260 + beat(heart, qt_ms=qt)[260:420, LEAD["V4"]].argmax() for qt in (380.0, 440.0)]
    assert 15 < peaks[1] - peaks[0] < 40


def test_the_axis_turns_lead_one_against_avf(hearts):
    heart = next(h for h in hearts if h["disease"] == "healthy")
    nets = []
    for axis in (-30.0, 90.0):
        qrs = beat(heart, qrs_axis_deg=axis)[180:230]
        nets.append(qrs.max(axis=0) + qrs.min(axis=0))
    assert nets[0][LEAD["I"]] > 0 > nets[0][LEAD["aVF"]]
    assert nets[1][LEAD["aVF"]] > abs(nets[1][LEAD["I"]])


def test_sokolow_lyon_grows_with_mass_index_as_weakly_as_it_does():
    table = draw(900, seed=8)
    voltages = []
    for number, heart in enumerate(table.to_dict("records")):
        qrs = ecg.render(heart, np.random.default_rng(number))[170:250]
        r = max(qrs[:, LEAD["V5"]].max(), qrs[:, LEAD["V6"]].max())
        voltages.append(r - qrs[:, LEAD["V1"]].min())
    voltages = np.array(voltages)
    for sex in (0, 1):
        rows = (table["sex"] == sex).to_numpy()
        r = np.corrcoef(voltages[rows], table["lv_mass_index_g_m2"][rows])[0, 1]
        assert 0.15 < r < 0.5
        assert 1.2 < voltages[rows].mean() < 2.8


def test_residual_noise_has_the_level_of_its_factor(hearts):
    clean = beat(hearts[1], 2)
    noisy = beat(hearts[1], 2, ecg_noise_mv=0.015)
    assert 0.010 < (noisy - clean)[:, LEAD["V2"]].std() < 0.022
