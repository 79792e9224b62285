"""Learning curves: how the parts of the loss fell, in training and validation."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator
from numpy.typing import NDArray

from cmae.errors import InputError
from cmae.figures.style import BLUE, GRAY, ORANGE, add_heading, figure_file, legend_columns

_TRAINING_PREFIXES = ("training_", "train_", "")
_VALIDATION_PREFIXES = ("validation_", "val_")
_PANELS_A_LINE = 3
_TITLES = {
    "loss": "total loss",
    "ecg": "ECG reconstruction",
    "mri": "MRI reconstruction",
    "contrast": "contrastive",
}


def learning_curves(
    history: pd.DataFrame,
    path: Path,
    *,
    title: str = "",
    units: str = "",
    is_simulated: bool = False,
) -> None:
    """Draw each part of the loss against the epoch, on a logarithmic axis.

    Args:
        history: One row an epoch. A column ``x`` (or ``train_x``, ``training_x``) and its partner
            ``validation_x`` (or ``val_x``) make one panel; ``epoch`` is the horizontal axis (else
            rows are counted from 1); ``stage``, where it exists, names the stage of each row and
            stages are drawn one after the other; ``learning_rate`` gets a panel of its own; other
            columns without a partner, such as times, are not drawn.
        path: File to write; the suffix (``.svg``, ``.png`` or ``.pdf``) is the format.
        title: Heading of the figure.
        units: Unit of the loss, for the axis.
        is_simulated: Whether to mark the figure as made from simulated recordings.

    Raises:
        InputError: There is nothing to draw, or the suffix is another.
    """
    panels = _panels(history)
    if history.empty or not panels:
        raise InputError(
            "The history holds no loss with its validation partner: train for at least one epoch."
        )
    columns = min(len(panels), _PANELS_A_LINE)
    lines = -(-len(panels) // columns)
    width, height = max(18 + 54 * columns, 80), 17 + 45 * lines
    epochs, stages = _epochs_and_stages(history)
    best = _best_epoch(history, epochs)
    with figure_file(path, width_mm=width, height_mm=height) as figure:
        add_heading(figure, title, is_simulated=is_simulated)
        grid = figure.add_gridspec(
            lines,
            columns,
            left=16 / width,
            right=1 - 5 / width,
            bottom=10 / height,
            top=1 - 20 / height,
            wspace=0.34,
            hspace=0.6,
        )
        for index, (name, drawn) in enumerate(panels.items()):
            axes = figure.add_subplot(grid[index // columns, index % columns])
            _draw_panel(axes, epochs, {label: history[key] for label, key in drawn.items()})
            axes.set_title(name, loc="left", pad=9 if stages else 6)
            if name == "learning rate":
                axes.set_ylabel("learning rate")
            elif index % columns == 0:
                axes.set_ylabel(f"loss ({units})" if units else "loss")
            if index >= len(panels) - columns:
                axes.set_xlabel("epoch")
            _mark_stages(axes, stages)
            if best is not None:
                axes.axvline(best, color=GRAY, lw=0.6, ls=":", zorder=0)
        _add_legend(figure, best, (width, height))


def _panels(history: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Title of a panel to the columns that it draws, by their name in the legend."""
    panels: dict[str, dict[str, str]] = {}
    for column in history.columns:
        prefix = next((p for p in _VALIDATION_PREFIXES if str(column).startswith(p)), None)
        if prefix is None:
            continue
        name = str(column).removeprefix(prefix)
        partner = next((p + name for p in _TRAINING_PREFIXES if p + name in history), None)
        if partner is not None and history[[partner, column]].notna().to_numpy().any():
            panels[_TITLES.get(name, _words(name))] = {"training": partner, "validation": column}
    if panels and "learning_rate" in history:
        panels["learning rate"] = {"learning rate": "learning_rate"}
    return panels


def _words(name: str) -> str:
    """Name of a column or of a stage, for people."""
    words = [{"ecg": "ECG", "mri": "MRI", "to": "→"}.get(word, word) for word in name.split("_")]
    return " ".join(words)


def _epochs_and_stages(history: pd.DataFrame) -> tuple[NDArray[np.number], list[tuple[float, str]]]:
    """Positions of the rows, running on over stages, and the first position of each stage."""
    if "stage" not in history:
        if "epoch" in history:
            return history["epoch"].to_numpy(), []
        return np.arange(1, len(history) + 1), []
    names = history["stage"].astype(str).to_numpy()
    starts = [0, *(k for k in range(1, len(names)) if names[k] != names[k - 1])]
    positions = np.arange(1, len(history) + 1)
    return positions, [(float(positions[k]), names[k]) for k in starts]


def _best_epoch(history: pd.DataFrame, epochs: NDArray[np.number]) -> float | None:
    """The epoch of the lowest total validation loss, within the last stage."""
    column = next((p + "loss" for p in _VALIDATION_PREFIXES if p + "loss" in history), None)
    if column is None:
        return None
    values = history[column].to_numpy(float)
    if "stage" in history:
        values = np.where(history["stage"] == history["stage"].iloc[-1], values, np.nan)
    return None if np.isnan(values).all() else float(epochs[int(np.nanargmin(values))])


def _draw_panel(axes: Axes, epochs: NDArray[np.number], series: dict[str, pd.Series]) -> None:
    styles = {"training": (BLUE, "-"), "validation": (ORANGE, "--"), "learning rate": (GRAY, "-")}
    marker = "o" if len(epochs) <= 20 else None
    for label, values in series.items():
        color, dashes = styles[label]
        axes.plot(epochs, values, color=color, ls=dashes, marker=marker, ms=2.2)
    drawn = np.concatenate([np.asarray(values, float) for values in series.values()])
    drawn = drawn[np.isfinite(drawn)]
    if drawn.size and (drawn > 0).all():
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(_plain))
        few = drawn.max() / drawn.min() < 30
        axes.yaxis.set_minor_formatter(FuncFormatter(_plain if few else lambda *_: ""))
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 3, 5) if few else range(2, 10)))
    axes.grid(axis="y", which="major", color="#e5e7eb", lw=0.5)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    margin = max(0.03 * float(epochs[-1] - epochs[0]), 0.5)
    axes.set_xlim(float(epochs[0]) - margin, float(epochs[-1]) + margin)


def _plain(value: float, _: int | None = None) -> str:
    return f"{value:.0e}" if value < 1e-5 else f"{value:.6f}".rstrip("0").rstrip(".")


def _mark_stages(axes: Axes, stages: list[tuple[float, str]]) -> None:
    for start, name in stages:
        if start > 1:
            axes.axvline(start - 0.5, color=GRAY, lw=0.6)
        transform = axes.get_xaxis_transform()
        left = start - 0.5 if start > 1 else start
        axes.text(left, 1.02, _words(name), transform=transform, fontsize=5.5, color=GRAY)


def _add_legend(figure: Figure, best: float | None, size_mm: tuple[float, float]) -> None:
    first = figure.axes[0]
    handles = list(first.lines[:2])
    labels = ["training", "validation"]
    if best is not None:
        handles.append(first.lines[-1])
        labels.append(f"best epoch ({best:.0f})")
    width, height = size_mm
    figure.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(3 / width, 1 - 9 / height),
        ncols=legend_columns(labels, width),
        borderpad=0,
        columnspacing=1.5,
    )
