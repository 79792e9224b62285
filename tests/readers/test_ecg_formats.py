import base64
from itertools import combinations

import numpy as np
import pytest

from cmae.data.modality import LEADS
from cmae.errors import ReadError
from cmae.readers.ecg import read_ecg
from cmae.readers.ecg_encoding import numbers
from cmae.readers.ecg_header import header_field
from cmae.readers.ecg_limb_leads import einthoven_uv
from tests.readers.ecg_files import HAS_BEAT, STEPS_MV, WRITERS, write_cardiosoft, write_muse

CHANGES = {
    "WFDB": [
        ("wfdb 12 500", "wfdb 12 0", "sampling rate of 0"),
        ("wfdb 12 500", "wfdb 12 1e9", "sampling rate of"),
        ("wfdb 12 500 1500", "wfdb 12 500 -7", "-7 samples"),
        ("wfdb 12 500 1500", "wfdb 12 500 1000000000", "truncated"),
        ("wfdb 12 500", "wfdb 10000 500", "says 10000"),
        ("16 1000/mV", "16+24 1000/mV", "truncated"),
        ("16 1000/mV", "16:999999999 1000/mV", "skew of 999999999"),
        ("16 1000/mV", "16x1000 1000/mV", "1000 samples a frame"),
        ("16 1000/mV", "99 1000/mV", "storage format"),
        ("wfdb.dat 16 1000/mV", "/etc/passwd 16 1000/mV", "another place"),
    ],
    "CardioSoft XML": [
        ('<SampleRate units="Hz">500', '<SampleRate units="Hz">0', "sampling rate of 0"),
        ('<SampleRate units="Hz">500', '<SampleRate units="Hz">', "sampling rate of None"),
        ('<SampleRate units="Hz">', '<SampleRate units="kHz">', "other than Hz"),
        ('<Resolution units="uVperLsb">5', '<Resolution units="uVperLsb">0', "no resolution"),
        ('<Resolution units="uVperLsb">', "<Resolution>", "no resolution"),
        ('units="uVperLsb"', 'units="mmHgperLsb"', "unit that is not known"),
        ("<StripData>", "<OtherData>", "damaged in line"),
        ("StripData>", "OtherData>", "no rhythm"),
        ("CountTotal>1500<", "CountTotal>999999999<", "truncated"),
        ("CountTotal>1500<", "CountTotal>-5<", "truncated"),
        ('lead="V6"', 'lead="V9"', "lacks lead V6"),
        ('lead="V6"', 'lead="V5"', "V5 occurs twice"),
        ("\n\t", "\n\tx,", "no number"),
        ("CardiologyXML>", "Cardiology>", "element of no ECG"),
    ],
    "GE MUSE XML": [
        ("<SampleBase>500", "<SampleBase>0", "sampling rate of 0"),
        ("<SampleBase>500", "<SampleBase>", "no sampling rate"),
        ("<SampleExponent>0", "<SampleExponent>9", "no sampling rate"),
        ("UnitsPerBit>4.88", "UnitsPerBit>0", "no amplitude"),
        ("UnitsPerBit>4.88", "UnitsPerBit>nan", "no amplitude"),
        ("MICROVOLTS", "FURLONGS", "no amplitude"),
        ("CONTINUOUS_SAMPLES", "HUFFMAN", "compressed"),
        ("<LeadSampleSize>2", "<LeadSampleSize>4", "2 bytes"),
        ("CountTotal>1500<", "CountTotal>1000000000<", "truncated"),
        ("<WaveFormData>", "<WaveFormData>!", "no base64"),
        ("<WaveformType>Rhythm", "<WaveformType>Pharma", "no rhythm"),
        ("<LeadID>II<", "<LeadID>X<", "lacks leads II, III, aVR, aVL, aVF"),
    ],
    "HL7 aECG": [
        ('increment value="2" unit="ms"', 'increment value="0" unit="ms"', "sampling rate of None"),
        ('increment value="2" unit="ms"', 'increment value="2" unit="h"', "sampling rate of None"),
        ('scale value="2.5"', 'scale value="0"', "no scale"),
        ('scale value="2.5" unit="uV"', 'scale value="2.5" unit="mm"', "unit that is not known"),
        ('scale value="2.5" unit="uV"', 'scale value="1e9" unit="V"', "beyond 5000 mV"),
        ("sequenceSet>", "sequences>", "no series"),
        ("MDC_ECG_LEAD_V2", "MDC_ECG_LEAD_X", "lacks lead V2"),
    ],
    "Philips XML": [
        ("<samplingrate>500", "<samplingrate>0", "sampling rate of 0"),
        ("<resolution>5", "<resolution>0", "no resolution"),
        ("<resolution>5", "<resolution>", "no resolution"),
        ("<signaloffset>0", "<signaloffset>7", "offset"),
        ('durationperchannel="3000"', 'durationperchannel="2e12"', "announces 1e"),
        ('durationperchannel="3000"', 'durationperchannel="-1"', "announces"),
        ('durationperchannel="3000"', 'durationperchannel="3100"', "end early"),
        ('numberofleads="12"', 'numberofleads="10000"', "announces 10000 leads"),
        ('numberofleads="12"', 'numberofleads="-1"', "announces -1 leads"),
        ('leadlabels="I II III', 'leadlabels="X I II III', "lacks lead V6"),
        ('compression="XLI"', 'compression="ZIP"', "otherwise than by XLI"),
        ('compression="XLI"', 'compression="Uncompressed"', "another number|within a sample"),
        ('<parsedwaveforms dataencoding="Base64"', '<parsedwaveforms dataencoding="x"', "Base64"),
    ],
    "EDF": [
        ("EDF+C", "EDF+D", "interrupted"),
        ("3       1       12  ", "3       1       9999", "does not announce"),
        ("3       1       12  ", "3       1       -1  ", "does not announce"),
        ("3       1       12  ", "3       0       12  ", "no duration"),
        ("3       1       12  ", "-1      1       12  ", "no number"),
        ("3       1       12  ", "99999999100     12  ", "truncated"),
        ("3       1       12  ", "3       99      12  ", "sampling rate of 5"),
        ("uV      ", "        ", "voltage is never guessed"),
        ("-10000  ", "10000   ", "empty range"),
        ("-10000  ", "x       ", "no range"),
        ("500     ", "0       ", "no believable number"),
        ("500     ", "9e9     ", "no believable number"),
        ("ECG ", "EEG ", "names no clinical lead"),
    ],
    "CSV": [
        ("time (s)", "time", "names no unit"),
        ("time (s)", "place (s)", "rate is never guessed"),
        ("V1 (mV)", "V1", "voltage is never guessed"),
        ("V1 (mV)", "I (mV)", "I occurs twice"),
        ("V1 (mV)", "V1 (mmHg)", "unit that is not known"),
        (",V1 (mV)", ",V1 (mV)" + ",x" * 10_000, "header row"),
        ("0.0020,", "zero,", "no table of numbers"),
    ],
}


def with_one_heart(signals):
    """Signals whose limb leads obey Einthoven's and Goldberger's equations."""
    one, two = signals[:, 0], signals[:, 1]
    limbs = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.column_stack([*limbs, signals[:, 6:]])


@pytest.fixture
def signals(rng, foreign):
    return with_one_heart(foreign.rhythm(rng, seconds=3, noise_mv=0.005))


@pytest.mark.parametrize("source", WRITERS)
@pytest.mark.parametrize("rate", [250.0, 500.0])
def test_every_format_gives_the_same_leads_in_mv(tmp_path, rng, foreign, source, rate):
    signals = with_one_heart(foreign.rhythm(rng, rate_hz=rate, seconds=3, noise_mv=0.005))
    path = WRITERS[source](tmp_path, signals, rate=rate)

    record = read_ecg(path)

    assert record.source == source
    assert record.rate_hz == pytest.approx(rate)
    step = STEPS_MV[source]
    np.testing.assert_allclose(record.signals, signals, atol=2 * (step or 1e-4))
    assert record.resolution_mv == (None if step is None else pytest.approx(step))
    assert not record.is_einthoven_violated


@pytest.mark.parametrize("source", HAS_BEAT)
def test_the_devices_beat_is_read(tmp_path, signals, foreign, source):
    beat = foreign.one_beat(500)

    record = read_ecg(WRITERS[source](tmp_path, signals, beat=beat))

    assert record.device_beat is not None
    assert record.device_beat.rate_hz == 500
    np.testing.assert_allclose(record.device_beat.signals, beat, atol=2 * STEPS_MV[source])
    assert read_ecg(WRITERS[source](tmp_path, signals)).device_beat is None


def test_measurements_have_canonical_names_and_none_where_nothing_was_measured(tmp_path, signals):
    beat = signals[:600]
    read = {name: read_ecg(WRITERS[name](tmp_path, signals, beat=beat)) for name in HAS_BEAT}

    assert read["CardioSoft XML"].measurements == {
        "heart_rate_bpm": 63, "pr_ms": 160, "qrs_ms": 90, "qt_ms": 400, "qtc_ms": 410,
        "p_axis_deg": 50, "qrs_axis_deg": -20, "t_axis_deg": 40,
    }  # fmt: skip
    assert read["GE MUSE XML"].measurements == {
        "heart_rate_bpm": 63, "qrs_ms": 90, "qrs_axis_deg": -20
    }  # fmt: skip
    assert read["Philips XML"].measurements == {"heart_rate_bpm": 63, "pr_ms": 160}
    assert read["HL7 aECG"].measurements == {"qt_ms": 400}
    dicom = read["DICOM"].measurements
    assert dicom == {"heart_rate_bpm": pytest.approx(63, abs=0.1), "qrs_axis_deg": -20}


@pytest.mark.parametrize("source", sorted(set(WRITERS) - {"WFDB"}))
def test_a_file_is_told_by_its_content(tmp_path, signals, source):
    path = WRITERS[source](tmp_path, signals)

    assert read_ecg(path.rename(tmp_path / "renamed.bin")).source == source


def test_wfdb_records_may_keep_their_signals_in_several_files(tmp_path, signals):
    header = WRITERS["WFDB"](tmp_path, signals)
    stored = np.fromfile(tmp_path / "wfdb.dat", "<i2").reshape(-1, 12)
    stored[:, :6].tofile(tmp_path / "wfdb.dat")
    (tmp_path / "other.dat").write_bytes(b"\0" * 24 + stored[:, 6:].tobytes())
    lines = header.read_text().splitlines()
    lines[7:13] = [line.replace("wfdb.dat 16", "other.dat 16+24") for line in lines[7:13]]
    header.write_text("\n".join(lines))

    np.testing.assert_allclose(read_ecg(header).signals, signals, atol=0.001)


def test_limb_leads_of_eight_lead_files_are_derived(tmp_path, signals):
    record = read_ecg(write_muse(tmp_path, signals))

    assert record.derived_leads == ("III", "aVR", "aVL", "aVF")
    assert record.einthoven_uv is None


@pytest.mark.parametrize(("one", "other"), [(0, 1), (1, 2), (2, 5), (3, 4)])
def test_limb_leads_that_contradict_each_other_are_reported(tmp_path, signals, one, other):
    mixed = signals.copy()
    mixed[:, [one, other]] = signals[:, [other, one]]

    record = read_ecg(write_cardiosoft(tmp_path, mixed))

    assert record.is_einthoven_violated
    assert record.einthoven_uv is not None
    assert record.einthoven_uv > 20


@pytest.mark.parametrize(
    ("source", "old", "new", "message"),
    [(source, *change) for source, changes in CHANGES.items() for change in changes],
)
def test_what_a_header_leaves_open_is_refused(tmp_path, signals, source, old, new, message):
    path = WRITERS[source](tmp_path, signals)
    encoding = "utf-16" if source == "Philips XML" else "latin-1"
    text = path.read_bytes().decode(encoding)
    assert old in text
    path.write_bytes(text.replace(old, new).encode(encoding))

    with pytest.raises(ReadError, match=message):
        read_ecg(path)


@pytest.mark.parametrize("source", ["CardioSoft XML", "GE MUSE XML", "Philips XML", "HL7 aECG"])
@pytest.mark.parametrize("name", ["PatientID", "patientid"])
def test_the_participant_is_read_only_when_asked_for(tmp_path, signals, source, name):
    path = WRITERS[source](tmp_path, signals)

    assert header_field(path, name) == "SECRET-1"
    assert header_field(path, "no_such_field") is None
    assert "SECRET" not in repr(read_ecg(path))


def test_header_fields_of_edf_and_of_other_formats(tmp_path, signals):
    assert header_field(WRITERS["EDF"](tmp_path, signals), "PatientID") == "SECRET-1"
    assert header_field(WRITERS["CSV"](tmp_path, signals), "PatientID") is None
    assert header_field(WRITERS["CardioSoft XML"](tmp_path, signals), "familyname") == "Doe"


def test_formats_that_are_not_read_are_named(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\0" * 16 + b"SCPECG" + b"\0" * 100)
    (tmp_path / "b.bdf").write_bytes(b"\xffBIOSEMI" + b" " * 400)

    with pytest.raises(ReadError, match="SCP-ECG, which is not read: export"):
        read_ecg(tmp_path / "a.bin")
    with pytest.raises(ReadError, match="BDF"):
        read_ecg(tmp_path / "b.bdf")


@pytest.mark.parametrize("repeats", [3, 20_000])
def test_compressed_samples_that_expand_without_end_are_refused(tmp_path, signals, repeats):
    path = WRITERS["Philips XML"](tmp_path, signals)
    text = path.read_bytes().decode("utf-16")
    start = text.index(">", text.index("<parsedwaveforms")) + 1
    codes = "".join(f"{code:010b}" for code in [0, *range(256, 1023), *[1022] * repeats])
    codes += "0" * (-len(codes) % 8)
    packed = int(codes, 2).to_bytes(len(codes) // 8, "big")
    chunk = len(packed).to_bytes(4, "little") + b"\0" * 4 + packed
    bomb = base64.b64encode(chunk * 12).decode()
    path.write_bytes((text[:start] + bomb + text[text.index("</parsed") :]).encode("utf-16"))

    with pytest.raises(ReadError, match="damaged"):
        read_ecg(path)


REAL = {
    "dicom/waveform_ecg.dcm": ("DICOM", 1000, 10000, 0, 1.25, 1200, 61.1),
    "hl7_aecg/Example_aECG.xml": ("HL7 aECG", 500, 5000, 0, 2.5, 599, None),
    "muse_xml/example1.xml": ("GE MUSE XML", 500, 5000, 4, 4.88, 600, 48),
    "muse_xml/example3.xml": ("GE MUSE XML", 500, 5000, 4, 4.88, 600, 59),
    "philips_sierra_xml/1_03/129DYPRG.XML": ("Philips XML", 500, 5500, 0, 5, None, 41),
    "philips_sierra_xml/1_03/repbeats_example.xml": ("Philips XML", 500, 5500, 0, 5, 1200, 41),
    "philips_sierra_xml/1_04/3191723_ZZDEMOPTONLY_1-04_orig.xml": (
        "Philips XML", 500, 5500, 0, 5, 600, 84,
    ),
    "philips_sierra_xml/1_04/ad4d3d80-d165_1-04_orig.xml": (
        "Philips XML", 500, 5500, 0, 5, 600, 41,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_files_of_every_device_are_read(realdata, name):
    source, rate, samples, derived, step_uv, beat, heart_rate = REAL[name]

    record = read_ecg(realdata / "ecg" / name)

    assert (record.source, record.rate_hz, record.signals.shape) == (source, rate, (samples, 12))
    assert len(record.derived_leads) == derived
    assert record.resolution_mv == pytest.approx(step_uv / 1000)
    assert (len(record.device_beat.signals) if record.device_beat else None) == beat
    assert record.measurements.get("heart_rate_bpm") == (
        None if heart_rate is None else pytest.approx(heart_rate, abs=0.1)
    )
    assert not record.is_einthoven_violated


@pytest.mark.parametrize(
    "name",
    [
        "dicom/waveform_ecg.dcm",
        "hl7_aecg/Example_aECG.xml",
        "muse_xml/example1.xml",
        "muse_xml/example3.xml",
        "philips_sierra_xml/1_04/3191723_ZZDEMOPTONLY_1-04_orig.xml",
        "philips_sierra_xml/1_04/ad4d3d80-d165_1-04_orig.xml",
    ],
)
def test_a_devices_beat_lies_in_its_own_rhythm_with_the_same_voltage(realdata, name):
    record = read_ecg(realdata / "ecg" / name)
    assert record.device_beat is not None
    assert record.device_beat.rate_hz == record.rate_hz
    beat, rhythm = record.device_beat.signals, record.signals
    steepest = int(np.argmax(np.abs(np.diff(beat, axis=0)).sum(axis=1)))
    around = int(0.06 * record.rate_hz)
    qrs = beat[steepest - around : steepest + around]
    qrs = qrs - qrs.mean(axis=0)
    windows = np.lib.stride_tricks.sliding_window_view(
        rhythm[: int(3 * record.rate_hz)], 2 * around, axis=0
    )
    windows = windows - windows.mean(axis=-1, keepdims=True)
    shared = np.einsum("olk,kl->o", windows, qrs)
    correlation = shared / np.sqrt((windows**2).sum(axis=(1, 2)) * (qrs**2).sum())
    best = int(np.argmax(correlation))

    assert correlation[best] > 0.98
    assert shared[best] / (qrs**2).sum() == pytest.approx(1, abs=0.1)


def test_limb_leads_of_real_records_agree_until_two_are_exchanged(realdata):
    paths = sorted((realdata / "ecg/cinc2021").glob("*.hea"))
    assert len(paths) == 25
    for path in paths:
        record = read_ecg(path)
        assert record.einthoven_uv is not None
        assert record.einthoven_uv <= 3.1
        assert not record.is_einthoven_violated
        limbs = {lead: record.signals[:, k].astype(float) for k, lead in enumerate(LEADS[:6])}
        for one, other in combinations(LEADS[:6], 2):
            mixed = einthoven_uv({**limbs, one: limbs[other], other: limbs[one]})
            assert mixed is not None
            assert mixed > 30


def test_leads_are_in_clinical_order():
    assert list(LEADS) == ["I", "II", "III", "aVR", "aVL", "aVF"] + [f"V{k}" for k in range(1, 7)]


@pytest.mark.parametrize("digits", ["1.5,-2.25,3", "1.5 -2.25\n3e0", "\t1.5, -2.25,\n3,"])
def test_numbers_need_not_be_whole(digits):
    np.testing.assert_array_equal(numbers(digits), [1.5, -2.25, 3])


@pytest.mark.parametrize("digits", ["1,x,3", "1 2 0x10", "1 2 99999999999999999999999 z", "--1"])
def test_text_that_is_no_number_is_refused(digits):
    with pytest.raises(ReadError, match="no number"):
        numbers(digits)
