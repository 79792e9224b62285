"""How phenotypes are named, ordered and written for people."""

import math
import re
from collections.abc import Mapping, Sequence

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

ABBREVIATIONS = {
    "bsa_m2": "BSA",
    "lvef_percent": "LVEF",
    "lvedv_ml": "LVEDV",
    "lvesv_ml": "LVESV",
    "lvsv_ml": "LVSV",
    "rvef_percent": "RVEF",
    "rvedv_ml": "RVEDV",
    "rvesv_ml": "RVESV",
    "la_max_ml": "LA max",
    "pr_ms": "PR",
    "qrs_ms": "QRS",
    "qt_ms": "QT",
}
"""What clinicians call them where there is little room; the others by their titles."""

ACRONYMS = frozenset(
    "lv rv la ra ef ecg mri qrs qt qtc pr rr st bmi bsa mapse tapse".split()  # noqa: SIM905
)
"""Words that are written in capitals."""

_UNIT_AT_END = re.compile(r"(_(kg|g|mg|ml|mm|cm|m2|ms|s|mv|uv|percent|deg|years|bpm|z))+$")

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


PRIMARY = (
    "age_years",
    "sex",
    "height_cm",
    "weight_kg",
    "heart_rate_bpm",
    "lvef_percent",
    "lvedv_ml",
    "lvesv_ml",
    "lv_mass_g",
    "rvef_percent",
    "pr_ms",
    "qrs_ms",
    "qtc_ms",
)
"""The phenotypes at the head of a participant's page; the others are one click away."""


def ordered(
    columns: Mapping[str, Column], *, roles: Sequence[str] = ("phenotype", "covariate")
) -> list[str]:
    """Return the columns of some roles, the canonical ones first.

    Args:
        columns: A cohort's columns.
        roles: Of ``phenotype``, ``covariate``, ``quality`` and ``truth``.

    Returns:
        Their names.
    """
    names = [name for name, column in columns.items() if column.role in roles]
    canonical = [name for name in TITLES if name in names]
    return canonical + [name for name in names if name not in TITLES]


def title(name: str) -> str:
    """Return a column's name as people write it.

    Args:
        name: Name in the table, for example ``lvef_percent``.

    Returns:
        For example ``"LV ejection fraction"``.
    """
    if name in TITLES:
        return TITLES[name]
    words = _UNIT_AT_END.sub("", name).split("_")
    text = " ".join(word.upper() if word in ACRONYMS else word for word in words)
    return text[:1].upper() + text[1:]


def within_sentence(name: str) -> str:
    """Return a column's name as it stands within a sentence: small but for acronyms.

    Args:
        name: Name in the table, for example ``lv_hypertrophy``.

    Returns:
        For example ``"LV hypertrophy"`` or ``"infarct"``.
    """
    words = title(name)
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


def abbreviation(name: str) -> str:
    """Return a column's short name.

    Args:
        name: Name in the table, for example ``lvef_percent``.

    Returns:
        For example ``"LVEF"``.
    """
    return ABBREVIATIONS.get(name) or title(name)


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


def category_words(value: object) -> str:
    """Write a category of a table as people do: ``"atrial fibrillation"``.

    Args:
        value: As it stands in the table.
    """
    return str(value).replace("_", " ")


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
        return category_words(value)
    text = number(float(value))  # type: ignore[arg-type]
    unit = column.unit if with_unit else ""
    return f"{text} {unit}".strip()


def known(value: object) -> float | None:
    """Return a number of a table, or None where it is missing or no number.

    Args:
        value: Any cell.
    """
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


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
