"""``cmae import`` from the words of the command line to the cohort, and what it may never say."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from cmae import cli
from cmae.data.cohort import Cohort
from cmae.data.pseudonyms import Pseudonyms
from cmae.import_arguments import KINDS

LEADS = ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]
NAMES = ["SECRET-1", "SECRET-2", "SECRET-3"]


def run(*arguments):
    return cli.main([str(argument) for argument in arguments])


def run_json(capsys, *arguments):
    code = run(*arguments, "--json")
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return json.loads(captured.out)


def error_of(capsys, *arguments):
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.err


@pytest.fixture
def ecgs(tmp_path, rng):
    """Three ECGs in CSV, of which one is damaged."""
    folder = tmp_path / "ecgs"
    folder.mkdir()
    time = np.arange(5000) % 475 - 200
    beat = np.exp(-0.5 * (time / 6) ** 2) + 0.2 * np.exp(-0.5 * ((time - 130) / 20) ** 2)
    for name in NAMES:
        signals = beat[:, None] * np.linspace(0.5, 1.5, 8) + 0.01 * rng.normal(size=(5000, 8))
        pd.DataFrame(signals, columns=LEADS).to_csv(folder / f"{name}.csv", index=False)
    (folder / "SECRET-3.csv").write_text("nothing")
    return folder


@pytest.fixture
def imports(ecgs, tmp_path):
    """Words that import the three."""
    declared = ["--rate", 500, "--unit", "mV", "--processes", 0]
    return ["import", "ecg", ecgs, "--out", tmp_path / "c", *declared]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_help_of_its_own(capsys, kind):
    with pytest.raises(SystemExit) as ended:
        run("import", kind, "--help")
    assert ended.value.code == 0
    assert f"cmae import {kind}" in capsys.readouterr().out


def test_nothing_that_is_said_or_drawn_names_a_participant(capsys, imports, tmp_path):
    page = tmp_path / "preview.html"

    assert run(*imports, "--preview", page) == 0

    captured = capsys.readouterr()
    text = page.read_text()
    assert "SECRET" not in captured.out + captured.err + text
    assert text.count("<article>") == 2
    assert not re.search(r"https?:|<script|<link|@import", text)
    assert "Row 0, visit 0" in text
    assert re.search(r"refused +1\n", captured.out)
    assert "previewed rows" in captured.out
    run("import", "table", tmp_path / "none.csv", "--out", tmp_path / "c")
    run(*imports[:2], tmp_path / "ecgs" / "SECRET-3.csv", *imports[3:])
    captured = capsys.readouterr()
    assert "SECRET" not in captured.out + captured.err


def test_info_summarizes_the_quality(capsys, imports, tmp_path):
    run_json(capsys, *imports)

    found = run_json(capsys, "info", tmp_path / "c")

    assert found["quality"]["ecg_beats_used"]["median"] > 5
    assert found["quality"]["ecg_noise_uv"]["flagged"] == 0
    assert not found["has_pseudonyms"]


def test_pseudonyms_go_in_by_key_and_come_out_by_key_and_list(capsys, imports, ecgs, tmp_path):
    key = tmp_path / "key"
    run_json(capsys, "import", "key", key)
    run_json(capsys, *imports, "--pseudonymize", key)
    made = Pseudonyms.open(key)

    cohort = Cohort.open(tmp_path / "c")

    assert cohort.table["participant_id"].tolist() == [made.of(name) for name in NAMES[:2]]
    assert run_json(capsys, "info", tmp_path / "c")["has_pseudonyms"]
    assert "pseudonyms" in error_of(capsys, *imports)
    inside = tmp_path / "c" / "key"
    inside.write_bytes(key.read_bytes())
    assert "keep it elsewhere" in error_of(capsys, *imports, "--pseudonymize", inside)
    (tmp_path / "drop.txt").write_text("SECRET-1\n")
    words = ["drop", tmp_path / "c", "--ids", tmp_path / "drop.txt"]
    assert "None of the 1" in error_of(capsys, *words)
    assert run_json(capsys, *words, "--key-file", key)["participants"] == 1


def test_a_table_adds_phenotypes_to_whom_it_finds(capsys, imports, tmp_path):
    run_json(capsys, *imports)
    table = tmp_path / "p.csv"
    table.write_text("participant_id,age_years,x\nSECRET-1,60,1.5\nSECRET-9,70,2.5\n")

    found = run_json(capsys, "import", "table", table, "--out", tmp_path / "c")

    assert (found["matched"], found["unknown"], found["added"]) == (1, 1, 0)
    assert found["columns"]["age_years"]["unit"] == "years"
    added = run_json(capsys, "import", "table", table, "--out", tmp_path / "c", "--add")
    assert added["added"] == 1
    assert not (tmp_path / "d").exists()
    assert "no cohort" in error_of(capsys, "import", "table", table, "--out", tmp_path / "d")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--preview", "p.png"], ".html"),
        (["--pseudonymize", "no-such-key"], "cmae import key"),
        (["--ids", "no-such-table.csv"], "table of identifiers"),
    ],
)
def test_an_import_that_cannot_begin_leaves_nothing(capsys, imports, tmp_path, more, sentence):
    assert sentence in error_of(capsys, *imports, *more)
    assert not (tmp_path / "c").exists()


def test_an_import_of_nothing_is_refused(capsys, tmp_path):
    assert "nothing to import" in error_of(capsys, "import", "ukb", "--out", tmp_path / "c")
    words = ["import", "cine", tmp_path, "--out", tmp_path / "c", "--crop", "ml4h"]
    assert "masks" in error_of(capsys, *words)
    assert not (tmp_path / "c").exists()


def test_refused_files_are_counted_by_reason_and_listed_on_request(capsys, imports, ecgs, tmp_path):
    for k in range(4, 8):
        (ecgs / f"SECRET-{k}.csv").write_text("nothing")
    listed = tmp_path / "refused.csv"

    assert run(*imports, "--refused", listed) == 0

    captured = capsys.readouterr()
    assert "SECRET" not in captured.out + captured.err
    assert re.search(r"refused +5\n", captured.out)
    (line,) = [line for line in captured.out.splitlines() if "3-7" in line]
    assert line.split()[:2] == ["5", "3-7"]
    assert re.search(r"refused list +\S+refused.csv", captured.out)
    assert pd.read_csv(listed)["file"].tolist() == [
        str(ecgs / f"SECRET-{k}.csv") for k in range(3, 8)
    ]
    assert run(*imports) == 0
    assert "--refused FILE" in capsys.readouterr().err
    found = run_json(capsys, *imports)
    assert [refusal["file"] for refusal in found["refused"]] == [3, 4, 5, 6, 7]
    assert list(found["reasons"].values()) == [5]
    inside = tmp_path / "c" / "refused.csv"
    assert "keep it elsewhere" in error_of(capsys, *imports, "--refused", inside)
