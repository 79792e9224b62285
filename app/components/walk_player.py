"""Walk player: all decoded points of a walk, scrubbed in the browser, with a trust strip."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.ecg_beats import Trace
from app.components.ecg_sheet import color_variables, drawing
from app.components.wire import pack, read_assets
from cmae.errors import InputError

AMONG, SPARSE, OUTSIDE = 0, 1, 2
"""How near a point is to real hearts: among them, farther than most of them are, or outside."""

_component = st.components.v2.component(
    "cmae_walk_player",
    html='<div class="cmae walk-player"></div>',
    css=color_variables()
    + read_assets("base.css", "ecg_sheet.css", "cine_screen.css", "walk_player.css"),
    js=read_assets("wire.js", "cine_screen.js", "cine_clock.js", "ecg_sheet.js", "walk_player.js"),
)


@dataclass(frozen=True, eq=False)
class Pictures:
    """What the points of a walk decode to; either may be absent.

    Attributes:
        ecg: (points, 600, 12) in mV.
        pixels: (points × frames, rows, columns) bytes of the cines, one after the other.
        facts: What ``cine_pixels.pixels_and_facts`` said of these bytes.
        sd: Bytes that are one SD of the cine at the start: the unit of differences.
    """

    ecg: NDArray[np.float32] | None = None
    pixels: NDArray[np.uint8] | None = None
    facts: dict[str, object] | None = None
    sd: float = 1.0


@dataclass(frozen=True, eq=False)
class Path:
    """The points of a walk, in words and in numbers.

    Attributes:
        labels: For each point how far it is: "+1.2 SD".
        steps: (points,) the same as numbers, rising.
        start: Which point is the start.
        ticks: Places to label under the slider, and their labels.
        levels: (points,) of AMONG, SPARSE and OUTSIDE.
        ends: Where the walk leaves the data backward and forward, in steps; None: it does not.
        crowd: (bins,) real hearts from the first point to the last.
        trust: For each point, a sentence on how near real hearts are.
        warning: One sentence on where the walk leaves the data, or that it does not.
        rows: (points,) row of the nearest real heart.
        neighbours: For each point, the nearest real heart's name for people.
    """

    labels: Sequence[str]
    steps: NDArray[np.floating]
    start: int
    ticks: Sequence[tuple[float, str]]
    levels: NDArray[np.integer]
    ends: tuple[float | None, float | None]
    crowd: NDArray[np.integer]
    trust: Sequence[str]
    warning: str
    rows: NDArray[np.integer]
    neighbours: Sequence[str]


def walk_player(
    path: Path,
    pictures: Pictures,
    *,
    key: str,
    rr_ms: float | None = None,
    start_name: str = "start",
) -> int | None:
    """Show the points of a walk, all sent at once: moving along it never asks the server.

    Arrow keys move a point, Home goes to the start, Page Up and Down to the ends, space walks.
    The heart beats meanwhile, and a cursor sweeps the ECG; nothing moves at first where the person
    prefers reduced motion. Other components follow by the window event ``cmae-walk`` with
    ``{group, place}`` (the key and the number of the point), and may ask by ``cmae-walk-ask``.

    Args:
        path: The points.
        pictures: What they decode to.
        key: Streamlit key, unique on the page.
        rr_ms: The heartbeat in ms; None: 1,000 ms.
        start_name: What the start is: "participant 12".

    Returns:
        The row of the real heart that was asked for in this run, or None.

    Raises:
        InputError: Shapes do not fit each other.
    """
    count = len(path.labels)
    _check(path, pictures)
    blocks: dict[str, NDArray[np.generic]] = {"crowd": np.asarray(path.crowd, np.int32)}
    header: dict[str, object] = {
        "group": key,
        "labels": list(path.labels),
        "steps": [float(each) for each in path.steps],
        "start": int(path.start),
        "ticks": [[float(place), text] for place, text in path.ticks],
        "levels": [int(each) for each in path.levels],
        "ends": [None if each is None else float(each) for each in path.ends],
        "trust": list(path.trust),
        "warning": path.warning,
        "rows": [int(each) for each in path.rows],
        "neighbours": list(path.neighbours),
        "rr_ms": float(rr_ms) if rr_ms is not None and rr_ms > 0 else 1000.0,
        "start_name": start_name,
        "sheets": None,
        "cine": None,
    }
    if pictures.ecg is not None:
        header["sheets"] = _sheets(pictures.ecg, path.start, start_name)
        blocks["ecg"] = np.ascontiguousarray(np.swapaxes(pictures.ecg, 1, 2), np.float32)
    if pictures.pixels is not None:
        blocks["cine"] = pictures.pixels
        frames = len(pictures.pixels) // count
        header["cine"] = {
            **(pictures.facts or {}),
            "frames": frames,
            "sd": float(pictures.sd),
            "most": _most_difference(pictures, path.start, frames),
        }
    result = _component(key=key, data=pack(header, blocks), on_heart_change=_nothing)
    row = result.get("heart")
    is_row = isinstance(row, int) and not isinstance(row, bool) and row in header["rows"]  # type: ignore[operator]
    return row if is_row else None


def _nothing() -> None:
    """Do nothing: a callback makes Streamlit keep the value of its name."""


def _check(path: Path, pictures: Pictures) -> None:
    """Raise InputError unless everything is of the same points."""
    count = len(path.labels)
    lengths = [len(path.steps), len(path.levels), len(path.trust), len(path.rows)]
    lengths.append(len(path.neighbours))
    if pictures.ecg is not None:
        lengths.append(len(pictures.ecg))
    is_whole = pictures.pixels is None or (count and len(pictures.pixels) % count == 0)
    if not count or set(lengths) != {count} or not is_whole:
        raise InputError(
            f"A walk of {count} points came with {lengths} values: give one of each a point."
        )


def _sheets(ecg: NDArray[np.float32], start: int, start_name: str) -> dict[str, object]:
    """Return sheets for wide and narrow pages, with room for the beats of all points."""
    room = (ecg.min(axis=0), ecg.max(axis=0))
    traces = [
        Trace(ecg[start], start_name, "recorded"),
        Trace(ecg[start], "this point", "first", band=room),
    ]
    return {layout: drawing(traces, layout=layout) for layout in ("3x4", "6x2")}


def _most_difference(pictures: Pictures, start: int, frames: int) -> float:
    """Return at how many SD of the cine the colors of a difference end, for all points alike."""
    assert pictures.pixels is not None
    begin = pictures.pixels[start * frames : (start + 1) * frames].astype(np.int16)
    last = pictures.pixels[-frames:].astype(np.int16)
    first = pictures.pixels[:frames].astype(np.int16)
    away = max(float(np.percentile(np.abs(each - begin), 99.5)) for each in (first, last))
    return max(away, 1.0) / max(pictures.sd, 1e-6)
