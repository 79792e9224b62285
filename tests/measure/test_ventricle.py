"""The left ventricle found in simulated cines with masks, and in a real one with contours."""

import numpy as np
import pytest
from matplotlib.path import Path as Outline
from scipy.ndimage import gaussian_filter

from cmae.errors import InputError
from cmae.measure.ventricle import ejection, find_ventricle, of_masks
from cmae.readers.cine import read_cine
from cmae.readers.heart_crop import heart_crop
from cmae.readers.heart_motion import display_axes
from cmae.simulate import cine
from cmae.simulate.physiology import draw

HEARTS = 12


@pytest.fixture(scope="module")
def hearts():
    return draw(HEARTS, seed=4)


@pytest.fixture(scope="module")
def truths(hearts):
    return [
        cine.render_truth(heart, np.random.default_rng(k))
        for k, heart in enumerate(hearts.to_dict("records"))
    ]


@pytest.fixture(scope="module")
def found(truths):
    return [find_ventricle(truth.recording) for truth in truths]


def dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def cavity(truth):
    return truth.masks == cine.MASK_LABELS["lv_cavity"]


def test_masks_cover_the_true_cavity(truths, found):
    for frame_of, usual, least in ((np.argmax, 0.92, 0.84), (np.argmin, 0.88, 0.78)):
        scores = []
        for truth, ventricle in zip(truths, found, strict=True):
            frame = frame_of(cavity(truth).sum(axis=(0, 1)))
            scores.append(dice(ventricle.masks[..., frame], cavity(truth)[..., frame]))
        assert np.median(scores) > usual
        assert min(scores) > least


def test_areas_and_volumes_follow_the_truth(truths, found, hearts):
    true = [of_masks(cavity(truth)) for truth in truths]
    curves = [
        np.corrcoef(own.area_mm2, other.area_mm2)[0, 1]
        for own, other in zip(found, true, strict=True)
    ]
    assert np.median(curves) > 0.98
    assert min(curves) > 0.85
    beats = [ejection(ventricle) for ventricle in found]
    assert np.corrcoef([beat.edv_ml for beat in beats], hearts["lvedv_ml"])[0, 1] > 0.85
    assert np.corrcoef([beat.esv_ml for beat in beats], hearts["lvesv_ml"])[0, 1] > 0.85
    assert abs(np.mean([b.ef_percent for b in beats]) - hearts["lvef_percent"].mean()) < 10


def test_thick_walls_weigh_more(found, hearts):
    assert np.corrcoef([v.wall_g for v in found], hearts["lv_mass_g"])[0, 1] > 0.5


def test_scale_does_not_matter(truths, found):
    recording = truths[0].recording.astype(np.float32)
    z_score = find_ventricle((recording - recording.mean()) / recording.std())
    assert dice(z_score.masks, found[0].masks) > 0.999


def test_a_blurred_cine_gives_nearly_the_same_areas(truths, found):
    for truth, sharp in zip(truths[:4], found[:4], strict=True):
        blurred = find_ventricle(gaussian_filter(truth.recording.astype(float), (1.5, 1.5, 1)))
        assert dice(blurred.masks, sharp.masks) > 0.88
        assert ejection(blurred).edv_ml == pytest.approx(ejection(sharp).edv_ml, rel=0.2)


def test_the_cycle_may_begin_anywhere(truths, found):
    turned = find_ventricle(np.roll(truths[0].recording, 17, axis=2))
    assert dice(turned.masks, np.roll(found[0].masks, 17, axis=2)) > 0.99
    assert ejection(turned).ef_percent == pytest.approx(ejection(found[0]).ef_percent, abs=1)


def test_ejection_measures_are_those_of_the_curves():
    masks = np.zeros((96, 96, 50), bool)
    for frame in range(50):
        half = 10 + round(4 * np.cos(2 * np.pi * frame / 50))
        masks[20:70, 50 - half : 50 + half, frame] = True
    beat = ejection(of_masks(masks, pixel_mm=2.0))
    assert beat.max_area_cm2 == pytest.approx(50 * 28 * 0.04, rel=0.02)
    assert beat.min_area_cm2 == pytest.approx(50 * 12 * 0.04, rel=0.04)
    assert (beat.max_frame, beat.min_frame) == (0, 25)
    assert beat.area_change_percent == pytest.approx(
        100 * (1 - beat.min_area_cm2 / beat.max_area_cm2)
    )
    assert beat.ef_percent == pytest.approx(100 * (1 - beat.esv_ml / beat.edv_ml))


@pytest.mark.parametrize("what", ["flat", "noise", "nan", "dark heart"])
def test_where_nothing_is_found_numbers_are_missing(what, rng):
    cines = {
        "flat": np.ones((96, 96, 50)),
        "noise": rng.normal(size=(96, 96, 50)),
        "nan": np.full((96, 96, 50), np.nan),
        "dark heart": np.where(np.indices((96, 96, 50))[0] > 80, 100.0, 1.0),
    }
    ventricle = find_ventricle(cines[what])
    assert np.isnan(ventricle.area_mm2).all()
    assert not ventricle.masks.any()
    beat = ejection(ventricle)
    assert np.isnan([beat.max_area_cm2, beat.ef_percent, ventricle.wall_g]).all()
    assert beat.max_frame == -1


def test_another_shape_is_refused():
    with pytest.raises(InputError, match=r"\(96, 96\)"):
        find_ventricle(np.zeros((96, 96)))


def test_a_real_heart_is_found(realdata, slice_contour):
    series = read_cine(realdata / "cmr/biv-me/dicom/Se6")
    crop = heart_crop(series)
    across, along = display_axes(series)
    surfaces = np.load(realdata / "cmr/biv-me/patient1_fitted_surfaces.npz")
    ventricle = find_ventricle(crop.recording, pixel_mm=crop.pixel_mm)
    pixels = np.argwhere(np.ones((96, 96)))
    scores = []
    for k, points in enumerate(surfaces["LV_ENDOCARDIAL_verts"]):
        contour = slice_contour(points, surfaces["LV_ENDOCARDIAL_faces"], series)
        from_centre = (contour - (crop.heart_row, crop.heart_column)) * series.pixel_mm
        places = np.stack([from_centre @ along, from_centre @ across], axis=1) / 1.8 + 47.5
        around = places - places.mean(axis=0)
        ordered = places[np.argsort(np.arctan2(around[:, 0], around[:, 1]))]
        inside = Outline(ordered).contains_points(pixels).reshape(96, 96)
        scores.append(dice(inside, ventricle.masks[..., 2 * k]))
    assert np.median(scores) > 0.85
    assert min(scores) > 0.7
