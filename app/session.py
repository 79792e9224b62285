"""Every piece of state of one person: what they look at, in the session and in the address."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.navigation.page import Page as StreamlitPage

from app.comparison_groups import Choice
from app.explorer import Explorer, catalog, find, shown
from app.groups import Filter, Group, filtered
from app.shapes import Drawing
from app.walk_wish import COHORT, WalkWish
from cmae.errors import CmaeError

FINGERPRINT_DIGITS = 12
"""Digits of a fingerprint that a link and a stamp hold."""

POLL_S = 0.2
"""Seconds between two looks whether what a page waits for is ready."""

WARM_UP_DELAY_S = 2.0
"""Seconds after the first page until the model is loaded."""


def explorer() -> Explorer:
    """Return what this person looks at: the one they chose, or the server's first."""
    return find(st.session_state.get("explorer")) or shown()[0]


def choose_explorer(chosen: Explorer) -> None:
    """Look at another run or cohort; the row is kept where it is the same cohort.

    Args:
        chosen: One that is shown.
    """
    before = explorer()
    st.session_state["explorer"] = chosen.key
    if chosen.cohort.fingerprint != before.cohort.fingerprint:
        st.session_state.pop("row", None)
        st.query_params.clear()


def reopen() -> None:
    """Open what this person looks at again, as its files are now; a problem is said once."""
    offered = catalog()
    if offered is None:
        return
    try:
        choose_explorer(offered.reopen(explorer()))
    except CmaeError as error:
        st.session_state["link_problem"] = str(error)


def is_chosen() -> bool:
    """Return whether this server has something to show."""
    return bool(shown())


def row() -> int:
    """Return the row that this person looks at, from the link at first."""
    if "row" not in st.session_state:
        st.session_state["row"] = _row_of_link()
    return int(st.session_state["row"])


def choose_row(number: int) -> None:
    """Look at another row.

    Args:
        number: Row of the cohort; beyond the last it starts again at the first.
    """
    st.session_state["row"] = int(number) % len(explorer().cohort)
    write_link()


def choose_random_row() -> None:
    """Look at a row that has both recordings, drawn at random."""
    cohort = explorer().cohort
    rows = np.flatnonzero(cohort.has("ecg") & cohort.has("mri"))
    if not len(rows):
        rows = np.arange(len(cohort))
    choose_row(int(np.random.default_rng().choice(rows)))


# Groups: what was chosen on the map, by filters, or by name -------------------------------------


def selection() -> Group | None:
    """Return what is selected now: the chosen rows that pass all filters, or None for everybody."""
    base, wanted = chosen(), filters()
    if base is None and not wanted:
        return None
    known = _of_cohort("selection")
    if known is None or known[0] is not base or known[1] != wanted:
        known = (base, wanted, filtered(explorer().cohort.table, base, wanted))
        _keep("selection", known)
    selected: Group = known[2]
    return selected


def chosen() -> Group | None:
    """Return the rows that were drawn, listed, or taken from a kept group; filters aside."""
    group: Group | None = _of_cohort("chosen")
    return group


def select(group: Group | None) -> None:
    """Choose rows, or everybody; the filters stay.

    Args:
        group: The rows, with how they were chosen.
    """
    _keep("chosen", group)
    _keep("drawing", _drawing().restart(group))


def draw(
    shapes: Sequence[Mapping[str, Any]] | None,
    *,
    serial: int,
    drawn_on: Mapping[str, object],
    rows_inside: Callable[[Mapping[str, Any]], NDArray[np.int64]],
) -> None:
    """Choose the rows inside the shapes that are on the map now.

    Args:
        shapes: What is drawn; None: nothing has been drawn on this map yet, the choice stays.
        serial: Changes with each change of the shapes.
        drawn_on: The map on which they are drawn, JSON-able.
        rows_inside: Returns the sorted rows inside a shape.
    """
    before = _drawing()
    if shapes is None:
        if before.names or before.skipped:
            _keep("drawing", Drawing(start=chosen()))
        return
    was_touched = serial != _of_cohort("serial")
    _keep("serial", serial)
    drawing = before.follow(shapes, rows_inside)
    if drawing is not before:
        _keep("drawing", drawing)
        _keep("chosen", drawing.group(drawn_on))
    elif was_touched and not shapes:
        select(None)


def _drawing() -> Drawing:
    """Return what was drawn so far."""
    return _of_cohort("drawing") or Drawing()


def filters() -> tuple[Filter, ...]:
    """Return the filters that are set on columns of this cohort."""
    return tuple(_of_cohort("filters") or ())


def set_filters(wanted: Sequence[Filter]) -> None:
    """Set the filters on columns.

    Args:
        wanted: All that hold from now on.
    """
    _keep("filters", tuple(wanted))


def set_filter(column: str, wanted: Filter | None) -> None:
    """Set the filter of one column, or remove it; the others stay.

    Args:
        column: Name in the table.
        wanted: What a row must have in it; None: anything.
    """
    others = [each for each in filters() if each.column != column]
    set_filters([*others, wanted] if wanted is not None else others)


def clear_selection() -> None:
    """Choose everybody and remove all filters."""
    select(None)
    set_filters(())


def groups() -> dict[str, Group]:
    """Return this person's named groups of this cohort, in the order in which they were kept."""
    return dict(_of_cohort("groups") or {})


def keep_group(group: Group) -> None:
    """Keep a group under its name, replacing one of the same name.

    Args:
        group: The rows, with how they were chosen.
    """
    _keep("groups", {**groups(), group.name: group})


def drop_group(name: str) -> None:
    """Forget a group.

    Args:
        name: Of a group that was kept.
    """
    _keep("groups", {key: group for key, group in groups().items() if key != name})


def rename_group(name: str, wanted: str) -> None:
    """Give a kept group another name; it keeps its place.

    Args:
        name: Of a group that was kept.
        wanted: Its new name; another group of that name is replaced.
    """
    kept = {key: group for key, group in groups().items() if key == name or key != wanted}
    renamed = {
        (wanted if key == name else key): replace(group, name=wanted) if key == name else group
        for key, group in kept.items()
    }
    _keep("groups", renamed)


def comparison() -> tuple[Choice, Choice] | None:
    """Return how the two groups of a comparison of this cohort are chosen, or None before."""
    chosen: tuple[Choice, Choice] | None = _of_cohort("comparison")
    return chosen


def keep_comparison(choices: tuple[Choice, Choice]) -> None:
    """Keep how the two groups of a comparison are chosen.

    Args:
        choices: Of the first and of the second.
    """
    _keep("comparison", choices)


def walk_wish() -> WalkWish | None:
    """Return the walk that this person asked for last, or None."""
    wish: WalkWish | None = _of_cohort("walk")
    return wish


def wish_walk(wish: WalkWish) -> None:
    """Ask for a walk; the page Walk shows it.

    Args:
        wish: From where, along what, how far.
    """
    _keep("walk", wish)


def walk_to(along: str, *, kind: str = "joint", start: str = COHORT) -> None:
    """Leave this page for a walk.

    Args:
        along: As in ``WalkWish``: ``phenotype:COLUMN``, ``found(K, NAME)`` …
        kind: Which latents it goes through.
        start: As in ``WalkWish``.
    """
    wish = replace(walk_wish() or WalkWish(), along=along, kind=kind, start=start)
    wish_walk(wish)
    link = {"row": str(row()), "cohort": short(explorer().cohort.fingerprint), **wish.to_link()}
    st.switch_page(st.session_state["pages"]["walk"], query_params=link)


def _of_cohort(name: str) -> Any:  # noqa: ANN401 - what _keep was given
    """Return what was kept under a name for the cohort that is open, or None."""
    return st.session_state.get(f"{name}:{explorer().cohort.fingerprint}")


def _keep(name: str, value: object) -> None:
    """Keep a value for the cohort that is open: row numbers mean nothing in another."""
    st.session_state[f"{name}:{explorer().cohort.fingerprint}"] = value


# The address -----------------------------------------------------------------------------------


def write_link() -> None:
    """Put row and cohort into the page's address: never an identifier."""
    wanted = {"row": str(row()), "cohort": short(explorer().cohort.fingerprint)}
    for name, value in wanted.items():
        if st.query_params.get(name) != value:
            st.query_params[name] = value


def write_parameter(name: str, value: str) -> None:
    """Put what a page alone understands into the page's address, or take it out.

    Args:
        name: Of the parameter.
        value: Its text, never an identifier; empty: it is taken out.
    """
    if not value:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def link_problem() -> str | None:
    """Return one sentence where the link that was opened did not fit, once."""
    problem: str | None = st.session_state.pop("link_problem", None)
    return problem


def _row_of_link() -> int:
    """Return the row that the address asks for, or the first with both recordings."""
    cohort = explorer().cohort
    wanted = st.query_params.get("row")
    if wanted is not None:
        fingerprint = st.query_params.get("cohort")
        if fingerprint not in (None, short(cohort.fingerprint)):
            st.session_state["link_problem"] = (
                "This link was made for another cohort, or for an earlier state of this one: "
                "showing the first participant instead."
            )
        elif _is_row(wanted, len(cohort)):
            return int(wanted)
        else:
            st.session_state["link_problem"] = (
                f"This link asks for a row that is not there (rows are 0 to {len(cohort) - 1:,}): "
                "showing the first participant instead."
            )
    both = np.flatnonzero(cohort.has("ecg") & cohort.has("mri"))
    return int(both[0]) if len(both) else 0


def _is_row(text: str, count: int) -> bool:
    """Tell whether a text of an address is a row number; of many digits none is read."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(count))
    return is_number and int(text) < count


def keep_pages(pages: Mapping[str, StreamlitPage]) -> None:
    """Keep the pages of this run of the script, so that views can lead to each other.

    Args:
        pages: By name of the view.
    """
    st.session_state["pages"] = dict(pages)


def go_to_participant(row: int) -> None:
    """Leave this page for a participant's.

    Args:
        row: Row of the cohort.
    """
    choose_row(row)
    link = {"row": str(row), "cohort": short(explorer().cohort.fingerprint)}
    st.switch_page(st.session_state["pages"]["participant"], query_params=link)


def go_to_comparison() -> None:
    """Leave this page for the comparison of two groups."""
    st.switch_page(st.session_state["pages"]["compare"])


def are_identifiers_shown() -> bool:
    """Return whether this person asked to see participant identifiers."""
    return bool(st.session_state.get("show_identifiers", False))


def wait_for_model() -> None:
    """Ask for this page to be drawn again once the model has been loaded."""
    model = explorer().model
    model.start(delay_s=WARM_UP_DELAY_S)
    wait_until(lambda: model.is_ready or model.error is not None)


def wait_until(is_ready: Callable[[], bool]) -> None:
    """Ask for this page to be drawn again once something is ready that was not so far.

    Args:
        is_ready: Tells whether it is; quick, and without a session to ask.
    """
    st.session_state.setdefault("waited_for", []).append(is_ready)


def draw_again_when_ready() -> None:
    """Where a page waits for something, wait for the first, and draw it again; to be called last.

    The script itself waits, a little at a time, so that any click ends the waiting at once. A
    fragment that reruns by a timer would be simpler, but its answer may reach a browser that has
    left the page, which Streamlit does not survive.
    """
    waited_for = st.session_state.pop("waited_for", [])
    if not waited_for:
        return
    place = st.empty()
    while not any(is_ready() for is_ready in waited_for):
        time.sleep(POLL_S)
        place.empty()  # lets Streamlit stop this script when the person does something
    st.rerun()


def short(fingerprint: str) -> str:
    """Return the part of a fingerprint that people compare.

    Args:
        fingerprint: A hexadecimal hash.
    """
    return fingerprint[:FINGERPRINT_DIGITS]
