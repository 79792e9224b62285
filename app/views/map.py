"""The first page: the map, the heart that was picked, and what is selected, all linked."""

import streamlit as st

from app import caches, frame, panels, phenotypes, session
from app.groups_panel import find_panel, groups_panel
from app.map_panel import map_panel
from app.selection_panel import linked_panel, selection_line
from app.state_panel import export_panel, state_panel

LINE = (
    "Each dot is one heart, placed by what the model sees in its ECG or its MRI: hearts that look "
    "alike lie close together. Click a dot to see it beat, draw around some to select them."
)


def show() -> None:
    """Draw the page."""
    frame.header("Map of hearts", LINE, is_generated=True)
    here = session.explorer()
    if not here.latents.maps:
        frame.empty(
            f"The latents {here.latents.path.name} have no map yet: run "
            f"`cmae map {here.latents.path.name}`, then reload this page."
        )
        return
    missing = int((here.latent_rows < 0).sum())
    if missing:
        st.caption(
            f"{missing:,} of {len(here.cohort):,} rows have no latents yet: the cohort has grown "
            "since it was embedded; run `cmae embed` again."
        )
    _explore()


def _explore() -> None:
    """Map on the left; on the right the heart that was picked, and below it the selection."""
    bar = st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="selection-bar"
    )
    left, right = st.columns([1, 1.16], gap="medium")
    with left:
        map_panel()
    group = session.selection()
    with bar:
        # A place of its own: however many chips there are, an open menu beside it stays open.
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            selection_line(group)
        find_panel()
        groups_panel(group)
        export_panel(group)
        state_panel()
    with right:
        with st.container(key="heart", gap="small"):
            _participant(session.row())
        linked_panel(group)


def _participant(row: int) -> None:
    """Show the recordings of the row that was picked, and what to try next."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="try-bar"):
        frame.section(f"Participant {row:,}")
        st.space("stretch")
        for label, example in caches.examples().items():
            st.button(label, on_click=session.choose_row, args=(example,), type="tertiary")
        st.button("Random", icon=":material/casino:", on_click=session.choose_random_row)
        if st.button("See all decodings", type="primary", icon=":material/compare:"):
            session.go_to_participant(row)
    frame.participant_facts(row, phenotypes.HEADLINES)
    _recordings(row)


def _recordings(row: int) -> None:
    """Play the cine beside what the model makes of the ECG alone, and the ECG beside both."""
    heart = panels.heart_of_row(row)
    if heart.decodings is None and heart.cine is not None:
        # Where the decoded cine is going to be, so that nothing moves once the model is loaded.
        pictures, state, paper = st.columns([1, 1, 2], gap="small")
        with state:
            panels.model_state(heart, row)
    else:
        pictures, paper = st.columns(2, gap="small")
    with pictures:
        panels.cine_panel(heart, key="map-cine", group="map-ecg", sources=("ecg",))
    with paper:
        panels.ecg_panel(heart, key="map-ecg", sources=("mri",))
