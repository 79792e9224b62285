"""Rate, conduction and repolarization: all that the ECG is made of besides the heart's shape."""

from collections.abc import Mapping

import numpy as np

from cmae.data.column import Column
from cmae.simulate.describe import described
from cmae.simulate.reference import Floats, bounded, log_normal, mean_sd, normal

UNIFORMS: tuple[str, ...] = ()
NORMALS = (
    "rate", "pr", "qrs", "qtc", "axis", "qrs_turn",
    "voltage", "strain", "p_duration", "p_gain", "p_terminal", "t_gain", "t_axis", "t_skew",
    "j_point", "septal", "terminal", "precordial", "ecg_noise", "precordial_gain",
    "posterior", "precordial_height", "limb_gain", "t_turn", "scar",
)  # fmt: skip
"""Random numbers of a participant. Append only: their order fixes every population."""

PRIVATE = (
    "axis", "qrs_turn", "voltage", "strain", "p_duration", "p_gain", "p_terminal", "t_gain",
    "t_axis", "t_skew", "j_point", "septal", "terminal", "precordial", "precordial_gain",
    "posterior", "precordial_height", "limb_gain", "t_turn", "scar",
)  # fmt: skip
"""Those of NORMALS that no cine shows anything of."""

COLUMNS: dict[str, Column] = {
    **described(
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
        ),
    ),
    **described(
        "truth",
        "continuous",
        (
            ("rr_ms", "ms", "RR interval"),
            ("qrs_turn_deg", "°", "ECG: turn of the QRS loop in the horizontal plane"),
            ("qrs_gain", "", "ECG: size of the QRS loop"),
            ("posterior_gain", "", "ECG: size of the forces to the back, of the free wall"),
            ("scar_extent", "", "ECG: forces that an infarct took, 0 none"),
            ("p_gain", "", "ECG: size of the P loop"),
            ("p_terminal", "", "ECG: size of the left atrial part of P"),
            ("t_gain", "", "ECG: size of the T loop"),
            ("t_axis_offset_deg", "°", "ECG: frontal T axis against QRS axis"),
            ("t_turn_deg", "°", "ECG: turn of the T loop in the horizontal plane"),
            ("t_skew", "", "ECG: upstroke over downstroke of the T wave"),
            ("st_strain", "", "ECG: strain pattern, 0 none"),
            ("j_elevation", "", "ECG: early repolarization"),
            ("septal_gain", "", "ECG: size of the initial septal vector"),
            ("terminal_gain", "", "ECG: size of the terminal basal vector"),
            ("precordial_gain", "", "ECG: size of the chest leads, smaller through a thick wall"),
            ("precordial_shift", "electrodes", "ECG: chest electrodes too far to the left"),
            ("precordial_height", "spaces", "ECG: chest electrodes too high"),
            ("limb_gain", "", "ECG: size of the limb leads, by where their electrodes are"),
            ("ecg_noise_mv", "mV", "ECG: residual noise, root mean square"),
        ),
    ),
}
"""What this module draws."""


def conduction(noise: Mapping[str, Floats], heart: Mapping[str, Floats]) -> dict[str, Floats]:
    """Rate, intervals and axes; QT from QTc by Fridericia 1920: QT = QTc · (RR / 1 s)^⅓.

    QRS is longer in larger ventricles, which explains half of the difference between the sexes, and
    PR in larger atria; large ventricles go with a slow rate, a high BMI with a horizontal axis.

    Args:
        noise: Random numbers by name, each (participants,), standard normal or uniform.
        heart: Columns drawn before, each (participants,), in the units of COLUMNS.

    Returns:
        Columns by name, each (participants,), in the units of COLUMNS.
    """
    sex, fibrillation = heart["sex"], heart["atrial_fibrillation"]
    left, right = heart["left_bundle_branch_block"], heart["right_bundle_branch_block"]
    age_z = (heart["age_years"] - 63.5) / 7.8
    edv_mean, edv_sd = mean_sd("lvedv_ml", sex)
    edv_z = ((heart["lvedv_ml"] - edv_mean) / edv_sd).clip(-3, 5)
    rate = log_normal("heart_rate_bpm", sex, -0.22 * edv_z.clip(-3, 2) + 0.97 * noise["rate"])
    rate = rate * np.exp(0.16 * fibrillation + 0.17 * heart["dilated_failure"])
    rate = rate.clip(40, 140)
    rr = 60_000 / rate
    pr_z = 0.15 * age_z + 0.2 * heart["la_z"] - 0.15 * noise["rate"] + 0.94 * noise["pr"]
    pr = bounded(normal("pr_ms", sex, pr_z), 100, 220, 20)
    pr = np.where(heart["first_degree_block"] > 0, 202 + 26 * np.exp(0.45 * noise["pr"]), pr)
    pr = np.minimum(pr, 0.42 * rr)
    qrs = normal("qrs_ms", sex, 0.34 * edv_z + 0.16 * heart["la_z"] + 0.90 * noise["qrs"])
    failure = heart["dilated_failure"]
    qrs = bounded(qrs + 8 * failure, 64, 120 + 14 * failure, 8)
    qrs = np.where(left > 0, 125 + 22 * np.exp(0.38 * noise["qrs"]), qrs)
    qrs = np.where(right > 0, 120 + 16 * np.exp(0.45 * noise["qrs"]), qrs)
    qtc = normal("qtc_ms", sex, noise["qtc"]) + 24 * left + 10 * right
    qtc = qtc + 8 * heart["lv_hypertrophy"] + 10 * failure
    bmi_mean, _ = mean_sd("bmi_kg_m2", sex)
    lie_z = heart["heart_lie_z"] + 0.50 * (bmi_mean - 26.3) / 4.1  # the table has sex in it
    axis = normal("qrs_axis_deg", sex, 0.76 * lie_z + 0.64 * noise["axis"])
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


def waves(noise: Mapping[str, Floats], heart: Mapping[str, Floats]) -> dict[str, Floats]:
    """Voltages and shapes of the ECG: what mass, fat, atria and electrodes make of them.

    Args:
        noise: Random numbers by name, each (participants,), standard normal or uniform.
        heart: Columns drawn before, each (participants,), in the units of COLUMNS.

    Returns:
        Columns by name, each (participants,), in the units of COLUMNS.
    """
    sex = heart["sex"]
    bmi_z = (heart["bmi_kg_m2"] - 26.3) / 4.1
    age_z = (heart["age_years"] - 63.5) / 7.8
    mean_index = np.where(sex > 0.5, 53.0, 42.0)
    mass_z = (np.log(heart["lv_mass_index_g_m2"] / mean_index) / 0.175).clip(-3, 4)
    by_mass = np.where(sex > 0.5, 0.37, 0.45) * mass_z  # women's voltages spread less otherwise
    voltage = by_mass - 0.22 * bmi_z.clip(-2, 3) - 0.10 * age_z
    voltage = voltage + np.where(sex > 0.5, 0.90, 0.86) * noise["voltage"]
    back = 0.66 * mass_z + 0.54 * noise["posterior"]
    la_z = np.log(heart["la_max_ml"] / np.where(sex > 0.5, 71.0, 62.0)) / 0.26
    ra_z = np.log(heart["ra_max_ml"] / np.where(sex > 0.5, 93.0, 69.0)) / 0.27
    fat_z = (np.log(heart["chest_fat_mm"] / 13.0) / 0.38).clip(-2.5, 3)
    thick = heart["lv_hypertrophy"]
    strain = thick * (0.10 + 0.40 * (noise["strain"] + 0.5).clip(0, 2))
    strain = strain + (1 - thick) * 0.20 * (noise["strain"] - 0.8).clip(0, 2)  # seen in the healthy
    strain = strain + 0.25 * heart["dilated_failure"]
    scar = 0.40 + 2.3 * heart["infarct_extent"] + 0.40 * noise["scar"]
    p_size = 0.45 * ra_z - 0.15 * bmi_z + 0.85 * noise["p_gain"] + 0.4 * (ra_z - 1.2).clip(0, 2)
    return {
        "qrs_gain": np.where(sex > 0.5, 0.785, 0.87) * np.exp(0.185 * voltage),
        "posterior_gain": np.where(sex > 0.5, 1.19, 0.75) * np.exp(0.25 * back),
        "scar_extent": heart["infarct"] * scar.clip(0.0, 1.8),
        "p_duration_ms": 113 + 9.0 * (0.45 * la_z + 0.15 * age_z + 0.85 * noise["p_duration"]),
        "p_gain": np.exp(0.26 * p_size),
        "p_terminal": (0.9 + 0.35 * (0.55 * la_z + 0.8 * noise["p_terminal"])).clip(0.1, 2.4),
        "t_gain": np.where(sex > 0.5, 1.10, 0.88)
        * np.exp(0.33 * noise["t_gain"] - 0.10 * noise["rate"] - 0.06 * bmi_z - 0.08 * age_z),
        "t_axis_offset_deg": 18 * noise["t_axis"],
        "t_turn_deg": 18 * noise["t_turn"],
        "t_skew": (1.7 + 0.25 * noise["t_skew"]).clip(1.05, 2.4),
        "st_strain": strain.clip(0, 1.2),
        "j_elevation": np.where(sex > 0.5, 1.0, 0.45) * np.exp(0.55 * noise["j_point"]),
        "septal_gain": np.exp(0.35 * noise["septal"]),
        "terminal_gain": np.exp(0.35 * noise["terminal"]),
        "precordial_gain": np.exp(-0.17 * fat_z + 0.07 * noise["precordial_gain"]),
        "precordial_shift": 0.30 * noise["precordial"],
        "precordial_height": 0.35 * noise["precordial_height"],
        "limb_gain": 1.15 * np.exp(0.10 * noise["limb_gain"]),
        "ecg_noise_mv": 0.014 * np.exp(0.3 * noise["ecg_noise"]),
    }
