"""Distributions of a few columns over cohort and selection: brushing one filters all."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import caches, map_data, phenotypes, session
from app.components.distributions import Brush, Distribution, distributions
from app.groups import Filter
from cmae.latent.histogram import counts_of_codes

FIRST = (
    "age_years",
    "sex",
    "lvef_percent",
    "lvedv_ml",
    "lv_mass_g",
    "qrs_ms",
    "qtc_ms",
    "disease",
)
"""Columns that are shown at first, where the cohort has them."""

MAX_SHOWN = 12


def distributions_panel(rows: NDArray[np.int64] | None) -> None:
    """Draw the distributions, and the choice of columns.

    Args:
        rows: (n,) rows that are selected; None: everybody.
    """
    distributions(
        [_distribution(name, rows) for name in shown_columns()],
        key="distributions",
        on_brush=_brush,
    )


def column_chooser() -> None:
    """Let a person choose which columns are shown."""
    names = map_data.colour_names(session.explorer().cohort)[1:]
    st.multiselect(
        "Distributions of",
        names,
        default=first_columns(),
        format_func=phenotypes.title,
        max_selections=MAX_SHOWN,
        key="distribution_columns",
        persist_state="session",
    )


def first_columns() -> list[str]:
    """Return the columns that are shown before a person chose."""
    names = map_data.colour_names(session.explorer().cohort)[1:]
    known = [name for name in FIRST if name in names]
    return (known + [name for name in names if name not in known])[: len(FIRST)]


def shown_columns() -> list[str]:
    """Return the columns that this person looks at; filtered ones are always among them."""
    names = map_data.colour_names(session.explorer().cohort)[1:]
    wanted = st.session_state.get("distribution_columns")
    chosen = [name for name in (first_columns() if wanted is None else wanted) if name in names]
    filtered = [each.column for each in session.filters() if each.column in names]
    return chosen + [name for name in filtered if name not in chosen]


def _distribution(name: str, rows: NDArray[np.int64] | None) -> Distribution:
    """Count a column's values in the cohort and among the selected rows."""
    column = session.explorer().cohort.columns[name]
    held = next((each for each in session.filters() if each.column == name), None)
    title = phenotypes.abbreviation(name)
    if column.kind == "continuous":
        bins = caches.bins(name)
        return Distribution(
            name,
            title,
            column.unit,
            all=bins.counts().tolist(),
            selected=[] if rows is None else bins.counts(rows).tolist(),
            edges=bins.edges.tolist(),
            low=None if held is None else held.low,
            high=None if held is None else held.high,
        )
    values, codes = caches.categories(name)
    words = phenotypes.categories(name, column) or tuple(map(phenotypes.category_words, values))
    chosen = None
    if held is not None and held.values is not None:
        chosen = [k for k, value in enumerate(values) if value in held.values]
    return Distribution(
        name,
        title,
        "",
        all=counts_of_codes(codes, len(values)).tolist(),
        selected=[] if rows is None else counts_of_codes(codes, len(values), rows).tolist(),
        labels=words,
        values=values,
        chosen=chosen,
    )


def _brush(brush: Brush) -> None:
    """Set or remove the filter of a column."""
    is_removed = brush.low is None and brush.high is None and brush.values is None
    wanted = None if is_removed else Filter(brush.name, brush.low, brush.high, brush.values)
    session.set_filter(brush.name, wanted)
