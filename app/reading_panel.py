"""Phenotypes as measured, beside what probes read from each recording of the participant."""

import streamlit as st

from app import frame, heart_caches, phenotypes, session
from app.components.phenotype_chart import Row, phenotype_chart
from cmae.data.column import Column
from cmae.errors import CmaeError
from cmae.evaluation.reading import FoldProbes, Prediction, Reading

SPAN_SD = 6.0
"""SD of the cohort from one end of the scale to the other."""

KINDS = {"continuous": "Measures", "binary": "Conditions"}
SCALES = {
    "continuous": "−3 to +3 SD around the cohort's mean",
    "binary": "probability, 0 to 100 %",
}
SEEN = {
    "train": "The run was trained on this participant.",
    "validation": "The run's best epoch was chosen with this participant among others.",
    "test": "The run never saw this participant.",
    "": "The run never saw this participant.",
}


def reading_panel(row: int) -> None:
    """Show the chart, and in one line whom its probes were fitted to.

    Args:
        row: Row of the cohort.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        frame.section("Phenotypes", "measured, and as each recording tells them")
        kind = st.segmented_control(
            "Which phenotypes",
            list(KINDS),
            default="continuous",
            format_func=KINDS.__getitem__,
            required=True,
            key="reading_kind",
            label_visibility="collapsed",
        )
    try:
        found = heart_caches.readings(row, kind or "continuous")
    except CmaeError as error:
        st.error(str(error))
        return
    work = heart_caches.probes(row, kind or "continuous")
    if found is None:
        st.caption("Probes are being fitted to other participants of the cohort …")
        session.wait_until(lambda: work.is_done)
        return
    if not found:
        frame.empty("The cohort has too few participants with known phenotypes to fit probes to.")
        return
    columns = session.explorer().cohort.columns
    phenotype_chart(
        [chart_row(each, columns[each.name]) for each in found],
        key=f"readings-{kind}",
        scale=SCALES[kind or "continuous"],
    )
    if work.result is not None:
        st.caption(_origin(work.result, row))


def chart_row(reading: Reading, column: Column) -> Row:
    """Write one phenotype for the chart.

    Args:
        reading: What was measured and predicted.
        column: What the phenotype means.

    Returns:
        A row of ``phenotype_chart``.
    """
    is_number = reading.kind == "continuous"

    def place(value: float | None) -> float | None:
        if value is None or not is_number:
            return value
        return 0.5 + (value - reading.mean) / (SPAN_SD * reading.sd or 1.0)

    def told(one: Prediction) -> dict[str, object]:
        text = f"{100 * one.value:.0f} %"
        if is_number:
            text = phenotypes.number(one.value)
            if one.high is not None:
                text += f" ± {phenotypes.number(one.high - one.value)}"
        return {
            "place": place(one.value),
            "low": place(one.low),
            "high": place(one.high),
            "text": text,
            "percentile": one.percentile,
        }

    measured = reading.measured
    return {
        "title": phenotypes.title(reading.name),
        "measured": None
        if measured is None
        else {
            "place": place(measured),
            "text": phenotypes.written(reading.name, column, measured),
            "percentile": reading.percentile,
        },
        "told": {source: told(one) for source, one in reading.predicted.items()},
        "surprise": reading.surprise,
    }


def _origin(fitted: FoldProbes, row: int) -> str:
    """Say in a line whom the probes were fitted to, and whether the run knew the participant."""
    counts = " and ".join(
        f"{count:,} ({frame.SOURCE_TITLES[source]})"
        for source, count in fitted.participants.items()
    )
    part = heart_caches.part_in_training(row)
    seen = (
        SEEN[part]
        if part is not None
        else "The run was not trained on this cohort, or does not say so."
    )
    return (
        f"Linear probes fitted to the latents of {counts} other participants of this cohort, never "
        f"this one; P: percentile of the cohort; off by: distance from the nearer prediction in SD "
        f"of its errors. {seen}"
    )
