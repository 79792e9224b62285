"""Body, diseases, and chambers of the heart with their motion.

Means, standard deviations and correlations follow published values of healthy UK Biobank adults
(Petersen et al. 2017, JCMR 19:18); where only an order of magnitude is known, the number is an
assumption of ours.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cmae.data.column import Column
from cmae.simulate.describe import described
from cmae.simulate.reference import Floats, log_normal, normal

UNIFORMS = ("sex", "disease", "block", "territory")
NORMALS = (
    "age", "height", "bmi",
    "chamber_lvedv", "chamber_mass", "chamber_length", "chamber_lvef",
    "chamber_rvedv", "chamber_rvef", "chamber_la", "chamber_ra",
    "shortening", "la_ef", "kick", "tapse", "lie", "turn",
)  # fmt: skip
"""Random numbers of a participant. Append only: their order fixes every population."""

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

TERRITORIES = ("anterior", "inferior", "lateral")

CHAMBERS = ("bsa", "lvedv", "mass", "length", "lvef", "rvedv", "rvef", "la", "ra")
CHAMBER_CORRELATIONS = (
    (1.00, 0.45, 0.50, 0.45, -0.05, 0.45, -0.05, 0.35, 0.30),
    (0.45, 1.00, 0.62, 0.66, -0.30, 0.78, -0.20, 0.42, 0.40),
    (0.50, 0.62, 1.00, 0.58, -0.25, 0.55, -0.15, 0.35, 0.30),
    (0.45, 0.66, 0.58, 1.00, -0.10, 0.50, -0.10, 0.30, 0.25),
    (-0.05, -0.30, -0.25, -0.10, 1.00, -0.25, 0.50, -0.10, -0.10),
    (0.45, 0.78, 0.55, 0.50, -0.25, 1.00, -0.35, 0.40, 0.50),
    (-0.05, -0.20, -0.15, -0.10, 0.50, -0.35, 1.00, -0.10, -0.15),
    (0.35, 0.42, 0.35, 0.30, -0.10, 0.40, -0.10, 1.00, 0.50),
    (0.30, 0.40, 0.30, 0.25, -0.10, 0.50, -0.15, 0.50, 1.00),
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
        "categorical",
        (("disease", "", "Leading diagnosis, or healthy"),),
    ),
    **described(
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
        "categorical",
        (("infarct_territory", "", "Wall of the infarct: none, anterior, inferior or lateral"),),
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
    """Sex, age and size; body surface by Du Bois & Du Bois 1916."""
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


def diseases(
    noise: Mapping[str, Floats], heart: Mapping[str, Floats], *, frequency: float
) -> dict[str, NDArray[np.generic]]:
    """One leading diagnosis a participant, more often with age, and the flags that follow."""
    risk = np.exp((heart["age_years"] - 63.5) / 18.0)
    edges = np.cumsum([share * frequency * risk for share in DISEASES.values()], axis=0)
    number = (noise["disease"][None] > edges).sum(axis=0)
    names = np.array([*DISEASES, "healthy"])
    disease = names[number]
    failure = disease == "dilated_failure"
    left_block = (disease == "left_bundle_branch_block") | (failure & (noise["block"] < 0.35))
    territory = np.where(
        disease == "infarct", np.array(TERRITORIES)[(3 * noise["territory"]).astype(int)], "none"
    )
    return {
        "disease": disease,
        "lv_hypertrophy": disease == "hypertensive_hypertrophy",
        "dilated_failure": failure,
        "infarct": disease == "infarct",
        "infarct_territory": territory,
        "left_bundle_branch_block": left_block,
        "right_bundle_branch_block": disease == "right_bundle_branch_block",
        "atrial_fibrillation": (disease == "atrial_fibrillation")
        | (failure & (noise["block"] > 0.85)),
        "first_degree_block": disease == "first_degree_block",
    }


def chambers(noise: Mapping[str, Floats], heart: Mapping[str, Floats]) -> dict[str, Floats]:
    """Ventricles: correlated log-normal volumes, mass and length, changed by disease."""
    sex, bsa = heart["sex"], heart["bsa_m2"]
    bsa_z = (np.log(bsa) - np.where(sex > 0.5, 0.690, 0.550)) / np.where(sex > 0.5, 0.076, 0.086)
    innovations = np.stack([bsa_z, *(noise[f"chamber_{name}"] for name in CHAMBERS[1:])])
    z = dict(zip(CHAMBERS, np.linalg.cholesky(CHAMBER_CORRELATIONS) @ innovations, strict=True))
    failure, infarct = heart["dilated_failure"], heart["infarct"]
    thick = heart["lv_hypertrophy"]
    age_z = (heart["age_years"] - 63.5) / 7.8
    sick = np.maximum(failure, infarct)
    lvedv = log_normal("lvedv_ml", sex, 0.97 * z["lvedv"] - 0.2 * age_z)
    lvedv = lvedv * np.exp(0.60 * failure + 0.26 * infarct - 0.03 * thick)
    mass = log_normal("lv_mass_g", sex, z["mass"] - 0.12 * age_z * sex)
    mass = mass * np.exp(0.47 * thick + 0.40 * failure + 0.20 * infarct)
    length = normal("lv_length_mm", sex, z["length"])
    length = length * np.exp(0.12 * failure + 0.05 * infarct)
    lvef = normal("lvef_percent", sex, z["lvef"]) + 1.5 * thick
    sick_ef = np.where(failure > 0, 33.0 + 7.0 * z["lvef"], 41.0 + 10.0 * z["lvef"])
    lvef = np.where(sick > 0, sick_ef, lvef) - 5.0 * heart["left_bundle_branch_block"]
    lvef = (lvef - 3.0 * heart["atrial_fibrillation"]).clip(14.0, 78.0)
    rvedv = log_normal("rvedv_ml", sex, z["rvedv"] - 0.15 * age_z) * np.exp(0.18 * failure)
    rvef = (normal("rvef_percent", sex, z["rvef"]) - 12.0 * failure).clip(18.0, 78.0)
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


def atria_and_motion(noise: Mapping[str, Floats], heart: Mapping[str, Floats]) -> dict[str, Floats]:
    """Atria, shortening of the long axis, and the share of filling that the atria do."""
    sex, fibrillation = heart["sex"], heart["atrial_fibrillation"]
    age_z = (heart["age_years"] - 63.5) / 7.8
    la_z = heart["la_z"] + 0.15 * age_z
    la = log_normal("la_max_ml", sex, la_z)
    pressure = 0.14 * heart["lv_hypertrophy"] + 0.30 * heart["dilated_failure"]
    la = la * np.exp(0.34 * fibrillation + pressure + 0.10 * heart["infarct"])
    ra = log_normal("ra_max_ml", sex, heart["ra_z"])
    ra = ra * np.exp(0.30 * fibrillation + 0.20 * heart["dilated_failure"])
    ef_z = (heart["lvef_percent"] - 60.0) / 5.3
    shortening = (0.170 + 0.0145 * ef_z + 0.018 * noise["shortening"]).clip(0.04, 0.26)
    la_ef = (0.55 - 0.02 * age_z + 0.05 * noise["la_ef"]).clip(0.3, 0.7)
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
    shape = np.pi * length * 0.752
    outside = np.sqrt((lvedv + mass / 1.05) * 1000 / (shape * 1.05))
    result: Floats = outside - np.sqrt(lvedv * 1000 / shape)
    return result


def lie(noise: Mapping[str, Floats], heart: Mapping[str, Floats]) -> dict[str, Floats]:
    """How the heart lies in the chest: more horizontal with a higher BMI and age."""
    bmi_z = (heart["bmi_kg_m2"] - 26.3) / 4.1
    age_z = (heart["age_years"] - 63.5) / 7.8
    lie = -0.50 * bmi_z - 0.15 * age_z + 0.85 * noise["lie"]
    turn = 0.25 * bmi_z + 0.97 * noise["turn"]
    return {"heart_lie_z": lie.clip(-3, 3), "heart_turn_z": turn.clip(-3, 3)}
