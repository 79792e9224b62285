"""How good recordings are: what each quality column should lie between, and a summary."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.column import Column


@dataclass(frozen=True)
class Limits:
    """What a quality column should lie between; what does not is flagged, never left out.

    Attributes:
        flag: What a value outside means, a few words.
        low: Lowest value that is not flagged.
        high: Highest value that is not flagged.
    """

    flag: str
    low: float = -math.inf
    high: float = math.inf


LIMITS: Mapping[str, Limits] = {
    "ecg_beats_used": Limits("few beats in the median beat", low=4),
    "ecg_beat_correlation": Limits("beats unlike each other", low=0.9),
    "ecg_noise_uv": Limits("noisy ECG", high=100),
    "ecg_is_einthoven_violated": Limits("Einthoven's law violated: leads mixed up", high=0),
    "ecg_rate_difference_bpm": Limits("heart rate unlike the device's", low=-5, high=5),
    "ecg_is_irregular": Limits("irregular rhythm", high=0),
    "ecg_device_agreement": Limits("device's median beat unlike ours", low=0.9),
    "mri_motion_energy": Limits("little cardiac motion", low=0.6),
    "mri_view_margin_deg": Limits("view between four chambers and others", low=10),
    "mri_clipped_share": Limits("crop reaches beyond the image", high=0.02),
    "mri_frames_recorded": Limits("few frames", low=20),
}
"""Limits by column."""


def flags(values: Mapping[str, object]) -> list[str]:
    """Return what is flagged among the values of one row."""
    found = []
    for name, limits in LIMITS.items():
        value = values.get(name)
        # NaN is neither below nor above.
        if isinstance(value, int | float) and (value < limits.low or value > limits.high):
            found.append(limits.flag)
    return found


def flagged(table: pd.DataFrame, name: str) -> NDArray[np.bool_]:
    """Return which rows of a cohort's table are flagged by one column, ``(rows,)``."""
    if name not in LIMITS or name not in table:
        return np.zeros(len(table), bool)
    values = table[name].to_numpy(np.float64)
    limits = LIMITS[name]
    return np.asarray((values < limits.low) | (values > limits.high))  # NaN is neither


def summary(table: pd.DataFrame, columns: Mapping[str, Column]) -> dict[str, dict[str, object]]:
    """Summarize the quality columns of a cohort.

    Args:
        table: Of the cohort.
        columns: Of the cohort.

    Returns:
        By column of numbers its median, 5th and 95th percentile in its unit, how many rows that
        have the recording lack it, and how many are flagged.
    """
    found: dict[str, dict[str, object]] = {}
    for name, column in columns.items():
        if column.role != "quality" or column.kind == "categorical":
            continue
        values = table[name].to_numpy(np.float64)
        if not np.isfinite(values).any():
            continue
        place = f"{column.source}_part"
        recorded = table[place].notna().to_numpy() if place in table else np.ones(len(table), bool)
        low, median, high = np.nanpercentile(values, (5, 50, 95))
        found[name] = {
            "median": float(median),
            "from_5_percent": float(low),
            "to_95_percent": float(high),
            "unit": column.unit,
            "missing": int((recorded & np.isnan(values)).sum()),
            "flagged": int(flagged(table, name).sum()) if name in LIMITS else None,
        }
    return found
