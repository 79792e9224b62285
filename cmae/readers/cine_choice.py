"""The four-chamber cine among many: by how the slices lie, then by their names, which may lie."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cmae.errors import ReadError
from cmae.readers.cine_series import FRAMES, Choice, CineSeries, check_size
from cmae.readers.cine_view import (
    FOUR_CHAMBER,
    RECOGNIZED_DEG,
    SHORT_AXIS,
    UNKNOWN,
    angles_to_views,
    long_axis,
    margin_deg,
    nearest_view,
)

_FOUR_CHAMBER_NAME = re.compile(
    r"(?<!\d)4[\s_\-]*ch|four[\s_\-]*ch|horizontal[\s_\-]*long|(?<![a-z])hla(?![a-z])",
    re.IGNORECASE,
)
_ALIKE_DEG = 8.0
"""Two planes that differ by less in their distance to the expected one are alike."""


@dataclass(frozen=True)
class Candidate:
    """A cine that was found, before its pixels are read.

    Attributes:
        read: Reads it.
        size: Rows, columns and frames of one slice.
        slices: How many parallel slices the series holds.
        normal: Unit normal of its plane in patient coordinates, or None where unknown.
        study: What tells one examination from another; empty where unknown.
        has_name: Whether its description or file name speaks of four chambers.
        number: Its number in the examination; later ones are larger. None where unknown.
    """

    read: Callable[[], CineSeries]
    size: tuple[int, int, int]
    slices: int = 1
    normal: NDArray[np.float64] | None = None
    study: str = ""
    has_name: bool = False
    number: float | None = None


@dataclass(frozen=True)
class _Rated:
    """A candidate with its number among all, from 1, and its angles to the views."""

    candidate: Candidate
    place: int
    angles: dict[str, float] | None

    @property
    def view(self) -> str:
        return UNKNOWN if self.angles is None else nearest_view(self.angles)

    @property
    def is_in_doubt(self) -> bool:
        """Whether it is named a four-chamber view and lies nearly as much as one as another."""
        return (
            self.angles is not None
            and self.candidate.has_name
            and self.departure <= RECOGNIZED_DEG
            and margin_deg(self.angles) > -_ALIKE_DEG
        )

    @property
    def departure(self) -> float:
        return 90.0 if self.angles is None else self.angles[FOUR_CHAMBER]


def names_four_chambers(*texts: object) -> bool:
    """Whether a description or file name speaks of a four-chamber view."""
    return any(_FOUR_CHAMBER_NAME.search(str(text)) for text in texts if text)


def read_chosen(candidates: Sequence[Candidate], *, series: int | None = None) -> CineSeries:
    """Read the four-chamber cine among those found.

    Args:
        candidates: All cines of a file, folder or archive.
        series: Number of the one to take, from 1; it must be a four-chamber view all the same.

    Returns:
        The cine, with the choice and its reason.

    Raises:
        ReadError: None is a four-chamber view, or several are and nothing tells them apart.
    """
    if series is not None and not 1 <= series <= len(candidates):
        raise ReadError(f"Series {series} was asked for: there are {len(candidates)} cines.")
    long = [found for found in candidates if found.size[2] >= FRAMES[0]]
    if not long:
        longest = max(candidates, key=lambda found: found.size[2])
        check_size(*longest.size)
    axis = long_axis([found.normal for found in long if found.normal is not None])
    rated = [
        _Rated(found, place, None if found.normal is None else angles_to_views(found.normal, axis))
        for place, found in enumerate(candidates, 1)
        if found.size[2] >= FRAMES[0] or place == series
    ]
    wanted = [one for one in rated if series in (None, one.place)]
    taken, why = _four_chamber(wanted)
    check_size(*taken.candidate.size)
    choice = Choice(
        reason=_sentence(taken, rated, why, has_axis=axis is not None),
        number=taken.place,
        found=len(candidates),
        view=taken.view,
        departure_deg=None if taken.angles is None else taken.departure,
        margin_deg=None if taken.angles is None else margin_deg(taken.angles),
    )
    return replace(taken.candidate.read(), choice=choice)


def _four_chamber(rated: list[_Rated]) -> tuple[_Rated, str]:
    """Return the four-chamber cine, and what told it from others like it."""
    fitting = [one for one in rated if one.view == FOUR_CHAMBER or one.is_in_doubt]
    if not fitting:
        fitting = [one for one in rated if one.view == UNKNOWN]
        if len(rated) > 1:  # among others, a plane of no view needs a word in its favour
            named = [one for one in fitting if one.candidate.has_name]
            fitting = named or [one for one in fitting if one.angles is None]
    if not fitting:
        _refuse_views(rated)
    single = [one for one in fitting if one.candidate.slices == 1]
    if not single:
        _refuse_stack(fitting)
    studies = {one.candidate.study for one in single}
    if len(studies) > 1:
        raise ReadError(
            f"The four-chamber cines come from {len(studies)} examinations: give one at a time."
        )
    return _one_of(single)


def _one_of(fitting: list[_Rated]) -> tuple[_Rated, str]:
    """Return one of several four-chamber cines: the nearest, the one named so, the last."""
    nearest = min(one.departure for one in fitting)
    alike = [one for one in fitting if one.departure <= nearest + _ALIKE_DEG]
    if len(alike) == 1:
        return alike[0], ""
    named = [one for one in alike if one.candidate.has_name]
    if len(named) == 1:
        return named[0], ", and its name, unlike that of others like it, says so"
    alike = named or alike
    numbers = [one.candidate.number for one in alike]
    known = [number for number in numbers if number is not None]
    if len(set(known)) < len(alike):
        places = ", ".join(str(one.place) for one in alike)
        raise ReadError(
            f"{len(alike)} cines are four-chamber views alike (numbers {places}): give the folder "
            "of one alone, or choose one by its number."
        )
    last = max(alike, key=lambda one: one.candidate.number or 0.0)
    return last, f", and it is the last of {len(alike)} that were taken of this view"


def _refuse_views(rated: list[_Rated]) -> None:
    """Say which views there are instead."""
    if len(rated) == 1 and rated[0].candidate.slices == 1:
        raise ReadError(
            f"The slice lies as {rated[0].view} views do, {rated[0].departure:.0f}° from a "
            "four-chamber view: expected the four-chamber cine."
        )
    if len(rated) == 1:
        _refuse_stack(rated)
    raise ReadError(
        f"None of {len(rated)} cines is a four-chamber view ({_count(rated)}): give the "
        "four-chamber cine."
    )


def _refuse_stack(rated: list[_Rated]) -> None:
    """Say that a stack of slices is not one cine."""
    stack = max(rated, key=lambda one: one.candidate.slices)
    view = "" if stack.view in (UNKNOWN, FOUR_CHAMBER) else f" of {stack.view} views"
    raise ReadError(
        f"The series holds {stack.candidate.slices} slices, a stack{view} or a volume: expected "
        "one four-chamber slice over time."
    )


def _count(rated: Sequence[_Rated]) -> str:
    """Return how many cines show which view, for people."""
    views = Counter(one.view for one in rated)
    return ", ".join(f"{count} {view}" for view, count in sorted(views.items()))


def _sentence(taken: _Rated, rated: list[_Rated], why: str, *, has_axis: bool) -> str:
    """Say which cine was taken, among what and why."""
    others = [one for one in rated if one is not taken]
    which = f"Cine {taken.place} of {len(rated)}" if others else "The only cine"
    if taken.angles is None:
        how = "its position is unknown, so its view was not checked"
    elif taken.view == UNKNOWN:
        how = f"its plane is {taken.departure:.0f}° from a four-chamber view and of no other view"
    else:
        how = f"its plane is {taken.departure:.0f}° from a four-chamber view"
        across = any(one.view == SHORT_AXIS for one in others)
        if has_axis:
            how += f" by the {'short-axis slices' if across else 'other views'} beside it"
    rest = f"; not taken: {_count(others)}" if others else ""
    return f"{which}: {how}{why}{rest}."
