import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from cmae.errors import InputError
from cmae.latent import probe
from cmae.latent.logistic import fit_logistic, minimize
from cmae.latent.ridge import decompose, fit_ridge
from cmae.scores import auroc


@pytest.fixture
def latents(rng):
    return rng.normal(size=(80, 6)) * np.array([1, 3, 0.1, 1, 1, 0.0]) + 5.0


def flags_of(latents, rng):
    return (latents[:, 0] - latents[:, 1] / 3 + rng.logistic(size=len(latents)) > 3.3).astype(float)


def test_ridge_is_what_the_closed_form_and_scikit_learn_give(latents, rng):
    target = latents @ rng.normal(size=6) + rng.normal(size=80)
    found = probe.fit(latents, target[:, None], ["continuous"])[0]
    used = latents[:, :5]
    standard = (used - used.mean(0)) / used.std(0)
    weights = np.linalg.solve(
        standard.T @ standard + found.penalty * np.eye(5), standard.T @ (target - target.mean())
    )
    np.testing.assert_allclose(found.weights, [*(weights / used.std(0)), 0], atol=1e-9)
    sk = Ridge(alpha=found.penalty).fit(standard, target)
    np.testing.assert_allclose(found.predict(latents), sk.predict(standard), atol=1e-9)


@pytest.mark.parametrize("rows", [80, 5])
def test_more_features_than_rows_are_no_other_ridge(latents, rng, rows):
    wide = np.concatenate([latents[:rows], rng.normal(size=(rows, 20))], axis=1)
    target = rng.normal(size=(rows, 1))
    spectrum = decompose(wide)
    fit = fit_ridge(spectrum, target, np.arange(rows), np.array([2.0]))
    standard = (wide - wide.mean(0)) / np.where(wide.std(0) > 1e-9, wide.std(0), 1)
    sk = Ridge(alpha=2.0).fit(standard, target[:, 0])
    predicted = (wide - spectrum.mean) @ spectrum.to_features(fit.weights)[:, 0] + fit.intercepts[0]
    np.testing.assert_allclose(predicted, sk.predict(standard), atol=1e-9)


def test_errors_of_left_out_participants_are_those_of_refitting(latents, rng):
    who = np.concatenate([np.repeat(np.arange(10), 3), np.repeat(np.arange(10, 20), 2),
                          np.arange(20, 50)])  # fmt: skip
    who = rng.permutation(who)
    targets = latents[:, :2] + rng.normal(size=(80, 2)) + rng.normal(size=(50, 2))[who]
    spectrum = decompose(latents)
    for penalty in (0.1, 30.0):
        found = fit_ridge(spectrum, targets, who, np.array([penalty]))
        refitted = cross_val_predict(
            Ridge(alpha=penalty), spectrum.rotated, targets, groups=who, cv=LeaveOneGroupOut()
        )
        wanted = np.sqrt(((targets - refitted) ** 2).mean(0))
        np.testing.assert_allclose(found.left_out_sd, wanted, rtol=1e-9)


def test_rows_of_one_participant_do_not_weaken_the_penalty(rng):
    # Features that know who it is, and a target that is noise of the participant: row-wise
    # leave-one-out would find it predictable.
    person = np.repeat(np.arange(40), 4)
    latents = rng.normal(size=(40, 30))[person] + 0.01 * rng.normal(size=(160, 30))
    target = rng.normal(size=40)[person][:, None]
    together = probe.fit(latents, target, ["continuous"], participants=person)[0]
    apart = probe.fit(latents, target, ["continuous"])[0]
    assert together.penalty > 100 * apart.penalty
    assert together.residual_sd > 2 * apart.residual_sd


def test_targets_with_gaps_are_fitted_to_their_own_rows(latents, rng):
    targets = latents[:, :2] + rng.normal(size=(80, 2))
    targets[:30, 1] = np.nan
    both = probe.fit(latents, targets, ["continuous"] * 2)
    alone = probe.fit(latents[30:], targets[30:, 1:], ["continuous"])[0]
    np.testing.assert_allclose(both[1].weights, alone.weights)
    assert (both[0].rows, both[1].rows) == (80, 50)


@pytest.mark.parametrize("penalty", [0.01, 3.0])
def test_logistic_is_what_scikit_learn_gives(latents, rng, penalty):
    spectrum, y = decompose(latents), flags_of(latents, rng)
    sk = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=1000).fit(spectrum.rotated, y)
    start = np.zeros(spectrum.rotated.shape[1] + 1)
    found = minimize(spectrum.rotated, y, penalty, 0.2 * spectrum.squares, start)
    np.testing.assert_allclose(found, [*sk.coef_[0], sk.intercept_[0]], atol=1e-4)


def test_single_precision_of_many_rows_changes_no_ranking(rng):
    latents = rng.normal(size=(3000, 20)).astype(np.float32)
    y = (latents[:, 0] + rng.logistic(size=3000) > 2).astype(float)
    spectrum = decompose(np.asarray(latents, float))
    found = fit_logistic(spectrum, y, np.arange(3000), np.array([1.0]))
    sk = LogisticRegression(C=1 / found.penalty, tol=1e-10).fit(spectrum.rotated, y)
    ours, theirs = spectrum.rotated @ found.weights, spectrum.rotated @ sk.coef_[0]
    assert np.corrcoef(ours, theirs)[0, 1] > 0.99999
    assert auroc(y, ours) == pytest.approx(auroc(y, theirs), abs=1e-4)


def test_a_logistic_probe_gives_probabilities(rng):
    latents = rng.normal(size=(2000, 3))
    chance = 1 / (1 + np.exp(-2 * latents[:, 0] + 1))
    y = (rng.random(2000) < chance).astype(float)
    y[:100] = np.nan
    found = probe.fit(latents, y[:, None], ["binary"])[0]
    assert found.kind == "logistic"
    assert found.rows == 1900
    assert np.abs(found.predict(latents) - chance).mean() < 0.03
    np.testing.assert_allclose(found.predict(latents), 1 / (1 + np.exp(-found.decide(latents))))
    with pytest.raises(InputError, match="probability"):
        found.interval(latents)


def test_noise_is_shrunk_to_the_mean(rng):
    latents, y = rng.normal(size=(300, 50)), rng.normal(size=(300, 1))
    flags = (rng.random((300, 1)) < 0.3).astype(float)
    ridge, logistic = probe.fit(latents, np.hstack([y, flags]), ["continuous", "binary"])
    assert ridge.predict(latents).std() < 0.35 * y.std()
    assert logistic.predict(latents).std() < 0.1


def test_an_interval_holds_the_share_that_it_claims(rng):
    latents = rng.normal(size=(3000, 40))
    target = latents[:, :1] * 3 + rng.normal(size=(3000, 1)) * 2
    found = probe.fit(latents[:200], target[:200], ["continuous"])[0]
    low, high = found.interval(latents[200:])
    inside = (low <= target[200:, 0]) & (target[200:, 0] <= high)
    assert 0.92 < inside.mean() < 0.98
    narrow_low, narrow_high = found.interval(latents[200:], level=0.5)
    assert (narrow_high - narrow_low < high - low).all()


def test_a_shared_scale_keeps_small_columns_small(rng):
    scores = rng.normal(size=(60, 2)) * [10.0, 0.1]
    spectrum = decompose(scores, has_shared_scale=True)
    assert spectrum.squares.max() > 5000 * spectrum.squares.min()
    assert decompose(scores).squares.max() < 2 * decompose(scores).squares.min()


@pytest.mark.parametrize(
    ("target", "kind", "message"),
    [
        (np.ones(80), "continuous", "one value everywhere"),
        (np.ones(80), "binary", "too few"),
        (np.full(80, np.nan), "continuous", "too few"),
        (np.arange(80.0), "binary", "neither 0 nor 1"),
        (np.arange(80.0), "categorical", "continuous or binary"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(latents, target, kind, message):
    with pytest.raises(InputError, match=message):
        probe.fit(latents, target[:, None], [kind])


def test_shapes_that_do_not_fit_are_refused(latents):
    with pytest.raises(InputError, match="do not fit"):
        probe.fit(latents, np.zeros((3, 1)), ["continuous"])
    with pytest.raises(InputError, match="not finite"):
        probe.fit(latents * np.nan, np.zeros((80, 1)), ["continuous"])
    found = probe.fit(latents, np.arange(80.0)[:, None], ["continuous"])[0]
    with pytest.raises(InputError, match="do not fit a probe"):
        found.predict(latents[:, :3])
