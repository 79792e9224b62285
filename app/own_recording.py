"""What one person uploaded: kept in memory for that person alone, encoded and decoded."""

from collections.abc import Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.session import explorer
from app.uploads import Received
from cmae.latent.decoding import Decodings, decode_all


def keep(received: Received, latents: Mapping[str, NDArray[np.float32]]) -> None:
    """Keep what this person uploaded, for this person only.

    Args:
        received: The recordings.
        latents: Their latents by source, each (latent_dim,).
    """
    st.session_state["upload"] = (received, dict(latents))


def kept() -> tuple[Received, dict[str, NDArray[np.float32]]] | None:
    """Return this person's upload with its latents, or None."""
    kept: tuple[Received, dict[str, NDArray[np.float32]]] | None = st.session_state.get("upload")
    return kept


def forget() -> None:
    """Drop this person's upload from memory."""
    st.session_state.pop("upload", None)


def decode() -> Decodings | None:
    """Return all that this person's upload decodes to, or None where there is no upload."""
    mine = kept()
    if mine is None or not mine[1]:
        return None
    if "upload_decodings" not in st.session_state or st.session_state["upload_decoded"] is not mine:
        received, latents = mine
        with explorer().model.use() as run:
            cine = received.cine.recording if received.cine is not None else None
            st.session_state["upload_decodings"] = decode_all(run, latents, cine=cine)
        st.session_state["upload_decoded"] = mine
    decoded: Decodings = st.session_state["upload_decodings"]
    return decoded


def encode(received: Received) -> dict[str, NDArray[np.float32]]:
    """Encode uploaded recordings, and merge their latents.

    Args:
        received: The recordings.

    Returns:
        By source, (latent_dim,).

    Raises:
        CmaeError: The run cannot be loaded or refuses a recording.
    """
    given = {}
    if received.ecg is not None:
        given["ecg"] = received.ecg.recording
    if received.cine is not None:
        given["mri"] = received.cine.recording
    with explorer().model.use() as run:
        latents = {
            name: run.encode(name, recorded[None])
            for name, recorded in given.items()
            if name in run.modalities
        }
        present = {name: np.ones(1, np.bool_) for name in latents}
        if latents:
            latents["joint"] = run.joint(latents, present)
    return {source: values[0] for source, values in latents.items()}
