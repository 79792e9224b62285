"""Association: who is tested, which variants, what is written."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cmae.errors import InputError, LatentsError, SettingsError
from cmae.latent import association
from cmae.latent.association import AssociationSettings, associate, prepare
from cmae.latent.association_files import chromosome_number
from cmae.latent.association_parts import FOLDER, Parts
from cmae.readers.genotypes import open_genotypes

sys.path.insert(0, str(Path(__file__).parent))
from association_data import draw_dosages, people, write_bed, write_latents

COUNT, VARIANTS, HIT = 600, 60, 17


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A cohort, dosages of which one moves coordinate 3, and a function that associates."""
    folder = tmp_path_factory.mktemp("study")
    cohort, dosages = people(COUNT), draw_dosages(COUNT, VARIANTS)
    values = np.random.default_rng(3).normal(size=(COUNT, 6))
    values[:, 3] += 0.7 * dosages[:, HIT]
    latents = write_latents(folder / "latents.h5", cohort, values)
    return cohort, latents, dosages


def run(study, folder, *, dosages=None, who=None, latents=None, cohort=None, **settings):
    bed = folder / "genotypes" / "genotypes.bed"
    if not bed.exists():
        write_bed(bed.parent, study[2] if dosages is None else dosages, who=who)
    genotypes = open_genotypes(bed)
    try:
        summary = associate(
            latents or study[1],
            genotypes,
            folder / "out",
            cohort=cohort or study[0],
            settings=AssociationSettings(**settings),
        )
    finally:
        genotypes.close()
    read = {
        path.stem: pd.read_csv(path, sep="\t") for path in sorted((folder / "out").glob("*.tsv"))
    }
    return summary, read


def test_planted_effect_is_the_one_hit_and_its_direction_is_told(study, tmp_path):
    summary, read = run(study, tmp_path, covariates=("age_years", "sex"), coordinates=(3,))
    table = read["association"]
    assert len(table) == VARIANTS
    assert table["joint_neg_log10_p"].idxmax() == HIT
    assert table.loc[HIT, "best_coordinate"] == 3
    assert summary["tests"]["joint"]["hits"] == 1
    assert list(read["hits"].query("test == 'joint'")["variant"]) == [f"rs{HIT}"]
    direction = read["directions"].filter(like="direction_").iloc[0].to_numpy()
    assert np.linalg.norm(direction) == pytest.approx(1, abs=1e-6)
    assert direction.argmax() == 3
    assert read["directions"]["size_per_allele"][0] == pytest.approx(0.7, abs=0.25)
    assert not (tmp_path / "out" / FOLDER).exists()


def test_coordinates_have_the_columns_of_gwas_ssf(study, tmp_path):
    run(study, tmp_path, covariates=("sex",), coordinates=(3, 0))
    files = sorted(path.name for path in (tmp_path / "out" / "coordinates").iterdir())
    assert files == ["coordinate_000.tsv", "coordinate_003.tsv"]
    path = tmp_path / "out" / "coordinates" / files[1]
    table = pd.read_csv(path, sep="\t", keep_default_na=False)
    assert list(table)[:8] == [
        "chromosome", "base_pair_location", "effect_allele", "other_allele", "beta",
        "standard_error", "effect_allele_frequency", "neg_log_10_p_value",
    ]  # fmt: skip
    design = np.stack([np.ones(COUNT), study[0].table["sex"], study[2][:, HIT]], axis=1)
    values = study[1].latents["joint"][:, 3].astype(float)
    beta, rest, *_ = np.linalg.lstsq(design, values, rcond=None)
    error = np.sqrt(rest[0] / (COUNT - 3) * np.linalg.inv(design.T @ design)[2, 2])
    assert table.loc[HIT, "beta"] == pytest.approx(beta[2], rel=1e-5)
    assert table.loc[HIT, "standard_error"] == pytest.approx(error, rel=1e-5)
    assert set(table["rsid"]) == {"#NA"} | {f"rs{k}" for k in range(1, VARIANTS, 2)}


@pytest.mark.parametrize(
    ("name", "number"),
    [("7", "7"), ("chr07", "7"), ("chrX", "23"), ("23", "23"), ("Y", "24"), ("chrM", "25"),
     ("MT", "25"), ("26", "25"), ("XY", "23"), ("25", "23"), ("PAR2", "23")],
)  # fmt: skip
def test_chromosomes_have_the_numbers_of_gwas_ssf_not_those_of_plink(name, number):
    assert chromosome_number(name) == number


def test_missing_dosages_are_counted_and_take_the_mean(study, tmp_path):
    dosages = study[2].copy()
    dosages[:50, 4] = -127
    summary, read = run(study, tmp_path, dosages=dosages)
    assert read["association"]["missing"].tolist() == [50 if k == 4 else 0 for k in range(VARIANTS)]
    assert summary["variants"]["with_missing_dosages"] == 1
    assert summary["variants"]["dosages_imputed_by_the_mean"] == 50
    mean = dosages[50:, 4].mean()
    assert read["association"]["effect_allele_frequency"][4] == pytest.approx(mean / 2, rel=1e-7)
    filled = np.where(dosages[:, 4] < 0, mean, dosages[:, 4])
    residual = filled - filled.mean()
    latents = study[1].latents["joint"].astype(float)
    basis = np.linalg.qr(latents - latents.mean(0))[0]
    wanted = ((basis.T @ residual) ** 2).sum() / (residual**2).sum()
    assert read["association"]["joint_r2"][4] == pytest.approx(wanted, rel=1e-6)


def test_variants_that_cannot_be_tested_are_left_out_with_the_reason(study, tmp_path):
    dosages = study[2].copy()
    dosages[:, 0] = 0
    dosages[:, 1] = 2
    dosages[:, 2] = np.arange(COUNT) < 12
    dosages[:, 3] = -127
    dosages[:, 5] = study[0].table["sex"]
    summary, read = run(study, tmp_path, dosages=dosages, covariates=("sex",))
    assert summary["variants"] == {
        "in_file": VARIANTS,
        "tested": VARIANTS - 5,
        "left_out": {"no dosage": 1, "monomorphic": 2, "rare": 1, "explained by covariates": 1},
        "with_missing_dosages": 0,
        "dosages_imputed_by_the_mean": 0,
    }
    assert read["left_out"]["reason"].tolist() == [
        "monomorphic", "monomorphic", "rare", "no dosage", "explained by covariates",
    ]  # fmt: skip


def test_genotypes_of_nobody_who_can_vary_still_give_a_summary(study, tmp_path):
    summary, read = run(study, tmp_path, dosages=np.zeros((COUNT, 3), np.int8))
    assert summary["variants"]["tested"] == 0
    assert summary["tests"]["joint"]["lambda"] is None
    assert read["association"].empty
    assert len(read["left_out"]) == 3


def test_samples_are_matched_by_name_and_the_rest_is_counted(study, tmp_path):
    order = np.random.default_rng(1).permutation(COUNT)[:-40]
    who = [f"P{k:05d}" for k in order] + ["stranger"]
    dosages = np.concatenate([study[2][order], np.ones((1, VARIANTS), np.int8)])
    summary, read = run(study, tmp_path, dosages=dosages, who=who)
    people_counts = summary["participants"]
    assert people_counts["without_genotypes"] == 40
    assert people_counts["without_latent"] == 1
    assert people_counts["tested"] == COUNT - 40
    assert read["association"]["joint_neg_log10_p"].idxmax() == HIT


def test_order_of_the_samples_does_not_matter(study, tmp_path):
    order = np.random.default_rng(1).permutation(COUNT)
    _, shuffled = run(
        study, tmp_path / "a", dosages=study[2][order], who=[f"P{k:05d}" for k in order]
    )
    _, plain = run(study, tmp_path / "b")
    columns = ["joint_r2", "joint_neg_log10_p"]
    np.testing.assert_allclose(
        shuffled["association"][columns], plain["association"][columns], rtol=1e-6
    )


def test_nobody_in_common_is_one_sentence(study, tmp_path):
    who = [f"X{k}" for k in range(COUNT)]
    with pytest.raises(InputError, match=r"None of the 600 participants .* 600 samples"):
        run(study, tmp_path, who=who)


def test_missing_covariate_is_named(study, tmp_path):
    with pytest.raises(InputError, match="no column shoe_size"):
        run(study, tmp_path, covariates=("sex", "shoe_size"))


def test_participants_without_a_covariate_are_left_out_and_counted_by_name(study, tmp_path):
    cohort = people(COUNT)
    cohort.table.loc[:9, "age_years"] = np.nan
    cohort.table.loc[5:14, "center"] = None
    values = study[1].latents["joint"]
    latents = write_latents(tmp_path / "latents.h5", cohort, values)
    summary, read = run(
        study, tmp_path, latents=latents, cohort=cohort, covariates=("age_years", "center")
    )
    assert summary["participants"]["lacking"] == {"age_years": 10, "center": 10}
    assert summary["participants"]["tested"] == COUNT - 15
    assert read["association"]["n"].unique().tolist() == [COUNT - 15]


def test_constant_and_collinear_covariates_are_named_and_change_nothing(study, tmp_path):
    cohort = people(COUNT)
    cohort.table["scanner"] = 1.0
    cohort.table["age_months"] = cohort.table["age_years"] * 12
    latents = write_latents(tmp_path / "latents.h5", cohort, study[1].latents["joint"])
    names = ("age_years", "scanner", "age_months", "center")
    summary, read = run(study, tmp_path / "a", latents=latents, cohort=cohort, covariates=names)
    assert set(summary["covariates"]["left_out"]) == {"scanner", "age_months"}
    assert summary["covariates"]["left_out"]["scanner"] == "constant"
    _, plain = run(
        study, tmp_path / "b", latents=latents, cohort=cohort, covariates=("age_years", "center")
    )
    pd.testing.assert_frame_equal(read["association"], plain["association"])


def test_latents_of_another_cohort_are_refused(study, tmp_path):
    with pytest.raises(LatentsError, match="of another cohort"):
        run(study, tmp_path, cohort=people(COUNT, seed=9), covariates=("sex",))


def test_covariates_without_a_cohort_are_refused(study, tmp_path):
    genotypes = open_genotypes(write_bed(tmp_path, study[2]))
    with pytest.raises(InputError, match="--cohort"):
        prepare(study[1], genotypes, settings=AssociationSettings(covariates=("sex",)))


def test_visits_kinds_and_coordinates_that_are_not_there_are_refused(study, tmp_path):
    with pytest.raises(LatentsError, match="no ecg latents"):
        run(study, tmp_path, kind="ecg")
    with pytest.raises(LatentsError, match="at visit 7"):
        run(study, tmp_path, visit=7)
    with pytest.raises(SettingsError, match="no coordinate 6"):
        run(study, tmp_path, coordinates=(6,))


def test_participants_with_two_visits_need_a_choice(study, tmp_path):
    cohort = people(COUNT)
    cohort.table.loc[1, ["participant_id", "visit"]] = ["P00000", 1]
    latents = write_latents(tmp_path / "latents.h5", cohort, study[1].latents["joint"])
    with pytest.raises(LatentsError, match="--visit"):
        run(study, tmp_path, latents=latents, cohort=cohort)
    summary, _ = run(study, tmp_path, latents=latents, cohort=cohort, visit=0)
    assert summary["participants"]["participants_with_latent"] == COUNT - 1


def test_too_few_participants_are_refused(study, tmp_path):
    values = np.where(np.arange(COUNT)[:, None] < 7, study[1].latents["joint"], np.nan)
    latents = write_latents(tmp_path / "latents.h5", study[0], values)
    with pytest.raises(InputError, match=r"7 participants are too few for 6 latent coordinates"):
        run(study, tmp_path, latents=latents)


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "x"}, {"components": (0,)}, {"min_mac": 0}, {"seed": -1}, {"null_space": True}],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingsError):
        AssociationSettings(**wrong)


def test_stopped_scan_goes_on_and_gives_the_same(study, tmp_path, monkeypatch):
    monkeypatch.setattr(association, "CHUNK_NUMBERS", COUNT * 10)
    _, whole = run(study, tmp_path / "whole")
    written = []
    write = Parts.write

    def stop_after_two(self, start, arrays):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(start)
        write(self, start, arrays)

    monkeypatch.setattr(Parts, "write", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        run(study, tmp_path / "cut")
    monkeypatch.setattr(Parts, "write", lambda *a: (written.append(a[1]), write(*a)))
    _, resumed = run(study, tmp_path / "cut")
    assert written == [0, 10, 20, 30, 40, 50]
    pd.testing.assert_frame_equal(resumed["association"], whole["association"])


def test_parts_of_other_settings_are_not_taken_up(study, tmp_path):
    parts = Parts(tmp_path / "out", "another key")
    parts.write(0, {"reason": np.zeros(VARIANTS, np.int8)})
    summary, _ = run(study, tmp_path)
    assert summary["variants"]["tested"] == VARIANTS


def test_summary_is_written_and_says_what_is_simulated(study, tmp_path):
    summary, _ = run(study, tmp_path)
    written = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert written == json.loads(json.dumps(summary))
    assert written["is_simulated"] is True


def test_null_space_projection_is_reported(study, tmp_path):
    cohort = people(COUNT)
    values = study[1].latents["joint"] + 2 * cohort.table["sex"].to_numpy()[:, None]
    latents = write_latents(tmp_path / "latents.h5", cohort, values)
    summary, _ = run(study, tmp_path, latents=latents, covariates=("sex",), null_space=True)
    projection = summary["null_space_projection"]
    assert projection["is_clean"]
    assert projection["directions_removed"] >= 1
    assert projection["r2_left"]["sex"] <= 0.01
    assert summary["latent_rank"] == 6 - projection["directions_removed"]


def test_command_writes_tables_and_figures(study, tmp_path, small_cohort, capsys):
    from cmae.cli import main

    count = len(small_cohort)
    values = np.random.default_rng(0).normal(size=(count, 2))
    latents = write_latents(tmp_path / "latents.h5", small_cohort, values)
    who = [f"P{k:03d}" for k in range(count)]
    bed = write_bed(tmp_path / "genotypes", draw_dosages(count, 30, low=0.3), who=who)
    out = tmp_path / "out"
    words = ["associate", str(latents.path), "--genotypes", str(bed), "--out", str(out)]
    words += ["--cohort", str(small_cohort.path), "--covariates", "sex", "center", "--visit", "0"]
    words += ["--min-mac", "3", "--coordinates", "all", "--components", "1"]
    assert main([*words, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["covariates"]["removed"] == ["sex", "center=south"]
    assert summary["participants"]["tested"] == count - 1
    assert list(summary["tests"]) == ["joint", "pcs_1"]
    found = {path.name for path in out.iterdir()}
    assert found == {
        "association.tsv", "left_out.tsv", "hits.tsv", "directions.tsv", "summary.json",
        "coordinates", "manhattan.svg", "manhattan.png", "qq.svg", "qq.png",
    }  # fmt: skip
    assert len(list((out / "coordinates").iterdir())) == 2
    assert main([*words[:-4], "--coordinates", "first"]) == 2
    assert "Coordinates are whole numbers" in capsys.readouterr().err
    assert main([*words, "--covariates", "height"]) == 2
    error = capsys.readouterr().err
    assert "no column height" in error
    assert error.count("\n") == 1


@pytest.mark.slow
def test_fifty_thousand_null_variants_show_no_inflation(tmp_path):
    cohort = people(2000)
    values = np.random.default_rng(8).normal(size=(2000, 64))
    latents = write_latents(tmp_path / "latents.h5", cohort, values)
    dosages = draw_dosages(2000, 50_000, seed=4, low=0.05)
    summary, _ = run(
        (cohort, latents, dosages), tmp_path, covariates=("age_years", "sex", "height_cm")
    )
    for name, test in summary["tests"].items():
        assert 0.97 < test["lambda"] < 1.03, name
        assert test["hits"] == 0
    assert 0.9 < summary["tests"]["joint"]["lambda_permuted"] < 1.1
