"""Every piece of state of one person: what they look at, in the session and in the address."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st
from streamlit.navigation.page import Page as StreamlitPage

from app.explorer import Explorer, shown
from app.groups import Filter, Group

FINGERPRINT_DIGITS = 12
"""Digits of a fingerprint that a link and a stamp hold."""

POLL_S = 0.2
"""Seconds between two looks whether the model has been loaded."""

WARM_UP_DELAY_S = 2.0
"""Seconds after the first page until the model is loaded."""


def explorer() -> Explorer:
    """Return what this person looks at: the one they chose, or the server's first."""
    chosen = st.session_state.get("explorer")
    explorers = shown()
    return next((each for each in explorers if each.key == chosen), explorers[0])


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
    """Return what is selected now, by shapes and filters together, or None for everybody."""
    chosen: Group | None = _of_cohort("selection")
    return chosen


def select(group: Group | None) -> None:
    """Select rows, or nothing.

    Args:
        group: The rows, with how they were chosen.
    """
    _keep("selection", group)


def filters() -> tuple[Filter, ...]:
    """Return the filters that are set on columns of this cohort."""
    return tuple(_of_cohort("filters") or ())


def set_filters(wanted: Sequence[Filter]) -> None:
    """Set the filters on columns.

    Args:
        wanted: All that hold from now on.
    """
    _keep("filters", tuple(wanted))


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
        elif wanted.isascii() and wanted.isdecimal() and int(wanted) < len(cohort):
            return int(wanted)
        else:
            st.session_state["link_problem"] = (
                f"This link asks for a row that is not there (rows are 0 to {len(cohort) - 1:,}): "
                "showing the first participant instead."
            )
    both = np.flatnonzero(cohort.has("ecg") & cohort.has("mri"))
    return int(both[0]) if len(both) else 0


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


def are_identifiers_shown() -> bool:
    """Return whether this person asked to see participant identifiers."""
    return bool(st.session_state.get("show_identifiers", False))


def wait_for_model() -> None:
    """Ask for this page to be drawn again once the model has been loaded."""
    st.session_state["is_waiting_for_model"] = True


def draw_again_with_model() -> None:
    """Where a page waits for the model, wait, and draw it again; to be called last.

    The script itself waits, a little at a time, so that any click ends the waiting at once. A
    fragment that reruns by a timer would be simpler, but its answer may reach a browser that has
    left the page, which Streamlit does not survive.
    """
    if not st.session_state.pop("is_waiting_for_model", False):
        return
    model = explorer().model
    model.start(delay_s=WARM_UP_DELAY_S)
    place = st.empty()
    while not model.is_ready and model.error is None:
        time.sleep(POLL_S)
        place.empty()  # lets Streamlit stop this script when the person does something
    st.rerun()


def short(fingerprint: str) -> str:
    """Return the part of a fingerprint that people compare.

    Args:
        fingerprint: A hexadecimal hash.
    """
    return fingerprint[:FINGERPRINT_DIGITS]
