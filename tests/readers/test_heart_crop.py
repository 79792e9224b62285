from pathlib import Path

import numpy as np
import pytest

from cmae.errors import ReadError
from cmae.readers.cine import read_cine
from cmae.readers.cine_series import CineSeries
from cmae.readers.heart_crop import heart_crop, resample_cycle


def series_of(frames, **facts):
    return CineSeries(frames.astype(np.float32), facts.pop("pixel_mm", (1.8, 1.8)), 900.0, **facts)


def test_the_crop_is_centred_on_what_beats(foreign):
    cine = heart_crop(series_of(foreign.beating_heart()))

    assert (cine.heart_row, cine.heart_column) == pytest.approx((75, 50), abs=2)
    assert cine.recording.shape == (96, 96, 50)
    moving = cine.recording.std(axis=2) > 30
    assert np.argwhere(moving).mean(axis=0) == pytest.approx([47.5, 47.5], abs=2)
    assert cine.motion_energy > 0.9
    assert cine.frames_recorded == 25
    assert cine.clipped_share == pytest.approx((96 * 96 - 94 * 96) / 96**2, abs=0.05)


def test_noise_and_a_pulsing_vessel_do_not_move_the_centre(rng, foreign):
    frames = foreign.beating_heart() + rng.normal(0, 20, (128, 128, 25))
    rows, columns = np.indices((128, 128))
    vessel = np.hypot(rows - 35, columns - 80) < 4
    frames += 900 * vessel[:, :, None] * (1 + np.sin(2 * np.pi * np.arange(25) / 25))

    cine = heart_crop(series_of(frames))

    assert (cine.heart_row, cine.heart_column) == pytest.approx((75, 50), abs=2)


@pytest.mark.parametrize("pixel_mm", [(0.9, 0.9), (1.4, 1.4), (2.4, 1.2)])
def test_size_in_mm_does_not_depend_on_the_scanners_pixels(pixel_mm):
    rows, columns = (np.arange(int(240 / side)) * side for side in pixel_mm)
    distance = np.hypot(rows[:, None] - 120, columns[None, :] - 110)
    radius = 30 + 8 * np.cos(2 * np.pi * np.arange(30) / 30)
    frames = 500 / (1 + np.exp((distance[:, :, None] - radius) / 2))

    cine = heart_crop(series_of(frames, pixel_mm=pixel_mm))

    area = (cine.recording[:, :, 0] > 250).sum() * 1.8**2
    assert area == pytest.approx(np.pi * 38**2, rel=0.04)


def test_stored_flips_and_turns_give_the_same_crop(foreign):
    frames = foreign.beating_heart()
    frames[60:70, 60:64] += 300
    # Stored with the patient's left on the right and the front of the chest at the top ...
    upright = series_of(frames, right=(1, 0, 0), down=(0, 0.8, 0.6), is_oriented=True)
    # ... and the same slice stored upside down, mirrored, and with rows for columns.
    others = [
        series_of(frames[::-1], right=(1, 0, 0), down=(0, -0.8, -0.6), is_oriented=True),
        series_of(frames[:, ::-1], right=(-1, 0, 0), down=(0, 0.8, 0.6), is_oriented=True),
        series_of(frames.transpose(1, 0, 2), right=(0, 0.8, 0.6), down=(1, 0, 0), is_oriented=True),
    ]

    wanted = heart_crop(upright).recording

    for other in others:
        np.testing.assert_allclose(heart_crop(other).recording, wanted, atol=0.5)


def test_other_views_are_refused(foreign):
    tilted = series_of(
        foreign.beating_heart(), right=(-0.62, 0.78, 0), down=(0, 0, -1), is_oriented=True
    )

    with pytest.raises(ReadError, match="four-chamber"):
        heart_crop(tilted)


@pytest.mark.parametrize("recorded", [20, 25, 50, 60])
def test_resampling_keeps_a_periodic_curve(recorded):
    def curve(count):
        phase = 2 * np.pi * np.arange(count) / count
        return np.stack([np.cos(phase) + 0.3 * np.sin(3 * phase + 1), 5 + np.sin(2 * phase)])

    np.testing.assert_allclose(resample_cycle(curve(recorded), 50), curve(50), atol=1e-9)


def test_resampling_stays_real_at_the_highest_frequency():
    alternating = np.array([[1.0, -1.0] * 10])

    resampled = resample_cycle(alternating, 50)

    np.testing.assert_allclose(resampled, np.cos(10 * 2 * np.pi * np.arange(50) / 50)[None])


def test_real_dicom_and_nifti_give_the_same_crop(realdata: Path):
    dicom = heart_crop(read_cine(realdata / "cmr/biv-me/dicom/Se6"))
    nifti = heart_crop(read_cine(realdata / "cmr/biv-me/nifti/la_4ch.nii.gz"))

    np.testing.assert_allclose(nifti.recording, dicom.recording, atol=0.1)
    assert dicom.motion_energy > 0.7
    assert dicom.clipped_share == 0


def test_the_real_crop_holds_both_ventricles_around_its_centre(realdata: Path, slice_contour):
    series = read_cine(realdata / "cmr/biv-me/dicom/Se6")
    cine = heart_crop(series)
    surfaces = np.load(realdata / "cmr/biv-me/patient1_fitted_surfaces.npz")
    centre = np.array([cine.heart_row, cine.heart_column])

    outlines = [
        slice_contour(points, surfaces["EPICARDIAL_faces"], series)
        for points in surfaces["EPICARDIAL_verts"]
    ]

    largest = outlines[0]
    middle = (largest.min(axis=0) + largest.max(axis=0)) / 2
    assert np.linalg.norm((middle - centre) * series.pixel_mm) < 9
    for outline in outlines:
        away_mm = np.abs((outline - centre) * series.pixel_mm)
        assert away_mm.max() < 48 * 1.8 - 15


def test_apex_points_up_and_the_atria_lie_below(realdata: Path):
    cine = heart_crop(read_cine(realdata / "cmr/biv-me/dicom/Se6"))

    diastole, systole = cine.recording[:, :, 0], cine.recording[:, :, 18]
    left_ventricle, atria = (slice(20, 50), slice(52, 75)), (slice(60, 75), slice(30, 70))
    assert diastole[left_ventricle].mean() > 1.2 * systole[left_ventricle].mean()
    assert systole[atria].mean() > systole[left_ventricle].mean()
