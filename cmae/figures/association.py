"""Manhattan and QQ plots of an association."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.figures.style import (
    BLACK,
    BLUE,
    GRAY,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    add_heading,
    figure_file,
)
from cmae.latent.association_plots import (
    MOST_HEIGHT,
    genome,
    null_band,
    quantile_points,
    quantile_ranks,
)

GENOME_WIDE_P = 5e-8

_PICTURE_POINTS = 3000
"""Beyond so many points they are drawn as pixels, also in an SVG."""

_COLORS = (BLUE, ORANGE, GREEN, PURPLE, SKY, BLACK)
_MARKS = ("o", "s", "^", "D", "v", "P")


def draw_results(folder: Path) -> list[str]:
    """Draw what an association left in a folder, as SVG and PNG beside it.

    Args:
        folder: With ``association.tsv``, ``hits.tsv`` and ``summary.json`` of
            ``latent.association.associate``.

    Returns:
        Names of the files; none where no variant was tested.
    """
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    tests = summary["tests"]
    wanted = ["chromosome", "position", *(f"{name}_neg_log10_p" for name in tests)]
    table = pd.read_csv(
        folder / "association.tsv", sep="\t", usecols=wanted, dtype={"chromosome": str}
    )
    if table.empty:
        return []
    hits = pd.read_csv(folder / "hits.tsv", sep="\t", dtype={"chromosome": str, "variant": str})
    is_simulated = bool(summary["is_simulated"])
    title = f"{summary['kind']} latents, {summary['participants']['tested']:,} participants"
    found = {name: table[f"{name}_neg_log10_p"].to_numpy() for name in list(tests)[:6]}
    inflation = {name: test["lambda"] for name, test in tests.items() if test["lambda"] is not None}
    for suffix in (".svg", ".png"):
        manhattan(
            table,
            folder / f"manhattan{suffix}",
            title=title,
            leads=hits[hits["test"] == "joint"],
            is_simulated=is_simulated,
        )
        quantiles(
            found,
            folder / f"qq{suffix}",
            inflation=inflation,
            title=title,
            is_simulated=is_simulated,
        )
    return [f"{name}{suffix}" for name in ("manhattan", "qq") for suffix in (".svg", ".png")]


def manhattan(
    table: pd.DataFrame,
    path: Path,
    *,
    column: str = "joint_neg_log10_p",
    title: str = "",
    leads: pd.DataFrame | None = None,
    is_simulated: bool = False,
) -> None:
    """Draw −log10 p of every variant along the genome.

    Args:
        table: ``chromosome``, ``position`` and ``column``; one row a variant.
        path: File to write: svg, png or pdf.
        column: The −log10 p that is drawn.
        title: Heading.
        leads: ``chromosome``, ``position``, ``variant``, ``neg_log10_p`` of variants to name.
        is_simulated: Whether to mark the figure as made from simulated recordings.

    Raises:
        InputError: There is no variant, or the suffix is another.
    """
    if table.empty:
        raise InputError("There is no tested variant to draw: see what was left out, and why.")
    names = table["chromosome"].astype(str).to_numpy(dtype=object)
    positions = table["position"].to_numpy(np.float64)
    heights = np.minimum(table[column].to_numpy(np.float64), MOST_HEIGHT)
    extents = table["position"].groupby(names).agg(["min", "max"])
    side_by_side = genome({str(row.Index): (row.min, row.max) for row in extents.itertuples()})
    places, order = side_by_side.places(names, positions), side_by_side.order
    with figure_file(path, width_mm=180, height_mm=75) as figure:
        add_heading(figure, title, is_simulated=is_simulated)
        axes = figure.add_axes((0.07, 0.15, 0.915, 0.70))
        for place, name in enumerate(order):
            mine = names == name
            axes.scatter(
                places[mine],
                heights[mine],
                s=3,
                lw=0,
                color=(BLUE, SKY)[place % 2],
                rasterized=len(table) > _PICTURE_POINTS,
            )
        threshold = -np.log10(GENOME_WIDE_P)
        axes.axhline(threshold, color=ORANGE, lw=0.7, ls="--")
        axes.text(1, threshold, "5e-8", transform=axes.get_yaxis_transform(), ha="right",
                  va="bottom", fontsize=6, color=ORANGE)  # fmt: skip
        named = 0.0 if leads is None or leads.empty else float(leads["neg_log10_p"].max())
        top = max(float(heights.max()), threshold, min(named, MOST_HEIGHT)) * 1.15
        axes.set(
            xlim=(-side_by_side.gap, side_by_side.end),
            ylim=(0, top),
            ylabel="−log10 p",
            xlabel="chromosome",
        )
        _label_leads(axes, leads, side_by_side.offsets)
        many = len(order) > 12
        labels = [name if place < 12 or place % 2 else "" for place, name in enumerate(order)]
        axes.set_xticks(side_by_side.middles, labels if many else order)
        axes.tick_params(axis="x", length=0)


def _label_leads(axes: Axes, leads: pd.DataFrame | None, offsets: Mapping[str, float]) -> None:
    """Name the strongest leads above their points."""
    if leads is None:
        return
    for row in leads.head(12).itertuples():
        if str(row.chromosome) in offsets:
            place = float(row.position) + offsets[str(row.chromosome)]
            axes.annotate(
                str(row.variant)[:20],
                (place, float(row.neg_log10_p)),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=5,
                color=GRAY,
            )


def quantiles(
    tests: Mapping[str, NDArray[np.floating]],
    path: Path,
    *,
    inflation: Mapping[str, float] | None = None,
    title: str = "",
    is_simulated: bool = False,
) -> None:
    """Draw observed against expected −log10 p, with the 95 % band of no effect.

    The band is that of order statistics of independent uniform numbers, Beta(i, m + 1 − i).

    Args:
        tests: By name, −log10 p of the variants; at most six.
        path: File to write: svg, png or pdf.
        inflation: By name, genomic inflation, for the legend.
        title: Heading.
        is_simulated: Whether to mark the figure as made from simulated recordings.

    Raises:
        InputError: There is no variant, or the suffix is another.
    """
    found = {name: p for name, p in tests.items() if len(p)}
    if not found:
        raise InputError("There is no tested variant to draw: see what was left out, and why.")
    with figure_file(path, width_mm=88, height_mm=88) as figure:
        add_heading(figure, title, is_simulated=is_simulated)
        axes = figure.add_axes((0.13, 0.12, 0.84, 0.76))
        most = max(len(p) for p in found.values())
        ranks = quantile_ranks(most)
        expected = -np.log10(ranks / (most + 1))
        axes.fill_between(expected, *null_band(ranks, most), color="#e5e7eb", lw=0)
        axes.plot([0, expected[0]], [0, expected[0]], color=GRAY, lw=0.7)
        for place, (name, p) in enumerate(found.items()):
            drawn = quantile_points(p)
            label = name.replace("_", " ")
            if inflation is not None and name in inflation:
                label += f", λ = {inflation[name]:.3f}"
            axes.plot(
                drawn.expected,
                drawn.observed,
                ls="none",
                marker=_MARKS[place % len(_MARKS)],
                ms=2.2,
                mew=0,
                color=_COLORS[place % len(_COLORS)],
                label=label,
            )
        axes.set(xlabel="expected −log10 p", ylabel="observed −log10 p", xlim=(0, None))
        axes.set_ylim(0, None)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        axes.legend(loc="upper left", handletextpad=0.3)
