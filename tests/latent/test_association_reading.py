"""Results read back: what was written, for a figure, and one sentence for what is damaged."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cmae.data.column import Column
from cmae.errors import InputError
from cmae.latent import association_reading as module
from cmae.latent.association import AssociationSettings, associate
from cmae.latent.association_reading import PhenotypeResults, read_results, scan_points
from cmae.latent.direction_files import read_directions
from cmae.latent.phenome import PhenomeSettings, scan
from cmae.readers.genotypes import open_genotypes

sys.path.insert(0, str(Path(__file__).parent))
from association_data import draw_dosages, people, write_bed, write_latents

COUNT, VARIANTS, HIT = 400, 60, 17


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Results of variants, one of which moves the latent, and of phenotypes."""
    folder = tmp_path_factory.mktemp("results")
    cohort, dosages = people(COUNT), draw_dosages(COUNT, VARIANTS)
    values = np.random.default_rng(3).normal(size=(COUNT, 6))
    values[:, 3] += 0.9 * dosages[:, HIT]
    cohort.table["mass"] = values[:, 1] + np.random.default_rng(4).normal(size=COUNT)
    cohort.columns = {"mass": Column("g", "continuous", "phenotype", "mri", "made up")}
    latents = write_latents(folder / "latents.h5", cohort, values)
    genotypes = open_genotypes(write_bed(folder / "genotypes", dosages))
    settings = AssociationSettings(covariates=("age_years", "sex"))
    associate(latents, genotypes, folder / "variants", cohort=cohort, settings=settings)
    genotypes.close()
    scan(latents, cohort, settings=PhenomeSettings()).write(folder / "phenotypes")
    return folder, latents


@pytest.fixture
def variants(folders, tmp_path):
    return shutil.copytree(folders[0] / "variants", tmp_path / "variants")


@pytest.fixture
def phenotypes(folders, tmp_path):
    return shutil.copytree(folders[0] / "phenotypes", tmp_path / "phenotypes")


def test_hits_tests_and_fingerprints_are_those_that_were_written(folders, variants):
    found = read_results(variants)
    summary = json.loads((variants / "summary.json").read_text())
    assert (found.participants, found.variants) == (COUNT, VARIANTS)
    assert found.head.run_fingerprint == folders[1].run_fingerprint
    assert found.head.cohort_fingerprint == folders[1].cohort_fingerprint
    assert found.head.covariates == ("age_years", "sex")
    assert found.tests[0].name == "joint"
    assert found.tests[0].inflation == pytest.approx(summary["tests"]["joint"]["lambda"])
    best = found.hits.iloc[0]
    assert best["variant"] == f"rs{HIT}"
    assert best["direction"] == read_directions(variants)[0].name
    written = pd.read_csv(variants / "hits.tsv", sep="\t")
    assert best["neg_log10_p"] == pytest.approx(written["neg_log10_p"].max())


def test_points_are_those_of_the_table_in_any_chunks(variants, monkeypatch):
    table = pd.read_csv(variants / "association.tsv", sep="\t")
    monkeypatch.setattr(module, "_AT_ONCE", 7)
    steps = []
    found = scan_points(
        read_results(variants), "joint", on_progress=lambda *step: steps.append(step)
    )
    np.testing.assert_allclose(
        np.sort(found.neg_log10_p), np.sort(table["joint_neg_log10_p"]), rtol=1e-5
    )
    top = int(found.neg_log10_p.argmax())
    assert found.variants[top] == f"rs{HIT}"
    assert found.positions[top] == table["position"][HIT]
    assert found.quantiles.count == VARIANTS == steps[-1][0]
    assert (np.diff(found.places) > 0).all()


def test_phenotypes_are_those_that_were_written(folders, phenotypes):
    found = read_results(phenotypes)
    assert isinstance(found, PhenotypeResults)
    assert found.derive + found.test == COUNT
    assert found.table["phenotype"].tolist() == ["mass"] == list(found.head.directions)
    assert found.table["q"].iloc[0] < 0.05
    assert found.head.run_fingerprint == folders[1].run_fingerprint


def test_results_that_do_not_say_their_run_are_still_read(variants):
    path = variants / "summary.json"
    summary = json.loads(path.read_text())
    del summary["run_fingerprint"], summary["cohort_fingerprint"]
    path.write_text(json.dumps(summary))
    assert read_results(variants).head.run_fingerprint == ""


def test_a_folder_of_something_else_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match="cmae associate"):
        read_results(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": 1}', "[" * 100_000, "NaN", "\x00"])
def test_a_damaged_summary_is_one_sentence(variants, phenotypes, text):
    for folder in (variants, phenotypes):
        (folder / "summary.json").write_text(text)
        with pytest.raises(InputError, match="make them again"):
            read_results(folder)


@pytest.mark.parametrize("name", ["hits.tsv", "directions.tsv"])
@pytest.mark.parametrize("text", ["", "a\tb\n1\t2\n", "test\tvariant\nx\ty\n"])
def test_damaged_hits_are_one_sentence(variants, name, text):
    (variants / name).write_text(text)
    with pytest.raises(InputError):
        read_results(variants)


@pytest.mark.parametrize("line", ["1\t-5\tv\t3", "1\tten\tv\t3", "1\t5\tv\t-3", "1\t5\tv\t"])
def test_a_damaged_table_of_variants_is_one_sentence(variants, line):
    results = read_results(variants)
    head = "chromosome\tposition\tvariant\tjoint_neg_log10_p\n"
    (variants / "association.tsv").write_text(f"{head}{line}\n")
    with pytest.raises(InputError, match="make the association again"):
        scan_points(results, "joint")
    (variants / "association.tsv").unlink()
    with pytest.raises(InputError, match="make the association again"):
        scan_points(results, "joint")
    (variants / "association.tsv").write_text(head)
    with pytest.raises(InputError, match="No variant was tested"):
        scan_points(results, "joint")


def test_a_damaged_table_of_phenotypes_is_one_sentence(phenotypes):
    (phenotypes / "phenome.tsv").write_text("phenotype\tr\nmass\tlarge\n")
    with pytest.raises(InputError, match="make them again"):
        read_results(phenotypes)
