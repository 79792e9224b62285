"""The map of the whole cohort, with the heart that was picked or the group that was selected."""

import streamlit as st

from app import caches, frame, panels, phenotypes, session
from app.map_panel import map_panel
from app.selection_panel import selection_panel

LINE = (
    "Each dot is one heart, placed by what the model sees in its ECG or its MRI: hearts that look "
    "alike lie close together. Click a dot to see it, draw a lasso to compare a group."
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
    """Map on the left, what was picked or selected on it on the right."""
    left, right = st.columns([1.36, 1], gap="medium")
    with left:
        if not map_panel():
            return
    group = session.selection()
    with right:
        if group is not None:
            selection_panel(group)
        else:
            _participant(session.row())


def _participant(row: int) -> None:
    """Show the recordings of the row that was picked, and what to try next."""
    frame.section(f"Participant {row:,}")
    frame.participant_facts(row, phenotypes.HEADLINES)
    _recordings(row)
    with st.container(horizontal=True, gap="small"):
        if st.button("See all decodings", type="primary", icon=":material/compare:"):
            session.go_to_participant(row)
        for label, example in caches.examples().items():
            st.button(label, on_click=session.choose_row, args=(example,))
        st.button("Random", icon=":material/casino:", on_click=session.choose_random_row)


def _recordings(row: int) -> None:
    """Play the cine beside what the model makes of the ECG alone, over the recorded ECG."""
    heart = panels.heart_of_row(row)
    panels.cine_panel(heart, key="map-cine", group="map-ecg", sources=("ecg",))
    panels.ecg_panel(heart, key="map-ecg", sources=("mri",))
    panels.model_state(heart, row)
