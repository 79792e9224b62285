"""Recordings whose headers say what cannot be: rate 0, a billion samples, negative sizes, names."""

import io
import re
import struct
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import h5py
import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from tests.fuzz.reading import CANARY
from tests.fuzz.samples import SAMPLES, Sample, enhanced, ml4h, nifti
from tests.readers.test_ml4h import CINE

NUMBERS = ["0", "-1", "-5000", "1000000000", "99999999999999999999", "1e308", "1e-308", "nan",
           "inf", "", CANARY, "9" * 5000, "9" * 300, "٣", "1_000"]  # fmt: skip
"""What may stand where a number is expected."""

Case = tuple[str, Sample]


def cases(name: str) -> Iterator[Case]:
    """Yield the absurd recordings of one format."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom says what is absurd
        yield from _MAKERS[name]()


def _with(sample: Sample, data: bytes, name: str | None = None) -> Sample:
    """A sample with other bytes in its one file, or in the one named."""
    return Sample(sample.reading, {**sample.files, name or sample.opens: data}, sample.opens)


def _text(name: str, patterns: dict[str, str], encoding: str = "latin-1") -> Iterator[Case]:
    """Put each absurd number where a pattern's group 1 stands."""
    sample = SAMPLES[name]()
    text = sample.files[sample.opens].decode(encoding)
    for what, pattern in patterns.items():
        for number in NUMBERS:
            found = re.search(pattern, text)
            assert found, what
            start, end = found.span(1)
            data = (text[:start] + number + text[end:]).encode(encoding, errors="replace")
            yield f"{what} {number[:20]!r}", _with(sample, data)


def _wfdb():
    yield from _text(
        "ECG WFDB",
        {"channels": r"^wfdb (\S+)", "rate": r"^wfdb \S+ (\S+)", "samples": r"^wfdb \S+ \S+ (\S+)",
         "format": r"wfdb.dat (16)", "gain": r"16 (1000)/", "unit": r"/(mV)", "zero": r"mV (16)",
         "bits": r"mV 16 (0)", "name": r"0 0 0 (i)\n", "signal file": r"\n(wfdb.dat)"},
    )  # fmt: skip
    sample = SAMPLES["ECG WFDB"]()
    line = "wfdb.dat 16 1000/mV 16 0 0 0 0 I\n"
    for what, text in {
        "10,000 leads": "wfdb 10000 500 2500\n" + line * 10_000,
        "10,000 leads of nothing": "wfdb 10000 500 0\n" + line * 10_000,
        "a billion samples": "wfdb 12 500 1000000000\n" + line * 12,
        "other folder": "wfdb 1 500 10\n../../etc/passwd 16 1000/mV 16 0 0 0 0 I\n",
        "absolute": "wfdb 1 500 10\n/etc/passwd 16 1000/mV 16 0 0 0 0 I\n",
        "address": "wfdb 1 500 10\nhttp://localhost/x.dat 16 1000/mV 16 0 0 0 0 I\n",
        "chained": "wfdb 1 500 10\nzip::file:x.dat 16 1000/mV 16 0 0 0 0 I\n",
        "itself": "wfdb 1 500 10\nwfdb.hea 16 1000/mV 16 0 0 0 0 I\n",
        "offset": "wfdb 1 500 10\nwfdb.dat 16+9999999999 1000/mV 16 0 0 0 0 I\n",
        "skew": "wfdb 1 500 10\nwfdb.dat 16:999999999 1000/mV 16 0 0 0 0 I\n",
        "frames": "wfdb 1 500 10\nwfdb.dat 16x99999999 1000/mV 16 0 0 0 0 I\n",
        "flac": "wfdb 1 500 10\nwfdb.dat 516 1000/mV 16 0 0 0 0 I\n",
        "segments": f"wfdb/3 12 500 2500\n{CANARY} 1000\n~ 500\n{CANARY} 1000\n",
        "named": f"{CANARY} 12 500 2500 10:10:10 1/1/1900 {CANARY}\n" + line * 12,
        "only comments": f"# {CANARY}\n" * 1000,
    }.items():
        yield what, _with(sample, text.encode())


def _cardiosoft():
    yield from _text(
        "ECG CardioSoft XML",
        {"rate": r'<SampleRate units="Hz">(\d+)', "rate unit": r'<SampleRate units="(Hz)"',
         "samples": r"Total>(\d+)", "step": r'uVperLsb">(\d+)', "unit": r'"(uVperLsb)',
         "lead": r'lead="(II)"', "sample": r"\t(-?\d+),", "measurement": r'BPM">(63)'},
    )  # fmt: skip


def _muse():
    yield from _text(
        "ECG GE MUSE XML",
        {"rate": r"<SampleBase>(\d+)", "exponent": r"<SampleExponent>(0)",
         "samples": r"CountTotal>(\d+)", "step": r"PerBit>([\d.]+)", "unit": r"(MICROVOLTS)",
         "lead": r"<LeadID>(I)<", "type": r"<WaveformType>(Rhythm)", "size": r"Size>(2)<",
         "root": r"<(RestingECG)>"},
    )  # fmt: skip


def _philips():
    yield from _text(
        "ECG Philips XML",
        {"rate": r"<samplingrate>(\d+)", "step": r"<resolution>(5)<", "leads": r'leads="(12)"',
         "labels": r'leadlabels="(I II)', "duration": r'durationperchannel="(\d+)"',
         "compression": r'"(XLI)"', "beat rate": r'samplespersec="(\d+)"',
         "offset": r"offset>(0)<"},
        "utf-16",
    )  # fmt: skip


def _aecg():
    yield from _text(
        "ECG HL7 aECG",
        {"rate": r'<increment value="(\d+)"', "rate unit": r'value="2" unit="(ms)"',
         "scale": r'<scale value="([\d.]+)"', "unit": r'<scale value="2.5" unit="(uV)"',
         "origin": r'<origin value="(\d+)"', "lead": r"MDC_ECG_LEAD_(AVR)",
         "digits": r"digits>(-?\d+)",
         "code": r'code="(RHYTHM)"'},
    )  # fmt: skip


def _edf():
    sample = SAMPLES["ECG EDF"]()
    data = sample.files[sample.opens]
    fields = {
        "patient": (8, 80),
        "header bytes": (184, 8),
        "reserved": (192, 44),
        "records": (236, 8),
        "seconds": (244, 8),
        "signals": (252, 4),
        "label": (256, 16),
    }
    at = 256
    for what, width in (
        ("label", 16),
        ("transducer", 80),
        ("unit", 8),
        ("low", 8),
        ("high", 8),
        ("digital low", 8),
        ("digital high", 8),
        ("filter", 80),
        ("samples", 8),
    ):
        fields[what] = (at, width)
        at += 12 * width  # fmt: skip
    for what, (start, width) in fields.items():
        for number in [*NUMBERS, "1e300", "9999", "10000"]:
            text = number.encode("latin-1", errors="replace")[:width].ljust(width)
            changed = data[:start] + text + data[start + width :]
            yield f"{what} {number[:20]!r}", _with(sample, changed)


def _csv():
    sample = SAMPLES["ECG CSV"]()
    head, _, rest = sample.files[sample.opens].decode().partition("\n")
    rows = rest.splitlines()
    for what, text in {
        "10,000 leads": ",".join(["I (mV)"] * 10_000) + "\n" + rest,
        "names for leads": head.replace("V1", CANARY) + "\n" + rest,
        "names for units": head.replace("mV", CANARY) + "\n" + rest,
        "no units": head.replace(" (mV)", "") + "\n" + rest,
        "name for time": head.replace("time (s)", f"time ({CANARY})") + "\n" + rest,
        "names for numbers": head + "\n" + re.sub(r"0\.\d", CANARY, rest),
        "rate 0": head + "\n" + "\n".join("0" + row[row.index(",") :] for row in rows),
        "rate of gigahertz": head.replace("(s)", "(ms)") + "\n" + rest.replace("0.0", "0.0000001"),
        "time backwards": head + "\n" + "\n".join(reversed(rows)),
        "twice": head.replace("V1", "I") + "\n" + rest,
        "uneven rows": head + "\n" + rest.replace(",", ",,", 500),
        "open quote": head + '\n"' + rest,
        "one long line": head + rest.replace("\n", ","),
        "huge numbers": head + "\n" + re.sub(r",-?0\.", ",1e308", rest),
        "infinite": head + "\n" + re.sub(r",-?0\.\d+", ",inf", rest),
        "only a header": head,
        "comments": "#\n" * 200_000 + head,
        "zeros": head + "\n" + "\0" * 100_000,
        "words": head + "\n" + ("ab," * 12 + "c\n") * 100_000,
        "no header": rest,
    }.items():
        yield what, _with(sample, text.encode())


def _dicom(name: str, changes: dict[str, list[object]], place: Callable[[Dataset], Dataset]):
    """Set attributes of a data set inside a sample's first file."""
    sample = SAMPLES[name]()
    first = min(sample.files)
    for attribute, values in changes.items():
        for value in values:
            image = dcmread(io.BytesIO(sample.files[first]))
            target = place(image)
            try:
                if value is None:
                    delattr(target, attribute)
                else:
                    element = target.get(Tag(attribute))
                    if isinstance(value, str) and element is not None:
                        element.VR = "LO"  # text where a number or an identifier belongs
                    setattr(target, attribute, value)
                opened = io.BytesIO()
                image.save_as(opened, enforce_file_format=True)
            except (ArithmeticError, AttributeError, OSError, TypeError, ValueError, struct.error):
                continue  # what pydicom cannot write no file holds
            yield f"{attribute} {str(value)[:20]!r}", _with(sample, opened.getvalue(), first)


def _dicom_ecg():
    counts = [None, 0, 1, 10**9, 2**32 - 1]
    words = [None, "0", "-1", "1e308", "nan", "", CANARY, "9" * 16, "9" * 300]
    yield from _dicom(
        "ECG DICOM",
        {"NumberOfWaveformChannels": [*counts, 10_000, 65535], "NumberOfWaveformSamples": counts,
         "SamplingFrequency": words, "MultiplexGroupLabel": words, "WaveformOriginality": words,
         "WaveformBitsAllocated": [*counts, 8, 64], "WaveformSampleInterpretation": ["SB", CANARY],
         "WaveformData": [None, b"", b"x" * 10], "ChannelDefinitionSequence": [None, []]},
        lambda image: image.WaveformSequence[0],
    )  # fmt: skip
    for attribute, inside in (
        ("CodeMeaning", lambda channel: channel.ChannelSourceSequence[0]),
        ("CodeValue", lambda channel: channel.ChannelSensitivityUnitsSequence[0]),
        ("ChannelSensitivity", lambda channel: channel),
        ("ChannelBaseline", lambda channel: channel),
        ("ChannelSensitivityCorrectionFactor", lambda channel: channel),
        ("ChannelSensitivityUnitsSequence", lambda channel: channel),
    ):
        yield from _dicom(
            "ECG DICOM", {attribute: words},
            lambda image, inside=inside: inside(
                image.WaveformSequence[0].ChannelDefinitionSequence[0]
            ),
        )  # fmt: skip
    yield from _dicom(
        "ECG DICOM",
        {"SOPClassUID": words, "SOPInstanceUID": words, "StudyInstanceUID": words,
         "WaveformSequence": [None, []], "WaveformAnnotationSequence": [None, []],
         "SpecificCharacterSet": ["ISO_IR 192", CANARY, "ISO 2022 IR 87\\ISO 2022 IR 149"]},
        lambda image: image,
    )  # fmt: skip


_SIZES = [None, 0, 1, 31, 2049, 65535]
_TEXTS = [None, "0", "-1", "1e308", "nan", "", CANARY, "9" * 16, "9" * 300]
_IMAGE: dict[str, list[object]] = {
    "Rows": _SIZES, "Columns": _SIZES, "BitsAllocated": [None, 0, 1, 8, 12, 32, 64, 65535],
    "BitsStored": [None, 0, 1, 17, 65535], "HighBit": [0, 99], "PixelRepresentation": [1, 7],
    "SamplesPerPixel": [0, 3, 65535], "PhotometricInterpretation": ["RGB", "PALETTE COLOR", CANARY],
    "PixelSpacing": [None, [0, 0], [-1, -1], [1e9, 1e9], [1.5], CANARY, "nan\\nan"],
    "ImagePositionPatient": [None, [0, 0], CANARY, "nan\\0\\0", [1e30, 0, 0]],
    "ImageOrientationPatient": [None, [0] * 6, [1, 0, 0, 1, 0, 0], CANARY],
    "RescaleSlope": _TEXTS, "RescaleIntercept": _TEXTS, "TriggerTime": _TEXTS,
    "NominalInterval": _TEXTS, "HeartRate": _TEXTS, "InstanceNumber": _TEXTS,
    "NumberOfFrames": ["0", "-1", "1000000000", "9" * 20, "9" * 300, CANARY],
    "SOPInstanceUID": [None, CANARY], "StudyInstanceUID": [None, CANARY],
    "SeriesInstanceUID": [None, CANARY], "SOPClassUID": [None, CANARY],
    "ImageType": [None, CANARY, ["ORIGINAL", "PRIMARY", CANARY]], "AcquisitionTime": [CANARY],
    "PixelData": [None, b"", b"x" * 10], "SpecificCharacterSet": [CANARY, "ISO_IR 999"],
}  # fmt: skip


def _classic():
    yield from _dicom("cine DICOM", _IMAGE, lambda image: image)
    sample = SAMPLES["cine DICOM"]()
    every = {}
    for name, data in sample.files.items():
        image = dcmread(io.BytesIO(data))
        image.StudyInstanceUID = image.SeriesInstanceUID = CANARY
        opened = io.BytesIO()
        image.save_as(opened, enforce_file_format=True)
        every[f"{CANARY}^Mary/{name}"] = opened.getvalue()
    flat = {name.rpartition("/")[2]: data for name, data in every.items()}
    yield "names for UIDs in all", Sample("cine", flat, ".")
    yield "one file of many", Sample("cine", dict([*sample.files.items()][:1]), ".")
    for syntax in ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.4.90",
                   "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.5",
                   CANARY):  # fmt: skip
        changed = {
            name: data.replace(
                b"1.2.840.10008.1.2.1\0", syntax.encode()[:20].ljust(20, b"\0")
            ) for name, data in sample.files.items()
        }  # fmt: skip
        yield f"syntax {syntax}", Sample("cine", changed, ".")
    first = min(sample.files)
    head, _, pixels = sample.files[first].partition(b"\xe0\x7f\x10\x00")
    for length in (2**31, 2**32 - 2, 2**32 - 1):
        data = head + b"\xe0\x7f\x10\x00" + pixels[:4] + struct.pack("<I", length) + pixels[8:]
        yield f"pixels of {length} bytes", _with(sample, data, first)
    level = struct.pack("<HH2sHI", 8, 0x1111, b"SQ", 0, 2**32 - 1)
    level += struct.pack("<HHI", 0xFFFE, 0xE000, 2**32 - 1)
    deep = level * 20_000
    yield "nested without end", _with(sample, head + deep, first)


def _enhanced():
    for count in (0, 1, 9, 10_000, 10**9):
        yield f"{count} frames", enhanced(changes={"NumberOfFrames": count})
    yield "no groups", enhanced(changes={"PerFrameFunctionalGroupsSequence": []})
    yield (
        "groups that hold nothing",
        enhanced(changes={"PerFrameFunctionalGroupsSequence": [Dataset()] * 12}),
    )
    for count in (2999, 10_000):
        groups = []
        for k in range(count):
            position = Dataset()
            position.ImagePositionPatient = [float(k), 0, 0]
            group = Dataset()
            group.PlanePositionSequence = [position]
            groups.append(group)
        yield (
            f"{count} slices",
            enhanced(changes={"PerFrameFunctionalGroupsSequence": groups, "NumberOfFrames": count}),
        )


def _nifti():
    fields = {"dim": (40, "<8h"), "datatype": (70, "<h"), "bitpix": (72, "<h"),
              "pixdim": (76, "<8f"), "offset": (108, "<f"), "slope": (112, "<f"),
              "sform": (254, "<h"), "srow": (280, "<4f"), "magic": (344, "4s")}  # fmt: skip
    values = {
        "dim": [(0,) * 8, (4, -64, 64, 1, 12, 1, 1, 1), (4, 32767, 32767, 1, 200, 1, 1, 1),
                (7, *[32767] * 7), (4, 64, 64, 32767, 32767, 1, 1, 1),
                (4, 2048, 2048, 1, 15, 1, 1, 1),
                (4, 64, 64, 1, 0, 1, 1, 1), (5, 64, 64, 1, 1, 12, 1, 1), (-1, *[1] * 7),
                (4, 1, 1, 1, 12, 1, 1, 1)],
        "datatype": [(0,), (1,), (-1,), (32,), (128,), (1536,), (2304,), (1792,), (64,), (32767,)],
        "bitpix": [(0,), (-1,), (32767,)],
        "pixdim": [(0,) * 8, (-1, *[0] * 7), (1, *[float("nan")] * 7), (1, *[1e30] * 7)],
        "offset": [(0,), (-1e9,), (1e30,), (float("nan"),), (2**31,), (1e9,)],
        "slope": [(0,), (1e38,), (float("nan"),), (float("inf"),)],
        "sform": [(-1,), (999,)], "srow": [(0,) * 4, (float("nan"),) * 4, (1e30,) * 4],
        "magic": [(b"ni1\0",), (b"n+2\0",), (b"\0" * 4,), (CANARY[:4].encode(),)],
    }  # fmt: skip
    for ending in (".nii", ".nii.gz"):
        name = f"{CANARY}{ending}"
        for what, (at, form) in fields.items():
            for value in values[what]:
                packed = struct.pack(form, *value)
                change = partial(_replaced, at=at, by=packed)
                data = nifti(ending=ending, change=change)
                yield f"{ending} {what} {value}", Sample("cine", {name: data}, name)
                data = nifti(ending=ending, change=change, as_mask=True)
                yield f"{ending} mask {what} {value}", Sample("mask", {name: data}, name)
        for size in (2**31 - 16, 2**30, -16, 0, 24):
            change = partial(_replaced, at=352, by=struct.pack("<i", size))
            data = nifti(ending=ending, change=change)
            yield f"{ending} extension of {size}", Sample("cine", {name: data}, name)


def _replaced(data: bytes, *, at: int, by: bytes) -> bytes:
    return data[:at] + by + data[at + len(by) :]


def _npy():
    for shape in ("(1000000000,)", "(-1, 5)", "(99999, 99999, 99999)", "()", f"('{CANARY}',)"):
        for kind in ("|u1", "|O", "<f8", "<U1000000000", f"{CANARY}"):
            text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n"
            data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + bytes(64)
            yield f"{shape} {kind}", Sample("mask", {"m.npy": data}, "m.npy")
    text = "{" + "(" * 50_000
    data = b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text.encode()
    yield "deep header", Sample("mask", {"m.npy": data}, "m.npy")
    data = b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b" " * 1000
    yield "long header", Sample("mask", {"m.npy": data}, "m.npy")


def _ml4h():
    lead = "ukb_ecg_rest/median_I/instance_2"

    def replace(name, make):
        def step(file):
            del file[name]
            make(file, name)

        return step

    for what, make in {
        "a billion samples": lambda file, name: file.create_dataset(name, (10**9,), "i2"),
        "10¹⁸ samples": lambda file, name: file.create_dataset(name, (10**18,), "i1", chunks=(99,)),
        "no samples": lambda file, name: file.create_dataset(name, (0,), "i2"),
        "text": lambda file, name: file.create_dataset(name, data=[CANARY] * 600),
        "a group": lambda file, name: file.create_group(name),
        "a record": lambda file, name: file.create_dataset(name, data=np.zeros(600, "i2,f4")),
        "external": lambda file, name: file.__setitem__(
            name, h5py.ExternalLink("/etc/passwd", CANARY)
        ),
        "to itself": lambda file, name: file.__setitem__(name, h5py.SoftLink("/ukb_ecg_rest")),
        "to nothing": lambda file, name: file.__setitem__(name, h5py.SoftLink(f"/{CANARY}")),
        "not finite": lambda file, name: file.create_dataset(name, data=np.full(600, np.inf)),
        "other storage": lambda file, name: file.create_dataset(
            name, (600,), "i2", external=[("/etc/passwd", 0, 1200)]
        ),
        "32 axes": lambda file, name: file.create_dataset(name, (1,) * 32, "i2"),
        "a vast chunk": lambda file, name: file.create_dataset(
            name, (600,), "i2", chunks=(10**9,), maxshape=(None,), compression="gzip"
        ),
        "a number of 16 bytes": lambda file, name: file.create_dataset(
            name, data=np.zeros(600, np.longdouble)
        ),
    }.items():
        for target in (lead, f"{CINE}/2/instance_0"):
            yield f"{target} {what}", ml4h(replace(target, make))

    def many(file):
        for k in range(10_000):
            file[f"ukb_ecg_rest/median_{CANARY}{k}/instance_2"] = [1]

    def deep(file):
        group = file
        for _ in range(3000):
            group = group.create_group("g")

    def loop(file):
        file["ukb_ecg_rest/loop"] = file["ukb_ecg_rest"]
        file["continuous/loop"] = file["continuous"]

    yield "10,000 leads", ml4h(many)
    yield "deep groups", ml4h(deep)
    yield "a group inside itself", ml4h(loop)


def _weights():
    sample = SAMPLES["weights separate"]()
    name = min(sample.files)

    def changed(change):
        opened = io.BytesIO(sample.files[name])
        with h5py.File(opened, "r+") as file:
            change(file)
        return _with(sample, opened.getvalue(), name)

    def attribute(key, value, where="model_weights"):
        def change(file):
            file[where].attrs[key] = value

        return changed(change)

    yield "no names", attribute("layer_names", np.zeros(0))
    yield "numbers for names", attribute("layer_names", [1.0, 2.0])
    yield "names that lead out", attribute("layer_names", [b"../../x", b"/etc", b"."])
    yield "many names", attribute("layer_names", [b"x"] * 3000)
    yield "a name of a participant", attribute("layer_names", [CANARY.encode()])
    yield "a broken name", attribute("layer_names", [b"\xff\xfex"])
    for text in ("[" * 60_000, "{", CANARY, '{"config": ' * 5000, "null", "1e999999"):
        yield f"description {text[:12]}", attribute("model_config", text, "/")

    def absurd(file):
        file.create_dataset("model_weights/x", (10**6, 10**6), "f4", chunks=(10, 10))

    def link(file):
        file["model_weights/x"] = h5py.ExternalLink("/etc/passwd", CANARY)

    def grow(file):
        group = file["model_weights"]
        for k in range(20_000):
            group.create_group(f"{CANARY}{k}")

    for what, change in {"absurd": absurd, "link": link, "grow": grow}.items():
        yield what, changed(change)


def _tables():
    for reading in ("identity", "phenotypes"):
        for ending in (".csv", ".tsv"):
            mark = "," if ending == ".csv" else "\t"
            head = mark.join(["file", "participant_id", "visit"])
            for what, text in {
                "empty": "", "header": head, "no header": mark.join([CANARY] * 3) + "\n",
                "visits": f"{head}\nnobody.csv{mark}{CANARY}{mark}1e99\n",
                "huge visit": f"{head}\nnobody.csv{mark}{CANARY}{mark}{'9' * 30}\n",
                "negative visit": f"{head}\nnobody.csv{mark}{CANARY}{mark}-7\n",
                "word for visit": f"{head}\nnobody.csv{mark}{CANARY}{mark}{CANARY}\n",
                "twice": f"{head}\n" + f"nobody.csv{mark}{CANARY}{mark}1\n" * 2,
                "names twice": f"file{mark}participant{mark}participant_id\na{mark}b{mark}c\n",
                "uneven": f"{head}\n{CANARY}\n{mark.join([CANARY] * 9)}\n",
                "open quote": f'{head}\n"{CANARY}{mark}1{mark}1\n' * 3,
                "zeros": "\0" * 1000, "10,000 columns": mark.join(f"c{k}" for k in range(10_000)),
                "a million columns": mark * 1_000_000, "a long cell": head + "\n" + "x" * 5_000_000,
                "other encoding": f"{head}\nnobody.csv{mark}Zoë {CANARY}{mark}1\n",
                "control signs": f"{head}\nnobody.csv{mark}\x1b[2J{CANARY}{mark}1\n",
            }.items():  # fmt: skip
                encoding = "latin-1" if what == "other encoding" else "utf-8"
                files = {f"t{ending}": text.encode(encoding)}
                yield f"{reading}{ending} {what}", Sample(reading, files, f"t{ending}")


_MAKERS: dict[str, Callable[[], Iterator[Case]]] = {
    "ECG WFDB": _wfdb,
    "ECG DICOM": _dicom_ecg,
    "ECG CardioSoft XML": _cardiosoft,
    "ECG GE MUSE XML": _muse,
    "ECG Philips XML": _philips,
    "ECG HL7 aECG": _aecg,
    "ECG EDF": _edf,
    "ECG CSV": _csv,
    "cine DICOM": _classic,
    "cine enhanced DICOM": _enhanced,
    "cine and mask NIfTI": _nifti,
    "mask NumPy": _npy,
    "ml4h": _ml4h,
    "weights": _weights,
    "tables": _tables,
}

FORMATS = tuple(_MAKERS)
"""Formats that have absurd cases."""
