"""Write the sample recordings of this folder: simulated hearts in the formats that are read.

python data_samples/make_samples.py [--out FOLDER]
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import wfdb
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
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


def main() -> None:
    """Write all samples."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    out = parser.parse_args().out
    hearts = physiology.draw(40, seed=SEED)
    quiet = hearts[hearts["rr_ms"].between(800, 1100) & (hearts["disease"] == "healthy")]
    first, second, third = (row for _, row in quiet.head(3).iterrows())
    (out / "ecg").mkdir(parents=True, exist_ok=True)
    write_wfdb(out / "ecg", "sample-1", ten_seconds(first, seed=1))
    write_wfdb(out / "ecg", "sample-2", ten_seconds(second, seed=2))
    write_csv(out / "ecg" / "sample-3.csv", ten_seconds(third, seed=3))
    write_dicom(out / "cine" / "sample-1", first, rng=np.random.default_rng(1))
    write_nifti(out / "cine" / "sample-2.nii.gz", second, rng=np.random.default_rng(2))


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
    return cycle[phase] + wander + 0.01 * rng.standard_normal((samples, len(LEADS)))


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
    steps = np.arange(DICOM_FRAMES) * frames.shape[-1] / DICOM_FRAMES
    folder.mkdir(parents=True, exist_ok=True)
    names = ("study", "series", "plane")
    study, series, plane = (generate_uid(entropy_srcs=["cmae sample", name]) for name in names)
    for number, step in enumerate(steps, start=1):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = MRImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["cmae sample", str(number)])
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = folder / f"{number:03d}.dcm"
        image = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
        image.SOPClassUID, image.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
        image.StudyInstanceUID, image.SeriesInstanceUID = study, series
        image.FrameOfReferenceUID = plane
        image.Modality, image.SeriesDescription = "MR", "4CH cine (simulated)"
        image.PatientName, image.PatientID = "Simulated", "sample-1"
        image.InstanceNumber, image.SeriesNumber = number, 1
        image.TriggerTime = f"{heart['scan_rr_ms'] * (number - 1) / DICOM_FRAMES:.2f}"
        image.NominalInterval = round(heart["scan_rr_ms"])
        image.PixelSpacing, image.SliceThickness = [MRI_PIXEL_MM, MRI_PIXEL_MM], 6.0
        image.ImagePositionPatient = [CORNER_MM, CORNER_MM, 0.0]
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
        image.PixelRepresentation = 0
        image.Rows, image.Columns = frames.shape[:2]
        image.PixelData = frames[:, :, round(step) % 50].astype("<u2").tobytes()
        image.save_as(path, enforce_file_format=True)


def write_nifti(path: Path, heart: Mapping[str, Any], *, rng: np.random.Generator) -> None:
    """Write (columns, rows, 1, frames) with spacing in mm and the time a frame in s."""
    frames = np.moveaxis(scanned_field(heart, rng), 0, 1)[:, :, None, :]
    # NIfTI counts to the patient's right and front, images run to the left and back.
    affine = np.diag([-MRI_PIXEL_MM, -MRI_PIXEL_MM, 6.0, 1.0])
    affine[:2, 3] = -CORNER_MM
    image = nibabel.Nifti1Image(frames.astype(np.int16), affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = heart["scan_rr_ms"] / 1000 / frames.shape[-1]
    image.header["descrip"] = b"simulated"
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)


if __name__ == "__main__":
    main()
