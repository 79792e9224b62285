"""Figures of a population: hearts and beats side by side, and distributions over references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cmae.data.modality import ECG, LEADS, MRI
from cmae.errors import InputError
from cmae.figures.style import BLUE, GRAY, ORANGE, add_heading, figure_file

HEAD_MM = 12.0
"""Height of the line with the title."""

BEAT_MM = (12.0, 9.0)
"""Width and height of one lead of a beat."""

MV_RANGE = (-1.4, 1.8)
"""Voltages that a lead shows; what goes beyond is cut."""

GRID_COLOR = "#f4c9c4"


@dataclass(frozen=True, eq=False)
class Heart:
    """One heart to draw.

    Attributes:
        name: Words beside or above it.
        ecg: (600, 12) in mV.
        cine: (96, 96, 50) in any intensity unit.
        end_systole: Frame of end systole.
    """

    name: str
    ecg: NDArray[np.number]
    cine: NDArray[np.number]
    end_systole: int


@dataclass(frozen=True, eq=False)
class Distribution:
    """One quantity in women and in men.

    Attributes:
        title: Name and unit.
        women: (n,) values.
        men: (m,) values.
        reference_women: Published mean and SD.
        reference_men: Published mean and SD.
    """

    title: str
    women: NDArray[np.number]
    men: NDArray[np.number]
    reference_women: tuple[float, float]
    reference_men: tuple[float, float]


def hearts_sheet(
    hearts: Sequence[Heart], path: Path, *, columns: int = 6, is_simulated: bool = False
) -> None:
    """Draw hearts at end diastole and, below, at end systole, each at its own window.

    Args:
        hearts: At least one.
        path: File to write: SVG, PNG or PDF.
        columns: Hearts side by side.
        is_simulated: Whether to say so.

    Raises:
        InputError: There is no heart, a recording has another shape, or the suffix is unknown.
    """
    _check(hearts)
    lines = -(-len(hearts) // columns)
    side = 28.0
    width, height = columns * (side + 1.5) + 10, HEAD_MM + lines * (2 * side + 7)
    with figure_file(path, width_mm=width, height_mm=height, dpi=170, is_gray=False) as figure:
        add_heading(figure, "End diastole above, end systole below", is_simulated=is_simulated)
        for number, heart in enumerate(hearts):
            line, column = divmod(number, columns)
            left = 5 + column * (side + 1.5)
            top = HEAD_MM + line * (2 * side + 7)
            _words(figure, (left, top + 2.6), heart.name, (width, height))
            for row, frame in enumerate((0, heart.end_systole)):
                box = (left, top + 3.6 + row * (side + 0.6), side, side)
                _picture(_axes(figure, box, (width, height)), heart.cine, frame)


def beats_sheet(hearts: Sequence[Heart], path: Path, *, is_simulated: bool = False) -> None:
    """Draw median beats, one a line, all twelve leads at one scale: 5 mm on the grid is 0.5 mV.

    Args:
        hearts: At least one.
        path: File to write: SVG, PNG or PDF.
        is_simulated: Whether to say so.

    Raises:
        InputError: There is no heart, a recording has another shape, or the suffix is unknown.
    """
    _check(hearts)
    wide, high = BEAT_MM
    width, height = 10 + len(LEADS) * (wide + 0.6), HEAD_MM + 3 + len(hearts) * (high + 3.4)
    with figure_file(path, width_mm=width, height_mm=height, dpi=170) as figure:
        add_heading(figure, "Median beats; grid 0.2 s and 0.5 mV", is_simulated=is_simulated)
        for line, heart in enumerate(hearts):
            top = HEAD_MM + 3 + line * (high + 3.4)
            _words(figure, (5, top), heart.name, (width, height))
            for column, lead in enumerate(LEADS):
                box = (5 + column * (wide + 0.6), top + 0.6, wide, high)
                _lead(_axes(figure, box, (width, height)), heart.ecg, lead)


def groups_sheet(hearts: Sequence[Heart], path: Path, *, is_simulated: bool = False) -> None:
    """Draw one heart a line: end diastole, end systole, and six leads of its beat.

    Args:
        hearts: One a group, at least one.
        path: File to write: SVG, PNG or PDF.
        is_simulated: Whether to say so.

    Raises:
        InputError: There is no heart, a recording has another shape, or the suffix is unknown.
    """
    _check(hearts)
    leads, side, wide = ("I", "II", "aVF", "V1", "V3", "V6"), 22.0, 17.0
    width = 12 + 2 * (side + 1) + len(leads) * (wide + 1)
    height = HEAD_MM + len(hearts) * (side + 4.5)
    with figure_file(path, width_mm=width, height_mm=height, dpi=170) as figure:
        add_heading(figure, "One of each group", is_simulated=is_simulated)
        for line, heart in enumerate(hearts):
            top = HEAD_MM + line * (side + 4.5)
            _words(figure, (5, top + 2.4), heart.name, (width, height))
            for row, frame in enumerate((0, heart.end_systole)):
                box = (5 + row * (side + 1), top + 3.2, side, side)
                _picture(_axes(figure, box, (width, height)), heart.cine, frame)
            for column, lead in enumerate(leads):
                left = 7 + 2 * (side + 1) + column * (wide + 1)
                box = (left, top + 3.2, wide, side)
                _lead(_axes(figure, box, (width, height)), heart.ecg, lead)


def distributions(
    quantities: Mapping[str, Distribution], path: Path, *, is_simulated: bool = False
) -> None:
    """Draw each quantity's distribution by sex, with the published mean ± 2 SD as a bar above.

    Args:
        quantities: By any name, at least one; four stand side by side.
        path: File to write: SVG, PNG or PDF.
        is_simulated: Whether to say so.

    Raises:
        InputError: There is no quantity, or the suffix is unknown.
    """
    if not quantities:
        raise InputError("No quantity to draw: give at least one.")
    lines = -(-len(quantities) // 4)
    width, height = 174.0, HEAD_MM + lines * 32.0
    with figure_file(path, width_mm=width, height_mm=height) as figure:
        title = "Healthy women (orange) and men (blue); bars: published mean ± 2 SD"
        add_heading(figure, title, is_simulated=is_simulated)
        for number, quantity in enumerate(quantities.values()):
            line, column = divmod(number, 4)
            box = (7 + column * 42.5, HEAD_MM + 6 + line * 32.0, 36.0, 17.0)
            _histogram(_axes(figure, box, (width, height)), quantity)


def _histogram(axes: Axes, quantity: Distribution) -> None:
    both = np.concatenate([quantity.women, quantity.men])
    low, high = np.percentile(both, (0.2, 99.8))
    edges = np.linspace(float(low), float(high), 41)
    rows = (
        (quantity.women, quantity.reference_women, ORANGE, 1.10),
        (quantity.men, quantity.reference_men, BLUE, 1.22),
    )
    top = 0.0
    for values, _, color, _ in rows:
        counts, _ = np.histogram(values, edges, density=True)
        axes.stairs(counts, edges, color=color, lw=0.9, fill=True, alpha=0.22)
        axes.stairs(counts, edges, color=color, lw=0.9)
        top = max(top, float(counts.max()))
    for _, (mean, sd), color, place in rows:
        axes.plot([mean - 2 * sd, mean + 2 * sd], [place * top] * 2, color=color, lw=0.8)
        axes.plot([mean], [place * top], "o", color=color, ms=2.2)
    axes.set_ylim(0, 1.32 * top)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_title(quantity.title, loc="left", pad=1)


def _check(hearts: Sequence[Heart]) -> None:
    if not hearts:
        raise InputError("No heart to draw: give at least one.")
    for heart in hearts:
        if heart.ecg.shape != ECG.shape or heart.cine.shape != MRI.shape:
            raise InputError(
                f"{heart.name!r} has recordings of shapes {heart.ecg.shape} and "
                f"{heart.cine.shape}, but {ECG.shape} and {MRI.shape} are drawn."
            )


def _axes(figure: Figure, box: tuple[float, ...], page: tuple[float, float]) -> Axes:
    """Axes in a box (left, top, width, height) in mm from the top left of the page."""
    left, top, wide, high = box
    width, height = page
    return figure.add_axes((left / width, 1 - (top + high) / height, wide / width, high / height))


def _words(
    figure: Figure, place: tuple[float, float], words: str, page: tuple[float, float]
) -> None:
    x, y = place
    figure.text(x / page[0], 1 - y / page[1], words, fontsize=5.6, color=GRAY, va="bottom")


def _picture(axes: Axes, cine: NDArray[np.number], frame: int) -> None:
    low, high = np.percentile(cine, (0.5, 99.5))
    axes.imshow(cine[:, :, frame], cmap="gray", vmin=low, vmax=high, interpolation="bicubic")
    axes.axis("off")


def _lead(axes: Axes, ecg: NDArray[np.number], lead: str) -> None:
    times = np.arange(len(ecg)) / 500
    axes.vlines(np.arange(0, 1.21, 0.2), *MV_RANGE, color=GRID_COLOR, lw=0.35)
    axes.hlines(np.arange(-1.0, 1.6, 0.5), 0, 1.2, color=GRID_COLOR, lw=0.35)
    axes.plot(times, np.clip(ecg[:, LEADS.index(lead)], *MV_RANGE), color="black", lw=0.55)
    axes.text(0.02, MV_RANGE[1], lead, fontsize=4.6, va="top", fontweight="bold")
    axes.set_xlim(0, 1.2)
    axes.set_ylim(*MV_RANGE)
    axes.axis("off")
