"""One cine of one slice, whatever file it came from, and the checks that every format shares."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmae.errors import ReadError

FRAMES = (10, 200)
"""Fewest and most frames of one cardiac cycle that are read."""

MAX_CINE_BYTES = 256 * 2**20
"""Most that the frames of one cine may take as float32: 60 frames of 1000 × 1000 pixels."""

SIDES = (32, 2048)
"""Smallest and largest image side in pixels."""

SPACINGS_MM = (0.3, 5.0)
"""Smallest and largest pixel that is believed."""

RR_MS = (250.0, 2500.0)
"""Shortest and longest cardiac cycle that is believed."""


@dataclass(frozen=True)
class Choice:
    """Which cine was taken among those found, and why.

    Attributes:
        reason: One sentence for people; it quotes nothing of the files.
        number: The cine's number among those found, from 1.
        found: How many cines were found.
        view: ``"four-chamber"``, or ``"unknown"`` where its position tells no view.
        departure_deg: Angle between its plane and the expected four-chamber plane, or None where
            the file does not say how it lies.
        margin_deg: By how much it is nearer to that plane than to any other view's: about 55 at
            best, near or below 0 where the view is in doubt.
    """

    reason: str
    number: int = 1
    found: int = 1
    view: str = "unknown"
    departure_deg: float | None = None
    margin_deg: float | None = None


@dataclass(frozen=True)
class CineSeries:
    """The frames of one slice over one cardiac cycle, without any identifier.

    Attributes:
        frames: ``(rows, columns, frames)`` in scanner intensity, in order of time.
        pixel_mm: Distance between the centres of neighbouring rows and of neighbouring columns.
        rr_ms: Duration of the cardiac cycle, or None where the file does not say.
        origin_mm: Position of the centre of pixel (0, 0) in patient coordinates (DICOM: x to the
            patient's left, y to the back, z to the head).
        down: Unit vector along which the row number grows, in patient coordinates.
        right: Unit vector along which the column number grows.
        is_oriented: Whether the file gave position and orientation; else the three are defaults.
        source: Format of the file, for people.
        choice: Why this one, or None for one that was not read from files.
    """

    frames: NDArray[np.float32] = field(repr=False)
    pixel_mm: tuple[float, float]
    rr_ms: float | None
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    down: tuple[float, float, float] = (0.0, 1.0, 0.0)
    right: tuple[float, float, float] = (1.0, 0.0, 0.0)
    is_oriented: bool = False
    source: str = ""
    choice: Choice | None = None

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector across the slice, in patient coordinates."""
        across = np.cross(self.right, self.down)
        return np.asarray(across / np.linalg.norm(across), np.float64)


def checked_series(
    frames: NDArray[np.float32],
    *,
    down: NDArray[np.float64],
    right: NDArray[np.float64],
    origin: NDArray[np.float64],
    rr_ms: float | None,
    is_oriented: bool,
    source: str,
) -> CineSeries:
    """Check the facts of a series and put them together.

    Args:
        frames: ``(rows, columns, frames)`` in scanner intensity.
        down: Patient-space step in mm from one row to the next.
        right: Patient-space step in mm from one column to the next.
        origin: Patient-space position in mm of pixel (0, 0).
        rr_ms: Duration of the cycle, None where unknown; an implausible one counts as unknown.
        is_oriented: Whether directions and position are known.
        source: Format of the file.

    Returns:
        The series.

    Raises:
        ReadError: Too few or too many frames or pixels, implausible spacing, no finite contrast.
    """
    check_size(*frames.shape)
    pixel_mm = (float(np.linalg.norm(down)), float(np.linalg.norm(right)))
    if not all(SPACINGS_MM[0] <= side <= SPACINGS_MM[1] for side in pixel_mm):
        raise ReadError(
            f"The cine's pixels measure {pixel_mm[0]:.3g} × {pixel_mm[1]:.3g} mm: expected "
            f"{SPACINGS_MM[0]} to {SPACINGS_MM[1]} mm; the pixel spacing is missing or wrong."
        )
    lowest, highest = float(frames.min()), float(frames.max())
    if not (-1e7 <= lowest <= highest <= 1e7):
        raise ReadError(
            "The cine holds pixels that are not finite or beyond ten million: export it again."
        )
    if (frames == frames[:, :, :1]).all():
        raise ReadError("Nothing moves in the cine: all its frames are the same.")
    return CineSeries(
        frames=np.ascontiguousarray(frames, np.float32),
        pixel_mm=pixel_mm,
        rr_ms=float(rr_ms) if rr_ms is not None and RR_MS[0] <= rr_ms <= RR_MS[1] else None,
        origin_mm=_triple(origin),
        down=_triple(down / pixel_mm[0]),
        right=_triple(right / pixel_mm[1]),
        is_oriented=is_oriented,
        source=source,
    )


def check_size(rows: int, columns: int, count: int) -> None:
    """Raise ReadError unless a cine can have so many pixels and frames; before they are read."""
    if not FRAMES[0] <= count <= FRAMES[1]:
        raise ReadError(
            f"The cine has {count} frames: expected {FRAMES[0]} to {FRAMES[1]} frames of one "
            "cardiac cycle."
        )
    if not (SIDES[0] <= rows <= SIDES[1] and SIDES[0] <= columns <= SIDES[1]):
        raise ReadError(
            f"The cine's frames have {rows} × {columns} pixels: expected {SIDES[0]} to {SIDES[1]} "
            "on a side."
        )
    if rows * columns * count * 4 > MAX_CINE_BYTES:
        raise ReadError(
            f"The cine has {count} frames of {rows} × {columns} pixels: far more than one cine "
            "needs."
        )


def _triple(vector: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return a vector of three as a tuple."""
    x, y, z = (float(value) for value in vector)
    return x, y, z


def group(keys: Sequence[Any]) -> dict[Any, list[int]]:
    """Return for each distinct key, in order of appearance, where it occurs."""
    places: defaultdict[Any, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        places[key].append(place)
    return dict(places)
