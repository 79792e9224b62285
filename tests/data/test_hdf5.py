import h5py
import numpy as np
import pytest

from cmae.data.hdf5 import open_untrusted
from cmae.errors import InputError


@pytest.fixture
def path(tmp_path):
    """An honest file with nested groups, compression and a link inside itself."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["one/two"] = np.arange(10.0)
        file.create_dataset("zeros", data=np.zeros((1000, 1000)), compression="gzip")
        file["text"] = "hello"
        file["inside"] = h5py.SoftLink("/one/two")
        file["one/again"] = file["one"]
    return path


def test_honest_file_opens_and_reads(path):
    with open_untrusted(path) as file:
        assert file["inside"][3] == 3.0
        assert file["one/again/two"].shape == (10,)


def _external_link(file):
    file["one/out"] = h5py.ExternalLink("/etc/passwd", "/")


def _dangling_link(file):
    file["out"] = h5py.SoftLink("/nowhere/else")


def _link_through_another(file):
    file["out"] = h5py.SoftLink("/outer/data")
    file["outer"] = h5py.ExternalLink("other.h5", "/")


def _external_storage(file):
    file.create_dataset("raw", (4,), "u1", external=[("/etc/passwd", 0, 4)])


def _virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("virtual", layout)


def _unallocated(file):
    file.create_dataset("huge", (10**6, 10**6), "f4", chunks=(1, 10**6))


def _bomb(file):
    file.create_dataset("bomb", data=np.zeros(2**26, "u1"), compression="gzip", compression_opts=9)


def _huge_chunk(file):
    file.create_dataset("chunk", (10,), "f8", maxshape=(None,), chunks=(2**28,))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_external_link, "external link"),
        (_dangling_link, "soft link"),
        (_link_through_another, "external link"),
        (_external_storage, "external storage"),
        (_virtual, "virtual"),
        (_unallocated, "fill the memory"),
        (_bomb, "fill the memory"),
        (_huge_chunk, "fill the memory"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_file_that_reaches_out_or_swells_is_refused(path, spoil, message):
    with h5py.File(path, "a") as file:
        spoil(file)
    with pytest.raises(InputError, match=message) as caught:
        open_untrusted(path)
    assert str(path) in str(caught.value)
    path.unlink()  # the refused file was closed


@pytest.mark.parametrize("keep", [20, 600, -1, -3000])
def test_truncated_file_is_refused(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="damaged or truncated"):
        open_untrusted(path)


def test_other_files_and_folders_are_refused(tmp_path):
    (tmp_path / "a.h5").write_text("hello " * 100)
    with pytest.raises(InputError, match="not an HDF5 file"):
        open_untrusted(tmp_path / "a.h5")
    with pytest.raises(InputError, match="missing or not a file"):
        open_untrusted(tmp_path)
    with pytest.raises(InputError, match="missing or not a file"):
        open_untrusted(tmp_path / "b.h5")


def test_message_can_name_the_file_otherwise(tmp_path):
    (tmp_path / "1234567.hd5").write_text("x")
    with pytest.raises(InputError) as caught:
        open_untrusted(tmp_path / "1234567.hd5", what="File 3")
    assert "1234567" not in str(caught.value)
