"""The script that Streamlit runs for each person and interaction: frame, navigation, one view."""

from pathlib import Path

import streamlit as st

from app import background, frame, link, session
from app.views import about, compare, evidence, map, participant, upload, walk
from cmae.errors import CmaeError


def main() -> None:
    """Draw the page that the address asks for."""
    st.set_page_config(page_title="cmae explorer", page_icon="🫀", layout="wide")
    frame.style()
    st.logo(str(Path(__file__).with_name("logo.svg")), size="medium")
    if not session.is_chosen():
        st.error("No cohort is open: start the explorer with `python -m app`.")
        return
    pages = {
        "map": st.Page(map.show, title="Map", icon=":material/scatter_plot:", default=True),
        "participant": st.Page(
            participant.show,
            title="Participant",
            icon=":material/ecg_heart:",
            url_path="participant",
        ),
        "compare": st.Page(
            compare.show, title="Compare", icon=":material/compare_arrows:", url_path="compare"
        ),
        "walk": st.Page(
            walk.show, title="Walk", icon=":material/directions_walk:", url_path="walk"
        ),
        "evidence": st.Page(
            evidence.show, title="Evidence", icon=":material/fact_check:", url_path="evidence"
        ),
        "upload": st.Page(
            upload.show,
            title="Your recording",
            icon=":material/upload_file:",
            url_path="upload",
        ),
        "about": st.Page(
            about.show, title="Run and cohort", icon=":material/info:", url_path="about"
        ),
    }
    chosen = st.navigation(list(pages.values()), position="top")
    session.keep_pages(pages)
    link.open_link()
    problem = session.link_problem()
    if problem is not None:
        st.warning(problem)
    _say_what_changed()
    try:
        with background.drawing():
            chosen.run()
    except CmaeError as error:
        st.error(str(error))
    link.write_link()
    session.explorer().model.start(delay_s=session.WARM_UP_DELAY_S)
    session.draw_again_when_ready()


def _say_what_changed() -> None:
    """Say that files are not as they were when they were opened, and offer to open them again."""
    change = session.explorer().change()
    if change is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(change, icon=":material/sync_problem:")
        st.button("Reopen", on_click=session.reopen, icon=":material/refresh:")


main()
