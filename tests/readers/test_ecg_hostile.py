"""Broken and hostile ECG files: a record or one sentence, soon and in little memory."""

import resource
import sys
import time

import numpy as np
import pytest

from cmae.errors import ReadError
from cmae.readers.ecg import read_ecg
from cmae.readers.ecg_header import header_field
from cmae.readers.xml_tree import MAX_XML_BYTES, read_xml
from tests.readers.ecg_files import WRITERS

BILLION_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "lol">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]><CardiologyXML>&i;</CardiologyXML>"
)

HOSTILE_XML = {
    "bomb": (BILLION_LAUGHS, "document type"),
    "external entity": (
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
        "<RestingECG><PatientID>&f;</PatientID></RestingECG>",
        "document type",
    ),
    "parameter entity": (
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY % p SYSTEM "http://localhost/x"> %p;]><x/>',
        "document type",
    ),
    "entity of a document type elsewhere": (
        '<?xml version="1.0"?><!DOCTYPE x SYSTEM "x.dtd"><x>&unknown;</x>',
        "entity",
    ),
    "undeclared entity": ('<?xml version="1.0"?><x>&unknown;</x>', "damaged in line 1"),
    "deep": ("<x>" * 100_000, "nests deeper"),
    "many": ("<x>" + "<y/>" * 60_000 + "</x>", "more than 50,000 elements"),
    "many attributes": (
        "<x>" + ("<y " + " ".join(f'a{k}="1"' for k in range(1000)) + "/>") * 60 + "</x>",
        "more than 50,000 elements",
    ),
    "huge tag": (f'<x a="{"y" * 5_000_000}"/>', "tag of more than 1 MiB"),
    "no end": ("<CardiologyXML><StripData>", "damaged in line 1"),
    "unknown encoding": ('<?xml version="1.0" encoding="x-none"?><x/>', "damaged|cannot be read"),
    "other root": ("<html><body/></html>", "element of no ECG"),
}


def read_or_refuse(path) -> None:
    """Read a file: a record comes back, or one sentence that names no participant."""
    try:
        record = read_ecg(path)
    except ReadError as error:
        message = str(error)
        assert "\n" not in message
        assert "SECRET" not in message
        assert "Doe" not in message
        assert str(path.parent) not in message
        return
    assert record.signals.shape[1:] == (12,)
    assert record.signals.dtype == np.float32
    assert "SECRET" not in repr(record)


def damaged(data: bytes, seed: int) -> list[bytes]:
    """Truncations at 12 places, and copies with one to eight bytes changed."""
    rng = np.random.default_rng(seed)
    cuts = [*rng.integers(1, min(len(data), 2000), 6), *rng.integers(1, len(data), 6)]
    copies = [data[:cut] for cut in cuts]
    for k in range(30):
        copy = np.frombuffer(data, np.uint8).copy()
        reach = len(copy) if k % 2 else min(len(copy), 1500)
        places = rng.integers(0, reach, 1 + k % 8)
        copy[places] = rng.integers(0, 256, len(places))
        copies.append(copy.tobytes())
    return copies


@pytest.mark.parametrize("source", WRITERS)
def test_damaged_files_are_read_or_refused_in_one_sentence(tmp_path, rng, foreign, source):
    path = WRITERS[source](tmp_path, foreign.rhythm(rng, seconds=2), beat=foreign.one_beat(500))
    data = path.read_bytes()

    for copy in damaged(data, seed=len(source)):
        path.write_bytes(copy)
        started = time.process_time()
        read_or_refuse(path)
        # Processor time: it says that nothing hangs and does not depend on who else computes.
        assert time.process_time() - started < 10


@pytest.mark.parametrize("kind", HOSTILE_XML)
def test_hostile_xml_is_refused(tmp_path, kind):
    text, message = HOSTILE_XML[kind]
    path = tmp_path / "x.xml"
    path.write_text(text)

    with pytest.raises(ReadError, match=message):
        read_ecg(path)
    if kind != "other root":
        with pytest.raises(ReadError, match=message):
            header_field(path, "PatientID")


def test_entities_are_never_fetched(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET-2")
    path = tmp_path / "x.xml"
    path.write_text(
        f'<!DOCTYPE RestingECG SYSTEM "{secret.as_uri()}"><RestingECG>plain</RestingECG>'
    )

    assert read_xml(path).text == "plain"


def test_large_xml_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "x.xml"
    with path.open("wb") as opened:
        opened.write(b"<CardiologyXML>")
        opened.truncate(MAX_XML_BYTES + 1)

    with pytest.raises(ReadError, match="larger than 32 MiB"):
        read_ecg(path)


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_text_of_absurd_length_takes_bounded_memory(tmp_path):
    path = tmp_path / "x.xml"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    head = (
        '<CardiologyXML><StripData><SampleRate units="Hz">500</SampleRate>'
        '<Resolution units="uVperLsb">5</Resolution><WaveformData lead="I">'
    )
    with path.open("w") as opened:
        opened.write(head)
        for _ in range(15):
            opened.write("1," * 2**20)
        opened.write("1</WaveformData></StripData></CardiologyXML>")

    with pytest.raises(ReadError, match="too many for a lead"):
        read_ecg(path)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 400 * 1024
