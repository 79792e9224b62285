"""Cine player: one or several cines side by side, in step, at the participant's heart rate."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.cine_pixels import MARKS, Cine, Kind, check_cines, pixels_and_facts
from app.components.wire import pack, read_assets

__all__ = ["MARKS", "Cine", "Kind", "cine_player"]

_component = st.components.v2.component(
    "cmae_cine_player",
    html='<div class="cmae cine-player"></div>',
    css=read_assets("base.css", "cine_screen.css", "cine_player.css"),
    js=read_assets("wire.js", "cine_screen.js", "cine_clock.js", "cine_player.js"),
)


def cine_player(
    cines: Sequence[Cine],
    *,
    key: str,
    rr_ms: float | None = None,
    es_frame: int | None = None,
    group: str = "",
    is_autoplaying: bool = True,
) -> None:
    """Play cines side by side, locked in step, looping over one cardiac cycle.

    Space plays and pauses, arrows step a frame, Home goes to the first. Dragging on a picture
    sets window (left-right) and level (up-down) of all intensity cines; a double click resets
    them. Paused at the start where the person prefers reduced motion.

    Args:
        cines: Cines with the same number of frames; frame 0 is end diastole.
        key: Streamlit key, unique on the page.
        rr_ms: Duration of the cycle in ms; None, NaN or not positive: 1,000 ms, and the player
            says that it is unknown.
        es_frame: Frame of end systole, for its tick on the scrub bar; None: no tick.
        group: Cursor group: moves the cursor of an ECG paper of the same group; empty: none.
        is_autoplaying: Whether it plays when it appears.

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
        "is_autoplaying": is_autoplaying,
    }
    _component(key=key, data=pack(header, blocks))
