"""Tables of an evaluation: made once, taken up for the same key alone, nobody else's deleted."""

import pandas as pd
import pytest

from cmae.errors import InputError
from cmae.evaluation.tables import Tables


def make_counted(calls):
    def make():
        calls.append(1)
        return {"scores": pd.DataFrame({"value": [0.25, len(calls)]})}

    return make


def test_a_part_is_made_once_and_read_back(tmp_path):
    calls = []
    first = Tables(tmp_path, "key").made("probes", make_counted(calls))["scores"]
    again = Tables(tmp_path, "key").made("probes", make_counted(calls))["scores"]
    assert len(calls) == 1
    assert first["value"].tolist() == again["value"].tolist() == [0.25, 1]


def test_another_key_makes_all_parts_anew(tmp_path):
    calls = []
    Tables(tmp_path, "key").made("probes", make_counted(calls))
    tables = Tables(tmp_path, "another")
    assert not tables.has("probes")
    assert not tables.path("scores").exists()
    tables.made("probes", make_counted(calls))
    assert len(calls) == 2


def test_a_part_whose_file_is_gone_is_made_anew(tmp_path):
    calls = []
    tables = Tables(tmp_path, "key")
    tables.made("probes", make_counted(calls))
    tables.path("scores").unlink()
    assert not Tables(tmp_path, "key").has("probes")


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "mine.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match="give another --out"):
        Tables(tmp_path, "key")
    assert (tmp_path / "tables" / "mine.csv").read_text() == "a\n1\n"


def test_a_key_file_cannot_name_files_elsewhere(tmp_path):
    kept = tmp_path / "kept.csv"
    kept.write_text("a\n")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "tables.json").write_text('{"key": "x", "parts": {"p": ["../kept"]}}')
    with pytest.raises(InputError):
        Tables(tmp_path, "key")
    assert kept.exists()


def test_a_table_without_rows_or_columns_is_kept_too(tmp_path):
    tables = Tables(tmp_path, "key")
    made = tables.made("probes", lambda: {"none": pd.DataFrame(), "head": pd.DataFrame({"a": []})})
    assert made["none"].empty
    assert list(made["head"]) == ["a"]
    assert Tables(tmp_path, "key").has("probes")
