"""Archives that lead outside, or unpack to more than they should."""

import io
import struct
import zipfile
import zlib

import pytest

from tests.fuzz.damage import write
from tests.fuzz.reading import CANARY
from tests.fuzz.samples import SAMPLES, Sample, nifti, zipped

pytestmark = pytest.mark.slow


def _members(*infos) -> bytes:
    opened = io.BytesIO()
    with zipfile.ZipFile(opened, "w") as archive:
        for info, data in infos:
            archive.writestr(info, data)
    return opened.getvalue()


def _link(target: str) -> tuple[zipfile.ZipInfo, str]:
    info = zipfile.ZipInfo("link.dcm")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info, target


def _claimed(size: int) -> bytes:
    """A member of zeros that claims another size than it has."""
    whole = bytearray(zipped({"a.dcm": bytes(1000)}))
    at = whole.index(b"PK\1\2")
    whole[at + 24 : at + 28] = struct.pack("<I", size)
    return bytes(whole)


def _millions(count: int) -> bytes:
    """A list of millions of members without a byte each."""
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    listed = (entry + b"a") * count
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 65535, 65535, len(listed), len(local), 0)
    return local + listed + end


def _overlapping(count: int, mib: int) -> bytes:
    """Many members that are all the same stretch of the file, so many MiB each."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(mib * 2**20)
    data = packer.compress(zeros) + packer.flush()
    facts = (20, 0, 8, 0, 0, zlib.crc32(zeros), len(data), len(zeros))
    local = struct.pack("<4s5H3I2H", b"PK\3\4", *facts, 1, 0) + b"a" + data
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, *facts, 1, 0, 0, 0, 0, 0, 0) + b"a"
    listed = entry * count
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(listed), len(local), 0)
    return local + listed + end


def _nested(depth: int) -> bytes:
    data = zipped(SAMPLES["cine DICOM"]().files)
    for _ in range(depth):
        data = zipped({f"{CANARY}.zip": data})
    return data


def _lzma() -> bytes:
    """A member whose decoder asks for a dictionary of 4 GB."""
    whole = bytearray(zipped({"a.dcm": bytes(5000)}, zipfile.ZIP_LZMA))
    at = whole.index(b"\x09\x04\x05\x00") + 5
    whole[at : at + 4] = b"\xff" * 4
    return bytes(whole)


ARCHIVES = {
    "up": lambda: zipped({f"../../{CANARY}.dcm": b"x", "..\\..\\x.dcm": b"x"}),
    "absolute": lambda: zipped({"/tmp/outside.dcm": b"x", "C:\\outside.dcm": b"x"}),
    "link": lambda: _members(_link("/etc/passwd"), ("link.dcm/x.dcm", b"x")),
    "link up": lambda: _members(_link("../../.."), ("link.dcm/x.dcm", b"x")),
    "odd names": lambda: zipped(
        {"\1": b"x", "a\0b": b"x", "a" * 5000: b"x", ".": b"x", "..": b"x"}
    ),
    "ratio": lambda: _overlapping(17, 64),
    "claims little": lambda: _claimed(1),
    "claims much": lambda: _claimed(2**32 - 2),
    "many": lambda: zipped({f"{k}.dcm": b"" for k in range(25_000)}, zipfile.ZIP_STORED),
    "millions": lambda: _millions(8_000_000),
    "overlapping": lambda: _overlapping(15_000, 1),
    "nested": lambda: _nested(5),
    "bzip2": lambda: zipped({"a.dcm": bytes(2**22)}, zipfile.ZIP_BZIP2),
    "lzma": _lzma,
    "empty": lambda: zipped({}),
    "folders": lambda: zipped({f"{k}/": b"" for k in range(10_000)}),
    "names": lambda: zipped({f"{CANARY}^Mary.txt": CANARY.encode()}),
}


@pytest.mark.parametrize("reading", ["cine", "upload"])
@pytest.mark.parametrize("kind", ARCHIVES)
def test_archives_that_escape_or_explode_are_refused(host, folder, kind, reading):
    name = f"{CANARY}.zip"
    path = write(Sample(reading, {name: ARCHIVES[kind]()}, name), folder / "in")

    outcome = host.read(reading, path)

    assert (outcome.kind, outcome.faults) == ("refused", ())
    assert [found.name for found in folder.iterdir()] == ["in"]


def _zeros(gib: int) -> bytes:
    """Compressed zeros, to go behind another compressed stretch."""
    return zlib.compress(bytes(2**25), wbits=31) * (32 * gib)


@pytest.mark.parametrize("size", [0, -8, 2**30])
@pytest.mark.parametrize("reading", ["cine", "mask"])
def test_compressed_images_unpack_no_further_than_they_say(host, folder, reading, size):
    head = nifti(as_mask=reading == "mask")
    head = head[:352] + struct.pack("<ii", size, 6) + head[360:]
    name = f"{CANARY}.nii.gz"
    packed = zlib.compress(head[:2000], wbits=31) + _zeros(3)
    path = write(Sample(reading, {name: packed}, name), folder / "in")

    outcome = host.read(reading, path)

    assert outcome.faults == ()
    assert outcome.mib < 100
