"""Reading cines from DICOM to the crop around the heart: time of each, and where the heart is."""

import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measuring import is_full, peak_memory_gb, say
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

VIEWS = {
    "four-chamber": [1, 0, 0, 0, 0.8, 0.6],
    "two-chamber": [-0.62, 0.78, 0, 0, 0, -1],
    "three-chamber": [0.2, 0.97, 0.16, 0.64, 0, -0.77],
}


def main() -> int:
    """Measure and print."""
    repeats = 20 if is_full(__doc__ or "") else 4
    from cmae.readers.cine import read_cine  # noqa: PLC0415 - the sizes come first
    from cmae.readers.heart_crop import heart_crop  # noqa: PLC0415

    def read(path: Path) -> Callable[[], object]:
        return lambda: heart_crop(read_cine(path))

    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "visit.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
            for name, orientation in VIEWS.items():
                write_series(Path(folder) / name, orientation)
                for path in (Path(folder) / name).iterdir():
                    opened.write(path, f"{name}-{path.name}")
        for what, path in (
            ("a folder of one series, 50 frames of 208 × 256", Path(folder) / "four-chamber"),
            ("a ZIP of three such series", archive),
        ):
            walls, processor = timed(read(path), repeats)
            say(f"{what}: processor time", 1000 * processor, "ms", "<= 600")
            say("  median time on the clock", 1000 * float(np.median(walls)), "ms")
    say("peak memory", peak_memory_gb(), "GB")
    return 0


def timed(work: Callable[[], object], repeats: int) -> tuple[list[float], float]:
    """Return the times in s of some repetitions after a first, and the mean processor time."""
    work()
    walls = []
    used = time.process_time()
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        walls.append(time.perf_counter() - start)
    return walls, (time.process_time() - used) / repeats


def write_series(folder: Path, orientation: list[float], frames: int = 50) -> None:
    """Write a disc that beats in noise as one classic MR image a frame."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    rows, columns = np.indices((208, 256))
    distance = np.hypot(rows - 120, columns - 110)
    series, study = generate_uid(), "1.2.3"
    for k in range(frames):
        radius = 40 + 8 * np.cos(2 * np.pi * k / frames)
        image = 100 + 600 / (1 + np.exp((distance - radius) / 1.5)) + rng.normal(0, 20, rows.shape)
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = MRImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        file = FileDataset(str(folder), Dataset(), file_meta=meta, preamble=b"\0" * 128)
        file.SOPClassUID, file.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
        file.SeriesInstanceUID, file.StudyInstanceUID = series, study
        file.InstanceNumber, file.TriggerTime, file.NominalInterval = k + 1, f"{18 * k}", 900
        file.Rows, file.Columns = image.shape
        file.PixelSpacing, file.ImagePositionPatient = [1.5, 1.5], [-90, -90, 0]
        file.ImageOrientationPatient = orientation
        file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
        file.BitsAllocated, file.BitsStored, file.HighBit = 16, 16, 15
        file.PixelRepresentation = 0
        file.PixelData = image.clip(0).astype("<u2").tobytes()
        file.save_as(folder / f"{k:03d}.dcm", enforce_file_format=True)


if __name__ == "__main__":
    sys.exit(main())
