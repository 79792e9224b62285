"""What the pages stand on: the run, the cohort and its latents; another pair can be chosen."""

import streamlit as st

from app import explorer, frame, map_data, pair_panel, phenotypes, session
from app.demo import Sources
from app.run_panel import run_panel

LINE = (
    "Which model, which cohort and which settings made what the other pages show. Choose another "
    "pair here; a cohort that the run has not embedded yet can be embedded."
)


def show() -> None:
    """Draw the page."""
    frame.header("Run and cohort", LINE)
    with st.container(border=explorer.catalog() is not None):
        followed = pair_panel.pair_panel()
    left, right = st.columns(2, gap="large")
    with left:
        run_panel()
    with right:
        _cohort()
    frame.stamp()
    if followed is not None:
        pair_panel.follow(followed)


def _cohort() -> None:
    """Show what the cohort holds and how its latents were made."""
    here = session.explorer()
    cohort = here.cohort
    kind = "simulated: no person stands behind any row" if cohort.is_simulated else "recorded"
    frame.section("Cohort", f"{cohort.path.name} · {kind}")
    has = {name: cohort.has(name) for name in ("ecg", "mri")}
    frame.facts(
        {
            "Rows": f"{len(cohort):,}",
            "Participants": f"{cohort.table['participant_id'].nunique():,}",
            "With ECG": f"{int(has['ecg'].sum()):,}",
            "With MRI": f"{int(has['mri'].sum()):,}",
            "With both": f"{int((has['ecg'] & has['mri']).sum()):,}",
            "Phenotypes": str(len(phenotypes.ordered(cohort.columns))),
        }
    )
    _latents()
    frame.section("Columns")
    st.dataframe(
        [
            {
                "column": name,
                "title": phenotypes.title(name),
                "unit": column.unit,
                "role": column.role,
                "source": column.source,
                "description": column.description,
            }
            for name, column in cohort.columns.items()
        ],
        hide_index=True,
        height=260,
    )
    sources = Sources(here.run_path, cohort.path, here.latents.path)
    frame.commands(
        f"cmae info {pair_panel.quoted(cohort.path)}", *pair_panel.embed_commands(sources)
    )


def _latents() -> None:
    """Say how many latents there are, and with which settings the maps were made."""
    latents = session.explorer().latents
    frame.section("Latents and maps")
    rows = [
        (map_data.KIND_TITLES[kind], f"{int(latents.present[kind].sum()):,}")
        for kind in latents.kinds
    ]
    frame.table(("Latents", "rows"), rows, dots=latents.kinds)
    for name, settings in latents.map_settings.items():
        text = ", ".join(frame.settings_words(settings))
        st.caption(f"Map {name}: {text or 'no settings stored'}")
