"""How phenotypes are named, ordered and written for people."""

import math
from collections.abc import Mapping

from cmae.data.column import Column

TITLES = {
    "age_years": "Age",
    "sex": "Sex",
    "height_cm": "Height",
    "weight_kg": "Weight",
    "bmi_kg_m2": "BMI",
    "bsa_m2": "Body surface",
    "heart_rate_bpm": "Heart rate",
    "lvef_percent": "LV ejection fraction",
    "lvedv_ml": "LV end-diastolic volume",
    "lvesv_ml": "LV end-systolic volume",
    "lvsv_ml": "LV stroke volume",
    "lv_mass_g": "LV mass",
    "rvef_percent": "RV ejection fraction",
    "rvedv_ml": "RV end-diastolic volume",
    "rvesv_ml": "RV end-systolic volume",
    "la_max_ml": "LA maximum volume",
    "pr_ms": "PR interval",
    "qrs_ms": "QRS duration",
    "qt_ms": "QT interval",
    "qtc_ms": "QTc",
    "qrs_axis_deg": "QRS axis",
}
"""Titles of the canonical phenotypes, in the order in which people read them."""

HEADLINES = (
    "age_years",
    "sex",
    "heart_rate_bpm",
    "lvef_percent",
    "lvedv_ml",
    "lv_mass_g",
    "qrs_ms",
    "qtc_ms",
)
"""The phenotypes that say most about a heart, for places with little room."""


def ordered(columns: Mapping[str, Column], *, role: str = "phenotype") -> list[str]:
    """Return the columns of a role, the canonical ones first.

    Args:
        columns: A cohort's columns.
        role: ``phenotype``, ``covariate``, ``quality`` or ``truth``.

    Returns:
        Their names.
    """
    names = [name for name, column in columns.items() if column.role == role]
    canonical = [name for name in TITLES if name in names]
    return canonical + [name for name in names if name not in TITLES]


def title(name: str) -> str:
    """Return a column's name as people write it.

    Args:
        name: Name in the table, for example ``lvef_percent``.

    Returns:
        For example ``"LV ejection fraction"``.
    """
    return TITLES.get(name) or name.replace("_", " ").capitalize()


def categories(name: str, column: Column) -> tuple[str, str] | None:
    """Return what 0 and 1 mean in a binary column, or None for another kind.

    Args:
        name: Name in the table.
        column: Its description.

    Returns:
        The words for 0 and 1.
    """
    if column.kind != "binary":
        return None
    return ("female", "male") if name == "sex" else ("no", "yes")


def written(name: str, column: Column, value: object, *, with_unit: bool = True) -> str:
    """Write a value with its unit.

    Args:
        name: Name in the table.
        column: Its description.
        value: A number, a word, or a missing value.
        with_unit: Whether the unit is written.

    Returns:
        For example ``"61 %"``, or an en dash where the value is missing.
    """
    if value is None or value != value or str(value) == "<NA>":  # noqa: PLR0124 - NaN
        return "–"
    words = categories(name, column)
    if words is not None:
        return words[int(bool(value))]
    if isinstance(value, str):
        return value
    text = number(float(value))  # type: ignore[arg-type]
    unit = column.unit if with_unit else ""
    return f"{text} {unit}".strip()


def number(value: float) -> str:
    """Write a number with three significant digits and no exponent.

    Args:
        value: Any number.

    Returns:
        For example ``"61.3"``, ``"142"``, ``"0.083"``; an en dash for NaN.
    """
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}".replace("-", "−")
