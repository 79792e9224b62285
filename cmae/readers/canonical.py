"""Columns that many sources have, under one name, in one unit; and UK Biobank's fields for them."""

from collections.abc import Mapping
from dataclasses import dataclass

from cmae.data.column import Column

CANONICAL: Mapping[str, Column] = {
    "age_years": Column("years", "continuous", "covariate", "clinical", "Age at the visit"),
    "sex": Column("", "binary", "covariate", "clinical", "1 male, 0 female"),
    "height_cm": Column("cm", "continuous", "covariate", "clinical", "Height"),
    "weight_kg": Column("kg", "continuous", "covariate", "clinical", "Weight"),
    "bmi_kg_m2": Column("kg/m²", "continuous", "covariate", "clinical", "Body mass index"),
    "bsa_m2": Column("m²", "continuous", "covariate", "clinical", "Body surface area"),
    "systolic_mmhg": Column("mmHg", "continuous", "phenotype", "clinical", "Systolic pressure"),
    "diastolic_mmhg": Column("mmHg", "continuous", "phenotype", "clinical", "Diastolic pressure"),
    "heart_rate_bpm": Column("1/min", "continuous", "phenotype", "ecg", "Heart rate"),
    "pr_ms": Column("ms", "continuous", "phenotype", "ecg", "PR interval"),
    "p_duration_ms": Column("ms", "continuous", "phenotype", "ecg", "Duration of the P wave"),
    "qrs_ms": Column("ms", "continuous", "phenotype", "ecg", "QRS duration"),
    "qt_ms": Column("ms", "continuous", "phenotype", "ecg", "QT interval"),
    "qtc_ms": Column("ms", "continuous", "phenotype", "ecg", "QT interval corrected for rate"),
    "p_axis_deg": Column("°", "continuous", "phenotype", "ecg", "Frontal P axis"),
    "qrs_axis_deg": Column("°", "continuous", "phenotype", "ecg", "Frontal QRS axis"),
    "t_axis_deg": Column("°", "continuous", "phenotype", "ecg", "Frontal T axis"),
    "lvedv_ml": Column(
        "mL", "continuous", "phenotype", "mri", "Left ventricular end-diastolic volume"
    ),
    "lvesv_ml": Column(
        "mL", "continuous", "phenotype", "mri", "Left ventricular end-systolic volume"
    ),
    "lvsv_ml": Column("mL", "continuous", "phenotype", "mri", "Left ventricular stroke volume"),
    "lvef_percent": Column(
        "%", "continuous", "phenotype", "mri", "Left ventricular ejection fraction"
    ),
    "lv_mass_g": Column("g", "continuous", "phenotype", "mri", "Left ventricular mass"),
    "rvedv_ml": Column(
        "mL", "continuous", "phenotype", "mri", "Right ventricular end-diastolic volume"
    ),
    "rvesv_ml": Column(
        "mL", "continuous", "phenotype", "mri", "Right ventricular end-systolic volume"
    ),
    "rvef_percent": Column(
        "%", "continuous", "phenotype", "mri", "Right ventricular ejection fraction"
    ),
    "cardiac_output_l_min": Column("L/min", "continuous", "phenotype", "mri", "Cardiac output"),
    "cardiac_index_l_min_m2": Column(
        "L/min/m²", "continuous", "phenotype", "mri", "Cardiac output by body surface area"
    ),
    "mri_heart_rate_bpm": Column(
        "1/min", "continuous", "phenotype", "mri", "Heart rate in the scanner"
    ),
}
"""Descriptions by canonical name."""


@dataclass(frozen=True)
class UkbField:
    """A field of UK Biobank's showcase that has a canonical column.

    Attributes:
        name: The column.
        is_constant: Whether what was asked at one visit holds for all.
    """

    name: str
    is_constant: bool = False


UKB_FIELDS: Mapping[int, UkbField] = {
    31: UkbField("sex", is_constant=True),
    21003: UkbField("age_years"),
    50: UkbField("height_cm"),
    21002: UkbField("weight_kg"),
    21001: UkbField("bmi_kg_m2"),
    22427: UkbField("bsa_m2"),
    4080: UkbField("systolic_mmhg"),
    4079: UkbField("diastolic_mmhg"),
    24103: UkbField("lvef_percent"),
    24100: UkbField("lvedv_ml"),
    24101: UkbField("lvesv_ml"),
    24102: UkbField("lvsv_ml"),
    24105: UkbField("lv_mass_g"),
    24106: UkbField("rvedv_ml"),
    24107: UkbField("rvesv_ml"),
    24109: UkbField("rvef_percent"),
    22420: UkbField("lvef_percent"),
    22421: UkbField("lvedv_ml"),
    22422: UkbField("lvesv_ml"),
    22423: UkbField("lvsv_ml"),
    22424: UkbField("cardiac_output_l_min"),
    22425: UkbField("cardiac_index_l_min_m2"),
    22426: UkbField("mri_heart_rate_bpm"),
}
"""Fields in the order in which they are preferred where two are of one column.

The 241xx are of Bai et al. 2020 (doi 10.1038/s41591-020-1009-y), read by a network from the
contours; the 224xx are the scanner's own, known to be wrong now and then.
"""
