"""Figure of an ablation: how far each variant is from the base, a panel for each metric."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cmae.errors import InputError
from cmae.figures.style import BLUE, GRAY, add_heading, figure_file

_PANELS_A_LINE = 3
_WIDTH_MM, _HEAD_MM, _ROW_MM = 180.0, 15.0, 4.2
_LETTER_MM = 1.25
_KEY = "95 % t-intervals over seeds, blue where clear of zero; ↑ more is better, ↓ less is better"


def differences(
    table: pd.DataFrame,
    path: Path,
    *,
    title: str,
    names: Mapping[str, str],
    is_simulated: bool = False,
) -> None:
    """Draw the difference of each variant to the base with its interval, a panel for each metric.

    Intervals that are clear of zero are blue and full, the others gray and hollow.

    Args:
        table: ``variant``, ``metric``, ``difference``, ``low``, ``high`` (NaN where there is no
            interval) and ``is_clear``.
        path: File to write: svg, png or pdf.
        title: Heading.
        names: For people, by metric, with ↑ or ↓ where more or less is better; the order of the
            panels.
        is_simulated: Whether to mark the figure as made from simulated recordings.

    Raises:
        InputError: The table is empty.
    """
    if table.empty:
        raise InputError("There is no difference to draw: give at least one variant and one seed.")
    metrics = [name for name in names if (table["metric"] == name).any()]
    variants = list(dict.fromkeys(table["variant"]))
    columns = min(_PANELS_A_LINE, len(metrics))
    lines = -(-len(metrics) // columns)
    panel_mm = _ROW_MM * (len(variants) + 0.6)
    height_mm = _HEAD_MM + lines * (panel_mm + 17)
    label_mm = min(6 + _LETTER_MM * max(map(len, variants)), 60)
    width_mm = (_WIDTH_MM - label_mm - 5 * columns) / columns
    with figure_file(path, width_mm=_WIDTH_MM, height_mm=height_mm) as figure:
        add_heading(figure, title, is_simulated=is_simulated)
        y = 1 - 10 / height_mm
        figure.text(5 / _WIDTH_MM, y, _KEY, ha="left", va="top", fontsize=6.5, color=GRAY)
        for number, metric in enumerate(metrics):
            line, column = divmod(number, columns)
            left = label_mm + column * (width_mm + 5)
            bottom = height_mm - _HEAD_MM - (line + 1) * (panel_mm + 17) + 10
            axes = figure.add_axes(
                (
                    left / _WIDTH_MM,
                    bottom / height_mm,
                    width_mm / _WIDTH_MM,
                    panel_mm / height_mm,
                )
            )
            _draw_panel(axes, table[table["metric"] == metric].set_index("variant"), variants)
            axes.set_title(names[metric], loc="left", fontsize=6.5)
            axes.set_yticks(range(len(variants)), variants if column == 0 else [""] * len(variants))


def _draw_panel(axes: Axes, mine: pd.DataFrame, variants: list[str]) -> None:
    axes.axvline(0.0, color=GRAY, lw=0.6, ls=":")
    for place, variant in enumerate(variants):
        if variant not in mine.index:
            continue
        row = mine.loc[variant]
        color = BLUE if row["is_clear"] else GRAY
        axes.plot([row["low"], row["high"]], [place, place], color=color, lw=0.9)
        axes.plot(
            row["difference"],
            place,
            marker="o",
            ms=3,
            mew=0.8,
            color=color,
            mfc=color if row["is_clear"] else "white",
            ls="none",
        )
    axes.set_ylim(len(variants) - 0.3, -0.7)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.margins(x=0.08)
