import pandas as pd
import pytest

from app.row_search import MAX_CHARACTERS, find_identifiers, find_rows
from cmae.errors import InputError

TABLE = pd.DataFrame({"participant_id": ["P1", "P2", "P2", "no 7"], "visit": ["1", "1", "2", "1"]})


@pytest.mark.parametrize("text", ["3, 1", "3\n1", "row 1; row 3", "[1|3]", "003\t0001 3"])
def test_rows_are_found_whatever_stands_between(text):
    found = find_rows(text, 5)
    assert found.rows.tolist() == [1, 3]
    assert found.sentence() == "2 of 2 found."


def test_what_is_not_there_is_counted_and_not_repeated():
    found = find_rows("1 2 99 123456789012345678901234567890", 5)
    assert found.rows.tolist() == [1, 2]
    assert found.sentence() == "2 of 4 found, 2 not in this cohort."
    assert "no row" in find_rows("abc", 5).sentence()


def test_identifiers_give_all_visits_and_are_never_repeated():
    found = find_identifiers("P2, SECRET-9", TABLE)
    assert found.rows.tolist() == [1, 2]
    sentence = found.sentence()
    assert sentence.startswith("1 of 2 found, 1 not in this cohort")
    assert "2 rows" in sentence
    assert "SECRET" not in sentence
    assert "P2" not in sentence


def test_an_identifier_with_a_space_is_found_on_a_line_of_its_own():
    assert find_identifiers("no 7\nP1", TABLE).rows.tolist() == [0, 3]


def test_a_list_beyond_all_bounds_is_refused():
    with pytest.raises(InputError, match="characters"):
        find_rows("1" * (MAX_CHARACTERS + 1), 5)
