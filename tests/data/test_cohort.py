import json
import pickle
import shutil
import threading

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cmae.data import parts
from cmae.data.cohort import Cohort
from cmae.data.column import Column
from cmae.errors import CohortError, InputError

AGE = Column("years", "continuous", "covariate", "clinical", "Age")


def ecg(value: float = 0.5) -> np.ndarray:
    return np.full((600, 12), value, np.float32)


def cine(value: int = 100, dtype: type = np.int16) -> np.ndarray:
    return np.full((96, 96, 50), value, dtype)


def test_reopened_cohort_gives_what_was_written(tmp_path, make_cohort):
    made = make_cohort(tmp_path / "c")
    opened = Cohort.open(tmp_path / "c")
    assert opened.table.equals(made.table)
    assert opened.columns == made.columns
    assert opened.fingerprint == made.fingerprint
    assert len(opened) == 12
    assert opened.has("mri").tolist() == [k not in {2, 7} for k in range(12)]
    assert opened.table["visit"].tolist()[:3] == [0, 1, 0]
    assert np.isnan(opened.table["lvef_percent"][4])
    assert opened.table["center"][0] == "south"
    assert not opened.is_simulated


def test_recording_is_stored_in_its_own_type_and_read_many_gives_float32(tmp_path, rng):
    cohort = Cohort.create(tmp_path / "c")
    trace = rng.normal(size=(600, 12))
    frames = [
        rng.integers(-50, 900, (96, 96, 50)).astype(dtype) for dtype in (np.int16, ">i2", np.int64)
    ]
    floats = rng.normal(size=(96, 96, 50))
    with cohort.writer() as writer:
        writer.add("a", ecg=trace, mri=frames[0])
        writer.add("b", mri=frames[1])
        writer.add("c", mri=frames[2])
        writer.add("d", mri=floats)
    assert [cohort.read("mri", k).dtype for k in range(4)] == [
        np.int16, np.int16, np.int32, np.float32,
    ]  # fmt: skip
    np.testing.assert_array_equal(cohort.read("ecg", 0), trace.astype(np.float32))
    many = cohort.read_many("mri", [3, 1, 0, 2, 1])
    assert many.dtype == np.float32
    expected = [floats.astype(np.float32), frames[1], frames[0], frames[2], frames[1]]
    for got, want in zip(many, expected, strict=True):
        np.testing.assert_array_equal(got, want)


def test_parts_are_bounded_plain_and_hold_one_chunk_a_recording(tmp_path, monkeypatch, rng):
    monkeypatch.setattr(parts, "PART_BYTES", 3 * 600 * 12 * 4)
    traces = rng.normal(size=(8, 600, 12)).astype(np.float32)
    cohort = Cohort.create(tmp_path / "c")
    with cohort.writer() as writer:
        for k, trace in enumerate(traces):
            writer.add(f"p{k}", ecg=trace)
    files = sorted((tmp_path / "c" / "recordings").iterdir())
    assert [file.name for file in files] == ["ecg-0001.h5", "ecg-0002.h5", "ecg-0003.h5"]
    with h5py.File(files[0]) as part:
        assert part["recordings"].shape == (3, 600, 12)
        assert part["recordings"].chunks == (1, 600, 12)
        assert part["recordings"].compression is None
        np.testing.assert_array_equal(part["recordings"][:], traces[:3])
    np.testing.assert_array_equal(cohort.read_many("ecg", np.arange(8)[::-1]), traces[::-1])


def test_second_writer_fills_gaps_and_keeps_what_is_there(small_cohort):
    before = small_cohort.read("ecg", 2)
    with small_cohort.writer() as writer:
        writer.add("P002", mri=cine(7), ecg=ecg(9.0), values={"age_years": 1.0})
        writer.add("P004", values={"lvef_percent": 61.0})
        writer.add("new", visit=3, ecg=ecg())
    assert writer.summary.rows == 1
    assert writer.summary.kept == 1
    assert writer.summary.recordings == {"ecg": 1, "mri": 1}
    again = Cohort.open(small_cohort.path)
    assert again.table.equals(small_cohort.table)
    np.testing.assert_array_equal(again.read("ecg", 2), before)
    assert (again.read("mri", 2) == 7).all()
    assert again.table["age_years"][2] == 42.0
    assert again.table["lvef_percent"][4] == 61.0
    assert again.table["visit"][12] == 3


def test_recording_added_twice_by_one_writer_is_kept_once(tmp_path):
    cohort = Cohort.create(tmp_path / "c")
    with cohort.writer() as writer:
        writer.add("a", ecg=ecg(1))
        writer.add("a", ecg=ecg(2))
    assert writer.summary.kept == 1
    assert cohort.read("ecg", 0)[0, 0] == 1


def _add_and_fail(writer) -> None:
    writer.add("new", ecg=ecg())
    raise ZeroDivisionError


def test_exception_in_a_writer_leaves_the_cohort_as_it_was(small_cohort):
    before = Cohort.open(small_cohort.path).fingerprint
    with pytest.raises(ZeroDivisionError), small_cohort.writer() as writer:
        _add_and_fail(writer)
    after = Cohort.open(small_cohort.path)
    assert after.fingerprint == before
    names = sorted(file.name for file in (small_cohort.path / "recordings").iterdir())
    assert names == ["ecg-0001.h5", "mri-0001.h5"]


def test_refused_recording_adds_nothing_and_the_writer_goes_on(tmp_path):
    cohort = Cohort.create(tmp_path / "c")
    broken = ecg()
    broken[3, 4] = np.nan
    with cohort.writer({"age_years": AGE}) as writer:
        for wrong, message in [
            ({"ecg": broken}, "NaN"),
            ({"ecg": ecg()[:500]}, "500"),
            ({"ecg": cine()}, "shape"),
            ({"ecg": np.ones((600, 12), np.int16)}, "int16"),
            ({"ecg": np.full((600, 12), 1e300)}, "too large"),
            ({"mri": np.full((96, 96, 50), 2**40)}, "32 bits"),
            ({"ecg": ecg(), "mri": cine()[None]}, "one recording at a time"),
            ({"ecg": ecg(), "values": {"weight": 3}}, "declare it"),
            ({"ecg": ecg(), "values": {"age_years": "old"}}, "str"),
            ({"ecg": ecg(), "values": {"age_years": np.inf}}, "infinite"),
        ]:
            with pytest.raises(InputError, match=message):
                writer.add("secret-1", **wrong)
        with pytest.raises(InputError, match="participant_id"):
            writer.add("", ecg=ecg())
        with pytest.raises(InputError, match="visit"):
            writer.add("a", visit=-1, ecg=ecg())
        writer.add("a", ecg=ecg(), values={"age_years": np.float32(3), "ecg_rr_ms": None})
    assert len(cohort) == 1
    assert cohort.table["age_years"].tolist() == [3.0]


def test_messages_never_hold_an_identifier(small_cohort):
    with small_cohort.writer() as writer, pytest.raises(InputError) as caught:
        writer.add("secret-1", ecg=ecg()[:3], values={"age_years": 77.25})
    assert "secret-1" not in str(caught.value)
    assert "77.25" not in str(caught.value)


def test_column_of_another_unit_is_refused(small_cohort):
    months = Column("months", "continuous", "covariate", "clinical", "Age")
    with (
        pytest.raises(InputError, match="convert or rename"),
        small_cohort.writer({"age_years": months}),
    ):
        pass
    with pytest.raises(InputError, match="cannot be named"), small_cohort.writer({"visit": AGE}):
        pass
    with pytest.raises(InputError, match="kind"):
        Column("", "ordinal", "covariate", "clinical", "")


def test_add_many_adds_each_row_of_a_table(tmp_path, small_cohort, rng):
    traces = rng.normal(size=(3, 600, 12)).astype(np.float32)
    rows = small_cohort.table.loc[:2, ["participant_id", "visit", "age_years", "center"]]
    cohort = Cohort.create(tmp_path / "many")
    with cohort.writer({n: small_cohort.columns[n] for n in ("age_years", "center")}) as writer:
        writer.add_many(rows, ecg=traces)
        with pytest.raises(InputError, match="2 ecg"):
            writer.add_many(rows, ecg=traces[:2])
    np.testing.assert_array_equal(cohort.read_many("ecg", range(3)), traces)
    assert cohort.table["center"].tolist() == small_cohort.table["center"].tolist()[:3]


def test_row_without_a_recording_is_refused_by_its_number(small_cohort):
    with pytest.raises(CohortError, match="Row 2 has no MRI"):
        small_cohort.read("mri", 2)
    with pytest.raises(CohortError, match="Row 3 has no ECG"):
        small_cohort.read_many("ecg", [1, 3])
    with pytest.raises(CohortError, match="outside"):
        small_cohort.read("ecg", 12)
    with pytest.raises(CohortError, match="no modality"):
        small_cohort.has("echo")
    assert small_cohort.read_many("ecg", []).shape == (0, 600, 12)


def test_selection_reads_the_same_recordings_and_cannot_be_changed(small_cohort):
    mask = small_cohort.has("ecg") & small_cohort.has("mri")
    both = small_cohort.select(mask)
    assert len(both) == 8
    rows = np.flatnonzero(mask)
    np.testing.assert_array_equal(both.read("mri", 5), small_cohort.read("mri", rows[5]))
    assert both.select([1, 0]).table["participant_id"].tolist() == ["P000", "P000"]
    assert both.fingerprint != small_cohort.fingerprint
    with pytest.raises(CohortError, match="cannot be changed"):
        both.writer()
    with pytest.raises(CohortError, match="cannot be changed"):
        both.drop(["P000"])
    with pytest.raises(CohortError, match="mask"):
        both.select(mask)


def test_dropped_participant_leaves_no_bytes_behind(small_cohort):
    marked = np.full((600, 12), 123.456, np.float32)
    with small_cohort.writer() as writer:
        writer.add("gone", ecg=marked, mri=cine(31999))
    kept = [small_cohort.read("ecg", k) for k in (0, 1, 2)]
    summary = small_cohort.drop(["gone", "P005", "nobody"])
    assert (summary.participants, summary.rows, summary.unknown) == (2, 2, 1)
    assert summary.recordings == {"ecg": 2, "mri": 2}
    again = Cohort.open(small_cohort.path)
    assert not {"gone", "P005"} & set(again.table["participant_id"])
    assert len(again) == len(small_cohort) == 11
    for row, trace in enumerate(kept):
        np.testing.assert_array_equal(again.read("ecg", row), trace)
    for file in small_cohort.path.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert marked[:2].tobytes() not in content
            assert b"gone" not in content


def test_part_names_are_never_used_twice(tmp_path):
    cohort = Cohort.create(tmp_path / "c")
    with cohort.writer() as writer:
        writer.add("a", ecg=ecg(1))
    cohort.drop(["a"])
    with cohort.writer() as writer:
        writer.add("b", ecg=ecg(2))
    assert cohort.table["ecg_part"].tolist() == ["ecg-0002.h5"]


def test_reader_of_a_changed_cohort_is_told_to_open_it_again(small_cohort):
    stale = Cohort.open(small_cohort.path)
    small_cohort.drop(["P005"])
    with pytest.raises(CohortError, match="open it again"):
        stale.read("ecg", 0)


def test_split_is_by_participant_and_stable_when_the_cohort_grows(tmp_path):
    cohort = Cohort.create(tmp_path / "c")
    with cohort.writer({"age_years": AGE}) as writer:
        for k in range(400):
            writer.add(f"p{k // 2}", visit=k % 2, values={"age_years": 50})
    before = cohort.split(seed=3)
    assert sorted(np.concatenate(list(before.values())).tolist()) == list(range(400))
    people = {n: set(cohort.table["participant_id"].iloc[r]) for n, r in before.items()}
    assert not people["train"] & people["test"]
    assert not people["validation"] & (people["train"] | people["test"])
    assert 240 < len(before["train"]) < 320
    with cohort.writer() as writer:
        for k in range(100):
            writer.add(f"q{k}", values={"age_years": 50})
    after = cohort.split(seed=3)
    for name, rows in before.items():
        assert set(rows) == {row for row in after[name] if row < 400}
    assert not np.array_equal(cohort.split(seed=4)["test"], after["test"])
    assert len(cohort.split((1, 0, 0))["train"]) == 500
    with pytest.raises(CohortError, match="sum to 1"):
        cohort.split((0.5, 0.1, 0.1))


def test_info_counts_and_is_ready_for_json(small_cohort):
    info = json.loads(json.dumps(small_cohort.info()))
    assert info["rows"] == 12
    assert info["participants"] == 11
    assert info["recordings"] == {"ecg": 10, "mri": 10}
    assert info["rows_with_all_modalities"] == 8
    assert info["stored_types"] == {"ecg": ["float32"], "mri": ["uint16"]}
    assert info["columns"]["lvef_percent"]["present"] == 11
    assert info["columns"]["lvef_percent"]["unit"] == "%"
    assert "P00" not in json.dumps(info)


def test_same_content_gives_the_same_fingerprint_and_another_value_another(tmp_path, make_cohort):
    one = make_cohort(tmp_path / "one")
    assert make_cohort(tmp_path / "two").fingerprint == one.fingerprint
    with one.writer() as writer:
        writer.add("P004", values={"lvef_percent": 50.0})
    assert one.fingerprint != make_cohort(tmp_path / "three").fingerprint


def test_cohort_survives_pickle_and_threads(small_cohort):
    copy = pickle.loads(pickle.dumps(small_cohort))
    rows = np.flatnonzero(copy.has("mri"))
    expected = small_cohort.read_many("mri", rows)
    wrong = []

    def read() -> None:
        wrong.extend(
            row for k, row in enumerate(rows) if (copy.read("mri", row) != expected[k]).any()
        )

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_few_files_stay_open_however_many_parts_there_are(tmp_path, monkeypatch, rng):
    monkeypatch.setattr(parts, "PART_BYTES", 1)
    monkeypatch.setattr(parts, "_MAX_OPEN_FILES", 2)
    traces = rng.normal(size=(6, 600, 12)).astype(np.float32)
    cohort = Cohort.create(tmp_path / "c")
    with cohort.writer() as writer:
        for k in range(6):
            writer.add(f"p{k}", ecg=traces[k])
    np.testing.assert_array_equal(cohort.read_many("ecg", [5, 0, 3, 1, 4, 2, 0]),
                                  traces[[5, 0, 3, 1, 4, 2, 0]])  # fmt: skip
    assert len(cohort._reader._files) == 2


def test_create_refuses_a_folder_that_holds_something(tmp_path, small_cohort):
    with pytest.raises(CohortError, match="not empty"):
        Cohort.create(small_cohort.path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "note.txt").write_text("x")
    with pytest.raises(CohortError, match="not empty"):
        Cohort.create(tmp_path / "other")
    with pytest.raises(CohortError, match="not a cohort"):
        Cohort.open_or_create(tmp_path / "other")
    assert len(Cohort.open_or_create(small_cohort.path)) == 12


def test_missing_or_foreign_folder_is_refused(tmp_path):
    with pytest.raises(CohortError, match="no cohort"):
        Cohort.open(tmp_path / "nowhere")
    with pytest.raises(CohortError, match="not a cohort"):
        Cohort.open(tmp_path)


def test_other_format_number_is_refused(small_cohort):
    path = small_cohort.path / "columns.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "format_number": 99}))
    with pytest.raises(CohortError, match="format 99"):
        Cohort.open(small_cohort.path)
    path.write_text(json.dumps({**facts, "format": "other"}))
    with pytest.raises(CohortError, match="another kind"):
        Cohort.open(small_cohort.path)
    path.write_text("{")
    with pytest.raises(CohortError, match="damaged"):
        Cohort.open(small_cohort.path)


@pytest.mark.parametrize("keep", [0, 100, 5_000, -40_000, -1])
def test_truncated_part_is_refused(small_cohort, keep):
    path = small_cohort.path / "recordings" / "ecg-0001.h5"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CohortError, match=r"ecg-0001.h5 (is|lacks)"):
        Cohort.open(small_cohort.path)


def test_absent_part_is_refused(small_cohort):
    (small_cohort.path / "recordings" / "mri-0001.h5").unlink()
    with pytest.raises(CohortError, match="not there"):
        Cohort.open(small_cohort.path)


def test_part_of_the_other_modality_or_another_layout_is_refused(small_cohort):
    folder = small_cohort.path / "recordings"
    shutil.copy(folder / "ecg-0001.h5", folder / "mri-0001.h5")
    with pytest.raises(CohortError, match="not a part of this kind"):
        Cohort.open(small_cohort.path)
    with h5py.File(folder / "mri-0001.h5", "w") as file:
        file.create_dataset("recordings", data=np.ones((12, 96, 96, 50), "u1"), compression="gzip")
    with pytest.raises(CohortError, match="one plain chunk"):
        Cohort.open(small_cohort.path)
    with h5py.File(folder / "mri-0001.h5", "w") as file:
        file.create_dataset(
            "recordings", (12, 96, 96, 50), "u2", chunks=(1, 96, 96, 50)
        )[0] = 1  # fmt: skip
    with pytest.raises(CohortError, match="lacks some"):
        Cohort.open(small_cohort.path)


def _rewrite(cohort: Cohort, change) -> None:
    path = cohort.path / "table.parquet"
    pq.write_table(change(pq.read_table(path)), path)


def _with_first_index(table: pa.Table, value: int | None) -> pa.Table:
    indices = [value, *table["ecg_index"].to_pylist()[1:]]
    place = table.schema.get_field_index("ecg_index")
    return table.set_column(place, "ecg_index", pa.array(indices, pa.int64()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: _with_first_index(t, 10), "beyond"),
        (lambda t: _with_first_index(t, -1), "without an index"),
        (lambda t: _with_first_index(t, None), "without an index"),
        (lambda t: pa.concat_tables([t, t]), "key of another row"),
        (lambda t: t.drop_columns(["visit"]), "lacks the column visit"),
        (lambda t: t.append_column("odd", pa.array([1.0] * len(t))), "does not describe"),
        (
            lambda t: t.drop_columns("sex").append_column("sex", pa.array(["x"] * len(t))),
            "holds sex as string",
        ),
    ],
)
def test_table_that_does_not_fit_is_refused(small_cohort, change, message):
    _rewrite(small_cohort, change)
    with pytest.raises(CohortError, match=message):
        Cohort.open(small_cohort.path)


def test_damaged_table_is_refused(small_cohort):
    path = small_cohort.path / "table.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CohortError, match="not a readable Parquet"):
        Cohort.open(small_cohort.path)


def test_table_that_would_fill_the_memory_is_refused(small_cohort):
    rows = 20_000_000  # constants: a few kB on the disk
    zeros = pa.array(np.zeros(rows, bool))
    bomb = pa.table({"participant_id": zeros, "visit": zeros, "is_simulated": zeros})
    path = small_cohort.path / "table.parquet"
    pq.write_table(bomb, path)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(CohortError, match="refused"):
        Cohort.open(small_cohort.path)


def test_long_text_of_many_rows_is_one_text_in_memory(small_cohort):
    with small_cohort.writer() as writer:
        for k in range(300):
            writer.add(f"N{k}", values={"center": "x" * 50_000})
    assert (small_cohort.path / "table.parquet").stat().st_size < 100_000
    texts = Cohort.open(small_cohort.path).table["center"][12:]
    assert len({id(text) for text in texts}) == 1
