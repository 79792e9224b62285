"""Median beats as paths of an SVG in paper's units, one heartbeat set off from its neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import ECG, ECG_RATE_HZ, LEADS, R_PEAK_SAMPLE
from cmae.errors import InputError

Style = Literal["recorded", "reconstructed", "translated", "first", "second", "residual"]
"""How a trace is drawn: solid ink, dashed blue, dash-dotted orange, the solid blue and the dashed
orange of two groups, or a thin strip below."""

CELL_MM = 30.0
"""Width of one cell: 1.2 s at 25 mm/s."""

MM_PER_MV = 10.0
MM_PER_MS = 0.025

BEAT_MS = 1000.0 * ECG.shape[0] / ECG_RATE_HZ
R_PEAK_MS = 1000.0 * R_PEAK_SAMPLE / ECG_RATE_HZ

BEFORE_R = 0.4
"""Share of an RR interval before the R peak: PR at every rate lies in it, QT in the rest."""

_EVEN = 'vector-effect="non-scaling-stroke"'


@dataclass(frozen=True)
class Trace:
    """One twelve-lead median beat to draw.

    Attributes:
        signals: ``(600, 12)`` in mV, clinical lead order, 500 Hz, R peak at sample 200.
        label: What it is, for the legend: "recorded", "reconstructed from the ECG", …
        style: How it is drawn.
        band: Lower and upper end of an interval around the signals, each ``(600, 12)`` in mV, drawn
            as an area behind all traces; None: no interval.
    """

    signals: NDArray[np.floating]
    label: str
    style: Style = "recorded"
    band: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None


def check(traces: Sequence[Trace]) -> None:
    """Raise InputError unless there is at least one trace and all are twelve-lead beats."""
    if not traces:
        raise InputError("No beat to draw: give at least one trace.")
    for trace in traces:
        for signals in (trace.signals, *(trace.band or ())):
            ECG.check(np.asarray(signals), what=f"The trace {trace.label!r}")
            if np.asarray(signals).ndim != 2:
                raise InputError(
                    f"The trace {trace.label!r} holds several beats: give one a trace."
                )


def cycle_ms(rr_ms: float) -> tuple[float, float]:
    """Return which part of a median beat is one heartbeat; the rest shows neighbouring beats.

    Args:
        rr_ms: RR interval in ms.

    Returns:
        Start and end in ms from the first sample: one RR interval with ``BEFORE_R`` of it before
        the R peak, as far as the beat reaches.
    """
    start = max(0.0, R_PEAK_MS - BEFORE_R * rr_ms)
    return start, min(BEAT_MS, start + rr_ms)


def definitions(traces: Sequence[Trace], *, rr_ms: float | None = None) -> str:
    """Return the ``<defs>`` that all sheets of these traces share: one path a trace and lead.

    With an RR interval, what lies beyond one heartbeat is a path of its own, drawn faint.

    A trace with a band has a second path a lead, the outline of the interval.

    Units inside a path are 0.01 mm, as integers: a sixth of the text that millimetres need.

    Args:
        traces: Beats of 600 samples, in mV.
        rr_ms: RR interval in ms, or None where it is unknown.
    """
    paths = []
    first, last = _heartbeat(rr_ms)
    for number, trace in enumerate(traces):
        heights = _heights(trace.signals)
        step = round(CELL_MM * 100 / len(heights))
        for lead, column in zip(LEADS, heights.T, strict=True):
            name = f"{number}-{lead}"
            beat = _path(column, first, last, step)
            before, after = _path(column, 0, first, step), _path(column, last, None, step)
            paths.append(
                f'<g id="t{name}"><path id="c{name}" {_EVEN} d="{beat}"/>'
                + (f'<path class="beyond" {_EVEN} d="{before}{after}"/>' if before + after else "")
                + "</g>"
            )
        if trace.band is None:
            continue
        low, high = (_heights(end) for end in trace.band)
        for lead, under, over in zip(LEADS, low.T, high.T, strict=True):
            back = f"0 {under[-1] - over[-1]} {_moves(under[::-1], -step)}"
            paths.append(
                f'<path id="b{number}-{lead}" d="m0 {over[0]}l{_moves(over, step)} {back}z"/>'
            )
    return f"<defs>{''.join(paths)}</defs>"


def _heartbeat(rr_ms: float | None) -> tuple[int, int]:
    """Return the first and the last sample of one heartbeat."""
    count = ECG.shape[0]
    if rr_ms is None:
        return 0, count - 1
    start, end = cycle_ms(rr_ms)
    return round(start * ECG_RATE_HZ / 1000), min(round(end * ECG_RATE_HZ / 1000), count - 1)


def _path(column: NDArray[np.int64], first: int, last: int | None, step: int) -> str:
    """Return the path from one sample of a lead to another; empty where they are one."""
    part = column[first : None if last is None else last + 1]
    return f"M{first * step} {part[0]}l{_moves(part, step)}" if len(part) > 1 else ""


def _heights(signals: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return mV as 0.01 mm down the paper."""
    heights = np.rint(-np.asarray(signals, np.float64) * MM_PER_MV * 100).astype(np.int64)
    return np.clip(heights, -9999, 9999)


def _moves(column: NDArray[np.int64], step: int) -> str:
    """Return the path from the first height of a lead to the last, in relative moves."""
    return " ".join(f"{step} {rise}" for rise in np.diff(column).tolist())


def describe(traces: Sequence[Trace]) -> str:
    """Return a sentence for people who cannot see the sheet."""
    names = ", ".join(trace.label for trace in traces)
    return f"Twelve-lead ECG median beat, 25 mm/s and 10 mm/mV: {names}"
