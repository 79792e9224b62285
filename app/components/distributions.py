"""Distributions: a small histogram a column, of the cohort and of a selection, that one brushes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from app.components.wire import read_assets

_component = st.components.v2.component(
    "cmae_distributions",
    html='<div class="cmae distributions"></div>',
    css=read_assets("base.css", "distributions.css"),
    js=read_assets("wire.js", "distributions.js"),
)


@dataclass(frozen=True)
class Distribution:
    """How one column is spread over the cohort and over the selection.

    Attributes:
        name: Name in the table, which comes back with a brush.
        title: For people.
        unit: Of the values; may be empty.
        all: (bins,) rows of the cohort in each bin, or in each category.
        selected: (bins,) rows of the selection; empty where nothing is selected.
        edges: (bins + 1,) edges of equal bins; empty for categories.
        labels: (bins,) names of the categories; empty for numbers.
        values: (bins,) what each category is in the table.
        low: Lower end of the brush, or None.
        high: Upper end of the brush, or None.
        chosen: Positions of the categories that are chosen; None: all.
    """

    name: str
    title: str
    unit: str
    all: Sequence[int]
    selected: Sequence[int] = ()
    edges: Sequence[float] = ()
    labels: Sequence[str] = ()
    values: Sequence[str | int] = ()
    low: float | None = None
    high: float | None = None
    chosen: Sequence[int] | None = None

    def to_json(self) -> dict[str, object]:
        """Return what the browser draws."""
        return {
            "name": self.name,
            "title": self.title,
            "unit": self.unit,
            "all": [int(count) for count in self.all],
            "selected": [int(count) for count in self.selected],
            "edges": [float(edge) for edge in self.edges],
            "labels": list(self.labels),
            "low": self.low,
            "high": self.high,
            "chosen": None if self.chosen is None else list(self.chosen),
        }


@dataclass(frozen=True)
class Brush:
    """What a person did on one distribution.

    Attributes:
        name: Name of the column.
        low: Least number, or None: down to the lowest.
        high: Greatest number, or None: up to the highest.
        values: Categories that are chosen, as in the table; None: not a column of categories.
            All three None: the brush was removed.
    """

    name: str
    low: float | None = None
    high: float | None = None
    values: tuple[str | int, ...] | None = None


def distributions(
    shown: Sequence[Distribution], *, key: str, on_brush: Callable[[Brush], None]
) -> None:
    """Draw distributions side by side: shares of the cohort in grey, of the selection in colour.

    Drag over the bars for a range, drag an end to move it, double click to remove it; the ends
    are sliders for the keyboard. A click on a category chooses it, more clicks choose more.

    Args:
        shown: What is drawn; the browser gets bins only.
        key: Streamlit key, unique on the page.
        on_brush: Called with each change, before the page is drawn again.
    """

    def take() -> None:
        sent = st.session_state.get(key)
        brush = brush_of(sent.get("brush") if isinstance(sent, Mapping) else None, shown)
        if brush is not None:
            on_brush(brush)

    _component(key=key, data={"columns": [each.to_json() for each in shown]}, on_brush_change=take)


def brush_of(sent: object, shown: Sequence[Distribution]) -> Brush | None:
    """Return what the browser sent as a brush, or None where it is none of what is shown.

    Args:
        sent: Anything.
        shown: The distributions on the page.
    """
    if not isinstance(sent, Mapping):
        return None
    mine = next((each for each in shown if each.name == sent.get("name")), None)
    if mine is None:
        return None
    return _chosen(sent, mine) if mine.labels else _range(sent, mine)


def _chosen(sent: Mapping[object, object], mine: Distribution) -> Brush | None:
    """Return the categories that were chosen."""
    chosen = sent.get("chosen")
    if chosen is None:
        return Brush(mine.name)
    if not isinstance(chosen, list) or not all(type(code) is int for code in chosen):
        return None
    wanted = sorted({code for code in chosen if 0 <= code < len(mine.values)})
    return Brush(mine.name, values=tuple(mine.values[code] for code in wanted) or None)


def _range(sent: Mapping[object, object], mine: Distribution) -> Brush | None:
    """Return the range that was brushed."""
    low, high = sent.get("low"), sent.get("high")
    if not all(end is None or _is_edge(end, mine.edges) for end in (low, high)):
        return None
    ends = [None if end is None else float(str(end)) for end in (low, high)]
    if ends[0] is not None and ends[1] is not None and ends[0] >= ends[1]:
        return None
    return Brush(mine.name, ends[0], ends[1])


def _is_edge(value: object, edges: Sequence[float]) -> bool:
    """Tell whether a value from the browser is a number on the axis of a distribution."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and edges[0] <= float(str(value)) <= edges[-1]
