"""`cmae evaluate`: a whole tiny run, work that goes on, and bad input."""

import json
import re
import shutil

import keras
import numpy as np
import pandas as pd
import pytest

from cmae import cli
from cmae.data.cohort import Cohort
from cmae.figures import evaluation_report
from cmae.model.architecture import Architecture, CompactNetwork
from cmae.model.autoencoder import CrossModalAutoencoder
from cmae.model.run import FORMAT_NUMBER, CineScale, ModelFile, save_model

TINY = {
    "ecg": CompactNetwork(patch=60, filters=(4,)),
    "mri": CompactNetwork(patch=24, filters=(4,)),
}
ROWS = 48


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run of a few thousand random weights."""
    keras.utils.set_random_seed(0)
    architecture = Architecture(TINY, latent_dim=6)
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    folder.mkdir()
    described = ModelFile(FORMAT_NUMBER, architecture, decoded_cine=CineScale(200.0, 50.0))
    save_model(folder, described, CrossModalAutoencoder(architecture))
    return folder


@pytest.fixture(scope="module")
def people(tmp_path_factory, make_cohort):
    """A cohort of random recordings; enough rows for five folds."""
    return make_cohort(tmp_path_factory.mktemp("people") / "cohort", ROWS, gaps=False)


@pytest.fixture(scope="module")
def latents(run_folder, people):
    path = people.path.parent / "latents.h5"
    assert cli.main(["embed", str(run_folder), str(people.path), "--out", str(path)]) == 0
    return path


def error_of(capsys, *words):
    """Run a command that fails, and return its one line of error."""
    capsys.readouterr()
    try:
        code = cli.main(["evaluate", *map(str, words)])
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    # Progress may stand above it; the error is the last line.
    return printed.err.splitlines()[-1]


def test_a_run_is_measured_and_more_parts_can_follow(run_folder, people, latents, tmp_path, capsys):
    out = tmp_path / "report"
    words = ["evaluate", run_folder, people.path, "--latents", latents, "--out", out]
    words += ["--decoded", "4", "--json", "--parts"]
    assert cli.main([*map(str, words), "retrieval"]) == 0
    first = json.loads(capsys.readouterr().out)
    others = "a cohort other than the one that the run was trained on"
    assert first["measured_on"] == f"all {ROWS} rows of {others}"
    assert first["is_simulated"] is False
    assert not (out / "tables" / "paths.csv").exists()
    made = (out / "tables" / "retrieval.csv").stat().st_mtime_ns
    assert cli.main([*map(str, words), "retrieval", "probes", "paths"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (out / "tables" / "retrieval.csv").stat().st_mtime_ns == made
    probes = pd.read_csv(out / "tables" / "probes.csv")
    assert set(probes["features"]) == {"latent", "pca", "classical", "covariates", "shuffled"}
    # lvef_percent grows with the row number, as age does, and an MRI phenotype is no MRI's target.
    told = probes[(probes["target"] == "lvef_percent") & (probes["measure"] == "r2")]
    assert set(told["source"]) == {"ecg"}
    assert told.set_index("features")["value"]["covariates"] > 0.99
    paths = pd.read_csv(out / "tables" / "paths.csv")
    assert set(paths["n"]) == {4}
    sentences = [row["finding"] for row in again["findings"]]
    metrics = json.loads((out / "metrics.json").read_text())
    assert sentences == metrics["headlines"]
    assert any("translated from the ECG" in line for line in sentences)
    page = (out / "report.html").read_text()
    assert "Reconstruction and translation" in page
    assert "SIMULATED" not in page


def test_findings_are_a_line_each_for_people(run_folder, people, latents, tmp_path, capsys):
    words = ["evaluate", run_folder, people.path, "--latents", latents, "--out", tmp_path / "out"]
    assert cli.main([*map(str, words), "--parts", "retrieval"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("is among the 10 nearest" in line for line in lines) == 2


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--parts", "magic"], "invalid choice: 'magic'"),
        (["--baseline", "nowhere"], "nowhere holds no model.toml"),
        (["--latents", "nowhere.h5"], "nowhere.h5"),
        (["--decoded", "1"], "too few: give 2 or more"),
        (["--decoded", "0"], "whole number of at least 1"),
        (["--seed", "-1"], "count from 0"),
    ],
)
def test_wrong_words_are_one_sentence(run_folder, people, tmp_path, capsys, more, message):
    out = tmp_path / "out"
    assert message in error_of(capsys, run_folder, people.path, "--out", out, *more)
    assert not out.exists()


def test_latents_of_another_cohort_are_refused(run_folder, small_cohort, latents, tmp_path, capsys):
    words = [run_folder, small_cohort.path, "--latents", latents, "--out", tmp_path / "out"]
    assert "holds latents of another cohort" in error_of(capsys, *words)


def test_a_folder_that_is_no_run_or_no_cohort_is_refused(run_folder, people, tmp_path, capsys):
    out = ["--out", tmp_path / "out"]
    assert "no finished run" in error_of(capsys, people.path, people.path, *out)
    assert "is not a cohort" in error_of(capsys, run_folder, run_folder, *out)


def test_two_baselines_of_one_name_are_refused(run_folder, people, tmp_path, capsys):
    words = [run_folder, people.path, "--out", tmp_path / "out", "--baseline"]
    message = error_of(capsys, *words, run_folder, run_folder)
    assert "has the name of another: rename its folder" in message


def test_a_report_inside_the_cohort_is_refused(run_folder, small_cohort, capsys):
    out = small_cohort.path / "recordings"
    message = error_of(capsys, run_folder, small_cohort.path, "--out", out)
    assert "would lie inside the cohort" in message
    assert not (out / "tables").exists()


def test_a_cohort_without_recordings_is_refused(run_folder, tmp_path, capsys):
    words = ["simulate", "--participants", "20", "--no-recordings", "--out"]
    assert cli.main([*words, str(tmp_path / "cohort")]) == 0
    message = error_of(capsys, run_folder, tmp_path / "cohort", "--out", tmp_path / "out")
    assert "recording" in message


def test_a_cohort_that_was_seen_whole_is_refused(run_folder, small_cohort, tmp_path, capsys):
    run = shutil.copytree(run_folder, tmp_path / "run")
    card = {"cohort_fingerprint": Cohort.open(small_cohort.path).fingerprint}
    (run / "card.json").write_text(json.dumps(card))
    parts = np.array(["train", "validation"])[np.arange(len(small_cohort)) % 2]
    split = pd.DataFrame({"row": range(len(small_cohort)), "split": parts})
    split.to_csv(run / "split.csv", index=False)
    message = error_of(capsys, run, small_cohort.path, "--out", tmp_path / "out")
    assert "0 of 12 rows were not seen in training" in message


def test_the_long_table_of_agreement_is_folded(tmp_path):
    (tmp_path / "tables").mkdir()
    row = {"measure": "edv_ml", "unit": "mL", "of": "ecg_to_mri", "against": "recorded"}
    row |= {"statistic": "bias", "value": 1.0, "low": 0.0, "high": 2.0, "n": 20, "num_missing": 0}
    table = pd.DataFrame([row] * 200)
    table.to_csv(tmp_path / "tables" / "function_agreement.csv", index=False)
    metrics = {"is_simulated": True, "run": {"name": "tiny", "fingerprint": "f"}, "names": {}}
    metrics |= {"cohort": {"fingerprint": "f", "rows": 20}, "held_out": "all", "baselines": {}}
    metrics |= {"headlines": [], "mean_recording": "10", "measures": {}}
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    assert evaluation_report.write_report(tmp_path) == ["report.html"]
    page = (tmp_path / "report.html").read_text()
    function = page[page.index("Function read from cines") : page.index("How it was measured")]
    outside = re.sub(r"<details>.*?</details>", "", function, flags=re.DOTALL)
    assert function.count("<tr>") == 201
    assert "<tr>" not in outside


def test_the_words_of_the_command_line_are_the_parts_of_the_library():
    from cmae.evaluation.subject import PARTS
    from cmae.evaluation_commands import PARTS as WORDS

    assert WORDS == PARTS
