"""Files cut short or with bytes changed are read, or refused in one sentence.

No traceback, no hang, no vast memory, no file left or written elsewhere, no name in any output.
"""

import zlib

import pytest

from tests.fuzz.damage import FLIPS, TRUNCATIONS, faults, read_damaged, write
from tests.fuzz.samples import SAMPLES

pytestmark = pytest.mark.slow

DIED = "the process died by SIG"
"""HDF5 itself falls over some damaged files: ml4h's are read in processes of their own."""


@pytest.fixture
def sample(name):
    if name.startswith("phenotypes"):
        pytest.importorskip("cmae.readers.foreign_table")
    return SAMPLES[name]()


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_files_are_read_or_refused(host, folder, name, sample):
    whole = host.read(sample.reading, write(sample, folder / "whole"))
    assert not whole.faults
    # The weights are too small for the paper's network, which is found after all was looked at.
    assert whole.kind == ("refused" if sample.reading == "weights" else "read"), whole.message

    outcomes = read_damaged(host, sample, folder / "damaged", seed=zlib.crc32(name.encode()))

    assert len(outcomes) == TRUNCATIONS + FLIPS
    assert {outcome.kind for _, outcome in outcomes} & {"refused"}
    found = faults(outcomes)
    if sample.reading == "ml4h":
        deaths = [fault for fault in found if DIED in fault]
        assert len(deaths) <= len(outcomes) // 20
        found = [fault for fault in found if fault not in deaths]
    assert found == []


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.startswith(("ECG", "cine"))])
def test_damaged_uploads_are_read_or_refused(host, folder, name, sample):
    whole = host.read("upload", write(sample, folder / "whole"))
    assert (whole.kind, whole.faults) == ("read", ()), whole.message

    outcomes = read_damaged(
        host, sample, folder / "damaged", seed=1 + len(name), reading="upload", cuts=10, flips=20
    )

    assert faults(outcomes) == []


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.startswith("ECG")])
def test_header_fields_of_damaged_files_are_read_or_refused(host, folder, name, sample):
    outcomes = read_damaged(
        host, sample, folder, seed=2 + len(name), reading="header", cuts=20, flips=40
    )
    assert faults(outcomes) == []
