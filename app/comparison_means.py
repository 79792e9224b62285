"""The mean recordings of two groups: ECGs over each other with intervals, cines in step."""

from collections.abc import Callable

import streamlit as st

from app import comparison_caches as caches
from app import frame
from app.comparison_groups import Chosen
from app.components.cine_player import Cine, cine_player
from app.components.ecg_paper import Trace, ecg_paper, ecg_svg
from cmae.errors import InputError
from cmae.latent.mean_recordings import MeanRecording
from cmae.latent.media import common_window, comparison_gif

MOST = {"250": 250, "2,000": 2_000, "All": None}
"""Participants of each group whose cines are averaged at most: some 3 s, 25 s, or as long as it
takes; of ECGs eight times as many."""

ECG_FACTOR = 8

DIFFERENCE_SD = 1.0
"""Where the colours of a difference of mean cines end; the same for every comparison."""


def means_panel(first: Chosen, second: Chosen) -> None:
    """Show the mean ECGs and the mean cines of two groups.

    Args:
        first: The first group.
        second: The second group.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        name = st.segmented_control(
            "Average at most so many cines of each group",
            list(MOST),
            default="250",
            required=True,
            key="compare-most",
            persist_state="session",
            help="More take longer: some 12 ms a cine. A larger group is averaged over a draw "
            "that is the same every time; of ECGs eight times as many are taken.",
        )
        is_masked = st.toggle(
            "Difference only where its interval excludes 0",
            key="compare-clear",
            persist_state="session",
        )
    most = MOST[name or "250"]
    _ecg(first, second, most)
    _cine(first, second, most, is_masked=is_masked)


def _ecg(first: Chosen, second: Chosen, most: int | None) -> None:
    frame.section("Mean ECG", "bands: pointwise 95 % intervals; below: A − B")
    found = _found("ecg", first, second, None if most is None else ECG_FACTOR * most)
    if found is None:
        return
    one, two, away = found.first, found.second, found.difference
    traces = [
        Trace(away.difference, "A − B", "residual", band=(away.low, away.high)),
        Trace(two.mean, _label("B", second, two), "second", band=(two.low, two.high)),
        Trace(one.mean, _label("A", first, one), "first", band=(one.low, one.high)),
    ]
    ecg_paper(
        traces, key="compare-ecg", group="compare", rr_ms=caches.cycle_ms(first.rows, second.rows)
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _download("Mean ECGs (SVG)", lambda: ecg_svg(traces).encode(), "mean_ecgs.svg")
        st.caption(f"A: {_counted(one)} · B: {_counted(two)}")


def _cine(first: Chosen, second: Chosen, most: int | None, *, is_masked: bool) -> None:
    frame.section("Mean heart", "in SDs of each cine's own intensity; frame by frame of one beat")
    found = _found("mri", first, second, most)
    if found is None:
        return
    one, two = found.first, found.second
    low, high = common_window(one.mean, two.mean)
    away = found.difference.clear() if is_masked else found.difference.difference
    label = "A − B, clear of 0" if is_masked else "A − B"
    rr_ms = caches.cycle_ms(first.rows, second.rows)
    cine_player(
        [
            Cine(one.mean, _label("A", first, one), low=low, high=high),
            Cine(two.mean, _label("B", second, two), low=low, high=high),
            Cine(away, label, kind="difference", high=DIFFERENCE_SD, note="SDs of intensity"),
        ],
        key="compare-cine",
        group="compare",
        rr_ms=rr_ms,
    )
    titles = (f"A: {first.title}", f"B: {second.title}", label)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _download(
            "Mean hearts (GIF)",
            lambda: comparison_gif(
                (one.mean, two.mean), away, titles, rr_ms or 1000.0, scale=DIFFERENCE_SD
            ),
            "mean_hearts.gif",
        )
        st.caption(f"A: {_counted(one)} · B: {_counted(two)}")


def _found(modality: str, first: Chosen, second: Chosen, most: int | None) -> caches.Means | None:
    """Average, with progress where it takes time; say why where it is not possible."""
    place = st.empty()

    def report(done: int, total: int) -> None:
        place.progress(done / max(total, 1), f"Averaging recordings: {done:,} of {total:,}")

    try:
        found = caches.means(modality, first.rows, second.rows, most=most, on_progress=report)
    except InputError as error:
        place.empty()
        frame.empty(str(error))
        return None
    place.empty()
    return found


def _label(letter: str, group: Chosen, mean: MeanRecording) -> str:
    return f"{letter} · {group.title} · N {mean.participants:,}"


def _counted(mean: MeanRecording) -> str:
    """Say of how many a mean is, and who lacks such a recording."""
    text = f"mean of {mean.participants:,}"
    if mean.available > mean.participants:
        text += f" drawn from {mean.available:,}"
    return text + (f" ({mean.without:,} have none)" if mean.without else "")


def _download(label: str, make: Callable[[], bytes], name: str) -> None:
    st.download_button(label, make, name, on_click="ignore", icon=":material/download:")
