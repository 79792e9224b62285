"""What was measured before: the report of an evaluation, and the results of associations."""

from pathlib import Path

import streamlit as st

from app import evidence_caches, frame, session
from app.evidence_association import association_panel
from app.evidence_report import report_panel
from app.explorer import shown_evidence
from cmae.errors import CmaeError

LINE = (
    "How good the run is on people whom it never saw, and what its latents are associated with. "
    "Every number stands with its N, its interval and what it is compared with."
)


def show() -> None:
    """Draw the page."""
    frame.header("Evidence", LINE, is_generated=True)
    evidence = shown_evidence()
    choices = [
        *(("report", place, folder) for place, folder in enumerate(evidence.reports)),
        *(("association", place, folder) for place, folder in enumerate(evidence.associations)),
    ]
    if not choices:
        _nothing()
        frame.stamp()
        return
    number = st.segmented_control(
        "What was measured",
        list(range(len(choices))),
        default=0,
        format_func=lambda k: _title(choices[k][0], choices[k][2]),
        required=True,
        key="evidence",
        bind="query-params",
        label_visibility="collapsed",
    )
    kind, place, folder = choices[number or 0]
    try:
        if kind == "report":
            report = evidence_caches.report(folder)
            _say_misfit(report.run_fingerprint, report.cohort_fingerprint)
            report_panel(report)
        else:
            results = evidence_caches.association(folder)
            head = results.head
            _say_misfit(head.run_fingerprint, head.cohort_fingerprint)
            association_panel(results, place)
    except CmaeError as error:
        st.error(str(error))
        frame.stamp()
    _commands(kind, folder)


def _title(kind: str, folder: Path) -> str:
    return f"{'Report' if kind == 'report' else 'Association'} · {folder.name}"


def _say_misfit(run_fingerprint: str, cohort_fingerprint: str) -> None:
    """Say where what was measured is not of the run and cohort that are open."""
    sentence = evidence_caches.misfit(run_fingerprint, cohort_fingerprint)
    if sentence and evidence_caches.is_of_run(run_fingerprint):
        st.info(sentence, icon=":material/info:")
    elif sentence:
        st.warning(sentence, icon=":material/warning:")


def _commands(kind: str, folder: Path) -> None:
    """Offer the commands that made this."""
    here = session.explorer()
    run, cohort, latents = here.run_path.name, here.cohort.path.name, here.latents.path.name
    if kind == "report":
        frame.commands(f"cmae evaluate {run} {cohort} --out {folder.name} --latents {latents}")
        return
    frame.commands(
        f"cmae associate {latents} --genotypes GENOTYPES.bed --cohort {cohort} "
        f"--covariates age_years sex --out {folder.name}",
        f"cmae associate {latents} --phenotypes --cohort {cohort} --covariates age_years sex "
        f"--out {folder.name}",
    )


def _nothing() -> None:
    """Say how to get something to see here."""
    here = session.explorer()
    run, cohort, latents = here.run_path.name, here.cohort.path.name, here.latents.path.name
    frame.empty(
        "Nothing was measured yet. The two commands below make a report and an association of what "
        "is open; then start the explorer with both folders."
    )
    st.code(
        f"cmae evaluate {run} {cohort} --out report --latents {latents}\n"
        f"cmae associate {latents} --phenotypes --cohort {cohort} --out associations\n"
        "python -m app --report report --association associations",
        language=None,
    )
