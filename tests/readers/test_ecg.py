from pathlib import Path

import numpy as np
import pytest

from cmae.data.modality import LEADS
from cmae.errors import ReadError
from cmae.readers.ecg import read_ecg
from cmae.readers.wfdb_plain import read_plain


def test_wfdb_signals_are_read_in_clinical_order_and_mv(tmp_path, rng, foreign):
    signals = rng.normal(0, 0.5, (1000, 12))
    shuffled = rng.permutation(12)
    names = [foreign.leads[k].lower() for k in shuffled]
    header = foreign.write_wfdb(tmp_path, signals[:, shuffled], leads=names)

    record = read_ecg(header)

    np.testing.assert_allclose(record.signals, signals, atol=6e-4)
    assert (record.rate_hz, record.source, record.derived_leads) == (500, "WFDB", ())


@pytest.mark.parametrize("name", ["rec.hea", "rec.dat", "rec", ""])
def test_header_signal_file_stem_and_folder_mean_the_same_record(tmp_path, rng, foreign, name):
    signals = foreign.rhythm(rng, seconds=3)
    foreign.write_wfdb(tmp_path, signals)

    np.testing.assert_allclose(read_ecg(tmp_path / name).signals, signals, atol=6e-4)


@pytest.mark.parametrize("gain", ["1/uV", "1/uv", "1000/mv", "1000"])
def test_units_are_converted_to_mv(tmp_path, rng, foreign, gain):
    signals = foreign.rhythm(rng, seconds=3)
    foreign.write_wfdb(tmp_path, signals, gain=gain)

    np.testing.assert_allclose(read_ecg(tmp_path / "rec").signals, signals, atol=6e-4)


@pytest.mark.parametrize("lacking", [["I"], ["II"], ["III", "AVR", "AVL", "AVF"]])
def test_limb_leads_are_derived_from_two_others(tmp_path, rng, foreign, lacking):
    signals = foreign.rhythm(rng, seconds=3, noise_mv=0)
    kept = [k for k, lead in enumerate(foreign.leads) if lead not in lacking]
    foreign.write_wfdb(tmp_path, signals[:, kept], leads=[foreign.leads[k] for k in kept])

    record = read_ecg(tmp_path / "rec")

    np.testing.assert_allclose(record.signals, signals, atol=3e-3)
    assert [lead.upper() for lead in record.derived_leads] == lacking


def test_lacking_leads_are_named(tmp_path, rng, foreign):
    signals = foreign.rhythm(rng, seconds=3)
    foreign.write_wfdb(tmp_path, signals[:, 1:10], leads=foreign.leads[1:10])

    with pytest.raises(ReadError, match="lacks leads V5, V6"):
        read_ecg(tmp_path / "rec")


def test_other_channels_are_left_out(tmp_path, rng, foreign):
    signals = rng.normal(0, 0.5, (800, 15))
    foreign.write_wfdb(tmp_path, signals, leads=["vx", *foreign.leads, "vy", "vz"])

    np.testing.assert_allclose(read_ecg(tmp_path / "rec").signals, signals[:, 1:13], atol=6e-4)


def test_only_the_first_minute_is_read(tmp_path, rng, foreign):
    foreign.write_wfdb(tmp_path, np.tile(foreign.rhythm(rng, rate_hz=100), (7, 1)), rate=100)

    assert read_ecg(tmp_path / "rec").duration_s == 60


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gain": "unknown"}, "no gain"),
        ({"gain": "0/mV"}, "no gain"),
        ({"gain": "1000/mmHg"}, "unit that is not known"),
        ({"rate": 0.0}, "sampling rate of 0"),
        ({"first_line": "{name} {channels}"}, "first line lacks"),
        ({"first_line": "{name} {channels} 500 999999999"}, "truncated"),
        ({"first_line": "{name} 10000 500 5000"}, "says 10000"),
        ({"first_line": "{name}/3 {channels} 500 5000"}, "several segments"),
        ({"signal_file": "../rec.dat"}, "another place"),
        ({"signal_file": "other.dat"}, "signal file is missing"),
        ({"leads": ["I"] * 12}, "occurs twice"),
    ],
)
def test_headers_that_leave_something_open_are_refused(tmp_path, rng, foreign, changes, message):
    foreign.write_wfdb(tmp_path, foreign.rhythm(rng, seconds=3), **changes)

    with pytest.raises(ReadError, match=message):
        read_ecg(tmp_path / "rec.hea")


def test_truncated_signal_file_is_refused(tmp_path, rng, foreign):
    foreign.write_wfdb(tmp_path, foreign.rhythm(rng, seconds=3))
    data = tmp_path / "rec.dat"
    data.write_bytes(data.read_bytes()[:-100])

    with pytest.raises(ReadError, match="truncated"):
        read_ecg(tmp_path / "rec")


@pytest.mark.parametrize("keep", [0, 1, 17, 60, 200])
def test_truncated_header_is_refused(tmp_path, rng, foreign, keep):
    header = foreign.write_wfdb(tmp_path, foreign.rhythm(rng, seconds=3))
    header.write_bytes(header.read_bytes()[:keep])

    with pytest.raises(ReadError):
        read_ecg(header)


def test_signal_file_without_header_is_refused(tmp_path):
    (tmp_path / "rec.mat").write_bytes(b"1234")

    with pytest.raises(ReadError, match="no WFDB header"):
        read_ecg(tmp_path / "rec.mat")


def test_csv_with_units_and_time_is_read(tmp_path, rng, foreign):
    signals = foreign.rhythm(rng, rate_hz=250, seconds=3)
    table = np.column_stack([np.arange(len(signals)) * 4.0, signals * 1000])
    head = ",".join(["time (ms)"] + [f"{lead} (uV)" for lead in foreign.leads])
    np.savetxt(tmp_path / "a.csv", table, delimiter=",", header=head, comments="")

    record = read_ecg(tmp_path / "a.csv")

    assert record.rate_hz == pytest.approx(250)
    np.testing.assert_allclose(record.signals, signals, atol=1e-5)


def test_csv_without_rate_or_unit_is_refused(tmp_path, rng, foreign):
    np.savetxt(
        tmp_path / "a.csv", rng.normal(size=(900, 12)), delimiter=",",
        header=",".join(foreign.leads), comments="",
    )  # fmt: skip

    with pytest.raises(ReadError, match="rate is never guessed"):
        read_ecg(tmp_path / "a.csv", unit="mV")
    with pytest.raises(ReadError, match="voltage is never guessed"):
        read_ecg(tmp_path / "a.csv", rate_hz=500)
    assert read_ecg(tmp_path / "a.csv", rate_hz=500, unit="mV").signals.shape == (900, 12)


def test_unknown_files_are_refused(tmp_path):
    (tmp_path / "x.xyz").write_text("hello")
    (tmp_path / "x.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 40)

    for name in ("x.xyz", "x.dcm", "absent.hea", "absent.csv"):
        with pytest.raises(ReadError):
            read_ecg(tmp_path / name)


def test_real_records_of_all_rates_and_namings_are_read(realdata: Path):
    ptb = read_ecg(realdata / "ecg/wfdb_ptb_s0010/s0010_re")
    ptb_xl = read_ecg(realdata / "ecg/ptbxl/00001_lr.dat")
    dicom = read_ecg(realdata / "ecg/dicom/waveform_ecg.dcm")

    assert [(r.rate_hz, r.signals.shape) for r in (ptb, ptb_xl, dicom)] == [
        (1000, (38400, 12)), (100, (1000, 12)), (1000, (10000, 12)),
    ]  # fmt: skip
    for record in (ptb, ptb_xl, dicom):
        two, three = LEADS.index("II"), LEADS.index("III")
        einthoven = record.signals[:, two] - record.signals[:, 0] - record.signals[:, three]
        assert np.abs(einthoven).max() < 0.02


def against_the_library(header: Path) -> None:
    """Hold our own reading of a usual record against the library's."""
    wfdb = pytest.importorskip("wfdb")
    theirs = wfdb.rdrecord(str(header.with_suffix("")))
    lines = [line for line in header.read_text().splitlines() if line and line[0] != "#"]

    ours = read_plain(header.parent, lines, theirs.sig_len)

    assert ours is not None
    np.testing.assert_array_equal(ours.signals, theirs.p_signal)
    assert (ours.names, ours.units) == (theirs.sig_name, theirs.units)
    assert (ours.gains, ours.rate_hz) == (theirs.adc_gain, theirs.fs)


def test_a_usual_record_is_read_as_the_library_reads_it(tmp_path, rng, foreign):
    signals = rng.normal(0, 0.5, (1000, 12))
    signals[10, 3] = -32.768  # what WFDB has for a sample that was not recorded
    header = foreign.write_wfdb(tmp_path, signals, gain="812.5(-17)/uV")
    assert "(-17)" in header.read_text()

    against_the_library(header)

    assert np.isnan(read_ecg(header).signals[10, 3])


def test_real_records_are_read_as_the_library_reads_them(realdata: Path):
    headers = [*(realdata / "ecg" / "cinc2021").glob("*.hea"), realdata / "ecg/ptbxl/00001_lr.hea"]
    assert len(headers) >= 20
    for header in headers:
        against_the_library(header)


@pytest.mark.parametrize(
    ("old", "new"), [(" 16 ", " 212 "), ("\n", " # note\n"), ("(0)", ""), (" 16 ", " 16:3 ")]
)
def test_an_unusual_header_is_left_to_the_library(tmp_path, rng, foreign, old, new):
    header = foreign.write_wfdb(tmp_path, foreign.rhythm(rng, seconds=3), gain="1000(0)/mV")
    lines = [line for line in header.read_text().splitlines() if line[0] != "#"]
    assert read_plain(tmp_path, lines, 1500) is not None

    changed = "\n".join([*lines, ""]).replace(old, new).splitlines()

    assert changed != lines
    assert read_plain(tmp_path, changed, 1500) is None
