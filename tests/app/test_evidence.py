"""What was measured before: shown as it was written, and said where it is of something else."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from app import evidence_caches, evidence_charts
from app.__main__ import main
from app.explorer import Evidence, show_evidence, shown_evidence
from cmae.evaluation.report import read_report
from cmae.latent.association_reading import read_results, scan_points

sys.path.insert(0, str(Path(__file__).parent))
from evidence_data import write_phenotypes, write_report, write_variants

PARTS = ("In short", "Phenotypes", "Few labels", "Retrieval", "Reconstruction", "Function")
MEMBERS = ("report", "variants", "phenotypes")


@pytest.fixture
def folders(tmp_path, explorer):
    """A report and two associations of what is open, shown by this server."""
    of = {"run": explorer.latents.run_fingerprint, "cohort": explorer.cohort.fingerprint}
    report = write_report(tmp_path / "report", **of)
    associations = (
        write_variants(tmp_path / "variants", **of),
        write_phenotypes(tmp_path / "phenotypes", **of),
    )
    show_evidence(Evidence((report,), associations))
    yield dict(zip(MEMBERS, (report, *associations), strict=True))
    show_evidence(Evidence())


def test_without_evidence_the_page_says_which_commands_make_some(page, texts):
    show_evidence(Evidence())
    at = page("evidence")
    assert not at.exception
    assert "Nothing was measured yet" in texts(at)
    code = "".join(each.value for each in at.code)
    assert "cmae evaluate quick_run" in code
    assert "--report report --association associations" in code


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_a_report_is_drawn(page, texts, folders, part):
    at = page("evidence")
    at.session_state[f"evidence-part-{len(PARTS)}"] = part
    at.run()
    assert not at.exception
    assert not at.error
    assert "measured run small" in texts(at)
    if part == "In short":
        assert "It tells &lt;b&gt;something&lt;/b&gt;." in texts(at)
    else:
        assert len(at.dataframe) >= 1


def test_the_numbers_of_a_part_are_those_of_the_report(page, folders):
    at = page("evidence")
    at.session_state[f"evidence-part-{len(PARTS)}"] = "Phenotypes"
    at.run()
    shown = at.dataframe[0].value
    expected = read_report(folders["report"]).probes("ecg", "r2")
    np.testing.assert_array_equal(shown["value"], expected["value"])
    np.testing.assert_array_equal(shown["ceiling"], [0.8, 0.8])
    assert shown["n"].tolist() == [90, 90]
    assert set(shown["target"]) == {"Ejection fraction (%)"}


@pytest.mark.parametrize(("number", "words"), [(1, "1.02"), (2, "45")])
def test_an_association_is_drawn_with_its_numbers(page, texts, folders, number, words):
    at = page("evidence", evidence=str(number))
    at.session_state["evidence"] = number
    at.run()
    assert not at.exception
    assert not at.error
    assert words in texts(at)
    assert len(at.dataframe) == 1


@pytest.mark.parametrize("number", range(3))
def test_a_damaged_folder_is_one_sentence_and_the_page_stays(page, texts, folders, number):
    for name in ("metrics.json", "summary.json"):
        path = list(folders.values())[number] / name
        if path.exists():
            path.write_text("{")
    at = page("evidence")
    at.session_state["evidence"] = number
    at.run()
    assert not at.exception
    assert len(at.error) == 1
    assert "Evidence" in texts(at)


def test_what_is_of_another_run_or_cohort_says_so(explorer):
    run, cohort = explorer.latents.run_fingerprint, explorer.cohort.fingerprint
    assert evidence_caches.misfit(run, cohort) == ""
    assert "on another cohort" in evidence_caches.misfit(run, "else")
    assert "with another run than" in evidence_caches.misfit("else", cohort)
    assert "another run and on another cohort" in evidence_caches.misfit("else", "else")
    assert "does not say" in evidence_caches.misfit("", "")
    assert evidence_caches.is_of_run(run)
    assert not evidence_caches.is_of_run("else")


def test_a_report_of_another_run_is_shown_with_a_warning(page, folders):
    path = folders["report"] / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics["run"]["fingerprint"] = "another"
    path.write_text(json.dumps(metrics))
    at = page("evidence")
    assert not at.exception
    assert any("another run" in warning.value for warning in at.warning)


def test_the_manhattan_plot_marks_hits_with_their_row(folders):
    results = read_results(folders["variants"])
    points = scan_points(results, "joint")
    figure = evidence_charts.manhattan(points, results.hits)
    marks = figure.data[-1]
    assert list(marks.customdata) == [0]
    assert list(marks.y) == [12.5]
    assert sum(len(trace.x) for trace in figure.data[:-1]) == len(points.places)
    drawn = evidence_charts.qq(points.quantiles, title="joint").data[-1]
    np.testing.assert_array_equal(drawn.y, points.quantiles.observed)


def test_the_forest_draws_values_intervals_and_ceilings(folders):
    report = read_report(folders["report"])
    table = report.probes("ecg", "r2")
    figure = evidence_charts.forest(table, report.names, measure="r2")
    latent = next(trace for trace in figure.data if trace.name == "latent")
    assert list(latent.x) == [0.5]
    assert latent.error_x.array[0] == pytest.approx(0.1)
    ceiling = next(trace for trace in figure.data if trace.name == "ceiling")
    assert list(ceiling.x) == [0.8]
    assert figure.layout.yaxis.ticktext == ("Ejection fraction (%)",)


def test_phenotypes_carry_their_row_also_out_of_order(folders):
    table = read_results(folders["phenotypes"]).table.iloc[::-1]
    traces = evidence_charts.phenome(table, ["Age", "EF"]).data
    rows = {
        int(row): x for trace in traces for row, x in zip(trace.customdata, trace.x, strict=True)
    }
    assert rows == {0: 0.6, 1: 0.1}


@pytest.mark.parametrize("option", ["--report", "--association"])
def test_a_folder_of_something_else_stops_the_start_in_one_sentence(tmp_path, capsys, option):
    assert main([option, str(tmp_path), "--no-browser"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "give a folder that `cmae" in said
    assert shown_evidence() == Evidence()
