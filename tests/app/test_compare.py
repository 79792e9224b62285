"""The page that compares two groups: its numbers are the library's."""

import numpy as np
import pandas as pd
import pytest

from app import comparison_caches as caches
from app import comparison_charts, comparison_table
from app.comparison_groups import Choice, Here
from app.once import Once
from app.session import explorer as shown_explorer
from cmae.latent.group_comparison import compare_groups
from cmae.latent.mean_recordings import mean_recording


@pytest.fixture
def compared(explorer):
    cohort = explorer.cohort
    names = [
        name for name, column in cohort.columns.items()
        if column.role in ("phenotype", "covariate") and column.kind != "categorical"
    ]  # fmt: skip
    columns = {name: cohort.columns[name] for name in names}
    first, second = np.arange(6), np.arange(6, 12)
    return compare_groups(cohort.table, columns, first, second), columns


def test_the_table_holds_the_librarys_numbers_in_the_order_that_was_chosen(compared):
    comparison, columns = compared
    for order in comparison_table.ORDER_TITLES:
        table = comparison_table.shown(comparison, columns, order=order)
        by_name = comparison.table.set_index("phenotype")
        expected = by_name.loc[table["phenotype"], "effect"].to_numpy(float)
        np.testing.assert_array_equal(table["effect"], expected)
        assert len(table) == len(comparison.table)
    known = comparison_table.shown(comparison, columns, order="effect")["effect"].dropna()
    assert (np.diff(known.abs()) <= 0).all()


def test_the_chart_draws_every_effect_once_with_its_interval(compared):
    comparison, columns = compared
    table = comparison_table.shown(comparison, columns)
    known = table[table["effect"].notna()].set_index("title")
    drawn = {}
    for trace in comparison_charts.effects(table).data:
        for title, value, up in zip(trace.y, trace.x, trace.error_x.array, strict=True):
            assert title not in drawn
            drawn[title] = (value, value + up)
    assert set(drawn) == set(known.index)
    for title, (value, high) in drawn.items():
        scale = 100 if known.loc[title, "is_share"] else 1
        assert value == pytest.approx(scale * known.loc[title, "effect"])
        assert high == pytest.approx(scale * known.loc[title, "high"])


def test_a_chart_of_nothing_is_an_empty_chart():
    empty = pd.DataFrame(columns=["title", "is_share", "effect", "low", "high", "is_found"])
    assert not comparison_charts.effects(empty).data


def test_means_are_the_librarys_and_report_progress_once(explorer):
    steps = []
    first, second = np.arange(6), np.arange(6, 12)
    report = lambda *step: steps.append(step)  # noqa: E731
    found = caches.means("ecg", first, second, most=None, on_progress=report)
    expected = mean_recording(explorer.cohort, "ecg", first)
    np.testing.assert_array_equal(found.first.mean, expected.mean)
    assert steps
    before = len(steps)
    again = caches.means("ecg", first, second, most=None, on_progress=report)
    assert again is found
    assert len(steps) == before


def test_work_that_failed_is_tried_again_and_done_work_is_kept():
    place = Once()
    with pytest.raises(ValueError, match="no"):
        place.get(lambda: (_ for _ in ()).throw(ValueError("no")))
    assert not place.is_ready
    assert place.get(lambda: 3) == 3
    assert place.get(lambda: 4) == 3


def _numbers(at):
    return at.dataframe[0].value.set_index("title")


def test_the_page_compares_what_its_link_asks_for(page, texts, explorer):
    at = page("compare", a="sex~is~1", b="others")
    assert not at.exception
    cohort = explorer.cohort
    here = Here(table=cohort.table, columns=cohort.columns)
    men, others = here.both(Choice("category", "sex", value=1.0), Choice("others"))
    words = texts(at)
    assert f"{len(men.rows):,} rows" in words
    assert f"{len(others.rows):,} rows" in words
    names = here.compared(men.choice, others.choice)
    columns = {name: cohort.columns[name] for name in names}
    expected = compare_groups(cohort.table, columns, men.rows, others.rows)
    table = comparison_table.shown(expected, cohort.columns)
    shown = _numbers(at)
    assert shown.index.tolist() == table["title"].tolist()
    assert table["effect"].notna().any()
    np.testing.assert_allclose(shown["effect"], table["effect"])
    np.testing.assert_allclose(shown["q"], table["q"])
    assert "sex~is~1" in at.query_params["a"]


@pytest.mark.parametrize("text", ["nonsense", "sex~is~7", "x" * 5000, "<b>~below~1"])
def test_a_link_of_nonsense_says_so_and_shows_something_else(page, texts, text):
    at = page("compare", a=text)
    assert not at.exception
    assert "makes no sense in this cohort" in texts(at)


def test_two_groups_with_somebody_in_common_are_refused_in_one_sentence(page):
    at = page("compare", a="everybody", b="sex~is~1")
    assert not at.exception
    assert any("in both groups" in error.value for error in at.error)


def test_groups_too_small_to_compare_say_so(page):
    at = page("compare", a="lvef_percent~below~-5", b="others")
    assert not at.exception
    assert any("is empty" in error.value for error in at.error)


def test_no_identifier_is_on_the_page(page, texts):
    at = page("compare", a="sex~is~1", b="others")
    assert "P00" not in texts(at) + "".join(code.value for code in at.code)
    assert shown_explorer().cohort.table["participant_id"].str.startswith("P").all()
