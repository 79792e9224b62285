"""Area curve: the left ventricle's area over one heartbeat, below a cine player."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.ecg_beats import Style
from app.components.ecg_sheet import color_variables
from app.components.wire import read_assets
from cmae.errors import InputError

_component = st.components.v2.component(
    "cmae_area_curve",
    html='<div class="cmae area-curve ecg-paper"></div>',
    css=color_variables() + read_assets("base.css", "area_curve.css"),
    js=read_assets("wire.js", "area_curve.js"),
)


@dataclass(frozen=True, eq=False)
class Curve:
    """The area of one cine's left ventricle.

    Attributes:
        area_cm2: ``(frames,)`` in cm²; NaN throughout where no cavity was found.
        label: What the cine is: "recorded", "translated from the ECG", …
        style: As the trace of an ECG of that kind is drawn.
        es_frame: Frame of the smallest area, or None.
        ef_percent: Ejection fraction by the area-length method, or None.
    """

    area_cm2: NDArray[np.floating]
    label: str
    style: Style = "recorded"
    es_frame: int | None = None
    ef_percent: float | None = None


def area_curve(curves: Sequence[Curve], *, key: str, group: str = "", name: str = "cine") -> None:
    """Draw area curves that share a frame axis with the scrub bar above.

    A line follows the player of the same group (window event ``cmae-cycle``); pressing the curve
    sends the player there (``cmae-seek``). The first curve's end systole becomes the tick of a
    player whose files have the same name (``cmae-marks``, asked for by ``cmae-marks-wanted``).

    Args:
        curves: Curves of equal length, the recorded one first.
        key: Streamlit key, unique on the page.
        group: Cursor group of the player; empty: none.
        name: ``Files.name`` of the player.

    Raises:
        InputError: There is no curve, or their lengths differ.
    """
    lengths = {len(curve.area_cm2) for curve in curves}
    if len(lengths) != 1:
        raise InputError(
            f"Area curves of {sorted(lengths)} frames were given: give some of one length."
        )
    _component(
        key=key,
        data={
            "curves": [
                {
                    "label": curve.label,
                    "style": curve.style,
                    "area_cm2": np.round(curve.area_cm2, 3).tolist()
                    if np.isfinite(curve.area_cm2).all()
                    else None,
                    "es_frame": curve.es_frame,
                    "ef_percent": curve.ef_percent,
                }
                for curve in curves
            ],
            "group": group,
            "name": name,
        },
    )
