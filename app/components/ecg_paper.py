"""ECG paper: median beats drawn as a cardiologist reads them, 25 mm/s and 10 mm/mV."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Layout = Literal["3x4", "6x2", "12x1"]
"""Rows × columns of lead cells; each cell is 1.2 s (30 mm) wide."""

Order = Literal["clinical", "cabrera"]
"""I II III aVR aVL aVF V1–V6, or aVL I −aVR II aVF III V1–V6."""

Style = Literal["recorded", "reconstructed", "translated", "residual"]
"""How a trace is drawn: solid ink, dashed blue, dashed orange, or a thin strip below."""


@dataclass(frozen=True)
class Trace:
    """One twelve-lead median beat to draw.

    Attributes:
        signals: ``(600, 12)`` in mV, clinical lead order, 500 Hz, R peak at sample 200.
        label: What it is, for the legend: "recorded", "reconstructed from the ECG", …
        style: How it is drawn.
    """

    signals: NDArray[np.floating]
    label: str
    style: Style = "recorded"


def ecg_paper(
    traces: Sequence[Trace],
    *,
    key: str,
    layout: Layout = "3x4",
    order: Order = "clinical",
    rr_ms: float | None = None,
    group: str = "",
) -> None:
    """Draw beats on ECG paper, with calipers and a cursor that a cine player can drive.

    The person changes layout and lead order on the page without a trip to the server; ``layout``
    and ``order`` are what it opens with (a page narrower than 560 px opens 3x4 as 6x2). Drag on
    the paper for calipers (Δt in ms, ΔmV, rate); Escape or a click removes them.

    Args:
        traces: Beats drawn over each other, first at the bottom; the first recorded one names
            the picture for screen readers.
        key: Streamlit key, unique on the page.
        layout: Cells of the sheet at the start.
        order: Order of the leads at the start.
        rr_ms: Time between two beats in ms, to place the cursor of a cine; None: 1,000 ms.
        group: Cursor group: a cine player of the same group moves the cursor of this paper
            (window event ``cmae-cycle`` with ``{group, phase_ms, rr_ms}``); empty: no cursor.

    Raises:
        InputError: A trace is not ``(600, 12)`` or there is none.
    """
    raise NotImplementedError


def ecg_svg(
    traces: Sequence[Trace],
    *,
    layout: Layout = "3x4",
    order: Order = "clinical",
    is_dark: bool = False,
) -> str:
    """Return the same sheet as a stand-alone SVG file, sized in true millimetres.

    Args:
        traces: Beats drawn over each other, first at the bottom.
        layout: Cells of the sheet.
        order: Order of the leads.
        is_dark: Whether to use the dark paper.

    Returns:
        The text of an SVG file with a white (or dark) page, legend and scale.

    Raises:
        InputError: A trace is not ``(600, 12)`` or there is none.
    """
    raise NotImplementedError
