"""Small valid ECG files in every format, written from ``(samples, 12)`` mV in clinical order.

Each writer takes the folder, the signals, the rate in Hz and, where the format has room for one,
the device's beat; it returns the path to read. All name the participant: ``SECRET-1``, Jane Doe,
unless told otherwise.
"""

import base64
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

Signals = NDArray[np.float64]

LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
INDEPENDENT = [0, 1, 6, 7, 8, 9, 10, 11]


def steps(signals: Signals, step_mv: float) -> NDArray[np.int64]:
    """Voltages in whole steps."""
    return np.round(signals / step_mv).astype(np.int64)


def write_cardiosoft(
    folder: Path,
    signals: Signals,
    *,
    rate: float = 500,
    beat: Signals | None = None,
    who: str = "SECRET-1",
    surname: str = "Doe",
) -> Path:
    def part(tag: str, values: Signals) -> str:
        stored = steps(values, 0.005)
        leads = "".join(
            f'<WaveformData lead="{name}">\n\t{",".join(map(str, stored[:, k]))}</WaveformData>\n'
            for k, name in enumerate(LEADS)
        )
        return (
            f'<{tag}><NumberOfLeads>12</NumberOfLeads><SampleRate units="Hz">{rate:g}</SampleRate>'
            f"<ChannelSampleCountTotal>{len(values)}</ChannelSampleCountTotal>"
            f'<Resolution units="uVperLsb">5</Resolution>{leads}</{tag}>'
        )

    path = folder / "cardiosoft.xml"
    path.write_text(
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<CardiologyXML>'
        f"<PatientInfo><PID>{who}</PID><Name><FamilyName>{surname}</FamilyName></Name></PatientInfo>"
        '<RestingECGMeasurements><VentricularRate units="BPM">63</VentricularRate>'
        '<PQInterval units="ms">160</PQInterval><QRSDuration units="ms">90</QRSDuration>'
        '<QTInterval units="ms">400</QTInterval><QTCInterval units="ms">410</QTCInterval>'
        '<PAxis units="degrees">50</PAxis><RAxis units="degrees">-20</RAxis>'
        '<TAxis units="degrees">40</TAxis>'
        + ("" if beat is None else part("MedianSamples", beat))
        + "</RestingECGMeasurements>"
        + part("StripData", signals)
        + "</CardiologyXML>",
        encoding="iso-8859-1",
    )
    return path


def write_muse(
    folder: Path,
    signals: Signals,
    *,
    rate: float = 500,
    beat: Signals | None = None,
    who: str = "SECRET-1",
    surname: str = "Doe",
) -> Path:
    def part(kind: str, values: Signals) -> str:
        stored = steps(values, 0.00488).astype("<i2")
        leads = "".join(
            f"<LeadData><LeadSampleCountTotal>{len(stored)}</LeadSampleCountTotal>"
            "<LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit>"
            "<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>"
            f"<LeadID>{LEADS[k]}</LeadID><LeadSampleSize>2</LeadSampleSize><WaveFormData>"
            + base64.encodebytes(stored[:, k].tobytes()).decode()
            + "</WaveFormData></LeadData>"
            for k in INDEPENDENT
        )
        return (
            f"<Waveform><WaveformType>{kind}</WaveformType>"
            f"<SampleType>CONTINUOUS_SAMPLES</SampleType><SampleBase>{rate:g}</SampleBase>"
            f"<SampleExponent>0</SampleExponent>{leads}</Waveform>"
        )

    path = folder / "muse.xml"
    path.write_text(
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
        '<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n<RestingECG><PatientDemographics>'
        f"<PatientID>{who}</PatientID><PatientLastName>{surname}</PatientLastName>"
        "</PatientDemographics><RestingECGMeasurements><VentricularRate>63</VentricularRate>"
        "<PRInterval>0</PRInterval><QRSDuration>90</QRSDuration><RAxis>340</RAxis>"
        "</RestingECGMeasurements>"
        + ("" if beat is None else part("Median", beat))
        + part("Rhythm", signals)
        + "</RestingECG>",
        encoding="iso-8859-1",
    )
    return path


def write_aecg(
    folder: Path,
    signals: Signals,
    *,
    rate: float = 500,
    beat: Signals | None = None,
    who: str = "SECRET-1",
    surname: str = "Doe",
) -> Path:
    def sequence(code: str, value: str) -> str:
        return f'<component><sequence><code code="{code}"/>{value}</sequence></component>'

    def part(values: Signals) -> str:
        stored = steps(values - 0.01, 0.0025)
        leads = "".join(
            sequence(
                f"MDC_ECG_LEAD_{name.upper()}",
                '<value xsi:type="SLIST_PQ"><origin value="10" unit="uV"/>'
                '<scale value="2.5" unit="uV"/>'
                f"<digits>{' '.join(map(str, stored[:, k]))}</digits></value>",
            )
            for k, name in enumerate(LEADS)
        )
        time = sequence(
            "TIME_RELATIVE",
            '<value xsi:type="GLIST_PQ"><head value="0" unit="s"/>'
            f'<increment value="{1000 / rate:g}" unit="ms"/></value>',
        )
        return f"<component><sequenceSet>{time}{leads}</sequenceSet></component>"

    path = folder / "aecg.xml"
    derived = (
        ""
        if beat is None
        else '<derivation><derivedSeries><code code="REPRESENTATIVE_BEAT"/>'
        + part(beat)
        + "<subjectOf><annotationSet><component><annotation>"
        '<code code="MDC_ECG_TIME_PD_QT"/><value xsi:type="PQ" value="0.4" unit="s"/>'
        "</annotation></component></annotationSet></subjectOf></derivedSeries></derivation>"
    )
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<AnnotatedECG xmlns="urn:hl7-org:v3" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><componentOf><trialSubject>'
        f'<id root="1.2.3" extension="{who}"/><name>{surname}</name></trialSubject></componentOf>'
        '<component><series><code code="RHYTHM"/>'
        + part(signals)
        + derived
        + "</series></component></AnnotatedECG>",
        encoding="utf-8",
    )
    return path


def write_philips(
    folder: Path,
    signals: Signals,
    *,
    rate: float = 500,
    beat: Signals | None = None,
    who: str = "SECRET-1",
    surname: str = "Doe",
) -> Path:
    stored = steps(signals, 0.005)
    chunks = b"".join(_xli_chunk(lead) for lead in _philips_residuals(stored))
    beats = ""
    if beat is not None:
        room = np.full((100, 12), 32767)
        beat_steps = np.concatenate([steps(beat, 0.0025), room]).astype("<i2")
        beats = (
            f'<repbeats dataencoding="Base64" samplespersec="{rate:g}" resolution="2.5">'
            + "".join(
                f'<repbeat leadname="{name}"><waveform duration="1">'
                f"{base64.b64encode(beat_steps[:, k].tobytes()).decode()}</waveform></repbeat>"
                for k, name in enumerate(LEADS)
            )
            + "</repbeats>"
        )
    path = folder / "philips.xml"
    text = (
        '<?xml version="1.0" encoding="utf-16"?>\n'
        '<restingecgdata xmlns="http://www3.medical.philips.com"><dataacquisition>'
        f"<signalcharacteristics><samplingrate>{rate:g}</samplingrate><resolution>5</resolution>"
        "<signaloffset>0</signaloffset></signalcharacteristics></dataacquisition><patient>"
        f"<generalpatientdata><patientid>{who}</patientid><name><lastname>{surname}</lastname></name>"
        "</generalpatientdata></patient><globalmeasurements><heartrate>63</heartrate>"
        "<print>160</print></globalmeasurements><waveforms>"
        '<parsedwaveforms dataencoding="Base64" compression="XLI" numberofleads="12" '
        f'leadlabels="{" ".join(LEADS)}" durationperchannel="{1000 * len(signals) / rate:g}">'
        f"{base64.b64encode(chunks).decode()}</parsedwaveforms>{beats}"
        "</waveforms></restingecgdata>"
    )
    path.write_bytes(text.encode("utf-16"))
    return path


def _philips_residuals(stored: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    one, two, three, avr, avl, avf = stored[:, :6].T
    limbs = [
        one,
        two,
        two - one - three,
        -((one + two) // 2) - avr,
        (one - three) // 2 - avl,
        (two + three) // 2 - avf,
    ]
    return limbs + list(stored[:, 6:].T)


def _xli_chunk(lead: NDArray[np.int64]) -> bytes:
    curvature = 2 * lead[1:-1] - lead[:-2] - lead[2:]
    words = np.concatenate([lead[:2], curvature[1:] + 64, [64]]).astype(">i2").tobytes()
    codes = _lzw(words[0::2] + words[1::2])
    bits = "".join(f"{code:010b}" for code in codes)
    bits += "0" * (-len(bits) % 8)
    packed = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return struct.pack("<ihh", len(packed), 0, int(curvature[0])) + packed


def _lzw(data: bytes) -> list[int]:
    table = {bytes([value]): value for value in range(256)}
    codes, run = [], b""
    for value in data:
        longer = run + bytes([value])
        if longer in table:
            run = longer
            continue
        codes.append(table[run])
        if len(table) <= 1022:
            table[longer] = len(table)
        run = bytes([value])
    return [*codes, table[run], 1023]


def write_edf(
    folder: Path,
    signals: Signals,
    *,
    rate: float = 500,
    beat: Signals | None = None,
    who: str = "SECRET-1",
    surname: str = "Doe",
) -> Path:
    seconds = int(len(signals) / rate)
    size = int(rate)
    low, high = -10_000, 10_000
    step = (high - low) / 65535
    stored = np.round((signals[: seconds * size] * 1000 - low) / step - 32768).astype("<i2")

    def field(values: list[str], width: int) -> str:
        return "".join(value.ljust(width) for value in values)

    same = [""] * 12
    header = (
        field(["0"], 8) + field([f"{who} F X Jane_{surname}"], 80) + field(["Startdate X"], 80)
        + "01.01.0101.01.01" + field([str(256 * 13)], 8) + field(["EDF+C"], 44)
        + field([str(seconds)], 8) + field(["1"], 8) + field(["12"], 4)
        + field([f"ECG {name}" for name in LEADS], 16) + field(same, 80) + field(["uV"] * 12, 8)
        + field([str(low)] * 12, 8) + field([str(high)] * 12, 8) + field(["-32768"] * 12, 8)
        + field(["32767"] * 12, 8) + field(same, 80) + field([str(size)] * 12, 8)
        + field(same, 32)
    )  # fmt: skip
    path = folder / "ecg.edf"
    blocks = stored.reshape(seconds, size, 12).transpose(0, 2, 1)
    path.write_bytes(header.encode("ascii") + np.ascontiguousarray(blocks).tobytes())
    return path


def write_dicom(
    folder: Path,
    signals: Signals,
    *,
    rate: float = 500,
    beat: Signals | None = None,
    who: str = "SECRET-1",
    surname: str = "Doe",
) -> Path:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.9.1.1"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    path = folder / "ecg.dcm"
    file = FileDataset(str(path), Dataset(), file_meta=meta, preamble=b"\0" * 128)
    file.SOPClassUID = meta.MediaStorageSOPClassUID
    file.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    file.PatientID, file.PatientName = who, f"{surname}^Jane"
    parts = [("RHYTHM", signals)] + ([] if beat is None else [("MEDIAN BEAT", beat)])
    file.WaveformSequence = [_dicom_group(label, values, rate) for label, values in parts]
    file.WaveformAnnotationSequence = [
        _dicom_measurement("RR Interval", 952, "ms"),
        _dicom_measurement("QRS Axis", -20, "deg"),
        _dicom_measurement("PR Interval", 160, "s"),
    ]
    file.save_as(path, enforce_file_format=True)
    return path


def _coded(**facts: str) -> Dataset:
    code = Dataset()
    for name, value in facts.items():
        setattr(code, name, value)
    return code


def _dicom_measurement(meaning: str, value: float, unit: str) -> Dataset:
    annotation = Dataset()
    annotation.MeasurementUnitsCodeSequence = [_coded(CodeValue=unit)]
    annotation.ConceptNameCodeSequence = [_coded(CodeMeaning=meaning)]
    annotation.NumericValue = value
    annotation.ReferencedWaveformChannels = [1, 0]
    return annotation


def _dicom_group(label: str, values: Signals, rate: float) -> Dataset:
    group = Dataset()
    group.WaveformOriginality = "ORIGINAL" if label == "RHYTHM" else "DERIVED"
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = 12, len(values)
    group.SamplingFrequency, group.MultiplexGroupLabel = rate, label
    group.ChannelDefinitionSequence = []
    for name in LEADS:
        channel = Dataset()
        channel.ChannelSourceSequence = [_coded(CodeMeaning=f"Lead {name}")]
        channel.ChannelSensitivity, channel.ChannelBaseline = "2.5", "0"
        channel.ChannelSensitivityCorrectionFactor = "1"
        channel.ChannelSensitivityUnitsSequence = [_coded(CodeValue="uV")]
        channel.WaveformBitsStored = 16
        group.ChannelDefinitionSequence.append(channel)
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.WaveformData = steps(values, 0.0025).astype("<i2").tobytes()
    return group


def write_csv(
    folder: Path, signals: Signals, *, rate: float = 500, beat: Signals | None = None
) -> Path:
    path = folder / "ecg.csv"
    times = np.arange(len(signals)) / rate
    head = ",".join(["time (s)", *(f"{name} (mV)" for name in LEADS)])
    np.savetxt(path, np.column_stack([times, signals]), "%.4f", ",", header=head, comments="")
    return path


def write_wfdb(
    folder: Path,
    signals: Signals,
    *,
    rate: float = 500,
    beat: Signals | None = None,
    who: str = "SECRET-1",
) -> Path:
    steps(signals, 0.001).astype("<i2").tofile(folder / "wfdb.dat")
    lines = [f"wfdb 12 {rate:g} {len(signals)}"]
    lines += [f"wfdb.dat 16 1000/mV 16 0 0 0 0 {name.lower()}" for name in LEADS]
    path = folder / "wfdb.hea"
    path.write_text("\n".join([*lines, f"# Patient: {who}", ""]))
    return path


WRITERS: dict[str, Callable[..., Path]] = {
    "WFDB": write_wfdb,
    "DICOM": write_dicom,
    "CardioSoft XML": write_cardiosoft,
    "GE MUSE XML": write_muse,
    "Philips XML": write_philips,
    "HL7 aECG": write_aecg,
    "EDF": write_edf,
    "CSV": write_csv,
}
"""Writers by the source that the reader names."""

HAS_BEAT = ["DICOM", "CardioSoft XML", "GE MUSE XML", "Philips XML", "HL7 aECG"]
"""Formats with room for the device's beat."""

STEPS_MV = {
    "WFDB": 0.001,
    "DICOM": 0.0025,
    "CardioSoft XML": 0.005,
    "GE MUSE XML": 0.00488,
    "Philips XML": 0.005,
    "HL7 aECG": 0.0025,
    "EDF": 20 / 65535,
    "CSV": None,
}
"""Step of the stored integers that each writer uses."""
