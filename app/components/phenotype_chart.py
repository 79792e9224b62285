"""Phenotype chart: what was measured as a diamond, what recordings tell as dot and interval."""

from collections.abc import Sequence

import streamlit as st

from app.components.wire import read_assets

Row = dict[str, object]
"""One phenotype, as ``app.reading_panel`` writes it."""

_component = st.components.v2.component(
    "cmae_phenotype_chart",
    html='<div class="cmae phenotype-chart"></div>',
    css=read_assets("base.css", "phenotype_chart.css"),
    js=read_assets("wire.js", "phenotype_chart.js"),
)


def phenotype_chart(rows: Sequence[Row], *, key: str, scale: str) -> None:
    """Draw phenotypes one below another on a common scale, sorted as the person likes.

    Args:
        rows: For each phenotype ``title``; ``measured`` and ``told`` (by source) as objects of
            ``place`` (0 to 1 along the scale), ``low`` and ``high`` (likewise, or None), ``text``
            and ``percentile`` (0 to 100, or None); and ``surprise`` in SD, or None.
        key: Streamlit key, unique on the page.
        scale: What the scale spans, in words.
    """
    _component(key=key, data={"rows": list(rows), "scale": scale})
