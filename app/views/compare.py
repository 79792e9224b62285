"""Two groups compared: what differs, their mean ECGs and hearts, and how sure that is."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app import comparison_caches as caches
from app import comparison_charts, comparison_table, frame, phenotypes, session
from app.comparison_commands import command
from app.comparison_groups import Chosen, Here
from app.comparison_means import means_panel
from app.comparison_panel import choose_groups
from cmae.errors import InputError
from cmae.latent.group_comparison import Comparison

LINE = (
    "Choose two groups: what differs between them and how much, and their mean ECG and heart. "
    "Everybody counts once; intervals are 95 %."
)
CONFOUNDERS = ("age_years", "sex", "bsa_m2", "height_cm", "weight_kg", "heart_rate_bpm")
"""What can be held constant."""


def show() -> None:
    """Draw the page."""
    frame.header("Compare two groups", LINE)
    cohort = session.explorer().cohort
    here = Here(
        table=cohort.table,
        columns=cohort.columns,
        selection=session.selection(),
        filters=session.filters(),
        groups=session.groups(),
    )
    groups = choose_groups(here)
    if groups is not None:
        _compare(here, *groups)
    frame.stamp(*(f"{x}: {one.title}" for x, one in zip("AB", groups or (), strict=False)))


def _compare(here: Here, first: Chosen, second: Chosen) -> None:
    """Effects on the left, mean recordings on the right, the table below."""
    left, right = st.columns([1, 1.15], gap="medium")
    names = here.compared(first.choice, second.choice)
    with left:
        frame.section("What differs", "A less B; d is in SDs of the phenotype")
        covariates, order = _settings(here, first, second)
        try:
            with st.spinner("Comparing …", show_time=False):
                compared = caches.comparison(first.rows, second.rows, names, covariates)
        except InputError as error:
            st.error(str(error))
            return
        table = comparison_table.shown(
            compared, here.columns, is_adjusted=bool(compared.covariates), order=order
        )
        st.plotly_chart(
            comparison_charts.effects(table),
            key="compare-effects",
            config={"toImageButtonOptions": {"format": "svg", "filename": "effects"}},
        )
        st.caption(_found(table, compared))
    with right:
        means_panel(first, second)
    _numbers(table, compared)
    _left_out(compared, first, second)
    _exports(compared, first, second, covariates)


def _settings(
    here: Here, first: Chosen, second: Chosen
) -> tuple[list[str], comparison_table.Order]:
    """Show what is held constant and the order of the rows."""
    used = {first.choice.name, second.choice.name}
    offered = [name for name in CONFOUNDERS if name in here.columns and name not in used]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        order: comparison_table.Order | None = st.segmented_control(
            "Order by",
            list(comparison_table.ORDER_TITLES),
            default="effect",
            format_func=comparison_table.ORDER_TITLES.__getitem__,
            required=True,
            key="compare-order",
            persist_state="session",
        )
        covariates: Sequence[str] = st.pills(
            "Adjust for",
            offered,
            selection_mode="multi",
            format_func=phenotypes.abbreviation,
            key=f"compare-adjust-{','.join(offered)}",
        )
    return list(covariates), order or "effect"


def _found(table: pd.DataFrame, compared: Comparison) -> str:
    """Say in one line how much was found, and what was held constant."""
    constant = comparison_table.held_constant(compared)
    return (
        f"{int(table['is_found'].sum())} of {len(table)} phenotypes differ at a false-discovery "
        f"rate of 5 %, {f'with {constant} held constant' if constant else 'nothing held constant'}."
    )


def _numbers(table: pd.DataFrame, compared: Comparison) -> None:
    """Show the table; a click on a head sorts it."""
    frame.section("All numbers", "click a head to sort; p of Welch's t or Fisher's exact test")
    shown = table[["title", "first", "second", "effect", "low", "high", "p", "q", "n", "note"]]
    number = st.column_config.NumberColumn
    st.dataframe(
        shown,
        hide_index=True,
        height=min(36 * (len(shown) + 1), 470),
        key="compare-table",
        column_config={
            "title": "Phenotype",
            "first": f"A (N {compared.first:,})",
            "second": f"B (N {compared.second:,})",
            "effect": number(
                "Effect", format="%.2f", help="d, or of conditions the difference of shares"
            ),
            "low": number("95 % from", format="%.2f"),
            "high": number("to", format="%.2f"),
            "p": number("p", format="%.2g"),
            "q": number("q", format="%.2g", help="false-discovery rate, Benjamini and Hochberg"),
            "n": number("N", format="%d"),
            "note": "Note",
        },
    )


def _left_out(compared: Comparison, first: Chosen, second: Chosen) -> None:
    """Say who does not count, and why."""
    lines = [("Rows of A and B", f"{len(first.rows) + len(second.rows):,}")]
    lines += [("Further visits of the same person", f"{compared.repeated:,}")]
    for group in (first, second):
        lines += [(f"{group.title}: {reason}", f"{n:,}") for reason, n in group.left_out.items()]
    lacking = comparison_table.without_covariates(compared)
    if lacking is not None:
        lines.append(("Without all of what is held constant", f"{lacking:,}"))
    lines += [
        (f"Held constant, but adds nothing: {phenotypes.title(name)} ({reason})", "–")
        for name, reason in compared.left_out.items()
    ]
    with st.expander("Who is left out, and why"):
        frame.table(("", "rows"), lines)
        st.caption(
            "Columns by which a group was chosen are not compared: they differ by choice. "
            "Everybody else, of a threshold or condition, are those in whom it is known."
        )


def _exports(
    compared: Comparison, first: Chosen, second: Chosen, covariates: Sequence[str]
) -> None:
    """Offer the table as a file, and the same as commands."""
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Table (CSV)",
            lambda: compared.table.to_csv(index=False).encode(),
            "comparison.csv",
            on_click="ignore",
            icon=":material/download:",
        )
        frame.commands(command(session.explorer().cohort.path.name, first, second, covariates))
