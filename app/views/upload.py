"""Bring your own: a real ECG and / or cine, placed on the map, reconstructed and translated."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import (
    caches,
    frame,
    map_caches,
    map_data,
    own_recording,
    panels,
    phenotypes,
    run_caches,
    session,
    upload_caches,
    upload_exports,
    uploads,
)
from app.components.latent_map import latent_map
from app.phenotypes import number
from app.upload_worker import read_apart
from cmae.errors import CmaeError
from cmae.latent.decoding_errors import decoding_errors
from cmae.latent.map import place

LINE = (
    "Drop an ECG, a cine, or both of one person: they are read, checked, placed among the hearts "
    "of the cohort, and translated into each other. Files stay in memory and are never kept."
)
MAX_UPLOAD_MB = 200

FORMATS = (
    "Nothing uploaded yet. ECG, ten seconds of twelve leads: WFDB (.hea with its .mat or .dat), "
    "DICOM, XML (UK Biobank, CardioSoft, GE MUSE, Philips, HL7 aECG), EDF or CSV. Cine: the DICOM "
    "files of a four-chamber series or of a whole examination, or NIfTI. ml4h tensors (.hd5) hold "
    "both. ZIP archives of those are unpacked."
)


def show() -> None:
    """Draw the page."""
    frame.header("Your own recording", LINE, is_generated=True)
    left, right = st.columns([1, 2], gap="medium")
    with left:
        _receive()
    mine = own_recording.kept()
    with right:
        if mine is None:
            frame.empty(FORMATS)
        else:
            _quality(mine[0])
    if mine is not None:
        _results()
    run = session.explorer().run_path.name
    frame.commands(
        "cmae import ecg FILES --out my_cohort",
        "cmae import cine FILES --out my_cohort",
        f"cmae translate {run} --from ecg FILE --to mri --out cine.gif",
    )
    frame.stamp()


def _receive() -> None:
    """Show where files are dropped; read and encode them when they or what is said of them change.

    The latents are those of a run: with another one, the recordings are encoded again.
    """
    files = st.file_uploader(
        "ECG and / or cine",
        accept_multiple_files=True,
        key=f"files-{st.session_state.get('files_number', 0)}",
        max_upload_size=MAX_UPLOAD_MB,
    )
    declared = _declared() if any(_is_table(file.name) for file in files) else uploads.NOTHING
    names = [(file.file_id, file.size) for file in files], declared
    before = st.session_state.get("uploaded_files", ([], uploads.NOTHING))
    run = session.explorer().latents.run_fingerprint
    mine = own_recording.kept()
    if names != before:
        st.session_state["uploaded_files"] = names
        own_recording.forget()
        if not files:
            return
        with st.spinner("Reading the recordings …"):
            received = uploads.receive(files, declared=declared, reader=read_apart)
    elif mine is not None and st.session_state.get("upload_run") != run:
        received = mine[0]
    else:
        return
    _encode(received)


def _encode(received: uploads.Received) -> None:
    """Encode what was received, and keep it for this person."""
    latents: dict[str, NDArray[np.float32]] = {}
    try:
        with st.spinner("Encoding (the first time, the model is loaded) …"):
            latents = own_recording.encode(received)
    except CmaeError as error:
        st.error(str(error))
    st.session_state["upload_run"] = session.explorer().latents.run_fingerprint
    own_recording.keep(received, latents)


def _is_table(name: str) -> bool:
    return name.lower().endswith((".csv", ".tsv", ".txt", ".zip"))


def _declared() -> uploads.Declared:
    """Ask for what a table may leave open."""
    with st.popover("Table without rate or unit?", icon=":material/tune:"):
        rate = st.number_input(
            "Samples per second", 0.0, 20_000.0, 0.0, key="upload_rate", help="0: as the file says"
        )
        unit = st.selectbox("Unit", ["as the file says", "mV", "uV", "V"], key="upload_unit")
    return uploads.Declared(
        rate_hz=float(rate) or None, unit=None if unit == "as the file says" else unit
    )


def _quality(received: uploads.Received) -> None:
    """Say what was read and how good it is, as an import would."""
    for problem in received.problems:
        st.error(problem)
    if len(received.ecgs) > 1:
        _choose_ecg(received)
    values: dict[str, str] = {}
    if received.ecg is not None:
        told = received.ecg.values
        used, rejected = told.get("ecg_beats_used"), told.get("ecg_beats_rejected")
        if isinstance(used, float) and isinstance(rejected, float):
            values["Beats used"] = f"{used:.0f} of {used + rejected:.0f}"
        values |= _facts(
            told,
            {
                "Heart rate": ("heart_rate_bpm", "bpm"),
                "Noise": ("ecg_noise_uv", "µV"),
                "Limb leads off": ("ecg_einthoven_uv", "µV"),
            },
        )
    if received.cine is not None:
        values |= _facts(
            received.cine.values,
            {
                "Frames": ("mri_frames_recorded", "recorded"),
                "Pixel": ("mri_pixel_mm", "mm"),
                "Cycle": ("mri_rr_ms", "ms"),
                "View margin": ("mri_view_margin_deg", "°"),
            },
        )
    recordings = [each for each in (received.ecg, received.cine) if each is not None]
    if not recordings:
        return
    frame.section("Quality", ", ".join(each.source for each in recordings))
    frame.facts(values)
    flags = [flag for each in recordings for flag in each.flags]
    if flags:
        st.warning(f"Look at this: {'; '.join(flags)}.", icon=":material/flag:")
    for each in recordings:
        if each.reason:
            st.caption(each.reason)
    with st.expander("All that an import would store"):
        for each in recordings:
            frame.table(
                (frame.SOURCE_TITLES[each.modality], "value"),
                upload_exports.quality_rows(each.values),
            )


def _facts(
    values: Mapping[str, float | str | None], wanted: dict[str, tuple[str, str]]
) -> dict[str, str]:
    """Write some numbers that describe a recording."""
    found = {}
    for title, (name, unit) in wanted.items():
        value = values.get(name)
        if isinstance(value, float):
            found[title] = f"{number(value)} {unit}"
    return found


def _choose_ecg(received: uploads.Received) -> None:
    """Let a person choose among several ECGs, by number and format: names may be identifiers."""
    wanted = st.segmented_control(
        f"{len(received.ecgs)} ECGs were found: which one?",
        range(len(received.ecgs)),
        default=received.chosen,
        format_func=lambda k: f"{k + 1} · {received.ecgs[k].source}",
        required=True,
        key="upload_ecg",
    )
    if wanted is not None and wanted != received.chosen:
        _encode(replace(received, chosen=wanted))
        st.rerun()


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
    if decodings is None:
        return
    heart = panels.Heart(
        ecg=received.ecg.recording if received.ecg is not None else None,
        cine=received.cine.recording if received.cine is not None else None,
        ecg_rr_ms=received.ecg.rr_ms if received.ecg is not None else None,
        cine_rr_ms=received.cine.rr_ms if received.cine is not None else None,
        decodings=decodings,
    )
    given = [source for source in ("ecg", "mri") if source in latents]
    notes = [*(_trust(latents, source) for source in given), _of_simulated_hearts()]
    left, right = st.columns([1.12, 1], gap="medium")
    with left:
        frame.section("ECG", "25 mm/s, 10 mm/mV")
        panels.ecg_panel(heart, key="upload-ecg", sources=given)
    with right:
        frame.section("Cardiac MRI", "four-chamber view, one heartbeat")
        panels.cine_panel(heart, key="upload-cine", group="upload-ecg", sources=given)
        if decodings is not None:
            panels.error_table(decoding_errors(decodings, ecg=heart.ecg, cine=heart.cine))
        upload_exports.downloads(received, decodings, [note for note in notes if note])
        st.button("Forget the upload", on_click=_forget, icon=":material/delete:")
    _place(latents)


def _trust(latents: dict[str, NDArray[np.float32]], source: str) -> str:
    """Say how near the upload lies to the cohort; returns the sentence."""
    found = upload_caches.trust(latents[source], source)
    if found is None:
        return ""
    sentence, is_outside = upload_caches.trust_sentence(found)
    text = f"{frame.SOURCE_TITLES[source]}. {sentence}"
    if is_outside:
        st.warning(text, icon=":material/explore_off:")
    else:
        st.caption(text)
    return text


def _of_simulated_hearts() -> str:
    """Say that the run knows simulated hearts only, if so; returns the sentence."""
    if not run_caches.is_trained_on_simulated_hearts():
        return ""
    text = (
        "The run was trained on simulated hearts alone: what it makes of a real recording "
        "illustrates the method and nothing more, however near it lies."
    )
    st.caption(text)
    return text


def _place(latents: dict[str, NDArray[np.float32]]) -> None:
    """Show where the upload lies among the hearts of the cohort, and what its latent predicts."""
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
        _predicted(latents[source], source)
        frame.section("Most similar hearts", f"by cosine of the {frame.SOURCE_TITLES[source]}")
        panels.row_buttons(rows, key="upload-neighbour")


def _predicted(latent: NDArray[np.float32], source: str) -> None:
    """Show the phenotypes that the latent predicts."""
    found = upload_caches.predictions(latent, source, phenotypes.PRIMARY)
    if not found:
        return
    frame.section("Predicted", f"from the {frame.SOURCE_TITLES[source]}, by probes of this cohort")
    frame.table(("Phenotype", "predicted", "95 % interval"), [*map(upload_caches.written, found)])


def _forget() -> None:
    own_recording.forget()
    st.session_state["files_number"] = st.session_state.get("files_number", 0) + 1
    st.session_state.pop("uploaded_files", None)
