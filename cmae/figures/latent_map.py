"""Two-dimensional maps of latents, colored by modality or by a phenotype."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.figures.style import BLUE, GREEN, ORANGE, PURPLE, add_heading, figure_file

_Floats = NDArray[np.floating]
_COLORS = (BLUE, ORANGE, GREEN, PURPLE)


def latent_map(
    positions: Mapping[str, NDArray[np.floating]],
    path: Path,
    *,
    values: Mapping[str, NDArray[np.floating]] | None = None,
    values_label: str = "",
    title: str = "",
    is_simulated: bool = False,
) -> None:
    """Draw positions on the map, one color a set, or one panel a set colored by a phenotype.

    Args:
        positions: Name of a set (``ECG latents``) to ``(n, 2)`` positions, no unit; rows that are
            not finite are left out.
        path: File to write; the suffix (``.svg``, ``.png`` or ``.pdf``) is the format.
        values: Per set ``(n,)`` values of a phenotype; missing ones (NaN) are drawn gray.
        values_label: Name of the phenotype with its unit, for the color bar.
        title: Heading of the figure.
        is_simulated: Whether to mark the figure as made from simulated recordings.

    Raises:
        InputError: Shapes do not fit, there is nothing to draw, or the suffix is another.
    """
    _check(positions, values)
    panels = 1 if values is None else len(positions)
    width, height = 22 + 78 * panels, 88
    with figure_file(path, width_mm=width, height_mm=height) as figure:
        add_heading(figure, title, is_simulated=is_simulated)
        left, right = 8 / width, 1 - (24 if values else 6) / width
        grid = figure.add_gridspec(
            1, panels, left=left, right=right, bottom=8 / height, top=1 - 16 / height, wspace=0.12
        )
        every = np.concatenate([np.asarray(xy, float) for xy in positions.values()])
        limits = np.nanpercentile(np.where(np.isfinite(every), every, np.nan), (0, 100), axis=0)
        if values is None:
            axes = _map_axes(figure.add_subplot(grid[0]), limits)
            _draw_sets(axes, positions)
            return
        drawn = np.concatenate([np.asarray(one, float) for one in values.values()])
        low, high = np.nanpercentile(drawn, (2, 98)) if np.isfinite(drawn).any() else (0.0, 1.0)
        for panel, (name, xy) in enumerate(positions.items()):
            axes = _map_axes(figure.add_subplot(grid[panel]), limits)
            axes.set_title(f"{name} (n = {_finite(xy).sum():,})", loc="left")
            points = _draw_values(axes, np.asarray(xy, float), values[name], (low, high))
        bar_axes = figure.add_axes((1 - 19 / width, 0.25, 3 / width, 0.5))
        bar = figure.colorbar(points, cax=bar_axes, extend="both")
        bar.set_label(values_label)
        bar.outline.set_linewidth(0.4)


def _check(positions: Mapping[str, _Floats], values: Mapping[str, _Floats] | None) -> None:
    if not positions or not any(_finite(xy).any() for xy in positions.values()):
        raise InputError("There are no positions to draw: make the map first.")
    if values is None and len(positions) > len(_COLORS):
        raise InputError(f"{len(positions)} sets were given, but a map shows {len(_COLORS)}.")
    for name, xy in positions.items():
        if values is None:
            continue
        if name not in values or values[name].shape != xy.shape[:1]:
            given = values[name].shape if name in values else "nothing"
            raise InputError(
                f"The values of '{name}' have shape {given}, but it has {len(xy)} positions: "
                "give one value a position."
            )


def _finite(xy: _Floats) -> NDArray[np.bool_]:
    if np.ndim(xy) != 2 or np.shape(xy)[1] != 2:
        raise InputError(f"Positions have shape {np.shape(xy)}, but a map needs (n, 2).")
    return np.asarray(np.isfinite(xy).all(axis=1))


def _map_axes(axes: Axes, limits: _Floats) -> Axes:
    """Square axes without ticks: distances on a map have no unit."""
    (low_x, low_y), (high_x, high_y) = limits
    half = 0.54 * max(high_x - low_x, high_y - low_y, 1e-6)
    axes.set_xlim((low_x + high_x) / 2 - half, (low_x + high_x) / 2 + half)
    axes.set_ylim((low_y + high_y) / 2 - half, (low_y + high_y) / 2 + half)
    axes.set_aspect("equal")
    axes.set(xticks=[], yticks=[], xlabel="map coordinate 1", ylabel="map coordinate 2")
    return axes


def _size(count: int) -> float:
    return float(np.clip(3000 / max(count, 1), 0.3, 14))


def _draw_sets(axes: Axes, positions: Mapping[str, _Floats]) -> None:
    # Points of all sets in one shuffled order: none hides another.
    shown = {name: np.asarray(xy, float)[_finite(xy)] for name, xy in positions.items()}
    points = np.concatenate(list(shown.values()))
    colors = np.repeat(_COLORS[: len(shown)], [len(xy) for xy in shown.values()])
    order = np.random.default_rng(0).permutation(len(points))
    size = _size(len(points))
    axes.scatter(
        points[order, 0],
        points[order, 1],
        c=colors[order],
        s=size,
        alpha=0.75,
        linewidths=0,
        rasterized=True,
    )
    for color, (name, xy) in zip(_COLORS, shown.items(), strict=False):
        axes.scatter([], [], color=color, s=14, label=f"{name} (n = {len(xy):,})")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0, handletextpad=0.2)


def _draw_values(
    axes: Axes, xy: _Floats, values: _Floats, limits: tuple[float, float]
) -> PathCollection:
    keep = _finite(xy)
    xy, values = xy[keep], np.asarray(values, float)[keep]
    known = np.isfinite(values)
    size = _size(len(xy))
    axes.scatter(
        xy[~known, 0], xy[~known, 1], color="#d1d5db", s=size, linewidths=0, rasterized=True
    )
    return axes.scatter(
        xy[known, 0],
        xy[known, 1],
        c=values[known],
        cmap="cividis",
        vmin=limits[0],
        vmax=limits[1],
        s=size,
        linewidths=0,
        rasterized=True,
    )
