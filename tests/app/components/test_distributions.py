import pytest

from app.components.distributions import Brush, Distribution, brush_of

AGE = Distribution("age_years", "Age", "years", all=[3, 4], edges=[40.0, 50.0, 60.0])
SEX = Distribution("sex", "Sex", "", all=[5, 2], labels=("female", "male"), values=(0, 1))


@pytest.mark.parametrize(
    ("sent", "brush"),
    [
        ({"name": "age_years", "low": 45, "high": None}, Brush("age_years", 45.0, None)),
        ({"name": "age_years", "low": None, "high": None}, Brush("age_years")),
        ({"name": "sex", "chosen": [1]}, Brush("sex", values=(1,))),
        ({"name": "sex", "chosen": [1, 7, -1]}, Brush("sex", values=(1,))),
        ({"name": "sex", "chosen": []}, Brush("sex")),
        ({"name": "sex", "chosen": None}, Brush("sex")),
    ],
)
def test_a_brush_is_read_in_the_values_of_the_table(sent, brush):
    assert brush_of(sent, (AGE, SEX)) == brush


@pytest.mark.parametrize(
    "sent",
    [
        None,
        7,
        "nonsense",
        {},
        {"name": "participant_id", "low": 1},
        {"name": ["age_years"]},
        {"name": "age_years", "low": "45"},
        {"name": "age_years", "low": True},
        {"name": "age_years", "low": float("nan")},
        {"name": "age_years", "low": 1e9},
        {"name": "age_years", "low": 55, "high": 45},
        {"name": "sex", "chosen": "male"},
        {"name": "sex", "chosen": ["male"]},
        {"name": "sex", "chosen": [True]},
    ],
)
def test_nonsense_from_a_browser_is_no_brush(sent):
    assert brush_of(sent, (AGE, SEX)) is None
