"""Draw the figures of docs/simulator.md and fill in its tables, from the code: `make figures`."""

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cmae.data.files import replacing
from cmae.errors import ReadError
from cmae.evaluation import realism
from cmae.figures import population as figures
from cmae.measure.contour import area_length_ml
from cmae.measure.electrocardiogram import measure_ecg
from cmae.readers.cine import read_cine
from cmae.readers.ecg import read_ecg
from cmae.readers.heart_crop import heart_crop
from cmae.readers.median_beat import MedianBeat, median_beat
from cmae.simulate import cine, ecg
from cmae.simulate.ceilings import ceilings
from cmae.simulate.cohort import ECG_STREAM, MRI_STREAM
from cmae.simulate.disease import LEADING
from cmae.simulate.physiology import draw
from cmae.simulate.settings import PopulationSettings

PAGE = Path(__file__).with_name("simulator.md")
SEED = 1

# Published means and SDs of the healthy, (women, men); sources: the head of the page.
REFERENCES = {
    "lvedv_ml": ("LV end-diastolic volume, mL", (124, 21), (166, 32)),
    "lvesv_ml": ("LV end-systolic volume, mL", (49, 11), (69, 16)),
    "lvef_percent": ("LV ejection fraction, %", (61, 5), (58, 5)),
    "lv_mass_g": ("LV mass, g", (70, 13), (103, 21)),
    "lv_mass_index_g_m2": ("LV mass / BSA, g/m²", (42, 7), (53, 9)),
    "rvedv_ml": ("RV end-diastolic volume, mL", (130, 24), (182, 36)),
    "rvef_percent": ("RV ejection fraction, %", (58, 6), (54, 6)),
    "la_max_ml": ("LA maximal volume, mL", (62, 17), (71, 19)),
    "ra_max_ml": ("RA maximal volume, mL", (69, 17), (93, 27)),
    "heart_rate_bpm": ("heart rate, /min", (66, 9), (62, 10)),
    "pr_ms": ("PR, ms", (158, 23), (165, 25)),
    "qrs_ms": ("QRS, ms", (85, 8), (96, 10)),
    "qtc_ms": ("QTc, ms", (413, 14), (412, 20)),
    "sokolow_lyon_mv": ("Sokolow-Lyon, mV, measured", (1.8, 0.6), (2.1, 0.7)),
    "cornell_mv": ("Cornell, mV, measured", (1.0, 0.4), (1.4, 0.5)),
    "axis_deg": ("frontal axis, °, measured", (40, 35), (30, 35)),
}
MEASURED = ("sokolow_lyon_mv", "cornell_mv", "axis_deg")

# Of 1,991 real hearts, sexes pooled: (columns, on logarithms, correlation).
CORRELATIONS = (
    (("lvedv_ml", "lvesv_ml"), True, 0.87),
    (("lvedv_ml", "lv_mass_g"), True, 0.73),
    (("lvesv_ml", "lv_mass_g"), True, 0.72),
    (("lvedv_ml", "lv_length_mm"), True, 0.76),
    (("lv_mass_g", "lv_length_mm"), True, 0.69),
    (("lvedv_ml", "lvef_percent"), False, -0.41),
    (("lv_mass_g", "lvef_percent"), False, -0.46),
    (("lvef_percent", "lv_shortening"), False, 0.62),
)
# ECG rules of hypertrophy in mV: (name, column, women, men).
RULES = (
    ("Sokolow-Lyon", "sokolow_lyon_mv", 3.5, 3.5),
    ("Cornell", "cornell_mv", 2.0, 2.8),
)
SINUS = {"426783006", "426177001", "427084000", "427393009"}
"""SNOMED CT: sinus rhythm, bradycardia, tachycardia, arrhythmia."""
ATRIAL_TACHYCARDIA = "713422000"


def main() -> int:
    """Draw and fill in what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=int, default=20_000, help="of the population")
    parser.add_argument("--beats", type=int, default=4000, help="rendered and measured")
    parser.add_argument("--cines", type=int, default=60, help="rendered and measured")
    parser.add_argument("--real", type=Path, help="folder of real recordings to compare with")
    parser.add_argument("--page", type=Path, default=PAGE, help="page to fill in")
    options = parser.parse_args()
    images = options.page.parent / "images"
    people = draw(options.participants, seed=SEED)
    beats = Beats(people.iloc[: options.beats])
    _draw_sheets(people, images)
    _draw_distributions(people, beats.table, images)
    blocks = {
        "population": _population(people, beats.table),
        "correlations": _correlations(people),
        "diseases": _diseases(people),
        "couplings": _couplings(beats.table),
        "beats": _beats_against_factors(beats.table),
        "cines": _cines_against_factors(people.iloc[: options.cines]),
        "ceilings": _ceilings(options.participants),
    }
    if options.real is not None:
        blocks["real-beats"] = _real_beats(options.real, beats)
        blocks["real-cine"] = _real_cine(options.real, people.iloc[: options.cines])
    _fill_in(options.page, blocks)
    return 0


class Beats:
    """Rendered beats of people, with what is measured from them.

    Attributes:
        table: The people's rows, with the measures beside.
        recordings: (people, 600, 12) in mV.
    """

    def __init__(self, people: pd.DataFrame) -> None:
        """Render and measure."""
        rows = people.to_dict("records")
        streams = (_stream(number, ECG_STREAM) for number in people.index)
        self.recordings = np.array(
            [ecg.render(heart, rng) for heart, rng in zip(rows, streams, strict=True)]
        )
        found = []
        for beat, heart in zip(self.recordings, rows, strict=True):
            m = measure_ecg(beat, rr_ms=heart["rr_ms"])
            found.append(
                {
                    "sokolow_lyon_mv": m.sokolow_lyon_mv,
                    "cornell_mv": m.cornell_mv,
                    "axis_deg": (m.qrs_axis_deg + 150) % 360 - 150,
                    "measured_pr_ms": m.pr_ms,
                    "measured_qrs_ms": m.qrs_ms,
                    "measured_qt_ms": m.qt_ms,
                }
            )
        self.table = people.assign(**pd.DataFrame(found, index=people.index))


def _stream(participant: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([SEED, participant, purpose]))


# Figures ---------------------------------------------------------------------------------------


def _heart(row: Any, name: str) -> figures.Heart:  # noqa: ANN401 - a row of a table
    heart = row.to_dict()
    truth = cine.render_truth(heart, _stream(row.name, MRI_STREAM))
    beat = ecg.render(heart, _stream(row.name, ECG_STREAM))
    volume = (truth.masks == cine.MASK_LABELS["lv_cavity"]).sum(axis=(0, 1))
    return figures.Heart(name, beat, truth.recording, int(volume.argmin()))


def _draw_sheets(people: pd.DataFrame, images: Path) -> None:
    some = [
        _heart(row, f"{'man' if row['sex'] else 'woman'}, {row['age_years']:.0f}, "
                    f"{row['disease'].replace('_', ' ')}")
        for _, row in people.iloc[:12].iterrows()
    ]  # fmt: skip
    figures.hearts_sheet(some, images / "simulator_hearts.png", is_simulated=True)
    figures.beats_sheet(some, images / "simulator_beats.png", is_simulated=True)
    groups = []
    for name in ("healthy", *LEADING):
        group = people[people["disease"] == name]
        if len(group):
            typical = (group["lvef_percent"] - group["lvef_percent"].median()).abs().idxmin()
            groups.append(_heart(people.loc[typical], name.replace("_", " ")))
    figures.groups_sheet(groups, images / "simulator_groups.png", is_simulated=True)


def _draw_distributions(people: pd.DataFrame, beats: pd.DataFrame, images: Path) -> None:
    quantities = {}
    for name, (title, women, men) in REFERENCES.items():
        healthy = _healthy(beats if name in MEASURED else people)
        by_sex = [healthy.loc[healthy["sex"] == sex, name].dropna().to_numpy() for sex in (0, 1)]
        quantities[name] = figures.Distribution(title, *by_sex, women, men)
    figures.distributions(quantities, images / "simulator_distributions.svg", is_simulated=True)


# Tables ----------------------------------------------------------------------------------------


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _healthy(people: pd.DataFrame) -> pd.DataFrame:
    return people[people["disease"] == "healthy"]


def _population(people: pd.DataFrame, beats: pd.DataFrame) -> str:
    rows = []
    for name, (title, *published) in REFERENCES.items():
        healthy = _healthy(beats if name in MEASURED else people)
        cells = []
        for sex, (mean, sd) in enumerate(published):
            values = healthy.loc[healthy["sex"] == sex, name]
            digits = 2 if mean < 10 else 1
            cells += [f"{mean} ± {sd}", f"{values.mean():.{digits}f} ± {values.std():.{digits}f}"]
        rows.append((title, *cells))
    head = ("healthy", "women, published", "simulated", "men, published", "simulated")
    counts = f"N = {len(_healthy(people)):,}; measured: {len(_healthy(beats)):,} beats."
    return _table(head, rows) + f"\n\n{counts}"


def _correlations(people: pd.DataFrame) -> str:
    rows = []
    for (first, second), is_log, real in CORRELATIONS:
        pair = people[[first, second]].to_numpy(np.float64)
        found = np.corrcoef((np.log(pair) if is_log else pair).T)[0, 1]
        rows.append((f"{first}, {second}", "log" if is_log else "linear", real, f"{found:.2f}"))
    return _table(("pair", "scale", "1,991 real hearts", f"simulated, N = {len(people):,}"), rows)


def _diseases(people: pd.DataFrame) -> str:
    names = ("lvedv_ml", "lvef_percent", "lv_mass_g", "la_max_ml", "qrs_ms")
    rows = []
    for name in ("healthy", *LEADING):
        group = people[people["disease"] == name]
        means = [f"{group[column].mean():.0f}" for column in names]
        rows.append((name.replace("_", " "), f"{100 * len(group) / len(people):.1f} %", *means))
    head = ("leading diagnosis", "share", "EDV, mL", "EF, %", "mass, g", "LA, mL", "QRS, ms")
    return _table(head, rows)


def _couplings(beats: pd.DataFrame) -> str:
    rows: list[tuple[object, ...]] = []
    index = "lv_mass_index_g_m2"
    for title, name, published in (
        ("Sokolow-Lyon with LV mass / BSA", "sokolow_lyon_mv", "0.30 (0.25–0.45)"),
        ("Cornell with LV mass / BSA", "cornell_mv", ""),
        ("QRS with LVEDV", "qrs_ms", "positive"),
    ):
        other = "lvedv_ml" if name == "qrs_ms" else index
        cells = [f"r = {group[name].corr(group[other]):.2f}" for _, group in beats.groupby("sex")]
        rows.append((title, published, *cells))
    for title, column, *limits in RULES:
        cells = []
        for sex, limit in enumerate(limits):
            group = beats[beats["sex"] == sex]
            healthy = _healthy(group)[index]
            is_thick = group[index] > healthy.mean() + 2 * healthy.std()
            rule = group[column] >= limit
            cells.append(
                f"{100 * rule[is_thick].mean():.0f} % / {100 * (1 - rule[~is_thick].mean()):.0f} %"
            )
        rows.append((f"{title} rule: sensitivity / specificity", "10–26 % / 88–99 %", *cells))
    head = ("coupling", "published", "women", "men")
    return _table(head, rows) + f"\n\nN = {len(beats):,} rendered beats, by sex."


def _beats_against_factors(beats: pd.DataFrame) -> str:
    rows = []
    for title, measured, factor in (
        ("PR, ms", "measured_pr_ms", "pr_ms"),
        ("QRS, ms", "measured_qrs_ms", "qrs_ms"),
        ("QT, ms", "measured_qt_ms", "qt_ms"),
        ("frontal axis, °", "axis_deg", "qrs_axis_deg"),
    ):
        away = (beats[measured] - beats[factor]).dropna()
        if factor == "qrs_axis_deg":
            away = (away + 180) % 360 - 180
        size = away.abs()
        rows.append((title, f"{away.median():+.1f}", f"{size.median():.1f}",
                     f"{size.quantile(0.95):.1f}", f"{len(away):,}"))  # fmt: skip
    return _table(("measured less factor", "median", "median size", "95 % below", "N"), rows)


def _cines_against_factors(people: pd.DataFrame) -> str:
    rows = []
    for number, heart in zip(people.index, people.to_dict("records"), strict=True):
        truth = cine.render_truth(heart, _stream(number, MRI_STREAM))
        volume = area_length_ml(truth.masks, label=1, pixel_mm=1.8)
        ejected = 100 * (1 - volume.min() / volume[0])
        rows.append((volume[0] / heart["lvedv_ml"], volume.min() / heart["lvesv_ml"],
                     ejected - heart["lvef_percent"]))  # fmt: skip
    found = np.array(rows)
    low, middle, high = np.percentile(found, (5, 50, 95), axis=0)
    titles = ("EDV, measured / factor", "ESV, measured / factor", "EF, measured − factor, points")
    lines = [
        (title, f"{m:.3f}", f"{a:.3f} to {b:.3f}")
        for title, m, a, b in zip(titles, middle, low, high, strict=True)
    ]
    head = ("area-length volume of the mask", "median", f"5–95 %, N = {len(found)}")
    return _table(head, lines)


def _ceilings(participants: int) -> str:
    found = ceilings(PopulationSettings(), seed=SEED, participants=participants)
    wanted = {"lv_mass_g", "lvedv_ml", "lvef_percent", "la_max_ml", "rvef_percent", "qrs_ms",
              "pr_ms", "qrs_axis_deg", "age_years"}  # fmt: skip
    rows: list[tuple[object, ...]] = [
        (f"{row.name} from the {row.source.upper()}", "R²", f"{row.value:.2f}",
         f"{row.low:.2f}–{row.high:.2f}", "0", f"{row.within_sex:.2f}")
        for row in found.phenotypes if row.name in wanted
    ]  # fmt: skip
    rows += [
        (f"retrieval by the {row.query.upper()}, N = {row.gallery}", f"recall@{row.k}",
         f"{row.recall:.2f}", f"{row.low:.2f}–{row.high:.2f}", f"{row.chance:.3f}", "")
        for row in found.retrieval
    ]  # fmt: skip
    head = ("what from what", "measure", "ceiling", "95 %", "chance", "within sex")
    counts = f"Boosting from {found.trained:,} people, measured on {found.held_out:,} others."
    return _table(head, rows) + f"\n\n{counts}"


# Real recordings -------------------------------------------------------------------------------


def _real_sinus(folder: Path) -> list[MedianBeat]:
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


def _real_beats(folder: Path, beats: Beats) -> str:
    real = _real_sinus(folder)
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
    return _table(head, rows) + f"\n\nN = {len(real)} real sinus beats, {len(theirs):,} simulated."


def _real_cine(folder: Path, people: pd.DataFrame) -> str:
    study = folder / "cmr" / "biv-me" / "dicom" / "Se6"
    real = realism.cine_values(heart_crop(read_cine(study)).recording)
    hearts = zip(people.index, people.to_dict("records"), strict=True)
    simulated = pd.DataFrame(
        [realism.cine_values(cine.render(heart, _stream(k, MRI_STREAM))) for k, heart in hearts]
    )
    rows = []
    for name, value in real.items():
        low, middle, high = simulated[name].quantile([0.05, 0.5, 0.95])
        inside = "yes" if low <= value <= high else "**no**"
        rows.append((name, f"{value:.3f}", f"{middle:.3f}", f"{low:.3f} to {high:.3f}", inside))
    head = ("measure", "real, N = 1", f"simulated median, N = {len(simulated)}", "5–95 %", "inside")
    return _table(head, rows)


def _fill_in(page: Path, blocks: dict[str, str]) -> None:
    """Replace each block of the page between its marks."""
    text = page.read_text(encoding="utf-8")
    for name, block in blocks.items():
        marks = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if len(marks.findall(text)) != 1:
            raise SystemExit(f"{page} has no place for {name}: put its marks there.")
        text = marks.sub(lambda match, block=block: f"{match[1]}{block}\n{match[2]}", text)
    with replacing(page) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
