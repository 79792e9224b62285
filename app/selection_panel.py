"""What is selected: how it differs from the rest of the cohort, and its rows."""

import numpy as np
import streamlit as st

from app import frame, phenotypes, session
from app.groups import Group
from cmae.latent.groups import compare

MAX_TABLE_ROWS = 5_000


def selection_panel(group: Group) -> None:
    """Compare the selected rows with all others, and list them.

    Args:
        group: What is selected.
    """
    rows = group.rows
    cohort = session.explorer().cohort
    selected = group.mask(len(cohort))
    frame.section(
        f"{len(rows):,} participants selected", f"{len(rows) / len(cohort):.1%} of the cohort"
    )
    names = [
        name
        for name in phenotypes.ordered(cohort.columns)
        if cohort.columns[name].kind != "categorical"
    ]
    compared = compare(cohort.table, names, selected)
    frame.table(
        ("Mean ± SD", "selected", "others", "difference"),
        [_compared(line) for line in compared.head(12).to_dict("records")],
    )
    st.caption("Difference in pooled standard deviations (Cohen's d), the largest first.")
    shown = cohort.table.iloc[rows[:MAX_TABLE_ROWS]]
    columns = list(names)
    if session.are_identifiers_shown():
        columns = ["participant_id", "visit", *columns]
    picked = st.dataframe(
        shown[columns],
        height=230,
        key="group-table",
        on_select="rerun",
        selection_mode="single-row",
        column_config={"_index": st.column_config.NumberColumn("Row", format="%d")},
    )
    with st.container(horizontal=True):
        st.download_button(
            "Rows as CSV",
            cohort.table.iloc[rows][columns].to_csv(index_label="row").encode(),
            "selected_rows.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        positions = picked["selection"]["rows"]
        if positions and st.button("See the marked participant", type="primary"):
            session.go_to_participant(int(rows[positions[0]]))


def _compared(line: dict[str, object]) -> tuple[str, str, str, str]:
    """Write a row of the comparison as text."""
    cohort = session.explorer().cohort
    name = str(line["phenotype"])
    column = cohort.columns[name]
    mean, sd, rest_mean, rest_sd, effect = (
        float(str(line[key])) for key in ("mean", "sd", "rest_mean", "rest_sd", "difference")
    )
    words = phenotypes.categories(name, column)
    if words is not None:
        title = f"{phenotypes.title(name)} ({words[1]})"
        inside, outside = _share(mean), _share(rest_mean)
    else:
        unit = f" ({column.unit})" if column.unit else ""
        title = phenotypes.title(name) + unit
        inside, outside = _mean_and_sd(mean, sd), _mean_and_sd(rest_mean, rest_sd)
    text = "–" if np.isnan(effect) else f"{effect:+.2f}".replace("-", "−")
    return title, inside, outside, text


def _share(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.0%}"


def _mean_and_sd(mean: float, sd: float) -> str:
    if np.isnan(mean):
        return "–"
    text = phenotypes.number(mean)
    return text if np.isnan(sd) else f"{text} ± {phenotypes.number(sd)}"
