import numpy as np
import pytest

from cmae.latent.course import BINS, follow, places_along
from cmae.latent.probe import Probe
from cmae.latent.traversal import along, principal_components, walk
from cmae.latent.trust import Surroundings


@pytest.fixture(scope="module")
def real():
    values = np.random.default_rng(0).normal(size=(2000, 6)).astype(np.float32)
    values[:, 0] *= 3
    values[7] = np.nan
    return values


@pytest.fixture(scope="module")
def around(real):
    return Surroundings(real)


def _followed(real, around, start, steps, **probes):
    direction = along(np.eye(6)[0] * 3, name="first", step="SD", rows=2000)
    return follow(walk(start, direction, steps), real, around, probes)


def test_places_are_projections_in_steps_from_the_start(real):
    start = real[11]
    direction = principal_components(real, 2)[1]
    found = places_along(real, walk(start, direction, [-2, 1, 3]))
    wanted = (real.astype(np.float64) - start) @ direction.vector / direction.size
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert found[11] == pytest.approx(0, abs=1e-5)
    assert np.isnan(found[7])


def test_the_crowd_counts_every_latent_between_the_ends_of_the_walk(real, around):
    course = _followed(real, around, np.zeros(6), np.linspace(-1, 2, 13))
    first = real[np.isfinite(real[:, 0]), 0] / 3
    assert course.crowd.shape == (BINS,)
    assert course.crowd.sum() == ((first >= -1) & (first <= 2)).sum()


def test_a_walk_leaves_the_data_where_nobody_lies_so_far_along(real, around):
    first = np.sort(real[np.isfinite(real[:, 0]), 0]) / 3
    course = _followed(real, around, np.zeros(6), np.linspace(-9, 9, 181))
    low, high = course.ends
    assert first[0] - 0.01 <= low < -2
    assert 2 < high <= first[-1] + 0.01
    # Whichever comes first: beyond all along the walk, or farther off than any real latent.
    far = course.trust.distance > around.farthest
    inside = course.is_inside
    assert not (inside & far).any()
    assert inside[90]
    assert (np.diff(np.flatnonzero(inside)) == 1).all()
    just_out = course.walk.steps > high
    assert (far[just_out][0]) or course.walk.steps[just_out][0] > first[-1]


def test_a_walk_among_the_data_does_not_leave_it(real, around):
    course = _followed(real, around, np.zeros(6), np.linspace(-0.5, 0.5, 5))
    assert course.ends == (None, None)
    assert course.is_inside.all()


def test_a_start_far_from_everybody_is_outside_at_once(real, around):
    course = _followed(real, around, np.full(6, 40.0), np.linspace(-1, 1, 5))
    assert course.ends[1] == 0
    assert course.trust.share[2] == 0


def test_the_farthest_person_along_is_still_within_the_data(real, around):
    last = int(np.nanargmax(real[:, 0]))
    course = _followed(real, around, real[last], np.linspace(-1, 1, 5))
    if course.trust.distance[2] <= around.farthest:
        assert course.ends[1] == pytest.approx(0, abs=1e-5)
        assert course.is_inside.tolist()[2:] == [True, False, False]


def test_a_point_backward_of_the_start_alone_has_no_end_forward(real, around):
    course = _followed(real, around, np.zeros(6), [-2.0, -1.0])
    assert course.ends[1] is None


def test_forecasts_are_the_probes_own_with_their_intervals(real, around):
    ridge = Probe("ridge", np.arange(6.0), 5.0, 1.0, 2000, residual_sd=2.0)
    logistic = Probe("logistic", np.ones(6), 0.0, 1.0, 2000)
    steps = np.linspace(-1, 1, 5)
    course = _followed(real, around, np.ones(6), steps, volume_ml=ridge, infarct=logistic)
    volume, infarct = course.forecasts
    np.testing.assert_allclose(volume.values, ridge.predict(course.walk.points))
    np.testing.assert_allclose(volume.low, ridge.interval(course.walk.points)[0])
    assert np.isnan(infarct.low).all()
    table = course.table()
    assert table["steps_sd"].tolist() == steps.tolist()
    assert "volume_ml_high" in table
    assert "infarct_low" not in table
    np.testing.assert_array_equal(table["nearest_row"], course.trust.nearest)
