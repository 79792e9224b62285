"""The factors of a simulated heart: what each is, and which renderer sees it."""

from cmae.data.column import Column
from cmae.simulate import anatomy, disease, electricity, imaging

SHARED = ("left_bundle_branch_block", "infarct_territory")
"""Factors that both renderers see as they are."""

ECG_INPUTS = (
    *SHARED,
    "rr_ms", "pr_ms", "qrs_ms", "qt_ms", "atrial_fibrillation",
    "right_bundle_branch_block", "qrs_axis_deg", "qrs_turn_deg", "qrs_gain", "posterior_gain",
    "scar_extent", "p_duration_ms", "p_gain", "p_terminal", "t_gain", "t_axis_offset_deg",
    "t_turn_deg", "t_skew", "st_strain", "j_elevation", "septal_gain", "terminal_gain",
    "precordial_gain", "precordial_shift", "precordial_height", "limb_gain", "ecg_noise_mv",
)  # fmt: skip
"""All that the ECG is made of: shared factors, those coupled to the heart's shape, and private."""

MRI_INPUTS = (
    *SHARED,
    "lvedv_ml", "lvesv_ml", "lv_mass_g", "lv_length_mm", "lv_shortening", "rvedv_ml", "rvesv_ml",
    "tapse_mm", "infarct_extent", "la_max_ml", "la_ef_percent", "ra_max_ml", "atrial_kick_share",
    "heart_lie_z", "heart_turn_z", "chest_fat_mm", "heart_fat_mm", "scan_rr_ms",
    "ejection_start_ms", "ejection_stop_ms", "atrial_lead_ms", "section_tilt_deg", "section_row_mm",
    "section_column_mm", "atrial_septum_deg", "outflow_share", "coil_row", "coil_column",
    "scanner_gain", "scanner_noise", "blood_contrast", "scanner_blur", "noise_grain", "shim_row",
    "shim_column", "shim_curve", "chest_depth_mm", "chest_width_mm", "liver_rise_mm",
    "flow_contrast", "atrial_inflow", "rv_delay_ms",
)  # fmt: skip
"""All that the cine is made of: shared factors, the heart's shape, and private."""

COLUMNS: dict[str, Column] = {
    **anatomy.COLUMNS,
    **disease.COLUMNS,
    **electricity.COLUMNS,
    **imaging.COLUMNS,
}
"""Every column of a simulated cohort."""
