"""ECG sheets as SVG: 25 mm/s, 10 mm/mV, one unit of the drawing is one millimetre of paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.components.ecg_beats import (
    BEAT_MS,
    BEFORE_R,
    CELL_MM,
    MM_PER_MS,
    MM_PER_MV,
    R_PEAK_MS,
    Trace,
    check,
    cycle_ms,
    definitions,
    describe,
)
from cmae.data.modality import ECG, LEADS

Layout = Literal["3x4", "3x4+II", "6x2", "12x1"]
"""Rows × columns of lead cells, each 1.2 s (30 mm) wide; with II, a strip of repeated beats."""

Order = Literal["clinical", "cabrera"]
"""I II III aVR aVL aVF V1–V6, or aVL I −aVR II aVF III V1–V6."""

LAYOUTS: dict[Layout, tuple[int, int]] = {
    "3x4": (3, 4), "3x4+II": (3, 4), "6x2": (6, 2), "12x1": (12, 1),
}  # fmt: skip
"""Rows and columns of cells by layout."""

WITH_STRIP: Layout = "3x4+II"
"""The layout that repeats the median beat at the RR interval, and hence needs one."""

CABRERA = ("aVL", "I", "-aVR", "II", "aVF", "III")
"""Limb leads by their angle, −30° to 120°; −aVR is aVR turned over."""

MARGIN_MM = 10.0
"""Left of the first cell: the calibration pulse."""

_MOST_MM = 40.0
"""A beat beyond 4 mV runs into its neighbour rather than stretching the sheet."""

_FLAT = np.zeros(ECG.shape)

PAPERS = {
    "light": {
        "paper": "#fffaf7", "minor": "#f7ddd5", "major": "#e8ab9d", "ink": "#14110f",
        "quiet": "#6b4a42", "reconstructed": "#0067a8", "translated": "#b84a00",
        "first": "#0067a8", "second": "#b84a00", "residual": "#7a3b93", "cursor": "#00795a",
    },
    "dark": {
        "paper": "#191416", "minor": "#32262a", "major": "#5a3f44", "ink": "#f5f1ee",
        "quiet": "#c9aea8", "reconstructed": "#5bb8f0", "translated": "#ff9d45",
        "first": "#5bb8f0", "second": "#ff9d45", "residual": "#cf9be6", "cursor": "#3fd6a8",
    },
}  # fmt: skip
"""Colors of the paper; the traces' hues (Okabe and Ito) stay apart for color-blind eyes."""

DASHES = {
    "recorded": "none", "reconstructed": "6 3", "translated": "9 2.5 2 2.5", "first": "none",
    "second": "6 3",
}  # fmt: skip
"""Stroke patterns in CSS pixels: hue is never the only difference."""


@dataclass(frozen=True)
class _Row:
    """One row of cells: its leads, and where it lies in mm from the top of the sheet."""

    leads: tuple[str, ...]
    baseline: float
    residual: float | None


def sheet(
    traces: Sequence[Trace], *, layout: Layout, order: Order, rr_ms: float | None = None
) -> tuple[float, float, str]:
    """Lay out one sheet.

    Args:
        traces: Beats, first at the bottom.
        layout: Rows and columns.
        order: Order of the leads.
        rr_ms: RR interval in ms, or None where it is unknown: then there is no strip.

    Returns:
        Width and height in mm, and the content of the ``<svg>``, which needs ``definitions``.
    """
    rows, height = _rows(traces, layout=layout, order=order)
    columns = LAYOUTS[layout][1]
    width = MARGIN_MM + columns * CELL_MM
    parts = [_grid(width, height)]
    parts += [_cells(row, traces) for row in rows]
    scale = "25 mm/s · 10 mm/mV"
    if rr_ms is not None:
        if layout == WITH_STRIP:
            strip, height = _strip(traces, height - 5.0, rr_ms)
            parts = [_grid(width, height), *parts[1:], strip]
        if cycle_ms(rr_ms) != (0.0, BEAT_MS):
            scale += f" · faint: beyond one RR interval of {rr_ms:.0f} ms"
    parts.append(f'<text class="scale" x="1" y="{height - 1.6:g}">{scale}</text>')
    return width, height, "".join(parts)


FACTS: dict[str, float] = {
    "cell_mm": CELL_MM,
    "margin_mm": MARGIN_MM,
    "r_peak_ms": R_PEAK_MS,
    "beat_ms": BEAT_MS,
    "before_r": BEFORE_R,
}
"""What ``EcgSheet`` in ecg_sheet.js must know to place a cursor."""


def drawing(
    traces: Sequence[Trace],
    *,
    layout: Layout = "3x4",
    order: Order = "clinical",
    rr_ms: float | None = None,
) -> dict[str, object]:
    """Return what ``EcgSheet`` in ecg_sheet.js takes to draw one sheet.

    Args:
        traces: Beats drawn over each other, first at the bottom.
        layout: Cells of the sheet.
        order: Order of the leads.
        rr_ms: RR interval in ms, or None where it is unknown.

    Returns:
        For JSON.

    Raises:
        InputError: A trace is not ``(600, 12)`` or there is none.
    """
    check(traces)
    return {
        "definitions": definitions(traces, rr_ms=rr_ms),
        "sheet": sheet(traces, layout=layout, order=order, rr_ms=rr_ms),
        "description": describe(traces),
        **FACTS,
    }


def ecg_svg(
    traces: Sequence[Trace],
    *,
    layout: Layout = "3x4",
    order: Order = "clinical",
    rr_ms: float | None = None,
    is_dark: bool = False,
) -> str:
    """Return a sheet as a stand-alone SVG file, sized in true millimetres, with its legend.

    Args:
        traces: Beats drawn over each other, first at the bottom.
        layout: Cells of the sheet.
        order: Order of the leads.
        rr_ms: RR interval in ms, or None where it is unknown.
        is_dark: Whether to use the dark paper.

    Returns:
        The text of an SVG file.

    Raises:
        InputError: A trace is not ``(600, 12)`` or there is none.
    """
    check(traces)
    width, height, content = sheet(traces, layout=layout, order=order, rr_ms=rr_ms)
    lines = "".join(
        f'<g transform="translate(1 {height + 4 + 5 * k:g})"><path class="trace {trace.style}" '
        f'd="M0 0H12"/><text class="scale" x="14" y="1">{escape(trace.label)}</text></g>'
        for k, trace in enumerate(traces)
    )
    full = height + 5 * len(traces) + 2
    colors = PAPERS["dark" if is_dark else "light"]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{full:g}mm" '
        f'viewBox="0 0 {width:g} {full:g}"><title>{escape(describe(traces))}</title>'
        f"<style>{_style(colors)}</style>"
        f'<rect class="page" width="{width:g}" height="{full:g}"/>'
        f"{definitions(traces, rr_ms=rr_ms)}{content}{lines}</svg>\n"
    )


def color_variables() -> str:
    """Return CSS that sets the paper's colors as variables, for light and for dark pages."""
    return "".join(
        f'.ecg-paper[data-theme="{theme}"]{{'
        + "".join(f"--{name}:{color};" for name, color in colors.items())
        + "}"
        for theme, colors in PAPERS.items()
    )


def leads_in(order: Order) -> tuple[str, ...]:
    """Return the twelve leads in the order in which a sheet shows them."""
    return LEADS if order == "clinical" else CABRERA + LEADS[6:]


def _rows(traces: Sequence[Trace], *, layout: Layout, order: Order) -> tuple[list[_Row], float]:
    """Return the rows of a sheet and its height; leads run down the columns, as in print.

    Baselines lie on heavy lines, and as far apart as the beats above and below one another need.
    """
    count, columns = LAYOUTS[layout]
    leads = leads_in(order)
    drawn = [beat for t in traces if t.style != "residual" for beat in (t.signals, *(t.band or ()))]
    beats = np.stack(drawn or [_FLAT]) * MM_PER_MV
    signals = np.stack([_signed(beats, lead) for lead in leads]).reshape(len(leads), -1)
    above = np.clip(signals.max(axis=1), 0.0, _MOST_MM).reshape(columns, count)
    below = np.clip(-signals.min(axis=1), 0.0, _MOST_MM).reshape(columns, count)
    has_residual = any(trace.style == "residual" for trace in traces)
    strip = 10.0 if has_residual else 0.0
    least = 20.0 if layout.startswith("3x4") else 15.0
    rows: list[_Row] = []
    baseline = max(_heavy(float(above[:, 0].max()) + 1.0), 15.0)
    lowest = 5.0
    for k in range(count):
        if k:
            apart = float((below[:, k - 1] + above[:, k]).max()) + 2.0
            if has_residual:  # The strip runs through all columns: no beat may reach into it.
                apart = lowest + strip + float(above[:, k].max()) + 2.0
            baseline += max(_heavy(apart), least)
        lowest = _heavy(float(below[:, k].max()) + 1.0)
        residual = baseline + lowest + 5.0 if has_residual else None
        names = tuple(leads[column * count + k] for column in range(columns))
        rows.append(_Row(names, baseline, residual))
    return rows, baseline + lowest + strip + 5.0


def _heavy(length: float) -> float:
    """Return ``length`` in mm rounded up to the next heavy line of the paper."""
    return float(np.ceil(length / 5.0) * 5.0)


def _signed(beats: NDArray[np.floating], name: str) -> NDArray[np.floating]:
    """Return one lead of ``(traces, 600, 12)`` beats; a leading minus turns it over."""
    signal = beats[:, :, LEADS.index(name.removeprefix("-"))]
    return -signal if name.startswith("-") else signal


def _cells(row: _Row, traces: Sequence[Trace]) -> str:
    """Return one row: calibration pulse, traces, separators, then the names of the leads."""
    parts = [f'<path class="pulse" d="M1.5 {row.baseline:g}h1v-10h5v10h1"/>']
    for k, name in enumerate(row.leads):
        left = MARGIN_MM + k * CELL_MM
        lead, flip = name.removeprefix("-"), -1 if name.startswith("-") else 1
        bands, lines = [], []
        for number, trace in enumerate(traces):
            y = row.residual if trace.style == "residual" else row.baseline
            place = f'transform="translate({left:g} {y:g}) scale(.01 {0.01 * flip:g})"/>'
            start = f'{trace.style}" data-trace="{number}" href="#'
            lines.append(f'<use class="trace {start}t{number}-{lead}" {place}')
            if trace.band is not None:
                bands.append(f'<use class="band {start}b{number}-{lead}" {place}')
        parts += bands + lines
        if k:
            parts.append(f'<path class="edge" d="M{left:g} {row.baseline - 4:g}v2.5m0 3v2.5"/>')
        label = name.replace("-", "−")
        parts.append(f'<text class="lead" x="{left + 1:g}" y="{row.baseline - 5:g}">{label}</text>')
    if row.residual is not None:
        right = MARGIN_MM + len(row.leads) * CELL_MM
        parts.append(f'<path class="zero" d="M{MARGIN_MM:g} {row.residual:g}H{right:g}"/>')
    return "".join(parts)


def _strip(traces: Sequence[Trace], top: float, rr_ms: float) -> tuple[str, float]:
    """Return a strip of lead II, one beat again and again, and the height of the sheet with it."""
    kept = [number for number, trace in enumerate(traces) if trace.style != "residual"]
    recorded = [number for number in kept if traces[number].style == "recorded"]
    number = (recorded or kept or [0])[0]
    signal = np.asarray(traces[number].signals)[:, LEADS.index("II")] * MM_PER_MV
    above, below = (float(np.clip(end, 0.0, _MOST_MM)) for end in (signal.max(), -signal.min()))
    baseline = top + _heavy(above + 6.0)
    start = cycle_ms(rr_ms)[0]
    parts = [f'<path class="pulse" d="M1.5 {baseline:g}h1v-10h5v10h1"/>']
    for beat in range(int(np.ceil(4 * CELL_MM / (rr_ms * MM_PER_MS)))):
        left = MARGIN_MM + (beat * rr_ms - start) * MM_PER_MS
        parts.append(
            f'<use class="trace {traces[number].style}" data-trace="{number}" '
            f'href="#c{number}-II" transform="translate({left:.2f} {baseline:g}) scale(.01)"/>'
        )
    words = f"the median beat again every {rr_ms:.0f} ms: no recorded rhythm"
    y = top + 2.6
    parts.append(
        f'<path class="zero" d="M{MARGIN_MM:g} {top:g}H{MARGIN_MM + 4 * CELL_MM:g}"/>'
        f'<text class="lead" x="{MARGIN_MM + 1:g}" y="{y:g}">II</text>'
        f'<text class="scale" x="{MARGIN_MM + 6:g}" y="{y:g}">{words}</text>'
    )
    group = f'<g class="strip" data-top="{top:g}" data-start="{start:g}" data-every="{rr_ms:g}">'
    return f"{group}{''.join(parts)}</g>", baseline + _heavy(below + 1.0) + 5.0


def _grid(width: float, height: float) -> str:
    """Return the paper: lines each 1 mm, heavier each 5 mm."""
    minor = "".join(f"M{x} 0V{height:g}" for x in range(int(width) + 1) if x % 5)
    minor += "".join(f"M0 {y}H{width:g}" for y in range(int(height) + 1) if y % 5)
    major = "".join(f"M{x} 0V{height:g}" for x in range(0, int(width) + 1, 5))
    major += "".join(f"M0 {y}H{width:g}" for y in range(0, int(height) + 1, 5))
    return (
        f'<rect class="page" width="{width:g}" height="{height:g}"/>'
        f'<path class="minor" d="{minor}"/><path class="major" d="{major}"/>'
    )


def _style(colors: dict[str, str]) -> str:
    """Return the style sheet of a stand-alone file; ecg_paper.css says the same for the page."""
    line = "fill:none;vector-effect:non-scaling-stroke;stroke-linejoin:round"
    text = "font-family:system-ui,Helvetica,Arial,sans-serif"
    traces = "".join(
        f".{style}{{stroke:{colors[style]};stroke-dasharray:{DASHES[style]}}}"
        for style in ("reconstructed", "translated", "first", "second")
    ) + "".join(
        f".band.{style}{{fill:{colors[style]};stroke:none;opacity:.25}}"
        for style in ("first", "second", "residual")
    )
    return (
        f".page{{fill:{colors['paper']}}}.minor{{{line};stroke:{colors['minor']};stroke-width:.4}}"
        f".major{{{line};stroke:{colors['major']};stroke-width:.7}}"
        f".trace,.pulse,.edge{{{line};stroke:{colors['ink']};stroke-width:1.2}}{traces}"
        f".residual{{stroke:{colors['residual']};stroke-width:.8}}.beyond{{opacity:.28}}"
        f".zero{{{line};stroke:{colors['quiet']};stroke-width:.4}}"
        f".lead{{{text};font-size:3.2px;font-weight:600;fill:{colors['ink']}}}"
        f".scale{{{text};font-size:2.8px;fill:{colors['quiet']}}}"
    )
