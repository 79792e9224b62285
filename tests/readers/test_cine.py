import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest

from cmae.errors import ReadError
from cmae.readers import foreign as bounds
from cmae.readers.cine import read_cine


def write_nifti(path: Path, frames, *, affine=None, step=0.036) -> Path:
    """Write (rows, columns, n) as NIfTI, (columns, rows, 1, n), directions as in the DICOM test."""
    if affine is None:
        affine = np.diag([1.5, 1.5, 6, 1.0])
        affine[:3, 0], affine[:3, 1] = [-1.5, 0, 0], [0, -1.2, 0.9]
        affine[:3, 3] = [90, 90, 0]
    data = np.moveaxis(frames, 0, 1)[:, :, None, :].astype(np.float32)
    image = nibabel.Nifti1Image(data, affine)
    image.header.set_zooms((1.5, 1.5, 6, step))
    image.header.set_xyzt_units("mm", "sec")
    nibabel.save(image, path)
    return path


def test_shuffled_dicom_files_come_in_order_of_time_with_rescaled_pixels(tmp_path, rng, foreign):
    frames = foreign.beating_heart()
    foreign.write_dicom_series(tmp_path / "s", frames, order=rng.permutation(25))

    series = read_cine(tmp_path / "s")

    np.testing.assert_allclose(series.frames, frames, atol=1.01)
    assert series.pixel_mm == (1.5, 1.5)
    assert series.rr_ms == 900
    assert series.right == (1, 0, 0)
    assert series.down == pytest.approx((0, 0.8, 0.6))


def test_without_trigger_times_the_instance_numbers_order(tmp_path, rng, foreign):
    frames = foreign.beating_heart()
    order = rng.permutation(25)
    changes = {"TriggerTime": None, "NominalInterval": None}
    foreign.write_dicom_series(tmp_path, frames, order=order, changes=changes)

    series = read_cine(tmp_path)

    np.testing.assert_allclose(series.frames, frames, atol=1.01)
    assert series.rr_ms is None


def test_dicom_zip_and_nifti_of_one_study_agree(tmp_path, foreign):
    frames = foreign.beating_heart()
    foreign.write_dicom_series(tmp_path / "s", frames)
    with zipfile.ZipFile(tmp_path / "s.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in (tmp_path / "s").iterdir():
            archive.write(path, f"../../{path.name}")

    all_three = [
        read_cine(path)
        for path in (tmp_path / "s", tmp_path / "s.zip", write_nifti(tmp_path / "n.nii.gz", frames))
    ]

    for series in all_three:
        np.testing.assert_allclose(series.frames, frames, atol=1.01)
        assert series.rr_ms == pytest.approx(900)
        assert series.right == pytest.approx((1, 0, 0), abs=1e-6)
        assert series.down == pytest.approx((0, 0.8, 0.6), abs=1e-6)
        assert series.origin_mm == pytest.approx((-90, -90, 0), abs=1e-4)
    assert not list(tmp_path.parent.glob("*.dcm"))


def test_four_chamber_cines_of_two_examinations_are_refused_until_one_is_chosen(tmp_path, foreign):
    frames = foreign.beating_heart()
    foreign.write_dicom_series(tmp_path / "a", frames)
    foreign.write_dicom_series(tmp_path / "b", frames[:, :, :20] + 50)

    with pytest.raises(ReadError, match="2 examinations") as caught:
        read_cine(tmp_path)
    assert "SECRET" not in str(caught.value)
    assert "Doe" not in str(caught.value)
    assert read_cine(tmp_path, series=2).frames.shape[2] == 20
    with pytest.raises(ReadError, match="Series 3"):
        read_cine(tmp_path, series=3)


def test_a_stack_of_slices_is_refused(tmp_path, foreign):
    frames = foreign.beating_heart(12, side=64)
    for k in range(3):
        foreign.write_dicom_series(
            tmp_path / str(k), frames, series="1.2.3", study="1.2",
            changes={"ImagePositionPatient": [0, 0, 8 * k]},
        )  # fmt: skip

    with pytest.raises(ReadError, match="3 slices"):
        read_cine(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PixelSpacing": None}, "no pixel spacing"),
        ({"PixelSpacing": [15, 15]}, "spacing is missing or wrong"),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]}, "orientation"),
        ({"PixelData": b"12"}, "cannot be decoded"),
        ({"NumberOfFrames": 1_000_000}, "1000000 frames"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "None of 12 files"),
        ({"RescaleSlope": "0"}, "Nothing moves"),
    ],
)
def test_damaged_series_are_refused_with_the_reason(tmp_path, foreign, changes, message):
    foreign.write_dicom_series(tmp_path, foreign.beating_heart(12, side=64), changes=changes)

    with pytest.raises(ReadError, match=message):
        read_cine(tmp_path)


def test_a_lost_or_damaged_frame_is_not_passed_over(tmp_path, foreign):
    foreign.write_dicom_series(tmp_path, foreign.beating_heart(12, side=64))
    lost = tmp_path / "004.dcm"
    whole = lost.read_bytes()

    lost.write_bytes(whole[:300])
    with pytest.raises(ReadError):
        read_cine(tmp_path)
    lost.unlink()
    with pytest.raises(ReadError, match="frames are missing"):
        read_cine(tmp_path)


def test_too_few_frames_are_refused(tmp_path, foreign):
    foreign.write_dicom_series(tmp_path, foreign.beating_heart(5, side=64))

    with pytest.raises(ReadError, match="5 frames"):
        read_cine(tmp_path)


def test_archives_that_explode_are_refused(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"\0" * 3_000_000)
    monkeypatch.setattr(bounds, "MAX_UNPACKED_BYTES", 2**20)

    with pytest.raises(ReadError, match="more than 1 MiB"):
        read_cine(tmp_path / "bomb.zip")


def test_truncated_files_are_refused(tmp_path, foreign):
    write_nifti(tmp_path / "a.nii.gz", foreign.beating_heart(12, side=64))
    write_nifti(tmp_path / "a.nii", foreign.beating_heart(12, side=64))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.nii", "a.nii")
    for name in ("a.nii.gz", "a.nii", "a.zip"):
        whole = (tmp_path / name).read_bytes()
        for keep in (0, 1, 10, 350, len(whole) // 2):
            (tmp_path / name).write_bytes(whole[:keep])
            with pytest.raises(ReadError):
                read_cine(tmp_path / name)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.dcm").write_text("no image")

    with pytest.raises(ReadError, match="None of 1 file is"):
        read_cine(tmp_path / "a.dcm")
    with pytest.raises(ReadError, match="None of 1 file is"):
        read_cine(tmp_path)
    with pytest.raises(ReadError, match="missing"):
        read_cine(tmp_path / "absent")


def test_nifti_of_many_slices_is_refused(realdata: Path):
    with pytest.raises(ReadError, match="6 slices"):
        read_cine(realdata / "cmr/biv-me/nifti/sa.nii.gz")


def test_real_dicom_and_nifti_of_one_study_agree(realdata: Path):
    dicom = read_cine(realdata / "cmr/biv-me/dicom/Se6")
    nifti = read_cine(realdata / "cmr/biv-me/nifti/la_4ch.nii.gz")

    np.testing.assert_array_equal(dicom.frames, nifti.frames)
    assert nifti.rr_ms == pytest.approx(dicom.rr_ms)
    for name in ("origin_mm", "down", "right", "pixel_mm"):
        assert getattr(nifti, name) == pytest.approx(getattr(dicom, name), abs=1e-3)
