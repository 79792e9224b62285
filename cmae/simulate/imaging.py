"""What only the scanner sees: fat, planning of the section, coil, noise, and another rate.

A cine is taken minutes before or after the ECG: its heart beats at another rate (7 % SD, an
assumption of ours), systole shortens with it as QT does (Fridericia 1920), and muscle follows its
electrical signal by a delay that differs between people. So timing alone does not tell whose
cine it is.
"""

from collections.abc import Mapping

import numpy as np

from cmae.data.column import Column
from cmae.simulate.describe import described
from cmae.simulate.reference import Floats

UNIFORMS = ("outflow",)
NORMALS = (
    "fat", "heart_fat", "end_systole", "section_tilt", "section_row", "section_column",
    "atrial_septum", "coil_row", "coil_column", "gain", "mri_noise",
    "contrast", "blur", "grain", "shim_row", "shim_column", "shim_curve", "chest_depth",
    "chest_width", "liver", "flow", "atrial_inflow", "scan_rate", "ejection_start", "atrial_start",
    "rv_delay",
)  # fmt: skip
"""Random numbers of a participant. Append only: their order fixes every population."""

PRIVATE = tuple(name for name in NORMALS if name != "mri_noise")
"""Those of NORMALS that make cines differ in what no ECG shows."""

COLUMNS: dict[str, Column] = {
    **described(
        "truth",
        "continuous",
        (
            ("chest_fat_mm", "mm", "MRI: subcutaneous fat of the chest wall"),
            ("heart_fat_mm", "mm", "MRI: fat on the heart"),
            ("scan_rr_ms", "ms", "MRI: RR interval in the scanner, minutes from the ECG's"),
            ("ejection_start_ms", "ms", "MRI: begin of ejection after the R peak"),
            ("ejection_stop_ms", "ms", "MRI: end of ejection after the R peak"),
            ("atrial_lead_ms", "ms", "MRI: from atrial contraction to R; none in fibrillation"),
            ("section_tilt_deg", "°", "MRI: turn of the section by planning"),
            ("section_row_mm", "mm", "MRI: shift of the section down"),
            ("section_column_mm", "mm", "MRI: shift of the section to the right"),
            ("atrial_septum_deg", "°", "MRI: tilt of the atrial septum"),
            ("outflow_share", "", "MRI: how much of the aortic root the section cuts"),
            ("coil_row", "", "MRI: coil shading from back to front"),
            ("coil_column", "", "MRI: coil shading from right to left"),
            ("scanner_gain", "", "MRI: receiver gain"),
            ("scanner_noise", "", "MRI: noise before gain"),
            ("blood_contrast", "", "MRI: brightness of blood over muscle"),
            ("scanner_blur", "", "MRI: share of a pixel's signal that each neighbor gets"),
            ("noise_grain", "", "MRI: share of a pixel's noise that each neighbor gets"),
            ("shim_row", "turns", "MRI: off-resonance from the center to the front, a repetition"),
            ("shim_column", "turns", "MRI: off-resonance from the center to the left"),
            ("shim_curve", "turns", "MRI: off-resonance from the center to the corners"),
            ("chest_depth_mm", "mm", "MRI: from the spine to the front of the chest"),
            ("chest_width_mm", "mm", "MRI: half width of the chest"),
            ("liver_rise_mm", "mm", "MRI: how high the liver's dome stands in the section"),
            ("flow_contrast", "", "MRI: strength of jets and swirls in the blood"),
            ("atrial_inflow", "", "MRI: brightness of the caval inflow to the right atrium"),
            ("rv_delay_ms", "ms", "MRI: how late the right ventricle moves after the left"),
        ),
    ),
}
"""What this module draws."""


def imaging(noise: Mapping[str, Floats], heart: Mapping[str, Floats]) -> dict[str, Floats]:
    """What only the scanner sees: chest fat, section, timing scatter, coil, noise.

    Args:
        noise: Random numbers by name, each (participants,), standard normal or uniform.
        heart: Columns drawn before, each (participants,), in the units of COLUMNS.

    Returns:
        Columns by name, each (participants,), in the units of COLUMNS.
    """
    rate = np.exp(0.07 * noise["scan_rate"])
    qrs = heart["qrs_ms"]
    fat = 13.0 * (heart["bmi_kg_m2"] / 26.0) ** 2.2 * np.where(heart["sex"] > 0.5, 0.85, 1.2)
    return {
        "chest_fat_mm": (fat * np.exp(0.15 * noise["fat"])).clip(3, 60),
        "heart_fat_mm": (3.0 + 0.9 * noise["heart_fat"] + 0.18 * (heart["bmi_kg_m2"] - 26)).clip(1),
        "scan_rr_ms": heart["rr_ms"] * rate,
        "ejection_start_ms": 18.0 + 0.30 * qrs + 4.0 * noise["ejection_start"],
        "ejection_stop_ms": heart["qt_ms"] * np.cbrt(rate)
        - 0.44 * qrs
        + 6.0 * noise["end_systole"],
        "atrial_lead_ms": heart["pr_ms"] + 10.0 * noise["atrial_start"],
        "section_tilt_deg": 1.8 * noise["section_tilt"],
        "section_row_mm": 2.8 * noise["section_row"],
        "section_column_mm": 2.8 * noise["section_column"],
        "atrial_septum_deg": 17 + 5 * noise["atrial_septum"],
        "outflow_share": (noise["outflow"] - 0.55).clip(0) / 0.45,
        "coil_row": 0.50 + 0.15 * noise["coil_row"],
        "coil_column": 0.15 * noise["coil_column"],
        "scanner_gain": np.exp(0.18 * noise["gain"]),
        "scanner_noise": 6.5 * np.exp(0.25 * noise["mri_noise"]),
        "blood_contrast": 3.9 * np.exp(0.14 * noise["contrast"]),
        "scanner_blur": (0.085 + 0.03 * noise["blur"]).clip(0.01, 0.2),
        "noise_grain": (0.28 + 0.07 * noise["grain"]).clip(0.05, 0.45),
        "shim_row": 0.28 * noise["shim_row"],
        "shim_column": 0.28 * noise["shim_column"],
        "shim_curve": 0.28 + 0.20 * noise["shim_curve"],
        "chest_depth_mm": 141.0 + 6.0 * noise["chest_depth"] + 0.7 * (heart["height_cm"] - 170) / 3,
        "chest_width_mm": 128.0 + 6.0 * noise["chest_width"] + 0.9 * (heart["bmi_kg_m2"] - 26),
        "liver_rise_mm": 9.0 * noise["liver"],
        "flow_contrast": np.exp(0.30 * noise["flow"]),
        "atrial_inflow": np.exp(-1.05 + 0.75 * noise["atrial_inflow"]).clip(0, 2.0),
        "rv_delay_ms": 40.0 * heart["right_bundle_branch_block"] + 6.0 * noise["rv_delay"],
    }
