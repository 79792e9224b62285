"""Cine player: one or several cines side by side, in step, at the participant's heart rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["intensity", "difference"]
"""Grey with window and level, or signed with a diverging map around zero."""


@dataclass(frozen=True)
class Cine:
    """One cine to play.

    Attributes:
        frames: ``(96, 96, frames)`` (row, column, frame), any number type, scanner intensity.
        label: Caption over the picture: "recorded", "from the ECG", …
        kind: ``"difference"`` is drawn blue–white–red around zero with its scale as a legend.
        low: Intensity shown black; None: the 0.5th percentile (difference: ``-high``).
        high: Intensity shown white; None: the 99.5th percentile (difference: that of ``|x|``).
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
        rr_ms: Duration of the cycle in ms; None: 1,000 ms, and the player says so.
        es_frame: Frame of end systole, for its tick on the scrub bar; None: no tick.
        group: Cursor group: moves the cursor of an ECG paper of the same group; empty: none.
        is_autoplaying: Whether it plays when it appears.

    Raises:
        InputError: There is no cine, or the cines differ in their number of frames.
    """
    raise NotImplementedError
