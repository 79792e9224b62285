"""Interactive figures of reports and associations; no Streamlit inside."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.phenotypes import number
from cmae.evaluation.report import BlandAltman
from cmae.figures.feature_sets import family, spoken
from cmae.latent.association_plots import Quantiles
from cmae.latent.association_reading import ScanPoints

LOOKS: Mapping[str, tuple[str, str]] = {
    "latent": ("#1f83c4", "circle"),
    "unimodal": ("#dd6b14", "square"),
    "supervised": ("#9a6fc4", "diamond"),
    "pca": ("#1f9e78", "triangle-up"),
    "classical": ("#c98a00", "triangle-down"),
    "covariates": ("#7d8791", "x"),
    "shuffled": ("#a9b1ba", "cross"),
}
"""Colour and mark of each kind of feature set; readable on light and on dark."""

OTHER = ("#b85c8e", "star")
NEUTRAL = "#8b939c"
GRID = "rgba(128,136,144,0.2)"
LINE = "rgba(128,136,144,0.8)"
STRIPE = "rgba(128,136,144,0.07)"
GENOME_WIDE_P = 5e-8
MEASURES = {"r2": "R²", "auroc": "AUROC", "pearson_r": "Pearson r"}
_ROW_PX = 34
_LEGEND = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "xanchor": "left"}


def forest(table: pd.DataFrame, names: Mapping[str, str], *, measure: str) -> go.Figure:
    """Draw how well each target is told by each feature set, with intervals, chance and ceiling.

    Args:
        table: Of ``Report.probes``.
        names: For people, by target.
        measure: What the values are.
    """
    best = table[table["features"] == "latent"].sort_values("value", ascending=False)
    targets = list(dict.fromkeys([*best["target"], *table["target"]]))
    places = {target: place for place, target in enumerate(targets)}
    sets = list(dict.fromkeys(table["features"]))
    figure = go.Figure()
    for place in range(1, len(targets), 2):
        figure.add_hrect(place - 0.5, place + 0.5, fillcolor=STRIPE, line_width=0, layer="below")
    for k, features in enumerate(sets):
        mine = table[table["features"] == features]
        heights = mine["target"].map(places) - 0.33 + 0.66 * (k + 0.5) / len(sets)
        color, mark = look(features)
        figure.add_trace(_estimates(mine, heights, color, mark, spoken(features), names))
    tops = table.drop_duplicates("target").dropna(subset="ceiling")
    figure.add_trace(
        go.Scatter(
            x=tops["ceiling"],
            y=tops["target"].map(places),
            mode="markers",
            name="ceiling",
            marker={"symbol": "line-ns", "size": 22, "line": {"width": 2.5, "color": LINE}},
            hovertemplate="ceiling %{x:.3f}<extra></extra>",
        )
    )
    chance = float(table["chance"].median()) if len(table) else 0.0
    figure.add_vline(x=chance, line={"color": LINE, "width": 1, "dash": "dot"})
    labels = [_short(names.get(target, target)) for target in targets]
    low = float(np.nanmin([chance, *table["low"]])) if len(table) else 0.0
    figure.update_xaxes(
        title={"text": f"{MEASURES.get(measure, measure)} on people never seen in training"},
        range=[max(low, chance - 0.25) - 0.03, 1.02],
        gridcolor=GRID,
        zeroline=False,
    )
    _rows_of(figure, labels)
    return _laid_out(figure, _ROW_PX * len(targets) + 120)


def label_curves(table: pd.DataFrame) -> go.Figure:
    """Draw a score against the number of labelled participants, a line a feature set.

    Args:
        table: Of ``Report.label_curves``, of one target.
    """
    figure = go.Figure()
    for features in dict.fromkeys(table["features"]):
        mine = table[table["features"] == features]
        color, mark = look(features)
        _line_with_band(figure, mine["labels"], mine, color, spoken(features), mark=mark)
    ceiling = float(table["ceiling"].iloc[0]) if len(table) else np.nan
    if np.isfinite(ceiling):
        figure.add_hline(y=ceiling, line={"color": LINE, "dash": "dash"}, annotation_text="ceiling")
    measure = str(table["measure"].iloc[0]) if len(table) else ""
    figure.update_xaxes(
        type="log",
        title={"text": "labelled participants"},
        tickvals=sorted(set(table["labels"])),
        gridcolor=GRID,
    )
    figure.update_yaxes(title={"text": MEASURES.get(measure, measure)}, gridcolor=GRID)
    return _laid_out(figure, 430)


def recalls(table: pd.DataFrame) -> go.Figure:
    """Draw recall@k of both directions and each gallery, with chance and ceiling.

    Args:
        table: Rows of ``retrieval`` whose measure is ``recall``, of one feature set.
    """
    figure = go.Figure()
    colors = ("#1f83c4", "#dd6b14", "#7cb9e0", "#f0aa70")
    groups = list(dict.fromkeys(zip(table["direction"], table["gallery"], strict=True)))
    labels = [f"recall@{k:.0f}" for k in sorted(set(table["k"]))]
    for place, (direction, gallery) in enumerate(groups):
        mine = table[(table["direction"] == direction) & (table["gallery"] == gallery)]
        mine = mine.sort_values("k")
        words = str(direction).replace("_to_", " → ").upper()
        group = f"{words}, {gallery:,.0f} candidates"
        x = [f"recall@{k:.0f}" for k in mine["k"]]
        figure.add_trace(
            go.Bar(
                x=x,
                y=mine["value"],
                name=group,
                offsetgroup=str(place),
                marker={"color": colors[place % len(colors)]},
                error_y=_ends(mine, color=LINE),
                text=_hovers(mine, group),
                textposition="none",
                hovertemplate="%{text}<extra></extra>",
            )
        )
        shift = -0.4 + 0.8 * (place + 0.5) / len(groups)
        for column, dash in (("chance", "dot"), ("ceiling", "solid")):
            for label, value in zip(x, mine[column], strict=True):
                if np.isfinite(value):
                    middle, half = labels.index(label) + shift, 0.38 / len(groups)
                    figure.add_shape(
                        type="line", x0=middle - half, x1=middle + half, y0=value, y1=value,
                        line={"color": LINE, "width": 2.5, "dash": dash},
                    )  # fmt: skip
    figure.update_yaxes(range=[0, 1.02], title={"text": "share of queries"}, gridcolor=GRID)
    figure.update_layout(barmode="group", bargap=0.2, bargroupgap=0.06)
    return _laid_out(figure, 430)


def paths(table: pd.DataFrame, *, title: str) -> go.Figure:
    """Draw one measure of all ways from a recording to another, against the mean recording.

    Args:
        table: Rows of ``paths`` of one measure.
        title: Of the measure.
    """
    labels = [spoken(str(path).replace("_to_", " → ")) for path in table["path"]]
    heights = pd.Series(np.arange(len(table)), index=table.index)
    figure = go.Figure(
        [
            _estimates(table.assign(target=labels), heights, "#1f83c4", "circle", "decoded", {}),
            go.Scatter(
                x=table["mean_recording"],
                y=heights,
                mode="markers",
                name="mean recording of others",
                marker={"symbol": "diamond-open", "size": 10, "color": "#dd6b14"},
                hovertemplate="mean recording %{x:.3g}<extra></extra>",
            ),
            go.Scatter(
                x=table["chance"],
                y=heights,
                mode="markers",
                name="chance",
                marker={"symbol": "line-ns", "size": 18, "line": {"width": 2.5, "color": LINE}},
                hovertemplate="chance %{x:.3g}<extra></extra>",
            ),
        ]
    )
    figure.update_xaxes(title={"text": title}, gridcolor=GRID, zeroline=False)
    _rows_of(figure, labels)
    return _laid_out(figure, 34 * len(table) + 120)


def bland_altman(found: BlandAltman, *, unit: str) -> go.Figure:
    """Draw difference against mean, with bias and limits of agreement and their intervals.

    Args:
        found: Of ``Report.bland_altman``.
        unit: Name and unit of the values.
    """
    figure = go.Figure(
        go.Scattergl(
            x=found.mean.astype(np.float32),
            y=found.difference.astype(np.float32),
            mode="markers",
            marker={"size": 5, "color": "#1f83c4", "opacity": 0.45},
            showlegend=False,
            hovertemplate="mean %{x:.3g}, difference %{y:.3g}<extra></extra>",
        )
    )
    for name, (value, low, high) in found.lines.items():
        figure.add_hrect(low, high, fillcolor="rgba(221,107,20,0.18)", line_width=0)
        figure.add_hline(
            y=value,
            line={"color": "#dd6b14", "width": 1.5, "dash": "solid" if name == "bias" else "dash"},
            annotation_text=f"{'bias' if name == 'bias' else 'limit'} {number(value)}",
            annotation_position="top right",
        )
    figure.update_xaxes(title={"text": f"mean, {unit}"}, gridcolor=GRID, zeroline=False)
    figure.update_yaxes(title={"text": f"difference, {unit}"}, gridcolor=GRID, zeroline=False)
    return _laid_out(figure, 430)


def area_curves(table: pd.DataFrame) -> go.Figure:
    """Draw the mean area of the left ventricle over the beat, with intervals.

    Args:
        table: ``function_curves`` of a report.
    """
    figure = go.Figure()
    colors = (NEUTRAL, "#dd6b14", "#1f83c4", "#9a6fc4", "#1f9e78")
    for place, name in enumerate(dict.fromkeys(table["of"])):
        mine = table[table["of"] == name].sort_values("frame")
        words = spoken(str(name).replace("_to_", " → "))
        _line_with_band(figure, mine["frame"], mine, colors[place % len(colors)], words)
    figure.update_xaxes(title={"text": "frame of 50"}, gridcolor=GRID)
    figure.update_yaxes(title={"text": "LV area, cm²"}, gridcolor=GRID)
    return _laid_out(figure, 430)


def manhattan(points: ScanPoints, hits: pd.DataFrame) -> go.Figure:
    """Draw −log10 p along the genome; hits that have a direction carry their index.

    Args:
        points: Of the test.
        hits: Lead variants of the test; a row's index is the ``customdata`` of its mark.
    """
    figure = go.Figure()
    for place, name in enumerate(points.genome.order):
        mine = points.chromosomes == name
        labels = [
            f"{escape(str(variant)) or 'variant'} · {escape(name)}:{position:,}"
            for variant, position in zip(points.variants[mine], points.positions[mine], strict=True)
        ]
        figure.add_trace(
            go.Scattergl(
                x=points.places[mine],
                y=points.neg_log10_p[mine].astype(np.float32),
                text=labels,
                mode="markers",
                marker={"size": 4, "color": ("#1f83c4", "#7fb2d8")[place % 2]},
                showlegend=False,
                hovertemplate="%{text}<br>−log10 p %{y:.2f}<extra></extra>",
            )
        )
    known = hits[hits["chromosome"].isin(points.genome.order)]
    places = points.genome.places(
        known["chromosome"].to_numpy(object), known["position"].to_numpy()
    )
    figure.add_trace(
        go.Scatter(
            x=places,
            y=np.minimum(known["neg_log10_p"], 1e4),
            customdata=known.index.to_numpy(),
            text=[escape(str(name)) for name in known["variant"]],
            mode="markers+text",
            textposition="top center",
            name="lead variants: click to walk",
            marker={"size": 11, "symbol": "diamond", "color": "#dd6b14"},
            hovertemplate="<b>%{text}</b><br>−log10 p %{y:.2f}<br>click to walk<extra></extra>",
        )
    )
    level = -float(np.log10(GENOME_WIDE_P))
    figure.add_hline(
        y=level, line={"color": "#dd6b14", "dash": "dash", "width": 1}, annotation_text="5 × 10⁻⁸"
    )
    tops = [level, *points.neg_log10_p, *known["neg_log10_p"]]
    figure.update_yaxes(
        title={"text": "−log10 p"}, range=[0, 1.15 * max(tops)], gridcolor=GRID, zeroline=False
    )
    figure.update_xaxes(
        title={"text": "chromosome"},
        tickvals=points.genome.middles,
        ticktext=points.genome.order,
        showgrid=False,
        zeroline=False,
        range=[-2 * points.genome.gap, points.genome.end + points.genome.gap],
    )
    figure.update_layout(clickmode="event+select")
    return _laid_out(figure, 400)


def qq(quantiles: Quantiles, *, title: str) -> go.Figure:
    """Draw observed against expected −log10 p, with the 95 % band of no effect.

    Args:
        quantiles: Of the test.
        title: Name of the test with its inflation.
    """
    x = quantiles.expected
    figure = go.Figure(
        [
            go.Scatter(x=x, y=quantiles.high, mode="lines", line={"width": 0}, hoverinfo="skip",
                       showlegend=False),
            go.Scatter(x=x, y=quantiles.low, mode="lines", line={"width": 0}, fill="tonexty",
                       fillcolor="rgba(128,136,144,0.25)", name="no effect, 95 %",
                       hoverinfo="skip"),
            go.Scatter(x=[0, float(x.max())], y=[0, float(x.max())], mode="lines",
                       line={"color": LINE, "width": 1}, showlegend=False, hoverinfo="skip"),
            go.Scatter(x=x, y=quantiles.observed, mode="markers", name=title,
                       marker={"size": 5, "color": "#1f83c4"},
                       hovertemplate="expected %{x:.2f}, observed %{y:.2f}<extra></extra>"),
        ]
    )  # fmt: skip
    figure.update_xaxes(title={"text": "expected −log10 p"}, gridcolor=GRID, zeroline=False)
    figure.update_yaxes(title={"text": "observed −log10 p"}, gridcolor=GRID, zeroline=False)
    return _laid_out(figure, 400)


def phenome(table: pd.DataFrame, titles: Sequence[str]) -> go.Figure:
    """Draw r of each phenotype's score in the half that tests, with intervals.

    Args:
        table: Of ``PhenotypeResults``, in the order that is drawn; its index is the ``customdata``.
        titles: Of its phenotypes.
    """
    heights = pd.Series(np.arange(len(table)), index=table.index)
    figure = go.Figure()
    shown = table.assign(
        value=table["r"], low=table["r_low"], high=table["r_high"], n=table["n_test"], target=titles
    )
    for is_found, color, name in ((True, "#1f83c4", "q < 0.05"), (False, NEUTRAL, "q ≥ 0.05")):
        mine = shown[(shown["q"] < 0.05) == is_found]
        mark = "circle" if is_found else "circle-open"
        trace = _estimates(mine, heights[mine.index], color, mark, name, {})
        trace.customdata = mine.index.to_numpy()
        figure.add_trace(trace)
    figure.add_vline(x=0, line={"color": LINE, "width": 1, "dash": "dot"})
    figure.update_xaxes(
        title={"text": "r of score and phenotype, half that tests"}, gridcolor=GRID, zeroline=False
    )
    _rows_of(figure, list(titles))
    figure.update_layout(clickmode="event+select")
    return _laid_out(figure, 22 * len(table) + 110)


def look(features: str) -> tuple[str, str]:
    """Return colour and mark of a feature set.

    Args:
        features: Its name in a report.
    """
    return LOOKS.get(family(features), OTHER)


def _estimates(
    table: pd.DataFrame,
    heights: "pd.Series[float]",
    color: str,
    mark: str,
    name: str,
    names: Mapping[str, str],
) -> go.Scatter:
    """Return values with their intervals, one a row."""
    titles = [names.get(str(target), str(target)) for target in table["target"]]
    return go.Scatter(
        x=table["value"],
        y=heights,
        error_x={**_ends(table, color=color), "width": 0},
        mode="markers",
        name=name,
        marker={"color": color, "symbol": mark, "size": 8},
        text=[
            f"<b>{escape(title)}</b><br>{text}"
            for title, text in zip(titles, _hovers(table, name), strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
    )


def _hovers(table: pd.DataFrame, name: str) -> list[str]:
    return [
        f"{escape(name)}: {row.value:.3f} ({row.low:.3f} to {row.high:.3f}), N {row.n:,.0f}"
        for row in table.itertuples()
    ]


def _ends(table: pd.DataFrame, *, color: str) -> dict[str, object]:
    return {
        "type": "data",
        "array": table["high"] - table["value"],
        "arrayminus": table["value"] - table["low"],
        "color": color,
        "thickness": 1.5,
    }


def _line_with_band(
    figure: go.Figure,
    x: "pd.Series[float]",
    table: pd.DataFrame,
    color: str,
    name: str,
    *,
    mark: str = "",
) -> None:
    """Add a line and the band of its interval."""
    red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
    figure.add_trace(
        go.Scatter(
            x=[*x, *x[::-1]],
            y=[*table["high"], *table["low"][::-1]],
            fill="toself",
            fillcolor=f"rgba({red},{green},{blue},0.18)",
            line={"width": 0},
            hoverinfo="skip",
            legendgroup=name,
            showlegend=False,
        )
    )
    figure.add_trace(
        go.Scatter(
            x=x,
            y=table["value"],
            name=name,
            legendgroup=name,
            mode="lines+markers" if mark else "lines",
            line={"color": color, "width": 2},
            marker={"symbol": mark or "circle", "size": 7},
            text=_hovers(table, name),
            hovertemplate="%{text}<extra></extra>",
        )
    )


def _rows_of(figure: go.Figure, labels: Sequence[str]) -> None:
    """Name the rows of a forest, the first at the top."""
    figure.update_yaxes(
        tickvals=list(range(len(labels))),
        ticktext=[escape(label) for label in labels],
        range=[len(labels) - 0.4, -0.6],
        showgrid=False,
        zeroline=False,
        automargin=True,
    )


def _laid_out(figure: go.Figure, height: int) -> go.Figure:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 12, "t": 36, "b": 44},
        legend=_LEGEND,
        hoverlabel={"align": "left"},
    )
    return figure


def _short(name: str) -> str:
    return name if len(name) <= 54 else f"{name[:53].rstrip()}…"
