"""How the two groups of a comparison are chosen: two cards, side by side."""

import streamlit as st

from app import frame, phenotypes, session
from app.comparison_groups import SIGNS, WAY_TITLES, Choice, Chosen, Here, Way
from cmae.errors import InputError

PLACES = ("a", "b")
"""The two groups, as a link names them."""


def choose_groups(here: Here) -> tuple[Chosen, Chosen] | None:
    """Show both cards, and put thresholds and conditions into the address.

    Args:
        here: What groups are chosen from.

    Returns:
        The rows of both; None where they cannot be found, which the page then says.
    """
    before = _kept(here)
    cards = [column.container(border=True) for column in st.columns(2, gap="medium")]
    chosen = []
    for place, card, choice in zip(PLACES, cards, before, strict=True):
        with card:
            chosen.append(_card(place, choice, here))
    first, second = chosen
    session.keep_comparison((first, second))
    for place, choice in zip(PLACES, chosen, strict=True):
        session.write_parameter(place, choice.link())
    try:
        both = here.both(first, second)
    except InputError as error:
        st.error(str(error))
        return None
    for card, group in zip(cards, both, strict=True):
        with card:
            _facts(group, is_first=group is both[0])
    return both


def _kept(here: Here) -> tuple[Choice, Choice]:
    """Return what was chosen before, else what the link says, else what is worth seeing first."""
    before = session.comparison()
    if before is not None:
        return before
    first, second = here.first()
    for place in PLACES:
        text = st.query_params.get(place)
        if text is None:
            continue
        choice = here.read_link(text[:200])
        if choice is None:
            st.warning(
                "This link names a group that makes no sense in this cohort: showing another."
            )
        elif place == "a":
            first = choice
        else:
            second = choice
    return first, second


def _card(place: str, choice: Choice, here: Here) -> Choice:
    """Show one group's widgets and return what is chosen."""
    ways = here.ways()
    letter = place.upper()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        way: Way = st.selectbox(
            f"Group {letter} by",
            ways,
            index=ways.index(choice.way) if choice.way in ways else len(ways) - 1,
            format_func=WAY_TITLES.__getitem__,
            key=_key(place, "way", ",".join(ways)),
            width=195,
        )
        if way == "threshold":
            return _threshold(place, choice, here)
        if way == "category":
            return _category(place, choice, here)
        if way == "group":
            names = list(here.groups)
            index = names.index(choice.name) if choice.name in names else 0
            key = _key(place, "group", str(len(names)))
            return Choice("group", st.selectbox("Named group", names, index=index, key=key))
    return Choice(way)


def _threshold(place: str, choice: Choice, here: Here) -> Choice:
    names = here.measurements()
    name = st.selectbox(
        "Measurement",
        names,
        index=names.index(choice.name) if choice.name in names else 0,
        format_func=phenotypes.title,
        key=_key(place, "column"),
        width=200,
    )
    usual = (choice.sign, choice.value) if choice.name == name else here.usual(name)
    signs = list(SIGNS)
    sign = st.selectbox(
        "is",
        signs,
        index=signs.index(usual[0]) if usual[0] in signs else 0,
        format_func=SIGNS.__getitem__,
        key=_key(place, "sign", name),
        width=68,
    )
    unit = here.columns[name].unit
    value = st.number_input(
        unit or "value",
        value=float(usual[1]),
        key=_key(place, "value", name),
        width=108,
        format="%g",
    )
    return Choice("threshold", name, sign, float(value))


def _category(place: str, choice: Choice, here: Here) -> Choice:
    names = here.conditions()
    name = st.selectbox(
        "Condition",
        names,
        index=names.index(choice.name) if choice.name in names else 0,
        format_func=phenotypes.title,
        key=_key(place, "condition"),
        width=220,
    )
    words = phenotypes.categories(name, here.columns[name]) or ("no", "yes")
    code = st.segmented_control(
        "is",
        [1, 0],
        default=int(choice.value) if choice.name == name else 1,
        format_func=words.__getitem__,
        required=True,
        key=_key(place, "code", name),
    )
    return Choice("category", name, value=float(1 if code is None else code))


def _facts(group: Chosen, *, is_first: bool) -> None:
    """Say in one line who is in a group."""
    cohort = session.explorer().cohort
    rows = group.rows
    parts = [
        f"{len(rows):,} rows",
        f"{int(cohort.has('ecg')[rows].sum()):,} with ECG",
        f"{int(cohort.has('mri')[rows].sum()):,} with MRI",
        *(f"{count:,} left out: {reason}" for reason, count in group.left_out.items()),
    ]
    letter, mark = ("A", "first") if is_first else ("B", "second")
    frame.marked_line(f"{letter} · {group.title}", " · ".join(parts), mark=mark)


def _key(place: str, *parts: str) -> str:
    """Return a widget's key: of one cohort, and anew where its options are others."""
    return "-".join(("compare", session.explorer().cohort.fingerprint[:8], place, *parts))
