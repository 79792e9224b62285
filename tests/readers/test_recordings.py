"""Files become rows: masks, and what quality says of them."""

import nibabel
import numpy as np
import pytest

from cmae.errors import ReadError
from cmae.readers.recordings import EcgOptions, ecg_rows, read_mask


@pytest.fixture
def mask(rng):
    return rng.integers(0, 15, (40, 60)).astype(np.uint8)


def test_a_mask_keeps_its_classes_and_its_orientation(tmp_path, mask):
    np.save(tmp_path / "m.npy", mask)
    stack = np.repeat(mask.T[:, :, None, None], 3, axis=3)
    nibabel.Nifti1Image(stack, np.eye(4)).to_filename(tmp_path / "m.nii.gz")

    for name in ("m.npy", "m.nii.gz"):
        np.testing.assert_array_equal(read_mask(tmp_path / name), mask)


def test_what_is_no_mask_is_refused(tmp_path, mask):
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "line.npy", mask[0])
    (tmp_path / "bad.nii").write_bytes(b"no image")
    np.save(tmp_path / "cut.npy", mask)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "cut.npy").read_bytes()[:200])

    for name in ("objects.npy", "line.npy", "bad.nii", "cut.npy", "none.npy"):
        with pytest.raises(ReadError, match="mask"):
            read_mask(tmp_path / name)


def test_the_device_is_asked_for_only_where_the_file_has_its_beat(tmp_path, rng, foreign):
    header = foreign.write_wfdb(tmp_path, foreign.rhythm(rng, seconds=5))

    (row,) = ecg_rows(header, EcgOptions(has_device_beat=True))

    assert row.values["ecg_beat_source"] == "computed"
    assert row.recordings["ecg"].shape == (600, 12)
    assert row.flags == []
