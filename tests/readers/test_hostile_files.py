"""What the fuzz suite found, each fault in the smallest file that shows it."""

import gzip
import logging
import struct
import zlib

import nibabel
import numpy as np
import pytest

from cmae.errors import InputError, ReadError
from cmae.readers.cine import read_cine
from cmae.readers.ecg import is_ecg, read_ecg
from cmae.readers.identity import Identity
from cmae.readers.ml4h_crop import read_mask
from cmae.readers.nifti import open_nifti
from tests.readers.ecg_files import WRITERS


@pytest.fixture
def image(foreign):
    frames = np.moveaxis(foreign.beating_heart(12, side=64), 0, 1)[:, :, None].astype(np.int16)
    made = nibabel.Nifti1Image(frames, np.diag([-1.8, -1.8, 8, 1]))
    made.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"Jane Doe"))
    return made


@pytest.mark.parametrize("size", [0, -8, 2**30])
def test_sizes_of_extensions_lead_nowhere(tmp_path, image, size):
    whole = image.to_bytes()
    whole = whole[:352] + struct.pack("<i", size) + whole[356:]
    path = tmp_path / "x.nii.gz"
    path.write_bytes(gzip.compress(whole) + zlib.compress(bytes(2**20), wbits=31) * 100)
    np.testing.assert_array_equal(read_cine(path).frames[:, :, 3], image.dataobj[:, :, 0, 3].T)


def test_pixels_are_rescaled_as_nibabel_does(tmp_path, image):
    for ending, byte_order in ((".nii", "<"), (".nii.gz", "<"), (".nii", ">")):
        header = image.header.as_byteswapped(byte_order)
        stored = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine, header)
        stored.header.set_slope_inter(2.5, -7)
        path = tmp_path / f"x{ending}"
        nibabel.save(stored, path)
        expected = nibabel.load(path).get_fdata(dtype=np.float32)
        np.testing.assert_allclose(open_nifti(path).read(most_bytes=2**24), expected, rtol=1e-6)


@pytest.mark.parametrize("offset", [0, 1e9, float("nan")])
def test_pixels_in_odd_places_are_refused(tmp_path, image, offset):
    whole = bytearray(image.to_bytes())
    whole[108:112] = struct.pack("<f", offset)
    (tmp_path / "x.nii").write_bytes(whole)
    with pytest.raises(ReadError, match="do not begin behind its header"):
        read_cine(tmp_path / "x.nii")


def test_an_array_whose_header_does_not_end_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((4, 4), np.uint8))
    whole = bytearray((tmp_path / "x.npy").read_bytes())
    whole[whole.rindex(b" ")] = ord("(")
    (tmp_path / "x.npy").write_bytes(whole)
    with pytest.raises(ReadError, match="damaged or no plain NumPy"):
        read_mask(tmp_path / "x.npy")


def test_no_parser_logs_the_path_of_a_file(tmp_path, foreign, rng, caplog):
    path = WRITERS["WFDB"](tmp_path, foreign.rhythm(rng, seconds=2))
    with caplog.at_level(logging.DEBUG):
        read_ecg(path)
    assert caplog.text == ""


@pytest.mark.parametrize(
    "rows",
    [
        f"file,participant,visit\nx,Doe,{'9' * 30}\n",
        "," * 200_000,
    ],
)
def test_tables_of_identifiers_are_refused_in_a_sentence(tmp_path, rows):
    (tmp_path / "ids.csv").write_text(rows)
    with pytest.raises(InputError) as refused:
        Identity.of(ids=tmp_path / "ids.csv")
    assert "Doe" not in str(refused.value)


@pytest.mark.parametrize("source", WRITERS)
def test_ecgs_are_told_by_their_first_bytes(tmp_path, foreign, rng, source):
    path = WRITERS[source](tmp_path, foreign.rhythm(rng, seconds=2))
    assert is_ecg(path.read_bytes()[:1024]) == (source not in {"WFDB", "CSV"})
