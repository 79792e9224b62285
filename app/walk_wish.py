"""Where somebody wants to walk in latent space, and how a link says it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cmae.latent.decoding import SOURCES

REACHES = (1, 2, 3, 4)
"""How many SD a walk can reach each way."""

COUNTS = (11, 15, 21)
"""How many points a walk can have: 5.1, 6.9 and 9.7 MB of cines."""

ALIKE = ("age", "sex", "size")
"""In what participants can be held alike while a phenotype varies."""

COHORT, ROW, SELECTION = "cohort", "row", "selection"
GROUP = "group:"
PHENOTYPE, COMPONENT, TO, FOUND = "phenotype:", "component:", "to:", "found:"

MOST_LETTERS = 200
"""Letters of one value that are read from a link."""


@dataclass(frozen=True)
class WalkWish:
    """A walk as somebody asks for it.

    Attributes:
        kind: Which latents: ``joint``, ``ecg`` or ``mri``.
        start: ``cohort`` or ``selection`` for a center, ``row`` for the participant who is looked
            at, ``group:NAME`` for a kept group's center.
        along: ``phenotype:COLUMN``, ``component:K`` from 1, ``to:`` and a start or ``to:row:N``,
            ``found:K:NAME`` for a direction in the K-th association; empty: the first there is.
        alike: Of ALIKE: what a phenotype's direction is adjusted for.
        reach: How many SD the last point is away.
        count: How many points.
    """

    kind: str = "joint"
    start: str = COHORT
    along: str = ""
    alike: tuple[str, ...] = ()
    reach: int = 3
    count: int = 21

    def to_link(self) -> dict[str, str]:
        """Return what a link holds: never the name of a group, which somebody wrote."""
        return {
            "latent": self.kind,
            "from": "group" if self.start.startswith(GROUP) else self.start,
            "along": "to:group" if self.along.startswith(TO + GROUP) else self.along,
            "alike": ".".join(self.alike),
            "reach": str(self.reach),
            "steps": str(self.count),
        }


def from_link(link: Mapping[str, str], wish: WalkWish) -> WalkWish:
    """Read what a link asks for; what makes no sense is left as it was.

    Whether a column, a group or a row exists is for the page to say.

    Args:
        link: Values by name, as anybody may have written them.
        wish: What holds where the link says nothing.
    """
    known = {name: value for name, value in link.items() if len(value) <= MOST_LETTERS}
    if known.get("latent") in SOURCES:
        wish = replace(wish, kind=known["latent"])
    if known.get("from"):
        wish = replace(wish, start=known["from"])
    if known.get("along"):
        wish = replace(wish, along=known["along"])
    if known:
        asked = known.get("alike", "").split(".")
        wish = replace(wish, alike=tuple(each for each in ALIKE if each in asked))
    reach = next((each for each in REACHES if str(each) == known.get("reach")), wish.reach)
    count = next((each for each in COUNTS if str(each) == known.get("steps")), wish.count)
    return replace(wish, reach=reach, count=count)


def found(place: int, name: str) -> str:
    """Name a direction that an association found, for ``WalkWish.along``.

    Args:
        place: Which of the associations that the server shows, from 0.
        name: Name of the direction.
    """
    return f"{FOUND}{place}:{name}"


def found_parts(along: str) -> tuple[int, str]:
    """Take apart what ``found`` made; (-1, "") where it is no such name."""
    place, _, name = along.removeprefix(FOUND).partition(":")
    if not along.startswith(FOUND) or not (place.isascii() and place.isdecimal()):
        return -1, ""
    return int(place), name


def row_of(text: str) -> int | None:
    """Return N of ``row:N``, or None."""
    number = text.removeprefix("row:")
    is_number = text.startswith("row:") and number.isascii() and number.isdecimal()
    return int(number) if is_number and len(number) < 12 else None
