"""The hearts that the model finds most alike, by either recording or across them."""

import streamlit as st

from app import caches, frame, heart_caches, routes, session
from app.components.heart_cards import Card, heart_cards

WAYS = {
    "joint_joint": "Both",
    "ecg_ecg": "ECG",
    "mri_mri": "MRI",
    "ecg_mri": "MRI for this ECG",
    "mri_ecg": "ECG for this MRI",
}
"""Which latent asks, and which are ranked."""

NUM_CARDS = 12


def similar_panel(row: int) -> None:
    """Show the nearest hearts as cards, each one click away.

    Args:
        row: Row of the cohort.
    """
    own = caches.latents_of_row(row)
    ways = [way for way in WAYS if way.split("_")[0] in own]
    if not ways:
        return
    frame.section("Most similar hearts", "by cosine of the latents")
    way = st.segmented_control(
        "Compare by",
        ways,
        default=ways[0],
        format_func=WAYS.__getitem__,
        required=True,
        key=f"similar-{'-'.join(own)}",
        label_visibility="collapsed",
    )
    source, target = (way or ways[0]).split("_")
    rows = caches.neighbours(row, source, target)[:NUM_CARDS].tolist()
    if not rows:
        frame.empty("No other row of the cohort has such a latent.")
        return
    if source != target:
        _rank(row, source, target)
    here = session.explorer()
    picked = heart_cards(
        [Card(each, frame.row_label(each), is_own=each == row) for each in rows],
        key=f"similar-cards-{way}",
        address=routes.thumbnails_address(here),
        token=routes.token(),
    )
    if picked is not None and picked != row:
        session.choose_row(picked)
        st.rerun()


def _rank(row: int, source: str, target: str) -> None:
    """Say where the participant's own recording ranks."""
    found = heart_caches.across(row, source, target)
    titles = frame.SOURCE_TITLES
    if found is None:
        st.caption(f"This row has no {titles[target]} of its own to find.")
        return
    rank, total = found
    st.caption(
        f"Of {total:,} {titles[target]}s, the participant's own is number {rank:,.0f} for this "
        f"{titles[source]} (by chance {(total + 1) / 2:,.0f})."
    )
