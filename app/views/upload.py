"""Bring your own: a real ECG and / or cine, placed on the map, reconstructed and translated."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import caches, frame, map_caches, map_data, own_recording, panels, session, uploads
from app.components.latent_map import latent_map
from app.phenotypes import number
from cmae.errors import CmaeError
from cmae.latent.map import place
from cmae.latent.media import cine_gif, ecg_csv

LINE = (
    "Drop an ECG, a cine, or both of one person: they are read, checked, placed among the hearts "
    "of the cohort, and translated into each other. Files stay in memory and are never kept."
)
MAX_UPLOAD_MB = 200
DEFAULT_RR_MS = 1_000.0


def show() -> None:
    """Draw the page."""
    frame.header("Your own recording", LINE, is_generated=True)
    left, right = st.columns([1, 2], gap="medium")
    with left:
        _receive()
    mine = own_recording.kept()
    with right:
        if mine is None:
            frame.empty(
                "Nothing uploaded yet. ECG: a WFDB record (.hea together with .mat or .dat) or a "
                "CSV of twelve leads, ten seconds or longer. Cine: the DICOM files of one "
                "four-chamber series, a NIfTI file, or a ZIP of either."
            )
        else:
            _quality(mine[0])
    if mine is not None:
        _results()
    frame.stamp()


def _receive() -> None:
    """Show where files are dropped; read and encode them when they change."""
    files = st.file_uploader(
        "ECG and / or cine",
        accept_multiple_files=True,
        key=f"files-{st.session_state.get('files_number', 0)}",
        max_upload_size=MAX_UPLOAD_MB,
    )
    names = [(file.file_id, file.size) for file in files]
    if names == st.session_state.get("uploaded_files", []):
        return
    st.session_state["uploaded_files"] = names
    own_recording.forget()
    if not files:
        return
    with st.spinner("Reading the recordings …"):
        received = uploads.receive(files)
    try:
        with st.spinner("Encoding (the first time, the model is loaded) …"):
            latents = own_recording.encode(received)
    except CmaeError as error:
        st.error(str(error))
        latents = {}
    own_recording.keep(received, latents)


def _quality(received: uploads.Received) -> None:
    """Say what was read and how good it is."""
    for problem in received.problems:
        st.error(problem)
    values: dict[str, str] = {}
    if received.ecg is not None:
        ecg = received.ecg
        values |= {
            "Heart rate": f"{ecg.heart_rate_bpm:.0f} bpm",
            "Beats used": f"{ecg.beats_used} of {ecg.beats_used + ecg.beats_rejected}",
            "Correlation": f"{ecg.correlation:.3f}",
            "Noise": f"{number(ecg.noise_uv)} µV",
        }
    if received.cine is not None:
        cine = received.cine
        values |= {
            "Frames": f"{cine.frames_recorded} recorded",
            "Pixel": f"{cine.pixel_mm:.2f} mm",
            "Cycle": f"{cine.rr_ms:.0f} ms" if cine.rr_ms else "unknown",
            "Motion": f"{cine.motion_energy:.0%}".replace("%", " % cyclic"),
        }
    if values:
        frame.section("Quality", "of the median beat and of the crop around the heart")
        frame.facts(values)
        _downloads()


def _results() -> None:
    """Show the recordings beside what the model makes of them, and their place on the map."""
    mine = own_recording.kept()
    if mine is None or not mine[1]:
        frame.empty("Nothing could be encoded: the report above says why.")
        return
    received, latents = mine
    try:
        with st.spinner("Decoding …"):
            decodings = own_recording.decode()
    except CmaeError as error:
        st.error(str(error))
        return
    heart = panels.Heart(
        ecg=received.ecg.recording if received.ecg is not None else None,
        cine=received.cine.recording if received.cine is not None else None,
        ecg_rr_ms=received.ecg.rr_ms if received.ecg is not None else None,
        cine_rr_ms=received.cine.rr_ms if received.cine is not None else None,
        decodings=decodings,
    )
    given = [source for source in ("ecg", "mri") if source in latents]
    left, right = st.columns([1.12, 1], gap="medium")
    with left:
        frame.section("ECG", "25 mm/s, 10 mm/mV")
        panels.ecg_panel(heart, key="upload-ecg", sources=given)
    with right:
        frame.section("Cardiac MRI", "four-chamber view, one heartbeat")
        panels.cine_panel(heart, key="upload-cine", group="upload-ecg", sources=given)
    panels.error_table(heart)
    _place(latents)


def _place(latents: dict[str, NDArray[np.float32]]) -> None:
    """Show where the upload lies among the hearts of the cohort."""
    here = session.explorer()
    source = "ecg" if "ecg" in latents else "mri"
    if "ecg" in latents and "mri" in latents:
        source = st.segmented_control(
            "Place by",
            ["ecg", "mri"],
            default="ecg",
            format_func=lambda source: f"{frame.SOURCE_TITLES[source]} latent",
            required=True,
            key="place_by",
        )
    rows = caches.nearest_to(latents[source], source)
    left, right = st.columns([1.12, 1], gap="medium")
    with left:
        frame.section("On the map", "the ringed dot is your recording")
        if here.latents.maps and len(rows):
            name = "umap" if "umap" in here.latents.maps else next(iter(here.latents.maps))
            position = place(here.latents, name, latents[source][None])[0]
            added = map_data.with_point(map_caches.map_points(source, name), position)
            latent_map(
                added,
                map_data.colour(here.cohort, added, map_data.MODALITY),
                key="upload-map",
                picked=len(added.positions) - 1,
                height=380,
            )
    with right:
        frame.section("Most similar hearts", f"by cosine of the {frame.SOURCE_TITLES[source]}")
        panels.row_buttons(rows, key="upload-neighbour")


def _downloads() -> None:
    """Offer what the model generated as files."""
    mine = own_recording.kept()
    decodings = own_recording.decode() if mine is not None and mine[1] else None
    if mine is None or decodings is None:
        return
    received, latents = mine
    rr_ms = received.ecg.rr_ms if received.ecg is not None else DEFAULT_RR_MS
    with st.container(horizontal=True):
        if "ecg" in latents and "ecg" in decodings.mri:
            _download(
                "Cine from the ECG (GIF)",
                lambda: cine_gif(decodings.mri["ecg"], rr_ms),
                "cine_from_ecg.gif",
            )
        if "mri" in latents and "mri" in decodings.ecg:
            _download(
                "ECG from the cine (CSV)",
                lambda: ecg_csv(decodings.ecg["mri"]),
                "ecg_from_cine.csv",
            )
        if received.ecg is not None:
            beat = received.ecg.recording
            _download("Median beat (CSV)", lambda: ecg_csv(beat), "median_beat.csv")
        st.button("Forget the upload", on_click=_forget, icon=":material/delete:")


def _download(label: str, make: Callable[[], bytes], name: str) -> None:
    """Offer a file that is made when it is asked for."""
    st.download_button(label, make, name, on_click="ignore", icon=":material/download:")


def _forget() -> None:
    own_recording.forget()
    st.session_state["files_number"] = st.session_state.get("files_number", 0) + 1
    st.session_state["uploaded_files"] = []
