"""Interactive figures of a comparison; no Streamlit inside."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.phenotypes import number

FIRST, SECOND, NEITHER = "#1f83c4", "#dd6b14", "#8b939c"
"""The first group is higher, the second is higher, or neither is."""

ZERO = "rgba(128,136,144,0.75)"
GRID = "rgba(128,136,144,0.2)"
ROW_PX, HEAD_PX = 22, 64

_PARTS = (
    (False, "Measurements: difference in SD (d)"),
    (True, "Conditions: difference of shares, %"),
)


def effects(table: pd.DataFrame) -> go.Figure:
    """Draw effect sizes with their intervals, a row a phenotype, the first row at the top.

    Args:
        table: Of ``comparison_table.shown``; rows without an effect are left out.
    """
    known = table[table["effect"].notna()]
    parts = [(known[known["is_share"] == is_share], title) for is_share, title in _PARTS]
    parts = [(part, title) for part, title in parts if len(part)]
    heights = [ROW_PX * len(part) + HEAD_PX for part, _ in parts]
    figure = make_subplots(
        rows=max(len(parts), 1),
        cols=1,
        row_heights=heights or [1],
        vertical_spacing=min(0.9, HEAD_PX / max(sum(heights), 1)),
    )
    for place, (part, title) in enumerate(parts, start=1):
        scale = 100.0 if part["is_share"].any() else 1.0
        for color, label, mask in _looks(part):
            if mask.any():
                figure.add_trace(_points(part[mask], scale, color, label), row=place, col=1)
        figure.add_vline(x=0, line={"color": ZERO, "width": 1}, row=place, col=1)
        figure.update_xaxes(
            title={"text": title, "font": {"size": 12}, "standoff": 6},
            gridcolor=GRID,
            zeroline=False,
            row=place,
            col=1,
        )
        figure.update_yaxes(
            categoryorder="array",
            categoryarray=part["title"][::-1].tolist(),
            range=[-0.7, len(part) - 0.3],
            showgrid=False,
            automargin=True,
            tickfont={"size": 12},
            row=place,
            col=1,
        )
    seen: set[str] = set()
    for trace in figure.data:
        trace.showlegend = trace.name not in seen
        seen.add(trace.name)
    figure.update_layout(
        height=sum(heights) + 34,
        margin={"l": 8, "r": 12, "t": 34, "b": 40},
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "itemwidth": 30},
        hoverlabel={"align": "left"},
    )
    return figure


def _looks(part: pd.DataFrame) -> Sequence[tuple[str, str, "pd.Series[bool]"]]:
    """Return color, name and rows of what is drawn alike."""
    is_found = part["is_found"]
    return (
        (FIRST, "higher in A", is_found & (part["effect"] > 0)),
        (SECOND, "higher in B", is_found & (part["effect"] < 0)),
        (NEITHER, "not clear (q ≥ 0.05)", ~is_found | (part["effect"] == 0)),
    )


def _points(part: pd.DataFrame, scale: float, color: str, name: str) -> go.Scatter:
    value, low, high = (scale * part[key].to_numpy(np.float64) for key in ("effect", "low", "high"))
    hovers = [
        f"<b>{row.title}</b><br>A {row.first}, B {row.second}<br>"
        f"{number(scale * row.effect)} ({number(scale * row.low)} to {number(scale * row.high)})"
        f"<br>p {row.p:.2g}, q {row.q:.2g}, N {row.n:,.0f}"
        for row in part.itertuples()
    ]
    return go.Scatter(
        x=value,
        y=part["title"],
        error_x={
            "array": high - value,
            "arrayminus": value - low,
            "color": color,
            "thickness": 1.6,
            "width": 0,
        },
        mode="markers",
        marker={
            "color": color,
            "size": 8,
            "symbol": "circle" if color != NEITHER else "circle-open",
        },
        name=name,
        text=hovers,
        hovertemplate="%{text}<extra></extra>",
    )
