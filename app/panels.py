"""A heart's recordings beside what the model makes of them: shared by participant and upload."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import caches, frame, session
from app.components.cine_player import Cine, cine_player
from app.components.ecg_paper import Style, Trace, ecg_paper
from app.phenotypes import number
from cmae.latent.decoding import SOURCES
from cmae.latent.media import window
from cmae.measure.similarity import cine_error, difference, ecg_error

if TYPE_CHECKING:
    from cmae.latent.decoding import Decodings

NOTE = "generated · research use only"


@dataclass(frozen=True, eq=False)
class Heart:
    """What is known of one heart.

    Attributes:
        ecg: Recorded median beat, (600, 12) in mV, or None.
        cine: Recorded cine, (96, 96, 50) in scanner intensity, or None.
        ecg_rr_ms: RR interval of the ECG in ms, or None.
        cine_rr_ms: RR interval of the cine in ms, or None.
        decodings: What its latents decode to; None: not yet, or not possible.
    """

    ecg: NDArray[np.generic] | None
    cine: NDArray[np.generic] | None
    ecg_rr_ms: float | None
    cine_rr_ms: float | None
    decodings: "Decodings | None"

    @property
    def rr_ms(self) -> float | None:
        """The heartbeat that the pictures are played at, in ms."""
        return self.cine_rr_ms or self.ecg_rr_ms


def heart_of_row(row: int) -> Heart:
    """Gather what is known of a row; without decodings while the model is being loaded.

    Args:
        row: Row of the cohort.

    Returns:
        The heart.

    Raises:
        CmaeError: A recording cannot be read.
    """
    values = session.explorer().cohort.table.iloc[row]
    return Heart(
        ecg=caches.recording("ecg", row),
        cine=caches.recording("mri", row),
        ecg_rr_ms=_known(values.get("ecg_rr_ms")),
        cine_rr_ms=_known(values.get("mri_rr_ms")),
        decodings=caches.decodings(row),
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
) -> None:
    """Play the recorded cine and decoded ones in step.

    Args:
        heart: The heart.
        key: Streamlit key of the player.
        sources: The latents whose decodings play.
        has_difference: Whether decoded less recorded plays too, signed.
        group: Key of the ECG paper whose cursor it moves.
    """
    cines = []
    decoded = heart.decodings.mri if heart.decodings is not None else {}
    shown = [source for source in sources if source in decoded]
    low, high = window(heart.cine) if heart.cine is not None else (None, None)
    if heart.cine is not None:
        cines.append(Cine(heart.cine, "recorded", low=low, high=high))
    for source in shown:
        title = path_title(source, "mri")
        cines.append(Cine(decoded[source], title, low=low, high=high, note=NOTE))
    if heart.cine is not None and has_difference:
        for source in shown:
            frames = difference(decoded[source], heart.cine)
            label = f"{path_title(source, 'mri')} − recorded"
            cines.append(Cine(frames, label, kind="difference"))
    if not cines:
        frame.empty("No cine was recorded here, and there is nothing yet to translate one from.")
        return
    cine_player(cines, key=key, rr_ms=heart.rr_ms, group=group)


def error_table(heart: Heart) -> None:
    """Show how far each decoding is from what was recorded, a row a latent.

    Args:
        heart: The heart.
    """
    decoded = heart.decodings
    if decoded is None or (heart.ecg is None and heart.cine is None):
        return
    rows, dots = [], []
    for source in decoded.ecg.keys() | decoded.mri.keys():
        cells = ["–"] * 4
        if heart.ecg is not None and source in decoded.ecg:
            ecg = ecg_error(heart.ecg, decoded.ecg[source])
            cells[:2] = [f"{number(ecg.mae_uv)} µV", _r(ecg.correlation)]
        if heart.cine is not None and source in decoded.mri:
            cine = cine_error(heart.cine, decoded.mri[source])
            cells[2:] = [f"{cine.mae_z:.2f} SD", _r(cine.correlation)]
        rows.append((f"From the {frame.SOURCE_TITLES[source]}", *cells))
        dots.append(source)
    order = sorted(range(len(rows)), key=lambda k: SOURCES.index(dots[k]))
    frame.table(
        ("Mean error and correlation", "ECG", "r", "Cine", "r"),
        [rows[k] for k in order],
        dots=[dots[k] for k in order],
    )


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


def _known(value: object) -> float | None:
    """Return a number of the table, or None where it is missing."""
    known = pd.to_numeric(value, errors="coerce")
    return float(known) if pd.notna(known) else None


def _r(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}".replace("-", "−")
