"""Quality: what is flagged, and a summary of a cohort's columns."""

import numpy as np
import pandas as pd

from cmae.data import quality
from cmae.readers.recording_columns import COLUMNS


def test_limits_are_of_columns_that_imports_write():
    assert set(quality.LIMITS) <= {*COLUMNS, "mri_frames_recorded"}


def test_what_lies_outside_is_flagged_and_what_is_missing_is_not():
    values = {"ecg_noise_uv": 300.0, "ecg_beat_correlation": 0.99, "ecg_beats_used": float("nan")}

    assert quality.flags(values) == ["noisy ECG"]
    assert quality.flags({"ecg_noise_uv": None, "ecg_source": "CSV"}) == []


def test_a_summary_tells_the_middle_the_spread_the_missing_and_the_flagged():
    noise = [10.0, 20.0, 30.0, 400.0, np.nan, np.nan]
    table = pd.DataFrame({"ecg_noise_uv": noise, "ecg_part": ["a"] * 5 + [None]})

    found = quality.summary(table, {"ecg_noise_uv": COLUMNS["ecg_noise_uv"]})

    assert found["ecg_noise_uv"] == {
        "median": 25.0,
        "from_5_percent": np.percentile(noise[:4], 5),
        "to_95_percent": np.percentile(noise[:4], 95),
        "unit": "µV",
        "missing": 1,
        "flagged": 1,
    }
