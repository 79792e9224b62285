"""Write the sample recordings of this folder: simulated hearts in the formats that are read.

python data_samples/make_samples.py [--out FOLDER]
"""

import argparse
import importlib
import sys
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import nibabel
import numpy as np
import pandas as pd
import wfdb
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from cmae.data.modality import ECG_RATE_HZ, LEADS, MRI_PIXEL_MM, R_PEAK_SAMPLE
from cmae.simulate import cine, ecg, physiology

SEED = 11
DURATION_S = 10.0
DICOM_FRAMES = 25
"""Frames a cycle of the DICOM series: scanners seldom record 50."""

MARGIN = 16
"""Pixels that a scanner's field is wider, on each side, than what the simulator paints."""

CORNER_MM = -MRI_PIXEL_MM * (95 / 2 + MARGIN)
"""Position of the first pixel, left of and before the middle of the field."""

DOWN = (0.0, 0.73, 0.68345)
"""Where the columns of a four-chamber slice run in the patient: to the back and to the head."""

FOREIGN_ECGS = {4: "GE MUSE XML", 5: "Philips XML", 6: "HL7 aECG", 7: "EDF", 8: "DICOM"}
"""Formats of the ECGs that are written as the tests write them, by the sample's number."""

DEVICE_RR_MS = (920, 980)
"""RR intervals near the rate of 63/min that the writers of those formats name as the device's."""

UKB_EID = 9_000_001
"""Made up, and larger than UK Biobank's."""

ML4H_LEADS = ("I", "II", "III", "V1", "V2", "V3", "V4", "V5", "V6", "aVF", "aVL", "aVR")
ML4H_UNIT_MV = 0.005
COARSE = 8
"""Steps of the scanner's integers that are made one, so that a packed cine stays small."""


def main() -> None:
    """Write all samples."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    out = parser.parse_args().out
    people = physiology.draw(40, seed=SEED)
    quiet = people[people["rr_ms"].between(800, 1100) & (people["disease"] == "healthy")]
    first, second, third = (row for _, row in quiet.head(3).iterrows())
    usual = quiet[quiet["rr_ms"].between(*DEVICE_RR_MS)]
    others = iter([row for _, row in usual.iloc[::-1].iterrows()])
    (out / "ecg").mkdir(parents=True, exist_ok=True)
    write_wfdb(out / "ecg", "sample-1", ten_seconds(first, seed=1))
    write_wfdb(out / "ecg", "sample-2", ten_seconds(second, seed=2))
    write_csv(out / "ecg" / "sample-3.csv", ten_seconds(third, seed=3))
    for number, source in FOREIGN_ECGS.items():
        write_foreign_ecg(out / "ecg", f"sample-{number}", source, next(others), seed=number)
    write_dicom(out / "cine" / "sample-1", first, rng=np.random.default_rng(1))
    write_nifti(out / "cine" / "sample-2.nii.gz", second, rng=np.random.default_rng(2))
    write_ukb(out / "ukb", next(others))
    write_ml4h(out / "ml4h" / "9000003.hd5", next(others), seed=11)


def ten_seconds(heart: Mapping[str, Any], *, seed: int) -> NDArray[np.float64]:
    """Repeat a heart's beat for ten seconds, with noise and a wandering baseline.

    Args:
        heart: A row of ``physiology.draw`` whose RR interval is shorter than a beat's window.
        seed: Seed of beat and noise.

    Returns:
        (5000, 12) in mV at 500 Hz.
    """
    rng = np.random.default_rng(seed)
    beat = ecg.render({**heart, "ecg_noise_mv": 0.0}, rng).astype(np.float64)
    cycle = beat[: round(heart["rr_ms"] / 1000 * ECG_RATE_HZ)]
    samples = int(DURATION_S * ECG_RATE_HZ)
    phase = (np.arange(samples) + R_PEAK_SAMPLE // 2) % len(cycle)
    time_s = np.arange(samples)[:, None] / ECG_RATE_HZ
    wander = 0.05 * np.sin(2 * np.pi * 0.25 * time_s + rng.uniform(0, 6, 12))
    noise = wander + 0.01 * rng.standard_normal((samples, len(LEADS)))
    # Noise enters at the electrodes, so that limb leads obey Einthoven's law with it.
    one, two = noise[:, 0], noise[:, 1]
    noise[:, 2:6] = np.stack([two - one, -(one + two) / 2, one - two / 2, two - one / 2], axis=1)
    return cycle[phase] + noise


def write_wfdb(folder: Path, name: str, signals: NDArray[np.float64]) -> None:
    """Write ``name.hea`` and ``name.dat``: 16 bits, 1000 steps a mV."""
    wfdb.wrsamp(
        name,
        fs=int(ECG_RATE_HZ),
        units=["mV"] * len(LEADS),
        sig_name=list(LEADS),
        p_signal=signals,
        fmt=["16"] * len(LEADS),
        adc_gain=[1000.0] * len(LEADS),
        baseline=[0] * len(LEADS),
        comments=["Simulated: no person was recorded"],
        write_dir=str(folder),
    )


def write_csv(path: Path, signals: NDArray[np.float64]) -> None:
    """Write a table with a time column, units in its header."""
    table = pd.DataFrame(signals, columns=[f"{lead} (mV)" for lead in LEADS])
    table.insert(0, "time (s)", np.arange(len(table)) / ECG_RATE_HZ)
    table.round(3).to_csv(path, index=False)


def scanned_field(heart: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.uint16]:
    """Render a cine in a wider field that grows dark toward its border.

    Args:
        heart: A row of ``physiology.draw``.
        rng: Fine variety and noise.

    Returns:
        (128, 128, 50) scanner integers at 1.8 mm a pixel.
    """
    frames = cine.render(heart, rng).astype(np.float64)
    wide = np.pad(frames, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="edge")
    place = np.arange(wide.shape[0])
    outside = np.maximum(np.maximum(MARGIN - place, place - (wide.shape[0] - 1 - MARGIN)), 0)
    fade = 0.5 + 0.5 * np.cos(np.pi * np.minimum(outside / (0.4 * MARGIN), 1))
    wide *= (fade[:, None] * fade[None, :])[:, :, None]
    air = np.percentile(frames, 2) * np.abs(rng.standard_normal(wide.shape))
    return np.hypot(wide, air).clip(0, 4095).astype(np.uint16)


def write_dicom(folder: Path, heart: Mapping[str, Any], *, rng: np.random.Generator) -> None:
    """Write a classic MR series, one file a frame."""
    frames = scanned_field(heart, rng)
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(dicom_images(frames, heart, who="sample-1"), start=1):
        image.save_as(folder / f"{number:03d}.dcm", enforce_file_format=True)


def dicom_images(
    frames: NDArray[np.uint16], heart: Mapping[str, Any], *, who: str
) -> list[FileDataset]:
    """Lay frames of one cycle out as a classic MR series of a four-chamber slice.

    Args:
        frames: (rows, columns, 50).
        heart: A row of ``physiology.draw``.
        who: Identifier of the participant.

    Returns:
        Every second frame.
    """
    names = ("study", "series", "plane")
    of = [] if who == "sample-1" else [who]
    uids = [generate_uid(entropy_srcs=["cmae sample", *of, name]) for name in names]
    steps = np.arange(DICOM_FRAMES) * frames.shape[-1] / DICOM_FRAMES
    images = []
    for number, step in enumerate(steps, start=1):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = MRImageStorage
        uid = generate_uid(entropy_srcs=["cmae sample", *of, str(number)])
        meta.MediaStorageSOPInstanceUID = uid
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        image.SOPClassUID, image.SOPInstanceUID = MRImageStorage, uid
        image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = uids
        image.Modality, image.SeriesDescription = "MR", "4CH cine (simulated)"
        image.PatientName, image.PatientID = "Simulated", who
        image.InstanceNumber, image.SeriesNumber = number, 1
        image.TriggerTime = f"{heart['scan_rr_ms'] * (number - 1) / DICOM_FRAMES:.2f}"
        image.NominalInterval = round(heart["scan_rr_ms"])
        _describe_pixels(image, frames[:, :, round(step) % 50])
        images.append(image)
    return images


def _describe_pixels(image: Dataset, frame: NDArray[np.uint16]) -> None:
    """Put a frame and its place in the patient into an image."""
    image.PixelSpacing, image.SliceThickness = [MRI_PIXEL_MM, MRI_PIXEL_MM], 6.0
    image.ImagePositionPatient = [CORNER_MM, *(round(CORNER_MM * part, 3) for part in DOWN[1:])]
    image.ImageOrientationPatient = [1, 0, 0, *DOWN]
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.PixelRepresentation = 0
    image.Rows, image.Columns = frame.shape
    image.PixelData = frame.astype("<u2").tobytes()


def write_nifti(path: Path, heart: Mapping[str, Any], *, rng: np.random.Generator) -> None:
    """Write (columns, rows, 1, frames) with spacing in mm and the time a frame in s."""
    frames = np.moveaxis(scanned_field(heart, rng), 0, 1)[:, :, None, :]
    # NIfTI counts to the patient's right and front where DICOM counts to the left and back.
    _, back, up = DOWN
    affine = np.eye(4)
    affine[:3, 0] = MRI_PIXEL_MM * np.array([-1, 0, 0])
    affine[:3, 1] = MRI_PIXEL_MM * np.array([0, -back, up])
    affine[:3, 2] = 6.0 * np.array([0, up, back])
    affine[:3, 3] = CORNER_MM * np.array([-1, -back, up])
    image = nibabel.Nifti1Image(frames.astype(np.int16), affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = heart["scan_rr_ms"] / 1000 / frames.shape[-1]
    image.header["descrip"] = b"simulated"
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)


def write_foreign_ecg(
    folder: Path, name: str, source: str, heart: Mapping[str, Any], *, seed: int
) -> Path:
    """Write an ECG as the tests of the readers write it, with the device's beat where it can.

    Args:
        folder: Where to.
        name: Of the file, without its ending, and of the participant.
        source: Format as the reader names it.
        heart: A row of ``physiology.draw``.
        seed: Seed of beat and noise.
    """
    sys.path.insert(0, str(Path(__file__).parents[1]))
    writers = importlib.import_module("tests.readers.ecg_files")
    has_beat = source in writers.HAS_BEAT
    written: Path = writers.WRITERS[source](
        folder,
        ten_seconds(heart, seed=seed),
        beat=quiet_beat(heart, seed=seed) if has_beat else None,
        who=name,
        surname="Simulated",
    )
    return written.replace(folder / f"{name}{written.suffix}")


def quiet_beat(heart: Mapping[str, Any], *, seed: int) -> NDArray[np.float64]:
    """Return the beat that ``ten_seconds`` repeats, (600, 12) in mV, as a device would give it."""
    beat = ecg.render({**heart, "ecg_noise_mv": 0.0}, np.random.default_rng(seed))
    return beat.astype(np.float64)


def write_ukb(folder: Path, heart: Mapping[str, Any]) -> None:
    """Write files named and laid out as UK Biobank's: an ECG, a cine and a table of two people."""
    for name in ("ecg", "cine"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    write_foreign_ecg(folder / "ecg", f"{UKB_EID}_20205_2_0", "CardioSoft XML", heart, seed=UKB_EID)
    frames = coarse_field(heart, np.random.default_rng(UKB_EID))
    packed = folder / "cine" / f"{UKB_EID}_20208_2_0.zip"
    write_packed(packed, frames, heart, who=str(UKB_EID))
    table = pd.DataFrame(
        {
            "eid": [UKB_EID, UKB_EID + 1],
            "31-0.0": [int(heart["sex"]), 0],
            "21003-2.0": [int(heart["age_years"]), 61],
            "50-2.0": [round(heart["height_cm"], 1), 165.0],
            "21002-2.0": [round(heart["weight_kg"], 1), 64.5],
            "24103-2.0": [round(heart["lvef_percent"], 1), 60.0],
        }
    )
    table.to_csv(folder / "phenotypes.csv", index=False)


def coarse_field(heart: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.uint16]:
    """Render a scanner's field in few grey values, (128, 128, 50): noise packs badly."""
    return scanned_field(heart, rng) // COARSE


def write_packed(
    path: Path, frames: NDArray[np.uint16], heart: Mapping[str, Any], *, who: str
) -> None:
    """Write a DICOM series as a ZIP, the same bytes whenever it is written."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, image in enumerate(dicom_images(frames, heart, who=who), start=1):
            opened = BytesIO()
            image.save_as(opened, enforce_file_format=True)
            entry = zipfile.ZipInfo(f"{number:03d}.dcm", (2020, 1, 1, 0, 0, 0))
            archive.writestr(entry, opened.getvalue(), zipfile.ZIP_DEFLATED, 9)


def write_ml4h(path: Path, heart: Mapping[str, Any], *, seed: int) -> None:
    """Write the tensors of one participant's first imaging visit: median beat, cine, numbers."""
    beat = np.round(quiet_beat(heart, seed=seed) / ML4H_UNIT_MV).astype(np.int16)
    frames = coarse_field(heart, np.random.default_rng(seed))
    path.parent.mkdir(parents=True, exist_ok=True)
    mri = "ukb_cardiac_mri"
    packed = {"compression": "gzip", "compression_opts": 9, "track_times": False}
    with h5py.File(path, "w") as file:
        for lead in ML4H_LEADS:
            name = f"ukb_ecg_rest/median_{lead}/instance_0"
            file.create_dataset(name, data=beat[:, LEADS.index(lead)], **packed)
        rate = np.array([60_000 / heart["rr_ms"]])
        file.create_dataset("ukb_ecg_rest/VentricularRate/instance_0", data=rate.round())
        file.create_dataset(f"{mri}/cine_segmented_lax_4ch/2/instance_0", data=frames, **packed)
        for side in ("width", "height"):
            file[f"{mri}/mri_pixel_{side}_cine_segmented_lax_4ch"] = MRI_PIXEL_MM
        file["continuous/21003_Age-when-attended-assessment-centre_2_0"] = [
            float(int(heart["age_years"]))
        ]


if __name__ == "__main__":
    main()
