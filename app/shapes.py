"""Shapes drawn on a map, and the rows that each of them left selected."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.groups import Group

Rows = NDArray[np.int64]

DRAWN = "Selection"
"""Name of a group that was drawn and has no other yet."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A selection that grows and shrinks shape by shape.

    A shape is tested once, in the run that follows its release, against the map and the legend
    of that moment; later changes of colour or projection leave the selection as it is.

    Attributes:
        start: What was selected before the first shape counted: a list or a kept group that one
            draws on; None: nothing.
        skipped: Names of shapes that were on the map then, which no longer count.
        names: Names of the shapes that count, in the order in which they were drawn.
        steps: (n,) sorted rows after each of them.
    """

    start: Group | None = None
    skipped: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    steps: tuple[Rows, ...] = ()

    @property
    def rows(self) -> Rows:
        """(n,) sorted rows that are selected now."""
        if self.steps:
            return self.steps[-1]
        return np.empty(0, np.int64) if self.start is None else self.start.rows

    def restart(self, start: Group | None) -> "Drawing":
        """Let another group be the start, and the shapes so far count no longer.

        Args:
            start: The group; None: nothing is selected.
        """
        return Drawing(start=start, skipped=self.skipped + self.names)

    def group(self, drawn_on: Mapping[str, object]) -> Group | None:
        """Return what is selected now with how it was made, or None for nothing.

        Args:
            drawn_on: The map on which the shapes lie, JSON-able.
        """
        if not self.names or not len(self.rows):
            return self.start if not self.names else None
        shapes: list[object] = [json.loads(name) for name in self.names]
        first = max((k for k, shape in enumerate(shapes) if _mode(shape) == "replace"), default=-1)
        how = {**drawn_on, "shapes": shapes[max(first, 0) :]}
        if first < 0 and self.start is not None:
            before = dict(self.start.how)
            earlier = before.pop("shapes", None)
            if before == dict(drawn_on) and isinstance(earlier, list):
                how["shapes"] = earlier + shapes
            else:
                how["from"] = {"name": self.start.name, **self.start.how}
        return Group(DRAWN, self.rows, how)

    def follow(
        self,
        shapes: Sequence[Mapping[str, Any]],
        rows_inside: Callable[[Mapping[str, Any]], Rows],
    ) -> "Drawing":
        """Take what is drawn on the map now.

        Args:
            shapes: All shapes on the map, each with a ``mode``: ``replace``, ``add`` or
                ``subtract``.
            rows_inside: Returns the sorted rows inside a shape; called for new shapes only.

        Returns:
            The drawing after them: this one where nothing changed.
        """
        names = tuple(json.dumps(shape, sort_keys=True) for shape in shapes)
        if names == self.skipped + self.names:
            return self
        if names[: len(self.skipped)] != self.skipped:
            return Drawing().follow(shapes, rows_inside)
        own = names[len(self.skipped) :]
        kept = 0
        while kept < min(len(own), len(self.names)) and own[kept] == self.names[kept]:
            kept += 1
        steps = list(self.steps[:kept])
        for shape in shapes[len(self.skipped) + kept :]:
            before = steps[-1] if steps else Drawing(self.start).rows
            steps.append(combined(before, str(shape["mode"]), rows_inside(shape)))
        return Drawing(self.start, self.skipped, own, tuple(steps))


def _mode(shape: object) -> str:
    """Return how a shape changes a selection."""
    return str(shape["mode"]) if isinstance(shape, dict) else ""


def simplified(corners: NDArray[np.integer], *, share: float = 1 / 500) -> NDArray[np.integer]:
    """Leave out corners that hardly change a polygon (Douglas and Peucker, 1973).

    Args:
        corners: (corners, 2) in any unit.
        share: How far the outline may move, as a share of the polygon's larger side.

    Returns:
        (fewer, 2) of these corners, in their order; all of them where fewer than 3 would stay.
    """
    if len(corners) < 4:
        return corners
    points = np.asarray(corners, float)
    reach = share * float(np.ptp(points, axis=0).max())
    far = int(np.argmax(np.hypot(*(points - points[0]).T)))
    is_kept = np.zeros(len(points), bool)
    is_kept[[0, far]] = True
    closed = np.concatenate([points, points[:1]])
    waiting = [(0, far), (far, len(points))]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        (x0, y0), (x1, y1) = closed[first], closed[last]
        between = closed[first + 1 : last]
        length = np.hypot(x1 - x0, y1 - y0)
        away = (
            np.abs((x1 - x0) * (between[:, 1] - y0) - (y1 - y0) * (between[:, 0] - x0)) / length
            if length > 0
            else np.hypot(between[:, 0] - x0, between[:, 1] - y0)
        )
        worst = int(np.argmax(away))
        if away[worst] > reach:
            is_kept[first + 1 + worst] = True
            waiting += [(first, first + 1 + worst), (first + 1 + worst, last)]
    return corners[is_kept] if is_kept.sum() >= 3 else corners


def combined(rows: Rows, mode: str, inside: Rows) -> Rows:
    """Return the selected rows after one more shape.

    Args:
        rows: (n,) sorted rows before it.
        mode: ``add``, ``subtract``, or ``replace``.
        inside: (m,) sorted rows inside it.
    """
    if mode == "add":
        return np.union1d(rows, inside)
    return np.setdiff1d(rows, inside) if mode == "subtract" else inside
