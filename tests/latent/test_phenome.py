"""The phenome scan: what is found, what is left out, and that nothing is found by chance."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from cmae.data.column import Column
from cmae.errors import InputError, LatentsError, SettingsError
from cmae.latent.association_confounders import confounders
from cmae.latent.direction_files import read_directions
from cmae.latent.phenome import PhenomeSettings, scan
from cmae.latent.phenome_results import COLUMNS
from cmae.latent.phenome_tests import confirm, derive, joint
from cmae.latent.traversal import phenotype_direction

sys.path.insert(0, str(Path(__file__).parent))
from association_data import Covariates, people, write_latents

COUNT, DIM = 900, 12


def column(kind="continuous", role="phenotype", source="mri"):
    return Column("", kind, role, source, "made up")


COLUMNS_OF_PEOPLE = {
    "age_years": column(role="covariate"),
    "sex": column("binary", "covariate"),
    "height_cm": column(role="covariate"),
    "center": column("categorical", "covariate"),
}


def cohort_of(table, **kinds):
    cohort = Covariates(table)
    cohort.columns = {**COLUMNS_OF_PEOPLE, **{name: column(kind) for name, kind in kinds.items()}}
    return cohort


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Mass lies along coordinate 2, a diagnosis along 5; sex moves coordinate 0; noise is noise."""
    rng = np.random.default_rng(5)
    table = people(COUNT).table
    values = rng.normal(size=(COUNT, DIM))
    values[:, 0] += 2 * table["sex"]
    table["mass"] = 3 * values[:, 2] + rng.normal(0, 3, COUNT) + 4 * table["sex"]
    table["sick"] = (values[:, 5] + rng.normal(0, 1, COUNT) > 1.2).astype(float)
    table["sex_in_disguise"] = table["sex"] + rng.normal(0, 0.3, COUNT)
    for k in range(10):
        table[f"noise_{k}"] = rng.normal(size=COUNT)
    table.loc[:99, "noise_3"] = np.nan
    kinds = dict.fromkeys(table.columns[6:], "continuous") | {"sick": "binary"}
    cohort = cohort_of(table, **kinds)
    path = tmp_path_factory.mktemp("phenome") / "latents.h5"
    return cohort, write_latents(path, cohort, values)


@pytest.fixture(scope="module")
def adjusted(study):
    cohort, latents = study
    covariates = ("age_years", "sex", "center")
    return scan(latents, cohort, settings=PhenomeSettings(covariates=covariates))


def test_planted_phenotypes_are_found_and_point_where_they_were_planted(adjusted):
    table = adjusted.table.set_index("phenotype")
    assert list(adjusted.table) == list(COLUMNS)
    assert table.index[:2].tolist() == ["mass", "sick"]
    assert (table["q"] < 0.05)[:2].all()
    assert (table["q"] > 0.05)[2:].all()
    assert table.loc["mass", "r"] == pytest.approx(0.7, abs=0.08)
    assert table.loc["mass", "r_low"] < table.loc["mass", "r"] < table.loc["mass", "r_high"]
    assert 0.7 < table.loc["sick", "auroc_low"] < table.loc["sick", "auroc_high"] < 0.95
    assert np.isnan(table.loc["mass", "auroc"])
    assert adjusted.directions[0].vector[2] > 0.95
    assert adjusted.directions[1].vector[5] > 0.9
    assert np.abs(adjusted.probes[0]).argmax() == 2
    assert table.loc["mass", "joint_neg_log10_p"] > 50
    assert table.loc["noise_3", "n_derive"] + table.loc["noise_3", "n_test"] == COUNT - 100


def test_what_only_a_covariate_tells_is_gone_once_it_is_removed(study, adjusted):
    cohort, latents = study
    raw = scan(latents, cohort).table.set_index("phenotype")
    assert raw.loc["sex_in_disguise", "r_low"] > 0.4
    table = adjusted.table.set_index("phenotype")
    assert table.loc["sex_in_disguise", "r_low"] < 0 < table.loc["sex_in_disguise", "r_high"]
    assert adjusted.summary["covariates"]["removed"] == [
        "age_years", "sex", "center=north", "center=west"
    ]  # fmt: skip


def test_directions_are_those_of_traversal_in_the_half_that_derives(study, adjusted):
    cohort, latents = study
    from cmae.data.split import hashed_places

    derives = hashed_places(cohort.table["participant_id"].to_numpy(str), "phenome:0") < 0.5
    wanted = phenotype_direction(
        latents.latents["joint"][derives],
        cohort.table[derives],
        "mass",
        covariates=["age_years", "sex", "center"],
    )
    np.testing.assert_allclose(adjusted.directions[0].vector, wanted.vector, atol=1e-8)
    assert adjusted.directions[0].size == pytest.approx(wanted.size)
    assert adjusted.directions[0].rows == derives.sum() == adjusted.table["n_derive"].max()


def test_files_hold_what_was_found_and_directions_come_back(adjusted, tmp_path):
    adjusted.write(tmp_path)
    read = pd.read_csv(tmp_path / "phenome.tsv", sep="\t")
    assert read["phenotype"].tolist() == adjusted.table["phenotype"].tolist()
    found = read_directions(tmp_path, kind="joint", most=2)
    assert [(one.name, one.step) for one in found] == [("mass", "SD"), ("sick", "SD")]
    np.testing.assert_allclose(found[0].vector, adjusted.directions[0].vector, atol=1e-6)
    assert found[0].size == pytest.approx(adjusted.directions[0].size, rel=1e-6)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["is_simulated"] is True
    assert summary["phenotypes"]["tested"] == 13
    assert summary["phenotypes"]["q_below_0.05"] == 2
    assert summary["permutation"] == {
        "phenotypes": 13, "below_5_percent": pytest.approx(0.05, abs=0.11), "q_below_0.05": 0
    }  # fmt: skip
    probes = pd.read_csv(tmp_path / "probes.tsv", sep="\t")
    assert probes.shape == (13, 1 + DIM)


def test_damaged_files_of_directions_are_refused(adjusted, tmp_path):
    with pytest.raises(InputError, match="no file of directions"):
        read_directions(tmp_path)
    adjusted.write(tmp_path)
    whole = (tmp_path / "directions.tsv").read_text()
    half, backward = whole[: len(whole) // 2 - 5], whole.replace("mass\t", "mass\t-")
    for damage in (half, backward, "\0" * 99, "a\tb\n1\t2\n"):
        (tmp_path / "directions.tsv").write_text(damage)
        with pytest.raises(InputError, match="no file of directions"):
            read_directions(tmp_path)


def test_ridge_is_that_of_scikit_learn_at_the_chosen_penalty(rng):
    table = people(200).table
    removed = confounders(table, ["age_years", "sex"])
    latents, targets = rng.normal(size=(200, 6)), rng.normal(size=(200, 3))
    targets[:, 0] += latents[:, 1]
    found = derive(latents, targets, removed)
    for k in range(3):
        model = Ridge(alpha=found.penalties[k], fit_intercept=False)
        model.fit(removed.residuals(latents), removed.residuals(targets)[:, k])
        np.testing.assert_allclose(found.weights[:, k], model.coef_, rtol=1e-7, atol=1e-12)
    assert found.penalties[1] > found.penalties[0]


def test_partial_correlation_and_joint_test_are_those_of_statsmodels(rng):
    statsmodels = pytest.importorskip("statsmodels.api")
    table = people(300).table
    removed = confounders(table, ["age_years", "sex"])
    latents = rng.normal(size=(300, 5))
    target = latents[:, 0] + 0.1 * table["age_years"].to_numpy() + rng.normal(0, 2, 300)
    design = statsmodels.add_constant(table[["age_years", "sex"]].to_numpy())
    target = (target - target.mean()) / target.std()
    score = latents[:, :1]
    fit = statsmodels.OLS(target, np.column_stack([design, score])).fit()
    found = confirm(score, target[:, None], removed)
    assert 10 ** -found.neg_log10_p[0] == pytest.approx(fit.pvalues[-1] / 2, rel=1e-6)
    against = confirm(-score, target[:, None], removed)
    assert 10 ** -against.neg_log10_p[0] == pytest.approx(1 - fit.pvalues[-1] / 2, rel=1e-9)
    r2, p, freedom = joint(latents, target[:, None], removed)
    full = statsmodels.OLS(target, np.column_stack([design, latents])).fit()
    test = full.compare_f_test(statsmodels.OLS(target, design).fit())
    assert p[0] == pytest.approx(-np.log10(test[1]), rel=1e-8)
    assert freedom == (5, 300 - 3 - 5)
    assert 0 < r2[0] < 1


def test_shuffled_phenotypes_give_uniform_p_and_few_discoveries(tmp_path):
    rng = np.random.default_rng(11)
    table = people(400).table
    values = rng.normal(size=(400, 8))
    values[:, 0] += table["sex"]
    noise = pd.DataFrame(rng.normal(size=(400, 600)), columns=[f"n{k}" for k in range(600)])
    noise = noise.add(0.5 * table["sex"], axis=0)
    noise.iloc[:, :300] = (noise.iloc[:, :300] > 0.8).astype(float)
    kinds = {name: "binary" if k < 300 else "continuous" for k, name in enumerate(noise)}
    cohort = cohort_of(pd.concat([table, noise], axis=1), **kinds)
    latents = write_latents(tmp_path / "latents.h5", cohort, values)
    found = scan(latents, cohort, settings=PhenomeSettings(covariates=("sex",)))
    p = 10.0 ** -found.table["neg_log10_p"]
    assert len(p) == 600
    for level in (0.05, 0.2, 0.5):
        assert (p < level).mean() == pytest.approx(level, abs=4 * (level / 600) ** 0.5)
    assert (10.0 ** -found.table["joint_neg_log10_p"] < 0.05).mean() == pytest.approx(
        0.05, abs=0.04
    )
    assert (found.table["q"] < 0.05).sum() <= 1
    assert found.table["auroc"].mean() == pytest.approx(0.5, abs=0.02)
    assert found.summary["permutation"]["below_5_percent"] == pytest.approx(0.05, abs=0.04)


def test_phenotypes_that_cannot_be_scanned_are_left_out_with_the_reason(study):
    cohort, latents = study
    table = cohort.table.copy()
    table["constant"] = 4.0
    table["nobody"] = np.nan
    table["one_class"] = 1.0
    table["rare"] = (np.arange(COUNT) < 6).astype(float)
    table["few"] = np.where(np.arange(COUNT) < 40, table["mass"], np.nan)
    table["age_in_days"] = 365.25 * table["age_years"]
    table["word"] = np.array(["a", "b", "c"] * (COUNT // 3), dtype=object)
    kinds = dict.fromkeys(("constant", "nobody", "few", "age_in_days", "mass"), "continuous")
    other = cohort_of(table, **kinds, one_class="binary", rare="binary", word="categorical")
    other.table = table
    latents = write_latents(latents.path.with_name("other.h5"), other, latents.latents["joint"])
    settings = PhenomeSettings(covariates=("age_years",), with_covariates=True)
    found = scan(latents, other, settings=settings)
    reasons = found.left_out.set_index("phenotype")["reason"]
    assert reasons["constant"] == "constant"
    assert reasons["one_class"] == "one class only"
    assert reasons["rare"] == "fewer than 10 of a class in a half"
    assert reasons["few"].startswith("too few participants (")
    assert reasons["nobody"].startswith("too few participants (0 derive")
    assert reasons["age_in_days"] == "explained by the covariates"
    assert reasons["age_years"] == "a covariate that was removed"
    assert reasons["word"].startswith("categorical")
    assert set(found.table["phenotype"]) == {"mass", "sex", "height_cm"}
    assert found.left_out.set_index("phenotype")["n"]["few"] == 40


def test_a_cohort_of_nothing_that_can_be_scanned_still_gives_tables(study, tmp_path):
    cohort, latents = study
    bare = Covariates(cohort.table)
    bare.columns = {"center": column("categorical")}
    found = scan(latents, bare)
    found.write(tmp_path)
    assert len(pd.read_csv(tmp_path / "phenome.tsv", sep="\t")) == 0
    assert len(pd.read_csv(tmp_path / "left_out.tsv", sep="\t")) == 1
    bare.columns = {}
    with pytest.raises(InputError, match="no phenotype"):
        scan(latents, bare)


def test_wrong_cohorts_kinds_and_settings_are_refused(study):
    cohort, latents = study
    with pytest.raises(LatentsError, match="another cohort"):
        scan(latents, cohort_of(cohort.table.iloc[::-1], mass="continuous"))
    with pytest.raises(LatentsError, match="no ecg latents"):
        scan(latents, cohort, settings=PhenomeSettings(kind="ecg"))
    with pytest.raises(InputError, match="no column weight"):
        scan(latents, cohort, settings=PhenomeSettings(covariates=("weight",)))
    for wrong in ({"kind": "ct"}, {"seed": -1}, {"null_space": True}):
        with pytest.raises(SettingsError):
            PhenomeSettings(**wrong)


def test_too_few_participants_and_dead_latents_are_refused(tmp_path):
    cohort = cohort_of(people(50).table.assign(mass=np.arange(50.0)), mass="continuous")
    values = np.random.default_rng(0).normal(size=(50, 3))
    with pytest.raises(InputError, match="50 participants have a joint latent"):
        scan(write_latents(tmp_path / "few.h5", cohort, values), cohort)
    cohort = cohort_of(people(100).table.assign(mass=np.arange(100.0)), mass="continuous")
    with pytest.raises(InputError, match="all the same"):
        scan(write_latents(tmp_path / "dead.h5", cohort, np.ones((100, 3))), cohort)


def test_null_space_projection_is_offered(study):
    cohort, latents = study
    settings = PhenomeSettings(covariates=("sex",), null_space=True)
    found = scan(latents, cohort, settings=settings).table.set_index("phenotype")
    assert found.loc["mass", "q"] < 0.05
    assert found.loc["sex_in_disguise", "q"] > 0.05
