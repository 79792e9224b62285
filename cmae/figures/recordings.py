"""Recordings beside what was decoded for them: ECG overlays and contact sheets of cines."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cmae.data.modality import ECG, ECG_RATE_HZ, LEADS, MRI, MRI_FRAMES, Modality
from cmae.errors import InputError
from cmae.figures.style import (
    BLACK,
    BLUE,
    GRAY,
    GREEN,
    ORANGE,
    PURPLE,
    add_heading,
    figure_file,
    legend_columns,
)

_DECODED_COLORS = (ORANGE, BLUE, GREEN, PURPLE)
_PAPER_LINE, _PAPER_BOLD = "#f7dcd9", "#eeb4ae"
_LEAD_ROWS = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
_MM_PER_SECOND, _MM_PER_MV = 25.0, 10.0
_LEAD_MM, _LEAD_GAP_MM = 30.0, 5.0
_FRAMES_A_LINE = 10
_FRAME_GAP = 3


def ecg_overlay(
    recordings: Mapping[str, NDArray[np.floating]],
    path: Path,
    *,
    title: str = "",
    is_simulated: bool = False,
) -> None:
    """Draw 12-lead median beats over each other on ECG paper: 25 mm/s, 10 mm/mV, 3 rows of 4 leads.

    Args:
        recordings: Name in the legend to beat, ``(600, 12)`` in mV at 500 Hz in the clinical lead
            order. The first is drawn black as the recorded one, at most four follow in color, with
            their root mean square difference from the first.
        path: File to write; the suffix (``.svg``, ``.png`` or ``.pdf``) is the format.
        title: Heading of the figure.
        is_simulated: Whether to mark the figure as made from simulated recordings.

    Raises:
        InputError: A beat has another shape, there are none or too many, or the suffix is another.
    """
    _check(recordings, ECG, most=1 + len(_DECODED_COLORS))
    beats = [np.asarray(beat, np.float64) for beat in recordings.values()]
    paper_width, paper_height = paper_size_mm(beats)
    width = paper_width + 10
    labels = _with_differences(recordings, beats)
    columns = legend_columns(labels, width)
    height = paper_height + 20 + 3.5 * -(-len(labels) // columns)
    with figure_file(path, width_mm=width, height_mm=height) as figure:
        add_heading(figure, title, is_simulated=is_simulated)
        box = (5 / width, 8 / height, paper_width / width, paper_height / height)
        axes = figure.add_axes(box, xlim=(0, paper_width), ylim=(0, paper_height))
        draw_beats(axes, beats, colors=(BLACK, *_DECODED_COLORS))
        handles = axes.lines[-len(beats) :]
        figure.legend(
            handles,
            labels,
            loc="upper left",
            bbox_to_anchor=(3 / width, 1 - 9.5 / height),
            ncols=columns,
            handlelength=1.4,
            columnspacing=1.5,
            borderpad=0,
            labelspacing=0.3,
        )
        figure.text(
            5 / width,
            3 / height,
            "Median beat, 25 mm/s, 10 mm/mV; small square 0.04 s × 0.1 mV, R peak at 0.4 s",
            color=GRAY,
            fontsize=6,
        )


def paper_size_mm(beats: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Return width and height of the ECG paper that beats (600, 12) in mV need, in mm."""
    extents = [_row_extent_mm(beats, row) for row in _LEAD_ROWS]
    width = 10 + 4 * _LEAD_MM + 3 * _LEAD_GAP_MM + 5
    return width, sum(high - low for low, high in extents)


def draw_beats(axes: Axes, beats: Sequence[NDArray[np.float64]], *, colors: Sequence[str]) -> None:
    """Draw 12-lead beats over each other on ECG paper.

    Args:
        axes: In mm, from 0 to ``paper_size_mm(beats)``.
        beats: (600, 12) in mV each; the first is drawn thicker.
        colors: One a beat, or more.
    """
    width, height = paper_size_mm(beats)
    _draw_paper(axes, width, height)
    top = height
    for row in _LEAD_ROWS:
        low, high = _row_extent_mm(beats, row)
        baseline = top - high
        axes.plot([2, 3, 3, 8, 8, 9], baseline + np.array([0, 0, 10, 10, 0, 0]), "k", lw=0.7)
        for column, lead in enumerate(row):
            left = 10 + column * (_LEAD_MM + _LEAD_GAP_MM)
            _draw_lead(axes, beats, lead, (left, baseline), (low, high), colors)
        top += low - high


def cine_contact_sheet(
    recordings: Mapping[str, NDArray[np.number]],
    path: Path,
    *,
    title: str = "",
    rr_ms: float | None = None,
    is_simulated: bool = False,
) -> None:
    """Draw all 50 frames of cines under each other, the same frame in the same column.

    Args:
        recordings: Name of the row to cine, ``(96, 96, 50)`` in any intensity unit; the gray scale
            of each goes from its 1st to its 99th percentile over all frames.
        path: File to write; the suffix (``.svg``, ``.png`` or ``.pdf``) is the format.
        title: Heading of the figure.
        rr_ms: Duration of the cardiac cycle in ms, for the times of the frames; else per cent of
            the cycle.
        is_simulated: Whether to mark the figure as made from simulated recordings.

    Raises:
        InputError: A cine has another shape, there are none, or the suffix is another.
    """
    _check(recordings, MRI, most=5)
    frame_mm, label_mm, time_mm, block_gap_mm = 16.0, 6.0, 3.5, 2.5
    lines = MRI_FRAMES // _FRAMES_A_LINE
    block_mm = len(recordings) * frame_mm + time_mm
    width = label_mm + _FRAMES_A_LINE * frame_mm + 10
    height = 10 + lines * block_mm + (lines - 1) * block_gap_mm + 7
    with figure_file(path, width_mm=width, height_mm=height, dpi=160, is_gray=True) as figure:
        add_heading(figure, title, is_simulated=is_simulated)
        strips = {name: _strips(cine, lines) for name, cine in recordings.items()}
        for line in range(lines):
            top = height - 10 - line * (block_mm + block_gap_mm)
            for column in range(_FRAMES_A_LINE):
                frame = line * _FRAMES_A_LINE + column
                x = (5 + label_mm + (column + 0.5) * frame_mm) / width
                text = _frame_time(frame, rr_ms, is_first=column == 0)
                figure.text(x, (top - 2.7) / height, text, ha="center", fontsize=5.5, color=GRAY)
            for row, name in enumerate(recordings):
                bottom = top - time_mm - (row + 1) * frame_mm
                size = (_FRAMES_A_LINE * frame_mm / width, frame_mm / height)
                axes = figure.add_axes(((5 + label_mm) / width, bottom / height, *size))
                axes.imshow(strips[name][line], aspect="auto", interpolation="antialiased")
                axes.axis("off")
                x, y = (5 + label_mm - 1.5) / width, (bottom + frame_mm / 2) / height
                _label_row(figure, (x, y), name)
        figure.text(
            5 / width,
            2.5 / height,
            "All 50 frames of one cardiac cycle from end diastole. "
            "Gray scale of each cine: its own 1st to 99th percentile.",
            color=GRAY,
            fontsize=6,
        )


def _check(recordings: Mapping[str, NDArray[np.number]], modality: Modality, *, most: int) -> None:
    if not 1 <= len(recordings) <= most:
        raise InputError(
            f"{len(recordings)} recordings were given for a figure of {modality.title}s: "
            f"give 1 to {most}."
        )
    for name, recording in recordings.items():
        shape = np.shape(recording)
        if shape != modality.shape:
            raise InputError(
                f"'{name}' has shape {shape}, but the figure draws an {modality.title} of "
                f"shape {modality.shape}: pass one recording at a time."
            )


def _row_extent_mm(beats: Sequence[NDArray[np.float64]], row: Sequence[str]) -> tuple[float, float]:
    """Space below and above the baseline of a row in mm, whole big squares, at most 5 mV."""
    values = np.concatenate([beat[:, LEADS.index(lead)] for beat in beats for lead in row])
    low = min(np.nanmin(values, initial=0.0), 0.0) * _MM_PER_MV - 2
    high = max(np.nanmax(values, initial=0.0), 1.0) * _MM_PER_MV + 3
    return max(5 * np.floor(low / 5), -50.0), min(5 * np.ceil(high / 5), 50.0)


def _draw_paper(axes: Axes, width: float, height: float) -> None:
    axes.vlines(np.arange(0, width + 0.5), 0, height, color=_PAPER_LINE, lw=0.3, zorder=0)
    axes.hlines(np.arange(0, height + 0.5), 0, width, color=_PAPER_LINE, lw=0.3, zorder=0)
    axes.vlines(np.arange(0, width + 0.5, 5), 0, height, color=_PAPER_BOLD, lw=0.5, zorder=0.5)
    axes.hlines(np.arange(0, height + 0.5, 5), 0, width, color=_PAPER_BOLD, lw=0.5, zorder=0.5)
    axes.axis("off")


def _draw_lead(
    axes: Axes,
    beats: Sequence[NDArray[np.float64]],
    lead: str,
    origin: tuple[float, float],
    extent: tuple[float, float],
    colors: Sequence[str],
) -> None:
    left, baseline = origin
    x = left + np.arange(len(beats[0])) / ECG_RATE_HZ * _MM_PER_SECOND
    axes.text(left + 0.5, baseline + extent[1] - 0.8, lead, va="top", fontweight="bold")
    for index, (beat, color) in enumerate(zip(beats, colors, strict=False)):
        y = np.clip(beat[:, LEADS.index(lead)] * _MM_PER_MV, *extent)
        axes.plot(x, baseline + y, color=color, lw=1.1 if index == 0 else 0.8, zorder=2 + index)


def _with_differences(
    names: Mapping[str, object], beats: Sequence[NDArray[np.float64]]
) -> list[str]:
    first, *rest = names
    differences = [np.sqrt(np.mean((beat - beats[0]) ** 2)) for beat in beats[1:]]
    named = zip(rest, differences, strict=True)
    return [first, *(f"{name} (RMS difference {value:.3f} mV)" for name, value in named)]


def _strips(cine: NDArray[np.number], lines: int) -> list[NDArray[np.uint8]]:
    """Cut a cine (96, 96, 50) into ``lines`` rows of frames, as RGBA with white gaps between."""
    cine = np.asarray(cine, np.float32)
    low, high = np.percentile(cine, (1, 99))
    gray = np.clip((cine - low) / max(high - low, 1e-12), 0, 1) * 255
    rows, columns, _ = MRI.shape
    strips = []
    for line in range(lines):
        strip = np.full((rows + _FRAME_GAP, _FRAMES_A_LINE * (columns + _FRAME_GAP), 3), 255, "u1")
        for column in range(_FRAMES_A_LINE):
            left = column * (columns + _FRAME_GAP)
            frame = gray[:, :, line * _FRAMES_A_LINE + column, None]
            strip[:rows, left : left + columns] = frame.astype(np.uint8)
        strips.append(strip)
    return strips


def _frame_time(frame: int, rr_ms: float | None, *, is_first: bool) -> str:
    if rr_ms is None:
        return f"{'cycle ' if is_first else ''}{100 * frame / MRI_FRAMES:.0f} %"
    return f"{'t = ' if is_first else ''}{rr_ms * frame / MRI_FRAMES:.0f} ms"


def _label_row(figure: Figure, position: tuple[float, float], name: str) -> None:
    x, y = position
    name = "\n".join(textwrap.wrap(name, 14))
    size = 5.2 if "\n" in name else 5.6
    figure.text(x, y, name, rotation=90, ha="right", va="center", fontsize=size, linespacing=1.1)
