"""The factors of a simulated heart: what each is, and which renderer sees it."""

from cmae.data.column import Column, Kind, Role

DISEASES = {
    "hypertensive_hypertrophy": 0.055,
    "dilated_failure": 0.018,
    "infarct": 0.035,
    "left_bundle_branch_block": 0.010,
    "right_bundle_branch_block": 0.020,
    "atrial_fibrillation": 0.022,
    "first_degree_block": 0.022,
}
"""Leading diagnosis and its share at the mean age; the others are healthy."""

UNIFORMS = ("u_sex", "u_disease", "u_block", "u_territory", "u_outflow")
"""Uniform random numbers of a participant. Append only: order fixes every population."""

NORMALS = (
    "age", "height", "bmi",
    "chamber_lvedv", "chamber_mass", "chamber_length", "chamber_lvef",
    "chamber_rvedv", "chamber_rvef", "chamber_la", "chamber_ra",
    "shortening", "la_ef", "kick", "tapse", "lie", "turn",
    "rate", "pr", "qrs", "qtc", "axis", "qrs_turn",
    "voltage", "strain", "p_duration", "p_gain", "p_terminal", "t_gain", "t_axis", "t_skew",
    "j_point", "septal", "terminal", "precordial", "ecg_noise",
    "fat", "heart_fat", "end_systole", "section_tilt", "section_row", "section_column",
    "atrial_septum", "coil_row", "coil_column", "gain", "mri_noise",
    "precordial_gain",
)  # fmt: skip
"""Normal random numbers of a participant. Append only: order fixes every population."""

SHARED = (
    "rr_ms", "pr_ms", "qrs_ms", "qt_ms", "atrial_fibrillation", "left_bundle_branch_block",
    "infarct_territory",
)  # fmt: skip
"""Factors that both renderers see as they are."""

ECG_INPUTS = (
    *SHARED,
    "right_bundle_branch_block", "qrs_axis_deg", "qrs_turn_deg", "qrs_gain", "p_duration_ms",
    "p_gain", "p_terminal", "t_gain", "t_axis_offset_deg", "t_skew", "st_strain", "j_elevation",
    "septal_gain", "terminal_gain", "precordial_gain", "precordial_shift", "ecg_noise_mv",
)  # fmt: skip
"""All that the ECG is made of: shared factors, those coupled to the heart's shape, and private."""

MRI_INPUTS = (
    *SHARED,
    "lvedv_ml", "lvesv_ml", "lv_mass_g", "lv_length_mm", "lv_shortening", "rvedv_ml", "rvesv_ml",
    "tapse_mm", "la_max_ml", "la_ef_percent", "ra_max_ml", "atrial_kick_share", "heart_lie_z",
    "heart_turn_z", "chest_fat_mm", "heart_fat_mm", "end_systole_scatter_ms", "section_tilt_deg",
    "section_row_mm", "section_column_mm", "atrial_septum_deg", "outflow_share", "coil_row",
    "coil_column", "scanner_gain", "scanner_noise",
)  # fmt: skip
"""All that the cine is made of: shared factors, the heart's shape, and private."""


def _columns(role: Role, kind: Kind, rows: tuple[tuple[str, str, str], ...]) -> dict[str, Column]:
    return {
        name: Column(unit=unit, kind=kind, role=role, source="simulated", description=description)
        for name, unit, description in rows
    }


COLUMNS: dict[str, Column] = {
    **_columns(
        "covariate",
        "continuous",
        (
            ("age_years", "years", "Age at the visit"),
            ("height_cm", "cm", "Height"),
            ("weight_kg", "kg", "Weight"),
            ("bmi_kg_m2", "kg/m²", "Body mass index"),
            ("bsa_m2", "m²", "Body surface area (Du Bois)"),
        ),
    ),
    **_columns("covariate", "binary", (("sex", "", "1 male, 0 female"),)),
    **_columns("phenotype", "categorical", (("disease", "", "Leading diagnosis, or healthy"),)),
    **_columns(
        "phenotype",
        "binary",
        (
            ("lv_hypertrophy", "", "Hypertensive hypertrophy of the left ventricle"),
            ("dilated_failure", "", "Dilated heart failure"),
            ("infarct", "", "Healed myocardial infarct"),
            ("left_bundle_branch_block", "", "Left bundle branch block"),
            ("right_bundle_branch_block", "", "Right bundle branch block"),
            ("atrial_fibrillation", "", "Atrial fibrillation at the visit"),
            ("first_degree_block", "", "First-degree atrioventricular block"),
        ),
    ),
    **_columns(
        "phenotype",
        "continuous",
        (
            ("heart_rate_bpm", "1/min", "Heart rate"),
            ("pr_ms", "ms", "PR interval; none in atrial fibrillation"),
            ("qrs_ms", "ms", "QRS duration"),
            ("qt_ms", "ms", "QT interval"),
            ("qtc_ms", "ms", "QT interval corrected by Fridericia"),
            ("qrs_axis_deg", "°", "Frontal QRS axis"),
            ("p_duration_ms", "ms", "Duration of the P wave"),
            ("lvedv_ml", "mL", "Left ventricular end-diastolic volume"),
            ("lvesv_ml", "mL", "Left ventricular end-systolic volume"),
            ("lvsv_ml", "mL", "Left ventricular stroke volume"),
            ("lvef_percent", "%", "Left ventricular ejection fraction"),
            ("lv_mass_g", "g", "Left ventricular mass"),
            ("lv_mass_index_g_m2", "g/m²", "Left ventricular mass by body surface"),
            ("lv_wall_mm", "mm", "Mean left ventricular wall at end diastole"),
            ("lv_length_mm", "mm", "Left ventricular long axis at end diastole"),
            ("mapse_mm", "mm", "Displacement of the mitral annulus"),
            ("rvedv_ml", "mL", "Right ventricular end-diastolic volume"),
            ("rvesv_ml", "mL", "Right ventricular end-systolic volume"),
            ("rvef_percent", "%", "Right ventricular ejection fraction"),
            ("tapse_mm", "mm", "Displacement of the lateral tricuspid annulus"),
            ("la_max_ml", "mL", "Largest left atrial volume"),
            ("la_ef_percent", "%", "Left atrial emptying fraction"),
            ("ra_max_ml", "mL", "Largest right atrial volume"),
        ),
    ),
    **_columns(
        "truth",
        "categorical",
        (("infarct_territory", "", "Wall of the infarct: none, anterior, inferior or lateral"),),
    ),
    **_columns(
        "truth",
        "continuous",
        (
            ("rr_ms", "ms", "RR interval"),
            ("lv_shortening", "", "Long-axis shortening, share of the end-diastolic length"),
            ("atrial_kick_share", "", "Share of filling done by atrial contraction"),
            ("heart_lie_z", "SD", "Vertical (+) or horizontal (−) lie of the heart"),
            ("heart_turn_z", "SD", "Turn of the heart in the four-chamber section"),
            ("qrs_turn_deg", "°", "ECG: turn of the QRS loop in the horizontal plane"),
            ("qrs_gain", "", "ECG: size of the QRS loop"),
            ("p_gain", "", "ECG: size of the P loop"),
            ("p_terminal", "", "ECG: size of the left atrial part of P"),
            ("t_gain", "", "ECG: size of the T loop"),
            ("t_axis_offset_deg", "°", "ECG: frontal T axis against QRS axis"),
            ("t_skew", "", "ECG: upstroke over downstroke of the T wave"),
            ("st_strain", "", "ECG: strain pattern, 0 none"),
            ("j_elevation", "", "ECG: early repolarization"),
            ("septal_gain", "", "ECG: size of the initial septal vector"),
            ("terminal_gain", "", "ECG: size of the terminal basal vector"),
            ("precordial_gain", "", "ECG: size of the chest leads, smaller through a thick wall"),
            ("precordial_shift", "electrodes", "ECG: misplacement of the chest electrodes"),
            ("ecg_noise_mv", "mV", "ECG: residual noise, root mean square"),
            ("chest_fat_mm", "mm", "MRI: subcutaneous fat of the chest wall"),
            ("heart_fat_mm", "mm", "MRI: fat on the heart"),
            ("end_systole_scatter_ms", "ms", "MRI: end systole after the end of T"),
            ("section_tilt_deg", "°", "MRI: turn of the section by planning"),
            ("section_row_mm", "mm", "MRI: shift of the section down"),
            ("section_column_mm", "mm", "MRI: shift of the section to the right"),
            ("atrial_septum_deg", "°", "MRI: tilt of the atrial septum"),
            ("outflow_share", "", "MRI: how much of the aortic root the section cuts"),
            ("coil_row", "", "MRI: coil shading from back to front"),
            ("coil_column", "", "MRI: coil shading from right to left"),
            ("scanner_gain", "", "MRI: receiver gain"),
            ("scanner_noise", "", "MRI: noise before gain"),
        ),
    ),
}
"""Every column of a simulated cohort."""
