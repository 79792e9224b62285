"""`cmae associate`: genotypes and phenotypes, walks along what was found, and bad input."""

import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cmae import cli, commands
from cmae.association_commands import associate
from cmae.data.cohort import Cohort
from cmae.data.column import Column

sys.path.insert(0, str(Path(__file__).parent / "latent"))
from association_data import draw_dosages, write_bed, write_latents

COUNT = 200


class EchoRun:
    """Decodes a latent into recordings that move with its first number; fingerprint ``run``."""

    modalities = ("ecg", "mri")
    fingerprint = "run"

    def decode(self, modality, latents, *, mean=None, std=None):
        shape = {"ecg": (600, 12), "mri": (96, 96, 50)}[modality]
        wave = np.sin(np.linspace(0, 6, int(np.prod(shape)))).reshape(shape)
        return (wave * (1 + latents[:, 0].reshape(-1, *[1] * len(shape)))).astype(np.float32)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    rng = np.random.default_rng(0)
    columns = {
        "sex": Column("", "binary", "covariate", "clinical", "1 male, 0 female"),
        "lv_mass_g": Column("g", "continuous", "phenotype", "mri", "LV mass"),
        "noise": Column("", "continuous", "phenotype", "mri", "Noise"),
        "constant": Column("", "continuous", "phenotype", "mri", "Always the same"),
    }
    made = Cohort.create(tmp_path_factory.mktemp("associate") / "cohort")
    with made.writer(columns) as writer:
        for k in range(COUNT):
            mass, noise = rng.normal(100, 20), rng.normal()
            values = {"sex": k % 2, "lv_mass_g": mass, "noise": noise, "constant": 1.0}
            writer.add(f"P{k:05d}", visit=0, values=values, ecg=np.zeros((600, 12), np.float32))
    return made


@pytest.fixture(scope="module")
def latents(cohort):
    values = np.random.default_rng(1).normal(size=(COUNT, 4))
    values[:, 0] += (cohort.table["lv_mass_g"] - 100) / 20
    return write_latents(cohort.path.parent / "latents.h5", cohort, values)


@pytest.fixture(autouse=True)
def with_echo_run(monkeypatch):
    command = partial(associate, open_run=lambda path: EchoRun())
    monkeypatch.setitem(commands.COMMANDS, "associate", command)


def words(latents, cohort, out, *more):
    first = ["associate", str(latents.path), "--cohort", str(cohort.path), "--out", str(out)]
    return [*first, *map(str, more)]


def test_phenome_scan_writes_tables_and_walks(latents, cohort, tmp_path, capsys):
    asked = words(latents, cohort, tmp_path, "--phenotypes", "--covariates", "sex")
    assert cli.main([*asked, "--run", "anywhere", "--walks", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["phenotypes"]["tested"] == 2
    assert found["phenotypes"]["left_out"] == {"constant": 1}
    assert [row["phenotype"] for row in found["leading"]] == ["lv_mass_g", "noise"]
    assert found["leading"][0]["q"] < 1e-6
    assert found["leading"][0]["auroc"] is None
    (walked,) = found["walks"]
    assert walked["name"] == "lv_mass_g"
    assert {path.name for path in tmp_path.iterdir()} == {
        "phenome.tsv", "directions.tsv", "probes.tsv", "left_out.tsv", "summary.json", "walks"
    }  # fmt: skip
    assert {path.name for path in (tmp_path / "walks").iterdir()} == {
        "01_lv_mass_g.svg", "01_lv_mass_g.png", "walks.tsv"
    }  # fmt: skip
    points = pd.read_csv(tmp_path / "walks" / "walks.tsv", sep="\t")
    assert points["steps"].tolist() == [-2, -1, 0, 1, 2]
    assert points["relative_distance"].max() == pytest.approx(walked["relative_distance"], rel=1e-5)


def test_leading_variants_are_walked_as_far_as_is_seen(latents, cohort, tmp_path, capsys):
    dosages = draw_dosages(COUNT, 10, low=0.3)
    shift = 1.5 * dosages[:, 3, None] * np.eye(4)[1]
    moved = latents.latents["joint"] + shift
    moved = write_latents(tmp_path / "latents.h5", cohort, moved)
    bed = write_bed(tmp_path / "genotypes", dosages)
    out = tmp_path / "out"
    assert cli.main([*words(moved, cohort, out, "--genotypes", bed, "--run", "x"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (walked,) = found["walks"]
    assert walked["name"].startswith("rs3 ")
    assert walked["step"] == "allele"
    assert (out / "walks" / walked["file"]).is_file()


def test_nothing_found_is_no_walk_and_no_error(latents, cohort, tmp_path, capsys):
    bed = write_bed(tmp_path / "genotypes", draw_dosages(COUNT, 10, low=0.3))
    out = tmp_path / "out"
    assert cli.main(words(latents, cohort, out, "--genotypes", bed, "--run", "x")) == 0
    assert not (out / "walks").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--phenotypes", "--min-mac", "5"], "--min-mac is of genotypes"),
        (["--phenotypes", "--components", "1", "--coordinates", "all"], "--components, --coord"),
        (["--phenotypes", "--walks", "2"], "--walks decodes directions"),
        (["--phenotypes", "--covariates", "weight"], "no column weight"),
        (["--phenotypes", "--kind", "ecg"], "holds no ecg latents"),
        (["--phenotypes", "--visit", "7"], "No participant has a joint latent at visit 7"),
        (["--phenotypes", "--null-space"], "name some"),
        (["--genotypes", "x.bed", "--with-covariates"], "--with-covariates is of phenotypes"),
        (["--genotypes", "x.bed", "--phenotypes"], "not allowed with"),
        ([], "one of the arguments --genotypes --phenotypes is required"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_two(
    latents, cohort, tmp_path, capsys, more, message
):
    try:
        code = cli.main(words(latents, cohort, tmp_path / "out", *more))
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_phenotypes_without_a_cohort_and_runs_of_other_latents_are_refused(
    latents, cohort, tmp_path, capsys, monkeypatch
):
    out = ["--out", str(tmp_path / "out")]
    assert cli.main(["associate", str(latents.path), "--phenotypes", *out]) == 2
    assert "name it with --cohort" in capsys.readouterr().err
    monkeypatch.setattr(EchoRun, "fingerprint", "another")
    asked = words(latents, cohort, tmp_path / "out", "--phenotypes", "--run", "x")
    assert cli.main(asked) == 2
    assert "of another run" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
