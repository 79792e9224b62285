"""Cines as a browser draws them: bytes, and the facts that turn bytes into grey or into colors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cmae.errors import InputError

Kind = Literal["intensity", "difference"]
"""Grey with window and level, or signed with a diverging map around zero."""

Facts = dict[str, object]

MARKS = ("R", "A", "L", "P")
"""Sides of the body at the left, upper, right and lower edge: how every cine of a cohort lies."""


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
        unit: Unit of a difference, for its scale.
        note: A short line under the picture, e.g. "generated · research use only".
        marks: Letters at the left, upper, right and lower edge; empty: none.
        of: Number of the cine under which a difference stands; None: beside the others.
    """

    frames: NDArray[np.generic]
    label: str
    kind: Kind = "intensity"
    low: float | None = None
    high: float | None = None
    unit: str = ""
    note: str = ""
    marks: tuple[str, ...] = ()
    of: int | None = None


def pixels_and_facts(cine: Cine) -> tuple[NDArray[np.uint8], Facts]:
    """Turn one cine into what ``CineScreen`` in cine_screen.js takes.

    Args:
        cine: The cine.

    Returns:
        Bytes ``(frames, rows, columns)``, and facts for JSON: label, kind, note, unit, marks, of,
        rows, columns, and the ends ``low`` and ``high`` of the window in bytes, or of the scale of
        a difference in its own unit.
    """
    pixels, window = _difference(cine) if cine.kind == "difference" else _intensity(cine)
    rows, columns, _ = cine.frames.shape
    facts: Facts = {
        "label": cine.label,
        "kind": cine.kind,
        "unit": cine.unit,
        "note": cine.note,
        "marks": list(cine.marks),
        "of": cine.of,
        "rows": rows,
        "columns": columns,
        **window,
    }
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)), facts


def check_cines(cines: Sequence[Cine]) -> None:
    """Raise InputError unless there are cines, finite, that can be played in step."""
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
