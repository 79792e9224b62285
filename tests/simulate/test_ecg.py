import numpy as np
import pandas as pd
import pytest

from cmae.data.modality import LEADS
from cmae.measure.electrocardiogram import measure_ecg
from cmae.simulate import ecg
from cmae.simulate.factors import ECG_INPUTS, MRI_INPUTS
from cmae.simulate.physiology import draw

LEAD = {name: number for number, name in enumerate(LEADS)}


@pytest.fixture(scope="module")
def hearts():
    return draw(300, seed=4).to_dict("records")


def beat(heart, seed=0, *, has_noise=False, **changes):
    return ecg.render({**heart, **changes}, np.random.default_rng(seed), has_noise=has_noise)


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


def test_the_left_leads_of_the_qrs_are_largest_at_sample_200(hearts):
    left = [LEAD[name] for name in ("I", "II", "V5", "V6")]
    peaks = [170 + (beat(h)[170:250, left] ** 2).sum(axis=1).argmax() for h in hearts[:60]]
    assert np.abs(np.median(peaks) - 200) <= 1
    assert np.percentile(np.abs(np.array(peaks) - 200), 90) <= 2


def test_the_pr_segment_is_at_zero(hearts):
    clean = [beat(h, has_noise=False) for h in hearts[:40] if not h["first_degree_block"]]
    levels = np.array([np.abs(b[155:165].mean(axis=0)).max() for b in clean])
    assert np.median(levels) < 0.03


def test_without_noise_it_is_the_same_beat(hearts):
    for number, heart in enumerate(hearts[:5]):
        noisy, clean = (
            ecg.render(heart, np.random.default_rng(number), has_noise=has_noise)
            for has_noise in (True, False)
        )
        silent = ecg.render({**heart, "ecg_noise_mv": 0.0}, np.random.default_rng(number))
        assert np.abs(silent - clean).max() < 1e-6
        assert 0 < np.abs(noisy - clean).max() < 0.3


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
    assert fast[450:].max() > 0.3 * fast[150:250].max()
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


def test_a_fragmented_neighbour_does_not_reach_into_the_beat(hearts):
    heart = next(h for h in hearts if h["disease"] == "healthy" and h["rr_ms"] > 950)
    near, far = beat(heart, rr_ms=1000.0), beat(heart, rr_ms=1400.0)
    assert np.abs(near - far)[150:330].max() < 0.02


@pytest.mark.parametrize(
    ("territory", "lead"), [("anterior", "V3"), ("inferior", "aVF"), ("lateral", "I")]
)
def test_an_infarct_leaves_q_in_its_leads_by_its_extent(hearts, territory, lead):
    scarred = {"infarct_territory": territory, "qrs_axis_deg": 30.0}
    early = [
        np.mean(
            [
                beat(heart, scar_extent=extent, **scarred)[160:200, LEAD[lead]].min()
                for heart in [h for h in hearts if h["disease"] == "healthy"][:24]
            ]
        )
        for extent in (0.0, 0.7, 1.5)
    ]
    assert early[0] - 0.03 > early[1] > early[2]


def test_bundle_branch_blocks_have_their_leads(hearts):
    healthy = [h for h in hearts if h["disease"] == "healthy"][:24]
    left = np.median([beat(h, qrs_ms=150.0, left_bundle_branch_block=1) for h in healthy], axis=0)
    right = np.median([beat(h, qrs_ms=140.0, right_bundle_branch_block=1) for h in healthy], axis=0)
    first, last = LEAD["V1"], LEAD["V6"]
    assert left[150:270, first].min() < -2 * left[150:270, first].max()
    assert left[150:270, last].max() > -4 * left[150:270, last].min()
    late = slice(215, 260)
    assert right[late, first].max() > 0.2
    assert right[late, last].min() < -0.05


def test_residual_noise_has_the_level_of_its_factor(hearts):
    parts = [
        beat(h, k, has_noise=True, ecg_noise_mv=0.015) - beat(h, k)
        for k, h in enumerate(hearts[:60])
    ]
    level = np.sqrt(np.mean([part.var(axis=0).mean() for part in parts]))
    assert level == pytest.approx(0.015, abs=0.003)


@pytest.fixture(scope="module")
def measured():
    table = draw(1200, seed=8)
    rows = []
    for number, heart in enumerate(table.to_dict("records")):
        m = measure_ecg(ecg.render(heart, np.random.default_rng([8, number])), rr_ms=heart["rr_ms"])
        s, r = (dict(zip(LEADS, v, strict=True)) for v in (m.s_mv, m.r_mv))
        rows.append(
            {
                "sokolow_lyon": m.sokolow_lyon_mv,
                "cornell": m.cornell_mv,
                "axis": (m.qrs_axis_deg + 150) % 360 - 150,
                "s_v3": s["V3"],
                "r_avl": r["aVL"],
                "r_i": r["I"],
                "r_ii": r["II"],
            }
        )
    return table.join(pd.DataFrame(rows))


TABLES = {  # mean, SD of the healthy: (women, men)
    "sokolow_lyon": ((1.8, 0.6), (2.1, 0.7)),
    "cornell": ((1.0, 0.4), (1.4, 0.5)),
    "axis": ((40.0, 35.0), (30.0, 35.0)),
}


@pytest.mark.parametrize("name", list(TABLES))
@pytest.mark.parametrize("sex", [0, 1])
def test_healthy_people_measure_as_the_tables_say(measured, name, sex):
    mean, sd = TABLES[name][sex]
    rows = (measured["disease"] == "healthy") & (measured["sex"] == sex)
    values = measured.loc[rows, name]
    assert abs(values.mean() - mean) < 0.05 * mean + 2.5 * sd / np.sqrt(rows.sum())
    assert abs(values.std() / sd - 1) < 0.20


@pytest.mark.parametrize("sex", [0, 1])
def test_voltages_know_as_little_of_mass_as_they_do(measured, sex):
    rows = measured[measured["sex"] == sex]
    r = {
        name: np.corrcoef(rows[name], rows["lv_mass_index_g_m2"])[0, 1]
        for name in ("sokolow_lyon", "s_v3", "r_avl", "r_i", "r_ii")
    }
    assert 0.30 - 0.12 < r["sokolow_lyon"] < 0.30 + 0.12
    assert r["s_v3"] > max(r["r_avl"], r["r_i"], r["r_ii"])
    assert max(abs(r["r_avl"]), abs(r["r_i"]), abs(r["r_ii"])) < 0.75 * r["s_v3"]


def test_hypertrophy_rules_are_specific_and_hardly_sensitive(measured):
    healthy = measured[measured["disease"] == "healthy"].groupby("sex")["lv_mass_index_g_m2"]
    limit = measured["sex"].map(healthy.mean() + 2 * healthy.std())
    is_thick = measured["lv_mass_index_g_m2"] > limit
    rules = {
        "sokolow_lyon": measured["sokolow_lyon"] >= 3.5,
        "cornell": measured["cornell"] >= np.where(measured["sex"] == 1, 2.8, 2.0),
    }
    for says_thick in rules.values():
        assert 0.05 < says_thick[is_thick].mean() < 0.34
        assert 0.88 <= (~says_thick[~is_thick]).mean() < 0.995
