"""What a person can take away of an upload: recordings in several formats, and one page."""

from collections.abc import Callable, Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import frame, phenotypes, session, upload_sheet
from app.components.ecg_beats import Trace
from app.panels import path_title
from app.upload_sheet import Sheet
from app.uploads import Received
from cmae.latent.decoding import Decodings
from cmae.latent.media import cine_gif, cine_nifti, ecg_csv, ecg_wfdb

DEFAULT_RR_MS = 1_000.0
"""A heartbeat where no file says how long it took."""

RECORDED = "recorded"

Contents = dict[tuple[str, str], NDArray[np.generic]]


def downloads(received: Received, decodings: Decodings, notes: list[str]) -> None:
    """Offer each recording in each format, and a page with all of them.

    Args:
        received: What was uploaded.
        decodings: What it decodes to.
        notes: Sentences for the page.
    """
    contents = _contents(received, decodings)
    rr_ms = _rr_ms(received)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        wanted = st.selectbox(
            "Take away",
            list(contents),
            format_func=lambda key: f"{frame.SOURCE_TITLES[key[0]]}, {key[1]}",
            key="upload_take",
            width=260,
        )
        if wanted is not None:
            modality, title = wanted
            array = contents[wanted]
            if modality == "ecg":
                comment = f"{title}; {frame.GENERATED}" if title != RECORDED else title
                _offer("CSV", lambda: ecg_csv(array), "beat.csv")
                _offer("WFDB", lambda: ecg_wfdb(array, comments=[comment]), "beat_wfdb.zip")
            else:
                _offer("GIF", lambda: cine_gif(array, rr_ms), "cine.gif")
                _offer("NIfTI", lambda: cine_nifti(array, rr_ms), "cine.nii.gz")
        _offer("One page (HTML)", lambda: _page(received, contents, notes), "heart.html")


def _offer(label: str, make: Callable[[], bytes], name: str) -> None:
    """Offer a file that is made when it is asked for."""
    st.download_button(label, make, name, on_click="ignore", icon=":material/download:")


def _contents(received: Received, decodings: Decodings) -> Contents:
    """Return every recording, by modality and how it came about."""
    found: Contents = {}
    for modality, recorded, decoded in (
        ("ecg", received.ecg, decodings.ecg),
        ("mri", received.cine, decodings.mri),
    ):
        if recorded is not None:
            found[modality, RECORDED] = recorded.recording
        for source, array in decoded.items():
            if source in ("ecg", "mri"):
                found[modality, path_title(source, modality)] = array
    return found


def _rr_ms(received: Received) -> float:
    for each in (received.cine, received.ecg):
        if each is not None and each.rr_ms:
            return each.rr_ms
    return DEFAULT_RR_MS


def _page(received: Received, contents: Contents, notes: list[str]) -> bytes:
    """Write the page; it names run and cohort, never the files."""
    here = session.explorer()
    recordings = [each for each in (received.ecg, received.cine) if each is not None]
    traces = [
        Trace(
            np.asarray(array, np.float32),
            title,
            "recorded"
            if title == RECORDED
            else ("reconstructed" if title.startswith("reconstructed") else "translated"),
        )
        for (modality, title), array in contents.items()
        if modality == "ecg"
    ]
    sheet = Sheet(
        traces=traces,
        cines=[
            (title, array) for (modality, title), array in contents.items() if modality == "mri"
        ],
        rr_ms=_rr_ms(received),
        sections=[
            (f"Quality of the {frame.SOURCE_TITLES[each.modality]}", quality_rows(each.values))
            for each in recordings
        ],
        flags=[flag for each in recordings for flag in each.flags],
        notes=[*notes, *(each.reason for each in recordings if each.reason)],
        stamp=f"Run {here.run_path.name} ({session.short(here.latents.run_fingerprint)}), cohort "
        f"{here.cohort.path.name} ({session.short(here.cohort.fingerprint)}). {frame.GENERATED}.",
    )
    return upload_sheet.html(sheet).encode()


def quality_rows(values: Mapping[str, float | str | None]) -> list[tuple[str, str]]:
    """Write the quality of a recording as rows of text: what, and value with unit.

    Args:
        values: By name of a column.
    """
    from cmae.readers.recording_columns import COLUMNS  # noqa: PLC0415 - only an upload

    rows = []
    for name, value in values.items():
        column = COLUMNS.get(name)
        if column is None or value is None or value != value:  # noqa: PLR0124 - NaN
            continue
        if isinstance(value, str):
            rows.append((column.description, value))
        elif column.kind == "binary":
            rows.append((column.description, "yes" if value else "no"))
        elif value.is_integer():
            rows.append((column.description, f"{value:.0f} {column.unit}".strip()))
        else:
            rows.append((column.description, phenotypes.written(name, column, value)))
    return rows
