import numpy as np
import pytest

from cmae.simulate import cine
from cmae.simulate.factors import ECG_INPUTS, MRI_INPUTS
from cmae.simulate.motion import cycle
from cmae.simulate.physiology import draw
from cmae.simulate.section import section


@pytest.fixture(scope="module")
def hearts():
    return draw(200, seed=4).to_dict("records")


@pytest.fixture(scope="module")
def healthy(hearts):
    return next(h for h in hearts if h["disease"] == "healthy" and h["heart_rate_bpm"] < 65)


def slices_ml(contour):
    """Volume of circles on the contour's width, from its (points, 2) in mm."""
    levels = np.linspace(contour[:, 1].min() + 1e-3, contour[:, 1].max() - 1e-3, 300)
    widths = []
    closed = np.vstack([contour, contour[:1]])
    for level in levels:
        below = closed[:-1, 1] < level
        above = closed[1:, 1] < level
        cut = np.flatnonzero(below != above)
        start, end = closed[cut], closed[cut + 1]
        x = start[:, 0] + (level - start[:, 1]) / (end[:, 1] - start[:, 1]) * (end - start)[:, 0]
        widths.append(x.max() - x.min())
    return np.pi / 4 * np.trapezoid(np.square(widths), levels) / 1000


def test_a_cine_has_the_shape_and_integers_of_a_scanner(healthy):
    recording = cine.render(healthy, np.random.default_rng(0))
    assert recording.shape == (96, 96, 50)
    assert recording.dtype == np.uint16
    assert 60 < recording.mean() < 400


def test_the_same_stream_gives_the_same_cine_and_another_differs(healthy):
    first, again, other = (cine.render(healthy, np.random.default_rng(k)) for k in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_only_the_factors_of_a_cine_change_it(healthy):
    private = {name: np.nan for name in ECG_INPUTS if name not in MRI_INPUTS}
    plain = cine.render(healthy, np.random.default_rng(1))
    assert (plain == cine.render({**healthy, **private}, np.random.default_rng(1))).all()


def test_frame_zero_is_end_diastole_and_volumes_reach_their_factors(hearts):
    for heart in hearts[:60]:
        beat = cycle(heart)
        assert beat.lv_ml.argmax() in {0, 1, 49}
        assert beat.lv_ml[0] == pytest.approx(heart["lvedv_ml"], rel=0.02)
        assert beat.lv_ml.min() == pytest.approx(heart["lvesv_ml"], rel=0.05)


def test_contours_enclose_the_volumes_of_the_factors(hearts):
    for heart in hearts[:40]:
        beat = cycle(heart)
        shape = section(heart, beat)
        for frame in (0, int(beat.lv_ml.argmin())):
            measured = slices_ml(shape.lv.contour[frame])
            assert measured == pytest.approx(beat.lv_ml[frame], rel=0.06)


def test_muscle_keeps_its_volume_while_walls_thicken(healthy):
    beat = cycle(healthy)
    shape = section(healthy, beat)
    muscle = [
        slices_ml(shape.lv_outside.contour[k]) - slices_ml(shape.lv.contour[k])
        for k in (0, int(beat.lv_ml.argmin()))
    ]
    assert muscle[0] * 1.05 == pytest.approx(healthy["lv_mass_g"], rel=0.12)
    assert muscle[1] == pytest.approx(muscle[0], rel=0.1)
    wall = shape.lv_outside.contour[..., 0].max(axis=1) - shape.lv.contour[..., 0].max(axis=1)
    assert wall[beat.lv_ml.argmin()] > 1.25 * wall[0]


def test_end_systole_comes_at_the_end_of_t_and_the_kick_a_pr_before_the_next_r(healthy):
    heart = {**healthy, "rr_ms": 1000.0, "qt_ms": 400.0, "qrs_ms": 90.0, "pr_ms": 160.0}
    volume = cycle(heart).lv_ml
    assert volume.argmin() * 20 == pytest.approx(360, abs=50)
    filling = np.diff(volume[:50])
    assert filling[43:48].min() > 2 * np.abs(filling[38:41]).max()
    without = cycle({**heart, "pr_ms": np.nan, "atrial_kick_share": 0.0}).lv_ml
    assert np.diff(without)[43:48].max() < 0.5 * filling[43:48].max()


def test_diastasis_is_shorter_in_a_fast_heart(healthy):
    def resting(rr):
        flow = np.abs(np.gradient(cycle({**healthy, "rr_ms": rr, "qt_ms": 360.0}).lv_ml))
        return (flow[25:] < 0.12 * flow.max()).mean()

    assert resting(1100.0) > resting(650.0) + 0.1


def test_a_larger_ejection_fraction_darkens_more_of_the_cavity(healthy):
    changes = []
    for fraction in (0.3, 0.5, 0.7):
        heart = {**healthy, "lvesv_ml": healthy["lvedv_ml"] * (1 - fraction)}
        shape = section(heart, cycle(heart))
        widths = np.ptp(shape.lv.contour[..., 0], axis=1)
        changes.append(widths.min() / widths[0])
    assert changes[0] > changes[1] > changes[2]


def test_a_scar_moves_less(healthy):
    beat = cycle(healthy)
    moved = []
    for territory in ("none", "lateral"):
        shape = section({**healthy, "infarct_territory": territory}, beat)
        lateral = shape.lv.contour[:, 12, 0]
        moved.append(lateral[0] - lateral[beat.lv_ml.argmin()])
    assert moved[1] < 0.6 * moved[0]


def test_the_valve_plane_descends_by_its_displacement(healthy):
    shape = section(healthy, cycle(healthy))
    assert np.ptp(shape.length) == pytest.approx(healthy["mapse_mm"], rel=0.05)


def test_motion_lies_in_the_heart_and_not_in_the_chest(healthy):
    frames = cine.render({**healthy, "scanner_noise": 0.0}, np.random.default_rng(0)).astype(float)
    motion = frames.std(axis=-1)
    assert motion[20:70, 20:75].mean() > 8 * motion[-6:, :6].mean()


def test_truth_holds_the_recording_and_what_is_under_its_noise(healthy):
    truth = cine.render_truth(healthy, np.random.default_rng(3))
    assert (truth.recording == cine.render(healthy, np.random.default_rng(3))).all()
    silent = cine.render({**healthy, "scanner_noise": 0.0}, np.random.default_rng(3))
    assert np.abs(truth.noiseless.astype(int) - silent).max() <= 1
    bright = truth.noiseless > 200
    noise = truth.recording[bright].astype(float) - truth.noiseless[bright]
    expected = healthy["scanner_noise"] * healthy["scanner_gain"]
    assert noise.mean() == pytest.approx(0, abs=1)
    assert noise.std() == pytest.approx(expected, rel=0.1)


def test_masks_lie_on_the_chambers_of_the_cine(hearts):
    for k, heart in enumerate(hearts[:20]):
        truth = cine.render_truth(heart, np.random.default_rng(k))
        assert truth.masks.shape == (96, 96, 50)
        assert set(np.unique(truth.masks)) == set(cine.MASK_LABELS.values())
        means = {
            name: truth.noiseless[truth.masks == label].mean()
            for name, label in cine.MASK_LABELS.items()
        }
        for blood in ("lv_cavity", "rv_cavity", "left_atrium", "right_atrium"):
            assert means[blood] > 1.7 * means["lv_myocardium"]
