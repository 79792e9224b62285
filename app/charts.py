"""Interactive plotly figures from arrays: small charts, and the map where WebGL is missing."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.components.colors import CATEGORICAL, MISSING, SEQUENTIAL
from app.components.map_colors import Categories, Numbers
from app.components.map_points import MapPoints

MAX_FALLBACK_POINTS = 20_000
"""Beyond this a plotly map draws an even sample: every point would take the browser seconds."""

_SYMBOLS = ("circle", "diamond")
_MARGINS = {"l": 8, "r": 8, "t": 8, "b": 8}


def latent_map_plotly(
    points: MapPoints,
    color: Categories | Numbers,
    *,
    selected: NDArray[np.bool_] | None = None,
    height: int | None = None,
) -> go.Figure:
    """Return the latent map as a plotly scatter in SVG, for browsers without WebGL.

    ``customdata`` of each marker is its point index, so that
    ``st.plotly_chart(figure, on_select="rerun")`` gives the same indices as ``latent_map``.
    Above ``MAX_FALLBACK_POINTS`` points every n-th is drawn.

    Args:
        points: The geometry.
        color: The column of color, ``(points,)``.
        selected: ``(points,)`` what is highlighted, the rest is drawn faint; None: all alike.
        height: In CSS pixels; None: Plotly's own.
    """
    drawn = np.flatnonzero(np.isfinite(points.positions).all(axis=1))
    drawn = drawn[:: -(-len(drawn) // MAX_FALLBACK_POINTS)]
    groups = _by_number(drawn, color) if isinstance(color, Numbers) else _by_category(drawn, color)
    figure = go.Figure([_markers(points, index, name, marker) for index, name, marker in groups])
    if selected is not None:
        for trace in figure.data:
            trace.selectedpoints = np.flatnonzero(selected[trace.customdata])
            trace.unselected = {"marker": {"opacity": 0.12}}
    axis = {"visible": False, "showgrid": False, "zeroline": False}
    titles = points.axis_titles
    across, up = (
        [{"title": {"text": text}, "zeroline": True} for text in titles] if titles else [axis] * 2
    )
    figure.update_layout(
        margin=_MARGINS,
        height=height,
        xaxis=across,
        yaxis={**up, "scaleanchor": "x"},
        dragmode="lasso",
        legend={"title": {"text": color.title}, "itemsizing": "constant"},
    )
    return figure


def learning_curves(
    epochs: NDArray[np.integer], curves: Sequence[tuple[str, NDArray[np.floating]]]
) -> go.Figure:
    """Return loss against epoch on a logarithmic scale, one line a curve.

    Args:
        epochs: ``(epochs,)``; where they start anew (several stages), the next stage follows on.
        curves: Name and ``(epochs,)`` values of each curve; NaN leaves a gap.
    """
    is_one_stage = bool((np.diff(epochs) > 0).all())
    along = epochs if is_one_stage else np.arange(1, len(epochs) + 1)
    figure = go.Figure(
        [
            go.Scatter(
                x=along,
                y=values,
                name=name,
                mode="lines" if len(epochs) > 1 else "markers",
                line={"color": CATEGORICAL[k % len(CATEGORICAL)], "width": 2},
            )
            for k, (name, values) in enumerate(curves)
        ]
    )
    known = [values[np.isfinite(values)] for _, values in curves]
    is_positive = all((values > 0).all() for values in known)
    figure.update_layout(
        margin=_MARGINS,
        height=320,
        xaxis={"title": {"text": "epoch" if is_one_stage else "epoch, all stages"}},
        yaxis={"title": {"text": "loss"}, "type": "log" if is_positive else "linear"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        hovermode="x unified",
    )
    return figure


_Group = tuple[NDArray[np.intp], str, dict[str, object]]
"""Indices of points, a name for the legend, and the color settings of their markers."""


def _by_category(drawn: NDArray[np.intp], color: Categories) -> list[_Group]:
    """Return one group a category that occurs, the missing ones first: they lie at the bottom."""
    codes = color.codes[drawn]
    names = [(-1, "not measured", MISSING)]
    names += [(k, name, CATEGORICAL[k]) for k, name in enumerate(color.names)]
    return [
        (drawn[codes == code], name, {"color": hue}) for code, name, hue in names if code in codes
    ]


def _by_number(drawn: NDArray[np.intp], color: Numbers) -> list[_Group]:
    """Return the missing ones in grey, then the rest with a color bar."""
    facts, _ = color.column()
    is_known = np.isfinite(color.values[drawn])
    bar = {"title": {"text": f"{color.title} {color.unit}".strip()}, "thickness": 12}
    scale = [[k / (len(SEQUENTIAL) - 1), hue] for k, hue in enumerate(SEQUENTIAL)]
    known = drawn[is_known]
    groups: list[_Group] = [(drawn[~is_known], "not measured", {"color": MISSING})]
    groups.append(
        (
            known,
            color.title,
            {
                "color": color.values[known],
                "colorscale": scale,
                "cmin": facts["low"],
                "cmax": facts["high"],
                "colorbar": bar,
            },
        )
    )
    return [group for group in groups if len(group[0])]


def _markers(
    points: MapPoints, index: NDArray[np.intp], name: str, marker: dict[str, object]
) -> go.Scatter:
    """Return the markers of some points; the row is all that the hover says."""
    rows = index if points.rows is None else points.rows[index]
    classes = np.zeros(len(index), int) if points.classes is None else points.classes[index]
    return go.Scatter(
        x=points.positions[index, 0].astype(np.float32),
        y=points.positions[index, 1].astype(np.float32),
        customdata=index,
        text=rows,
        hovertemplate="Row %{text}<extra></extra>",
        name=name,
        mode="markers",
        showlegend="colorbar" not in marker,
        marker={"size": 6, "opacity": 0.8, "symbol": [_SYMBOLS[k] for k in classes], **marker},
    )
