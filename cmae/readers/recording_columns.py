"""What an import says about a recording, beside the columns that every cohort has."""

from collections.abc import Mapping

from cmae.data.column import RECORDING_COLUMNS, Column
from cmae.readers.canonical import CANONICAL


def _quality(unit: str, source: str, description: str, *, is_text: bool = False) -> Column:
    kind = "categorical" if is_text else "continuous"
    return Column.from_json(
        {
            "unit": unit,
            "kind": kind,
            "role": "quality",
            "source": source,
            "description": description,
        }
    )


COLUMNS: Mapping[str, Column] = {
    "heart_rate_bpm": CANONICAL["heart_rate_bpm"],
    "ecg_beats_used": _quality("", "ecg", "Beats in the median beat"),
    "ecg_beats_rejected": _quality("", "ecg", "Beats left out of it"),
    "ecg_beat_correlation": _quality(
        "", "ecg", "Mean correlation of the beats with the median beat"
    ),
    "ecg_noise_uv": _quality("µV", "ecg", "Departure of the beats from the median beat, RMS"),
    "ecg_einthoven_uv": _quality(
        "µV", "ecg", "Departure of the limb leads from Einthoven's law, 95 % of the time below"
    ),
    "ecg_is_einthoven_violated": Column(
        "", "binary", "quality", "ecg", "Whether the limb leads contradict each other"
    ),
    "ecg_resolution_uv": _quality("µV", "ecg", "Voltage of one step of the file's integers"),
    "ecg_duration_s": _quality("s", "ecg", "Length of the recording"),
    "ecg_rate_difference_bpm": _quality("1/min", "ecg", "Heart rate minus the device's"),
    "ecg_beats_ectopic": _quality("", "ecg", "Ectopic beats among those left out"),
    "ecg_rr_sd_ms": _quality("ms", "ecg", "Standard deviation of the RR intervals"),
    "ecg_is_irregular": Column(
        "", "binary", "quality", "ecg", "Whether successive RR intervals differ much"
    ),
    "ecg_device_agreement": _quality(
        "", "ecg", "Least correlation over the leads of the device's median beat with ours"
    ),
    "ecg_filled_share": _quality("", "ecg", "Share of the beat that the device's does not cover"),
    "ecg_beat_source": _quality("", "ecg", "Whose median beat it is", is_text=True),
    "ecg_source": _quality("", "ecg", "Format of the ECG's file", is_text=True),
    "mri_motion_energy": _quality(
        "", "mri", "Share of the variance in time that is cardiac motion"
    ),
    "mri_heart_row": _quality("pixel", "mri", "Row of the heart's centre"),
    "mri_heart_column": _quality("pixel", "mri", "Column of the heart's centre"),
    "mri_plane_tilt_deg": _quality("°", "mri", "Angle of the slice to the left-right axis"),
    "mri_view_margin_deg": _quality(
        "°", "mri", "Degrees nearer to the four-chamber plane than to another view's"
    ),
    "mri_clipped_share": _quality("", "mri", "Share of the crop outside the recorded field"),
    "mri_source": _quality("", "mri", "Format of the cine's file", is_text=True),
}
"""What an import says about a recording, beside the columns that every cohort has."""


def described(name: str, value: object) -> Column:
    """Return the description of a column, by its name where that is known, else by a value."""
    known = {**COLUMNS, **RECORDING_COLUMNS, **CANONICAL}.get(name)
    if known is not None:
        return known
    kind = "categorical" if isinstance(value, str) else "continuous"
    facts = {"unit": "", "kind": kind, "role": "phenotype", "source": "clinical"}
    return Column.from_json({**facts, "description": name})
