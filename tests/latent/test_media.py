import io
import zipfile

import nibabel
import numpy as np
import pandas as pd
import pytest
import wfdb
from PIL import Image

from cmae.data.modality import LEADS
from cmae.errors import InputError
from cmae.latent import media


def moving_cine():
    frames = np.zeros((96, 96, 50), np.float32)
    for k in range(50):
        frames[40 : 50 + k % 25, 40:60, k] = 800.0
    return frames


@pytest.mark.parametrize("rr_ms", [1000.0, 857.0, 400.0])
def test_a_gif_lasts_one_heartbeat_and_loops(rr_ms):
    with Image.open(io.BytesIO(media.cine_gif(moving_cine(), rr_ms))) as picture:
        total = 0
        for k in range(picture.n_frames):
            picture.seek(k)
            total += picture.info["duration"]
            assert picture.info["duration"] >= 20
        assert picture.info["loop"] == 0
        assert picture.size == (384, 384)
    assert total == pytest.approx(rr_ms, abs=10)


def test_grey_levels_reach_black_and_white():
    grey = media.grey_levels(moving_cine())
    assert (grey.min(), grey.max()) == (0, 255)


def test_a_flat_cine_gives_grey_levels_without_a_fault():
    assert media.grey_levels(np.full((4, 4, 2), 7.0)).max() == 0


def test_a_csv_holds_the_beat_with_the_r_peak_at_zero():
    beat = np.random.default_rng(0).normal(size=(600, 12))
    table = pd.read_csv(io.BytesIO(media.ecg_csv(beat)))
    assert table["time_ms"].iloc[200] == 0
    assert table["time_ms"].iloc[-1] == 798
    np.testing.assert_allclose(table["aVR_mv"], beat[:, 3], atol=6e-5)


def test_a_csv_of_another_shape_is_refused():
    with pytest.raises(InputError, match="12"):
        media.ecg_csv(np.zeros((600, 8)))


def test_a_thumbnail_is_the_end_diastolic_frame_and_two_leads():
    beat = np.random.default_rng(0).normal(size=(600, 12))
    small = media.thumbnail(beat, moving_cine())
    np.testing.assert_array_equal(small.frame, media.grey_levels(moving_cine())[:, :, 0])
    np.testing.assert_allclose(small.beat[:, 0], beat[::2, 1], rtol=1e-6)
    np.testing.assert_allclose(small.beat[:, 1], beat[::2, 6], rtol=1e-6)


def test_a_thumbnail_lacks_what_was_not_recorded():
    assert media.thumbnail(None, moving_cine()).beat is None
    assert media.thumbnail(np.zeros((600, 12)), None).frame is None


def test_a_comparison_is_two_grey_cines_and_a_coloured_difference_in_step():
    one = moving_cine()
    two = np.zeros_like(one)
    file = media.comparison_gif((one, two), (one - two) / 800, ("A", "B", "A − B"), 1000.0, scale=1)
    with Image.open(io.BytesIO(file)) as picture:
        assert picture.n_frames == 50
        assert picture.size[0] == 3 * 288
        colors = np.array(picture.convert("RGB"), int)
    inside = colors[26 + 135, [150, 288 + 150, 576 + 150]]
    assert inside[0].min() > 200
    assert inside[1].max() < 60
    assert inside[2][0] > inside[2][2] + 60
    outside = colors[26 + 20, 576 + 20]
    assert outside.min() > 220


def test_a_wfdb_record_holds_the_beat(rng, tmp_path):
    beat = rng.normal(0, 0.4, (600, 12)).astype(np.float32)
    with zipfile.ZipFile(io.BytesIO(media.ecg_wfdb(beat, comments=["simulated"]))) as archive:
        archive.extractall(tmp_path)
    signals, fields = wfdb.rdsamp(str(tmp_path / "beat"))
    assert np.abs(signals - beat).max() < 0.0005
    assert (fields["fs"], fields["sig_name"], fields["comments"]) == (
        500,
        list(LEADS),
        ["simulated"],
    )


def test_a_nifti_cine_has_spacing_and_timing():
    cine = moving_cine()
    image = nibabel.Nifti1Image.from_bytes(media.cine_nifti(cine, 800.0, is_zipped=False))
    np.testing.assert_array_equal(image.get_fdata()[:, :, 0].transpose(1, 0, 2), cine)
    assert image.header.get_zooms() == pytest.approx((1.8, 1.8, 8.0, 0.016))
    assert image.header.get_xyzt_units() == ("mm", "sec")


def test_a_walk_passes_all_points_there_and_back_while_the_heart_beats():
    grey = np.zeros((3, 50, 96, 96), np.uint8)
    grey += np.array([40, 120, 200], np.uint8)[:, None, None, None]
    file = media.walk_gif(grey, ["start", "+1 SD", "+2 SD"], rr_ms=1000.0)
    with Image.open(io.BytesIO(file)) as movie:
        shades = []
        for frame in range(movie.n_frames):
            movie.seek(frame)
            shades.append(np.asarray(movie.convert("L"))[60, 120])
    turns = [shade for k, shade in enumerate(shades) if k == 0 or shade != shades[k - 1]]
    np.testing.assert_allclose(turns, [40, 120, 200, 120, 40], atol=4)
