import csv
import stat

import pytest

from cmae.errors import InputError
from cmae.readers.refusals import Refusal, RefusalGroup, RefusedList, grouped, ranges


def test_reasons_that_differ_in_numbers_are_one():
    refused = [
        Refusal(4, "No 4-chamber view of 3."),
        Refusal(9, "Only 31 beats in V1."),
        Refusal(2, "Only 2 beats in V1."),
    ]

    assert grouped(refused) == [
        RefusalGroup("Only … beats in V1.", (2, 9)),
        RefusalGroup("No 4-chamber view of 3.", (4,)),
    ]


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([], ""),
        ([7], "7"),
        ([1, 2, 3, 7], "1-3, 7"),
        ([1, 3, 5, 6, 7, 9], "1, 3 and 4 more"),
    ],
)
def test_numbers_are_written_as_ranges(numbers, text):
    assert ranges(numbers, most=2) == text


def test_the_list_names_files_and_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "lists" / "refused.csv"
    strange = tmp_path / 'a,"b"\nc.csv'

    with RefusedList(path, cohort=tmp_path / "cohort") as refused:
        refused.add("ecg", 12, strange, "It is flat in lead V1.")
        refused.add("ecg", 3, tmp_path / "x.hea", "It is empty.")
        assert not path.exists()

    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["recording", "number", "file", "reason"],
        ["ecg", "3", str(tmp_path / "x.hea"), "It is empty."],
        ["ecg", "12", str(strange), "It is flat in lead V1."],
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["refused.csv"]


def test_the_list_is_written_when_an_import_fails(tmp_path):
    path = tmp_path / "refused.csv"

    def fail() -> None:
        with RefusedList(path, cohort=tmp_path / "cohort") as refused:
            refused.add("cine", 1, tmp_path / "x", "It is empty.")
            raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        fail()

    assert "It is empty." in path.read_text()


def test_an_older_list_gives_way_and_is_private_then(tmp_path):
    path = tmp_path / "refused.csv"
    path.write_text("old")
    path.chmod(0o644)

    with RefusedList(path, cohort=tmp_path / "cohort"):
        pass

    assert path.read_text().splitlines() == ["recording,number,file,reason"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_list_goes_neither_into_the_cohort_nor_over_a_folder(tmp_path):
    with pytest.raises(InputError, match="keep it elsewhere"):
        RefusedList(tmp_path / "cohort" / "refused.csv", cohort=tmp_path / "cohort")
    with pytest.raises(InputError, match="name of a file"):
        RefusedList(tmp_path, cohort=tmp_path / "cohort")
