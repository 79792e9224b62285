import re

import numpy as np
import pytest

from cmae.data.cohort import Cohort
from cmae.errors import InputError
from cmae.figures.group_report import ReportWords, group_report

WORDS = ReportWords(
    "Old <hearts>", made=["Age at least 46 years"], stamp=["Run demo"], titles={"age_years": "Age"}
)


@pytest.fixture(scope="module")
def page(_small):
    rows = np.array([0, 5, 6, 7, 8])
    return group_report(Cohort.open(_small), rows, WORDS, columns=["age_years", "sex"])


def test_the_page_has_the_numbers_of_the_group(page, small_cohort):
    ages = small_cohort.table["age_years"].iloc[[0, 5, 6, 7, 8]]
    rest = small_cohort.table["age_years"].drop(index=[0, 5, 6, 7, 8])
    assert "<b>5 of 12 rows</b> (41.7%)" in page
    assert f"{ages.mean():.4g} ± {ages.std():.3g}" in page
    assert f"{rest.mean():.4g} ± {rest.std():.3g}" in page
    assert "Age at least 46 years" in page
    assert "Run demo" in page


def test_the_page_opens_without_a_network_and_holds_no_identifier(page, small_cohort):
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=.(https?:|//)", page)
    assert "<script" not in page
    assert "Old &lt;hearts&gt;" in page
    words = re.sub(r"base64,[^\"]*", "", page)
    for identifier in small_cohort.table["participant_id"]:
        assert identifier not in words


def test_recorded_hearts_beat_beside_their_ecg(page, small_cohort):
    rows = np.array([0, 5, 6, 7, 8])
    assert page.count("data:image/gif") == small_cohort.has("mri")[rows].sum()
    assert page.count("data:image/png") == small_cohort.has("ecg")[rows].sum()
    assert "Research use only" in page


def test_a_group_without_spread_or_columns_has_a_page(small_cohort):
    assert "1 of 12 rows" in group_report(small_cohort, np.array([3]), WORDS, columns=[])


def test_an_empty_group_says_what_to_do(small_cohort):
    with pytest.raises(InputError, match="select some"):
        group_report(small_cohort, np.array([], int), WORDS, columns=[])
