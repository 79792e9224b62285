import numpy as np
import pandas as pd
import pytest

from app.groups import Filter, Group, passing
from cmae.errors import InputError


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "age_years": pd.array([40.0, 55.0, None, 71.0], dtype="Float64"),
            "sex": pd.array([0, 1, 1, None], dtype="Int8"),
            "disease": ["healthy", "infarct", None, "healthy"],
        }
    )


def test_a_range_keeps_its_ends_and_drops_missing_values(table):
    assert Filter("age_years", low=55.0).mask(table).tolist() == [False, True, False, True]
    assert Filter("age_years", high=55.0).mask(table).tolist() == [True, True, False, False]


def test_values_keep_rows_that_have_one_of_them(table):
    assert Filter("sex", values=(1,)).mask(table).tolist() == [False, True, True, False]
    assert Filter("disease", values=("healthy",)).mask(table).tolist() == [True, False, False, True]


def test_all_filters_hold_together_and_none_lets_everybody_pass(table):
    both = (Filter("age_years", low=50.0), Filter("disease", values=("healthy",)))
    assert passing(table, both).tolist() == [False, False, False, True]
    assert passing(table, ()).all()


def test_a_filter_of_another_cohort_names_its_column(table):
    with pytest.raises(InputError, match="no column 'lvef_percent'"):
        Filter("lvef_percent", low=50.0).mask(table)


def test_a_filter_is_written_without_what_is_not_set():
    assert Filter("sex", values=(1,)).to_json() == {"column": "sex", "values": (1,)}


def test_a_group_marks_its_rows():
    group = Group("old", np.array([1, 3]))
    assert group.mask(4).tolist() == [False, True, False, True]
    assert len(group) == 2
