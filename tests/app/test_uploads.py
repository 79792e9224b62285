import dataclasses
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from app import upload_worker, uploads
from app.upload_worker import read_apart
from cmae.data.modality import LEADS
from cmae.errors import ReadError
from cmae.measure.electrocardiogram import measured_values
from cmae.readers.recordings import EcgOptions, ecg_rows
from tests.readers.conftest import beating_heart, one_beat, rhythm, write_dicom_series
from tests.readers.ecg_files import WRITERS


class Dropped:
    def __init__(self, name, data):
        self.name = name
        self._data = data

    def getbuffer(self):
        return memoryview(self._data)


def zipped(files, name="upload.zip"):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return Dropped(name, file.getvalue())


def test_a_zip_cannot_write_outside_its_folder(tmp_path):
    folder = tmp_path / "private"
    folder.mkdir()
    paths = uploads.unpack([zipped({"../../outside.dcm": b"x", "/etc/inside.hea": b"y"})], folder)
    assert [path.relative_to(folder).as_posix() for path in paths] == [
        "cine/outside.dcm",
        "ecg/inside.hea",
    ]
    assert not (tmp_path.parent / "outside.dcm").exists()


def test_two_files_of_one_name_are_both_kept(tmp_path):
    paths = uploads.unpack([zipped({"a/1.dcm": b"x", "b/1.dcm": b"y"})], tmp_path)
    assert sorted(path.read_bytes() for path in paths) == [b"x", b"y"]


def test_a_zip_that_grows_beyond_the_limit_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 3_000_000)
    bomb = zipped({f"{k}.dcm": bytes(1_000_000) for k in range(5)})
    with pytest.raises(ReadError, match="more than"):
        uploads.unpack([bomb], tmp_path)


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_FILES", 2)
    with pytest.raises(ReadError, match="2 files"):
        uploads.unpack([zipped({f"{k}.dcm": b"x" for k in range(3)})], tmp_path)


def test_a_damaged_zip_is_one_sentence():
    received = uploads.receive([Dropped("x.zip", b"PK\x03\x04 nonsense")])
    assert received.ecg is None
    assert received.problems == ("The ZIP archive is damaged: copy or download it again.",)


def test_a_file_of_no_known_kind_is_refused_without_naming_the_temporary_folder():
    received = uploads.receive([Dropped("notes.dcm", b"hello")])
    assert received.cine is None
    assert len(received.problems) == 1
    assert "cmae-upload" not in received.problems[0]


def test_a_signal_file_without_its_header_is_explained():
    received = uploads.receive([Dropped("E00001.mat", b"1234")])
    assert any(".hea" in problem for problem in received.problems)


def test_each_of_two_ecgs_that_cannot_be_read_has_its_sentence_once():
    received = uploads.receive([Dropped("a.hea", b"a 12 500 0"), Dropped("b.hea", b"b 12 500 0")])
    assert received.ecg is None
    assert len(received.problems) == 1


def test_of_two_ecgs_one_can_be_chosen(tmp_path, rng):
    files = {}
    for name, source in (("a", "CSV"), ("b", "EDF")):
        folder = tmp_path / name
        folder.mkdir()
        path = WRITERS[source](folder, rhythm(rng, seconds=6), beat=one_beat(500))
        files[f"{name}{path.suffix}"] = path.read_bytes()

    received = uploads.receive([zipped(files)])

    assert received.problems == ()
    assert [each.source for each in received.ecgs] == ["CSV", "EDF"]
    assert dataclasses.replace(received, chosen=1).ecg is received.ecgs[1]


def test_too_many_ecgs_are_refused(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_ECGS", 1)
    received = uploads.receive([Dropped("a.hea", b"a 12 500 0"), Dropped("b.hea", b"b 12 500 0")])
    assert received.problems == ("The upload holds 2 ECGs: give 1 at most.",)


def test_an_ecg_has_the_quality_that_an_import_would_store(tmp_path, rng):
    path = WRITERS["EDF"](tmp_path, rhythm(rng, seconds=6), beat=one_beat(500))
    (row,) = ecg_rows(path, EcgOptions(measure=measured_values))
    received = uploads.receive([Dropped("x.edf", path.read_bytes())])
    assert received.ecg.values == row.values
    assert list(received.ecg.flags) == row.flags


def test_rate_and_unit_of_a_csv_are_taken_as_a_person_declares_them(rng):
    signals = rhythm(rng, seconds=8)
    lines = [",".join(LEADS), *(",".join(f"{value:.4f}" for value in row) for row in signals)]
    dropped = Dropped("x.csv", "\n".join(lines).encode())
    assert uploads.receive([dropped]).ecg is None
    received = uploads.receive([dropped], declared=uploads.Declared(rate_hz=500.0, unit="mV"))
    assert received.problems == ()
    assert received.ecg.recording.shape == (600, 12)


def test_ml4h_tensors_give_both_recordings():
    path = next((Path(__file__).parents[2] / "data_samples" / "ml4h").glob("*.hd5"))
    received = uploads.receive([Dropped(path.name, path.read_bytes())])
    assert received.ecg.recording.shape == (600, 12)
    assert received.cine.recording.shape == (96, 96, 50)


@pytest.mark.slow
def test_a_process_of_its_own_reads_the_same(tmp_path, rng):
    path = WRITERS["DICOM"](tmp_path, rhythm(rng, seconds=6), beat=one_beat(500))
    dropped = [Dropped("x.dcm", path.read_bytes()), Dropped("notes.nii", b"no NIfTI file")]
    here, apart = uploads.receive(dropped), uploads.receive(dropped, reader=read_apart)
    np.testing.assert_array_equal(apart.ecg.recording, here.ecg.recording)
    assert apart.ecg.values == here.ecg.values
    assert apart.problems == here.problems


def test_a_file_that_hangs_or_ends_the_process_is_one_sentence(monkeypatch):
    monkeypatch.setattr(upload_worker, "READING_S", 0.01)
    received = uploads.receive([Dropped("x.dcm", b"x")], reader=read_apart)
    assert received.problems == ("Reading the upload took more than 0.01 s, so it was given up.",)
    monkeypatch.setattr(upload_worker, "READING_S", 60.0)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    received = uploads.receive([Dropped("x.dcm", b"x")], reader=read_apart)
    assert "ended the process" in received.problems[0]


def test_a_real_ecg_and_cine_are_read_together_and_nothing_stays(realdata, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    header = next(iter(sorted((realdata / "ecg" / "cinc2021").glob("*.hea"))))
    signal = header.with_suffix(".mat")
    frames = {
        f"Se6/{path.name}": path.read_bytes()
        for path in (realdata / "cmr" / "biv-me" / "dicom" / "Se6").iterdir()
    }
    received = uploads.receive(
        [
            Dropped(header.name, header.read_bytes()),
            Dropped(signal.name, signal.read_bytes()),
            zipped(frames),
        ]
    )
    assert received.problems == ()
    assert received.ecg.recording.shape == (600, 12)
    assert received.cine.recording.shape == (96, 96, 50)
    assert received.cine.values["mri_frames_recorded"] == 25
    assert "four-chamber" in received.cine.reason
    assert list(Path(tmp_path).iterdir()) == []


@pytest.mark.parametrize("source", sorted(set(WRITERS) - {"WFDB"}))
@pytest.mark.parametrize("is_zipped", [False, True])
def test_an_ecg_is_told_by_its_content(tmp_path, rng, source, is_zipped):
    path = WRITERS[source](tmp_path, rhythm(rng, seconds=6), beat=one_beat(500))
    name = path.name if source == "CSV" else "export.dcm"
    data = path.read_bytes()

    received = uploads.receive([zipped({name: data}) if is_zipped else Dropped(name, data)])

    assert received.problems == ()
    assert received.ecg.recording.shape == (600, 12)
    assert received.cine is None


def test_an_ecg_and_a_cine_in_one_zip_of_dicom_are_both_read(tmp_path, rng):
    signals = rhythm(rng, seconds=6)
    ecg = WRITERS["DICOM"](tmp_path, signals, beat=one_beat(500)).read_bytes()
    write_dicom_series(tmp_path / "cine", beating_heart(12))
    files = {path.name: path.read_bytes() for path in (tmp_path / "cine").iterdir()}

    received = uploads.receive([zipped({**files, "a.dcm": ecg, "notes.xml": b"<notes>x</notes>"})])

    assert received.problems == ()
    assert received.ecg is not None
    assert received.cine is not None


@pytest.mark.parametrize("name", ["a" * 300 + ".dcm", "..", ".", "a\0b.dcm", "/", "\udcff.dcm"])
def test_odd_names_are_no_fault(tmp_path, name):
    (path,) = uploads.unpack([Dropped(name, b"x")], tmp_path)
    assert path.parent == tmp_path / "cine"


def test_a_zip_whose_bytes_are_damaged_is_one_sentence():
    whole = bytearray(zipped({"a.dcm": bytes(range(256)) * 40})._data)
    whole[45:60] = b"\xff" * 15
    received = uploads.receive([Dropped("x.zip", bytes(whole))])
    assert received.problems == (
        "The ZIP archive cannot be unpacked: it is damaged, pack it again.",
    )


@pytest.mark.parametrize(
    "name", ["x.dcm", "x.nii", "x.nii.gz", "x.hea", "x.csv", "x.xml", "x.edf", "x.hd5", "x.zip"]
)
@pytest.mark.parametrize("data", [b"", b"\0" * 4096, b"\xff" * 700], ids=["empty", "zeros", "ones"])
def test_a_file_of_nothing_or_noise_is_one_sentence(name, data):
    received = uploads.receive([Dropped(name, data)])
    assert received.ecg is None
    assert received.cine is None
    (sentence,) = received.problems
    assert sentence.endswith(".")
    assert "cmae-upload" not in sentence
    assert "\n" not in sentence
