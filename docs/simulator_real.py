"""The tables of docs/simulator.md that put real recordings beside simulated ones."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from pages import table
from simulator_tables import SEED, Beats

from cmae.data.cohort import Cohort
from cmae.errors import ReadError
from cmae.evaluation import realism
from cmae.evaluation.beat_reconstruction import (
    BeatReconstruction,
    by_principal_components,
    compared,
)
from cmae.latent.bootstrap import Estimate
from cmae.model.run import Run
from cmae.readers.cine import read_cine
from cmae.readers.ecg import read_ecg
from cmae.readers.heart_crop import heart_crop
from cmae.readers.median_beat import MedianBeat, median_beat
from cmae.simulate import cine
from cmae.simulate.cohort import MRI_STREAM, stream

SINUS = {"426783006", "426177001", "427084000", "427393009"}
"""SNOMED CT: sinus rhythm, bradycardia, tachycardia, arrhythmia."""
ATRIAL_TACHYCARDIA = "713422000"


def sinus_beats(folder: Path) -> list[MedianBeat]:
    """Median beats of the real sinus rhythms that can be read."""
    paths = [
        path for path in sorted((folder / "ecg" / "cinc2021").glob("*.hea")) if _is_sinus(path)
    ]
    paths += [
        folder / "ecg" / name
        for name in ("ptbxl/00001_lr.hea", "wfdb_ptb_s0010/s0010_re.hea", "dicom/waveform_ecg.dcm")
    ]
    found = []
    for path in paths:
        try:
            found.append(median_beat(read_ecg(path)))
        except ReadError as error:
            sys.stderr.write(f"left out: {error}\n")
    return found


def _is_sinus(header: Path) -> bool:
    lines = [line for line in header.read_text().splitlines() if line.startswith("# Dx:")]
    codes = set(",".join(lines).replace("# Dx:", "").replace(" ", "").split(","))
    return bool(codes & SINUS) and ATRIAL_TACHYCARDIA not in codes


def beats_table(real: list[MedianBeat], beats: Beats) -> str:
    """How many real values lie among simulated ones, and how well a classifier parts the two."""
    mine = np.array([realism.beat_values(beat.recording, rr_ms=beat.rr_ms) for beat in real])
    rr = beats.table["rr_ms"].to_numpy()
    theirs = np.array(
        [realism.beat_values(beat, rr_ms=r) for beat, r in zip(beats.recordings, rr, strict=True)]
    )
    rows: list[tuple[object, ...]] = []
    for kind, place in {"all": slice(None), **realism.KINDS}.items():
        share = realism.share_within(theirs[:, place], mine[:, place])
        rows.append((f"{kind} within the simulated 1–99 %", f"{share.value:.2f}",
                     f"{share.low:.2f}–{share.high:.2f}", "0.98"))  # fmt: skip
    recordings = np.array([beat.recording for beat in real])
    mine_rr = np.array([beat.rr_ms for beat in real])
    for components in (15, 40):
        found = realism.discrimination(
            beats.recordings, recordings, rr_ms=(rr, mine_rr), components=components
        )
        auroc = found.auroc
        rows.append((f"AUROC real against simulated, {components} components",
                     f"{auroc.value:.2f}", f"{auroc.low:.2f}–{auroc.high:.2f}", "0.5"))  # fmt: skip
    head = ("measure", "value", "95 %", "if real and simulated were one")
    return table(head, rows) + f"\n\nN = {len(real)} real sinus beats, {len(theirs):,} simulated."


def cine_table(folder: Path, people: pd.DataFrame) -> str:
    """Look and motion of the real cine beside those of simulated ones."""
    study = folder / "cmr" / "biv-me" / "dicom" / "Se6"
    real = realism.cine_values(heart_crop(read_cine(study)).recording)
    hearts = zip(people.index, people.to_dict("records"), strict=True)
    simulated = pd.DataFrame(
        [
            realism.cine_values(cine.render(heart, stream(SEED, k, MRI_STREAM)))
            for k, heart in hearts
        ]
    )
    rows = []
    for name, value in real.items():
        low, middle, high = simulated[name].quantile([0.05, 0.5, 0.95])
        inside = "yes" if low <= value <= high else "**no**"
        rows.append((name, f"{value:.3f}", f"{middle:.3f}", f"{low:.3f} to {high:.3f}", inside))
    head = ("measure", "real, N = 1", f"simulated median, N = {len(simulated)}", "5–95 %", "inside")
    return table(head, rows)


def reconstruction_table(real: list[MedianBeat], simulated: Path, runs: dict[str, Path]) -> str:
    """How well real beats are rebuilt by what never saw one.

    Args:
        real: The real beats.
        simulated: Cohort of simulated beats that the principal components are fitted to: those
            that the first run was trained on.
        runs: Folders of ECG autoencoders by name.
    """
    recorded = np.array([beat.recording for beat in real])
    first = next(iter(runs.values()))
    split = pd.read_csv(first / "split.csv")
    seen = split.loc[split["split"] == "train", "row"].to_numpy()
    beats = Cohort.open(simulated).read_many("ecg", seen)
    found: dict[str, BeatReconstruction] = {}
    for components in (64, 128, 256):
        rebuilt = by_principal_components(beats, recorded, components=components)
        found[f"PCA-{components} of the simulated beats"] = compared(recorded, rebuilt)
    best = found["PCA-256 of the simulated beats"]
    for name, folder in runs.items():
        run = Run.open(folder)
        rebuilt = run.decode("ecg", run.encode("ecg", recorded))
        found[name] = compared(recorded, rebuilt)
    rows = []
    for name, result in found.items():
        error, correlation = result.estimates
        less = "" if result is best else _interval(result.less_than(best), "+.1f")
        rows.append((name, _interval(error, ".1f"), _interval(correlation, ".3f"), less))
    head = ("what rebuilds real beats", "error, µV", "r", "error less that of PCA-256, µV")
    counts = f"N = {len(real)} real sinus beats; components of {len(beats):,} simulated beats."
    return table(head, rows) + f"\n\n{counts}"


def _interval(found: Estimate, form: str) -> str:
    """Write an estimate with its interval."""
    return f"{found.value:{form}} ({found.low:{form}} to {found.high:{form}})"
