"""What the page stands on: the run's card, the cohort, and how the map was made."""

import streamlit as st

from app import caches, charts, frame, map_data, phenotypes, session

LINE = "Which model, which cohort and which settings made what the other pages show."


def show() -> None:
    """Draw the page."""
    frame.header("Run and cohort", LINE)
    left, right = st.columns(2, gap="large")
    with left:
        _run()
    with right:
        _cohort()
    frame.stamp()


def _run() -> None:
    """Show the run's card and learning curves."""
    here = session.explorer()
    frame.section("Run", str(here.run_path.name))
    card = caches.run_text("card.md")
    if card is None:
        frame.empty("This run has no card (card.md): it was made by an older or another program.")
    else:
        with st.container(border=True, height=520):
            st.markdown(card)
    history = caches.run_history()
    if history is not None:
        frame.section("Learning curves", "loss against epoch")
        st.plotly_chart(charts.learning_curves(*history), key="learning-curves")


def _cohort() -> None:
    """Show what the cohort holds and how its latents were made."""
    here = session.explorer()
    cohort, latents = here.cohort, here.latents
    kind = "simulated: no person stands behind any row" if cohort.is_simulated else "recorded"
    frame.section("Cohort", kind)
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
    frame.section("Latents and maps")
    rows = [
        (map_data.KIND_TITLES[kind], f"{int(latents.present[kind].sum()):,}")
        for kind in latents.kinds
    ]
    frame.table(("Latents", "rows"), rows, dots=latents.kinds)
    for name, settings in latents.map_settings.items():
        text = ", ".join(frame.settings_words(settings))
        st.caption(f"Map {name}: {text or 'no settings stored'}")
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
        height=300,
    )
    frame.commands(
        f"cmae info {here.run_path.name}",
        f"cmae embed {here.run_path.name} {cohort.path.name} --out {latents.path.name}",
        f"cmae map {latents.path.name}",
    )
