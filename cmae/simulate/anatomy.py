"""Body, and chambers of the heart with their motion.

Means, standard deviations and correlations follow published values of healthy UK Biobank adults
(Petersen et al. 2017, JCMR 19:18); where only an order of magnitude is known, the number is an
assumption of ours.
"""

from collections.abc import Mapping

import numpy as np

from cmae.data.column import Column
from cmae.simulate.describe import described
from cmae.simulate.reference import Floats, log_normal, mean_sd, normal
from cmae.simulate.section import VENTRICLE_SHAPE

UNIFORMS = ("sex",)
NORMALS = (
    "age", "height", "bmi",
    "chamber_lvedv", "chamber_mass", "chamber_length", "chamber_lvef",
    "chamber_rvedv", "chamber_rvef", "chamber_la", "chamber_ra",
    "shortening", "la_ef", "kick", "tapse", "lie", "turn",
)  # fmt: skip
"""Random numbers of a participant. Append only: their order fixes every population."""

CHAMBERS = ("bsa", "lvedv", "mass", "length", "lvef", "rvedv", "rvef", "la", "ra")
CHAMBER_CORRELATIONS = (
    (1.00, 0.45, 0.45, 0.45, -0.05, 0.45, -0.05, 0.35, 0.30),
    (0.45, 1.00, 0.61, 0.64, -0.12, 0.76, -0.10, 0.42, 0.40),
    (0.45, 0.61, 1.00, 0.52, -0.28, 0.52, -0.16, 0.35, 0.30),
    (0.45, 0.64, 0.52, 1.00, -0.08, 0.48, -0.08, 0.30, 0.25),
    (-0.05, -0.12, -0.28, -0.08, 1.00, -0.10, 0.50, -0.05, -0.05),
    (0.45, 0.76, 0.52, 0.48, -0.10, 1.00, -0.25, 0.40, 0.50),
    (-0.05, -0.10, -0.16, -0.08, 0.50, -0.25, 1.00, -0.08, -0.12),
    (0.35, 0.42, 0.35, 0.30, -0.05, 0.40, -0.08, 1.00, 0.50),
    (0.30, 0.40, 0.30, 0.25, -0.05, 0.50, -0.12, 0.50, 1.00),
)
"""Within a sex, of logarithms where the body is log-normal; rows and columns as in CHAMBERS."""

COLUMNS: dict[str, Column] = {
    **described(
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
    **described(
        "covariate",
        "binary",
        (("sex", "", "1 male, 0 female"),),
    ),
    **described(
        "phenotype",
        "continuous",
        (
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
    **described(
        "truth",
        "continuous",
        (
            ("lv_shortening", "", "Long-axis shortening, share of the end-diastolic length"),
            ("atrial_kick_share", "", "Share of filling done by atrial contraction"),
            ("heart_lie_z", "SD", "Vertical (+) or horizontal (−) lie of the heart"),
            ("heart_turn_z", "SD", "Turn of the heart in the four-chamber section"),
        ),
    ),
}
"""What this module draws."""


def body(noise: Mapping[str, Floats]) -> dict[str, Floats]:
    """Sex, age and size; body surface by Du Bois & Du Bois 1916.

    Args:
        noise: Random numbers by name, each (participants,), standard normal or uniform.

    Returns:
        Columns by name, each (participants,), in the units of COLUMNS.
    """
    sex = (noise["sex"] < 0.48).astype(np.float64)
    age = (63.5 + 7.8 * noise["age"]).clip(45.0, 80.0)
    height = normal("height_cm", sex, noise["height"])
    bmi = log_normal("bmi_kg_m2", sex, noise["bmi"]).clip(17.0, 48.0)
    weight = bmi * (height / 100) ** 2
    bsa = 0.007184 * weight**0.425 * height**0.725
    return {
        "sex": sex,
        "age_years": age,
        "height_cm": height,
        "weight_kg": weight,
        "bmi_kg_m2": bmi,
        "bsa_m2": bsa,
    }


def chambers(noise: Mapping[str, Floats], heart: Mapping[str, Floats]) -> dict[str, Floats]:
    """Ventricles: correlated log-normal volumes, mass and length, changed by disease.

    The groups of the Sunnybrook cardiac data (Radau et al. 2009) pool both sexes, and its normal
    hearts (116 mL, 130 g, 63 %) were measured otherwise than UK Biobank's. Taken as they are:
    ejection fractions (33 % in failure, 32 % after an infarct, 63 % in hypertrophy) and the volume
    of a failing ventricle (234 mL, 245 mL after an infarct), whose size is what defines it. Taken
    as ratios to the healthy of the same sex: masses (hypertrophy 176 / 130 = 1.35, failure 1.49,
    after an infarct 1.55) and the volume in hypertrophy (114 / 116 = 0.98). Survivors of an infarct
    have an ejection fraction of 41 ± 11 % altogether, which falls in proportion to its extent.

    Args:
        noise: Random numbers by name, each (participants,), standard normal or uniform.
        heart: Columns drawn before, each (participants,), in the units of COLUMNS.

    Returns:
        Columns by name, each (participants,), in the units of COLUMNS; and ``la_z`` and
        ``ra_z`` in SD, which no cohort stores.
    """
    sex, bsa = heart["sex"], heart["bsa_m2"]
    innovations = np.stack([_bsa_z(sex, bsa), *(noise[f"chamber_{n}"] for n in CHAMBERS[1:])])
    z = dict(zip(CHAMBERS, np.linalg.cholesky(CHAMBER_CORRELATIONS) @ innovations, strict=True))
    age_z = (heart["age_years"] - 63.5) / 7.8
    failure, thick = heart["dilated_failure"], heart["lv_hypertrophy"]
    extent = heart["infarct_extent"]
    scar = extent * (1 - failure)
    lvedv = log_normal("lvedv_ml", sex, 0.98 * z["lvedv"] - 0.2 * age_z)
    lvedv = lvedv * np.exp(0.455 * failure + 0.9 * scar + 0.15 * failure * extent - 0.02 * thick)
    mass = log_normal("lv_mass_g", sex, z["mass"] - 0.12 * age_z * sex)
    mass = mass * np.exp(
        0.30 * thick + 0.39 * failure * (1 - 0.5 * thick + 0.3 * extent) + 0.7 * scar
    )
    length = normal("lv_length_mm", sex, z["length"])
    length = length * np.exp(0.12 * failure + 0.25 * scar)
    rvedv = log_normal("rvedv_ml", sex, 0.99 * z["rvedv"] - 0.15 * age_z) * np.exp(0.18 * failure)
    rvef = (normal("rvef_percent", sex, z["rvef"]) - 12.0 * failure).clip(18.0, 78.0)
    lvef = _lvef_percent(heart, z["lvef"])
    return {
        "lvedv_ml": lvedv,
        "lvesv_ml": lvedv * (1 - lvef / 100),
        "lvsv_ml": lvedv * lvef / 100,
        "lvef_percent": lvef,
        "lv_mass_g": mass,
        "lv_mass_index_g_m2": mass / bsa,
        "lv_length_mm": length,
        "rvedv_ml": rvedv,
        "rvesv_ml": rvedv * (1 - rvef / 100),
        "rvef_percent": rvef,
        "la_z": z["la"],
        "ra_z": z["ra"],
    }


def _bsa_z(sex: Floats, bsa: Floats) -> Floats:
    """Standardize log body surface by sex, as height and BMI of the tables make it."""
    (height, height_sd), (bmi, bmi_sd) = mean_sd("height_cm", sex), mean_sd("bmi_kg_m2", sex)
    height_variance, bmi_variance = (
        np.log1p((height_sd / height) ** 2),
        np.log1p((bmi_sd / bmi) ** 2),
    )
    log_height, log_bmi = np.log(height) - height_variance / 2, np.log(bmi) - bmi_variance / 2
    mean = np.log(0.007184 * 0.01**0.85) + 0.425 * log_bmi + 1.575 * log_height
    variance = 0.425**2 * bmi_variance + 1.575**2 * height_variance
    result: Floats = (np.log(bsa) - mean) / np.sqrt(variance)
    return result


def _lvef_percent(heart: Mapping[str, Floats], z: Floats) -> Floats:
    """Left ventricular ejection fraction from its standard normal number and the diseases."""
    failure, extent = heart["dilated_failure"], heart["infarct_extent"]
    mean, sd = mean_sd("lvef_percent", heart["sex"])
    mean = mean + 2.5 * heart["lv_hypertrophy"] - 86.0 * extent
    mean = np.where(failure > 0, 35.0 - 6.0 * extent, mean)
    sd = np.where(failure > 0, 7.0, sd)
    other = 4.0 * heart["left_bundle_branch_block"] + 3.0 * heart["atrial_fibrillation"]
    return (mean + sd * z - other).clip(14.0, 78.0)


def atria_and_motion(noise: Mapping[str, Floats], heart: Mapping[str, Floats]) -> dict[str, Floats]:
    """Atria, shortening of the long axis, and the share of filling that the atria do.

    Args:
        noise: Random numbers by name, each (participants,), standard normal or uniform.
        heart: Columns drawn before, each (participants,), in the units of COLUMNS.

    Returns:
        Columns by name, each (participants,), in the units of COLUMNS.
    """
    sex, fibrillation = heart["sex"], heart["atrial_fibrillation"]
    failure, enlarged = heart["dilated_failure"], heart["left_atrial_enlargement"]
    age_z = (heart["age_years"] - 63.5) / 7.8
    la = log_normal("la_max_ml", sex, 0.99 * heart["la_z"] + 0.15 * age_z)
    pressure = 0.10 * heart["lv_hypertrophy"] + 0.14 * failure + 0.35 * heart["infarct_extent"]
    la = la * np.exp(0.38 * enlarged + 0.12 * fibrillation + pressure)
    ra = log_normal("ra_max_ml", sex, heart["ra_z"])
    ra = ra * np.exp(0.30 * fibrillation + 0.20 * failure)
    ef_z = (heart["lvef_percent"] - 60.0) / 5.3
    shortening = (0.170 + 0.0115 * ef_z + 0.020 * noise["shortening"]).clip(0.04, 0.26)
    la_ef = (0.55 - 0.02 * age_z - 0.06 * enlarged + 0.05 * noise["la_ef"]).clip(0.3, 0.7)
    kick = (0.27 + 0.045 * age_z + 0.04 * noise["kick"]).clip(0.10, 0.48)
    wall = _wall_mm(heart["lvedv_ml"], heart["lv_mass_g"], heart["lv_length_mm"])
    return {
        "la_max_ml": la,
        "ra_max_ml": ra,
        "la_ef_percent": 100 * np.where(fibrillation > 0, 0.45 * la_ef, la_ef),
        "lv_shortening": shortening,
        "mapse_mm": shortening * heart["lv_length_mm"],
        "tapse_mm": (22.0 + 0.35 * (heart["rvef_percent"] - 56) + 3.0 * noise["tapse"]).clip(8, 34),
        "atrial_kick_share": np.where(fibrillation > 0, 0.0, kick),
        "lv_wall_mm": wall,
    }


def _wall_mm(lvedv: Floats, mass: Floats, length: Floats) -> Floats:
    """Mean wall at end diastole of a truncated ellipsoid, 1.05 g of muscle a mL."""
    shape = np.pi * length * VENTRICLE_SHAPE
    outside = np.sqrt((lvedv + mass / 1.05) * 1000 / (shape * 1.05))
    result: Floats = outside - np.sqrt(lvedv * 1000 / shape)
    return result


def lie(noise: Mapping[str, Floats], heart: Mapping[str, Floats]) -> dict[str, Floats]:
    """How the heart lies in the chest: more horizontal with a higher BMI and age.

    Args:
        noise: Random numbers by name, each (participants,), standard normal or uniform.
        heart: Columns drawn before, each (participants,), in the units of COLUMNS.

    Returns:
        Columns by name, each (participants,), in the units of COLUMNS.
    """
    bmi_z = (heart["bmi_kg_m2"] - 26.3) / 4.1
    age_z = (heart["age_years"] - 63.5) / 7.8
    lie = -0.50 * bmi_z - 0.15 * age_z + 0.85 * noise["lie"]
    turn = 0.25 * bmi_z + 0.97 * noise["turn"]
    return {"heart_lie_z": lie.clip(-3, 3), "heart_turn_z": turn.clip(-3, 3)}
