"""One participant: what was recorded, and what the model makes of it, side by side."""

import streamlit as st

from app import frame, heart_caches, panels, phenotypes, session
from app.export_panel import export_panel
from app.reading_panel import reading_panel
from app.similar_panel import similar_panel

SOURCES = ("ecg", "mri", "joint")
GROUP = "participant-ecg"

DECODED_EF = (
    "Ejection fractions of one section, by area and length. Decoded cines move less than recorded "
    "ones, so theirs is a little low; the page Evidence says by how much where it was measured."
)
"""Why the EF of a decoded cine is not that of the recorded one."""


def show() -> None:
    """Draw the page: recordings first, then what has to be worked out.

    Where the model is free, what it makes of them comes with them: drawing the page twice would
    take longer than decoding does.
    """
    row = session.row()
    _head(row)
    row = session.row()
    heart = panels.heart_of_row(row, is_decoded_now=session.explorer().model.is_free)
    sources, area = _heart(heart, row)
    if heart.pending:
        heart_caches.decode(row)
        st.rerun()
    left, right = st.columns([1.12, 1], gap="medium")
    with left:
        reading_panel(row)
    with right:
        similar_panel(row)
    frame.stamp()
    with area:
        _area(heart, row, sources)


def _head(row: int) -> None:
    """Show who this is, and the controls that lead to another row."""
    total = len(session.explorer().cohort)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="row-bar"):
        frame.header(f"Participant {row:,}", frame.conditions(row), is_generated=True)
        st.space("stretch")
        st.button(
            "Previous",
            icon=":material/chevron_left:",
            on_click=session.choose_row,
            args=(row - 1,),
            shortcut="Left",
        )
        st.button(
            "Next",
            icon=":material/chevron_right:",
            on_click=session.choose_row,
            args=(row + 1,),
            shortcut="Right",
        )
        st.button("Random", icon=":material/casino:", on_click=session.choose_random_row)
        st.session_state["row_wanted"] = row
        st.number_input(
            f"Row, 0 to {total - 1}",
            label_visibility="collapsed",
            min_value=0,
            max_value=total - 1,
            step=1,
            key="row_wanted",
            on_change=lambda: session.choose_row(st.session_state["row_wanted"]),
            width=120,
        )
        export_panel(row)
        st.toggle("Show identifiers", key="show_identifiers", persist_state="session")
    if session.are_identifiers_shown():
        keys = session.explorer().cohort.table.iloc[row]
        st.caption(f"Identifier {keys['participant_id']}, visit {keys['visit']}")
    frame.participant_facts(row, phenotypes.PRIMARY)


def _heart(heart: panels.Heart, row: int) -> tuple[list[str], "st.delta_generator.DeltaGenerator"]:
    """Show both recordings with their decodings.

    Returns:
        The latents whose decoded cines are shown, and the place of the area curve.
    """
    left, right = st.columns([1.12, 1], gap="medium")
    with left:
        sources = _sources("ecg", ("ecg", "mri"), "ECG")
        panels.ecg_panel(
            heart,
            key=GROUP,
            sources=sources,
            has_residual=st.session_state.get("ecg_difference", False),
        )
    with right:
        sources = _sources("mri", ("mri", "ecg"), "MRI")
        panels.cine_panel(
            heart,
            key="participant-cine",
            group=GROUP,
            sources=sources,
            has_difference=st.session_state.get("mri_difference", False),
            name=f"row-{row}",
        )
        area = st.container()
        with st.empty():
            panels.model_state(heart, row)
        _errors(row)
    return sources, area


def _sources(target: str, default: tuple[str, ...], title: str) -> list[str]:
    """Show a section's title with the decodings that are drawn, and return these."""
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key=f"{target}-bar"
    ):
        frame.section(title)
        st.space("stretch")
        chosen: list[str] = st.pills(
            "Decodings",
            sorted(SOURCES, key=(*default, "joint").index),
            selection_mode="multi",
            default=list(default),
            format_func=lambda source: panels.path_title(source, target),
            key=f"{target}_sources",
            persist_state="session",
            label_visibility="collapsed",
        )
        st.toggle("Difference", key=f"{target}_difference", persist_state="session")
    return chosen


def _area(heart: panels.Heart, row: int, sources: list[str]) -> None:
    """Find the left ventricle, which takes a while, in what is shown; then draw its area."""
    found = {}
    if heart.cine is not None:
        found["recorded"] = heart_caches.heartbeat(row, None)
    if heart.decodings is not None:
        found |= {source: heart_caches.heartbeat(row, source) for source in sources}
    known = {source: beat for source, beat in found.items() if beat is not None}
    panels.area_panel(known, key="participant-area", group=GROUP, name=f"row-{row}")
    if any(source != "recorded" for source in known):
        st.caption(DECODED_EF)


def _errors(row: int) -> None:
    """Show how large the errors are, also within the cohort."""
    found = heart_caches.errors(row)
    if found is None:
        return
    work = heart_caches.error_sample()
    panels.error_table(found, work.result)
    if work.result is not None:
        count = max((len(sizes) for sizes in work.result.values()), default=0)
        st.caption(
            f"Larger than: share of {count:,} participants, drawn evenly along the ages, whose "
            "error by the same path is smaller."
        )
    elif work.error is not None:
        st.caption(str(work.error))
    else:
        st.caption(f"How large that is in the cohort is being sampled: {work.share:.0%} …")
        session.wait_until(lambda: work.is_done)
