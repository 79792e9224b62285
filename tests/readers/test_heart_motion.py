import numpy as np
import pytest
from scipy.ndimage import affine_transform, gaussian_filter

from cmae.data.modality import MRI_PIXEL_MM
from cmae.errors import ReadError
from cmae.readers.cine_series import CineSeries
from cmae.readers.heart_motion import find_heart
from cmae.simulate import physiology
from cmae.simulate.cine import render_truth

AROUND = 60


def placed(truth, rng):
    """A simulated heart somewhere in a larger still field, turned, at another pixel size.

    The heart's centre is that of the area which its chambers and walls (all of the mask) cover in
    the mean over the cycle.
    """
    count = int(rng.integers(20, 51))
    times = np.round(np.arange(count) * 50 / count).astype(int) % 50
    frames = truth.recording.astype(np.float32)
    pad = ((AROUND, AROUND), (AROUND, AROUND))
    still = gaussian_filter(np.pad(frames.mean(axis=-1), pad, mode="edge"), 3)
    noise = float(frames[:8, :8].std(axis=-1).mean())
    field = np.repeat(still[:, :, None], 50, axis=2)
    field += rng.normal(0, noise, field.shape).astype(np.float32)
    field[AROUND:-AROUND, AROUND:-AROUND] = frames
    pixel = rng.uniform(1.3, 1.9, 2)
    size = tuple(int(230 / side) for side in pixel)
    angle = np.deg2rad(rng.uniform(-20, 20))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag(pixel / MRI_PIXEL_MM)
    middle = np.full(2, AROUND + 47.5) + rng.uniform(-15, 15, 2)
    offset = middle - matrix @ ((np.array(size) - 1) / 2)

    def view(image):
        return affine_transform(image, matrix, offset, size, order=1, mode="nearest")

    moved = np.stack([view(field[:, :, k]) for k in times], axis=-1)
    heart = view(np.pad((truth.masks > 0).mean(axis=-1), pad))
    rows, columns = np.indices(size)
    centre = np.array([(heart * rows).sum(), (heart * columns).sum()]) / heart.sum()
    return CineSeries(moved, tuple(pixel), 900.0), centre


def distances_mm(participants, seed):
    """How far the centre that is found lies from the heart's, for simulated participants."""
    hearts = physiology.draw(participants, seed=seed)
    away = []
    for k, heart in enumerate(hearts.to_dict("records")):
        rng = np.random.default_rng([seed, k])
        series, centre = placed(render_truth(heart, rng), rng)
        found = np.array(find_heart(series)[:2])
        away.append(np.linalg.norm((found - centre) * series.pixel_mm))
    return np.array(away)


def test_the_centre_is_near_the_hearts_wherever_it_lies():
    away = distances_mm(6, seed=5)

    assert np.median(away) < 2.5
    assert away.max() < 6


@pytest.mark.slow
def test_the_centre_is_within_4_mm_of_the_hearts_in_most_of_200():
    away = distances_mm(200, seed=31)

    assert np.median(away) < 1.6
    assert (away < 4).mean() >= 0.96
    assert away.max() < 10


def test_frames_without_motion_are_refused(rng):
    still = np.repeat(rng.normal(size=(64, 64, 1)), 25, axis=2).astype(np.float32)

    with pytest.raises(ReadError, match="Nothing in the cine moves"):
        find_heart(CineSeries(still, (1.8, 1.8), 900.0))
