"""A report read back: its numbers, its ceilings, and one sentence for what is damaged."""

import json

import numpy as np
import pytest

from cmae.errors import InputError
from cmae.evaluation.evaluation import FORMAT, FORMAT_NUMBER
from cmae.evaluation.report import COLUMNS, read_report


def probe(target, features, value, measure="r2", **more):
    ends = {"low": value - 0.1, "high": value + 0.1}
    row = {"source": "ecg", "target": target, "features": features, "measure": measure, "n": 90}
    row |= {"value": value, **ends, "chance": 0.0}
    for score in ("within_sex", "adjusted"):
        row |= {score: None, f"{score}_low": None, f"{score}_high": None}
    return {**row, **more}


@pytest.fixture
def metrics():
    within = {"within_sex": 0.3, "within_sex_low": 0.2, "within_sex_high": 0.4}
    tables = {
        "probes": [probe("mass", "latent", 0.6, **within), probe("mass", "pca", 0.4)],
        "probe_pairs": [
            {"source": "ecg", "target": "mass", "features": "latent", "against": "pca",
             "measure": f"r2{end}", "n": 90, "difference": 0.2, "low": 0.1, "high": 0.3}
            for end in ("", "_within_sex")
        ],
        "ceilings": [
            {"name": "mass", "source": "ecg", "measure": "r2", "value": 0.8, "low": 0.7,
             "high": 0.9, "within_sex": 0.5}
        ],
        "label_curves": [
            {**probe("mass", "latent", value), "labels": labels}
            for value, labels in ((0.5, 200), (0.2, 50))
        ],
        "function_measures": [
            {"measure": "edv_ml", "of": "ecg_to_mri", "against": "recorded", "value": value,
             "reference": reference}
            for value, reference in ((100, 90), (120, 140), (None, 100))
        ],
        "function_agreement": [
            {"measure": "edv_ml", "unit": "mL", "of": "ecg_to_mri", "against": "recorded",
             "statistic": name, "value": value, "low": value - 1, "high": value + 1, "n": 2}
            for name, value in (("bias", -5), ("limit_low", -40), ("limit_high", 30))
        ],
    }  # fmt: skip
    return {
        "format": FORMAT, "format_number": FORMAT_NUMBER, "is_simulated": True,
        "run": {"name": "small", "fingerprint": "ab" * 8},
        "cohort": {"fingerprint": "cd" * 32, "rows": 120}, "held_out": "all 90 test rows",
        "decoded": 20, "mean_recording": "70 others", "names": {"mass": "LV mass (g)"},
        "measures": {"r2": "R²"}, "headlines": ["It works."], "tables": tables,
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path, metrics):
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    return tmp_path


def test_each_score_of_a_probe_comes_with_its_interval_and_ceiling(folder):
    report = read_report(folder)
    everybody = report.probes("ecg", "r2").set_index("features")
    assert everybody.loc["latent", ["value", "low", "high", "ceiling"]].tolist() == [
        0.6, 0.5, 0.7, 0.8
    ]  # fmt: skip
    within = report.probes("ecg", "r2", score="within_sex")
    assert within["features"].tolist() == ["latent"]
    assert within[["value", "low", "high", "ceiling"]].to_numpy().tolist() == [[0.3, 0.2, 0.4, 0.5]]
    assert report.probes("ecg", "r2", score="adjusted").empty
    assert report.probes("mri", "auroc").empty
    assert report.probe_pairs("ecg", "r2", score="within_sex")["difference"].tolist() == [0.2]


def test_label_curves_go_from_few_to_many(folder):
    curve = read_report(folder).label_curves("ecg", "mass")
    assert curve["labels"].tolist() == [50, 200]
    assert curve["ceiling"].tolist() == [0.8, 0.8]


def test_agreement_has_the_differences_and_the_reported_lines(folder):
    found = read_report(folder).bland_altman("edv_ml", "ecg_to_mri")
    np.testing.assert_array_equal(found.mean, [95, 130])
    np.testing.assert_array_equal(found.difference, [10, -20])
    assert found.lines["limit_high"] == (30, 29, 31)
    with pytest.raises(InputError, match="holds no ef_percent"):
        read_report(folder).bland_altman("ef_percent", "ecg_to_mri")


def test_parts_that_were_not_measured_are_empty_tables(folder, metrics):
    metrics["tables"] = {}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    report = read_report(folder)
    assert all(table.empty for table in report.tables.values())
    assert report.probes("ecg", "r2").empty
    assert report.label_curves("ecg", "mass").empty


def test_the_facts_are_those_of_the_file(folder):
    report = read_report(folder)
    assert (report.run_name, report.cohort_rows, report.decoded) == ("small", 120, 20)
    assert report.names == {"mass": "LV mass (g)", "r2": "R²"}
    assert report.headlines == ("It works.",)
    assert report.is_simulated


def test_a_folder_without_a_report_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match="cmae evaluate"):
        read_report(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 100_000, '{"format": 1}', "\x00"])
def test_a_damaged_file_is_one_sentence(tmp_path, text):
    (tmp_path / "metrics.json").write_text(text)
    with pytest.raises(InputError, match="make it again"):
        read_report(tmp_path)


def test_another_format_says_so(folder, metrics):
    (folder / "metrics.json").write_text(json.dumps({**metrics, "format_number": 99}))
    with pytest.raises(InputError, match="another format"):
        read_report(folder)


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_a_table_that_lacks_a_column_or_holds_words_is_one_sentence(folder, metrics, name):
    wrong = [[{"strange": 1}], "rows", {"a": 1}, [1, 2]]
    if any(column in ("n", "value", "labels") for column in COLUMNS[name]):
        wrong.append([dict.fromkeys(COLUMNS[name], "x")])
    for rows in wrong:
        metrics["tables"] = {name: rows}
        (folder / "metrics.json").write_text(json.dumps(metrics))
        with pytest.raises(InputError, match="evaluate again"):
            read_report(folder)


def test_numbers_that_are_not_finite_are_missing(folder, metrics):
    metrics["tables"]["probes"][0]["value"] = float("inf")
    (folder / "metrics.json").write_text(json.dumps(metrics))
    assert read_report(folder).probes("ecg", "r2")["features"].tolist() == ["pca"]
