import numpy as np
import pytest

from cmae.data.modality import LEADS
from cmae.errors import InputError
from cmae.measure.electrocardiogram import measure_ecg
from cmae.readers.ecg import read_ecg
from cmae.readers.median_beat import median_beat
from cmae.simulate import ecg
from cmae.simulate.physiology import draw

TIMES_MS = (np.arange(600) - 200) * 2.0
LEAD = {name: number for number, name in enumerate(LEADS)}


def drawn_beat(*, has_p=True, axis_deg=60.0, scale=1.0):
    """P of 100 ms from −190 ms, a triangular QRS of 80 ms with S in V1, T from 150 to 350 ms."""
    p = 0.1 * np.exp(-0.5 * ((TIMES_MS + 140) / 25) ** 2) * has_p
    r = np.interp(TIMES_MS, [-40, 0, 40], [0, 1, 0])
    t = 0.3 * np.exp(-0.5 * ((TIMES_MS - 250) / 50) ** 2)
    angle = np.deg2rad(axis_deg)
    one = np.cos(angle) * r + p + t
    foot = np.sqrt(3) / 2 * (np.sin(angle) * r + p + t)
    two = foot + one / 2
    chest = [(-1.2, 0.0), (-1.5, 0.3), (-0.9, 0.4), (0.8, 0.4), (1.6, 0.3), (1.3, 0.2)]
    limbs = [one, two, two - one, -(one + two) / 2, one - two / 2, foot]
    return scale * np.stack([*limbs, *(size * r + up * t + p for size, up in chest)], axis=1)


def test_a_drawn_beat_measures_as_it_was_drawn():
    measured = measure_ecg(drawn_beat())
    assert measured.pr_ms == pytest.approx(150, abs=8)
    assert measured.p_duration_ms == pytest.approx(100, abs=15)
    assert measured.qrs_ms == pytest.approx(80, abs=10)
    assert measured.qt_ms == pytest.approx(390, abs=10)
    assert measured.qrs_axis_deg == pytest.approx(60, abs=1)
    assert measured.sokolow_lyon_mv == pytest.approx(2.8, abs=0.02)
    assert measured.q_mv[LEAD["V1"]] == measured.s_mv[LEAD["V1"]] == pytest.approx(1.2, abs=0.02)
    assert measured.r_mv[LEAD["V1"]] == pytest.approx(0, abs=0.02)
    assert measured.t_mv[LEAD["V3"]] == pytest.approx(0.4 * 0.3, abs=0.01)


def test_cornell_is_r_in_avl_and_s_in_v3():
    beat = drawn_beat(axis_deg=0.0)
    expected = beat[200, LEAD["aVL"]] - beat[200, LEAD["V3"]]
    assert measure_ecg(beat).cornell_mv == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("axis", [-120.0, -45.0, 0.0, 90.0, 150.0])
def test_the_axis_is_found_all_around(axis):
    assert measure_ecg(drawn_beat(axis_deg=axis)).qrs_axis_deg == pytest.approx(axis, abs=1)


def test_without_p_its_measures_are_nan_and_the_others_stay():
    measured = measure_ecg(drawn_beat(has_p=False))
    assert np.isnan([measured.pr_ms, measured.p_duration_ms, measured.p_axis_deg]).all()
    assert measured.qrs_ms == pytest.approx(80, abs=10)


def test_intervals_do_not_depend_on_size():
    small, large = measure_ecg(drawn_beat(scale=0.6)), measure_ecg(drawn_beat(scale=2.0))
    assert small.qrs_ms == pytest.approx(large.qrs_ms, abs=0.5)
    assert small.qt_ms == pytest.approx(large.qt_ms, abs=0.5)


def test_what_is_no_beat_is_refused():
    with pytest.raises(InputError, match="600"):
        measure_ecg(np.zeros((500, 12)))
    with pytest.raises(InputError, match="finite"):
        measure_ecg(np.full((600, 12), np.nan))


@pytest.fixture(scope="module")
def population():
    table = draw(400, seed=11)
    measured = [
        measure_ecg(ecg.render(heart, np.random.default_rng([11, k])), rr_ms=heart["rr_ms"])
        for k, heart in enumerate(table.to_dict("records"))
    ]
    return table, measured


@pytest.mark.parametrize(
    ("name", "typical", "rare"),
    [("pr_ms", 8, 25), ("qrs_ms", 6, 15), ("qt_ms", 8, 25), ("p_duration_ms", 12, 45)],
)
def test_intervals_of_simulated_beats_are_their_factors(population, name, typical, rare):
    table, measured = population
    has_p = table["pr_ms"].notna().to_numpy()
    error = np.array([getattr(m, name) for m in measured])[has_p] - table[name].to_numpy()[has_p]
    error = np.abs(error[np.isfinite(error)])
    assert len(error) > 350
    assert np.median(error) < typical
    assert np.percentile(error, 95) < rare


def test_axes_of_simulated_beats_are_their_factors(population):
    table, measured = population
    error = np.array([m.qrs_axis_deg for m in measured]) - table["qrs_axis_deg"]
    error = np.abs((error + 180) % 360 - 180)
    assert np.median(error) < 4
    assert np.percentile(error, 95) < 15


def test_p_is_found_where_there_is_one_and_seldom_in_fibrillation(population):
    table, measured = population
    found = np.array([np.isfinite(m.pr_ms) for m in measured])
    has_p = table["pr_ms"].notna().to_numpy()
    assert found[has_p].mean() > 0.95
    hearts = table[table["disease"] == "healthy"].head(80).to_dict("records")
    fibrillating = [{**heart, "pr_ms": np.nan, "atrial_fibrillation": 1} for heart in hearts]
    beats = [ecg.render(h, np.random.default_rng(k)) for k, h in enumerate(fibrillating)]
    still = [
        np.isfinite(measure_ecg(beat, rr_ms=heart["rr_ms"]).pr_ms)
        for beat, heart in zip(beats, hearts, strict=True)
    ]
    assert np.mean(still) < 0.3


def test_real_beats_measure_as_hearts_do(realdata):
    headers = sorted((realdata / "ecg" / "cinc2021").glob("[EH]*.hea"))
    beats = [median_beat(read_ecg(header)) for header in headers]
    measured = [measure_ecg(beat.recording, rr_ms=beat.rr_ms) for beat in beats]
    qt = np.array([m.qt_ms for m in measured])
    qtc = qt / np.cbrt([beat.rr_ms / 1000 for beat in beats])
    assert len(measured) >= 15
    assert all(60 < m.qrs_ms < 160 for m in measured)
    assert np.mean([90 < m.pr_ms < 260 for m in measured]) > 0.85
    assert np.mean((qtc > 330) & (qtc < 500)) > 0.85
    assert all(0.3 < m.sokolow_lyon_mv < 6 for m in measured)
