"""A report of an evaluation, part by part: each number with N, interval and what it is against."""

from collections.abc import Callable, Mapping

import pandas as pd
import streamlit as st

from app import evidence_charts, frame
from cmae.evaluation.report import Report
from cmae.figures.feature_sets import spoken

SOURCES = {"ecg": "From the ECG", "mri": "From the MRI"}
KINDS = {"r2": "Measurements (R²)", "auroc": "Conditions, sex (AUROC)"}
SCORES = {"value": "Everybody", "within_sex": "Within sex", "adjusted": "Beyond age, sex, size"}
FUNCTIONS = {"edv_ml": "End-diastolic volume", "ef_percent": "Ejection fraction", "wall_g": "Wall"}

SVG = {"toImageButtonOptions": {"format": "svg"}}


def report_panel(report: Report) -> None:
    """Show a report.

    Args:
        report: What ``cmae evaluate`` left.
    """
    parts: Mapping[str, tuple[Callable[[Report], None], str]] = {
        "In short": (_short, ""),
        "Phenotypes": (_probes, "probes"),
        "Few labels": (_labels, "label_curves"),
        "Retrieval": (_retrieval, "retrieval"),
        "Reconstruction": (_paths, "paths"),
        "Function": (_function, "function_agreement"),
    }
    offered = [name for name, (_, table) in parts.items() if not table or _has(report, table)]
    part = st.segmented_control(
        "Part",
        offered,
        default=offered[0],
        required=True,
        key=f"evidence-part-{len(offered)}",
        persist_state="session",
        label_visibility="collapsed",
    )
    parts[part or offered[0]][0](report)
    frame.stamp(
        f"report {report.folder.name}",
        f"measured run {report.run_name} ({report.run_fingerprint[:12]})",
        f"measured cohort ({report.cohort_fingerprint[:12]}, {report.cohort_rows:,} rows)",
        "simulated" if report.is_simulated else "recorded",
    )


def _has(report: Report, name: str) -> bool:
    return not report.tables[name].empty


def _short(report: Report) -> None:
    """The findings in sentences, and who was measured."""
    frame.facts(
        {
            "Run": report.run_name,
            "Cohort": f"{report.cohort_rows:,} rows",
            "Decoded": f"{report.decoded:,} rows",
        }
    )
    st.caption(
        f"Measured on {report.held_out}. The mean recording that decodings are compared with is "
        f"that of {report.mean_recording}."
    )
    frame.sentences(report.headlines)
    for name, title in (("left_out", "Not told, and why"), ("labels_left_out", "Few labels")):
        table = report.tables[name]
        if not table.empty:
            with st.expander(f"{title} ({len(table):,})"):
                st.dataframe(_named(report, table), hide_index=True, height=260)


def _probes(report: Report) -> None:
    """How much of each phenotype one modality tells, against baselines and ceilings."""
    frame.section(
        "Phenotypes from latents",
        "ridge or logistic regression on frozen latents, folds by participant; bar: the ceiling",
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        source = _choice("By", SOURCES, "evidence-source")
        measure = _choice("What", KINDS, "evidence-kind")
        score = _choice("In whom", SCORES, "evidence-score")
    table = report.probes(source, measure, score=score)
    if table.empty:
        frame.empty("The report has no such score: choose another (AUROC is never adjusted).")
        return
    st.plotly_chart(
        evidence_charts.forest(table, report.names, measure=measure),
        key="evidence-forest",
        config=SVG,
    )
    pairs = report.probe_pairs(source, measure, score=score)
    left, right = st.columns(2, gap="medium")
    with left:
        frame.section("Scores", "with 95 % intervals over participants")
        _table(report, table, "evidence-scores")
    with right:
        frame.section(
            "Differences in pairs", "on the same resamples: above 0, the latent is better"
        )
        _table(
            report,
            pairs.drop(columns=["source", "measure", "participants"], errors="ignore"),
            "evidence-pairs",
        )


def _labels(report: Report) -> None:
    """How many labels a score takes."""
    frame.section("With few labels", "means over draws, on a third that never trains; bands: 95 %")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        source = _choice("By", SOURCES, "evidence-label-source")
        table = report.tables["label_curves"]
        targets = list(dict.fromkeys(table[table["source"] == source]["target"]))
        if not targets:
            frame.empty("The report has no such curves: choose the other recording.")
            return
        target = st.selectbox(
            "Phenotype",
            targets,
            format_func=lambda name: report.names.get(name, name),
            key=f"evidence-label-target-{source}",
            width=360,
        )
    curves = report.label_curves(source, target)
    st.plotly_chart(evidence_charts.label_curves(curves), key="evidence-labels", config=SVG)
    shown = ["features", "labels", "n", "value", "low", "high", "chance", "ceiling"]
    _table(report, curves[[name for name in shown if name in curves]], "evidence-label-table")


def _retrieval(report: Report) -> None:
    """Which recording belongs to this one, against chance and ceiling."""
    frame.section(
        "Retrieval", "share of queries whose own recording is among the k nearest by cosine"
    )
    table = report.tables["retrieval"]
    recalls = table[table["measure"] == "recall"]
    sets = list(dict.fromkeys(recalls["features"]))
    chosen = sets[0] if len(sets) == 1 else st.segmented_control(
        "Latents", sets, default=sets[0], format_func=spoken, required=True, key="evidence-recall"
    )  # fmt: skip
    st.plotly_chart(
        evidence_charts.recalls(recalls[recalls["features"] == (chosen or sets[0])]),
        key="evidence-recalls",
        config=SVG,
    )
    st.caption("Solid lines: the ceiling; dotted lines: chance.")
    _table(report, table, "evidence-retrieval-table")
    if _has(report, "alignment"):
        frame.section("Alignment of the space")
        _table(report, report.tables["alignment"], "evidence-alignment")


def _paths(report: Report) -> None:
    """How near decoded recordings are to recorded ones, against the mean recording and chance."""
    frame.section(
        "Reconstruction and translation",
        f"each decoded recording against the recorded one, N {report.decoded:,}",
    )
    table = report.tables["paths"]
    measures = list(dict.fromkeys(table["measure"]))
    measure = st.segmented_control(
        "Measure",
        measures,
        default=measures[0],
        format_func=lambda name: report.names.get(name, name),
        required=True,
        key="evidence-path-measure",
    )
    name = measure or measures[0]
    st.plotly_chart(
        evidence_charts.paths(table[table["measure"] == name], title=report.names.get(name, name)),
        key="evidence-paths",
        config=SVG,
    )
    _table(report, table, "evidence-path-table")


def _function(report: Report) -> None:
    """What decoded cines show of the left ventricle, against recorded ones and columns."""
    left, right = st.columns(2, gap="medium")
    measures = report.tables["function_measures"]
    with left:
        frame.section("Agreement", "decoded less recorded cine, read in the same way")
        kinds = [name for name in FUNCTIONS if name in set(measures["measure"])]
        cines = list(dict.fromkeys(measures["of"]))
        if kinds and cines:
            with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
                measure = _choice("Measure", {k: FUNCTIONS[k] for k in kinds}, "evidence-function")
                cine = _choice(
                    "Cine", {c: spoken(c.replace("_to_", " → ")) for c in cines}, "evidence-cine"
                )
            unit = {"edv_ml": "mL", "ef_percent": "%", "wall_g": "g"}[measure]
            st.plotly_chart(
                evidence_charts.bland_altman(report.bland_altman(measure, cine), unit=unit),
                key="evidence-agreement",
                config=SVG,
            )
            st.caption("Bias and limits of agreement (± 1.96 SD), bands: their 95 % intervals.")
    with right:
        frame.section("Area over the beat", "of the left ventricle; bands: 95 % intervals")
        if _has(report, "function_curves"):
            st.plotly_chart(
                evidence_charts.area_curves(report.tables["function_curves"]),
                key="evidence-areas",
                config=SVG,
            )
    frame.section("All numbers", "R² after a linear calibration in other folds")
    _table(report, report.tables["function_agreement"], "evidence-function-table")


def _choice(label: str, titles: Mapping[str, str], key: str) -> str:
    """Show a choice of one and return it."""
    names = list(titles)
    chosen = st.segmented_control(
        label,
        names,
        default=names[0],
        format_func=titles.__getitem__,
        required=True,
        key=f"{key}-{len(names)}",
        persist_state="session",
    )
    return chosen or names[0]


def _table(report: Report, table: pd.DataFrame, key: str) -> None:
    """Show numbers, sortable."""
    number = st.column_config.NumberColumn
    numeric = [name for name in table.columns if pd.api.types.is_numeric_dtype(table[name])]
    whole = {"n", "participants", "labels", "gallery", "k", "positive", "repeats"}
    st.dataframe(
        _named(report, table),
        hide_index=True,
        height=min(36 * (len(table) + 1) + 4, 420),
        key=key,
        column_config={
            name: number(
                "N" if name == "n" else name.replace("_", " "),
                format="%d" if name in whole else "%.3f",
            )
            for name in numeric
        },
    )


def _named(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with names for people in place of those of columns."""
    names = {
        column: [
            report.names.get(str(value)) or spoken(str(value).replace("_to_", " → "))
            for value in table[column]
        ]
        for column in ("target", "measure", "features", "against", "path", "of", "direction")
        if column in table
    }
    return table.assign(**names)
