"""A heart's recordings beside what the model makes of them: shared by participant and upload."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import caches, frame, heart_caches, phenotypes, session
from app.components.area_curve import Curve, area_curve
from app.components.cine_player import MARKS, Cine, Files, cine_player
from app.components.ecg_paper import Style, Trace, ecg_paper
from app.phenotypes import number
from cmae.evaluation.reading import percentile
from cmae.latent.decoding import SOURCES
from cmae.latent.decoding_errors import DecodingErrors, Path
from cmae.latent.media import window
from cmae.measure.similarity import difference, difference_in_sd

if TYPE_CHECKING:
    from app.heart_caches import Beat
    from cmae.latent.decoding import Decodings

NOTE = "generated · research use only"

DIFFERENCE_END_SD = 1.5
"""Where the colours of a difference end: the same for everybody, in SD of the recorded cine."""


@dataclass(frozen=True, eq=False)
class Heart:
    """What is known of one heart.

    Attributes:
        ecg: Recorded median beat, (600, 12) in mV, or None.
        cine: Recorded cine, (96, 96, 50) in scanner intensity, or None.
        ecg_rr_ms: RR interval of the ECG in ms, or None.
        cine_rr_ms: RR interval of the cine in ms, or None.
        decodings: What its latents decode to; None: not yet, or not possible.
        pending: The latents that are going to be decoded, where there are no decodings yet.
    """

    ecg: NDArray[np.generic] | None
    cine: NDArray[np.generic] | None
    ecg_rr_ms: float | None
    cine_rr_ms: float | None
    decodings: "Decodings | None"
    pending: tuple[str, ...] = ()

    @property
    def rr_ms(self) -> float | None:
        """The heartbeat that the pictures are played at, in ms."""
        return self.cine_rr_ms or self.ecg_rr_ms


def heart_of_row(row: int, *, is_decoded_now: bool = True) -> Heart:
    """Gather what is known of a row; without decodings while the model is being loaded.

    Args:
        row: Row of the cohort.
        is_decoded_now: Whether to wait for decodings that are not at hand.

    Returns:
        The heart.

    Raises:
        CmaeError: A recording cannot be read.
    """
    values = session.explorer().cohort.table.iloc[row]
    decodings = heart_caches.decodings_at_hand(row)
    if decodings is None and is_decoded_now:
        decodings = heart_caches.decode(row)
    is_coming = decodings is None and session.explorer().model.is_ready
    return Heart(
        ecg=caches.recording("ecg", row),
        cine=caches.recording("mri", row),
        ecg_rr_ms=phenotypes.known(values.get("ecg_rr_ms")),
        cine_rr_ms=phenotypes.known(values.get("mri_rr_ms")),
        decodings=decodings,
        pending=tuple(caches.latents_of_row(row)) if is_coming else (),
    )


def row_buttons(rows: NDArray[np.int64], *, key: str) -> None:
    """Show rows as buttons that lead to them.

    Args:
        rows: Rows of the cohort.
        key: Start of the buttons' Streamlit keys.
    """
    if not len(rows):
        frame.empty("No row of the cohort has such a latent.")
    with st.container(horizontal=True, gap="small"):
        for number, row in enumerate(rows.tolist()):
            if st.button(frame.row_label(row), key=f"{key}-{number}"):
                session.go_to_participant(row)


def path_title(source: str, target: str) -> str:
    """Say by which path a recording came about.

    Args:
        source: The latent that was decoded: ``ecg``, ``mri`` or ``joint``.
        target: ``ecg`` or ``mri``.

    Returns:
        For example ``"translated from the MRI"``.
    """
    if source == "joint":
        return "from ECG + MRI"
    verb = "reconstructed" if source == target else "translated"
    return f"{verb} from the {frame.SOURCE_TITLES[source]}"


def ecg_panel(
    heart: Heart, *, key: str, sources: Sequence[str] = (), has_residual: bool = False
) -> None:
    """Draw the recorded median beat and decoded ones on one paper.

    Args:
        heart: The heart.
        key: Streamlit key of the paper.
        sources: The latents whose decodings are drawn.
        has_residual: Whether decoded less recorded is drawn below.
    """
    traces = []
    decoded = heart.decodings.ecg if heart.decodings is not None else {}
    shown = [source for source in sources if source in decoded]
    if heart.ecg is not None and has_residual and shown:
        residual = difference(decoded[shown[0]], heart.ecg)
        traces.append(Trace(residual, f"{path_title(shown[0], 'ecg')} − recorded", "residual"))
    if heart.ecg is not None:
        traces.append(Trace(np.asarray(heart.ecg, np.float32), "recorded"))
    for source in shown:
        style: Style = "reconstructed" if source == "ecg" else "translated"
        traces.append(Trace(decoded[source], path_title(source, "ecg"), style))
    if not traces:
        frame.empty("No ECG was recorded here, and there is nothing yet to translate one from.")
        return
    ecg_paper(traces, key=key, rr_ms=heart.ecg_rr_ms, group=key)


def cine_panel(
    heart: Heart,
    *,
    key: str,
    sources: Sequence[str] = (),
    has_difference: bool = False,
    group: str = "",
    name: str = "cine",
) -> None:
    """Play the recorded cine and decoded ones in step.

    Args:
        heart: The heart.
        key: Streamlit key of the player.
        sources: The latents whose decodings play.
        has_difference: Whether decoded less recorded plays too, signed, under each decoding.
        group: Key of the ECG paper whose cursor it moves.
        name: Start of the names of saved pictures: never an identifier.
    """
    cines = []
    decoded = heart.decodings.mri if heart.decodings is not None else {}
    shown = [source for source in sources if source in decoded]
    low, high = window(heart.cine) if heart.cine is not None else (None, None)
    if heart.cine is not None:
        cines.append(Cine(heart.cine, "recorded", low=low, high=high, marks=MARKS))
    places = {source: len(cines) + number for number, source in enumerate(shown)}
    for source in shown:
        title = path_title(source, "mri")
        cines.append(Cine(decoded[source], title, low=low, high=high, note=NOTE, marks=MARKS))
    if heart.cine is not None and has_difference:
        for source, place in places.items():
            frames = difference_in_sd(decoded[source], heart.cine)
            end = DIFFERENCE_END_SD
            label = "decoded − recorded"
            cines.append(
                Cine(frames, label, kind="difference", high=end, unit="SD", of=place, marks=MARKS)
            )
    if not cines:
        frame.empty("No cine was recorded here, and there is nothing yet to translate one from.")
        return
    cine_player(
        cines,
        key=key,
        rr_ms=heart.rr_ms,
        group=group,
        files=Files(name, frame.signature()),
        pending=[path_title(source, "mri") for source in sources if source in heart.pending],
    )


def area_panel(beats: Mapping[str, "Beat"], *, key: str, group: str, name: str) -> None:
    """Draw the left ventricle's area in the recorded and the decoded cines.

    Args:
        beats: What was found, by source of the decoding; ``recorded`` for the recorded cine.
        key: Streamlit key of the curve.
        group: Cursor group of the player above.
        name: As given to the player.
    """
    curves = []
    for source, beat in beats.items():
        is_found = bool(np.isfinite(beat.area_cm2).all())
        style: Style = "recorded" if source == "recorded" else "translated"
        curves.append(
            Curve(
                beat.area_cm2,
                source if source == "recorded" else path_title(source, "mri"),
                "reconstructed" if source == "mri" else style,
                beat.ejection.min_frame if is_found else None,
                beat.ejection.ef_percent if is_found else None,
            )
        )
    if curves:
        area_curve(curves, key=key, group=group, name=name)


def error_table(
    found: DecodingErrors | None, sample: Mapping[Path, NDArray[np.float64]] | None = None
) -> None:
    """Show how far each decoding is from what was recorded, a row a latent.

    Args:
        found: The errors, or None where there are no decodings.
        sample: Errors of others by path, to say where these stand; None: not known.
    """
    if found is None or not (found.ecg or found.mri):
        return
    sizes = found.sizes()
    rows, dots = [], []
    for source in SOURCES:
        if source not in found.ecg and source not in found.mri:
            continue
        cells = ["–"] * 4
        if source in found.ecg:
            ecg = found.ecg[source]
            cells[:2] = [f"{number(ecg.mae_uv)} µV", _r(ecg.correlation)]
        if source in found.mri:
            cine = found.mri[source]
            cells[2:] = [f"{cine.mae_z:.2f} SD", _r(cine.correlation)]
        if sample is not None:
            places = [_standing(sizes, sample, (source, target)) for target in ("ecg", "mri")]
            cells = [cells[0], places[0], cells[1], cells[2], places[1], cells[3]]
        rows.append((f"From the {frame.SOURCE_TITLES[source]}", *cells))
        dots.append(source)
    heads: tuple[str, ...] = ("ECG", "r", "Cine", "r")
    if sample is not None:
        heads = ("ECG", "larger than", "r", "Cine", "larger than", "r")
    frame.table(("Mean error and correlation", *heads), rows, dots=dots)


def _standing(
    sizes: Mapping[Path, float], sample: Mapping[Path, NDArray[np.float64]], path: Path
) -> str:
    """Say how many percent of a sample have a smaller error by the same path."""
    if path not in sizes or not len(sample.get(path, ())):
        return "–"
    return f"{percentile(sizes[path], sample[path]):.0f} %"


def model_state(heart: Heart, row: int) -> None:
    """Say why there are no decodings, if there are none.

    Args:
        heart: The heart of the row.
        row: Row of the cohort.
    """
    if heart.decodings is not None:
        return
    error = session.explorer().model.error
    if error is not None:
        st.error(str(error))
    elif caches.latents_of_row(row):
        st.caption("The model is being loaded; what it makes of this heart appears in seconds.")
        session.wait_for_model()
    else:
        frame.empty("This row has no latents: embed the cohort again with `cmae embed`.")


def _r(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}".replace("-", "−")
