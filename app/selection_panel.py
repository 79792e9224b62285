"""What is selected: said in one line with its filters, its rows, and how it differs."""

from zlib import crc32

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from streamlit.elements.lib.column_types import ColumnConfig

from app import caches, frame, phenotypes, session
from app.comparison_groups import Choice
from app.distributions_panel import column_chooser, distributions_panel, shown_columns
from app.groups import Filter, Group
from cmae.latent.spread import spread_sample

MAX_TABLE_ROWS = 400
"""Rows that a browser gets at most."""

NUM_DIFFERENCES = 40
SPREAD = "a sample"
VIEWS = {
    "distributions": "Distributions",
    "rows": "Rows",
    "differences": "Selection against the rest",
}


def selection_line(group: Group | None) -> None:
    """Say how many are selected, with what made it so as chips that one can remove.

    Args:
        group: What is selected; None: everybody.
    """
    total = len(session.explorer().cohort)
    if group is None:
        frame.section(f"{total:,} participants", "draw on the map or brush a distribution")
        return
    share = len(group) / total
    frame.section(f"{len(group):,} participants selected", f"{share:.1%} of {total:,}")
    base = session.chosen()
    if base is not None:
        label = f"{origin(base)} · {len(base):,}"
        _chip(label, "chip-chosen", session.select, None)
    for each in session.filters():
        _chip(filter_words(each), f"chip-{each.column}", session.set_filter, each.column, None)
    if st.button("Compare", icon=":material/compare_arrows:", help="With everybody else"):
        session.keep_comparison((Choice("selection"), Choice("others")))
        session.go_to_comparison()
    st.button("Clear all", type="tertiary", on_click=session.clear_selection)


def _chip(label: str, key: str, remove: object, *args: object) -> None:
    """Show one reason why rows are selected; a click removes it."""
    st.button(
        label,
        key=key,
        icon=":material/close:",
        icon_position="right",
        help="Click to remove",
        on_click=remove,  # type: ignore[arg-type]
        args=args,
    )


def origin(group: Group) -> str:
    """Name in a few words where chosen rows come from.

    Args:
        group: Chosen rows.
    """
    if "shapes" in group.how or "drawn" in group.how:
        return "Drawn on the map"
    return "Listed" if "listed" in group.how else group.name


def filter_words(each: Filter) -> str:
    """Write a filter in a few words.

    Args:
        each: The filter, of a column of this cohort.

    Returns:
        For example ``"LVEF 20.0 to 45.0 %"``, ``"Sex: male"``.
    """
    name = each.column
    column = session.explorer().cohort.columns[name]
    title = phenotypes.abbreviation(name)
    if each.values is not None:
        words = [phenotypes.written(name, column, value) for value in each.values]
        more = f" and {len(words) - 3} more" if len(words) > 3 else ""
        return f"{title}: {', '.join(words[:3])}{more}"
    low, high = (None if end is None else phenotypes.number(end) for end in (each.low, each.high))
    ends = f"{low} to {high}" if low and high else f"≥ {low}" if low else f"≤ {high}"
    return f"{title} {ends} {column.unit}".strip()


def linked_panel(group: Group | None) -> None:
    """Show distributions, rows or differences of what is selected.

    Args:
        group: What is selected; None: everybody.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        view = st.segmented_control(
            "Show",
            list(VIEWS),
            default="distributions",
            format_func=VIEWS.__getitem__,
            required=True,
            key="linked_view",
            persist_state="session",
            label_visibility="collapsed",
        )
        if view == "rows":
            order, is_falling = _order()
        elif view != "differences":
            with st.popover("Columns", icon=":material/bar_chart:", width="content"):
                column_chooser()
    if view == "rows":
        _rows(group, order, is_falling=is_falling)
    elif view == "differences":
        _differences(group)
    else:
        distributions_panel(None if group is None else group.rows)


def _order() -> tuple[str, bool]:
    """Show the choice of order, and return it."""
    columns = session.explorer().cohort.columns
    order = st.selectbox(
        "Order",
        [SPREAD, *phenotypes.ordered(columns)],
        format_func=lambda name: "In order of row" if name == SPREAD else phenotypes.title(name),
        key="row_order",
        persist_state="session",
        label_visibility="collapsed",
        width=210,
    )
    is_falling = order != SPREAD and st.toggle("Highest first", key="row_order_falls")
    return order or SPREAD, is_falling


def _rows(group: Group | None, order: str, *, is_falling: bool) -> None:
    """List the selected rows; a click picks one."""
    cohort = session.explorer().cohort
    rows = np.arange(len(cohort)) if group is None else group.rows
    if not len(rows):
        frame.empty("Nobody passes all filters: remove one above, or widen a range.")
        return
    shown = _shown_rows(rows, order, is_falling=is_falling)
    first = shown_columns()
    names = first + [name for name in phenotypes.ordered(cohort.columns) if name not in first]
    if session.are_identifiers_shown():
        names = ["participant_id", "visit", *names]
    if order != SPREAD and order in names:
        names = [order, *(name for name in names if name != order)]
    key = f"rows-{crc32(shown.tobytes()):08x}"

    def pick() -> None:
        event = st.session_state.get(key)
        positions = event["selection"]["rows"] if event else []
        if positions and 0 <= positions[0] < len(shown):
            session.choose_row(int(shown[positions[0]]))

    st.dataframe(
        cohort.table.iloc[shown][names],
        height=262,
        key=key,
        on_select=pick,
        selection_mode="single-row",
        column_config={
            "_index": st.column_config.NumberColumn("Row", format="%d"),
            **{name: _column_config(name) for name in names},
        },
    )
    if len(shown) == len(rows):
        st.caption(f"All {len(rows):,} rows. A click on a row shows its heart.")
    elif order == SPREAD:
        st.caption(
            f"{len(shown):,} of {len(rows):,} rows, spread evenly over the range of "
            f"{_spread_title(rows)}. A click shows the heart; choose an order for the extremes."
        )
    else:
        end = "highest" if is_falling else "lowest"
        st.caption(f"The {len(shown):,} {end} of {len(rows):,} rows. A click shows the heart.")


def _column_config(name: str) -> ColumnConfig:
    """Write a column's title with its unit, and its description as help."""
    columns = session.explorer().cohort.columns
    if name not in columns:
        return st.column_config.TextColumn({"participant_id": "Participant"}.get(name, "Visit"))
    column = columns[name]
    title = phenotypes.abbreviation(name) + (f" ({column.unit})" if column.unit else "")
    if column.kind == "continuous":
        return st.column_config.NumberColumn(title, help=column.description, format="%.4g")
    return st.column_config.Column(title, help=column.description)


def _shown_rows(rows: NDArray[np.int64], order: str, *, is_falling: bool) -> NDArray[np.int64]:
    """Choose the rows that the browser gets, in the order in which it shows them."""
    table = session.explorer().cohort.table
    if order == SPREAD:
        if len(rows) <= MAX_TABLE_ROWS:
            return rows
        codes = _codes(_spread_column())
        return np.sort(spread_sample(rows, codes[rows], MAX_TABLE_ROWS))
    values = table[order].iloc[rows].reset_index(drop=True)
    positions = values.sort_values(ascending=not is_falling, kind="stable").index.to_numpy()
    return np.asarray(rows[positions[:MAX_TABLE_ROWS]])


def _spread_column() -> str | None:
    """Return the column along which a sample of rows is spread."""
    filtered = [each.column for each in session.filters()]
    return next(iter([*filtered, *shown_columns()]), None)


def _spread_title(rows: NDArray[np.int64]) -> str:
    name = _spread_column()
    return "the rows" if name is None else phenotypes.title(name)


def _codes(name: str | None) -> NDArray[np.float64]:
    """Return a column as numbers that have its order."""
    cohort = session.explorer().cohort
    if name is None:
        return np.arange(len(cohort), dtype=np.float64)
    if cohort.columns[name].kind == "categorical":
        return caches.categories(name)[1].astype(np.float64)
    numbers = pd.to_numeric(cohort.table[name], errors="coerce")
    return np.asarray(numbers.to_numpy(np.float64, na_value=np.nan))


def _differences(group: Group | None) -> None:
    """Compare the selected rows with all others, the largest difference first."""
    if group is None or not len(group):
        frame.empty(
            "Nothing is selected: draw a lasso on the map, brush a distribution, or find rows."
        )
        return
    compared = caches.compared_with_rest(group).head(NUM_DIFFERENCES)
    with st.container(height=290, border=False):
        frame.table(
            ("Mean ± SD", "selected", "the rest", "difference"),
            [_compared(line) for line in compared.to_dict("records")],
        )
    st.caption("Difference in pooled standard deviations (Cohen's d), the largest first.")


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
