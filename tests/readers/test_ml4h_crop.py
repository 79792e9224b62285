import nibabel
import numpy as np
import pytest

from cmae.errors import ReadError
from cmae.readers.ml4h_crop import HEART_CLASSES, ml4h_crop, read_mask


@pytest.fixture
def frames(rng):
    return rng.integers(1, 1000, (208, 180, 50)).astype(np.uint16)


def mask_of(rows, columns, code=3):
    mask = np.zeros((208, 180), np.uint8)
    mask[rows[0] : rows[1], columns[0] : columns[1]] = code
    return mask


def test_the_box_stands_at_the_top_left_and_the_rest_is_zero(frames):
    mask = mask_of((60, 120), (40, 111))
    mask[:10] = 13  # thoracic cavity
    mask[-10:] = 15  # breast prosthesis

    crop = ml4h_crop(frames, mask)

    assert crop.shape == (96, 96, 50)
    assert crop.dtype == np.float32
    np.testing.assert_array_equal(crop[:60, :71], frames[60:120, 40:111])
    assert not crop[60:].any()
    assert not crop[:, 71:].any()


def test_a_large_heart_is_cut_at_the_right_and_bottom(frames):
    crop = ml4h_crop(frames, mask_of((30, 190), (20, 170)))

    np.testing.assert_array_equal(crop, frames[30:126, 20:116])


def test_the_first_frame_of_the_mask_counts(frames):
    moving = np.stack([mask_of((60, 120), (40, 100)), mask_of((10, 200), (10, 170))], axis=-1)

    np.testing.assert_array_equal(
        ml4h_crop(frames, moving), ml4h_crop(frames, mask_of((60, 120), (40, 100)))
    )


@pytest.mark.parametrize("code", range(16))
def test_heart_classes_are_1_to_12_and_14(frames, code):
    mask = mask_of((60, 120), (40, 100), code)

    if code in {0, 13, 15}:
        assert code not in HEART_CLASSES
        with pytest.raises(ReadError, match="no heart"):
            ml4h_crop(frames, mask)
    else:
        assert ml4h_crop(frames, mask).any()


def test_other_numbers_of_frames_and_sizes_are_refused(frames):
    with pytest.raises(ReadError, match=r"\(208, 180, 25\).*50"):
        ml4h_crop(frames[:, :, :25], mask_of((60, 120), (40, 100)))
    with pytest.raises(ReadError, match="mask has shape"):
        ml4h_crop(frames, mask_of((60, 120), (40, 100)).T)


@pytest.mark.parametrize("name", ["m.npy", "m.nii", "m.nii.gz"])
@pytest.mark.parametrize("count", [0, 50])
def test_masks_are_read_with_rows_first(tmp_path, name, count):
    mask = mask_of((60, 120), (40, 100))
    if count:
        mask = np.repeat(mask[:, :, None], count, axis=2)
    if name == "m.npy":
        np.save(tmp_path / name, mask)
    else:
        stored = np.moveaxis(mask, 0, 1)
        stored = stored[:, :, None] if count else stored
        nibabel.save(nibabel.Nifti1Image(stored, np.eye(4)), tmp_path / name)

    read = read_mask(tmp_path / name)

    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, mask)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npy", b"\x93NUMPY garbage", "damaged"),
        ("a.npy", np.array([[0.5, 1.0]]), "other values"),
        ("a.npy", np.array([[np.nan, 1.0]]), "other values"),
        ("a.npy", np.zeros(5), "shape"),
        ("a.npy", np.array([["a"]]), "other values"),
        ("a.nii", b"no image", "damaged"),
        ("a.png", b"no mask", "unknown kind"),
        ("a.npy", b"", "empty"),
    ],
)
def test_what_is_no_mask_is_refused(tmp_path, name, content, message):
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    else:
        np.save(tmp_path / name, content)

    with pytest.raises(ReadError, match=message):
        read_mask(tmp_path / name)


def test_pickled_masks_are_not_loaded(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], object), allow_pickle=True)

    with pytest.raises(ReadError, match="damaged"):
        read_mask(tmp_path / "a.npy")
