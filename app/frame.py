"""The frame around every view: one style, header, badges, facts, small tables, and the stamp."""

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path

import streamlit as st

from app import phenotypes, session

GENERATED = "Research use only, not for diagnosis"
"""Stands wherever a model generated something."""

SOURCE_TITLES = {"ecg": "ECG", "mri": "MRI", "joint": "ECG + MRI"}


@cache
def _css() -> str:
    return Path(__file__).with_name("frame.css").read_text(encoding="utf-8")


def style() -> None:
    """Put the application's style on the page."""
    st.html(f"<style>{_css()}</style>")


def header(title: str, line: str, *, is_generated: bool = False) -> None:
    """Show a view's title, one line that explains it, and the badges that apply.

    Args:
        title: A few words.
        line: What the page shows and what one can do.
        is_generated: Whether a model generated something on this page.
    """
    badges = []
    if session.explorer().cohort.is_simulated:
        badges.append('<span class="cmae-badge simulated">Simulated cohort</span>')
    if is_generated:
        badges.append(f'<span class="cmae-badge generated">{GENERATED}</span>')
    st.html(
        f'<div class="cmae-head"><h1>{escape(title)}</h1><p>{escape(line)}</p>'
        f'<div class="cmae-badges">{"".join(badges)}</div></div>'
    )


def signature() -> str:
    """Return the line that stands under saved pictures: what they show, and are not for."""
    words = ["Simulated cohort"] if session.explorer().cohort.is_simulated else []
    return " · ".join([*words, GENERATED])


def section(title: str, line: str = "") -> None:
    """Show the title of a part of a view.

    Args:
        title: A few words.
        line: What it shows, or nothing.
    """
    st.html(f'<div class="cmae-section"><h2>{escape(title)}</h2><span>{escape(line)}</span></div>')


def facts(values: Mapping[str, str]) -> None:
    """Show named values in a grid.

    Args:
        values: By name, the value as text; the part after its first space is written small.
    """
    cells = []
    for name, value in values.items():
        number, _, unit = value.partition(" ")
        small = f" <small>{escape(unit)}</small>" if unit else ""
        cells.append(f"<div><i>{escape(name)}</i><b>{escape(number)}{small}</b></div>")
    st.html(f'<div class="cmae-facts">{"".join(cells)}</div>')


def participant_facts(row: int, names: Sequence[str]) -> None:
    """Show some of a row's phenotypes.

    Args:
        row: Row of the cohort.
        names: Which; those that the cohort lacks are left out.
    """
    cohort = session.explorer().cohort
    values = cohort.table.iloc[row]
    facts(
        {
            phenotypes.abbreviation(name): phenotypes.written(
                name, cohort.columns[name], values[name]
            )
            for name in names
            if name in cohort.columns
        }
    )


def conditions(row: int) -> str:
    """Name the conditions (yes or no in the table) that a row has.

    Args:
        row: Row of the cohort.

    Returns:
        For example ``"infarct, first degree block"``; empty where the cohort knows of none.
    """
    cohort = session.explorer().cohort
    known = [
        name
        for name in phenotypes.ordered(cohort.columns)
        if cohort.columns[name].kind == "binary" and name != "sex"
    ]
    has = [phenotypes.within_sentence(name) for name in known if cohort.table[name].iloc[row] == 1]
    return ", ".join(has) or ("none of the conditions in the table" if known else "")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, dots: Sequence[str] = ()) -> None:
    """Show a small table of text.

    Args:
        heads: Titles of the columns.
        rows: Cells.
        dots: For each row, the source (``ecg``, ``mri``, ``joint``) whose colour marks it.
    """
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = []
    for number, cells in enumerate(rows):
        dot = f'<i class="cmae-dot {escape(dots[number])}"></i>' if dots else ""
        first, *others = (escape(cell) for cell in cells)
        body.append(f"<tr><td>{dot}{first}</td>{''.join(f'<td>{c}</td>' for c in others)}</tr>")
    st.html(
        '<div class="cmae-table-wrap"><table class="cmae-table">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def marked_line(title: str, line: str, *, mark: str) -> None:
    """Show one line about something that a colour stands for.

    Args:
        title: What it is.
        line: What is said of it.
        mark: Whose colour: ``ecg``, ``mri``, ``joint``, or ``first`` or ``second`` of two groups.
    """
    st.html(
        f'<div class="cmae-line"><i class="cmae-dot {escape(mark)}"></i><b>{escape(title)}</b> '
        f"<span>{escape(line)}</span></div>"
    )


def sentences(lines: Sequence[str]) -> None:
    """Show findings, one a line.

    Args:
        lines: Sentences.
    """
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    st.html(f'<ul class="cmae-sentences">{items}</ul>')


def empty(text: str) -> None:
    """Say in words why there is nothing here, and what to do.

    Args:
        text: One or two sentences.
    """
    st.html(f'<div class="cmae-empty">{escape(text)}</div>')


def stamp(*details: str) -> None:
    """Say which run, cohort and settings made what the page shows.

    Args:
        details: Further settings, for example those of the map.
    """
    here = session.explorer()
    cohort = here.cohort
    parts = [
        f"Run {here.run_path.name} ({session.short(here.latents.run_fingerprint)})",
        f"cohort {cohort.path.name} ({session.short(cohort.fingerprint)}, {len(cohort):,} rows)",
        *details,
    ]
    st.html(f'<div class="cmae-stamp">{escape(" · ".join(parts))}</div>')


def commands(*lines: str) -> None:
    """Offer what does the same as this page on the command line, ready to copy.

    Args:
        lines: Commands; never with a participant's identifier.
    """
    with st.popover("Command line", icon=":material/terminal:", width="content"):
        st.code("\n".join(lines), language=None)


def settings_words(settings: Mapping[str, object]) -> list[str]:
    """Write the settings of a map for people.

    Args:
        settings: By name.

    Returns:
        For example ``["metric cosine", "min distance 0.100"]``.
    """
    return [
        f"{name.replace('_', ' ')} "
        + (phenotypes.number(value) if isinstance(value, float) else str(value))
        for name, value in sorted(settings.items())
    ]


def row_label(row: int) -> str:
    """Name a row in a few words: its number, sex, age and ejection fraction, if known.

    Args:
        row: Row of the cohort.

    Returns:
        For example ``"412 · male 61 y · EF 55 %"``.
    """
    cohort = session.explorer().cohort
    values = cohort.table.iloc[row]

    def text(name: str, *, with_unit: bool = True) -> str:
        if name not in cohort.columns:
            return ""
        return phenotypes.written(name, cohort.columns[name], values[name], with_unit=with_unit)

    person = f"{text('sex')} {text('age_years', with_unit=False).partition('.')[0]}".strip()
    parts = [f"{row:,}", person]
    if "lvef_percent" in cohort.columns:
        parts.append(f"EF {text('lvef_percent', with_unit=False).partition('.')[0]} %")
    return " · ".join(part for part in parts if part)
