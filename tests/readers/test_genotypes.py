"""Readers of genotypes: PLINK sets and BGEN, and files that are neither."""

import numpy as np
import pandas as pd
import pytest
from bgen import BgenWriter

from cmae.data import genotypes as sets
from cmae.errors import ReadError
from cmae.readers.genotypes import open_genotypes

WHO = ["a", "b", "c", "d", "e"]
DOSAGES = np.array([[0, 2, 1], [1, 2, -127], [2, 1, 0], [0, 0, 0], [1, 1, 1]], np.int8)


@pytest.fixture
def bed(tmp_path):
    samples = pd.DataFrame({"participant_id": WHO, "sex": [0, 1, 0, 1, 0]})
    variants = pd.DataFrame(
        {"chromosome": [1, 2, "X"], "variant": ["rs1", "v2", "rs3"], "position": [10, 20, 30]}
    )
    sets.write(tmp_path, samples, variants, [DOSAGES])
    return tmp_path / sets.BED


def write_bgen(path, alleles=("A", "G"), samples=WHO):
    probabilities = np.array(
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [np.nan] * 3, [0.25, 0.25, 0.5]], float
    )
    with BgenWriter(path, n_samples=len(WHO), samples=list(samples)) as file:
        for k in range(3):
            file.add_variant(
                varid=f"v{k}", rsid=f"rs{k}", chrom="7", pos=100 + k, alleles=list(alleles),
                genotypes=probabilities,
            )  # fmt: skip
    return path


def test_plink_dosages_count_a1_in_the_order_asked_for(bed):
    genotypes = open_genotypes(bed)
    assert genotypes.samples["iid"].tolist() == WHO
    assert genotypes.variants["chromosome"].tolist() == ["1", "2", "X"]
    assert genotypes.variants["position"].tolist() == [10, 20, 30]
    assert set(genotypes.variants["effect_allele"]) == {"G"}
    found = genotypes.read(np.array([3, 1, 0]), 1, 3)
    assert found.values.tolist() == [[0, 0], [2, 0], [2, 1]]
    assert found.missing.tolist() == [[False, False], [False, True], [False, False]]
    genotypes.close()


def test_bgen_dosages_count_the_second_allele(tmp_path):
    genotypes = open_genotypes(write_bgen(tmp_path / "a.bgen"))
    assert genotypes.samples["iid"].tolist() == WHO
    assert genotypes.variants["effect_allele"].tolist() == ["G"] * 3
    assert genotypes.variants["variant"].tolist() == ["rs0", "rs1", "rs2"]
    found = genotypes.read(np.array([0, 2, 3, 4]), 1, 3)
    np.testing.assert_allclose(found.values[:, 0], [0, 2, 0, 1.25], atol=0.01)
    assert found.missing[:, 1].tolist() == [False, False, True, False]
    genotypes.close()


@pytest.mark.parametrize("name", ["a.vcf", "a.pgen", "a"])
def test_other_formats_are_refused_with_a_way_out(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ReadError, match="plink2 --make-bed"):
        open_genotypes(tmp_path / name)


def test_files_that_are_not_there_are_named(tmp_path, bed):
    with pytest.raises(ReadError, match="no genotype file"):
        open_genotypes(tmp_path / "other.bed")
    bed.with_suffix(".fam").unlink()
    with pytest.raises(ReadError, match=r"no \.fam beside it"):
        open_genotypes(bed)


def test_damaged_sets_are_one_sentence(bed):
    whole = bed.read_bytes()
    bed.write_bytes(whole[:-1])
    with pytest.raises(ReadError, match=r"5 samples and its \.bim with 3 variants"):
        open_genotypes(bed)
    bed.write_bytes(b"\x6c\x1b\x00" + whole[3:])
    with pytest.raises(ReadError, match="variant by variant"):
        open_genotypes(bed)
    bed.write_bytes(whole)
    lines = bed.with_suffix(".bim").read_text()
    for wrong in (
        "",
        "1 rs1 0\n",
        lines.replace("\t30\t", "\tthirty\t"),
        lines + "1 2 3\n",
        "\x00",
    ):
        bed.with_suffix(".bim").write_text(wrong)
        with pytest.raises(ReadError, match=r"\.bim"):
            open_genotypes(bed)


def test_names_that_would_break_a_table_are_refused(tmp_path):
    with pytest.raises(ReadError, match="tabs or line breaks"):
        open_genotypes(write_bgen(tmp_path / "a.bgen", alleles=("A", "G\nrs9")))


@pytest.mark.parametrize("keep", [0, 3, 20, 60, -1])
def test_damaged_bgen_is_one_sentence(tmp_path, keep):
    path = write_bgen(tmp_path / "a.bgen")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ReadError, match="damaged or cut short"):
        open_genotypes(path).read(np.arange(5), 0, 3)
