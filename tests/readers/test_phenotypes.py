"""Tables of phenotypes: joined by participant and visit, described by name or by value."""

import json

import numpy as np
import pandas as pd
import pytest

from cmae.data.cohort import Cohort
from cmae.data.pseudonyms import Pseudonyms, make_key
from cmae.errors import InputError
from cmae.readers.phenotypes import TableSettings, import_table


@pytest.fixture
def cohort(tmp_path, rng) -> Cohort:
    """Participants 1000001 (visits 2 and 3) and 1000002 (visit 2), with ECGs."""
    cohort = Cohort.create(tmp_path / "cohort")
    with cohort.writer() as writer:
        for who, visit in (("1000001", 2), ("1000001", 3), ("1000002", 2)):
            writer.add(who, visit, ecg=rng.normal(size=(600, 12)))
    return cohort


def write(tmp_path, text, name="table.csv"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


@pytest.mark.parametrize(
    "header",
    [
        "eid,31-0.0,21003-2.0,21003-3.0,22420-2.0,24103-2.0,9999-2.0",
        "f.eid,f.31.0.0,f.21003.2.0,f.21003.3.0,f.22420.2.0,f.24103.2.0,f.9999.2.0",
        "eid,p31,p21003_i2,p21003_i3,p22420_i2,p24103_i2,p9999_i2",
    ],
)
@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
def test_columns_of_uk_biobank_belong_to_the_visit_of_their_instance(
    cohort, tmp_path, header, ending
):
    rows = ["1000001,1,60,64.5,55,58,7", "1000002,0,70,,,,8", "7777777,1,50,,,,9"]
    path = write(tmp_path, "\n".join([header, *rows]))
    frame = pd.read_csv(path)
    path = tmp_path / f"table.{ending}"
    if ending == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")

    summary = import_table(path, cohort)

    assert (summary.rows, summary.matched, summary.unknown, summary.added) == (3, 3, 1, 0)
    assert len(cohort) == 3
    assert cohort.table["sex"].tolist() == [1, 1, 0]
    assert cohort.table["age_years"].tolist() == [60, 64.5, 70]
    np.testing.assert_array_equal(cohort.table["lvef_percent"], [58, np.nan, np.nan])
    np.testing.assert_array_equal(cohort.table["ukb_22420"], [55, np.nan, np.nan])
    np.testing.assert_array_equal(cohort.table["ukb_9999"], [7, np.nan, 8])
    assert cohort.columns["age_years"].unit == "years"
    assert cohort.columns["sex"].kind == "binary"
    assert "eid" not in cohort.columns


def test_units_come_from_the_name_and_kinds_from_the_values(cohort, tmp_path):
    path = write(
        tmp_path,
        "participant_id;LV mass (g);smokes;center;name;Sex;ecg_noise_uv\n"
        "1000001;101.5;0;north;Anna;female;3\n1000002;;1;south;Bert;male;4\n",
    )

    summary = import_table(path, cohort)

    assert cohort.columns["LV_mass"].unit == "g"
    assert cohort.columns["smokes"].kind == "binary"
    assert cohort.columns["center"].kind == "categorical"
    assert cohort.table["sex"].tolist() == [0, 0, 1]
    assert summary.left_out["name"] == "names a person"
    assert "own columns" in summary.left_out["ecg_noise_uv"]


def test_declarations_rename_describe_and_leave_out(cohort, tmp_path):
    path = write(tmp_path, "participant_id,a,b,c\n1000001,1,2,3\n1000002,0,5,6\n")
    facts = {"a": {"name": "lv_mass_g"}, "b": {"unit": "kPa", "kind": "continuous"}, "c": None}
    declared = write(tmp_path, json.dumps(facts), "columns.json")

    summary = import_table(path, cohort, settings=TableSettings(columns=declared))

    assert cohort.columns["lv_mass_g"].unit == "g"
    assert cohort.columns["b"].unit == "kPa"
    assert summary.left_out == {"c": "not asked for"}


def test_what_names_everybody_is_left_out(cohort, tmp_path):
    who = [f"9{k:06d}" for k in range(30)]
    lines = [f"{name},{k}00{k:04d},note {k}" for k, name in enumerate(who, 1)]
    path = write(tmp_path, "\n".join(["participant_id,hospital_number,remark", *lines]))

    summary = import_table(path, cohort, settings=TableSettings(may_add=True))

    assert summary.added == 30
    assert set(summary.left_out) == {"hospital_number", "remark"}


def test_what_the_cohort_has_is_kept_and_counted(cohort, tmp_path):
    import_table(write(tmp_path, "participant_id,x\n1000001,1.5\n"), cohort)

    path = write(tmp_path, "participant_id,visit,x\n1000001,2,2.5\n1000002,2,3.5\n1000002,9,1\n")
    summary = import_table(path, cohort)

    assert (summary.values, summary.kept, summary.unknown) == (1, 1, 1)
    assert cohort.table["x"].tolist() == [1.5, 1.5, 3.5]


def test_identifiers_of_a_table_become_the_same_pseudonyms(tmp_path, rng):
    make_key(tmp_path / "key")
    key = Pseudonyms.open(tmp_path / "key")
    cohort = Cohort.create(tmp_path / "cohort")
    path = write(tmp_path, "eid,x\n1000001,1.5\n")

    import_table(path, cohort, settings=TableSettings(key=key, may_add=True))
    summary = import_table(path, cohort, settings=TableSettings(key=key))

    assert cohort.table["participant_id"].tolist() == [key.of("1000001")]
    assert (summary.matched, summary.unknown) == (1, 0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "cannot be read"),
        ("a,b\n1,2\n", "participant_id or eid"),
        ("participant_id,x\nZZZ,1\n", "None of the 1 rows"),
        ("participant_id,x\n1000001,1\n1000001,2\n", "several rows"),
        ("participant_id,visit,x\n1000001,first,2\n", "no whole number"),
        ("participant_id,x\n1000001,1,2,3\n1000002,1,2,3,4,5\n", "cannot be read"),
        ("participant_id,x\0\n1000001,1\n", "cannot be read"),
    ],
)
def test_an_unusable_table_is_one_sentence_without_names(cohort, tmp_path, text, sentence):
    with pytest.raises(InputError, match=sentence) as raised:
        import_table(write(tmp_path, text), cohort)
    assert "1000001" not in str(raised.value)
    assert "ZZZ" not in str(raised.value)


def test_columns_are_declared_as_expected_or_refused(cohort, tmp_path):
    path = write(tmp_path, "participant_id,x\n1000001,1\n")
    for facts in ("[]", '{"x": {"colour": "red"}}', '{"x": {"kind": "odd"}}', '{"y": null}'):
        declared = write(tmp_path, facts, "columns.json")
        with pytest.raises(InputError):
            import_table(path, cohort, settings=TableSettings(columns=declared))
