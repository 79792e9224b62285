"""Small valid files of every format, with a participant's name wherever there is room for text."""

import gzip
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pandas as pd
from pydicom import dcmread
from pydicom.uid import (
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from tests.fuzz.reading import CANARY
from tests.model.published_network import write_model
from tests.readers.conftest import beating_heart, one_beat, rhythm, write_dicom_series
from tests.readers.ecg_files import WRITERS
from tests.readers.test_cine_formats import compress, write_enhanced
from tests.readers.test_ml4h import CINE, put, put_ecg, put_spacing

FRAMES = 12
SIDE = 48


@dataclass(frozen=True)
class Sample:
    """A valid recording.

    Attributes:
        reading: Which of ``reading.READINGS`` reads it.
        files: Its files by name.
        opens: The file that is handed over; ``"."`` means the folder.
    """

    reading: str
    files: dict[str, bytes]
    opens: str


def named(image) -> None:
    """Write the participant's name into every place of a DICOM file that has room for text."""
    for name in (
        "PatientName", "PatientComments", "PatientID", "OtherPatientNames", "StudyDescription",
        "SeriesDescription", "ProtocolName", "ImageComments", "InstitutionName", "OperatorsName",
        "StudyID", "AccessionNumber", "StationName", "ReferringPhysicianName",
        "AdditionalPatientHistory", "PatientAddress", "DeviceSerialNumber", "SequenceName",
    ):  # fmt: skip
        setattr(image, name, CANARY)
    block = image.private_block(0x0029, f"{CANARY} INC", create=True)
    block.add_new(0x10, "LO", f"{CANARY}^Mary")
    block.add_new(0x11, "UN", f"{CANARY}^Mary ".encode())
    image.file_meta.ImplementationVersionName = CANARY
    image.file_meta.SourceApplicationEntityTitle = CANARY


def _ecg(source):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        signals = rhythm(np.random.default_rng(1), seconds=5)
        path = WRITERS[source](folder, signals, beat=one_beat(500))
        if source == "DICOM":
            image = dcmread(path)
            named(image)
            image.save_as(path, enforce_file_format=True)
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        if path.suffix == ".xml":
            encoding = "utf-16" if source == "Philips XML" else "latin-1"
            text = files[path.name].decode(encoding)
            at = text.rindex("</")
            text = f"{text[:at]}<!--{CANARY}--><Note by='{CANARY}'>{CANARY}</Note>{text[at:]}"
            files[path.name] = text.encode(encoding)
        return Sample("ecg", files, path.name)


def _series(syntax=None):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frames = beating_heart(FRAMES, side=128)[28:124:2, 4:100:2]
        frames = frames / (5 if syntax == JPEGBaseline8Bit else 1)
        write_dicom_series(folder, frames, changes={"PixelSpacing": [2.5, 2.5]})
        if syntax is not None:
            compress(folder, syntax)
        for path in folder.iterdir():
            image = dcmread(path)
            named(image)
            image.save_as(path, enforce_file_format=True)
        files = {f"{CANARY}-{path.name}": path.read_bytes() for path in sorted(folder.iterdir())}
        return Sample("cine", files, ".")


def enhanced(**options):
    """An enhanced multi-frame file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frames = beating_heart(FRAMES, side=128)[28:124:2, 4:100:2]
        write_dicom_series(folder / "classic", frames)
        write_enhanced(folder / "e.dcm", frames, **options)
        image = dcmread(folder / "e.dcm")
        named(image)
        image.save_as(folder / "e.dcm", enforce_file_format=True)
        return Sample("cine", {f"{CANARY}.dcm": (folder / "e.dcm").read_bytes()}, f"{CANARY}.dcm")


def zipped(files, method=zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive of some files."""
    opened = io.BytesIO()
    with zipfile.ZipFile(opened, "w", method) as archive:
        archive.comment = CANARY.encode()
        for name, data in files.items():
            archive.writestr(name, data)
    return opened.getvalue()


def _zip():
    return Sample("cine", {f"{CANARY}.zip": zipped(_series().files)}, f"{CANARY}.zip")


def nifti(*, ending=".nii", change=None, as_mask=False) -> bytes:
    """A NIfTI file of a cine, or of a mask."""
    frames = np.moveaxis(beating_heart(FRAMES, side=64), 0, 1)[:, :, None].astype(np.int16)
    data = (frames[..., :1] > 500).astype(np.uint8) if as_mask else frames
    image = nibabel.Nifti1Image(data, np.diag([-1.8, -1.8, 8, 1]))
    image.header["descrip"] = CANARY
    image.header["db_name"] = CANARY
    image.header["aux_file"] = CANARY
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = 0.9 / FRAMES
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", CANARY.encode()))
    whole = image.to_bytes()
    whole = change(whole) if change else whole
    return gzip.compress(whole, 1) if ending.endswith("gz") else whole


def _nifti(ending, *, as_mask=False):
    name = f"{CANARY}{ending}"
    reading = "mask" if as_mask else "cine"
    return Sample(reading, {name: nifti(ending=ending, as_mask=as_mask)}, name)


def _npy_mask():
    opened = io.BytesIO()
    np.save(opened, np.pad(np.full((30, 30), 5, np.uint8), 10))
    return Sample("mask", {f"{CANARY}.npy": opened.getvalue()}, f"{CANARY}.npy")


def _hdf5(reading, name, *steps):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        with h5py.File(path, "w") as file:
            for step in steps:
                step(file)
        return Sample(reading, {name: path.read_bytes()}, name)


def ml4h(*more):
    """A file of ml4h tensors; further steps write more into it."""
    beat = np.round(one_beat(500) * 200) / 200
    mask = np.zeros((256, 256), np.uint8)
    mask[30:90, 20:75] = 5
    frames = np.round(beating_heart(50)).astype(np.int16)

    def extras(file):
        put(file, f"{CINE}_annotated_1/instance_0", mask)
        file["continuous/21022_Age/0"] = [55.0]
        file["categorical/31_Sex/0"] = np.bytes_(CANARY)
        file[f"{CANARY}/name"] = CANARY
        file.attrs["name"] = CANARY
        file["ukb_ecg_rest/name_text/instance_0"] = np.bytes_(CANARY)
        file[f"ukb_ecg_rest/median_{CANARY}/instance_2"] = [1.0]

    return _hdf5(
        "ml4h", f"{CANARY}.hd5", lambda file: put_ecg(file, beat),
        lambda file: put(file, f"{CINE}/2/instance_0", frames), put_spacing, extras, *more,
    )  # fmt: skip


def weights(config=None):
    """The four published files, of the published layout but far smaller."""
    draws = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("encode", "decode"):
            for tensor in ("ecg_rest_median_raw_10", "lax_4ch_heart_center"):
                arrays = {"kernel": draws.normal(size=(3, 4)), "bias": draws.normal(size=4)}
                layers = [(f"conv1d_{k}", arrays) for k in range(8)]
                block = f"{part}_block_{tensor}"
                write_model(folder / f"{part}r_{tensor}.h5", [("in", []), (block, layers)], config)
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return Sample("weights", files, ".")


def _joint():
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "joint.h5"
        array = {"kernel": np.ones((3, 4), np.float32)}
        config = {"config": {"name": CANARY, "layers": [{"name": CANARY}] * 20}}
        blocks = [
            (f"{part}_block_{tensor}", [("conv1d", array)])
            for part in ("encode", "decode")
            for tensor in ("ecg_rest_median_raw_10", "lax_4ch_heart_center")
        ]
        write_model(path, blocks, json.loads(json.dumps(config)))
        return Sample("weights", {"joint.h5": path.read_bytes()}, "joint.h5")


def _table(reading, ending):
    table = pd.DataFrame(
        {
            "file": [f"{CANARY}-{k}.xml" for k in range(40)] + ["nobody.csv"],
            "participant_id": [f"{CANARY}{k}" for k in range(41)],
            "visit": [k % 4 for k in range(41)],
            "age": np.linspace(40, 70, 41),
            CANARY: [CANARY] * 41,
        }
    )
    name = f"table{ending}"
    if ending == ".parquet":
        opened = io.BytesIO()
        table.to_parquet(opened)
        return Sample(reading, {name: opened.getvalue()}, name)
    separator = "\t" if ending == ".tsv" else ","
    return Sample(reading, {name: table.to_csv(index=False, sep=separator).encode()}, name)


SAMPLES: dict[str, Callable[[], Sample]] = {
    **{f"ECG {source}": (lambda source=source: _ecg(source)) for source in WRITERS},
    "cine DICOM": _series,
    "cine enhanced DICOM": enhanced,
    "cine DICOM RLE": lambda: _series(RLELossless),
    "cine DICOM JPEG 2000": lambda: _series(JPEG2000Lossless),
    "cine DICOM JPEG lossless": lambda: _series(JPEGLosslessSV1),
    "cine DICOM JPEG baseline": lambda: _series(JPEGBaseline8Bit),
    "cine ZIP": _zip,
    "cine NIfTI": lambda: _nifti(".nii"),
    "cine NIfTI gz": lambda: _nifti(".nii.gz"),
    "mask NIfTI": lambda: _nifti(".nii", as_mask=True),
    "mask NIfTI gz": lambda: _nifti(".nii.gz", as_mask=True),
    "mask NumPy": _npy_mask,
    "ml4h": ml4h,
    "weights separate": weights,
    "weights joint": _joint,
    "identifiers CSV": lambda: _table("identity", ".csv"),
    "identifiers TSV": lambda: _table("identity", ".tsv"),
    "identifiers Parquet": lambda: _table("identity", ".parquet"),
    "phenotypes CSV": lambda: _table("phenotypes", ".csv"),
    "phenotypes TSV": lambda: _table("phenotypes", ".tsv"),
    "phenotypes Parquet": lambda: _table("phenotypes", ".parquet"),
}
"""A valid recording by format."""
