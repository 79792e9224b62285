from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cmae.data.column import Column
from cmae.errors import InputError
from cmae.evaluation import probing as module
from cmae.evaluation.baselines import body, shuffled
from cmae.evaluation.features import FeatureSet, Labels
from cmae.evaluation.probing import cross_validate
from cmae.evaluation.scoring import Predictions, draw, interval, score
from cmae.scores import auroc, r2


def one(table, **chosen):
    for name, value in chosen.items():
        table = table[table[name] == value]
    (row,) = table.itertuples()
    return row


@pytest.fixture(scope="module")
def found(planted, everywhere):
    labels, latents = planted(900)
    own = everywhere("latent", latents)
    return cross_validate(
        [own, shuffled(own, labels.participants), body(labels)], labels, resamples=300
    )


def test_a_planted_signal_is_found_with_its_size(found):
    told = one(found.scores, target="told", features="latent", measure="r2")
    assert told.value == pytest.approx(0.5, abs=0.06)
    assert told.low < told.value < told.high
    assert 0.05 < told.high - told.low < 0.2
    assert (told.n, told.participants, told.chance) == (900, 900, 0)
    r = one(found.scores, target="told", features="latent", measure="pearson_r")
    assert r.value == pytest.approx(np.sqrt(0.5), abs=0.05)
    sick = one(found.scores, target="sick", features="latent", measure="auroc")
    assert 0.8 < sick.value < 0.9
    assert 0 < sick.positive < 450


def test_shuffled_latents_tell_nothing(found):
    rows = found.scores[found.scores["features"] == "latent, shuffled"]
    assert len(rows) == 2 * 5 + 2
    for row in rows.itertuples():
        assert row.low <= row.chance
        if row.measure == "r2":
            assert row.value < 0.01
        else:
            assert abs(row.value - row.chance) < 0.1


def test_what_tells_only_sex_tells_nothing_within_sex_and_beyond_the_body(found):
    sexed = one(found.scores, target="sexed", features="latent", measure="r2")
    assert sexed.value > 0.9
    assert sexed.within_sex < 0.05
    assert sexed.adjusted < 0.02
    told = one(found.scores, target="told", features="latent", measure="r2")
    assert told.within_sex == pytest.approx(told.value, abs=0.03)
    assert told.adjusted == pytest.approx(told.value, abs=0.03)
    assert told.adjusted_low < told.adjusted < told.adjusted_high


def test_differences_are_paired(found):
    away = one(found.comparisons, target="told", features="latent",
               against="age, sex, body size", measure="r2")  # fmt: skip
    ours, theirs = (
        one(found.scores, target="told", features=name, measure="r2")
        for name in ("latent", "age, sex, body size")
    )
    assert away.difference == pytest.approx(ours.value - theirs.value)
    assert 0 < away.low < away.difference < away.high
    assert set(found.comparisons["measure"]) == {
        "r2", "pearson_r", "r2_within_sex", "pearson_r_within_sex", "r2_adjusted",
        "pearson_r_adjusted", "auroc", "auroc_within_sex",
    }  # fmt: skip


def test_a_set_against_itself_differs_by_nothing(planted, everywhere):
    labels, latents = planted(200)
    twins = [everywhere(name, latents) for name in ("a", "b")]
    found = cross_validate(twins, replace(labels, targets=("told", "sick")), resamples=50)
    assert len(found.comparisons) == 8
    assert (found.comparisons[["difference", "low", "high"]].to_numpy() == 0).all()


def test_predictions_are_out_of_fold_and_give_the_scores(found, planted):
    labels, _ = planted(900)
    predicted = found.predictions["told", "latent"].to_numpy()
    value = one(found.scores, target="told", features="latent", measure="r2").value
    assert value == pytest.approx(r2(labels.numbers("told"), predicted))
    log_odds = found.predictions["sick", "latent"].to_numpy()
    by_fold = [auroc(labels.numbers("sick")[found.folds == k], log_odds[found.folds == k])
               for k in range(5)]  # fmt: skip
    value = one(found.scores, target="sick", features="latent", measure="auroc").value
    assert min(by_fold) < value < max(by_fold)
    assert len(np.unique(log_odds)) > 800  # decision values, never hard labels


def test_covariates_are_no_target_for_themselves(found):
    named = {target for target, reason in found.left_out if "which holds it" in reason}
    assert named == {"sex", "age_years", "height_cm"}
    assert "age, sex, body size" not in set(
        found.scores.loc[found.scores["target"] == "height_cm", "features"]
    )


def test_nothing_that_is_fitted_sees_the_fold_that_it_is_tested_on(
    planted, everywhere, monkeypatch
):
    labels, latents = planted(200)
    labels = replace(labels, targets=("told",))
    plain = cross_validate([everywhere("pca", latents, components=4)], labels, resamples=10)
    fold = plain.folds == 2
    # Other labels, and other features of some held-out rows, change no prediction of the others.
    table = labels.table.assign(told=np.where(fold, 0.0, labels.table["told"]))
    other = latents.copy()
    last = np.flatnonzero(fold)[-20:]
    other[last] += 100
    changed = cross_validate(
        [everywhere("pca", other, components=4)], replace(labels, table=table), resamples=10
    )
    rows = np.setdiff1d(np.flatnonzero(fold), last)
    np.testing.assert_allclose(
        plain.predictions["told", "pca"][rows], changed.predictions["told", "pca"][rows]
    )


def test_a_feature_that_names_the_participant_gains_nothing(planted, everywhere):
    labels, _ = planted(800, visits=4)
    rng = np.random.default_rng(0)
    person = np.arange(800) // 4
    table = labels.table.assign(noise=rng.normal(size=200)[person] + 0.1 * rng.normal(size=800))
    labels = replace(labels, table=table, targets=("noise",))
    leak = everywhere("name", rng.normal(size=(200, 100))[person])
    honest = cross_validate([leak], labels, resamples=100)
    row = one(honest.scores, measure="r2")
    assert row.value < 0.02
    assert (row.n, row.participants) == (800, 200)
    by_row = np.arange(800) % 5
    with pytest.raises(InputError, match="more than one fold"):
        cross_validate([leak], labels, folds=by_row)
    unaware = replace(labels, participants=np.arange(800))
    assert one(cross_validate([leak], unaware, resamples=10).scores, measure="r2").value > 0.2


def test_what_cannot_be_scored_is_named(planted, everywhere):
    labels, latents = planted(200)
    table = labels.table.assign(
        text="north", constant=3.0, nobody=np.nan, well=0.0, three=np.arange(200) % 3,
        few=np.where(np.arange(200) < 15, np.arange(200.0), np.nan),
        rare=(np.arange(200) < 8).astype(float),
        step=np.where(np.arange(200) < 1, 1.0, 0.0),
    )  # fmt: skip
    kinds = {
        "text": "categorical", "constant": "continuous", "nobody": "continuous", "well": "binary",
        "three": "binary", "few": "continuous", "rare": "binary", "step": "continuous",
    }  # fmt: skip
    columns = {name: Column("", kind, "phenotype", "mri", "") for name, kind in kinds.items()}
    labels = Labels(labels.participants, table, columns, tuple(kinds), ("sex", "age_years"))
    found = cross_validate([everywhere("latent", latents)], labels, resamples=10)
    assert not len(found.scores)
    assert not len(found.comparisons)
    reasons = dict(found.left_out)
    assert set(reasons) == set(kinds)
    for name, words in {
        "text": "text", "constant": "one value", "nobody": "no row", "well": "one class only",
        "three": "other than 0 and 1", "few": "too few labels", "rare": "too few labels: ",
        "step": "one value everywhere in the training part",
    }.items():  # fmt: skip
        assert words in reasons[name]


def test_sets_are_scored_on_the_rows_that_all_of_them_have(planted, everywhere):
    labels, latents = planted(300)
    present = np.arange(300) >= 100
    holes = latents.copy()
    holes[~present] = np.nan
    holes[150, 3] = np.nan
    sets = [everywhere("all", latents), FeatureSet("some", holes, present)]
    found = cross_validate(sets, replace(labels, targets=("told",)), resamples=10)
    assert set(found.scores["n"]) == {200}
    assert found.predictions["told", "all"].isna().to_numpy()[:100].all()
    assert found.predictions["told", "some"].notna().to_numpy()[100:].all()
    absent = FeatureSet("none", latents, ~present & present)
    with pytest.raises(InputError, match=r"all \(300 rows\), none \(0 rows\)"):
        cross_validate([sets[0], absent], labels)


def test_without_sex_nothing_is_said_within_sex(planted, everywhere):
    labels, latents = planted(200)
    bare = Labels(labels.participants, labels.table.drop(columns="sex"), labels.columns,
                  ("told", "sick"), ())  # fmt: skip
    found = cross_validate([everywhere("latent", latents)], bare, resamples=10)
    assert found.scores[["within_sex", "adjusted"]].isna().to_numpy().all()
    assert ("all", "no column sex: nothing is scored within sex") in found.left_out


def test_names_and_lengths_that_do_not_fit_are_refused(planted, everywhere):
    labels, latents = planted(100)
    own = everywhere("latent", latents)
    with pytest.raises(InputError, match="each its own"):
        cross_validate([own, own], labels)
    with pytest.raises(InputError, match="same rows"):
        cross_validate([everywhere("short", latents[:9])], labels)
    with pytest.raises(InputError, match="no features 'other'"):
        cross_validate([own], labels, compared=[("latent", "other")])
    with pytest.raises(InputError, match="no column 'absent'"):
        replace(labels, targets=("absent",))
    with pytest.raises(InputError, match="fit"):
        Labels(labels.participants[:5], labels.table, labels.columns, ())
    with pytest.raises(InputError, match="mask"):
        FeatureSet("x", latents, np.ones(3, bool))


def test_scores_of_draws_are_those_of_drawn_rows(rng):
    who = np.repeat(np.arange(30), 2)
    truth, predicted = rng.normal(size=60), rng.normal(size=(60, 2))
    predicted[:, 0] += truth
    sexes, folds = (who % 2).astype(np.int64), (who % 3).astype(np.int64)
    weights = draw(who, resamples=5)
    scored = score(Predictions(truth, predicted, folds, sexes), weights, kind="continuous")
    generator = np.random.default_rng(0)
    drawn = generator.integers(0, 30, (5, 30))
    for k in range(6):
        rows = (
            np.arange(60) if k == 0 else np.concatenate([[2 * p, 2 * p + 1] for p in drawn[k - 1]])
        )
        for s in range(2):
            y, p = truth[rows], predicted[rows, s]
            assert scored["r2"][k, s] == pytest.approx(r2(y, p))
            assert scored["r2_within_sex"][k, s] == pytest.approx(r2(y, p, sexes[rows]))
            dy = y - pd.Series(y).groupby(folds[rows]).transform("mean").to_numpy()
            dp = p - pd.Series(p).groupby(folds[rows]).transform("mean").to_numpy()
            assert scored["pearson_r"][k, s] == pytest.approx(np.corrcoef(dy, dp)[0, 1])


def test_auroc_of_draws_counts_pairs_of_one_fold(rng):
    who = np.arange(80)
    truth = (rng.random(80) < 0.4).astype(float)
    scores = np.round(rng.normal(size=(80, 2)) + truth[:, None], 1)  # rounded: ties
    folds, sexes = (who % 4).astype(np.int64), np.zeros(80, np.int64)
    weights = draw(who, resamples=4)
    scored = score(Predictions(truth, scores, folds, sexes), weights, kind="binary")["auroc"]
    drawn = np.random.default_rng(0).integers(0, 80, (4, 80))
    for k, rows in enumerate([who, *drawn]):
        right = pairs = 0.0
        for sick in rows[truth[rows] == 1]:
            for well in rows[truth[rows] == 0]:
                if folds[sick] == folds[well]:
                    pairs += 1
                    right += (scores[sick, 1] > scores[well, 1]) + 0.5 * (
                        scores[sick, 1] == scores[well, 1]
                    )
        assert scored[k, 1] == pytest.approx(right / pairs)


def test_one_fold_and_no_draws_are_plain_scores(rng):
    truth = (rng.random(50) < 0.4).astype(float)
    scores, zero = rng.normal(size=(50, 1)), np.zeros(50, np.int64)
    found = Predictions(truth, scores, zero, zero)
    values = score(found, draw(np.arange(50)), kind="binary")["auroc"]
    value, low, high = interval(values[:, 0])
    assert value == pytest.approx(auroc(truth, scores[:, 0]))
    assert low < value < high
    assert np.isnan(interval(np.array([0.5, np.nan]))[1])


def test_progress_counts_sets_and_folds(planted, everywhere):
    labels, latents = planted(150)
    calls = []
    cross_validate(
        [everywhere("latent", latents)], replace(labels, targets=("told",)), resamples=5,
        on_progress=lambda done, total: calls.append((done, total)),
    )  # fmt: skip
    assert calls == [(k, 5) for k in range(1, 6)]
    assert module.SCORES[0] == "target"
