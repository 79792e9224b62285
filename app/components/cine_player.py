"""Cine player: one or several cines side by side, in step, at the participant's heart rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.wire import pack, read_assets
from cmae.errors import InputError

Kind = Literal["intensity", "difference"]
"""Grey with window and level, or signed with a diverging map around zero."""

_component = st.components.v2.component(
    "cmae_cine_player",
    html='<div class="cmae cine-player"></div>',
    css=read_assets("base.css", "cine_player.css"),
    js=read_assets("wire.js", "cine_player.js"),
)


@dataclass(frozen=True)
class Cine:
    """One cine to play.

    Attributes:
        frames: ``(rows, columns, frames)``, any number type, scanner intensity.
        label: Caption over the picture: "recorded", "from the ECG", …
        kind: ``"difference"`` is drawn from blue over neutral to red around zero, with its
            fixed scale as a legend.
        low: Intensity shown black; None: the 0.5th percentile. Unused by a difference.
        high: Intensity shown white; None: the 99.5th percentile. For a difference: the size at
            which its colors end, None: the 99.5th percentile of ``|x|``.
        note: A short line under the picture, e.g. "generated · research use only".
    """

    frames: NDArray[np.generic]
    label: str
    kind: Kind = "intensity"
    low: float | None = None
    high: float | None = None
    note: str = ""


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
    _check(cines)
    entries: list[dict[str, object]] = []
    blocks: dict[str, NDArray[np.generic]] = {}
    for number, cine in enumerate(cines):
        pixels, window = _difference(cine) if cine.kind == "difference" else _intensity(cine)
        blocks[f"cine{number}"] = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        rows, columns, _ = cine.frames.shape
        entries.append(
            {
                "label": cine.label,
                "kind": cine.kind,
                "note": cine.note,
                "rows": rows,
                "columns": columns,
                **window,
            }
        )
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


def _check(cines: Sequence[Cine]) -> None:
    """Raise InputError unless the cines can be played in step."""
    if not cines:
        raise InputError("No cine to play: give at least one.")
    for cine in cines:
        if cine.frames.ndim != 3 or cine.frames.size == 0:
            raise InputError(
                f"The cine {cine.label!r} has shape {cine.frames.shape}, but the player needs "
                "(rows, columns, frames): give one cine at a time."
            )
        if not np.isfinite(cine.frames).all():
            raise InputError(
                f"The cine {cine.label!r} holds NaN or infinite values: mask them first."
            )
    counts = {cine.frames.shape[2] for cine in cines}
    if len(counts) > 1:
        raise InputError(
            f"The cines have {sorted(counts)} frames, but play in step only with equal numbers: "
            "resample them to the same number."
        )


def _intensity(cine: Cine) -> tuple[NDArray[np.uint8], dict[str, float]]:
    """Return bytes over a range wider than the window, and the window's ends in those bytes.

    The headroom lets a person widen the window on the page without new pixels.
    """
    frames = cine.frames.astype(np.float32)
    low = float(np.percentile(frames, 0.5)) if cine.low is None else float(cine.low)
    high = float(np.percentile(frames, 99.5)) if cine.high is None else float(cine.high)
    span = max(high - low, 1e-6)
    bottom = max(float(frames.min()), low - 0.25 * span)
    top = max(min(float(frames.max()), high + 0.75 * span), bottom + 1e-6)
    scale = 255.0 / (top - bottom)
    pixels = np.clip(np.rint((frames - bottom) * scale), 0, 255).astype(np.uint8)
    return pixels, {"low": (low - bottom) * scale, "high": (low + span - bottom) * scale}


def _difference(cine: Cine) -> tuple[NDArray[np.uint8], dict[str, float]]:
    """Return bytes with zero at 128, and the size of the difference at which the colors end."""
    frames = cine.frames.astype(np.float32)
    end = float(np.percentile(np.abs(frames), 99.5)) if cine.high is None else float(cine.high)
    end = max(end, 1e-6)
    pixels = np.clip(np.rint(frames / end * 127.0) + 128.0, 1, 255).astype(np.uint8)
    return pixels, {"low": -end, "high": end}
