"""The two groups of a comparison: how each is chosen, which rows that gives, and its words."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app import phenotypes
from app.groups import Filter, Group, passing
from cmae.data.column import Column
from cmae.errors import InputError

Way = Literal["selection", "filters", "group", "threshold", "category", "everybody", "others"]
"""By what a group is chosen."""

WAY_TITLES: Mapping[Way, str] = {
    "threshold": "Measurement",
    "category": "Condition or sex",
    "selection": "Selection on the map",
    "filters": "Filters that are set",
    "group": "Named group",
    "everybody": "Everybody",
    "others": "Everybody else",
}

SIGNS = {"below": "<", "at_most": "≤", "at_least": "≥", "above": ">"}
"""How a threshold is meant, by its name in a link."""

USUAL = {
    "lvef_percent": ("below", 50.0),
    "qrs_ms": ("at_least", 120.0),
    "qtc_ms": ("at_least", 450.0),
    "pr_ms": ("above", 200.0),
    "rvef_percent": ("below", 45.0),
    "bmi_kg_m2": ("at_least", 30.0),
    "age_years": ("at_least", 65.0),
    "heart_rate_bpm": ("at_least", 90.0),
}
"""Thresholds that clinicians use; of other columns the median is offered."""


@dataclass(frozen=True)
class Choice:
    """How one of the two groups is chosen.

    Attributes:
        way: By what.
        name: Of the group, or of the column.
        sign: A key of SIGNS, of a threshold.
        value: The threshold, or the category's code.
    """

    way: Way
    name: str = ""
    sign: str = ""
    value: float = 0.0

    def link(self) -> str:
        """Return what a link holds: thresholds and conditions; nothing of drawn groups."""
        if self.way == "threshold":
            return f"{self.name}~{self.sign}~{self.value:g}"
        if self.way == "category":
            return f"{self.name}~is~{self.value:g}"
        return self.way if self.way in ("everybody", "others", "filters") else ""


@dataclass(frozen=True, eq=False)
class Chosen:
    """The rows of a group.

    Attributes:
        choice: How they were chosen.
        title: In words.
        rows: (n,) sorted rows of the cohort.
        left_out: By reason, how many rows of the cohort could not be placed.
    """

    choice: Choice
    title: str
    rows: NDArray[np.int64]
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Here:
    """What groups are chosen from.

    Attributes:
        table: The cohort's table.
        columns: Its columns.
        selection: What is selected, or None.
        filters: The filters that are set.
        groups: Named groups.
    """

    table: pd.DataFrame
    columns: Mapping[str, Column]
    selection: Group | None = None
    filters: tuple[Filter, ...] = ()
    groups: Mapping[str, Group] = field(default_factory=dict)

    def measurements(self) -> list[str]:
        """Name the columns that a threshold may be set on."""
        return [
            name
            for name in phenotypes.ordered(self.columns)
            if self.columns[name].kind == "continuous"
        ]

    def conditions(self) -> list[str]:
        """Name the columns of yes and no."""
        return [
            name for name in phenotypes.ordered(self.columns) if self.columns[name].kind == "binary"
        ]

    def compared(self, *choices: Choice) -> list[str]:
        """Name the columns worth comparing: not those by which the groups were chosen.

        Args:
            choices: Of both groups.
        """
        by = {one.name for one in choices if one.way in ("threshold", "category")}
        return [
            name
            for name in phenotypes.ordered(self.columns)
            if self.columns[name].kind != "categorical" and name not in by
        ]

    def ways(self) -> list[Way]:
        """List by what a group can be chosen here."""
        possible: Mapping[Way, bool] = {
            "selection": self.selection is not None,
            "filters": bool(self.filters),
            "group": bool(self.groups),
            "threshold": bool(self.measurements()),
            "category": bool(self.conditions()),
            "everybody": True,
            "others": True,
        }
        return [way for way, is_possible in possible.items() if is_possible]

    def usual(self, name: str) -> tuple[str, float]:
        """Return the threshold that a column is first offered with.

        Args:
            name: A measurement.

        Returns:
            A key of SIGNS, and the number.
        """
        if name in USUAL:
            return USUAL[name]
        median = float(self.table[name].median())
        return "at_least", float(f"{median:.3g}") if math.isfinite(median) else 0.0

    def first(self) -> tuple[Choice, Choice]:
        """Return the groups that the page opens with: what is selected, else a weak pump."""
        if self.selection is not None:
            return Choice("selection"), Choice("others")
        names = [name for name in USUAL if name in self.measurements()] or self.measurements()
        if names:
            return Choice("threshold", names[0], *self.usual(names[0])), Choice("others")
        if self.conditions():
            return Choice("category", self.conditions()[0], value=1.0), Choice("others")
        return Choice("everybody"), Choice("others")

    def read_link(self, text: str) -> Choice | None:
        """Return the group that a link names, or None where it makes no sense here.

        Args:
            text: What ``Choice.link`` gave, or anything.
        """
        plain: Mapping[str, Way] = {"everybody": "everybody", "others": "others"}
        if self.filters:
            plain = {**plain, "filters": "filters"}
        if text in plain:
            return Choice(plain[text])
        try:
            name, sign, number = text.rsplit("~", 2)
            value = float(number)
        except ValueError:
            return None
        if math.isfinite(value) and sign in SIGNS and name in self.measurements():
            return Choice("threshold", name, sign, value)
        if sign == "is" and name in self.conditions() and value in (0.0, 1.0):
            return Choice("category", name, value=value)
        return None

    def both(self, first: Choice, second: Choice) -> tuple[Chosen, Chosen]:
        """Find the rows of both groups.

        Args:
            first: How the first is chosen.
            second: How the second is chosen; ``others`` of one are everybody but the other.

        Raises:
            InputError: Both are everybody else, or what a group stands on is gone.
        """
        if first.way == "others" and second.way == "others":
            raise InputError("Both groups are everybody else: choose one of the two.")
        if first.way == "others":
            other = self.rows(second)
            return self._others(first, other), other
        one = self.rows(first)
        return one, self._others(second, one) if second.way == "others" else self.rows(second)

    def rows(self, choice: Choice) -> Chosen:
        """Find the rows of a group that stands alone.

        Args:
            choice: How it is chosen.

        Raises:
            InputError: What it stands on is gone.
        """
        makers: Mapping[str, Callable[[Choice], Chosen]] = {
            "threshold": self._threshold,
            "category": self._category,
            "selection": lambda one: self._kept(one, self.selection, "Selection"),
            "group": lambda one: self._kept(one, self.groups.get(one.name), one.name),
            "filters": self._filtered,
            "everybody": lambda one: Chosen(one, "Everybody", np.arange(len(self.table))),
        }
        return makers[choice.way](choice)

    def _numbers(self, name: str) -> NDArray[np.float64]:
        values = pd.to_numeric(self.table[name], errors="coerce")
        return np.asarray(values.to_numpy(np.float64, na_value=np.nan))

    def _threshold(self, choice: Choice) -> Chosen:
        low, high = _ends(choice.sign, choice.value)
        mask = Filter(choice.name, low=low, high=high).mask(self.table)
        unit = self.columns[choice.name].unit
        words = (
            f"{phenotypes.abbreviation(choice.name)} {SIGNS[choice.sign]} {choice.value:g} {unit}"
        )
        return Chosen(choice, words.strip(), np.flatnonzero(mask), self._lacking(choice.name))

    def _category(self, choice: Choice) -> Chosen:
        words = phenotypes.categories(choice.name, self.columns[choice.name]) or ("no", "yes")
        mask = self._numbers(choice.name) == choice.value
        title = f"{phenotypes.title(choice.name)}: {words[int(choice.value)]}"
        return Chosen(choice, title, np.flatnonzero(mask), self._lacking(choice.name))

    def _filtered(self, choice: Choice) -> Chosen:
        if not self.filters:
            raise InputError("No filter is set any more: choose the group in another way.")
        return Chosen(choice, "Filtered", np.flatnonzero(passing(self.table, self.filters)))

    def _kept(self, choice: Choice, group: Group | None, title: str) -> Chosen:
        if group is None:
            raise InputError("This group is gone: choose another.")
        return Chosen(choice, title, group.rows)

    def _lacking(self, name: str) -> dict[str, int]:
        count = int((~np.isfinite(self._numbers(name))).sum())
        return {f"{phenotypes.abbreviation(name)} not known": count} if count else {}

    def _others(self, choice: Choice, one: Chosen) -> Chosen:
        """Everybody who is in no row of a group, and of whom it is known."""
        outside = np.ones(len(self.table), bool)
        outside[one.rows] = False
        if "participant_id" in self.table:
            who = self.table["participant_id"]
            outside &= ~who.isin(who.iloc[one.rows]).to_numpy()
        if one.choice.way in ("threshold", "category"):
            outside &= np.isfinite(self._numbers(one.choice.name))
        return Chosen(choice, "Everybody else", np.flatnonzero(outside))


def _ends(sign: str, value: float) -> tuple[float | None, float | None]:
    """Return the least and the greatest number of a threshold; a filter's ends are inside it."""
    return {
        "below": (None, math.nextafter(value, -math.inf)),
        "at_most": (None, value),
        "at_least": (value, None),
        "above": (math.nextafter(value, math.inf), None),
    }[sign]
