"""Cine player: one or several cines side by side, in step, at the participant's heart rate."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.cine_pixels import MARKS, Cine, Kind, check_cines, pixels_and_facts
from app.components.wire import pack, read_assets

__all__ = ["MARKS", "Cine", "Files", "Kind", "cine_player"]

_component = st.components.v2.component(
    "cmae_cine_player",
    html='<div class="cmae cine-player"></div>',
    css=read_assets("base.css", "cine_screen.css", "cine_player.css"),
    js=read_assets(
        "wire.js", "cine_screen.js", "cine_clock.js", "cine_export.js", "cine_player.js"
    ),
)


@dataclass(frozen=True)
class Files:
    """How pictures and videos of a player are named and signed.

    Attributes:
        name: Start of the file's name: never an identifier.
        footer: A line that stands in the picture: what is simulated, what is generated.
    """

    name: str = "cine"
    footer: str = ""


def cine_player(
    cines: Sequence[Cine],
    *,
    key: str,
    rr_ms: float | None = None,
    es_frame: int | None = None,
    group: str = "",
    files: Files | None = None,
    pending: Sequence[str] = (),
) -> None:
    """Play cines side by side, locked in step, over one cardiac cycle, in a loop or to and fro.

    Space plays and pauses, arrows step a frame, Home goes to the first. Dragging on a picture
    sets window (left-right) and level (up-down) of all intensity cines; pinching, or the wheel
    with Ctrl, zooms all, Shift and dragging moves them; a double click resets both. Paused at the
    start where the person prefers reduced motion. The frame and a video are saved by the browser.

    Args:
        cines: Cines with the same number of frames; frame 0 is end diastole.
        key: Streamlit key, unique on the page.
        rr_ms: Duration of the cycle in ms; None, NaN or not positive: 1,000 ms, and the player
            says that it is unknown.
        es_frame: Frame of end systole, for its tick on the scrub bar; None: no tick, until an area
            curve of the same ``files.name`` finds it (window event ``cmae-marks``).
        group: Cursor group: moves the cursor of an ECG paper and of an area curve of the same group
            (window event ``cmae-cycle``), and goes where the curve is pressed (``cmae-seek``).
        files: How saved pictures are named and signed; None: plainly.
        pending: Captions of cines that are still being made: each keeps its place.

    Raises:
        InputError: There is no cine, one is not finite or not (rows, columns, frames), or they
            differ in their number of frames.
    """
    check_cines(cines)
    entries: list[dict[str, object]] = []
    blocks: dict[str, NDArray[np.generic]] = {}
    for number, cine in enumerate(cines):
        blocks[f"cine{number}"], facts = pixels_and_facts(cine)
        entries.append(facts)
    is_rr_known = rr_ms is not None and np.isfinite(rr_ms) and rr_ms > 0
    header = {
        "cines": entries,
        "frames": int(cines[0].frames.shape[2]),
        "rr_ms": float(rr_ms) if rr_ms is not None and is_rr_known else 1000.0,
        "is_rr_known": bool(is_rr_known),
        "es_frame": None if es_frame is None else int(es_frame),
        "group": group,
        "name": (files or Files()).name,
        "footer": (files or Files()).footer,
        "pending": list(pending),
    }
    _component(key=key, data=pack(header, blocks))
