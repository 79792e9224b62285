import json

import numpy as np
import pandas as pd
import pytest
from bed_reader import open_bed
from scipy import stats

from cmae.data import genotypes as files
from cmae.data.cohort import Cohort
from cmae.errors import CohortError
from cmae.simulate import genotypes
from cmae.simulate.cohort import simulate
from cmae.simulate.genotypes import EFFECTS, blocks, shifted, variant_table
from cmae.simulate.physiology import NUMBERS, draw
from cmae.simulate.settings import CohortSettings

PEOPLE, VARIANTS, SEED = 20_000, 400, 5


def dosages(participants, variants, seed=SEED):
    return np.concatenate(list(blocks(participants, variants, seed=seed)), axis=1)


@pytest.fixture(scope="module")
def genetics():
    """20,000 participants: dosages, their variants, and their factors."""
    return (
        dosages(range(PEOPLE), VARIANTS),
        variant_table(VARIANTS, seed=SEED),
        draw(PEOPLE, seed=SEED, variants=VARIANTS),
    )


@pytest.fixture
def cohort(tmp_path):
    settings = CohortSettings(has_recordings=False, variants=40)
    return simulate(tmp_path / "c", participants=9, seed=SEED, settings=settings)


def association(dosage, phenotype, covariates):
    """Chi-squared (1 degree of freedom) of each variant on a phenotype, given covariates."""
    design = np.column_stack([np.ones(len(phenotype)), *covariates])
    basis, _ = np.linalg.qr(design)
    y = phenotype - basis @ (basis.T @ phenotype)
    x = dosage - basis @ (basis.T @ dosage)
    correlation = (x.T @ y) / np.sqrt((x**2).sum(axis=0) * (y**2).sum())
    return len(y) * correlation**2


def test_dosages_are_in_hardy_weinberg_equilibrium_at_their_frequencies(genetics):
    dosage, table, _ = genetics
    p = table["frequency"].to_numpy()
    assert ((p >= 0.05) & (p <= 0.5)).all()
    away = (dosage.mean(axis=0) / 2 - p) / np.sqrt(p * (1 - p) / (2 * PEOPLE))
    assert stats.kstest(away, "norm").pvalue > 1e-3
    seen = np.stack([(dosage == k).sum(axis=0) for k in range(3)])
    mean = dosage.mean(axis=0) / 2
    expected = PEOPLE * np.stack([(1 - mean) ** 2, 2 * mean * (1 - mean), mean**2])
    chi2 = ((seen - expected) ** 2 / expected).sum(axis=0)
    assert stats.kstest(chi2, stats.chi2(1).cdf).pvalue > 1e-3


def test_variants_are_independent_of_each_other(genetics):
    correlations = np.corrcoef(genetics[0].T)[np.triu_indices(VARIANTS, 1)]
    assert abs((correlations**2).mean() * PEOPLE - 1) < 0.05


def test_a_participant_does_not_depend_on_how_many_there_are_nor_the_causal_on_the_null():
    many, few = dosages(range(30), 50), dosages(range(20, 23), 50)
    assert (many[20:23] == few).all()
    long, short = variant_table(3000, seed=SEED), variant_table(12, seed=SEED)
    causal = np.flatnonzero(long["kind"] != "no_effect")
    assert len(causal) == len(EFFECTS) == (short["kind"] != "no_effect").sum()
    assert (long["frequency"].to_numpy()[causal] == short["frequency"]).all()
    assert (dosages(range(5), 3000)[:, causal] == dosages(range(5), 12)).all()


@pytest.mark.parametrize("count", [1, 5, 12, 13, 1036, 1037, 2500])
def test_every_number_of_variants_gives_that_many_with_their_own_frequencies(count):
    table, dosage = variant_table(count, seed=SEED), dosages(range(300), count)
    assert dosage.shape == (300, count)
    assert table["variant"].is_unique
    assert table["chromosome"].is_monotonic_increasing
    p = table["frequency"].to_numpy()
    away = (dosage.mean(axis=0) / 2 - p) / np.sqrt(p * (1 - p) / 600)
    assert np.abs(away).max() < 5


def test_effects_keep_the_variance_of_the_factors_and_explain_their_share():
    names = {name for effect in EFFECTS for name in effect.factors}
    assert names <= {name for _, normals in NUMBERS for name in normals}
    rng = np.random.default_rng(0)
    noise = {name: rng.standard_normal(PEOPLE) for name in sorted(names)}
    moved = shifted(noise, range(PEOPLE), seed=SEED, variants=VARIANTS)
    causal = dosages(range(PEOPLE), len(EFFECTS))
    for name in names:
        assert abs(moved[name].var() - 1) < 0.05
    for k, effect in enumerate(EFFECTS):
        for name, sign in zip(effect.factors, effect.signs(), strict=True):
            r = np.corrcoef(causal[:, k], moved[name])[0, 1]
            assert abs(r - sign * np.sqrt(effect.share)) < 4 / np.sqrt(PEOPLE)


def test_the_three_kinds_act_where_they_are_said_to():
    columns = {effect.kind: set() for effect in EFFECTS}
    table = variant_table(len(EFFECTS), seed=SEED)
    for row in table.itertuples():
        columns[row.kind] |= set(row.columns.split(","))
    from cmae.simulate.factors import COLUMNS

    assert all(COLUMNS[name].role == "phenotype" for name in columns["measured"])
    assert all(COLUMNS[name].role == "truth" for name in columns["unmeasured"])
    assert all(len(effect.factors) > 1 for effect in EFFECTS if effect.kind == "spread")


def test_regression_finds_the_planted_effects_and_null_variants_are_calibrated(genetics):
    dosage, table, heart = genetics
    covariates = [heart[name] for name in ("sex", "age_years", "height_cm", "weight_kg")]
    tests = []
    for name in ("lv_mass_g", "lvedv_ml", "heart_rate_bpm", "heart_turn_z", "t_skew"):
        chi2 = association(dosage, np.log(heart[name].clip(0.05)) if name != "heart_turn_z"
                           else heart[name].to_numpy(), covariates)  # fmt: skip
        is_planted = table["columns"].str.split(",").map(lambda some, name=name: name in some)
        strong = is_planted & (table["kind"] != "spread") & (table["variance_share"] >= 0.01)
        assert strong.any()
        assert chi2[strong].min() > 29.7  # p < 5e-8
        tests.append(chi2[table["kind"] == "no_effect"])
    chi2 = np.concatenate(tests)
    inflation = np.median(chi2) / stats.chi2(1).ppf(0.5)
    assert 0.9 < inflation < 1.1
    assert stats.kstest(chi2, stats.chi2(1).cdf).pvalue > 1e-3


def test_a_spread_effect_shows_when_its_factors_are_tested_together(genetics):
    dosage, table, heart = genetics
    for row in table[table["kind"] == "spread"].itertuples():
        names = row.columns.split(",")
        seen = heart[names].to_numpy()
        present = np.isfinite(seen).all(axis=1)
        design = np.column_stack([np.ones(present.sum()), heart.loc[present, "sex"], seen[present]])
        x = dosage[present, row.Index].astype(float)
        fitted = design @ np.linalg.lstsq(design, x, rcond=None)[0]
        explained = 1 - ((x - fitted) ** 2).sum() / ((x - x.mean()) ** 2).sum()
        assert present.sum() * explained > stats.chi2(len(names) + 1).ppf(1 - 5e-8)


def test_plink_files_read_back_are_the_dosages(cohort):
    with open_bed(cohort.path / "genotypes" / "genotypes.bed") as bed:
        assert (bed.read(dtype="int8") == dosages(range(9), 40)).all()
        assert bed.iid.tolist() == cohort.table["participant_id"].tolist()
        assert bed.fid.tolist() == bed.iid.tolist()
        assert (bed.sex == np.where(cohort.table["sex"] > 0.5, 1, 2)).all()
        truth = pd.read_csv(cohort.path / "genotypes" / "genotypes.tsv", sep="\t")
        assert bed.sid.tolist() == truth["variant"].tolist()
        assert bed.chromosome.tolist() == truth["chromosome"].astype(str).tolist()
    expected = variant_table(40, seed=SEED)
    np.testing.assert_allclose(truth["frequency"], expected["frequency"])
    assert truth["kind"].tolist() == expected["kind"].tolist()
    assert cohort.info()["genotypes"] == {"samples": 9, "variants": 40}
    json.dumps(cohort.info())


def test_who_withdraws_leaves_the_genotypes_too(cohort):
    leaver = cohort.table["participant_id"][4]
    summary = cohort.drop([leaver])
    assert summary.genotypes == 1
    folder = cohort.path / "genotypes"
    with open_bed(folder / "genotypes.bed") as bed:
        left = [k for k in range(9) if k != 4]
        assert (bed.read(dtype="int8") == dosages(left, 40)).all()
        assert bed.iid.tolist() == cohort.table["participant_id"].tolist()
        assert bed.bp_position.tolist() == variant_table(40, seed=SEED)["position"].tolist()
    assert not any(leaver.encode() in path.read_bytes() for path in folder.iterdir())
    assert (folder / "genotypes.tsv").is_file()
    cohort.drop(cohort.table["participant_id"].tolist())
    assert not folder.exists()


def test_a_cohort_that_grows_keeps_the_genotypes_of_all(cohort):
    settings = CohortSettings(has_recordings=False, variants=40)
    simulate(cohort.path, participants=4, seed=SEED, settings=settings)
    with open_bed(cohort.path / "genotypes" / "genotypes.bed") as bed:
        assert bed.iid.tolist() == cohort.table["participant_id"].tolist()
        assert (bed.read(dtype="int8") == dosages(range(9), 40)).all()


def test_damaged_genotypes_stop_a_drop_before_anything_is_changed(cohort):
    (cohort.path / "genotypes" / "genotypes.bed").write_bytes(b"nonsense")
    with pytest.raises(CohortError, match="PLINK"):
        cohort.drop([cohort.table["participant_id"][0]])
    assert len(Cohort.open(cohort.path)) == 9


def test_a_cohort_without_genotypes_has_none(tmp_path, small_cohort):
    assert files.counts(small_cohort.path) == {}
    assert files.withdraw(small_cohort.path, {"P000"}) == 0
    assert small_cohort.drop(["P000"]).genotypes == 0
    assert genotypes.CHROMOSOMES == 22
