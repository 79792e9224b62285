"""ECG files into a cohort, end to end: files a second, and the processor time of one file.

Ten-second WFDB records of simulated hearts, in the usual layout. The processes' start is left out:
the clock runs from the first files that came back; processor time is that of a large import less
that of a small one, over all processes.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measuring import is_full, peak_memory_gb, say
from numpy.typing import NDArray

from cmae.data.cohort import Cohort
from cmae.data.modality import LEADS
from cmae.measure.electrocardiogram import measured_values
from cmae.readers.importing import ImportSettings, import_ecg
from cmae.readers.recordings import EcgOptions
from cmae.readers.workers import cores
from cmae.simulate.physiology import draw
from cmae.simulate.rhythm import RhythmSettings, record

FULL, SMALL = 1200, 60
HEARTS = 20
STEPS_PER_MV = 1000


def write(folder: Path, name: str, signals: NDArray[np.float64]) -> None:
    """Write a record as PhysioNet's challenges have them."""
    np.round(signals * STEPS_PER_MV).astype("<i2").tofile(folder / f"{name}.dat")
    lines = [f"{name}.dat 16 {STEPS_PER_MV}(0)/mV 16 0 0 0 0 {lead}" for lead in LEADS]
    first = f"{name} {len(LEADS)} 500 {len(signals)}"
    (folder / f"{name}.hea").write_text("\n".join([first, *lines, ""]))


def processor_seconds() -> float:
    """Processor time of this process and of those that it has ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def imported(paths: list[Path], out: Path) -> tuple[float, float]:
    """Import some files; return files a second after the start, and processor seconds."""
    times: list[tuple[float, int]] = []
    before = processor_seconds()
    summary = import_ecg(
        paths,
        Cohort.create(out),
        options=EcgOptions(measure=measured_values),
        settings=ImportSettings(),
        on_progress=lambda done, _: times.append((time.perf_counter(), done)),
    )
    assert summary.read == len(paths)
    first = times[min(2 * cores(), len(times) - 2)]
    return (len(paths) - first[1]) / (time.perf_counter() - first[0]), processor_seconds() - before


def main() -> int:
    """Measure and print."""
    files = FULL if is_full(__doc__ or "") else SMALL
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "records"
        folder.mkdir()
        rng = np.random.default_rng(17)
        hearts = draw(HEARTS, seed=17).to_dict("records")
        signals = [record(heart, rng, RhythmSettings()).signals for heart in hearts]
        for number in range(files):
            write(folder, f"r{number:05d}", signals[number % HEARTS])
        paths = sorted(folder.glob("*.hea"))
        few = 2 * cores()
        _, start_s = imported(paths[:few], Path(made) / "few")
        rate, whole_s = imported(paths, Path(made) / "cohort")
    each_s = (whole_s - start_s) / (files - few)
    say("ten-second ECGs a second, start left out", rate, f"on {cores()} cores", ">= 60 on 2")
    say("processor time an ECG, all processes", 1000 * each_s, "ms", "<= 33")
    say("the same on two cores at best", 2 / each_s, "ECGs/s")
    say("processor time of the start", start_s, "s")
    say("peak memory of the parent", peak_memory_gb(), "GB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
