"""The tables of docs/simulator.md: what the simulated population is, beside what was published."""

import numpy as np
import pandas as pd
from pages import table

from cmae.measure.contour import area_length_ml
from cmae.measure.electrocardiogram import measure_ecg
from cmae.simulate import cine, ecg
from cmae.simulate.ceilings import ceilings
from cmae.simulate.cohort import ECG_STREAM, MRI_STREAM, stream
from cmae.simulate.disease import LEADING
from cmae.simulate.settings import PopulationSettings

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
"""Of the traces, not of the table."""

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


class Beats:
    """Rendered beats of people, with what is measured from them.

    Attributes:
        table: The people's rows, with the measures beside.
        recordings: (people, 600, 12) in mV.
    """

    def __init__(self, people: pd.DataFrame) -> None:
        """Render and measure."""
        rows = people.to_dict("records")
        streams = (stream(SEED, number, ECG_STREAM) for number in people.index)
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


def healthy(people: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without a diagnosis."""
    return people[people["disease"] == "healthy"]


def population(people: pd.DataFrame, beats: pd.DataFrame) -> str:
    """Healthy means and SDs by sex beside the published ones."""
    rows = []
    for name, (title, *published) in REFERENCES.items():
        well = healthy(beats if name in MEASURED else people)
        cells = []
        for sex, (mean, sd) in enumerate(published):
            values = well.loc[well["sex"] == sex, name]
            digits = 2 if mean < 10 else 1
            cells += [f"{mean} ± {sd}", f"{values.mean():.{digits}f} ± {values.std():.{digits}f}"]
        rows.append((title, *cells))
    head = ("healthy", "women, published", "simulated", "men, published", "simulated")
    counts = f"N = {len(healthy(people)):,}; measured: {len(healthy(beats)):,} beats."
    return table(head, rows) + f"\n\n{counts}"


def correlations(people: pd.DataFrame) -> str:
    """Correlations of the whole population beside those of real hearts."""
    rows = []
    for (first, second), is_log, real in CORRELATIONS:
        pair = people[[first, second]].to_numpy(np.float64)
        found = np.corrcoef((np.log(pair) if is_log else pair).T)[0, 1]
        rows.append((f"{first}, {second}", "log" if is_log else "linear", real, f"{found:.2f}"))
    return table(("pair", "scale", "1,991 real hearts", f"simulated, N = {len(people):,}"), rows)


def diseases(people: pd.DataFrame) -> str:
    """Each diagnosis with its share and means."""
    names = ("lvedv_ml", "lvef_percent", "lv_mass_g", "la_max_ml", "qrs_ms")
    rows = []
    for name in ("healthy", *LEADING):
        group = people[people["disease"] == name]
        means = [f"{group[column].mean():.0f}" for column in names]
        rows.append((name.replace("_", " "), f"{100 * len(group) / len(people):.1f} %", *means))
    head = ("leading diagnosis", "share", "EDV, mL", "EF, %", "mass, g", "LA, mL", "QRS, ms")
    return table(head, rows)


def couplings(beats: pd.DataFrame) -> str:
    """What the ECG knows about the heart, by sex."""
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
            normal = healthy(group)[index]
            is_thick = group[index] > normal.mean() + 2 * normal.std()
            rule = group[column] >= limit
            cells.append(
                f"{100 * rule[is_thick].mean():.0f} % / {100 * (1 - rule[~is_thick].mean()):.0f} %"
            )
        rows.append((f"{title} rule: sensitivity / specificity", "10–26 % / 88–99 %", *cells))
    head = ("coupling", "published", "women", "men")
    return table(head, rows) + f"\n\nN = {len(beats):,} rendered beats, by sex."


def beats_against_factors(beats: pd.DataFrame) -> str:
    """Intervals and axes read off the traces less their factors."""
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
    return table(("measured less factor", "median", "median size", "95 % below", "N"), rows)


def cines_against_factors(people: pd.DataFrame) -> str:
    """Volumes read off the masks over their factors."""
    rows = []
    for number, heart in zip(people.index, people.to_dict("records"), strict=True):
        truth = cine.render_truth(heart, stream(SEED, number, MRI_STREAM))
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
    return table(head, lines)


def ceilings_table(participants: int) -> str:
    """The ceilings of translation and retrieval."""
    found = ceilings(PopulationSettings(), seed=SEED, participants=participants)
    wanted = {"lv_mass_g", "lvedv_ml", "lvef_percent", "la_max_ml", "rvef_percent", "qrs_ms",
              "pr_ms", "qrs_axis_deg", "age_years"}  # fmt: skip
    rows: list[tuple[object, ...]] = [
        (f"{row.name} from the {row.source.upper()}", "R²", f"{row.value:.2f}",
         f"{row.low:.2f}–{row.high:.2f}", "0", f"{row.within_sex:.2f}")
        for row in found.phenotypes if row.name in wanted
    ]  # fmt: skip
    rows += [
        (f"retrieval by the {row.query.upper()}, N = {row.gallery:,}", f"recall@{row.k}",
         f"{row.recall:.2f}", f"{row.low:.2f}–{row.high:.2f}", f"{row.chance:.4f}", "")
        for row in found.retrieval
    ]  # fmt: skip
    head = ("what from what", "measure", "ceiling", "95 %", "chance", "within sex")
    sizes = {row.gallery: row.participants for row in found.retrieval}
    queries = ", ".join(f"{count:,} queries among {size:,}" for size, count in sizes.items())
    counts = f"Boosting from {found.trained:,} people, measured on {found.held_out:,} others"
    counts += f"; retrieval: {queries}."
    return table(head, rows) + f"\n\n{counts}"
