"""Who a run is measured on: never somebody whom it, or a baseline, was trained on."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cmae.data.table import rows_fingerprint
from cmae.errors import CohortError, RunError
from cmae.evaluation.participants import held_out, split_of


def make_run(folder, fingerprint, parts, **facts):
    folder.mkdir()
    card = {"cohort_fingerprint": fingerprint, **facts}
    (folder / "card.json").write_text(json.dumps(card))
    table = pd.DataFrame([(row, name) for name, rows in parts.items() for row in rows])
    table.to_csv(folder / "split.csv", header=["row", "split"], index=False)
    return folder


@pytest.fixture
def trained(tmp_path, full_cohort):
    parts = {"train": [0, 1, 2, 3], "validation": [4, 5], "test": [6, 7, 8]}
    return make_run(tmp_path / "run", full_cohort.fingerprint, parts)


def chosen(runs, cohort, **options):
    return held_out(runs, cohort, **{"most_decoded": 2, **options})


def test_of_the_training_cohort_only_unseen_rows_count(trained, full_cohort):
    found = chosen([trained], full_cohort)
    assert found.rows.tolist() == list(range(6, len(full_cohort)))
    assert set(found.decoded) < set(found.rows)
    assert len(found.decoded) == 2
    assert found.for_mean.tolist() == [0, 1, 2, 3]
    assert "training cohort" in found.description


def test_what_a_baseline_has_seen_does_not_count_either(trained, tmp_path, full_cohort):
    parts = {"train": [6], "validation": [7], "test": [0, 8]}
    baseline = make_run(tmp_path / "baseline", full_cohort.fingerprint, parts)
    assert chosen([trained, baseline], full_cohort).rows.tolist() == list(
        range(8, len(full_cohort))
    )


def test_another_cohort_counts_whole_and_gives_the_mean_of_others(tmp_path, full_cohort):
    run = make_run(tmp_path / "run", "another", {"train": [0, 1]})
    found = chosen([run], full_cohort, most_decoded=1000)
    assert found.rows.tolist() == list(range(len(full_cohort)))
    assert not set(found.decoded) & set(found.for_mean)
    assert len(found.for_mean) >= len(full_cohort) // 2


def test_the_same_seed_decodes_the_same_rows(tmp_path, full_cohort):
    run = make_run(tmp_path / "run", "another", {"train": [0]})
    first, again, other = (chosen([run], full_cohort, seed=seed) for seed in (1, 1, 5))
    np.testing.assert_array_equal(first.decoded, again.decoded)
    assert first.decoded.tolist() != other.decoded.tolist()


def test_a_cohort_that_was_seen_whole_is_refused(tmp_path, full_cohort):
    everybody = {"train": range(len(full_cohort))}
    run = make_run(tmp_path / "run", full_cohort.fingerprint, everybody)
    with pytest.raises(CohortError, match=r"0 of .* rows were not seen"):
        chosen([run], full_cohort)


@pytest.mark.parametrize("text", [None, "", "row\n1\n", "row,split\n9999,train\n"])
def test_a_split_that_cannot_be_is_refused(trained, full_cohort, text):
    path = trained / "split.csv"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(RunError, match=r"split\.csv"):
        chosen([trained], full_cohort)


def test_a_training_cohort_that_has_grown_is_known_again(tmp_path, full_cohort):
    facts = {"cohort_rows": 8, "rows_fingerprint": rows_fingerprint(full_cohort.table, 8)}
    parts = {"train": [0, 1, 2, 3], "validation": [4, 5], "test": [6, 7]}
    run = make_run(tmp_path / "run", "what it was before", parts, **facts)
    assert chosen([run], full_cohort).rows.tolist() == list(range(6, len(full_cohort)))


def test_a_later_visit_of_somebody_who_was_seen_does_not_count(tmp_path, full_cohort):
    table = full_cohort.table.copy()
    table.loc[len(table) - 1, "participant_id"] = table.loc[0, "participant_id"]
    table.loc[len(table) - 1, "visit"] = 7
    cohort = SimpleNamespace(table=table, has=full_cohort.has)
    facts = {"cohort_rows": 8, "rows_fingerprint": rows_fingerprint(table, 8)}
    run = make_run(tmp_path / "run", "before", {"train": [0], "test": range(1, 8)}, **facts)
    is_other = (table["participant_id"] != table.loc[0, "participant_id"]).to_numpy()
    assert not is_other[-1]
    assert chosen([run], cohort).rows.tolist() == np.flatnonzero(is_other).tolist()


def test_a_baseline_that_knows_some_of_another_cohort_is_said(trained, tmp_path, full_cohort):
    run = make_run(tmp_path / "other", "another", {"train": [0]})
    found = chosen([run, trained], full_cohort)
    assert found.rows.tolist() == list(range(6, len(full_cohort)))
    assert found.description.startswith(f"{len(full_cohort) - 6} rows that no baseline")


def test_the_split_is_that_of_the_training_cohort_and_of_no_other(
    trained, full_cohort, small_cohort
):
    names = split_of(trained, full_cohort.table)
    expected = ["train"] * 4 + ["validation"] * 2 + ["test"] * 3
    assert names.tolist() == expected + [""] * (len(full_cohort) - len(expected))
    assert split_of(trained, small_cohort.table) is None
