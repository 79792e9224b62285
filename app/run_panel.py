"""A run: its card, learning curves, networks, whom it has seen, and its settings."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import caches, charts, frame, run_caches, session
from app.groups import Group
from app.pair_panel import quoted

PARTS = {
    "train": "trained on",
    "validation": "chose the weights",
    "test": "kept apart",
    "unseen": "added later",
}
"""Parts of a split, and what the run had them for."""


def run_panel() -> None:
    """Show one side of the run at a time."""
    sides = {
        "Card": _card,
        "Learning": _learning,
        "Networks": _networks,
        "Split": _split,
        "Settings": _settings,
    }
    frame.section("Run", session.explorer().run_path.name)
    side = st.segmented_control(
        "What to see of the run",
        list(sides),
        default="Card",
        required=True,
        key="run_side",
        label_visibility="collapsed",
    )
    sides[side or "Card"]()


def _card() -> None:
    card = caches.run_text("card.md")
    if card is None:
        frame.empty("This run has no card (card.md): it was made by an older or another program.")
        return
    with st.container(border=True, height=520):
        st.markdown(card)


def _learning() -> None:
    history = caches.run_history()
    if history is None:
        frame.empty("This run has no history (history.csv), so its learning curves are not known.")
        return
    st.caption("Loss against epoch: training, and people who were not trained on.")
    st.plotly_chart(charts.learning_curves(*history), key="learning-curves")


def _networks() -> None:
    """Show the networks as a picture, which needs them loaded."""
    error = session.explorer().model.error
    if error is not None:
        st.error(str(error))
        return
    picture = run_caches.network_picture()
    if picture is None:
        st.caption("The model is being loaded; its networks appear in seconds.")
        session.wait_for_model()
        return
    st.image(picture, width="stretch", alt="Encoders and decoders of the run, layer by layer")
    with st.container(horizontal=True):
        st.download_button(
            "Networks (SVG)",
            picture,
            "networks.svg",
            "image/svg+xml",
            icon=":material/download:",
            on_click="ignore",
        )
        run = quoted(session.explorer().run_path)
        frame.commands(f"cmae info {run} --picture networks.svg")


def _split() -> None:
    """Say how many people the run was trained on, and whom of the open cohort it has seen."""
    counts = run_caches.participants()
    if counts:
        st.caption("Participants of its training, by its card")
        frame.facts({name.capitalize(): f"{count:,}" for name, count in counts.items()})
    rows = run_caches.split()
    if rows is None:
        frame.empty(
            "By its card, this run was trained on another cohort than the one that is open: nobody "
            "here was seen in training, unless the same people are in both."
        )
        return
    st.caption("What the run had the rows of this cohort for; judge it by those kept apart.")
    ids = session.explorer().cohort.table["participant_id"]
    frame.table(
        ("Part", "rows", "participants", "what for"),
        [
            (name, f"{len(found):,}", f"{ids.iloc[found].nunique():,}", PARTS[name])
            for name, found in rows.items()
        ],
    )
    st.button(
        "Keep the parts as groups",
        icon=":material/group_add:",
        on_click=_keep_as_groups,
        args=(rows,),
        help="Then they can be compared with each other, and chosen on the map.",
    )


def _keep_as_groups(rows: dict[str, NDArray[np.int64]]) -> None:
    for name, found in rows.items():
        session.keep_group(Group(f"Split: {name}", found, {"split": name}))


def _settings() -> None:
    for name, what in (
        ("experiment.toml", "how it was trained"),
        ("model.toml", "what its networks are built from"),
    ):
        text = caches.run_text(name)
        if text is not None:
            st.caption(f"{name}: {what}")
            st.code(text, language="toml", height=260)
