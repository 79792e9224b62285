"""A population of hearts: body, chambers, conduction and disease, drawn participant by participant.

Means, standard deviations and correlations follow published values of healthy UK Biobank adults
(Petersen et al. 2017, JCMR 19:18) and of reference electrocardiography; where only an order of
magnitude is known, the number is an assumption of ours. Every participant has a random stream of
their own, so participant k is the same however many are drawn.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.errors import SettingsError
from cmae.simulate.factors import COLUMNS, DISEASES, NORMALS, UNIFORMS

__all__ = ["COLUMNS", "draw"]

Floats = NDArray[np.float64]

TERRITORIES = ("anterior", "inferior", "lateral")

FEMALE_MALE: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "height_cm": ((163.0, 6.3), (176.5, 6.7)),
    "bmi_kg_m2": ((25.8, 4.3), (26.9, 3.8)),
    "lvedv_ml": ((124.0, 21.0), (166.0, 32.0)),
    "lvef_percent": ((61.0, 5.0), (58.0, 5.0)),
    "lv_mass_g": ((70.0, 13.0), (103.0, 21.0)),
    "lv_length_mm": ((86.0, 6.0), (94.0, 6.8)),
    "rvedv_ml": ((130.0, 24.0), (182.0, 36.0)),
    "rvef_percent": ((58.0, 6.0), (54.0, 6.0)),
    "la_max_ml": ((62.0, 17.0), (71.0, 19.0)),
    "ra_max_ml": ((69.0, 17.0), (93.0, 27.0)),
    "heart_rate_bpm": ((66.0, 9.0), (62.0, 10.0)),
    "pr_ms": ((158.0, 23.0), (165.0, 25.0)),
    "qrs_ms": ((85.0, 8.0), (96.0, 10.0)),
    "qtc_ms": ((413.0, 14.0), (412.0, 20.0)),
    "qrs_axis_deg": ((40.0, 35.0), (30.0, 35.0)),
}
"""Mean and SD of the healthy, (female, male)."""

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


def draw(participants: int, *, seed: int, first: int = 0) -> pd.DataFrame:
    """Draw participants ``first`` … ``first + participants − 1`` of the population of ``seed``.

    Args:
        participants: How many, at least 1.
        seed: Names the population; 0 or larger.
        first: Number of the first participant; 0 or larger.

    Returns:
        One row a participant, indexed by the participant's number, with the columns of COLUMNS in
        the units given there; what does not exist (PR in atrial fibrillation) is NaN.

    Raises:
        SettingsError: A number is out of range.
    """
    if participants < 1 or seed < 0 or first < 0:
        raise SettingsError(
            f"Simulating {participants} participants from number {first} with seed {seed} is "
            "impossible: ask for at least 1 participant, and for a seed of 0 or more."
        )
    noise = _streams(range(first, first + participants), seed)
    heart: dict[str, Floats] = {}
    heart |= _body(noise)
    flags = _diseases(noise, heart)
    labels = {name: flags.pop(name) for name in ("disease", "infarct_territory")}
    heart |= {name: flag.astype(np.float64) for name, flag in flags.items()}
    heart |= _chambers(noise, heart)
    heart |= _atria_and_motion(noise, heart)
    heart |= _lie(noise, heart)
    heart |= _conduction(noise, heart)
    heart |= _imaging(noise, heart)
    heart |= _waves(noise, heart)
    table = pd.DataFrame(heart, index=pd.RangeIndex(first, first + participants))
    for name, label in labels.items():
        table[name] = label
    binary = [name for name, column in COLUMNS.items() if column.kind == "binary"]
    table[binary] = table[binary].astype(np.int8)
    return table[list(COLUMNS)]


def _streams(numbers: Sequence[int], seed: int) -> dict[str, Floats]:
    """Each participant's own random numbers, (participants,) per name of NORMALS and UNIFORMS."""
    normals = np.empty((len(numbers), len(NORMALS)))
    uniforms = np.empty((len(numbers), len(UNIFORMS)))
    for row, number in enumerate(numbers):
        rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
        uniforms[row] = rng.random(len(UNIFORMS))
        normals[row] = rng.standard_normal(len(NORMALS))
    streams = dict(zip(NORMALS, normals.clip(-3.2, 3.2).T, strict=True))
    return streams | dict(zip(UNIFORMS, uniforms.T, strict=True))


def _mean_sd(name: str, sex: Floats) -> tuple[Floats, Floats]:
    (female_mean, female_sd), (male_mean, male_sd) = FEMALE_MALE[name]
    male = sex > 0.5
    return np.where(male, male_mean, female_mean), np.where(male, male_sd, female_sd)


def _normal(name: str, sex: Floats, z: Floats) -> Floats:
    mean, sd = _mean_sd(name, sex)
    return mean + sd * z


def _log_normal(name: str, sex: Floats, z: Floats) -> Floats:
    """Log-normal with the table's mean and SD: log-SD² = log(1 + (SD / mean)²)."""
    mean, sd = _mean_sd(name, sex)
    log_variance = np.log1p((sd / mean) ** 2)
    result: Floats = mean * np.exp(np.sqrt(log_variance) * z - log_variance / 2)
    return result


def _body(noise: Mapping[str, Floats]) -> dict[str, Floats]:
    """Sex, age and size; body surface by Du Bois & Du Bois 1916."""
    sex = (noise["u_sex"] < 0.48).astype(np.float64)
    age = (63.5 + 7.8 * noise["age"]).clip(45.0, 80.0)
    height = _normal("height_cm", sex, noise["height"])
    bmi = _log_normal("bmi_kg_m2", sex, noise["bmi"]).clip(17.0, 48.0)
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


def _diseases(
    noise: Mapping[str, Floats], heart: Mapping[str, Floats]
) -> dict[str, NDArray[np.generic]]:
    """One leading diagnosis a participant, more often with age, and the flags that follow."""
    risk = np.exp((heart["age_years"] - 63.5) / 18.0)
    edges = np.cumsum([share * risk for share in DISEASES.values()], axis=0)
    number = (noise["u_disease"][None] > edges).sum(axis=0)
    names = np.array([*DISEASES, "healthy"])
    disease = names[number]
    failure = disease == "dilated_failure"
    left_block = (disease == "left_bundle_branch_block") | (failure & (noise["u_block"] < 0.35))
    territory = np.where(
        disease == "infarct", np.array(TERRITORIES)[(3 * noise["u_territory"]).astype(int)], "none"
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
        | (failure & (noise["u_block"] > 0.85)),
        "first_degree_block": disease == "first_degree_block",
    }


def _chambers(noise: Mapping[str, Floats], heart: Mapping[str, Floats]) -> dict[str, Floats]:
    """Ventricles: correlated log-normal volumes, mass and length, changed by disease."""
    sex, bsa = heart["sex"], heart["bsa_m2"]
    bsa_z = (np.log(bsa) - np.where(sex > 0.5, 0.690, 0.550)) / np.where(sex > 0.5, 0.076, 0.086)
    innovations = np.stack([bsa_z, *(noise[f"chamber_{name}"] for name in CHAMBERS[1:])])
    z = dict(zip(CHAMBERS, np.linalg.cholesky(CHAMBER_CORRELATIONS) @ innovations, strict=True))
    failure, infarct = heart["dilated_failure"], heart["infarct"]
    thick = heart["lv_hypertrophy"]
    age_z = (heart["age_years"] - 63.5) / 7.8
    sick = np.maximum(failure, infarct)
    lvedv = _log_normal("lvedv_ml", sex, 0.97 * z["lvedv"] - 0.2 * age_z)
    lvedv = lvedv * np.exp(0.60 * failure + 0.26 * infarct - 0.03 * thick)
    mass = _log_normal("lv_mass_g", sex, z["mass"] - 0.12 * age_z * sex)
    mass = mass * np.exp(0.47 * thick + 0.40 * failure + 0.20 * infarct)
    length = _normal("lv_length_mm", sex, z["length"])
    length = length * np.exp(0.12 * failure + 0.05 * infarct)
    lvef = _normal("lvef_percent", sex, z["lvef"]) + 1.5 * thick
    sick_ef = np.where(failure > 0, 33.0 + 7.0 * z["lvef"], 41.0 + 10.0 * z["lvef"])
    lvef = np.where(sick > 0, sick_ef, lvef) - 5.0 * heart["left_bundle_branch_block"]
    lvef = (lvef - 3.0 * heart["atrial_fibrillation"]).clip(14.0, 78.0)
    rvedv = _log_normal("rvedv_ml", sex, z["rvedv"] - 0.15 * age_z) * np.exp(0.18 * failure)
    rvef = (_normal("rvef_percent", sex, z["rvef"]) - 12.0 * failure).clip(18.0, 78.0)
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


def _atria_and_motion(
    noise: Mapping[str, Floats], heart: Mapping[str, Floats]
) -> dict[str, Floats]:
    """Atria, shortening of the long axis, and the share of filling that the atria do."""
    sex, fibrillation = heart["sex"], heart["atrial_fibrillation"]
    age_z = (heart["age_years"] - 63.5) / 7.8
    la_z = heart["la_z"] + 0.15 * age_z
    la = _log_normal("la_max_ml", sex, la_z)
    pressure = 0.14 * heart["lv_hypertrophy"] + 0.30 * heart["dilated_failure"]
    la = la * np.exp(0.34 * fibrillation + pressure + 0.10 * heart["infarct"])
    ra = _log_normal("ra_max_ml", sex, heart["ra_z"])
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


def _lie(noise: Mapping[str, Floats], heart: Mapping[str, Floats]) -> dict[str, Floats]:
    """How the heart lies in the chest: more horizontal with a higher BMI and age."""
    bmi_z = (heart["bmi_kg_m2"] - 26.3) / 4.1
    age_z = (heart["age_years"] - 63.5) / 7.8
    lie = -0.50 * bmi_z - 0.15 * age_z + 0.85 * noise["lie"]
    turn = 0.25 * bmi_z + 0.97 * noise["turn"]
    return {"heart_lie_z": lie.clip(-3, 3), "heart_turn_z": turn.clip(-3, 3)}


def _conduction(noise: Mapping[str, Floats], heart: Mapping[str, Floats]) -> dict[str, Floats]:
    """Rate, intervals and axes; QT from QTc by Fridericia 1920: QT = QTc · (RR / 1 s)^⅓."""
    sex, fibrillation = heart["sex"], heart["atrial_fibrillation"]
    left, right = heart["left_bundle_branch_block"], heart["right_bundle_branch_block"]
    age_z = (heart["age_years"] - 63.5) / 7.8
    edv_mean, edv_sd = _mean_sd("lvedv_ml", sex)
    edv_z = ((heart["lvedv_ml"] - edv_mean) / edv_sd).clip(-3, 5)
    rate = _log_normal("heart_rate_bpm", sex, -0.22 * edv_z.clip(-3, 2) + 0.97 * noise["rate"])
    rate = rate * np.exp(0.16 * fibrillation + 0.17 * heart["dilated_failure"])
    rate = rate.clip(40, 125)
    rr = 60_000 / rate
    pr = _normal(
        "pr_ms", sex, 0.15 * age_z + 0.2 * heart["la_z"] - 0.15 * noise["rate"] + 0.94 * noise["pr"]
    ).clip(105, 215)
    pr = np.where(heart["first_degree_block"] > 0, 228 + 14 * noise["pr"], pr)
    pr = np.minimum(pr, 0.42 * rr)
    qrs = _normal("qrs_ms", sex, 0.34 * edv_z + 0.16 * heart["la_z"] + 0.90 * noise["qrs"])
    qrs = (qrs + 8 * heart["dilated_failure"]).clip(66, 128)
    qrs = np.where(left > 0, 148 + 9 * noise["qrs"], qrs)
    qrs = np.where(right > 0, 137 + 9 * noise["qrs"], qrs)
    qtc = _normal("qtc_ms", sex, noise["qtc"]) + 24 * left + 10 * right
    qtc = qtc + 8 * heart["lv_hypertrophy"] + 10 * heart["dilated_failure"]
    axis = _normal("qrs_axis_deg", sex, 0.76 * heart["heart_lie_z"] + 0.64 * noise["axis"])
    axis = (axis - 22 * left - 8 * heart["lv_hypertrophy"]).clip(-75, 115)
    return {
        "heart_rate_bpm": rate,
        "rr_ms": rr,
        "pr_ms": np.where(fibrillation > 0, np.nan, pr),
        "qrs_ms": qrs,
        "qtc_ms": qtc,
        "qt_ms": qtc * np.cbrt(rr / 1000),
        "qrs_axis_deg": axis,
        "qrs_turn_deg": 16 * (0.80 * heart["heart_turn_z"] + 0.60 * noise["qrs_turn"]),
    }


def _waves(noise: Mapping[str, Floats], heart: Mapping[str, Floats]) -> dict[str, Floats]:
    """Voltages and shapes of the ECG: what mass, fat, atria and electrodes make of them."""
    sex = heart["sex"]
    bmi_z = (heart["bmi_kg_m2"] - 26.3) / 4.1
    age_z = (heart["age_years"] - 63.5) / 7.8
    mean_index = np.where(sex > 0.5, 53.0, 42.0)
    mass_z = (np.log(heart["lv_mass_index_g_m2"] / mean_index) / 0.175).clip(-3, 4)
    voltage = 0.46 * mass_z - 0.22 * bmi_z.clip(-2, 3) - 0.10 * age_z + 0.78 * noise["voltage"]
    la_z = np.log(heart["la_max_ml"] / np.where(sex > 0.5, 71.0, 62.0)) / 0.26
    ra_z = np.log(heart["ra_max_ml"] / np.where(sex > 0.5, 93.0, 69.0)) / 0.27
    fat_z = (np.log(heart["chest_fat_mm"] / 13.0) / 0.38).clip(-2.5, 3)
    strain = heart["lv_hypertrophy"] * (0.25 + 0.35 * (noise["strain"] + 0.3).clip(0, 2))
    strain = strain + 0.25 * heart["dilated_failure"]
    return {
        "qrs_gain": np.where(sex > 0.5, 0.80, 0.84) * np.exp(0.20 * voltage),
        "p_duration_ms": 113 + 9.0 * (0.45 * la_z + 0.15 * age_z + 0.85 * noise["p_duration"]),
        "p_gain": np.exp(0.26 * (0.45 * ra_z - 0.15 * bmi_z + 0.85 * noise["p_gain"])),
        "p_terminal": (0.9 + 0.35 * (0.55 * la_z + 0.8 * noise["p_terminal"])).clip(0.1, 2.4),
        "t_gain": np.where(sex > 0.5, 1.05, 0.85)
        * np.exp(0.26 * noise["t_gain"] - 0.10 * noise["rate"] - 0.06 * bmi_z - 0.08 * age_z),
        "t_axis_offset_deg": 16 * noise["t_axis"],
        "t_skew": (1.7 + 0.25 * noise["t_skew"]).clip(1.05, 2.4),
        "st_strain": strain.clip(0, 1.2),
        "j_elevation": np.where(sex > 0.5, 1.0, 0.45) * np.exp(0.4 * noise["j_point"]),
        "septal_gain": np.exp(0.35 * noise["septal"]),
        "terminal_gain": np.exp(0.35 * noise["terminal"]),
        "precordial_gain": np.exp(-0.17 * fat_z + 0.07 * noise["precordial_gain"]),
        "precordial_shift": 0.22 * noise["precordial"],
        "ecg_noise_mv": 0.014 * np.exp(0.3 * noise["ecg_noise"]),
    }


def _imaging(noise: Mapping[str, Floats], heart: Mapping[str, Floats]) -> dict[str, Floats]:
    """What only the scanner sees: chest fat, section, timing scatter, coil, noise."""
    fat = 13.0 * (heart["bmi_kg_m2"] / 26.0) ** 2.2 * np.where(heart["sex"] > 0.5, 0.85, 1.2)
    return {
        "chest_fat_mm": (fat * np.exp(0.15 * noise["fat"])).clip(3, 60),
        "heart_fat_mm": (3.0 + 0.9 * noise["heart_fat"] + 0.18 * (heart["bmi_kg_m2"] - 26)).clip(1),
        "end_systole_scatter_ms": 6.0 * noise["end_systole"],
        "section_tilt_deg": 1.8 * noise["section_tilt"],
        "section_row_mm": 2.8 * noise["section_row"],
        "section_column_mm": 2.8 * noise["section_column"],
        "atrial_septum_deg": 17 + 5 * noise["atrial_septum"],
        "outflow_share": (noise["u_outflow"] - 0.55).clip(0) / 0.45,
        "coil_row": 0.50 + 0.15 * noise["coil_row"],
        "coil_column": 0.15 * noise["coil_column"],
        "scanner_gain": np.exp(0.18 * noise["gain"]),
        "scanner_noise": 7.0 * np.exp(0.2 * noise["mri_noise"]),
    }
