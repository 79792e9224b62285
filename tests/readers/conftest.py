"""Small recordings in foreign formats for the readers' tests."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

LEAD_NAMES = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]

DEFAULT_HEADER = "{name} {channels} {rate:g} {samples}"


def one_beat(rate_hz: float) -> NDArray[np.float64]:
    """A P-QRS-T beat (1.2 s, 12) in mV, R at 0.4 s."""
    time = np.arange(int(1.2 * rate_hz)) / rate_hz - 0.4

    def wave(center: float, width: float) -> NDArray[np.float64]:
        return np.exp(-0.5 * ((time - center) / width) ** 2)

    independent = {
        "I": 0.1 * wave(-0.16, 0.02) + 0.8 * wave(0, 0.012) + 0.2 * wave(0.25, 0.04),
        "II": 0.15 * wave(-0.16, 0.02) + 1.2 * wave(0, 0.012) + 0.3 * wave(0.25, 0.04),
    }
    one, two = independent["I"], independent["II"]
    limbs = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    chest = [
        r * wave(0, 0.012) - s * wave(0.03, 0.012) + 0.25 * wave(0.25, 0.04)
        for r, s in ((0.2, 0.9), (0.4, 1.2), (0.6, 1.0), (1.0, 0.6), (1.2, 0.3), (1.1, 0.1))
    ]
    return np.stack(limbs + chest, axis=1)


def rhythm(
    rng: np.random.Generator,
    *,
    rate_hz: float = 500.0,
    seconds: float = 10.0,
    rr_s: float = 0.95,
    ectopic_every: int = 0,
    noise_mv: float = 0.01,
) -> NDArray[np.float64]:
    """A rhythm (samples, 12) in mV; every so many beats an inverted wide one comes early."""
    samples = int(seconds * rate_hz)
    signals = np.zeros((samples + int(2.4 * rate_hz), 12))
    beat, at, number = one_beat(rate_hz), 0.1, 1
    wide = -1.5 * np.apply_along_axis(
        lambda lead: np.convolve(lead, np.hanning(int(0.12 * rate_hz)), "same") / (0.06 * rate_hz),
        0,
        beat,
    )
    while at < seconds:
        start = int(at * rate_hz)
        is_ectopic = ectopic_every > 0 and number % ectopic_every == 0
        signals[start : start + len(beat)] += wide if is_ectopic else beat
        at += rr_s * (1 + 0.02 * rng.normal())
        number += 1
    offset = int(0.3 * rate_hz)
    signals = signals[offset : offset + samples]
    return signals + noise_mv * rng.normal(size=signals.shape)


def write_wfdb(
    folder: Path,
    signals: NDArray[np.float64],
    *,
    name: str = "rec",
    rate: float = 500.0,
    leads: list[str] | None = None,
    gain: str = "1000/mV",
    first_line: str = DEFAULT_HEADER,
    signal_file: str | None = None,
) -> Path:
    """Write a WFDB record of 16-bit integers; return its header's path."""
    leads = LEAD_NAMES if leads is None else leads
    scale = {"1000/mV": 1000.0, "1/uV": 1000.0, "1/uv": 1000.0}.get(gain, 1000.0)
    np.round(signals * scale).astype("<i2").tofile(folder / f"{name}.dat")
    facts = {"name": name, "channels": len(leads), "rate": rate, "samples": len(signals)}
    data = signal_file or f"{name}.dat"
    lines = [first_line.format(**facts)] + [f"{data} 16 {gain} 16 0 0 0 0 {lead}" for lead in leads]
    header = folder / f"{name}.hea"
    header.write_text("\n".join([*lines, "# Patient: P-77", ""]))
    return header


def beating_heart(frames: int = 25, *, side: int = 128) -> NDArray[np.float64]:
    """A disc that beats (side, side, frames) at row 75, column 50, in a still chest."""
    rows, columns = np.indices((side, side))
    distance = np.hypot(rows - 75, columns - 50)
    phase = 2 * np.pi * np.arange(frames) / frames
    radius = 22 + 6 * np.cos(phase)
    disc = 1 / (1 + np.exp((distance[:, :, None] - radius) / 1.5))
    return 100 + 600 * disc + 200 * (rows < 10)[:, :, None]


def write_dicom_series(
    folder: Path,
    frames: NDArray[np.float64],
    *,
    series: str | None = None,
    study: str | None = None,
    order: NDArray[np.intp] | None = None,
    changes: dict[str, object] | None = None,
) -> None:
    """Write frames (rows, columns, n) as one classic MR image each, file names in ``order``."""
    folder.mkdir(parents=True, exist_ok=True)
    series, study = series or generate_uid(), study or generate_uid()
    count = frames.shape[2]
    for place, k in enumerate(np.arange(count) if order is None else order):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
        meta.MediaStorageSOPInstanceUID = generate_uid()
        image = FileDataset(str(folder), Dataset(), file_meta=meta, preamble=b"\0" * 128)
        image.SOPClassUID = meta.MediaStorageSOPClassUID
        image.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        image.SeriesInstanceUID, image.StudyInstanceUID = series, study
        image.PatientID, image.PatientName = "SECRET-1", "Doe^Jane"
        image.InstanceNumber = int(k) + 1
        image.TriggerTime = f"{k * 900 / count:.2f}"
        image.NominalInterval = 900
        image.Rows, image.Columns = frames.shape[:2]
        image.PixelSpacing = [1.5, 1.5]
        image.ImagePositionPatient = [-90, -90, 0]
        image.ImageOrientationPatient = [1, 0, 0, 0, 0.8, 0.6]
        image.RescaleSlope, image.RescaleIntercept = "2", "-10"
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
        image.PixelRepresentation = 0
        image.PixelData = np.round((frames[:, :, k] + 10) / 2).astype("<u2").tobytes()
        for name, value in (changes or {}).items():
            setattr(image, name, value)
        image.save_as(folder / f"{place:03d}.dcm", enforce_file_format=True)


@pytest.fixture
def foreign() -> SimpleNamespace:
    """What makes recordings and writes them in foreign formats."""
    return SimpleNamespace(
        leads=LEAD_NAMES,
        one_beat=one_beat,
        rhythm=rhythm,
        write_wfdb=write_wfdb,
        beating_heart=beating_heart,
        write_dicom_series=write_dicom_series,
    )
