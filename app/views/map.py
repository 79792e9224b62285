"""The map of the whole cohort, with the heart that was picked or the group that was selected."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import charts, frame, map_data, panels, phenotypes, session
from app.components.latent_map import Categories, MapPoints, Numbers, latent_map
from cmae.latent.groups import compare

LINE = (
    "Each dot is one heart, placed by what the model sees in its ECG or its MRI: hearts that look "
    "alike lie close together. Click a dot to see it, draw a lasso to compare a group."
)
MAP_TITLES = {"umap": "UMAP", "pca": "PCA"}
MAX_TABLE_ROWS = 5_000
MAP_HEIGHT = 610


def show() -> None:
    """Draw the page."""
    frame.header("Map of hearts", LINE, is_generated=True)
    here = session.explorer()
    if not here.latents.maps:
        frame.empty(
            f"The latents {here.latents.path.name} have no map yet: run "
            f"`cmae map {here.latents.path.name}`, then reload this page."
        )
        return
    missing = int((here.latent_rows < 0).sum())
    if missing:
        st.caption(
            f"{missing:,} of {len(here.cohort):,} rows have no latents yet: the cohort has grown "
            "since it was embedded; run `cmae embed` again."
        )
    _explore()


def _explore() -> None:
    """Map on the left, what was picked or selected on it on the right."""
    left, right = st.columns([1.36, 1], gap="medium")
    with left:
        space, name, colour = _settings()
        points = session.map_points(space, name)
        if not len(points.positions):
            frame.empty("There is no latent of this kind in the cohort: choose another space.")
            return
        colours = map_data.colour(session.explorer().cohort, points, colour)
        event = latent_map(
            points,
            colours,
            key=f"map-{space}",
            picked=map_data.point_of_row(points, session.row()),
            height=MAP_HEIGHT,
        )
        picked, selected = event.picked, event.selected
        if not event.is_supported:
            picked, selected = _without_webgl(points, colours, key=f"plotly-{space}-{name}")
        settings = session.explorer().latents.map_settings.get(name, {})
        frame.stamp(
            f"map {MAP_TITLES.get(name, name)} of {map_data.SPACE_TITLES[space]} latents",
            *frame.settings_words(settings),
        )
    if picked is not None and points.rows is not None:
        session.choose_row(int(points.rows[picked]))
    with right:
        rows = map_data.rows_of_points(points, selected)
        if len(rows):
            _group(rows)
        else:
            _participant(session.row())


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


def _participant(row: int) -> None:
    """Show the recordings of the row that was picked, and what to try next."""
    frame.section(f"Participant {row:,}")
    frame.participant_facts(row, phenotypes.HEADLINES)
    _recordings(row)
    with st.container(horizontal=True, gap="small"):
        if st.button("See all decodings", type="primary", icon=":material/compare:"):
            session.go_to_participant(row)
        for label, example in session.examples().items():
            st.button(label, on_click=session.choose_row, args=(example,))
        st.button("Random", icon=":material/casino:", on_click=session.choose_random_row)


def _recordings(row: int) -> None:
    """Play the cine beside what the model makes of the ECG alone, over the recorded ECG."""
    heart = panels.heart_of_row(row)
    panels.cine_panel(heart, key="map-cine", group="map-ecg", sources=("ecg",))
    panels.ecg_panel(heart, key="map-ecg", sources=("mri",))
    panels.model_state(heart, row)


def _group(rows: NDArray[np.int64]) -> None:
    """Compare the selected rows with all others."""
    cohort = session.explorer().cohort
    selected = np.zeros(len(cohort), np.bool_)
    selected[rows] = True
    frame.section(
        f"{len(rows):,} participants selected", f"{len(rows) / len(cohort):.1%} of the cohort"
    )
    names = [
        name
        for name in phenotypes.ordered(cohort.columns)
        if cohort.columns[name].kind != "categorical"
    ]
    compared = compare(cohort.table, names, selected)
    frame.table(
        ("Mean ± SD", "selected", "others", "difference"),
        [_compared(line) for line in compared.head(12).to_dict("records")],
    )
    st.caption("Difference in pooled standard deviations (Cohen's d), the largest first.")
    shown = cohort.table.iloc[rows[:MAX_TABLE_ROWS]]
    columns = list(names)
    if session.are_identifiers_shown():
        columns = ["participant_id", "visit", *columns]
    picked = st.dataframe(
        shown[columns],
        height=230,
        key="group-table",
        on_select="rerun",
        selection_mode="single-row",
        column_config={"_index": st.column_config.NumberColumn("Row", format="%d")},
    )
    with st.container(horizontal=True):
        st.download_button(
            "Rows as CSV",
            cohort.table.iloc[rows][columns].to_csv(index_label="row").encode(),
            "selected_rows.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        positions = picked["selection"]["rows"]
        if positions and st.button("See the marked participant", type="primary"):
            session.go_to_participant(int(rows[positions[0]]))


def _compared(line: dict[str, object]) -> tuple[str, str, str, str]:
    """Write a row of the comparison as text."""
    cohort = session.explorer().cohort
    name = str(line["phenotype"])
    column = cohort.columns[name]
    mean, sd, rest_mean, rest_sd, effect = (
        float(str(line[key])) for key in ("mean", "sd", "rest_mean", "rest_sd", "difference")
    )
    words = phenotypes.categories(name, column)
    if words is not None:
        title = f"{phenotypes.title(name)} ({words[1]})"
        inside, outside = _share(mean), _share(rest_mean)
    else:
        unit = f" ({column.unit})" if column.unit else ""
        title = phenotypes.title(name) + unit
        inside, outside = _mean_and_sd(mean, sd), _mean_and_sd(rest_mean, rest_sd)
    text = "–" if np.isnan(effect) else f"{effect:+.2f}".replace("-", "−")
    return title, inside, outside, text


def _share(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.0%}"


def _mean_and_sd(mean: float, sd: float) -> str:
    if np.isnan(mean):
        return "–"
    text = phenotypes.number(mean)
    return text if np.isnan(sd) else f"{text} ± {phenotypes.number(sd)}"
