"""Heart cards: hearts at a glance, beat and end-diastolic frame, each one click away."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app.components.wire import read_assets

_component = st.components.v2.component(
    "cmae_heart_cards",
    html='<div class="cmae heart-cards"></div>',
    css=read_assets("base.css", "heart_cards.css"),
    js=read_assets("wire.js", "heart_cards.js"),
)


@dataclass(frozen=True)
class Card:
    """One heart.

    Attributes:
        row: Row of the cohort.
        title: A few words.
        is_own: Whether it is the heart that the others are compared with.
    """

    row: int
    title: str
    is_own: bool = False


def heart_cards(cards: Sequence[Card], *, key: str, address: str, token: str) -> int | None:
    """Show cards, and return the row of the card that was just pressed.

    The pictures are fetched by the browser, so that a page does not wait for them.

    Args:
        cards: What to show, in this order.
        key: Streamlit key, unique on the page.
        address: Below which thumbnails lie, one a row (``routes.thumbnails_address``).
        token: Of the session, for that route.

    Returns:
        One of the cards' rows, in the run of the script that the press caused; else None.
    """
    state = _component(
        key=key,
        data={
            "cards": [
                {"row": card.row, "title": card.title, "is_own": card.is_own} for card in cards
            ],
            "address": address,
            "token": token,
        },
        on_picked_change=lambda: None,
    )
    picked = state.get("picked")
    return picked if type(picked) is int and picked in {card.row for card in cards} else None
