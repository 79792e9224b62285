"""Means and spreads of the healthy, by sex, and distributions that have them."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEMALE_MALE: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "height_cm": ((163.0, 6.3), (176.5, 6.7)),
    "bmi_kg_m2": ((25.8, 4.3), (26.9, 3.8)),
    "lvedv_ml": ((124.0, 21.0), (166.0, 32.0)),
    "lvef_percent": ((61.0, 5.0), (58.0, 5.0)),
    "lv_mass_g": ((70.0, 13.0), (103.0, 21.0)),
    "lv_length_mm": ((84.5, 6.0), (95.0, 6.8)),
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


def mean_sd(name: str, sex: Floats) -> tuple[Floats, Floats]:
    """Mean and SD by sex (1 male, 0 female), each (participants,), in the unit of the name."""
    (female_mean, female_sd), (male_mean, male_sd) = FEMALE_MALE[name]
    male = sex > 0.5
    return np.where(male, male_mean, female_mean), np.where(male, male_sd, female_sd)


def normal(name: str, sex: Floats, z: Floats) -> Floats:
    """Normal with the table's mean and SD, from standard normal numbers ``z``."""
    mean, sd = mean_sd(name, sex)
    return mean + sd * z


def log_normal(name: str, sex: Floats, z: Floats) -> Floats:
    """Log-normal with the table's mean and SD: log-SD² = log(1 + (SD / mean)²)."""
    mean, sd = mean_sd(name, sex)
    log_variance = np.log1p((sd / mean) ** 2)
    result: Floats = mean * np.exp(np.sqrt(log_variance) * z - log_variance / 2)
    return result


def bounded(values: Floats, low: float, high: Floats | float, margin: float) -> Floats:
    """Keep values between two limits, bending smoothly within ``margin`` of them."""
    ceiling, floor = high - margin, low + margin
    above, below = (values - ceiling).clip(0), (floor - values).clip(0)
    bend = margin * (np.tanh(above / margin) - np.tanh(below / margin))
    result: Floats = values.clip(floor, ceiling) + bend
    return result
