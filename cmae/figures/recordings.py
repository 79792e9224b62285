"""Recordings beside what was decoded for them: ECG overlays and contact sheets of cines."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def ecg_overlay(
    recordings: Mapping[str, NDArray[np.floating]],
    path: Path,
    *,
    title: str = "",
    is_simulated: bool = False,
) -> None:
    """Draw 12-lead median beats over each other on ECG paper: 25 mm/s, 10 mm/mV, 3 rows of 4 leads.

    Args:
        recordings: Name in the legend to beat, ``(600, 12)`` in mV at 500 Hz in the clinical lead
            order. The first is drawn black as the recorded one, at most five follow in color.
        path: File to write; the suffix (``.svg``, ``.png`` or ``.pdf``) is the format.
        title: Heading of the figure.
        is_simulated: Whether to mark the figure as made from simulated recordings.

    Raises:
        InputError: A beat has another shape, there are none or too many, or the suffix is another.
    """
    raise NotImplementedError


def cine_contact_sheet(
    recordings: Mapping[str, NDArray[np.number]],
    path: Path,
    *,
    title: str = "",
    rr_ms: float | None = None,
    is_simulated: bool = False,
) -> None:
    """Draw all 50 frames of cines under each other, the same frame in the same column.

    Args:
        recordings: Name of the row to cine, ``(96, 96, 50)`` in any intensity unit; the gray scale
            of each goes from its 1st to its 99th percentile over all frames.
        path: File to write; the suffix (``.svg``, ``.png`` or ``.pdf``) is the format.
        title: Heading of the figure.
        rr_ms: Duration of the cardiac cycle in ms, for the times of the frames; else per cent of
            the cycle.
        is_simulated: Whether to mark the figure as made from simulated recordings.

    Raises:
        InputError: A cine has another shape, there are none, or the suffix is another.
    """
    raise NotImplementedError
