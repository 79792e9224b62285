"""A page with a map of made-up points, for the benchmark of the map."""

import numpy as np
import streamlit as st

from app.components.latent_map import Categories, MapPoints, Numbers, inside_shape, latent_map

MOST_POINTS = 2_000_000

st.set_page_config(layout="wide")


@st.cache_resource
def made_up(count: int) -> tuple[MapPoints, Numbers, Categories]:
    """Return pairs of points in clouds, and two columns that color them."""
    rng = np.random.default_rng(0)
    half = count // 2
    centers = rng.normal(scale=4, size=(12, 2))
    ecg = (centers[rng.integers(0, 12, half)] + rng.normal(size=(half, 2))).astype(np.float32)
    rows = np.arange(half)
    points = MapPoints(
        np.concatenate([ecg, ecg + rng.normal(0, 0.3, ecg.shape).astype(np.float32)]),
        rows=np.concatenate([rows, rows]),
        classes=np.repeat([0, 1], half),
        class_names=("ECG latents", "MRI latents"),
        partners=np.concatenate([rows + half, rows]),
    )
    number = Numbers(rng.normal(60, 8, 2 * half), "Number", "%")
    return points, number, Categories(rng.integers(0, 4, 2 * half), list("abcd"), "Group")


@st.fragment
def the_map() -> None:
    """Draw the map, and say what Python knows of it."""
    asked = st.query_params.get("points", "1000")
    count = min(int(asked), MOST_POINTS) if asked.isdecimal() else 1000
    points, number, group = made_up(count)
    choice = st.segmented_control("Color", ["Group", "Number"], default="Group")
    color = number if choice == "Number" else group
    event = latent_map(points, color, key="map", height=560)
    inside = 0
    for shape in (event.shapes or [])[-1:]:
        inside = int(inside_shape(shape, points=points, color=color).sum())
    st.html(
        f"<output id='facts' data-column='{color.title}' data-serial='{event.serial}'>"
        f"{inside:,} inside</output>"
    )


the_map()
