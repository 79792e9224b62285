"""Every cache and every piece of state: what the server shows, and what one person looks at."""

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from streamlit.navigation.page import Page as StreamlitPage

from app import map_data
from app.components.latent_map import MapPoints
from app.lazy_run import LazyRun
from app.uploads import Received
from cmae.latent.decoding import SOURCES, Decodings, decode_all
from cmae.latent.neighbours import nearest_rows

if TYPE_CHECKING:
    from cmae.data.cohort import Cohort
    from cmae.latent.latents import Latents
    from cmae.model.run import Run

FINGERPRINT_DIGITS = 12
"""Digits of a fingerprint that a link and a stamp hold."""

POLL_S = 0.2
"""Seconds between two looks whether the model has been loaded."""

WARM_UP_DELAY_S = 2.0
"""Seconds after the first page until the model is loaded."""


NUM_NEIGHBOURS = 12
"""Similar hearts that are offered."""

EXAMPLES = {
    "Weakest pump": ("lvef_percent", False),
    "Heaviest heart": ("lv_mass_g", True),
    "Widest QRS": ("qrs_ms", True),
}
"""What to try first: the row with the lowest or highest value of a column."""

MAX_TEXT_BYTES = 4_000_000
"""Bytes of a run's card or history that are read at most."""

CURVES = {
    "loss": "training",
    "validation_loss": "validation",
    "validation_ecg": "validation, ECG",
    "validation_mri": "validation, MRI",
}
"""Columns of a history that the page draws, with their names for people."""

History = tuple[NDArray[np.int64], list[tuple[str, NDArray[np.float64]]]]


@dataclass(frozen=True, eq=False)
class Explorer:
    """What one server shows to all who look: nothing in it changes.

    Attributes:
        cohort: The cohort.
        latents: Its latents, with maps.
        run_path: The run folder.
        load_run: Opens the run; called once, in the background.
        is_demo: Whether this is the demo cohort.
        latent_rows: (rows,) row of the latents file of each row, -1 for none.
        model: The run, loaded when it is first needed.
    """

    cohort: "Cohort"
    latents: "Latents"
    run_path: Path
    load_run: Callable[[], "Run"]
    is_demo: bool = False
    latent_rows: NDArray[np.int64] = field(init=False)
    model: LazyRun = field(init=False)

    def __post_init__(self) -> None:
        """Join the latents to the cohort's rows."""
        rows = map_data.rows_of_latents(self.cohort, self.latents)
        object.__setattr__(self, "latent_rows", rows)
        object.__setattr__(self, "model", LazyRun(self.load_run))

    @property
    def key(self) -> str:
        """Fingerprints of cohort and run: the key of every cache."""
        return f"{self.cohort.fingerprint}:{self.latents.run_fingerprint}"


_shown: list[Explorer] = []
"""The one explorer of this server."""


def show(explorer: Explorer) -> None:
    """Set what this server shows.

    Args:
        explorer: Shared by everyone who opens the page.
    """
    _shown[:] = [explorer]


def explorer() -> Explorer:
    """Return what this server shows."""
    return _shown[0]


def is_chosen() -> bool:
    """Return whether this server has something to show."""
    return bool(_shown)


# What one person looks at ---------------------------------------------------------------------


def row() -> int:
    """Return the row that this person looks at, from the link at first."""
    if "row" not in st.session_state:
        st.session_state["row"] = _row_of_link()
    return int(st.session_state["row"])


def choose_row(number: int) -> None:
    """Look at another row.

    Args:
        number: Row of the cohort; beyond the last it starts again at the first.
    """
    st.session_state["row"] = int(number) % len(explorer().cohort)
    write_link()


def choose_random_row() -> None:
    """Look at a row that has both recordings, drawn at random."""
    cohort = explorer().cohort
    rows = np.flatnonzero(cohort.has("ecg") & cohort.has("mri"))
    if not len(rows):
        rows = np.arange(len(cohort))
    choose_row(int(np.random.default_rng().choice(rows)))


def examples() -> dict[str, int]:
    """Return rows worth seeing first, by what they show."""
    return _examples(explorer().cohort.fingerprint)


@st.cache_resource(max_entries=4, show_spinner=False)
def _examples(cohort_fingerprint: str) -> dict[str, int]:
    cohort = explorer().cohort
    has_both = cohort.has("ecg") & cohort.has("mri")
    found = {}
    for label, (name, is_highest) in EXAMPLES.items():
        if name not in cohort.columns:
            continue
        values = pd.to_numeric(cohort.table[name], errors="coerce")[has_both].dropna()
        if len(values):
            found[label] = int(values.idxmax() if is_highest else values.idxmin())
    return found


def write_link() -> None:
    """Put row and cohort into the page's address: never an identifier."""
    wanted = {"row": str(row()), "cohort": short(explorer().cohort.fingerprint)}
    for name, value in wanted.items():
        if st.query_params.get(name) != value:
            st.query_params[name] = value


def link_problem() -> str | None:
    """Return one sentence where the link that was opened did not fit, once."""
    problem: str | None = st.session_state.pop("link_problem", None)
    return problem


def _row_of_link() -> int:
    """Return the row that the address asks for, or the first with both recordings."""
    cohort = explorer().cohort
    wanted = st.query_params.get("row")
    if wanted is not None:
        fingerprint = st.query_params.get("cohort")
        if fingerprint not in (None, short(cohort.fingerprint)):
            st.session_state["link_problem"] = (
                "This link was made for another cohort, or for an earlier state of this one: "
                "showing the first participant instead."
            )
        elif wanted.isascii() and wanted.isdecimal() and int(wanted) < len(cohort):
            return int(wanted)
        else:
            st.session_state["link_problem"] = (
                f"This link asks for a row that is not there (rows are 0 to {len(cohort) - 1:,}): "
                "showing the first participant instead."
            )
    both = np.flatnonzero(cohort.has("ecg") & cohort.has("mri"))
    return int(both[0]) if len(both) else 0


def keep_pages(pages: Mapping[str, StreamlitPage]) -> None:
    """Keep the pages of this run of the script, so that views can lead to each other.

    Args:
        pages: By name of the view.
    """
    st.session_state["pages"] = dict(pages)


def go_to_participant(row: int) -> None:
    """Leave this page for a participant's.

    Args:
        row: Row of the cohort.
    """
    choose_row(row)
    link = {"row": str(row), "cohort": short(explorer().cohort.fingerprint)}
    st.switch_page(st.session_state["pages"]["participant"], query_params=link)


def are_identifiers_shown() -> bool:
    """Return whether this person asked to see participant identifiers."""
    return bool(st.session_state.get("show_identifiers", False))


def keep_upload(received: Received, latents: Mapping[str, NDArray[np.float32]]) -> None:
    """Keep what this person uploaded, for this person only.

    Args:
        received: The recordings.
        latents: Their latents by source, each (latent_dim,).
    """
    st.session_state["upload"] = (received, dict(latents))


def upload() -> tuple[Received, dict[str, NDArray[np.float32]]] | None:
    """Return this person's upload with its latents, or None."""
    kept: tuple[Received, dict[str, NDArray[np.float32]]] | None = st.session_state.get("upload")
    return kept


def forget_upload() -> None:
    """Drop this person's upload from memory."""
    st.session_state.pop("upload", None)


# Caches: bounded, keyed by fingerprints, arrays read-only --------------------------------------


def recording(modality: str, row: int) -> NDArray[np.generic] | None:
    """Return a recorded ECG or cine, or None where the row lacks it.

    Args:
        modality: ``ecg`` or ``mri``.
        row: Row of the cohort.

    Returns:
        A read-only array of the modality's shape, in its physical unit.
    """
    if not explorer().cohort.has(modality)[row]:
        return None
    return _recording(explorer().cohort.fingerprint, modality, row)


@st.cache_resource(max_entries=256, show_spinner=False)
def _recording(cohort_fingerprint: str, modality: str, row: int) -> NDArray[np.generic]:
    array = np.asarray(explorer().cohort.read(modality, row))
    array.setflags(write=False)
    return array


def latents_of_row(row: int) -> dict[str, NDArray[np.float32]]:
    """Return the latents that a row has, by source, each (latent_dim,).

    Args:
        row: Row of the cohort.
    """
    here = explorer()
    index = here.latent_rows[row]
    return {
        source: here.latents.latents[source][index]
        for source in SOURCES
        if index >= 0 and source in here.latents.kinds and here.latents.present[source][index]
    }


def decodings(row: int) -> Decodings | None:
    """Return all that a row's latents decode to, or None while the model is not ready.

    Args:
        row: Row of the cohort.
    """
    here = explorer()
    if not here.model.is_ready or not latents_of_row(row):
        return None
    return _decodings(here.key, row)


@st.cache_resource(max_entries=24, show_spinner=False)
def _decodings(key: str, row: int) -> Decodings:
    with explorer().model.use() as run:
        return decode_all(run, latents_of_row(row), cine=recording("mri", row))


def wait_for_model() -> None:
    """Ask for this page to be drawn again once the model has been loaded."""
    st.session_state["is_waiting_for_model"] = True


def draw_again_with_model() -> None:
    """Where a page waits for the model, wait, and draw it again; to be called last.

    The script itself waits, a little at a time, so that any click ends the waiting at once. A
    fragment that reruns by a timer would be simpler, but its answer may reach a browser that has
    left the page, which Streamlit does not survive.
    """
    if not st.session_state.pop("is_waiting_for_model", False):
        return
    model = explorer().model
    model.start(delay_s=WARM_UP_DELAY_S)
    place = st.empty()
    while not model.is_ready and model.error is None:
        time.sleep(POLL_S)
        place.empty()  # lets Streamlit stop this script when the person does something
    st.rerun()


def decode_upload() -> Decodings | None:
    """Return all that this person's upload decodes to, or None where there is no upload."""
    kept = upload()
    if kept is None or not kept[1]:
        return None
    if "upload_decodings" not in st.session_state or st.session_state["upload_decoded"] is not kept:
        received, latents = kept
        with explorer().model.use() as run:
            cine = received.cine.recording if received.cine is not None else None
            st.session_state["upload_decodings"] = decode_all(run, latents, cine=cine)
        st.session_state["upload_decoded"] = kept
    decoded: Decodings = st.session_state["upload_decodings"]
    return decoded


def encode_upload(received: Received) -> dict[str, NDArray[np.float32]]:
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


def run_text(name: str) -> str | None:
    """Return a text of the run folder, or None where it is not there.

    Args:
        name: File in the run folder.
    """
    return _run_text(explorer().latents.run_fingerprint, name)


@st.cache_resource(max_entries=8, show_spinner=False)
def _run_text(run_fingerprint: str, name: str) -> str | None:
    path = explorer().run_path / name
    if not path.is_file() or path.stat().st_size > MAX_TEXT_BYTES:
        return None
    return path.read_text(encoding="utf-8")


def run_history() -> History | None:
    """Return epochs and curves of the run's training, or None where none are stored."""
    text = run_text("history.csv")
    if not text:
        return None
    table = pd.read_csv(io.StringIO(text))
    names = [name for name in CURVES if name in table.columns]
    if "epoch" not in table.columns or not names:
        return None
    epochs = table["epoch"].to_numpy(np.int64)
    return epochs, [(CURVES[name], table[name].to_numpy(np.float64)) for name in names]


def map_points(space: str, name: str) -> MapPoints:
    """Return the points of a map; the same object for the same map.

    Args:
        space: A key of map_data.SPACES.
        name: A name of the latents' maps.
    """
    return _map_points(explorer().key, space, name)


@st.cache_resource(max_entries=16, show_spinner=False)
def _map_points(key: str, space: str, name: str) -> MapPoints:
    here = explorer()
    return map_data.points(here.latents, here.latent_rows, space=space, name=name)


def neighbours(row: int, source: str) -> NDArray[np.int64]:
    """Return the rows whose latents are most like one of a row's latents.

    Args:
        row: Row of the cohort.
        source: Which latent: ``ecg``, ``mri`` or ``joint``.

    Returns:
        (k,) rows of the cohort, nearest first.
    """
    latents = explorer().latents
    stored = latents.neighbours.get(f"{source}_{source}")
    if stored is None:
        return nearest_to(latents_of_row(row)[source], source, without=row)
    return _cohort_rows(np.asarray(stored[explorer().latent_rows[row]], np.int64))


def nearest_to(
    latent: NDArray[np.float32], source: str, *, without: int | None = None
) -> NDArray[np.int64]:
    """Return the rows of the cohort whose latents are most like any latent.

    Args:
        latent: (latent_dim,) of this run.
        source: Which latents it is compared with.
        without: A row to leave out.

    Returns:
        (k,) rows of the cohort, nearest first.
    """
    here = explorer()
    candidates = np.flatnonzero(here.latents.present[source])
    found, _ = nearest_rows(
        latent[None], here.latents.latents[source][candidates], NUM_NEIGHBOURS + 1
    )
    rows = _cohort_rows(candidates[found[0][found[0] >= 0]])
    others: NDArray[np.int64] = rows[rows != without][:NUM_NEIGHBOURS]
    return others


def _cohort_rows(latent_rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Turn rows of the latents file into rows of the cohort, leaving out what is not in it."""
    here = explorer()
    known = np.flatnonzero(here.latent_rows >= 0)
    rows = np.full(len(here.latents), -1, np.int64)
    rows[here.latent_rows[known]] = known
    found: NDArray[np.int64] = rows[latent_rows[latent_rows >= 0]]
    return found[found >= 0][:NUM_NEIGHBOURS]


def short(fingerprint: str) -> str:
    """Return the part of a fingerprint that people compare.

    Args:
        fingerprint: A hexadecimal hash.
    """
    return fingerprint[:FINGERPRINT_DIGITS]
