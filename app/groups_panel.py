"""Finding rows by number or identifier, and keeping groups by name."""

import streamlit as st

from app import frame, session
from app.groups import Group
from app.row_search import Found, find_identifiers, find_rows
from cmae.errors import InputError

MAX_NAME = 60


def find_panel() -> None:
    """Find a row, or a pasted list of them, and make it the selection."""
    with st.popover("Find", icon=":material/search:", width="content"):
        st.toggle("Show identifiers", key="show_identifiers", persist_state="session")
        kinds = ["Row numbers"]
        if session.are_identifiers_shown():
            kinds = ["Identifiers", *kinds]
        kind = st.segmented_control(
            "What the list holds", kinds, default=kinds[0], required=True, key=f"find_{len(kinds)}"
        )
        is_rows = kind == "Row numbers"
        st.text_area(
            "One, or a list, separated by anything",
            key="find_text",
            height=110,
            placeholder="12, 40, 87" if is_rows else "One identifier a line",
        )
        st.button("Select", type="primary", key="find_select", on_click=_find, args=(is_rows,))
        sentence = st.session_state.pop("find_sentence", None)
        if sentence:
            st.caption(sentence)


def _find(is_rows: bool) -> None:
    """Select what the list names; a single row is shown as well."""
    text = str(st.session_state.get("find_text") or "")
    cohort = session.explorer().cohort
    try:
        found = find_rows(text, len(cohort)) if is_rows else find_identifiers(text, cohort.table)
    except InputError as error:
        st.session_state["find_sentence"] = str(error)
        return
    st.session_state["find_sentence"] = found.sentence()
    _choose(found)


def _choose(found: Found) -> None:
    if not len(found.rows):
        return
    session.choose_row(int(found.rows[0]))
    if found.num_named > 1 or len(found.rows) > 1:
        how = {"listed": found.num_named, "found": found.num_named - found.num_missing}
        session.select(Group("Listed", found.rows, how))


def groups_panel(group: Group | None) -> None:
    """Keep what is selected under a name; use, rename and drop what was kept.

    Args:
        group: What is selected; None: everybody.
    """
    kept = session.groups()
    label = f"Groups ({len(kept)})" if kept else "Groups"
    with st.popover(label, icon=":material/group:", width="content"):
        if group is not None and len(group):
            st.text_input(
                f"Keep the {len(group):,} selected as", key="group_name", max_chars=MAX_NAME
            )
            st.button("Keep", type="primary", key="group_keep", on_click=_keep, args=(group,))
        elif not kept:
            frame.empty(
                "Select some participants first: draw on the map, brush a distribution, or paste "
                "a list. Groups that you keep can be compared, exported and used again."
            )
        for number, each in enumerate(kept.values()):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.text_input(
                    "Name",
                    each.name,
                    key=f"group-{number}-{each.name}",
                    max_chars=MAX_NAME,
                    label_visibility="collapsed",
                    on_change=_rename,
                    args=(each.name, f"group-{number}-{each.name}"),
                    width=190,
                )
                st.caption(f"{len(each):,}")
                st.button("Use", key=f"use-{number}", on_click=_use, args=(each,))
                st.button(
                    "Drop",
                    key=f"drop-{number}",
                    type="tertiary",
                    on_click=session.drop_group,
                    args=(each.name,),
                )
        sentence = st.session_state.pop("group_sentence", None)
        if sentence:
            st.caption(sentence)


def _keep(group: Group) -> None:
    name = str(st.session_state.get("group_name") or "").strip()
    name = name or f"Group {len(session.groups()) + 1}"
    session.keep_group(Group(name, group.rows, group.how))
    st.session_state["group_sentence"] = f"Kept {len(group):,} participants as {name}."
    st.session_state["group_name"] = ""


def _rename(name: str, key: str) -> None:
    wanted = str(st.session_state.get(key) or "").strip()
    if not wanted or wanted in session.groups():
        st.session_state["group_sentence"] = "A group needs a name of its own: nothing was renamed."
        return
    session.rename_group(name, wanted)


def _use(group: Group) -> None:
    """Make a kept group the selection: its rows as they are, without further filters."""
    session.set_filters(())
    session.select(group)
