"""What a map sends, and which points a polygon holds."""

import numpy as np
import pytest

from app.components.map_colors import Categories, Numbers
from app.components.map_points import MapPoints
from cmae.errors import InputError


def _inside_longhand(point, polygon):
    """Even-odd rule, one point and one edge at a time."""
    (x, y), is_inside = point, False
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            is_inside = not is_inside
    return is_inside


def test_points_inside_agree_with_the_rule_written_longhand():
    rng = np.random.default_rng(0)
    points = MapPoints(rng.normal(size=(400, 2)).astype(np.float32))
    for corners in (3, 4, 17):
        polygon = rng.normal(size=(corners, 2))
        expected = [_inside_longhand(point, polygon) for point in points.positions.astype(float)]
        found = points.inside(polygon)
        assert 0 < found.sum() < 400
        assert np.mean(found != expected) <= 1 / 400  # a point on the very edge may round over


def test_a_ring_that_crosses_itself_leaves_its_middle_out():
    points = MapPoints(np.array([[0.0, 0.0], [0.0, 0.8], [3.0, 3.0], [-3.0, -3.0]]))
    angles = np.pi / 2 + 4 * np.pi / 5 * np.arange(5)
    star = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert points.inside(star).tolist() == [False, True, False, False]


def test_two_corners_hold_nothing():
    points = MapPoints(np.random.default_rng(0).normal(size=(9, 2)))
    assert not points.inside(np.array([[-9.0, -9.0], [9.0, 9.0]])).any()


def test_points_without_a_position_are_left_out():
    positions = np.array([[0.0, 0.0], [np.nan, 1.0], [1.0, 1.0]])
    points = MapPoints(positions)
    everything = np.array([[-9.0, -9.0], [9.0, -9.0], [9.0, 9.0], [-9.0, 9.0]])
    assert points.inside(everything).tolist() == [True, False, True]


def test_positions_are_sent_finer_than_a_thousandth_of_the_map():
    rng = np.random.default_rng(1)
    points = MapPoints(rng.normal(size=(100, 2)) * [3, 1])
    origin, span = points.square
    restored = points.levels / 65535 * span + origin
    np.testing.assert_allclose(restored, points.positions, atol=span / 65535)


def test_equal_maps_have_equal_hashes_and_others_not():
    positions = np.random.default_rng(0).normal(size=(6, 2))
    first = MapPoints(positions, rows=np.arange(6))
    again = MapPoints(positions.copy(), rows=np.arange(6))
    moved = MapPoints(positions + 1, rows=np.arange(6))
    renamed = MapPoints(positions, rows=np.arange(6)[::-1])
    assert first.geometry == again.geometry
    assert first.block == again.block
    assert first.geometry != moved.geometry
    assert first.meaning == moved.meaning
    assert first.meaning != renamed.meaning


def test_missing_values_have_a_code_of_their_own():
    facts, codes = Categories(np.array([0, -1, 1, 1]), ["a", "b"], "Group").column()
    assert codes.tolist() == [0, 255, 1, 1]
    assert (facts["counts"], facts["missing"]) == ([1, 2], 1)
    facts, levels = Numbers(np.array([10.0, np.nan, 20.0]), "LVEF", "%").column()
    assert levels.tolist() == [0, 65535, 65534]
    assert facts["missing"] == 1


def test_numbers_are_clipped_at_percentiles_but_sent_whole():
    values = np.append(np.linspace(0, 100, 1001), 1e4)
    facts, levels = Numbers(values, "Mass", "g").column()
    assert facts["high"] == pytest.approx(np.percentile(values, 98))
    restored = facts["least"] + levels / 65534 * (facts["most"] - facts["least"])
    np.testing.assert_allclose(restored, values, atol=1e4 / 65534)


@pytest.mark.parametrize("values", [np.full(4, np.nan), np.full(4, 7.0)])
def test_a_column_without_spread_can_be_drawn(values):
    facts, levels = Numbers(values, "Age").column()
    assert facts["high"] > facts["low"]
    assert facts["most"] > facts["least"]
    assert levels.shape == (4,)


def test_lengths_that_differ_are_refused():
    with pytest.raises(InputError, match="rows of the map has shape"):
        MapPoints(np.zeros((3, 2)), rows=np.arange(4))
    with pytest.raises(InputError, match="finite position"):
        MapPoints(np.full((3, 2), np.nan))
    with pytest.raises(InputError, match="categories"):
        Categories(np.zeros(3, int), [str(k) for k in range(13)], "Site")
    with pytest.raises(InputError, match="without a name"):
        Categories(np.array([0, 2]), ["a", "b"], "Site")


def test_a_column_around_zero_is_colored_around_zero():
    values = np.linspace(-10, 30, 401)
    facts, _ = Numbers(values, "Axis", "°").column()
    assert facts["low"] == -facts["high"]
    assert facts["palette"] != Numbers(values + 20, "Age").column()[0]["palette"]


def test_the_share_beyond_the_ends_of_the_colors_is_said():
    values = np.append(np.linspace(1, 101, 1000), [np.nan, 1e4])
    facts, _ = Numbers(values, "Mass", "g").column()
    known = values[np.isfinite(values)]
    assert facts["above"] == pytest.approx(np.mean(known > facts["high"]))
    assert facts["below"] == pytest.approx(np.mean(known < facts["low"]))


def test_a_range_shows_what_lies_inside_and_missing_ones_by_their_own_entry():
    numbers = Numbers(np.array([10.0, 15.0, np.nan, 20.0]), "LVEF", "%")
    middle = (1, 65533)
    assert numbers.shown(hidden=[], levels=middle).tolist() == [False, True, True, False]
    assert numbers.shown(hidden=[255], levels=middle).tolist() == [False, True, False, False]
    assert numbers.shown(hidden=[255]).tolist() == [True, True, False, True]
    codes = Categories(np.array([0, -1, 1]), ["a", "b"], "Group")
    assert codes.shown(hidden=[1]).tolist() == [True, True, False]
    assert codes.shown(hidden=[255]).tolist() == [True, False, True]


def test_equal_columns_are_sent_by_the_same_name():
    values = np.random.default_rng(0).normal(50, 5, size=20)
    first, again = Numbers(values, "LVEF", "%").block, Numbers(values.copy(), "LVEF", "%").block
    assert (first.name, first.data) == (again.name, again.data)
    assert first.name != Numbers(values, "LVESV", "%").block.name


def test_titles_of_axes_are_part_of_the_geometry_and_not_of_its_meaning():
    positions = np.random.default_rng(0).normal(size=(6, 2))
    plain, titled = MapPoints(positions), MapPoints(positions, axis_titles=("Age", "Mass"))
    assert plain.meaning == titled.meaning
    assert plain.geometry != titled.geometry
