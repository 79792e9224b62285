"""Taking what is selected away, as files and as a state that restores everything."""

import json
from collections.abc import Callable

import streamlit as st

from app import frame, link, map_caches, map_data, phenotypes, session
from app.components.latent_map import MapPoints
from app.distributions_panel import MAX_SHOWN, shown_columns
from app.exports import Export
from app.groups import Group
from app.saved_state import SavedState, read_state
from app.selection_panel import SPREAD, VIEWS, filter_words, origin
from cmae.errors import InputError
from cmae.latent.decoding import SOURCES


def export_panel(group: Group | None) -> None:
    """Offer what is selected as files, each one click away.

    Args:
        group: What is selected; None: everybody.
    """
    here = session.explorer()
    with st.popover("Export", icon=":material/download:", width="content"):
        if group is not None and not len(group):
            frame.empty("Nobody passes all filters: there is nothing to export.")
            return
        count = len(here.cohort) if group is None else len(group)
        frame.section(f"{count:,} rows", "made when you click")
        with_latents = st.checkbox("With latents", key="export_latents")
        export = Export(
            here,
            group,
            how_made(group),
            with_latents=with_latents,
            with_identifiers=session.are_identifiers_shown(),
        )
        points = map_caches.map_points(*_map_shown())
        columns = shown_columns()
        with st.container(horizontal=True, gap="small"):
            _download("CSV", export.csv, "selection.csv", "text/csv")
            _download("Parquet", export.parquet, "selection.parquet")
            _download("How it was made", export.sidecar, "selection.json", "application/json")
        with st.container(horizontal=True, gap="small"):
            _download("Map as SVG", _figure(export, points, ".svg"), "map.svg", "image/svg+xml")
            _download("Map as PNG", _figure(export, points, ".png"), "map.png", "image/png")
            settings = _map_settings()
            _download(
                "Report as HTML",
                lambda: export.page(columns, settings),
                "selection.html",
                "text/html",
            )
        st.caption(
            "Rows go by their numbers"
            + (" and identifiers." if session.are_identifiers_shown() else ", never identifiers.")
            + " Parquet holds how the rows were chosen; the report opens without a server."
        )
        frame.commands(f"cmae export {here.latents.path.name} --format parquet --out latents/")


def _figure(export: Export, points: MapPoints, suffix: str) -> Callable[[], bytes]:
    return lambda: export.figure(points, suffix)


def _download(
    label: str, make: Callable[[], bytes], name: str, mime: str = "application/octet-stream"
) -> None:
    st.download_button(label, make, name, mime, key=f"download-{name}", on_click="ignore")


def how_made(group: Group | None) -> list[str]:
    """Say how a group was made, a line each.

    Args:
        group: What is selected; None: everybody.
    """
    if group is None:
        return []
    lines = []
    base = session.chosen()
    if base is not None:
        shapes = base.how.get("shapes")
        drawn = f" by {len(shapes)} shapes" if isinstance(shapes, list) else ""
        where = [str(base.how[name]) for name in ("space", "map") if name in base.how]
        on = f", {' / '.join(where)}" if where else ""
        lines.append(f"{origin(base)}{drawn}{on}: {len(base):,} rows")
    return lines + [filter_words(each) for each in session.filters()]


def state_panel() -> None:
    """Offer the state as a file, and take one back."""
    with st.popover("Save", icon=":material/bookmark:", width="content"):
        left_out = link.leaves_out()
        st.caption(
            left_out
            or "This page's address opens the same row, filters and shapes; it holds neither "
            "identifiers nor groups."
        )
        state = _state()
        st.download_button(
            "Save the state",
            state.to_bytes,
            "cmae_state.json",
            "application/json",
            key="download-state",
            type="primary",
            on_click="ignore",
        )
        st.file_uploader(
            "Open a saved state",
            type="json",
            key="state_file",
            on_change=_restore,
            max_upload_size=32,
        )
        if "state_sentence" in st.session_state:
            st.caption(st.session_state["state_sentence"])


def _state() -> SavedState:
    """Gather what this person chose."""
    here = session.explorer()
    names = [name for name in _allowed() if name in st.session_state]
    return SavedState(
        cohort=here.cohort.fingerprint,
        run=here.latents.run_fingerprint,
        row=session.row(),
        filters=session.filters(),
        chosen=session.chosen(),
        groups=tuple(session.groups().values()),
        settings={name: st.session_state[name] for name in names},
    )


def _restore() -> None:
    """Take what an uploaded file holds; one sentence says what came of it."""
    file = st.session_state.get("state_file")
    if file is None:
        st.session_state.pop("state_sentence", None)
        return
    cohort = session.explorer().cohort
    try:
        state = read_state(file.getvalue(), cohort=cohort.fingerprint, count=len(cohort))
        unknown = [each for each in state.filters if each.column not in cohort.columns]
        if unknown:
            raise InputError(
                f"{len(unknown)} filters of this state are on columns that the cohort lacks: "
                "nothing was restored."
            )
    except InputError as error:
        st.session_state["state_sentence"] = str(error)
        return
    session.choose_row(state.row)
    session.set_filters(state.filters)
    session.select(state.chosen)
    for group in state.groups:
        session.keep_group(group)
    allowed = _allowed()
    fitting = {
        name: value
        for name, value in state.settings.items()
        if name in allowed and allowed[name](value)
    }
    if fitting.get("across") == fitting.get("up"):
        fitting = {name: value for name, value in fitting.items() if name not in ("across", "up")}
    for name, value in fitting.items():
        st.session_state[name] = value
    left_out = len(state.settings) - len(fitting)
    st.session_state["state_sentence"] = "Everything was restored." + (
        f" {left_out} settings do not exist here and were left out." if left_out else ""
    )


def _allowed() -> dict[str, Callable[[object], bool]]:
    """Return the settings of the pages that a state holds, and what tells a fitting value."""
    here = session.explorer()
    names = map_data.colour_names(here.cohort)
    axes = map_data.axis_names(here.cohort)

    def one_of(*choices: str) -> Callable[[object], bool]:
        return lambda value: isinstance(value, str) and value in choices

    def some_of(most: int, *choices: str) -> Callable[[object], bool]:
        return lambda value: (
            isinstance(value, list)
            and len(value) <= most
            and len({json.dumps(each) for each in value}) == len(value)
            and all(isinstance(each, str) and each in choices for each in value)
        )

    def is_switch(value: object) -> bool:
        return isinstance(value, bool)

    spaces = [
        space
        for space, kinds in map_data.SPACES.items()
        if all(kind in here.latents.kinds for kind in kinds)
    ]
    return {
        "space": one_of(*spaces),
        "map": one_of(*here.latents.maps, *([map_data.AXES] if len(axes) > 1 else [])),
        "across": one_of(*axes),
        "up": one_of(*axes),
        "simple": is_switch,
        "colour": one_of(*names),
        "linked_view": one_of(*VIEWS),
        "distribution_columns": some_of(MAX_SHOWN, *names[1:]),
        "row_order": one_of(SPREAD, *phenotypes.ordered(here.cohort.columns)),
        "row_order_falls": is_switch,
        "ecg_sources": some_of(3, *SOURCES),
        "mri_sources": some_of(3, *SOURCES),
        "ecg_difference": is_switch,
        "mri_difference": is_switch,
    }


def _map_shown() -> tuple[str, str]:
    """Return the space and the map that are shown, else the first of each."""
    allowed, latents = _allowed(), session.explorer().latents
    space, name = st.session_state.get("space"), st.session_state.get("map")
    if not allowed["space"](space):
        space = next(each for each in map_data.SPACES if allowed["space"](each))
    if name not in latents.maps:
        name = next(iter(latents.maps))
    return str(space), str(name)


def _map_settings() -> list[str]:
    """Write which map is shown, and its settings."""
    space, name = _map_shown()
    words = frame.settings_words(session.explorer().latents.map_settings.get(name, {}))
    return [f"Map {name} of {map_data.SPACE_TITLES[space]} latents: {', '.join(words)}"]
