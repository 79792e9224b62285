"""A walk through the latent space: what changes in heart and ECG along one direction."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from app import frame, phenotypes, session, walk_ways
from app.explorer import shown_evidence
from app.walk_panel import walk_panel
from app.walk_ways import Way
from app.walk_wish import (
    ALIKE,
    COHORT,
    COMPONENT,
    COUNTS,
    GROUP,
    PHENOTYPE,
    REACHES,
    ROW,
    SELECTION,
    TO,
    WalkWish,
    found,
    found_parts,
    from_link,
    row_of,
)
from cmae.errors import CmaeError

LINE = (
    "Start at a heart and change one thing: drag the slider, and heart, ECG and predictions "
    "follow. The strip shows how many real hearts lie along the way."
)
"""What the page is."""

FAVOURITES = ("lvedv_ml", "lv_mass_g", "lvef_percent", "qrs_ms")
"""What a first walk is along, the first that a cohort knows."""


TO_ROW = f"{TO}row"
"""The option that leads to a participant, whose number stands beside it."""

LINK = tuple(WalkWish().to_link())
"""What of the address is the walk's."""


def show() -> None:
    """Draw the page."""
    frame.header("Walk", LINE, is_generated=True)
    kinds = walk_ways.kinds()
    if not kinds:
        frame.empty(
            "There are too few latents to walk among: embed more recordings with `cmae embed`."
        )
        frame.stamp()
        return
    wish = _wish(kinds)
    try:
        begin = walk_ways.start(wish)
        leads = walk_ways.way(wish, begin)
        taken = walk_ways.walk(begin, leads, wish)
    except CmaeError as error:
        frame.empty(str(error))
        frame.stamp()
        return
    _facts(leads)
    walk_panel(begin, leads, taken)
    frame.stamp(f"{wish.kind} latents", f"from {begin.name}", f"along {leads.title}")


def _wish(kinds: list[str]) -> WalkWish:
    """Show the choices, and return what is wished for; it goes into the address."""
    wish = _fitting(_from_address(session.walk_wish() or WalkWish()), kinds)
    session.wish_walk(wish)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _choice("Latents", "kind", kinds, wish.kind, frame.SOURCE_TITLES.__getitem__, width=130)
        _choice("Start from", "start", _starts(), wish.start, _start_title, width=210)
        if wish.start == ROW:
            _row_choice("Participant", session.row(), "walk-row", _take_row)
        alongs = _alongs(wish)
        along = _option(wish.along)
        _choice("Walk along", "along", list(alongs), along, alongs.__getitem__, width=250)
        if along == TO_ROW:
            number = row_of(wish.along.removeprefix(TO)) or 0
            _row_choice("To participant", number, "walk-to-row", _take_target)
        if along.startswith(PHENOTYPE) and walk_ways.covariates(ALIKE):
            _alike(wish)
        if not along.startswith(TO):
            _choice("Reach", "reach", REACHES, wish.reach, "±{} SD".format, width=95)
        _choice("Points", "count", COUNTS, wish.count, str, width=80)
    _to_address(session.walk_wish() or wish)
    return session.walk_wish() or wish


def _choice(
    label: str,
    name: str,
    options: Sequence[Any],
    chosen: object,
    words: Callable[[Any], str],
    *,
    width: int,
) -> None:
    """Show one choice; a change goes into the wish before the page is drawn again."""
    key = f"walk-{name}"
    st.session_state[key] = chosen
    st.selectbox(
        label,
        options,
        format_func=words,
        key=key,
        width=width,
        on_change=lambda: _take(name, st.session_state[key]),
    )


def _take(name: str, value: Any) -> None:  # noqa: ANN401 - what the choice holds
    wish = session.walk_wish() or WalkWish()
    if name == "along" and value == TO_ROW:
        value = f"{TO}row:{(session.row() + 1) % len(session.explorer().cohort)}"
    if name == "kind" and found_parts(wish.along)[0] >= 0:
        wish = replace(wish, along="")  # what an association found is of one kind of latent
    session.wish_walk(replace(wish, **{name: value}))


def _row_choice(label: str, row: int, key: str, take: Callable[[int], None]) -> None:
    st.session_state[key] = row
    st.number_input(
        label,
        min_value=0,
        max_value=len(session.explorer().cohort) - 1,
        step=1,
        key=key,
        width=100,
        on_change=lambda: take(st.session_state[key]),
    )


def _take_row(row: int) -> None:
    session.choose_row(row)


def _take_target(row: int) -> None:
    _take("along", f"{TO}row:{row}")


def _alike(wish: WalkWish) -> None:
    """Offer to hold age, sex and size alike."""
    key = "walk-alike"
    st.session_state[key] = list(wish.alike)
    st.pills(
        "In people alike in",
        [word for word in ALIKE if walk_ways.covariates([word])],
        selection_mode="multi",
        key=key,
        on_change=lambda: _take(
            "alike", tuple(word for word in ALIKE if word in st.session_state[key])
        ),
    )


def _starts() -> list[str]:
    """Return where a walk can begin."""
    chosen = [SELECTION] if session.selection() is not None else []
    return [COHORT, ROW, *chosen, *(f"{GROUP}{name}" for name in session.groups())]


def _start_title(start: str) -> str:
    if start == SELECTION:
        group = session.selection()
        return f"Selection ({len(group):,})" if group is not None else "Selection"
    if start.startswith(GROUP):
        return start.removeprefix(GROUP)
    return {COHORT: "The cohort's center", ROW: "A participant"}[start]


def _alongs(wish: WalkWish) -> dict[str, str]:
    """Return what a walk can lead along, with titles."""
    columns = session.explorer().cohort.columns
    names = [name for name in phenotypes.ordered(columns) if columns[name].kind != "categorical"]
    offered = {f"{PHENOTYPE}{name}": phenotypes.title(name) for name in names}
    offered |= {
        f"{COMPONENT}{number}": f"Component {number} · {100 * share:.1f} % of the variance"
        for number, (_, share) in enumerate(walk_ways.components(wish.kind), start=1)
    }
    offered[TO_ROW] = "To a participant"
    offered |= {
        f"{TO}{start}": f"To {_start_title(start)[:1].lower()}{_start_title(start)[1:]}"
        for start in _starts()
        if start not in (ROW, wish.start)
    }
    for place, folder in enumerate(shown_evidence().associations):
        for direction in walk_ways.found(place):
            if direction.kind == wish.kind:
                offered[found(place, direction.name)] = f"{direction.name} · {folder.name}"
    return offered


def _option(along: str) -> str:
    """Return which option a wish is: the participant that a walk leads to is a number beside it."""
    return TO_ROW if row_of(along.removeprefix(TO)) is not None else along


def _fitting(wish: WalkWish, kinds: list[str]) -> WalkWish:
    """Return a wish that can be had here, and say what could not."""
    problems = []
    place, name = found_parts(wish.along)
    associations = shown_evidence().associations
    if 0 <= place < len(associations):
        of = [each.kind for each in walk_ways.found(place) if each.name == name]
        if of and of[0] in kinds:
            wish = replace(wish, kind=of[0])
    if wish.kind not in kinds:
        wish = replace(wish, kind=kinds[0])
    if wish.start not in _starts():
        problems.append("a group that is not here")
        wish = replace(wish, start=COHORT)
    offered = _alongs(wish)
    row = row_of(wish.along.removeprefix(TO))
    is_row = row is not None and row < len(session.explorer().cohort)
    if not is_row and wish.along not in offered:
        if wish.along:
            problems.append("a direction that is not here")
        favourites = [f"{PHENOTYPE}{name}" for name in FAVOURITES]
        first = next((each for each in favourites if each in offered), next(iter(offered)))
        wish = replace(wish, along=first)
    if problems:
        st.warning(f"This walk asks for {' and '.join(problems)}: showing another.")
    return wish


def _from_address(wish: WalkWish) -> WalkWish:
    """Take what the address asks for, unless this page wrote it itself."""
    asked = {name: st.query_params[name] for name in LINK if name in st.query_params}
    if not asked or asked == st.session_state.get("walk-link"):
        return wish
    return from_link(asked, wish)


def _to_address(wish: WalkWish) -> None:
    link = wish.to_link()
    st.session_state["walk-link"] = {name: value for name, value in link.items() if value}
    for name, value in link.items():
        session.write_parameter(name, value)


def _facts(leads: Way) -> None:
    """Say how the direction was found."""
    direction = leads.direction
    parts = []
    if direction.step == "way":
        parts.append("a straight way through the latent space")
    elif leads.source:
        parts.append(f"found by the association {leads.source}")
    else:
        parts.append(f"found in {direction.rows:,} rows")
    if leads.covariates:
        names = ", ".join(phenotypes.title(name).lower() for name in leads.covariates)
        parts.append(f"among people alike in {names}")
    if leads.cosine is not None:
        parts.append(f"cosine {leads.cosine:.2f} with the direction among all")
    parts.append(f"{100 * leads.share:.1f} % of the variance of the latents lies along it")
    frame.section(leads.title[:1].upper() + leads.title[1:], " · ".join(parts))
