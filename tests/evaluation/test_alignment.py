import numpy as np
import pytest

from cmae.errors import InputError
from cmae.evaluation.alignment import alignment


def pairs(count=300, dim=8, *, noise=0.3, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    hearts = rng.normal(size=(count, dim))
    ecg, mri = (hearts + rng.normal(0, noise, hearts.shape) for _ in range(2))
    mri[:, 0] += shift
    return ecg, mri


def longhand(ecg, mri):
    x, y = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (ecg, mri))
    both = np.concatenate([ecg, mri])
    away = ((x[:, None] - x[None]) ** 2).sum(2)[~np.eye(len(x), dtype=bool)]
    within = ((ecg - ecg.mean(0)) ** 2).sum() + ((mri - mri.mean(0)) ** 2).sum()
    across = ((x[:, None] - y[None]) ** 2).sum(2)[~np.eye(len(x), dtype=bool)]
    return {
        "alignment": ((x - y) ** 2).sum(1).mean(),
        "shuffled": across.mean(),
        "uniformity_ecg": np.log(np.exp(-2 * away).mean()),
        "centroid_distance": np.linalg.norm(x.mean(0) - y.mean(0)),
        "modality_variance": 1 - within / ((both - both.mean(0)) ** 2).sum(),
    }


def test_measures_are_those_of_numpy_longhand():
    ecg, mri = pairs(shift=0.5)
    found, wanted = alignment(ecg, mri, resamples=50), longhand(ecg, mri)
    for name in ("alignment", "uniformity_ecg", "centroid_distance", "modality_variance"):
        assert found[name]["value"] == pytest.approx(wanted[name], rel=1e-5)
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    assert found["alignment"]["baseline"] == pytest.approx(wanted["shuffled"], rel=1e-9)
    assert (found["n"], found["uniformity_rows"]) == (300, 300)


def test_own_pairs_lie_nearer_than_shuffled_ones_unless_they_are_shuffled():
    ecg, mri = pairs()
    found = alignment(ecg, mri, resamples=100)["alignment"]
    assert found["high"] < 0.2 * found["baseline"]
    shuffled = alignment(ecg, np.roll(mri, 1, axis=0), resamples=100)["alignment"]
    assert shuffled["low"] < shuffled["baseline"] < shuffled["high"]


def test_modalities_in_one_place_are_at_chance_and_apart_they_are_not():
    together, apart = (alignment(*pairs(shift=shift), resamples=100) for shift in (0.0, 2.0))
    for name in ("centroid_distance", "modality_variance"):
        assert together[name]["value"] < 2.5 * together[name]["chance"]
        assert apart[name]["low"] > 10 * apart[name]["chance"]


def test_uniform_points_reach_the_baseline_of_uniformity():
    ecg, mri = pairs(3000, 8, noise=0.0)
    found = alignment(ecg, 5 * mri, resamples=50)
    for name in ("uniformity_ecg", "uniformity_mri"):  # lengths do not count
        assert found[name]["value"] == pytest.approx(found[name]["baseline"], abs=0.01)
    ecg[:, 0] += 10
    narrow = alignment(ecg, mri, resamples=50)["uniformity_ecg"]
    assert narrow["low"] > narrow["baseline"] + 1


def test_intervals_are_of_participants_not_of_their_rows():
    ecg, mri = pairs(60)
    once = alignment(ecg, mri, resamples=400)["alignment"]
    many = alignment(
        np.repeat(ecg, 9, axis=0),
        np.repeat(mri, 9, axis=0),
        participants=np.repeat(np.arange(60), 9),
        resamples=400,
    )["alignment"]
    assert many["high"] - many["low"] == pytest.approx(once["high"] - once["low"], rel=0.15)


def test_latents_that_cannot_be_aligned_are_refused():
    ecg, mri = pairs(20)
    for wrong, message in (
        ((ecg, mri[:, :3]), "one of each a row"),
        ((ecg[:9], mri[:9]), "9 rows have both"),
        ((np.where(ecg == ecg[3, 1], np.nan, ecg), mri), "not finite"),
        ((ecg * (np.arange(20) != 4)[:, None], mri), "all zeros"),
    ):
        with pytest.raises(InputError, match=message):
            alignment(*wrong)
