"""Walk lines: small curves of numbers along a walk, whose mark follows the walk player's slider."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.wire import read_assets

_component = st.components.v2.component(
    "cmae_walk_lines",
    html='<div class="cmae walk-lines"></div>',
    css=read_assets("base.css", "walk_lines.css"),
    js=read_assets("wire.js", "walk_lines.js"),
)


@dataclass(frozen=True, eq=False)
class Line:
    """One number along a walk.

    Attributes:
        title: What it is, short: "LVEF".
        texts: For each point its value with its unit, as people write it.
        notes: For each point a few words under it: an interval, or the change since the start.
        values: (points,); NaN leaves a gap.
        low: (points,) lower end of an interval; NaN: none.
        high: (points,) upper end.
        hint: What it is, in full.
    """

    title: str
    texts: Sequence[str]
    notes: Sequence[str]
    values: NDArray[np.floating]
    low: NDArray[np.floating] | None = None
    high: NDArray[np.floating] | None = None
    hint: str = ""


@dataclass(frozen=True, eq=False)
class Cycle:
    """A curve over the heartbeat that changes along a walk.

    Attributes:
        title: What it is, short: "LV area".
        curves: (points, frames).
        start: The point that is drawn behind.
        texts: For each point a few words.
        hint: What it is, in full.
    """

    title: str
    curves: NDArray[np.floating]
    start: int
    texts: Sequence[str]
    hint: str = ""


def walk_lines(cards: Sequence[Line | Cycle], *, steps: NDArray[np.floating], group: str) -> None:
    """Show small curves side by side; their mark follows the walk player.

    Args:
        cards: The curves.
        steps: (points,) where the points lie.
        group: Key of the walk player.
    """
    _component(
        key=f"{group}-{'-'.join(type(card).__name__ for card in cards[:1])}".lower(),
        data={
            "group": group,
            "steps": np.asarray(steps, float).tolist(),
            "cards": [_line(card) if isinstance(card, Line) else _cycle(card) for card in cards],
        },
    )


def _line(card: Line) -> dict[str, object]:
    return {
        "kind": "line",
        "title": card.title,
        "hint": card.hint,
        "texts": list(card.texts),
        "notes": list(card.notes),
        "values": _numbers(card.values),
        "low": None if card.low is None else _numbers(card.low),
        "high": None if card.high is None else _numbers(card.high),
    }


def _cycle(card: Cycle) -> dict[str, object]:
    return {
        "kind": "cycle",
        "title": card.title,
        "hint": card.hint,
        "texts": list(card.texts),
        "curves": [_numbers(curve) for curve in card.curves],
        "start": int(card.start),
    }


def _numbers(values: NDArray[np.floating]) -> list[float | None]:
    """Return numbers for JSON, with None in place of what is not finite."""
    return [round(value, 5) if np.isfinite(value) else None for value in values.tolist()]
