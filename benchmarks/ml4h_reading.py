"""Reading ml4h tensors: our reading and cropping against h5py's bare decompression."""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from measuring import is_full, peak_memory_gb, say
from numpy.typing import NDArray

SIDES = (208, 256)
LEADS = ("I", "II", "III", "V1", "V2", "V3", "V4", "V5", "V6", "aVF", "aVL", "aVR")
CLINICAL = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
ECG, MRI = "ukb_ecg_rest", "ukb_cardiac_mri"
CINE = f"{MRI}/cine_segmented_lax_4ch"


def whole_field(crop: NDArray[np.uint16], rng: np.random.Generator) -> NDArray[np.int16]:
    """Put a simulated cine (96, 96, 50) into a still, noisy chest (208, 256, 50)."""
    top, left = (SIDES[0] - 96) // 2, (SIDES[1] - 96) // 2
    around = ((top, SIDES[0] - 96 - top), (left, SIDES[1] - 96 - left))
    chest = np.pad(crop.mean(axis=-1), around, mode="reflect")
    frames = chest[:, :, None] + rng.normal(0, 8, (*SIDES, 50))
    frames[top : top + 96, left : left + 96] = crop
    return np.clip(np.round(frames), 0, 32_000).astype(np.int16)


def write(path: Path, beat: NDArray[np.float32], frames: NDArray[np.generic]) -> None:
    """Write one participant as ml4h does, with masks, strips and phenotypes that are not read."""
    mask = np.zeros((256, 256), np.uint8)
    mask[70:150, 90:170] = 3
    with h5py.File(path, "w") as file:
        for lead in LEADS:
            stored = np.round(beat[:, CLINICAL.index(lead)] * 200).astype(np.int16)
            for name, samples in (("median", stored), ("strip", np.resize(stored, 5000))):
                place = f"{ECG}/{name}_{lead}/instance_2"
                file.create_dataset(place, data=samples, compression="gzip")
        for number in range(40):
            file[f"{ECG}/Measurement{number}/instance_2"] = [float(number)]
        file.create_dataset(f"{CINE}/2/instance_0", data=frames, compression="gzip")
        for number in range(1, 51):
            place = f"{CINE}_annotated_{number}/instance_0"
            file.create_dataset(place, data=mask, compression="gzip")
        for side in ("width", "height"):
            file[f"{MRI}/mri_pixel_{side}_cine_segmented_lax_4ch"] = 1.8


def bare(paths: list[Path]) -> None:
    """Read by h5py the data sets that we read, no more."""
    for path in paths:
        with h5py.File(path, "r") as file:
            for number in range(40):
                file[f"{ECG}/Measurement{number}/instance_2"][...]
            for lead in LEADS:
                file[f"{ECG}/median_{lead}/instance_2"][...]
            file[f"{CINE}/2/instance_0"][...]


def processor_seconds(
    works: dict[str, Callable[[list[Path]], object]], paths: list[Path]
) -> dict[str, float]:
    """Median processor seconds a file of each work, taken in turns: what else runs weighs less."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(6):
        for name, work in works.items():
            started = time.process_time()
            work(paths)
            taken[name].append((time.process_time() - started) / len(paths))
    return {name: statistics.median(times[1:]) for name, times in taken.items()}


def main() -> int:
    """Measure and print."""
    count = 24 if is_full(__doc__ or "") else 4
    from cmae.readers.ml4h import read_ml4h  # noqa: PLC0415 - the sizes come first
    from cmae.readers.ml4h_file import opened, read_array  # noqa: PLC0415
    from cmae.simulate import cohort  # noqa: PLC0415

    simulated = cohort.recordings(0, count, seed=3)
    both = [found for found in simulated.recordings if {"ecg", "mri"} <= found.keys()]
    rng = np.random.default_rng(3)

    def uncropped(paths: list[Path]) -> None:
        for path in paths:
            with opened(path) as file:
                for lead in LEADS:
                    read_array(file[f"{ECG}/median_{lead}/instance_2"], what="A lead")
                read_array(file[f"{CINE}/2/instance_0"], what="The cine")

    for dtype in (np.int16, np.float32):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for number, found in enumerate(both):
                paths.append(Path(folder) / f"{number}.hd5")
                write(paths[-1], found["ecg"], whole_field(found["mri"], rng).astype(dtype))
            size = sum(path.stat().st_size for path in paths) / len(paths) / 1e6
            say(f"{np.dtype(dtype).name}: a file of one participant", size, "MB")
            costs = processor_seconds(
                {
                    "bare decompression by h5py": bare,
                    "guarded, uncropped": uncropped,
                    "as visits, ml4h's crop": lambda ps: [read_ml4h(p, crop="ml4h") for p in ps],
                    "as visits, our crop": lambda ps: [read_ml4h(p) for p in ps],
                },
                paths,
            )
            floor = costs["bare decompression by h5py"]
            for what, cost in costs.items():
                say(f"  {what}", 1000 * cost, "ms")
                say("    against bare decompression", cost / floor, "times")
    say("peak memory", peak_memory_gb(), "GB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
