import numpy as np
import pytest

from cmae.measure.contour import area_curve, area_length_ml, long_axis_curve
from cmae.simulate import cine
from cmae.simulate.canvas import streaks
from cmae.simulate.chest import chest, pulsation
from cmae.simulate.factors import ECG_INPUTS, MRI_INPUTS
from cmae.simulate.motion import cycle
from cmae.simulate.physiology import draw
from cmae.simulate.scanner import bands, noisy
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
    for heart in hearts[:80]:
        beat = cycle(heart)
        shape = section(heart, beat)
        for frame in (0, int(beat.lv_ml.argmin())):
            measured = slices_ml(shape.lv.contour[frame])
            assert measured == pytest.approx(beat.lv_ml[frame], rel=0.01)


def test_muscle_keeps_its_volume_over_the_cycle_with_and_without_a_scar(hearts):
    scars = ("none", "anterior", "inferior", "lateral")
    for k, heart in enumerate(hearts[:60]):
        patient = {**heart, "infarct_territory": scars[k % 4]}
        shape = section(patient, cycle(patient))
        for frame in (0, 8, 18, 30, 42):
            muscle = slices_ml(shape.lv_outside.contour[frame])
            muscle -= slices_ml(shape.lv.contour[frame])
            assert muscle * 1.05 == pytest.approx(heart["lv_mass_g"], rel=0.02)


def test_walls_thicken_by_a_third_to_two_thirds_in_the_healthy(hearts):
    thickening = []
    for heart in [h for h in hearts if h["disease"] == "healthy"][:80]:
        beat = cycle(heart)
        shape = section(heart, beat)
        wall = shape.lv_outside.contour[..., 0].max(axis=1) - shape.lv.contour[..., 0].max(axis=1)
        assert 3.5 < wall[0] < 13.8
        thickening.append(wall[beat.lv_ml.argmin()] / wall[0])
    assert 1.33 < np.mean(thickening) < 1.67
    assert min(thickening) > 1.2


def test_end_systole_comes_at_the_end_of_t_and_the_kick_a_pr_before_the_next_r(healthy):
    heart = {
        **healthy,
        "scan_rr_ms": 1000.0,
        "ejection_start_ms": 45.0,
        "ejection_stop_ms": 360.0,
        "atrial_lead_ms": 160.0,
    }
    volume = cycle(heart).lv_ml
    assert volume.argmin() * 20 == pytest.approx(360, abs=50)
    filling = np.diff(volume[:50])
    assert filling[43:48].min() > 2 * np.abs(filling[38:41]).max()
    without = cycle({**heart, "atrial_lead_ms": np.nan, "atrial_kick_share": 0.0}).lv_ml
    assert np.diff(without)[43:48].max() < 0.5 * filling[43:48].max()


def test_diastasis_is_shorter_in_a_fast_heart(healthy):
    def resting(rr):
        flow = np.abs(
            np.gradient(cycle({**healthy, "scan_rr_ms": rr, "ejection_stop_ms": 320.0}).lv_ml)
        )
        return (flow[25:] < 0.12 * flow.max()).mean()

    assert resting(1100.0) > resting(650.0) + 0.1


def test_right_bundle_branch_block_delays_the_right_ventricle_alone():
    people = draw(3000, seed=4)
    is_blocked = people["right_bundle_branch_block"] == 1
    late = people.loc[is_blocked, "rv_delay_ms"]
    assert 30 < late.median() < 50
    assert abs(people.loc[~is_blocked, "rv_delay_ms"].median()) < 2
    heart = people[is_blocked].iloc[0].to_dict()
    heart |= {"scan_rr_ms": 1000.0, "rv_delay_ms": 40.0}
    blocked, usual = cycle(heart), cycle({**heart, "rv_delay_ms": 0.0})
    assert (blocked.lv_ml == usual.lv_ml).all()
    halves = [np.argmax(b.rv_ml < np.mean(heart_range(b.rv_ml))) for b in (usual, blocked)]
    assert halves[1] - halves[0] == 2
    assert blocked.rv_ml[0] == usual.rv_ml[0]


def heart_range(curve):
    return curve.min(), curve.max()


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
    for territory, extent in (("none", 0.0), ("lateral", 0.08), ("lateral", 0.2)):
        scar = {"infarct_territory": territory, "infarct_extent": extent}
        shape = section({**healthy, **scar}, beat)
        lateral = shape.lv.contour[:, 12, 0]
        moved.append(lateral[0] - lateral[beat.lv_ml.argmin()])
    assert moved[2] < 0.6 * moved[0]
    assert moved[2] < moved[1] < moved[0]


def test_the_valve_planes_descend_by_their_displacement(hearts):
    for heart in hearts[:60]:
        shape = section(heart, cycle(heart))
        assert np.ptp(shape.length) == pytest.approx(heart["mapse_mm"], rel=0.02)
        assert np.ptp(shape.tricuspid[:, 1, 1]) == pytest.approx(heart["tapse_mm"], rel=0.02)


def test_motion_lies_in_the_heart_and_not_in_the_chest(healthy):
    frames = cine.render({**healthy, "scanner_noise": 0.0}, np.random.default_rng(0)).astype(float)
    motion = frames.std(axis=-1)
    assert motion[20:70, 20:75].mean() > 8 * motion[-6:, :6].mean()


def test_streaks_are_drawn_out_in_their_direction_and_have_unit_variance(rng):
    fields = streaks(rng, 40, (13, 30), np.pi / 4)
    assert fields.shape == (40, 96, 96)
    assert fields.std() == pytest.approx(1, abs=0.1)
    along = (fields[:, 4:, 4:] * fields[:, :-4, :-4]).mean()
    across = (fields[:, 4:, :-4] * fields[:, :-4, 4:]).mean()
    assert along > 0.6
    assert across < 0.4


def test_vessels_of_the_lung_pulse_with_the_heart(hearts):
    ranges, follows = [], []
    for k, heart in enumerate(hearts[:30]):
        beat = cycle(heart)
        frames = chest(heart, beat, np.random.default_rng(k))[:, 2:20]
        swing = np.ptp(frames, axis=0)
        vessel = np.unravel_index(swing.argmax(), swing.shape)
        ranges.append(swing.max())
        follows.append(abs(np.corrcoef(frames[:, *vessel], pulsation(beat))[0, 1]))
        assert np.median(swing) < 6
    assert np.median(ranges) > 60
    assert np.median(follows) > 0.9


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


@pytest.mark.slow
def test_volumes_measured_from_masks_agree_with_the_factors(hearts):
    measured, true = [], []
    for k, heart in enumerate(hearts[:60]):
        masks = cine.render_truth(heart, np.random.default_rng(k)).masks
        volume = area_length_ml(masks, label=1, pixel_mm=1.8)
        diastole, systole = volume[0], volume.min()
        measured.append((diastole, systole, 100 * (1 - systole / diastole)))
        true.append([heart[name] for name in ("lvedv_ml", "lvesv_ml", "lvef_percent")])
        length = long_axis_curve(masks, label=1, pixel_mm=1.8)
        assert length[0] == pytest.approx(heart["lv_length_mm"], abs=4)
    np.testing.assert_allclose(measured, true, rtol=0.08)
    assert np.mean(measured, axis=0) == pytest.approx(np.mean(true, axis=0), rel=0.04)


@pytest.mark.slow
def test_areas_of_masks_follow_the_chambers_over_the_cycle(hearts):
    for k, heart in enumerate(hearts[:50]):
        masks = cine.render_truth(heart, np.random.default_rng(k)).masks
        beat = cycle(heart)
        volumes = {1: beat.lv_ml, 3: beat.rv_ml, 4: beat.la_ml, 5: beat.ra_ml}
        for label, volume in volumes.items():
            area = area_curve(masks, label=label, pixel_mm=1.8)
            assert np.corrcoef(area, volume)[0, 1] > 0.95


def test_noise_has_the_grain_and_the_level_of_its_factors(healthy, rng):
    heart = {**healthy, "noise_grain": 0.3, "scanner_noise": 5.0, "scanner_gain": 1.0}
    noise = noisy(np.full((50, 96, 96), 1000, np.float32), heart, rng) - 1000
    assert noise.std() == pytest.approx(5, rel=0.02)
    assert noise[1::2].std() == pytest.approx(noise[::2].std(), rel=0.03)
    beside = (noise[:, :, 1:] * noise[:, :, :-1]).mean() / noise.var()
    assert beside == pytest.approx(2 * 0.3 / (1 + 2 * 0.3**2), abs=0.02)


def test_noise_lasts_over_two_to_four_frames(healthy):
    heart = {**healthy, "scanner_noise": 5.0, "scanner_gain": 1.0}
    later = []
    for k in range(12):
        noise = noisy(np.full((50, 96, 96), 1000, np.float32), heart, np.random.default_rng(k))
        noise -= noise.mean()
        later.append([(noise * np.roll(noise, n, axis=0)).mean() for n in (1, 2, 6)] / noise.var())
    assert np.all((np.array(later) > (0.70, 0.05, -0.02)) & (np.array(later) < (0.92, 0.65, 0.02)))
    assert np.ptp(later, axis=0)[1] > 0.2


def test_noise_in_air_is_rayleigh(healthy, rng):
    heart = {**healthy, "scanner_noise": 5.0, "scanner_gain": 1.0}
    air = noisy(np.zeros((50, 96, 96), np.float32), heart, rng)
    assert air.mean() == pytest.approx(5 * np.sqrt(np.pi / 2), rel=0.02)
    assert air.std() == pytest.approx(5 * np.sqrt(2 - np.pi / 2), rel=0.03)


def test_bands_darken_the_rim_and_spare_a_well_shimmed_center(hearts):
    rows, columns = np.mgrid[:96, :96] / 95 - 0.5
    still = {"shim_row": 0.0, "shim_column": 0.0, "shim_curve": 0.0}
    assert bands(still, rows, columns) == pytest.approx(1.0)
    darkest = [bands(heart, rows, columns).min() for heart in hearts]
    assert 0.1 < np.mean(np.array(darkest) < 0.5) < 0.6
    middle = [bands(heart, rows, columns)[30:66, 30:66].min() for heart in hearts]
    assert np.mean(np.array(middle) < 0.8) < 0.05


def test_blood_is_brighter_than_muscle_by_its_factor(hearts):
    for k, heart in enumerate(hearts[:30]):
        truth = cine.render_truth({**heart, "scanner_blur": 0.01}, np.random.default_rng(k))
        first, labels = truth.noiseless[..., 0], truth.masks[..., 0]
        muscle = np.percentile(first[labels == cine.MASK_LABELS["lv_myocardium"]], 30)
        blood = np.median(first[labels == cine.MASK_LABELS["lv_cavity"]])
        assert blood / muscle == pytest.approx(heart["blood_contrast"], rel=0.25)
