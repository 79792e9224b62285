"""The results of an association: Manhattan, QQ and hits, or phenotypes; a click walks a hit."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import evidence_caches, evidence_charts, frame, phenotypes, session
from app.evidence_report import SVG
from app.phenotypes import number
from app.walk_wish import found
from cmae.errors import InputError
from cmae.latent.association_reading import PhenotypeResults, ScanPoints, VariantResults

SHOWN_PHENOTYPES = 60
"""Phenotypes that are drawn at most; the table holds all."""


def association_panel(results: VariantResults | PhenotypeResults, place: int) -> None:
    """Show an association's results.

    Args:
        results: What ``cmae associate`` left.
        place: Which of the associations of this server it is.
    """
    if isinstance(results, VariantResults):
        _variants(results, place)
    else:
        _phenotypes(results, place)
    head = results.head
    removed = ", ".join(head.covariates) or "nothing"
    frame.stamp(
        f"association {head.folder.name}",
        f"{head.kind} latents",
        f"removed {removed}",
        "simulated" if head.is_simulated else "recorded",
    )


def _variants(results: VariantResults, place: int) -> None:
    """Show one test of all variants."""
    tests = {test.name: test for test in results.tests}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.segmented_control(
            "Test",
            list(tests),
            default=next(iter(tests)),
            format_func=_test_title,
            required=True,
            key=f"evidence-test-{results.head.fingerprint[:8]}",
        )
    test = tests[chosen or next(iter(tests))]
    frame.facts(
        {
            "Participants": f"{results.participants:,}",
            "Variants": f"{results.variants:,}",
            "λ": number(test.inflation),
            "λ, permuted": number(test.inflation_permuted),
            "Below 5 × 10⁻⁸": f"{test.hits:,}",
            "Leads": f"{test.leads:,}",
        }
    )
    try:
        points = _points(results, test.name)
    except InputError as error:
        st.error(str(error))
        return
    hits = results.hits[results.hits["test"] == test.name]
    frame.section("Along the genome", "click a diamond to walk along what the variant does")
    event = st.plotly_chart(
        evidence_charts.manhattan(points, hits[hits["direction"] != ""]),
        key=_chart_key("manhattan"),
        on_select="rerun",
        selection_mode="points",
        config=SVG,
    )
    _walk_clicked(event, results.hits, results, place)
    left, right = st.columns([1, 1.25], gap="medium")
    with left:
        frame.section("Is it calibrated?", f"{points.quantiles.count:,} variants")
        title = f"{_test_title(test.name)}, λ = {number(test.inflation)}"
        st.plotly_chart(evidence_charts.qq(points.quantiles, title=title), key="qq", config=SVG)
    with right:
        _hits(hits, results, place)


def _hits(hits: pd.DataFrame, results: VariantResults, place: int) -> None:
    frame.section("Hits", "below 5 × 10⁻⁸, the strongest of each neighborhood")
    if hits.empty:
        frame.empty(
            "No variant is below 5 × 10⁻⁸ in this test. That is what most cohorts of this size "
            "give: thousands of participants are needed."
        )
        return
    _rows(
        hits.drop(columns=["test"]),
        results,
        place,
        {
            "neg_log10_p": st.column_config.NumberColumn("−log10 p", format="%.2f"),
            "effect_allele_frequency": st.column_config.NumberColumn("frequency", format="%.3f"),
            "position": st.column_config.NumberColumn("position", format="localized"),
            "clumped": st.column_config.NumberColumn("hits near", format="%d"),
        },
    )


def _phenotypes(results: PhenotypeResults, place: int) -> None:
    """Show a phenome scan."""
    table = results.table
    frame.facts(
        {
            "Derive": f"{results.derive:,} participants",
            "Test": f"{results.test:,} participants",
            "Phenotypes": f"{len(table):,}",
            "q below 0.05": f"{int((table['q'] < 0.05).sum()):,}",
        }
    )
    if table.empty:
        frame.empty("No phenotype was tested: left_out.tsv in the folder has the reasons.")
        return
    frame.section(
        "Phenotypes",
        "r in the half that chose nothing, 95 %; click one to walk along its direction",
    )
    drawn = table.head(SHOWN_PHENOTYPES)
    event = st.plotly_chart(
        evidence_charts.phenome(drawn, [phenotypes.title(name) for name in drawn["phenotype"]]),
        key=_chart_key("phenome"),
        on_select="rerun",
        selection_mode="points",
        config=SVG,
    )
    _walk_clicked(event, table, results, place)
    if len(table) > len(drawn):
        st.caption(f"The first {len(drawn):,} of {len(table):,} by p; the table has all.")
    shown = ["phenotype", "n_test", "r", "r_low", "r_high", "auroc", "p", "q", "joint_q", "note"]
    small = st.column_config.NumberColumn(format="%.2g")
    of_three = st.column_config.NumberColumn(format="%.3f")
    _rows(
        table[[*shown, "direction"]].assign(phenotype=table["phenotype"].map(phenotypes.title)),
        results,
        place,
        {**dict.fromkeys(("p", "q", "joint_q"), small),
         **dict.fromkeys(("r", "r_low", "r_high", "auroc"), of_three)},
    )  # fmt: skip


def _rows(
    table: pd.DataFrame,
    results: VariantResults | PhenotypeResults,
    place: int,
    config: dict[str, Any],
) -> None:
    """Show a table, of which a marked row can be walked."""
    picked = st.dataframe(
        table.drop(columns="direction"),
        hide_index=True,
        height=min(36 * (len(table) + 1) + 4, 360),
        key=_chart_key("rows"),
        on_select="rerun",
        selection_mode="single-row",
        column_config=config,
    )
    positions = picked["selection"]["rows"]
    direction = str(table["direction"].iloc[positions[0]]) if positions else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        is_possible = bool(direction) and _is_walkable(results)
        if st.button("Walk its direction", icon=":material/directions_walk:", type="primary",
                     disabled=not is_possible):  # fmt: skip
            _walk(direction, results, place)
        if not positions:
            st.caption("Mark a row to walk along its direction.")
        elif not is_possible:
            st.caption("No direction of this run's latents is stored for it.")


def _walk_clicked(
    event: Any,  # noqa: ANN401 - what Streamlit gives of a chart
    table: pd.DataFrame,
    results: VariantResults | PhenotypeResults,
    place: int,
) -> None:
    """Walk along the direction of a mark that was clicked."""
    marks = event["selection"]["points"] if event else []
    indices = [np.ravel(mark["customdata"])[0] for mark in marks if "customdata" in mark]
    if not indices or int(indices[0]) not in table.index:
        return
    direction = str(table.at[int(indices[0]), "direction"])
    if not direction:
        st.caption("No direction is stored for it.")
    elif not _is_walkable(results):
        st.warning("This is of another run's latents: its direction means nothing in these.")
    else:
        _walk(direction, results, place)


def _walk(direction: str, results: VariantResults | PhenotypeResults, place: int) -> None:
    """Leave for the page Walk; the next visit begins with nothing clicked."""
    st.session_state["evidence-visit"] = st.session_state.get("evidence-visit", 0) + 1
    session.walk_to(found(place, direction), kind=results.head.kind)


def _chart_key(name: str) -> str:
    """Return a key that is new after each walk: a chart keeps what was clicked on it."""
    return f"evidence-{name}-{st.session_state.get('evidence-visit', 0)}"


def _is_walkable(results: VariantResults | PhenotypeResults) -> bool:
    return evidence_caches.is_of_run(results.head.run_fingerprint)


def _points(results: VariantResults, test: str) -> ScanPoints:
    """Read a test, with progress where that takes time."""
    bar = st.empty()

    def report(done: int, total: int) -> None:
        bar.progress(done / max(total, 1), f"Reading variants: {done:,} of {total:,}")

    try:
        return evidence_caches.points(results, test, report)
    finally:
        bar.empty()


def _test_title(name: str) -> str:
    if name == "joint":
        return "Whole latent"
    return f"{name.removeprefix('pcs_')} components" if name.startswith("pcs_") else name
