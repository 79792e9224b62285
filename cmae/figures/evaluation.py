"""Figures of an evaluation: probes against their ceilings, label curves, retrieval, function."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.figures.feature_sets import family, spoken
from cmae.figures.style import (
    BLACK,
    BLUE,
    GRAY,
    GREEN,
    MM,
    ORANGE,
    PURPLE,
    SKY,
    add_heading,
    figure_file,
    legend_columns,
)

_LOOKS = {
    "latent": (BLUE, "o"),
    "unimodal": (ORANGE, "s"),
    "supervised": (PURPLE, "D"),
    "pca": (GREEN, "^"),
    "classical": (SKY, "v"),
    "covariates": (BLACK, "x"),
    "shuffled": ("#9ca3af", "+"),
    "joint": ("#7f4f24", "P"),
    "5": (SKY, "v"),
    "20": (GREEN, "^"),
    "50": (ORANGE, "s"),
    "best": (PURPLE, "D"),
}
"""Color and mark of each kind of feature set, and of each test of an association."""

_WIDTH_MM, _ROW_MM, _LABEL_MM = 180.0, 6.2, 58.0

_LETTERS, _PANEL_LETTERS = 44, 36
"""Letters of a name that fit beside a row, and above a panel."""


def look(features: str) -> tuple[str, str]:
    """Return the color and the mark of a feature set by the first of its words that is known."""
    return _LOOKS.get(family(features), (GRAY, "."))


def forest(
    table: pd.DataFrame,
    path: Path,
    *,
    title: str,
    names: Mapping[str, str],
    ceilings: Mapping[str, float] | None = None,
    is_simulated: bool = False,
) -> None:
    """Draw how well each target is told by each feature set, with 95 % intervals.

    Args:
        table: ``target``, ``features``, ``value``, ``low``, ``high``, ``chance``, all of one
            ``measure`` (``r2`` or ``auroc``).
        path: File to write: svg, png or pdf.
        title: Heading.
        names: For people, by target.
        ceilings: By target, the most that anything could reach.
        is_simulated: Whether to mark the figure as made from simulated recordings.

    Raises:
        InputError: The table is empty.
    """
    if table.empty:
        raise InputError("There is no probe to draw: see what was left out, and why.")
    targets, sets = list(dict.fromkeys(table["target"])), list(dict.fromkeys(table["features"]))
    measure, chance = str(table["measure"].iloc[0]), float(table["chance"].iloc[0])
    columns = legend_columns([*sets, "ceiling"], _WIDTH_MM)
    head_mm = 12 + 4 * -(-(len(sets) + 1) // columns)
    height_mm = head_mm + 11 + _ROW_MM * len(targets)
    with figure_file(path, width_mm=_WIDTH_MM, height_mm=height_mm) as figure:
        add_heading(figure, title, is_simulated=is_simulated)
        left = _LABEL_MM / _WIDTH_MM
        axes = figure.add_axes(
            (left, 10 / height_mm, 0.975 - left, _ROW_MM * len(targets) / height_mm)
        )
        axes.axvline(chance, color=GRAY, lw=0.6, ls=":")
        for place, target in enumerate(targets):
            if place % 2:
                axes.axhspan(place - 0.5, place + 0.5, color="#f3f4f6", lw=0, zorder=0)
            mine = table[table["target"] == target].set_index("features")
            _draw_row(axes, mine, sets, place)
            top = None if ceilings is None else ceilings.get(target)
            if top is not None:
                axes.plot([top, top], [place - 0.42, place + 0.42], color=BLACK, lw=1.6)
        low = min(-0.05 if measure == "r2" else 0.45, max(float(table["low"].min()), chance - 0.2))
        axes.set(xlim=(low, 1.0), ylim=(len(targets) - 0.5, -0.5))
        axes.set_yticks(
            range(len(targets)), [_fitted(names.get(name, name), _LETTERS) for name in targets]
        )
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel({"r2": "R² on held-out participants", "auroc": "AUROC"}.get(measure, ""))
        _legend(axes, sets, columns, has_ceiling=bool(ceilings))


def _draw_row(axes: Axes, mine: pd.DataFrame, sets: Sequence[str], place: int) -> None:
    step = 0.72 / max(len(sets), 2)
    for number, features in enumerate(sets):
        if features not in mine.index:
            continue
        row, (color, mark) = mine.loc[features], look(features)
        height = place - 0.36 + step * (number + 0.5)
        axes.plot([row["low"], row["high"]], [height, height], color=color, lw=0.8)
        axes.plot(row["value"], height, marker=mark, ms=2.6, mew=0.8, color=color, ls="none")


def _legend(axes: Axes, sets: Sequence[str], columns: int, *, has_ceiling: bool) -> None:
    handles = [
        Line2D([], [], color=look(name)[0], marker=look(name)[1], ms=3, lw=0.8, label=spoken(name))
        for name in sets
    ]
    if has_ceiling:
        handles.append(
            Line2D([], [], color=BLACK, marker="|", ms=7, mew=1.6, ls="none", label="ceiling")
        )
    axes.legend(
        handles=handles,
        ncols=columns,
        loc="lower left",
        bbox_to_anchor=(-_LABEL_MM / (_WIDTH_MM * 0.975 - _LABEL_MM), 1.0),
        borderaxespad=0.4,
    )


def label_curves(
    table: pd.DataFrame,
    path: Path,
    *,
    title: str,
    names: Mapping[str, str],
    ceilings: Mapping[str, float] | None = None,
    is_simulated: bool = False,
) -> None:
    """Draw a score against the number of labelled participants, a panel a target.

    Args:
        table: ``target``, ``features``, ``measure``, ``labels``, ``value``, ``low``, ``high``.
        path: File to write: svg, png or pdf.
        title: Heading.
        names: For people, by target.
        ceilings: By target, the most that anything could reach.
        is_simulated: Whether to mark the figure as made from simulated recordings.

    Raises:
        InputError: The table is empty.
    """
    if table.empty:
        raise InputError("There is no label curve to draw: see what was left out, and why.")
    targets, sets = list(dict.fromkeys(table["target"])), list(dict.fromkeys(table["features"]))
    across = min(3, len(targets))
    down = -(-len(targets) // across)
    height_mm = 20 + 48 * down
    labels = _apart(np.unique(table["labels"].to_numpy()))
    with figure_file(path, width_mm=_WIDTH_MM, height_mm=height_mm) as figure:
        add_heading(figure, title, is_simulated=is_simulated)
        grid = figure.add_gridspec(
            down, across, left=0.06, right=0.985, bottom=9 / height_mm, top=1 - 18 / height_mm,
            wspace=0.22, hspace=0.5,
        )  # fmt: skip
        for place, target in enumerate(targets):
            axes = figure.add_subplot(grid[divmod(place, across)])
            mine = table[table["target"] == target]
            for features in sets:
                curve = mine[mine["features"] == features].sort_values("labels")
                color, mark = look(features)
                axes.plot(curve["labels"], curve["value"], color=color, marker=mark, ms=2.6)
                axes.fill_between(
                    curve["labels"], curve["low"], curve["high"], color=color, alpha=0.15, lw=0
                )
            if ceilings is not None and target in ceilings:
                axes.axhline(ceilings[target], color=BLACK, lw=0.8, ls="--")
            measure = str(mine["measure"].iloc[0])
            floor = {"r2": -0.1, "auroc": 0.45}.get(measure, 0.0)
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(FixedLocator(labels))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xticklabels([f"{count:,.0f}" for count in labels], rotation=30, ha="right")
            axes.set_ylim(floor, 1.0)
            axes.set_title(_fitted(names.get(target, target), _PANEL_LETTERS), loc="left")
            axes.set_ylabel({"r2": "R²", "auroc": "AUROC"}.get(measure, measure))
        handles = [
            Line2D([], [], color=look(name)[0], marker=look(name)[1], ms=3, label=spoken(name))
            for name in sets
        ]
        figure.legend(
            handles=handles,
            ncols=legend_columns(sets, _WIDTH_MM),
            loc="upper left",
            bbox_to_anchor=(5 / _WIDTH_MM, 1 - 8 / height_mm),
            borderaxespad=0,
        )


def _fitted(name: str, letters: int) -> str:
    return name if len(name) <= letters else f"{name[: letters - 1].rstrip()}…"


def _apart(counts: NDArray[np.integer]) -> list[float]:
    """Keep numbers that have room beside each other on a logarithmic axis, the largest first."""
    kept: list[float] = []
    for count in counts[::-1]:
        if not kept or kept[-1] >= 1.5 * count:
            kept.append(float(count))
    return kept[::-1]


def recalls(table: pd.DataFrame, path: Path, *, title: str, is_simulated: bool = False) -> None:
    """Draw recall@k both ways against chance and ceiling.

    Args:
        table: ``direction``, ``gallery``, ``k``, ``value``, ``low``, ``high``, ``chance``,
            ``ceiling`` (empty where there is none).
        path: File to write: svg, png or pdf.
        title: Heading.
        is_simulated: Whether to mark the figure as made from simulated recordings.

    Raises:
        InputError: The table is empty.
    """
    if table.empty:
        raise InputError("There is no retrieval to draw: the run has one modality.")
    groups = list(dict.fromkeys(zip(table["direction"], table["gallery"], strict=True)))
    with figure_file(path, width_mm=120, height_mm=66) as figure:
        add_heading(figure, title, is_simulated=is_simulated)
        axes = figure.add_axes((0.10, 0.24, 0.87, 0.58))
        width = 0.8 / len(groups)
        ks = np.unique(table["k"])
        for number, (direction, gallery) in enumerate(groups):
            mine = table[(table["direction"] == direction) & (table["gallery"] == gallery)]
            mine = mine.set_index("k").loc[ks]
            places = np.arange(len(ks)) - 0.4 + width * (number + 0.5)
            color = (BLUE, ORANGE, SKY, PURPLE)[number % 4]
            ends = [mine["value"] - mine["low"], mine["high"] - mine["value"]]
            words = direction.replace("_to_", " → ").upper()
            axes.bar(places, mine["value"], 0.92 * width, color=color,
                     label=f"{words}, {gallery:,} candidates")  # fmt: skip
            axes.errorbar(places, mine["value"], yerr=ends, fmt="none", ecolor=BLACK, lw=0.7)
            for column, line in (("chance", ":"), ("ceiling", "-")):
                for place, value in zip(places, mine[column], strict=True):
                    if np.isfinite(value):
                        axes.plot([place - width / 2, place + width / 2], [value, value],
                                  color=BLACK, lw=1.1, ls=line)  # fmt: skip
        axes.set_xticks(range(len(ks)), [f"recall@{k:.0f}" for k in ks])
        axes.set(ylim=(0, 1), ylabel="share of queries")
        axes.legend(loc="upper left", ncols=2, bbox_to_anchor=(0, -0.16), borderaxespad=0)
        axes.text(1, 1.01, "line: ceiling, dots: chance", transform=axes.transAxes, ha="right",
                  va="bottom", color=GRAY)  # fmt: skip


def mean_curves(
    table: pd.DataFrame, path: Path, *, title: str, unit: str, is_simulated: bool = False
) -> None:
    """Draw mean curves over the cardiac cycle with their 95 % intervals.

    Args:
        table: ``of``, ``frame``, ``value``, ``low``, ``high``.
        path: File to write: svg, png or pdf.
        title: Heading.
        unit: Name and unit of the values.
        is_simulated: Whether to mark the figure as made from simulated recordings.
    """
    with figure_file(path, width_mm=88, height_mm=66) as figure:
        add_heading(figure, title, is_simulated=is_simulated)
        axes = figure.add_axes((0.13, 0.15, 0.84, 0.68))
        for number, name in enumerate(dict.fromkeys(table["of"])):
            mine = table[table["of"] == name].sort_values("frame")
            color = (BLACK, BLUE, ORANGE, GREEN, PURPLE)[number % 5]
            axes.plot(mine["frame"], mine["value"], color=color, label=spoken(name))
            axes.fill_between(
                mine["frame"], mine["low"], mine["high"], color=color, alpha=0.15, lw=0
            )
        axes.set(xlabel="frame of 50", ylabel=unit)
        axes.legend(loc="best")


def agreement(
    measured: pd.DataFrame, path: Path, *, title: str, unit: str, is_simulated: bool = False
) -> None:
    """Draw Bland–Altman plots: difference against mean, with bias and limits of agreement.

    Limits are bias ± 1.96 SD (Bland and Altman 1986, Lancet 327:307).

    Args:
        measured: ``of``, ``value``, ``reference``; a panel for each ``of``.
        path: File to write: svg, png or pdf.
        title: Heading.
        unit: Name and unit of the values.
        is_simulated: Whether to mark the figure as made from simulated recordings.
    """
    kinds = list(dict.fromkeys(measured["of"]))
    with figure_file(path, width_mm=60 * len(kinds) + 4, height_mm=64) as figure:
        add_heading(figure, title, is_simulated=is_simulated)
        axes_of = np.atleast_1d(np.array(figure.subplots(1, len(kinds), sharey=True)))
        width_mm = figure.get_size_inches()[0] / MM
        figure.subplots_adjust(left=15 / width_mm, right=0.985, bottom=0.17, top=0.80, wspace=0.08)
        for axes, kind in zip(axes_of, kinds, strict=True):
            mine = measured[measured["of"] == kind].dropna()
            mean = (mine["value"] + mine["reference"]) / 2
            away = mine["value"] - mine["reference"]
            bias, sd = float(away.mean()), float(away.std())
            axes.scatter(mean, away, s=3, lw=0, color=BLUE, alpha=0.35, rasterized=len(mine) > 2000)
            for line, style in ((bias, "-"), (bias - 1.96 * sd, "--"), (bias + 1.96 * sd, "--")):
                axes.axhline(line, color=ORANGE, lw=0.8, ls=style)
            axes.set_title(f"{spoken(kind)}: {bias:+.1f} ± {1.96 * sd:.1f}", loc="left")
            axes.set_xlabel(f"mean, {unit}")
        axes_of[0].set_ylabel(f"difference, {unit}")
