"""What is known of a run beside its card: the picture of its networks, and whom it has seen."""

import tempfile
import threading
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.session import explorer
from cmae.errors import RunError
from cmae.evaluation.participants import split_of
from cmae.model.run_files import read_card

_drawing = threading.Lock()
"""Matplotlib's settings are shared by all threads."""


def network_picture() -> str | None:
    """Return the networks of the run as an SVG, or None while the model is not ready."""
    here = explorer()
    return _network_picture(here.latents.run_fingerprint) if here.model.is_ready else None


@st.cache_resource(max_entries=8, show_spinner=False)
def _network_picture(run_fingerprint: str) -> str:
    # Both pull in libraries that no other page needs.
    from cmae.figures import network  # noqa: PLC0415
    from cmae.model.describe import describe  # noqa: PLC0415

    here = explorer()
    with here.model.use() as run:
        described = describe(run, with_speed=False)
    layers = {name: part["layers"] for name, part in described["parts"].items()}
    with tempfile.TemporaryDirectory(prefix="cmae-network-") as folder, _drawing:
        path = Path(folder) / "networks.svg"
        network.draw(layers, path, title=here.run_path.name)
        return path.read_text(encoding="utf-8")


def participants() -> dict[str, int]:
    """Return how many participants the run was trained, chosen and tested on, by part.

    Raises:
        RunError: The card cannot be read.
    """
    told = read_card(explorer().run_path).get("participants")
    if not isinstance(told, dict):
        return {}
    return {str(name): count for name, count in told.items() if isinstance(count, int)}


def is_trained_on_simulated_hearts() -> bool:
    """Tell whether the run's card says that it knows simulated hearts only."""
    try:
        return bool(read_card(explorer().run_path).get("is_simulated"))
    except RunError:
        return False


def split() -> dict[str, NDArray[np.int64]] | None:
    """Return the rows of the open cohort by the part of the split that the run had them in.

    Returns:
        Row numbers by ``train``, ``validation``, ``test`` and ``unseen`` (added later), without
        those that nobody is in; None where the run was trained on another cohort, or its card does
        not say on which.

    Raises:
        RunError: The card or the split cannot be read.
    """
    return _split(explorer().key, str(explorer().run_path))


@st.cache_resource(max_entries=8, show_spinner=False)
def _split(key: str, run_path: str) -> dict[str, NDArray[np.int64]] | None:
    parts = split_of(Path(run_path), explorer().cohort.table)
    if parts is None:
        return None
    found = {
        name: np.flatnonzero(parts == ("" if name == "unseen" else name))
        for name in ("train", "validation", "test", "unseen")
    }
    return {name: rows for name, rows in found.items() if len(rows)}
