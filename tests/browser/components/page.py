"""A page with the three components on made-up data, for the tests beside it."""

import numpy as np
import streamlit as st

from app.components.area_curve import Curve, area_curve
from app.components.cine_player import Cine, Files, cine_player
from app.components.ecg_paper import Trace, ecg_paper
from app.components.latent_map import Categories, MapPoints, Numbers, inside_shape, latent_map
from app.components.walk_lines import Line, walk_lines
from app.components.walk_player import Path as WalkPath
from app.components.walk_player import Pictures, walk_player
from app.shapes import Drawing

POINTS = 600

st.set_page_config(layout="wide")


@st.cache_resource
def made_up_points() -> MapPoints:
    """Return pairs of points: ECG latents, then the MRI latents of the same rows."""
    rng = np.random.default_rng(0)
    ecg = rng.normal(size=(POINTS // 2, 2))
    rows = np.arange(POINTS // 2)
    return MapPoints(
        np.concatenate([ecg, ecg + rng.normal(0, 0.1, size=ecg.shape)]),
        rows=np.concatenate([rows, rows]),
        classes=np.repeat([0, 1], POINTS // 2),
        class_names=("ECG latents", "MRI latents"),
        partners=np.concatenate([rows + POINTS // 2, rows]),
    )


@st.fragment
def the_map() -> None:
    """Draw the map and say what Python knows of it."""
    points = made_up_points()
    is_number = st.toggle("numbers", key="is_number")
    color: Categories | Numbers = (
        Numbers(points.positions[:, 0], "First coordinate", "mm")
        if is_number
        else Categories(np.arange(POINTS) % 3, ["a", "b", "c"], "Third")
    )
    event = latent_map(points, color, key="map", picked=st.session_state.get("picked"), height=480)
    if event.picked is not None:
        st.session_state["picked"] = event.picked
    drawing: Drawing = st.session_state.get("drawing", Drawing())
    drawing = drawing.follow(
        event.shapes or [],
        lambda shape: np.flatnonzero(inside_shape(shape, points=points, color=color)),
    )
    st.session_state["drawing"] = drawing
    facts = {
        "selected": len(drawing.rows),
        "picked": st.session_state.get("picked"),
        "column": color.title,
        "is_supported": event.is_supported,
    }
    st.html(f"<output id='facts'>{facts!r}</output>")


@st.fragment
def the_walk() -> None:
    """Walk over made-up points: point k has a picture of grey 20 k and a beat of 0.1 k mV."""
    count = 11
    beats = np.zeros((count, 600, 12), np.float32)
    beats[:, 200:206] = 0.1 * np.arange(count, dtype=np.float32)[:, None, None]
    grey = np.repeat(np.arange(count, dtype=np.uint8) * 20, 50)
    facts = {"rows": 96, "columns": 96, "low": 0.0, "high": 255.0, "marks": [], "kind": "intensity"}
    steps = np.linspace(-1, 1, count)
    path = WalkPath(
        labels=[f"{step:+.1f} SD" for step in steps],
        steps=steps,
        start=5,
        ticks=[(-1.0, "-1"), (0.0, "start"), (1.0, "+1")],
        levels=np.where(steps > 0.5, 2, 0),
        ends=(None, 0.5),
        crowd=np.arange(60),
        trust=[f"trust {k}" for k in range(count)],
        warning="Beyond +0.5 SD nobody is.",
        rows=100 + np.arange(count),
        neighbours=[f"heart {100 + k}" for k in range(count)],
    )
    pixels = np.broadcast_to(grey[:, None, None], (count * 50, 96, 96))
    heart = walk_player(path, Pictures(beats, pixels, facts, sd=10.0), key="walk", rr_ms=900.0)
    numbers = np.arange(count) * 10.0
    texts = [f"{number:.0f} ml" for number in numbers]
    walk_lines([Line("LVEDV", texts, [""] * count, numbers)], steps=steps, group="walk")
    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    st.html(f"<output id='facts'>{ {'heart': heart, 'runs': st.session_state['runs']}!r}</output>")


if st.query_params.get("part") == "map":
    the_map()
elif st.query_params.get("part") == "walk":
    the_walk()
else:
    beat = np.zeros((600, 12))
    beat[200:206] = 1.0
    ecg_paper(
        [Trace(beat, "recorded"), Trace(beat * 0.8, "reconstructed", "reconstructed")],
        key="ecg",
        group="heart",
        rr_ms=900.0,
    )
    ramp = np.broadcast_to(np.arange(50.0), (96, 96, 50))
    cine_player(
        [
            Cine(ramp, "recorded", low=0, high=49),
            Cine(ramp - 25, "difference", "difference", high=25, unit="SD", of=0),
        ],
        key="cine",
        rr_ms=900.0,
        group="heart",
        files=Files("row-7", "made up"),
    )
    area = 20 + 10 * np.cos(np.linspace(0, 2 * np.pi, 50, endpoint=False))
    area_curve(
        [Curve(area, "recorded", es_frame=25, ef_percent=61.4)],
        key="area",
        group="heart",
        name="row-7",
    )
