"""A column that colors the points of a map: categories, or numbers clipped at percentiles."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from app.components.colors import CATEGORICAL, DIVERGING_POINTS, MISSING, SEQUENTIAL
from app.components.wire import pack
from cmae.errors import InputError

CLIPPED_PERCENTILES = (2.0, 98.0)
"""Where the colors of numbers end."""

SIGNED_SHARE = 0.05
"""A column of which at least this share lies on either side of zero is colored around zero."""

_MISSING_CODE = 255
_MISSING_LEVEL = 65535


@dataclass(frozen=True, eq=False)
class ColumnBlock:
    """A column of color as it is sent: once, however often it is chosen again.

    Attributes:
        name: Hash of all that is sent, by which the browser keeps it.
        data: The packed column with its facts.
        levels: ``(points,)`` what stands for each point.
    """

    name: str
    data: bytes
    levels: NDArray[np.generic]

    @classmethod
    def of(cls, facts: Mapping[str, object], levels: NDArray[np.generic]) -> "ColumnBlock":
        """Pack a column.

        Args:
            facts: For the legend, JSON-able.
            levels: ``(points,)`` uint8 or uint16.
        """
        digest = blake2b(json.dumps(facts).encode(), digest_size=12)
        digest.update(np.ascontiguousarray(levels).tobytes())
        name = digest.hexdigest()
        header = {"kind": "column", "column": name, "color": facts}
        return cls(name, pack(header, {"column": levels}), levels)


@dataclass(frozen=True, eq=False)
class Categories:
    """Color by a categorical column.

    Attributes:
        codes: ``(points,)`` index into ``names``; −1 is missing and drawn grey.
        names: Names for the legend, at most 12.
        title: What the colors mean.
    """

    codes: NDArray[np.integer]
    names: Sequence[str]
    title: str

    def __post_init__(self) -> None:
        """Check that each code has a name and each name a color."""
        if len(self.names) > len(CATEGORICAL):
            raise InputError(
                f"{self.title!r} has {len(self.names)} categories, but at most {len(CATEGORICAL)} "
                "can be told apart by color: merge the rare ones."
            )
        if self.codes.size and int(self.codes.max()) >= len(self.names):
            raise InputError(f"{self.title!r} holds a code without a name: give all names.")

    @cached_property
    def block(self) -> ColumnBlock:
        """What is sent to the browser, made once."""
        return ColumnBlock.of(*self.column())

    def shown(
        self, *, hidden: Sequence[int], levels: tuple[int, int] | None = None
    ) -> NDArray[np.bool_]:
        """Tell which points the legend leaves on the map.

        Args:
            hidden: Codes that are hidden; 255: the missing ones.
            levels: Of no meaning here.

        Returns:
            ``(points,)``.
        """
        return ~np.isin(np.where(self.codes < 0, _MISSING_CODE, self.codes), list(hidden))

    def column(self) -> tuple[dict[str, object], NDArray[np.generic]]:
        """Return the facts for the legend, and one byte a point."""
        codes = np.where(self.codes < 0, _MISSING_CODE, self.codes).astype(np.uint8)
        counts = np.bincount(codes, minlength=_MISSING_CODE + 1)
        facts = {
            "kind": "categories",
            "title": self.title,
            "names": list(self.names),
            "counts": counts[: len(self.names)].tolist(),
            "missing": int(counts[_MISSING_CODE]),
            "palette": list(CATEGORICAL[: len(self.names)]),
            "missing_color": MISSING,
        }
        return facts, codes


@dataclass(frozen=True, eq=False)
class Numbers:
    """Color by a continuous column, clipped at its 2nd and 98th percentile.

    A column with values on either side of zero is colored around zero, blue below and red above.

    Attributes:
        values: ``(points,)`` floats; NaN is missing and drawn grey.
        title: What the colors mean, for people: "LV ejection fraction".
        unit: Unit of the values: "%", "mL"; may be empty.
    """

    values: NDArray[np.floating]
    title: str
    unit: str = ""

    @cached_property
    def block(self) -> ColumnBlock:
        """What is sent to the browser, made once."""
        return ColumnBlock.of(*self.column())

    def shown(
        self, *, hidden: Sequence[int], levels: tuple[int, int] | None = None
    ) -> NDArray[np.bool_]:
        """Tell which points the legend leaves on the map.

        Args:
            hidden: 255 hides the missing ones.
            levels: First and last level that is shown, of the 65,535 between least and most;
                None: all.

        Returns:
            ``(points,)``.
        """
        sent = self.block.levels.astype(np.int64)
        is_missing = sent == _MISSING_LEVEL
        low, high = levels if levels is not None else (0, _MISSING_LEVEL)
        is_inside = (sent >= low) & (sent <= high)
        return np.where(is_missing, _MISSING_CODE not in hidden, is_inside)

    def column(self) -> tuple[dict[str, object], NDArray[np.generic]]:
        """Return the facts for the color bar, and two bytes a point between least and most."""
        present = np.isfinite(self.values)
        known = self.values[present].astype(float)
        least, most = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        low, high = np.percentile(known, CLIPPED_PERCENTILES) if known.size else (0.0, 1.0)
        if most <= least:
            least, most = least - 0.5, most + 0.5
        if high <= low:
            low, high = least, most
        is_signed = _is_signed(known)
        if is_signed:
            high = max(-low, high)
            low = -high
        levels = np.full(self.values.shape, _MISSING_LEVEL, np.uint16)
        levels[present] = np.rint((known - least) / (most - least) * (_MISSING_LEVEL - 1))
        facts = {
            "kind": "numbers",
            "title": self.title,
            "unit": self.unit,
            "least": least,
            "most": most,
            "low": float(low),
            "high": float(high),
            "below": float(np.mean(known < low)) if known.size else 0.0,
            "above": float(np.mean(known > high)) if known.size else 0.0,
            "missing": int((~present).sum()),
            "palette": list(DIVERGING_POINTS if is_signed else SEQUENTIAL),
            "missing_color": MISSING,
        }
        return facts, levels


def _is_signed(known: NDArray[np.float64]) -> bool:
    """Tell whether zero lies well within the values."""
    return bool(known.size and min(np.mean(known < 0), np.mean(known > 0)) >= SIGNED_SHARE)
