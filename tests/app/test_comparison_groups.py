"""The two groups of a comparison: rows, words, links, and commands."""

import math

import numpy as np
import pandas as pd
import pytest

from app.comparison_commands import command
from app.comparison_groups import Choice, Here
from app.groups import Filter, Group
from cmae.data.column import Column
from cmae.errors import InputError


def column(kind="continuous", unit="%"):
    return Column(unit, kind, "phenotype", "mri", "made up")


@pytest.fixture
def here():
    table = pd.DataFrame(
        {
            "participant_id": [f"P{k // 2}" for k in range(8)],
            "lvef_percent": [40.0, 60.0, 50.0, math.nan, 49.9, 55.0, 30.0, 70.0],
            "sex": [0, 0, 1, 1, 0, 0, math.nan, 1],
        }
    )
    columns = {"lvef_percent": column(), "sex": column("binary", "")}
    return Here(table=table, columns=columns, groups={"Mine": Group("Mine", np.array([1, 2]))})


@pytest.mark.parametrize(
    ("sign", "rows"),
    [("below", [0, 4, 6]), ("at_most", [0, 2, 4, 6]), ("at_least", [1, 2, 5, 7]),
     ("above", [1, 5, 7])],
)  # fmt: skip
def test_a_threshold_keeps_its_side_and_counts_who_is_not_known(here, sign, rows):
    found = here.rows(Choice("threshold", "lvef_percent", sign, 50.0))
    assert found.rows.tolist() == rows
    assert found.left_out == {"LVEF not known": 1}
    assert found.title.startswith("LVEF ")
    assert found.title.endswith("50 %")


def test_everybody_else_are_other_people_in_whom_it_is_known(here):
    choices = Choice("threshold", "lvef_percent", "below", 50.0), Choice("others")
    first, second = here.both(*choices)
    assert first.rows.tolist() == [0, 4, 6]
    assert second.rows.tolist() == [2]  # row 3 is not known; 1, 5 and 7 are visits of the same
    second, first = here.both(*choices[::-1])
    assert (first.rows.tolist(), second.rows.tolist()) == ([0, 4, 6], [2])


def test_everybody_else_of_a_drawn_group_are_all_other_people(here):
    _, second = here.both(Choice("group", "Mine"), Choice("others"))
    assert second.rows.tolist() == [4, 5, 6, 7]


def test_a_condition_is_yes_or_no_and_nothing_for_who_is_not_known(here):
    assert here.rows(Choice("category", "sex", value=1.0)).rows.tolist() == [2, 3, 7]
    assert here.rows(Choice("category", "sex", value=0.0)).title == "Sex: female"


def test_groups_that_are_gone_or_make_no_pair_are_one_sentence(here):
    for choice in (Choice("group", "Yours"), Choice("selection"), Choice("filters")):
        with pytest.raises(InputError, match="choose"):
            here.rows(choice)
    with pytest.raises(InputError, match="everybody else"):
        here.both(Choice("others"), Choice("others"))


def test_thresholds_and_conditions_go_through_a_link_and_drawn_groups_do_not(here):
    for choice in (
        Choice("threshold", "lvef_percent", "at_least", 49.5),
        Choice("category", "sex", value=0.0),
        Choice("others"),
        Choice("everybody"),
    ):
        assert here.read_link(choice.link()) == choice
    assert Choice("group", "Mine").link() == ""
    assert Choice("selection").link() == ""


@pytest.mark.parametrize(
    "text",
    ["", "~~", "lvef_percent~below~nan", "lvef_percent~below~inf", "lvef_percent~under~5",
     "age~below~5", "sex~is~2", "sex~below~1", "participant_id~below~1", "filters",
     "lvef_percent~below~1e999", "<script>", "selection", "group"],
)  # fmt: skip
def test_nonsense_in_a_link_is_no_group(here, text):
    assert here.read_link(text) is None


def test_filters_that_are_set_can_be_a_group(here):
    filtered = Here(
        table=here.table, columns=here.columns, filters=(Filter("lvef_percent", low=60.0),)
    )
    assert filtered.rows(Choice("filters")).rows.tolist() == [1, 7]
    assert "filters" in filtered.ways()
    assert "filters" not in here.ways()


def test_columns_that_define_a_group_are_not_compared(here):
    assert here.compared(Choice("category", "sex"), Choice("others")) == ["lvef_percent"]
    assert here.compared(Choice("group", "Mine"), Choice("others")) == ["sex", "lvef_percent"]


def test_the_page_opens_with_what_is_selected_else_with_a_weak_pump(here):
    assert here.first()[0] == Choice("threshold", "lvef_percent", "below", 50.0)
    selected = Here(table=here.table, columns=here.columns, selection=Group("S", np.array([1])))
    assert selected.first() == (Choice("selection"), Choice("others"))
    bare = Here(table=here.table, columns={})
    assert bare.first() == (Choice("everybody"), Choice("others"))


def test_an_unusual_column_is_offered_at_its_median(here):
    table = here.table.assign(size=np.arange(8.0))
    other = Here(table=table, columns={"size": column()})
    assert other.usual("size") == ("at_least", 3.5)


def test_a_command_finds_the_same_rows(here):
    pairs = [
        (Choice("threshold", "lvef_percent", "below", 50.0), Choice("category", "sex", value=1.0)),
        (Choice("others"), Choice("threshold", "lvef_percent", "at_most", 50.0)),
        (Choice("group", "Mine"), Choice("everybody")),
    ]
    for choices in pairs:
        first, second = here.both(*choices)
        text = command("cohort", first, second, ["sex"])
        lines = [line for line in text.splitlines() if line.startswith(("a =", "b ="))]
        names = {"np": np, "table": here.table.drop(columns="participant_id")}
        exec("\n".join(lines), names)  # noqa: S102 - what was just written
        for letter, group in (("a", first), ("b", second)):
            rows = names[letter]
            rows = np.flatnonzero(rows) if rows.dtype == bool else rows
            visits = here.table["participant_id"].iloc[rows]
            assert set(group.rows.tolist()) <= set(rows.tolist()), visits
        assert "covariates=('sex',)" in text
        assert "P0" not in text
