"""Choosing a run and a cohort, and embedding a pair that has no latents yet."""

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import explorer, frame, session
from app.catalog import Catalog, Condition, Pair, labels
from app.demo import Sources
from app.jobs import JOBS, Job
from cmae.errors import CmaeError

FOLLOW_S = 0.4
"""Seconds between two looks at how far an embedding has come."""


@dataclass(frozen=True, eq=False)
class Followed:
    """An embedding that runs or waits, and where the page shows how far it has come."""

    job: Job
    place: DeltaGenerator


def pair_panel() -> Followed | None:
    """Show the choice of run and cohort, and what the chosen pair needs.

    Returns:
        The embedding of the chosen pair that runs or waits, or None.
    """
    offered = explorer.catalog()
    if offered is None:
        return None
    here = offered.pair_of(session.explorer())
    pair = _choice(offered, here)
    condition = offered.condition(pair)
    if condition.problem is not None:
        st.error(condition.problem)
        return None
    if pair == here and condition.latents is not None:
        st.caption("Open now: choose another run or cohort to see it instead.")
        return None
    sources = offered.sources(pair)
    job = JOBS.find(sources)
    if condition.latents is not None and not (job and job.is_running):
        _open_when_asked_for(offered, pair)
        return None
    if job is not None and job.is_running:
        return _progress(sources, job)
    _embed(sources, condition, job)
    return None


def follow(followed: Followed) -> None:
    """Show how far an embedding has come until it ends, then draw the page again; call it last.

    Args:
        followed: One that runs or waits.
    """
    while followed.job.is_running:
        state = followed.job.state
        text = f"{state.what}: {state.words}" if state.words else state.what
        followed.place.progress(state.share, text=text)  # lets Streamlit stop this at a click
        time.sleep(FOLLOW_S)
    st.rerun()


def _choice(offered: Catalog, here: Pair) -> Pair:
    """Show the two choices."""
    runs, cohorts = labels(offered.runs), labels(offered.cohorts)
    left, right = st.columns(2, gap="medium")
    with left:
        run = _select("Run", offered.runs, runs, here.run)
    with right:
        cohort = _select("Cohort", offered.cohorts, cohorts, here.cohort)
    return Pair(run, cohort)


def _select(title: str, paths: Sequence[Path], names: dict[Path, str], here: Path) -> Path:
    """Show one choice, which begins with what is open."""
    chosen = st.selectbox(
        title,
        list(paths),
        index=paths.index(here) if here in paths else 0,
        format_func=lambda path: names.get(path, path.name),
        key=f"choose_{title.lower()}",
        persist_state="session",
    )
    return chosen if isinstance(chosen, Path) else here


def _open_when_asked_for(offered: Catalog, pair: Pair) -> None:
    """Open a pair whose latents stand: at once where this person waited for them."""
    is_awaited = st.session_state.get("awaited") == pair
    if not is_awaited:
        with st.container(horizontal=True, vertical_alignment="center"):
            is_awaited = st.button("Open", type="primary", icon=":material/open_in_browser:")
            st.caption("This run has embedded this cohort already.")
    if not is_awaited:
        return
    st.session_state.pop("awaited", None)
    try:
        session.choose_explorer(offered.open(pair))
    except CmaeError as error:
        st.error(str(error))
        return
    st.rerun()


def _progress(sources: Sources, job: Job) -> Followed:
    """Make the place that shows how far an embedding has come, and offer to stop it."""
    place = st.empty()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Cancel", icon=":material/stop_circle:", on_click=job.stop)
        st.caption("Runs in a process of its own: you may leave this page. Nothing done is lost.")
        frame.commands(*embed_commands(sources))
    return Followed(job, place)


def _embed(sources: Sources, condition: Condition, job: Job | None) -> None:
    """Show the button that starts an embedding, and the same as commands."""
    if job is not None and job.state.phase == "failed":
        st.error(job.state.error)
    is_resumed = condition.is_begun
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Resume embedding" if is_resumed else "Embed this cohort with this run",
            type="primary",
            icon=":material/play_circle:",
            on_click=_ask,
            args=(sources,),
        )
        what = "goes on where it was stopped" if is_resumed else "then both open together"
        st.caption(f"{condition.recordings:,} recordings to encode; {what}.")
        frame.commands(*embed_commands(sources))


def _ask(sources: Sources) -> None:
    """Start an embedding, or join it; its result opens for this person when it is done."""
    try:
        JOBS.ask(sources)
    except CmaeError as error:
        st.session_state["link_problem"] = str(error)
        return
    st.session_state["awaited"] = Pair(sources.run, sources.cohort)


def embed_commands(sources: Sources) -> list[str]:
    """Return the commands that embed a cohort and open it.

    Args:
        sources: Run, cohort and latents.
    """
    run, cohort, latents = map(quoted, (sources.run, sources.cohort, sources.latents))
    return [
        f"cmae embed {run} {cohort} --out {latents}",
        f"cmae map {latents}",
        f"python -m app --run {run} --cohort {cohort} --latents {latents}",
    ]


def quoted(path: Path) -> str:
    """Write a path as a shell takes it, from here where it lies below.

    Args:
        path: A file or folder.
    """
    folder = Path.cwd()
    return shlex.quote(str(path.relative_to(folder) if path.is_relative_to(folder) else path))
