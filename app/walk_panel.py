"""A walk on the page: player, predictions, what the left ventricle does, and files to keep."""

import re
from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from app import caches, frame, phenotypes, session, walk_caches, walk_files
from app.components.walk_lines import Cycle, Line, walk_lines
from app.components.walk_player import AMONG, OUTSIDE, SPARSE, Path, Pictures, walk_player
from app.walk_caches import Decoded
from app.walk_ways import Start, Way
from app.walk_words import SPARSE_SHARE, step_label, ticks, trust_words, warning
from cmae.latent.course import Course, Forecast
from cmae.latent.traversal import Walk

KEY = "walk"

CARDS = 7
"""Predictions that are shown."""


def walk_panel(begin: Start, leads: Way, taken: Walk) -> None:
    """Show a walk: what is decoded, how far to trust it, and what is predicted along it.

    Args:
        begin: Where it begins.
        leads: Where it leads.
        taken: Its points.
    """
    first = leads.direction.name if leads.direction.name in _columns() else ""
    with st.spinner("Looking for real hearts along the walk …"):
        course = walk_caches.course(taken, first=first)
    shown = _decoded(taken, begin)
    pictures = Pictures() if shown is None else _pictures(shown)
    row = walk_player(_path(course), pictures, key=KEY, rr_ms=begin.rr_ms, start_name=_short(begin))
    if row is not None:
        session.go_to_participant(row)
    lines = [_line(each, course) for each in course.forecasts[:CARDS]]
    left, right = st.columns([max(len(lines), 1), 2], gap="small")
    with left:
        if lines:
            walk_lines(lines, steps=taken.steps, group=KEY)
        else:
            frame.empty(
                "Nothing is predicted along the walk: the cohort has no phenotypes. Add some "
                "with `cmae import table`."
            )
    with right:
        if shown is not None and shown.pixels is not None:
            _ventricle(taken, begin, shown)
    _files(begin, leads, course, shown)


def _columns() -> frozenset[str]:
    return frozenset(session.explorer().cohort.columns)


def _decoded(taken: Walk, begin: Start) -> Decoded | None:
    """Return what the walk decodes to, or say why there is nothing yet."""
    model = session.explorer().model
    if model.error is not None:
        st.error(str(model.error))
        return None
    with st.spinner(f"Decoding {len(taken.points)} hearts …"):
        shown = walk_caches.decoded(taken, begin)
    if shown is None:
        st.caption("The model is being loaded; the hearts along the walk appear in seconds.")
        session.wait_for_model()
    return shown


def _pictures(shown: Decoded) -> Pictures:
    return Pictures(ecg=shown.ecg, pixels=shown.pixels, facts=shown.facts, sd=shown.sd)


def _short(begin: Start) -> str:
    return f"start: {begin.name.removeprefix('the ')}"


# What the components take ------------------------------------------------------------------------


def _path(course: Course) -> Path:
    """Put a course into the words of the page."""
    taken, trust = course.walk, course.trust
    levels = np.full(len(taken.steps), AMONG)
    levels[trust.share < SPARSE_SHARE] = SPARSE
    levels[~course.is_inside] = OUTSIDE
    return Path(
        labels=[step_label(step, taken.direction.step) for step in taken.steps],
        steps=taken.steps,
        start=int(np.abs(taken.steps).argmin()),
        ticks=ticks(taken),
        levels=levels,
        ends=course.ends,
        crowd=course.crowd,
        trust=[
            trust_words(near, share, is_inside=bool(inside))
            for near, share, inside in zip(
                trust.relative, trust.share, course.is_inside, strict=True
            )
        ],
        warning=warning(course),
        rows=trust.nearest,
        neighbours=[frame.row_label(row) for row in trust.nearest.tolist()],
    )


def _line(forecast: Forecast, course: Course) -> Line:
    name = forecast.name
    column = session.explorer().cohort.columns[name]
    is_share = not np.isfinite(forecast.low).all()
    values = forecast.values * (100 if is_share else 1)
    unit = "%" if is_share else column.unit
    words = phenotypes.categories(name, column)
    title = phenotypes.abbreviation(name)
    if words is not None and words[1] != "yes":
        title = words[1].capitalize()
    texts = [f"{phenotypes.number(value)} {unit}".strip() for value in values]
    if is_share:
        notes = ["probability"] * len(values)
    else:
        notes = [
            f"{phenotypes.number(low)}–{phenotypes.number(high)}"
            for low, high in zip(forecast.low, forecast.high, strict=True)
        ]
    return Line(
        title=title,
        texts=texts,
        notes=notes,
        values=values,
        low=None if is_share else forecast.low,
        high=None if is_share else forecast.high,
        hint=f"{phenotypes.title(name)}, predicted from the latent by a probe fitted to this "
        "cohort; the band holds 95 % of people with such a latent",
    )


def _ventricle(taken: Walk, begin: Start, shown: Decoded) -> None:
    """Show what the left ventricle does in the decoded cines."""
    with st.spinner("Measuring the left ventricle in the decoded cines …"):
        found = walk_caches.ventricles(taken, begin, shown)
    if not any(np.isfinite(ventricle.area_mm2).all() for ventricle, _ in found):
        return
    curves = np.stack([ventricle.area_mm2 / 100 for ventricle, _ in found])
    fraction = np.array([each.ef_percent for _, each in found])
    start = int(np.abs(taken.steps).argmin())
    areas = [f"{phenotypes.number(each.max_area_cm2)} cm²" for _, each in found]
    walk_lines(
        [
            Cycle(
                "LV area, as decoded",
                curves,
                start,
                areas,
                hint="Area of the left ventricle's cavity over the heartbeat, found in the "
                "decoded cine; faint: the start",
            ),
            Line(
                "EF, as decoded",
                [f"{phenotypes.number(value)} %" for value in fraction],
                [""] * len(fraction),
                fraction,
                hint="Ejection fraction by the area-length method, found in the decoded cine",
            ),
        ],
        steps=taken.steps,
        group=KEY,
    )


# Files ------------------------------------------------------------------------------------------


def _files(begin: Start, leads: Way, course: Course, shown: Decoded | None) -> None:
    """Offer what a person may keep of the walk."""
    stem = "walk_" + re.sub(r"[^a-z0-9]+", "_", leads.title.lower()).strip("_")[:40]
    # A file is made when it is asked for, in a thread that does not know whose session it is.
    here, title = session.explorer(), f"Along {leads.title}"
    around = walk_caches.surroundings(course.walk.direction.kind)
    cine = caches.recording("mri", begin.row) if begin.row is not None else None
    found = walk_caches.ventricles(course.walk, begin, shown) if shown is not None else []
    measured = [each for _, each in found]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _file("CSV", lambda: walk_files.table(here, course, measured), f"{stem}.csv", "text/csv")
        if shown is not None and shown.pixels is not None:
            gif = partial(walk_files.movie, course.walk, shown, rr_ms=begin.rr_ms)
            _file("GIF", gif, f"{stem}.gif", "image/gif")
        if shown is not None:
            svg = partial(walk_files.figure, here, course.walk, around, cine, title=title)
            _file("SVG", svg, f"{stem}.svg", "image/svg+xml")
        frame.commands(*walk_files.commands(here, leads))


def _file(label: str, make: Callable[[], bytes], name: str, mime: str) -> None:
    st.download_button(
        label,
        make,
        file_name=name,
        mime=mime,
        icon=":material/download:",
        key=f"walk-{label}",
        on_click="ignore",
    )
