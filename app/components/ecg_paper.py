"""ECG paper: median beats drawn as a cardiologist reads them, 25 mm/s and 10 mm/mV."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
import streamlit as st

from app.components.ecg_beats import Style, Trace, check, definitions, describe
from app.components.ecg_sheet import (
    FACTS,
    LAYOUTS,
    WITH_STRIP,
    Layout,
    Order,
    color_variables,
    ecg_svg,
    sheet,
)
from app.components.wire import read_assets

__all__ = ["Layout", "Order", "Style", "Trace", "ecg_paper", "ecg_svg"]

LEAST_RR_MS = 200.0
"""A shorter interval between two beats is no measurement."""

_component = st.components.v2.component(
    "cmae_ecg_paper",
    html='<div class="cmae ecg-paper"></div>',
    css=color_variables() + read_assets("base.css", "ecg_sheet.css", "ecg_paper.css"),
    js=read_assets("wire.js", "ecg_sheet.js", "ecg_paper.js"),
)


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
        traces: Beats drawn over each other, first at the bottom; all are named for screen
            readers.
        key: Streamlit key, unique on the page.
        layout: Cells of the sheet at the start.
        order: Order of the leads at the start.
        rr_ms: RR interval of the ECG in ms: what lies beyond one interval is drawn faint, and the
            layout with a strip of repeated beats is offered; None, or less than 200 ms: unknown.
        group: Cursor group: a cine player of the same group moves the cursor of this paper
            (window event ``cmae-cycle`` with ``{group, phase_ms, rr_ms}``); empty: no cursor.

    Raises:
        InputError: A trace is not ``(600, 12)`` or there is none.
    """
    check(traces)
    is_known = rr_ms is not None and np.isfinite(rr_ms) and rr_ms >= LEAST_RR_MS
    beat = float(rr_ms) if rr_ms is not None and is_known else None
    sheets = {
        f"{cells}/{leads}": sheet(traces, layout=cells, order=leads, rr_ms=beat)
        for cells in LAYOUTS
        for leads in get_args(Order)
        if is_known or cells != WITH_STRIP
    }
    _component(
        key=key,
        data={
            "definitions": definitions(traces, rr_ms=beat),
            "sheets": sheets,
            "traces": [{"label": trace.label, "style": trace.style} for trace in traces],
            **FACTS,
            "layout": layout,
            "order": order,
            "description": describe(traces),
            "group": group,
            "rr_ms": beat or 1000.0,
        },
    )
