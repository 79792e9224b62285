"""Who is ill: diseases that come with age, with each other, and alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cmae.data.column import Column
from cmae.simulate.describe import described
from cmae.simulate.reference import Floats


@dataclass(frozen=True)
class Risk:
    """How often people have a disease.

    Attributes:
        share: Expected number of cases a person at 63.5 years who has none of ``given``.
        men: Risk of men against that of women.
        bmi: Logarithm of risk a kg/m².
        given: What each earlier disease adds, at any age and any frequency.
    """

    share: float
    men: float = 1.0
    bmi: float = 0.0
    given: Mapping[str, float] = field(default_factory=dict)


RISKS = {
    "lv_hypertrophy": Risk(0.042, bmi=0.04),
    "infarct": Risk(0.026, men=2.5, given={"lv_hypertrophy": 0.02}),
    "dilated_failure": Risk(0.013, men=1.7, given={"lv_hypertrophy": 0.03, "infarct": 0.15}),
    "atrial_fibrillation": Risk(
        0.012, men=1.6, given={"lv_hypertrophy": 0.05, "infarct": 0.02, "dilated_failure": 0.18}
    ),
    "left_atrial_enlargement": Risk(
        0.012,
        bmi=0.03,
        given={"lv_hypertrophy": 0.15, "dilated_failure": 0.50, "atrial_fibrillation": 0.60},
    ),
    "left_bundle_branch_block": Risk(
        0.005, given={"lv_hypertrophy": 0.01, "infarct": 0.015, "dilated_failure": 0.35}
    ),
    "right_bundle_branch_block": Risk(0.016, men=1.8, given={"dilated_failure": 0.03}),
    "first_degree_block": Risk(
        0.018, men=1.5, given={"infarct": 0.03, "left_bundle_branch_block": 0.10}
    ),
}
"""In the order in which one leads to the next; assumptions of ours within what cohorts report.

Failure brings left bundle branch block in about a third and fibrillation in about a sixth.
"""

LEADING = {
    "dilated_failure": "dilated_failure",
    "infarct": "infarct",
    "hypertensive_hypertrophy": "lv_hypertrophy",
    "left_bundle_branch_block": "left_bundle_branch_block",
    "atrial_fibrillation": "atrial_fibrillation",
    "left_atrial_enlargement": "left_atrial_enlargement",
    "right_bundle_branch_block": "right_bundle_branch_block",
    "first_degree_block": "first_degree_block",
}
"""Flag of each diagnosis; the first that a participant has is the leading one."""

TERRITORIES = ("anterior", "inferior", "lateral")

UNIFORMS = (*RISKS, "territory")
NORMALS = ("extent",)
"""Random numbers of a participant. Append only: their order fixes every population."""

COLUMNS: dict[str, Column] = {
    **described(
        "phenotype",
        "categorical",
        (("disease", "", f"Leading diagnosis, the first of {', '.join(LEADING)}; or healthy"),),
    ),
    **described(
        "phenotype",
        "binary",
        (
            ("lv_hypertrophy", "", "Hypertensive hypertrophy of the left ventricle"),
            ("infarct", "", "Healed myocardial infarct"),
            ("dilated_failure", "", "Dilated heart failure, after an infarct or without"),
            ("atrial_fibrillation", "", "Atrial fibrillation at the visit"),
            ("left_atrial_enlargement", "", "Enlarged left atrium"),
            ("left_bundle_branch_block", "", "Left bundle branch block"),
            ("right_bundle_branch_block", "", "Right bundle branch block"),
            ("first_degree_block", "", "First-degree atrioventricular block, PR well above 200 ms"),
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
        (("infarct_extent", "", "Infarcted share of the left ventricular muscle, 0 none"),),
    ),
}
"""What this module draws."""


def diseases(
    noise: Mapping[str, Floats], heart: Mapping[str, Floats], *, frequency: float
) -> tuple[dict[str, Floats], dict[str, NDArray[np.str_]]]:
    """Draw who has what: each disease by itself, more often with age and after another.

    A person has a disease with probability 1 − exp(−rate), where rate = frequency · share ·
    exp((age − 63.5 years) / 18 years) · (sex, body mass) + what earlier diseases add; so no
    frequency makes a probability of more than one, and 0 leaves everybody healthy.

    Args:
        noise: Random numbers by name, each (participants,).
        heart: Sex, age in years and BMI in kg/m², each (participants,).
        frequency: Of every disease against its realistic share.

    Returns:
        The numbers and, apart, the words of this module's columns, each (participants,).
    """
    age_risk = np.exp((heart["age_years"] - 63.5) / 18.0)
    flags: dict[str, Floats] = {}
    for name, risk in RISKS.items():
        by_sex = np.where(heart["sex"] > 0.5, risk.men, 1.0) * 2 / (1 + risk.men)
        by_body = np.exp(risk.bmi * (heart["bmi_kg_m2"] - 26.3))
        rate = frequency * risk.share * age_risk * by_sex * by_body
        for earlier, added in risk.given.items():
            rate = rate + added * flags[earlier]
        flags[name] = (noise[name] < 1 - np.exp(-rate)).astype(np.float64)
    flags["right_bundle_branch_block"] *= 1 - flags["left_bundle_branch_block"]
    flags["first_degree_block"] *= 1 - flags["atrial_fibrillation"]
    infarct = flags["infarct"]
    extent = (0.19 + 0.11 * noise["extent"]).clip(0.03, 0.45) * infarct
    territory = np.array(TERRITORIES)[(3 * noise["territory"]).astype(int)]
    words = {
        "disease": np.select([flags[flag] > 0 for flag in LEADING.values()], [*LEADING], "healthy"),
        "infarct_territory": np.where(infarct > 0, territory, "none"),
    }
    return {**flags, "infarct_extent": extent}, words
