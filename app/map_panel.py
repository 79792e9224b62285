"""The map with the choices above it: space, layout and colour in, what was picked and drawn out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import caches, charts, frame, map_data, phenotypes, session
from app.components.latent_map import Categories, MapPoints, Numbers, latent_map

MAP_TITLES = {"umap": "UMAP", "pca": "PCA"}
HEIGHT = 610


@dataclass(frozen=True, eq=False)
class Drawn:
    """What the map shows, and what a person did on it.

    Attributes:
        picked_row: Row of the cohort that was clicked just now, or None.
        rows: (n,) sorted rows inside the shapes that were drawn; empty if there are none.
        how: JSON-able: the map and the shapes.
    """

    picked_row: int | None
    rows: NDArray[np.int64]
    how: dict[str, Any]


def map_panel() -> Drawn | None:
    """Draw the choices and the map.

    Returns:
        What was picked and selected, or None where there is nothing to draw.
    """
    space, name, colour = _settings()
    points = caches.map_points(space, name)
    if not len(points.positions):
        frame.empty("There is no latent of this kind in the cohort: choose another space.")
        return None
    colours = map_data.colour(session.explorer().cohort, points, colour)
    event = latent_map(
        points,
        colours,
        key=f"map-{space}",
        picked=map_data.point_of_row(points, session.row()),
        height=HEIGHT,
    )
    picked, selected = event.picked, event.selected
    if not event.is_supported:
        picked, selected = _without_webgl(points, colours, key=f"plotly-{space}-{name}")
    settings = session.explorer().latents.map_settings.get(name, {})
    frame.stamp(
        f"map {MAP_TITLES.get(name, name)} of {map_data.SPACE_TITLES[space]} latents",
        *frame.settings_words(settings),
    )
    return Drawn(
        picked_row=int(points.rows[picked])
        if picked is not None and points.rows is not None
        else None,
        rows=map_data.rows_of_points(points, selected),
        how={"space": space, "map": name, "shapes": event.shapes},
    )


def _without_webgl(
    points: MapPoints, colours: Categories | Numbers, *, key: str
) -> tuple[int | None, NDArray[np.int64]]:
    """Draw the map where the browser lacks WebGL; return what was picked and selected on it."""
    st.caption("This browser has no WebGL: a simpler map is shown.")
    event = st.plotly_chart(
        charts.latent_map_plotly(points, colours), key=key, on_select="rerun", theme=None
    )
    chosen = event["selection"]["points"] if event else []
    indices = [np.ravel(point["customdata"])[0] for point in chosen if "customdata" in point]
    selected = np.array(sorted({int(index) for index in indices}), np.int64)
    if len(selected) == 1:
        return int(selected[0]), np.empty(0, np.int64)
    return None, selected


def _settings() -> tuple[str, str, str]:
    """Show the choices above the map and return space, map and colour."""
    here = session.explorer()
    spaces = [
        space
        for space, kinds in map_data.SPACES.items()
        if all(kind in here.latents.kinds for kind in kinds)
    ]
    maps = sorted(here.latents.maps, key=lambda name: (name != "umap", name))
    names = map_data.colour_names(here.cohort)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        space = st.segmented_control(
            "Latents",
            spaces,
            default=spaces[0],
            format_func=map_data.SPACE_TITLES.__getitem__,
            required=True,
            key="space",
            bind="query-params",
        )
        name = st.segmented_control(
            "Map",
            maps,
            default=maps[0],
            format_func=lambda name: MAP_TITLES.get(name, name),
            required=True,
            key="map",
            bind="query-params",
        )
        colour = st.selectbox(
            "Colour",
            names,
            format_func=_colour_title,
            key="colour",
            bind="query-params",
            width=260,
        )
    return space or spaces[0], name or maps[0], colour or names[0]


def _colour_title(name: str) -> str:
    if name == map_data.MODALITY:
        return "ECG or MRI"
    column = session.explorer().cohort.columns[name]
    return f"{phenotypes.title(name)} ({column.unit})" if column.unit else phenotypes.title(name)
