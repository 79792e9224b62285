"""The map with the choices above it; what is picked and drawn on it goes into the session."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import charts, frame, map_caches, map_data, phenotypes, routes, session
from app.components.latent_map import (
    Categories,
    MapPoints,
    Numbers,
    Thumbnails,
    inside_shape,
    latent_map,
    read_map,
)
from app.groups import Group
from app.shapes import DRAWN, simplified

MAP_TITLES = {"umap": "UMAP", "pca": "PCA", map_data.AXES: "Phenotypes"}
HEIGHT = 540

SIZE = ("height_cm", "weight_kg", "bsa_m2")
FIRST_AXES = ("lvef_percent", "qrs_ms", "lv_mass_g", "heart_rate_bpm", "age_years")
"""The phenotypes that are the axes at first: the first two that the cohort has."""

ADJUSTMENTS = {"age": ("age_years",), "sex": ("sex",), "size": SIZE}
"""What phenotype axes may be adjusted for, by the columns that say it."""


@dataclass(frozen=True)
class _Settings:
    """What a person chose above the map.

    Attributes:
        space: A key of map_data.SPACES.
        name: A name of the latents' maps, or map_data.AXES.
        axes: The phenotypes of the axes, for map_data.AXES.
        colour: One of map_data.colour_names.
        is_simple: Whether the simple map is wanted.
    """

    space: str
    name: str
    axes: map_data.Axes | None
    colour: str
    is_simple: bool

    @property
    def drawn_on(self) -> dict[str, object]:
        """The map, JSON-able, as a group keeps it."""
        axes = {} if self.axes is None else {"axes": asdict(self.axes)}
        return {"space": self.space, "map": self.name, **axes}


def map_panel() -> bool:
    """Draw the choices and the map; what is picked and drawn on it goes into the session.

    Returns:
        Whether there was a map to draw.
    """
    settings = _settings()
    here = session.explorer()
    points = map_caches.map_points(settings.space, settings.name, settings.axes)
    if not len(points.positions):
        frame.empty("There is no latent of this kind in the cohort: choose another space.")
        return False
    colours = map_caches.colour(settings.space, points, settings.colour)
    key = f"map-{settings.space}"
    _take(points, colours, key=key, drawn_on=settings.drawn_on)
    group = session.selection()
    selected = None if group is None else map_data.points_of_rows(points, group.rows)
    is_supported = not st.session_state.get("lacks_webgl", False)
    if is_supported and not settings.is_simple:
        event = latent_map(
            points,
            colours,
            key=key,
            picked=map_data.point_of_row(points, session.row()),
            selected=selected,
            thumbnails=Thumbnails(routes.thumbnails_address(here), routes.token()),
            height=HEIGHT,
        )
        is_supported = event.is_supported
        st.session_state["lacks_webgl"] = not is_supported
    if settings.is_simple or not is_supported:
        if not is_supported:
            st.caption("This browser has no WebGL: a simpler map is shown.")
        _simple_map(points, colours, selected, key=f"plotly-{settings.space}-{settings.name}")
    _say_map(settings)
    return True


def _say_map(settings: _Settings) -> None:
    """Say which map this is, with its settings."""
    words = f"map {MAP_TITLES.get(settings.name, settings.name)} of "
    words += f"{map_data.SPACE_TITLES[settings.space]} latents"
    if settings.axes is None:
        made_with = session.explorer().latents.map_settings.get(settings.name, {})
        frame.stamp(words, *frame.settings_words(made_with))
        return
    found = map_caches.phenotype_axes(settings.axes)
    frame.stamp(
        words,
        *(
            f"{phenotypes.title(axis.name)} from {axis.rows:,} {axis.kind} latents, r {value:.2f}"
            for axis, value in zip(found.axes, found.correlations, strict=True)
        ),
        f"cosine of the axes {found.cosine:.2f}".replace("-", "−"),
        f"adjusted for {', '.join(map(phenotypes.title, settings.axes.covariates))}"
        if settings.axes.covariates
        else "unadjusted",
    )


def _take(
    points: MapPoints, colours: Categories | Numbers, *, key: str, drawn_on: dict[str, object]
) -> None:
    """Put what was picked and drawn since the map was last drawn into the session."""
    event = read_map(points, key=key)
    if event.picked is not None and points.rows is not None:
        session.choose_row(int(points.rows[event.picked]))

    def rows_inside(shape: Mapping[str, Any]) -> NDArray[np.int64]:
        inside = inside_shape(shape, points=points, color=colours)
        return map_data.rows_of_points(points, np.flatnonzero(inside))

    shapes = None if event.shapes is None else [_on_grid(each, points) for each in event.shapes]
    session.draw(shapes, serial=event.serial, drawn_on=drawn_on, rows_inside=rows_inside)


def _on_grid(shape: Mapping[str, Any], points: MapPoints) -> dict[str, Any]:
    """Return a shape with few corners on the browser's grid, so that a link holds it exactly."""
    corners = simplified(points.on_grid(np.asarray(shape["polygon"], float)))
    return {**shape, "polygon": points.off_grid(corners).tolist()}


def _simple_map(
    points: MapPoints,
    colours: Categories | Numbers,
    selected: NDArray[np.bool_] | None,
    *,
    key: str,
) -> None:
    """Draw the map that needs no WebGL, and take what is picked and selected on it."""

    def take() -> None:
        event = st.session_state.get(key)
        marked = event["selection"]["points"] if event else []
        indices = {int(np.ravel(mark["customdata"])[0]) for mark in marked if "customdata" in mark}
        rows = map_data.rows_of_points(points, np.array(sorted(indices), np.int64))
        if len(indices) == 1:
            session.choose_row(int(rows[0]))
        else:
            session.select(Group(DRAWN, rows, {"drawn": len(rows)}) if len(rows) else None)

    if len(points) > charts.MAX_FALLBACK_POINTS:
        st.caption(f"An even sample of {charts.MAX_FALLBACK_POINTS:,} of {len(points):,} points.")
    figure = charts.latent_map_plotly(points, colours, selected=selected, height=HEIGHT)
    st.plotly_chart(figure, key=key, on_select=take, theme=None)


def _settings() -> _Settings:
    """Show the choices above the map and return them."""
    here = session.explorer()
    spaces = [
        space
        for space, kinds in map_data.SPACES.items()
        if all(kind in here.latents.kinds for kind in kinds)
    ]
    maps = sorted(here.latents.maps, key=lambda name: (name != "umap", name))
    can_have_axes = len(map_data.axis_names(here.cohort)) > 1
    names = map_data.colour_names(here.cohort)
    _take_column("colour", names)
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
        name = st.selectbox(
            "Map",
            [*maps, *([map_data.AXES] if can_have_axes else [])],
            format_func=lambda name: MAP_TITLES.get(name, name),
            key="map",
            bind="query-params",
            width=120,
        )
        colour = st.selectbox(
            "Colour",
            names,
            format_func=_colour_title,
            key="colour",
            bind="query-params",
            width="stretch",
        )
        with st.popover("", icon=":material/tune:", help="More of the map", width="content"):
            is_simple = st.toggle(
                "Simple map",
                key="simple",
                bind="query-params",
                help="For screens that draw the map slowly or not at all; needs no WebGL.",
            )
    axes = _axes() if name == map_data.AXES else None
    return _Settings(space or spaces[0], name or maps[0], axes, colour or names[0], bool(is_simple))


def _axes() -> map_data.Axes:
    """Show which phenotypes are the axes and return them."""
    cohort = session.explorer().cohort
    names = map_data.axis_names(cohort)
    first = next((name for name in FIRST_AXES if name in names), names[0])
    adjustments = {
        title: tuple(name for name in columns if name in cohort.columns)
        for title, columns in ADJUSTMENTS.items()
    }
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _take_column("across", names)
        across = st.selectbox(
            "Across",
            names,
            index=names.index(first),
            format_func=phenotypes.title,
            key="across",
            bind="query-params",
            width=180,
        )
        others = [name for name in names if name != across]
        second = next((name for name in FIRST_AXES if name in others), others[0])
        _take_column("up", others)
        up = st.selectbox(
            "Up",
            others,
            index=others.index(second),
            format_func=phenotypes.title,
            key="up",
            bind="query-params",
            width=180,
        )
        adjusted = st.pills(
            "Adjusted for",
            [title for title, columns in adjustments.items() if columns],
            selection_mode="multi",
            key="adjusted",
            bind="query-params",
        )
    covariates = [name for title in adjusted for name in adjustments[title]]
    kept = tuple(name for name in covariates if name not in (across, up))
    return map_data.Axes(across or first, up or second, kept)


def _take_column(parameter: str, names: Sequence[str]) -> None:
    """Let an address name a column as the table does: the menus know them by their titles."""
    wanted = st.query_params.get(parameter)
    if wanted in names and parameter not in st.session_state:
        st.session_state[parameter] = wanted


def _colour_title(name: str) -> str:
    if name == map_data.MODALITY:
        return "ECG or MRI"
    column = session.explorer().cohort.columns[name]
    return f"{phenotypes.title(name)} ({column.unit})" if column.unit else phenotypes.title(name)
