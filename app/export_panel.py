"""What a participant's page offers as files; each is made when it is asked for."""

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import caches, frame, heart_caches, panels, phenotypes, session
from app.components.ecg_paper import Style, Trace, ecg_svg
from cmae.latent.decoding import SOURCES
from cmae.latent.media import cine_gif, ecg_csv

DEFAULT_RR_MS = 1_000.0


def export_panel(row: int) -> None:
    """Show a menu of files: the ECG as picture and numbers, each cine as GIF.

    File names hold the row number, never an identifier.

    Args:
        row: Row of the cohort.
    """
    with st.popover("Export", icon=":material/download:", width="content"):
        files = _files(row)
        for label, (name, kind, make) in files.items():
            st.download_button(
                label,
                data=make,
                file_name=name,
                mime=kind,
                key=f"export-{name.removeprefix(f'row-{row}-')}",
                on_click="ignore",
                type="tertiary",
            )
        if not files:
            frame.empty("This row has no recording.")
        st.caption("PNG and MP4 of the cines: the two buttons beside the player.")


def _files(row: int) -> dict[str, tuple[str, str, Callable[[], bytes]]]:
    """Return what can be saved: by label the file's name, its type, and what makes it."""
    values = session.explorer().cohort.table.iloc[row]
    rr_ms = phenotypes.known(values.get("mri_rr_ms")) or DEFAULT_RR_MS
    decoded = heart_caches.decodings_at_hand(row)
    beats, cines = _recorded(row, "ecg"), _recorded(row, "mri")
    if decoded is not None:
        beats |= {source: decoded.ecg[source] for source in SOURCES if source in decoded.ecg}
        cines |= {source: decoded.mri[source] for source in SOURCES if source in decoded.mri}
    files: dict[str, tuple[str, str, Callable[[], bytes]]] = {}
    if beats:
        files["ECG on paper (SVG)"] = (f"row-{row}-ecg.svg", "image/svg+xml", lambda: _paper(row))
    for source, beat in beats.items():
        name = f"row-{row}-ecg-{source}.csv"
        files[f"ECG {_title(source)} (CSV)"] = (name, "text/csv", partial(ecg_csv, beat))
    for source, cine in cines.items():
        name = f"row-{row}-cine-{source}.gif"
        files[f"Cine {_title(source)} (GIF)"] = (name, "image/gif", partial(cine_gif, cine, rr_ms))
    return files


def _recorded(row: int, modality: str) -> dict[str, NDArray[np.generic]]:
    """Return what was recorded, by a word for its file."""
    found = caches.recording(modality, row)
    return {} if found is None else {"recorded": found}


def _title(source: str) -> str:
    return "recorded" if source == "recorded" else f"from the {frame.SOURCE_TITLES[source]}"


def _paper(row: int) -> bytes:
    """Draw the recorded and the decoded beats on one paper."""
    heart = panels.heart_of_row(row)
    traces = []
    if heart.ecg is not None:
        traces.append(Trace(np.asarray(heart.ecg, np.float32), "recorded"))
    for source, beat in (heart.decodings.ecg if heart.decodings is not None else {}).items():
        style: Style = "reconstructed" if source == "ecg" else "translated"
        if source != "joint":
            label = f"{panels.path_title(source, 'ecg')} ({panels.NOTE})"
            traces.append(Trace(beat, label, style))
    return ecg_svg(traces, rr_ms=heart.ecg_rr_ms).encode()
