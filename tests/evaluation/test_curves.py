from dataclasses import replace

import numpy as np
import pytest

from cmae.errors import InputError
from cmae.evaluation.curves import CurveSettings, label_curves
from cmae.evaluation.features import Learned
from cmae.evaluation.folds import held_out


@pytest.fixture(scope="module")
def asked(planted, everywhere):
    labels, latents = planted(900)
    labels = replace(labels, targets=("told", "sick", "noise"))
    rng = np.random.default_rng(1)
    wide = np.concatenate([latents, rng.normal(size=(900, 60))], axis=1)
    sets = [everywhere("latent", latents), everywhere("wide", wide),
            everywhere("shuffled", rng.permutation(latents))]  # fmt: skip
    return sets, labels


@pytest.fixture(scope="module")
def found(asked):
    sets, labels = asked
    return label_curves(sets, labels, settings=CurveSettings(sizes=(50, 200, 100_000), repeats=4))


def of(table, **chosen):
    for name, value in chosen.items():
        table = table[table[name] == value]
    return table


def test_more_labels_tell_more_and_shuffled_latents_nothing(found, asked):
    there = int((~held_out(asked[1].participants)).sum())
    curve = of(found.scores, target="told", features="wide", measure="r2")
    assert list(curve["labels"]) == [50, 200, there]
    assert list(curve["repeats"]) == [4, 4, 1]
    assert curve["value"].is_monotonic_increasing
    assert (curve["n"] == 900 - there).all()
    assert curve["value"].iloc[-1] == pytest.approx(0.5, abs=0.1)
    nothing = of(found.scores, features="shuffled")
    assert (nothing["low"] <= nothing["chance"]).all()
    assert (of(nothing, measure="r2")["value"] < 0.01).all()
    assert of(nothing, measure="auroc")["value"].between(0.4, 0.6).all()


def test_differences_are_paired_at_each_number_of_labels(found):
    rows = of(found.comparisons, target="told", features="latent", against="wide", measure="r2")
    ours, theirs = (
        of(found.scores, target="told", features=name, measure="r2")["value"].to_numpy()
        for name in ("latent", "wide")
    )
    np.testing.assert_allclose(rows["difference"], ours - theirs)
    assert rows["low"].iloc[0] > 0
    apart = of(found.scores, target="told", features="latent", measure="r2", labels=50).iloc[0]
    assert rows["high"].iloc[0] - rows["low"].iloc[0] < 2 * (apart["high"] - apart["low"])


def test_numbers_of_labels_that_there_are_not_are_named(found, asked):
    there = int((~held_out(asked[1].participants)).sum())
    assert ("told", f"100000 labels: there are {there}") in found.left_out


def test_draws_without_enough_of_a_class_are_left_out(planted, everywhere):
    labels, latents = planted(900)
    rare = (np.arange(900) % 15 == 0).astype(float)
    labels = replace(labels, table=labels.table.assign(sick=rare), targets=("sick",))
    found = label_curves(
        [everywhere("latent", latents)], labels, settings=CurveSettings(sizes=(10, 40), repeats=6)
    )
    assert ("sick", "10 labels: no draw has enough of each class") in found.left_out
    repeats = of(found.scores, labels=40)["repeats"]
    assert (repeats < 6).all()


def test_the_same_seed_gives_the_same_curves(asked):
    sets, labels = asked
    first, second, other = (
        label_curves(
            sets[:1], labels, settings=CurveSettings(sizes=(50,), repeats=2, seed=seed)
        ).scores
        for seed in (0, 0, 1)
    )
    assert first.equals(second)
    assert not first.equals(other)


def test_a_participant_never_learns_and_is_scored(planted, everywhere):
    # Features name the participant of four visits: nothing to gain if whole people are held out.
    labels, _ = planted(1200, visits=4)
    rng, person = np.random.default_rng(0), np.arange(1200) // 4
    labels = replace(labels, table=labels.table.assign(noise=rng.normal(size=300)[person]),
                     targets=("noise",))  # fmt: skip
    leak = everywhere("name", rng.normal(size=(300, 100))[person])
    scores = label_curves([leak], labels, settings=CurveSettings(sizes=(50,), repeats=2)).scores
    assert (of(scores, measure="r2")["value"] < 0.02).all()


def test_sizes_that_mean_nothing_are_refused(asked):
    sets, labels = asked
    with pytest.raises(InputError, match="10 or more"):
        label_curves(sets, labels, settings=CurveSettings(sizes=(5,)))
    with pytest.raises(InputError, match="10 or more"):
        label_curves(sets, labels, settings=CurveSettings(repeats=0))


def test_what_was_learned_elsewhere_stands_beside_probes_of_as_many_labels(asked):
    sets, labels = asked
    truth = labels.numbers("told")
    few = Learned("network", 50, {"told": truth + np.random.default_rng(0).normal(size=len(truth))})
    everything = Learned("network", 0, {"told": truth})
    found = label_curves(
        sets[:1],
        labels,
        settings=CurveSettings(sizes=(50, 200), repeats=3),
        compared=[("latent", "network")],
        learned=[few, everything],
    )
    network = of(found.scores, target="told", features="network", measure="r2")
    there = int((~held_out(labels.participants)).sum())
    assert list(network["labels"]) == [50, there]
    assert network["value"].iloc[1] == pytest.approx(1.0)
    latent = of(found.scores, target="told", features="latent", measure="r2")
    pairs = of(found.comparisons, target="told", against="network", measure="r2")
    np.testing.assert_allclose(
        pairs["difference"], latent["value"].to_numpy()[[0, 2]] - network["value"].to_numpy()
    )
    assert "sick" not in set(of(found.scores, features="network")["target"])
