"""One participant: what was recorded, and what the model makes of it, side by side."""

import streamlit as st

from app import caches, frame, panels, phenotypes, session

LINE = (
    "Recorded, reconstructed from the same recording, and translated from the other one. "
    "The cursor on the ECG follows the beating heart."
)
SOURCES = ("ecg", "mri", "joint")


def show() -> None:
    """Draw the page."""
    here = session.explorer()
    row = session.row()
    frame.header(f"Participant {row:,}", LINE, is_generated=True)
    _chooser(row)
    row = session.row()
    if session.are_identifiers_shown():
        keys = here.cohort.table.iloc[row]
        st.caption(f"Identifier {keys['participant_id']}, visit {keys['visit']}")
    frame.participant_facts(row, phenotypes.PRIMARY)
    _more_facts(row)
    _heart(row)
    frame.stamp()


def _chooser(row: int) -> None:
    """Show the controls that go to another row."""
    total = len(session.explorer().cohort)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
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
            width=130,
        )
        st.toggle("Show identifiers", key="show_identifiers", persist_state="session")


def _more_facts(row: int) -> None:
    """Show the phenotypes that are looked at less often, folded away."""
    columns = session.explorer().cohort.columns
    others = [
        name
        for name in phenotypes.ordered(columns)
        if name not in phenotypes.PRIMARY and columns[name].kind != "binary"
    ]
    has = frame.conditions(row)
    if not others and not has:
        return
    with st.expander(f"{len(others)} more phenotypes" + (f" · {has}" if has else "")):
        frame.participant_facts(row, others)


def _heart(row: int) -> None:
    """Show both recordings with their decodings."""
    heart = panels.heart_of_row(row)
    left, right = st.columns([1.12, 1], gap="medium")
    with left:
        frame.section("ECG", "25 mm/s, 10 mm/mV, one median beat")
        sources = _sources("ecg", ("ecg", "mri"))
        panels.ecg_panel(
            heart,
            key="participant-ecg",
            sources=sources,
            has_residual=st.session_state.get("ecg_difference", False),
        )
    with right:
        frame.section("Cardiac MRI", "four-chamber view, one heartbeat")
        sources = _sources("mri", ("mri", "ecg"))
        panels.cine_panel(
            heart,
            key="participant-cine",
            group="participant-ecg",
            sources=sources,
            has_difference=st.session_state.get("mri_difference", False),
        )
        panels.error_table(heart)
        panels.model_state(heart, row)
        _neighbours(row)


def _sources(target: str, default: tuple[str, ...]) -> list[str]:
    """Show which decodings are drawn, and return them."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
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


def _neighbours(row: int) -> None:
    """Show the hearts that the model finds most alike, each one click away."""
    latents = caches.latents_of_row(row)
    if not latents:
        return
    frame.section("Most similar hearts", "by cosine of the latents")
    source = st.segmented_control(
        "Compare by",
        list(latents),
        default="joint" if "joint" in latents else next(iter(latents)),
        format_func=lambda source: f"{frame.SOURCE_TITLES[source]} latent",
        required=True,
        key=f"neighbour_source_{'-'.join(latents)}",
        label_visibility="collapsed",
    )
    panels.row_buttons(caches.neighbours(row, source or "joint"), key="neighbour")
