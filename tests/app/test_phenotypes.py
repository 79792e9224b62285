import numpy as np
import pytest

from app import phenotypes
from cmae.data.column import Column

EF = Column("%", "continuous", "phenotype", "mri", "LV ejection fraction")
SEX = Column("", "binary", "covariate", "clinical", "1 male, 0 female")


@pytest.mark.parametrize(
    ("value", "text"),
    [(61.34, "61.3"), (0.08312, "0.0831"), (142.2, "142"), (12345.6, "12,346"), (-3.0, "−3.00")],
)
def test_numbers_have_three_digits_and_no_exponent(value, text):
    assert phenotypes.number(value) == text


def test_values_are_written_with_their_unit_or_a_dash():
    assert phenotypes.written("lvef_percent", EF, 61.34) == "61.3 %"
    assert phenotypes.written("lvef_percent", EF, np.nan) == "–"
    assert phenotypes.written("sex", SEX, 1) == "male"


def test_canonical_phenotypes_come_first():
    columns = {"zeta": EF, "lvef_percent": EF, "sex": SEX}
    assert phenotypes.ordered(columns) == ["sex", "lvef_percent", "zeta"]
    assert phenotypes.ordered(columns, roles=["covariate"]) == ["sex"]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("lvef_percent", "LV ejection fraction"),
        ("lv_mass_index_g_m2", "LV mass index"),
        ("left_bundle_branch_block", "Left bundle branch block"),
        ("mapse_mm", "MAPSE"),
    ],
)
def test_unknown_columns_are_named_without_their_unit(name, title):
    assert phenotypes.title(name) == title


def test_a_name_within_a_sentence_is_small_but_for_acronyms():
    assert phenotypes.within_sentence("lv_hypertrophy") == "LV hypertrophy"
    assert phenotypes.within_sentence("left_bundle_branch_block") == "left bundle branch block"
