import numpy as np
import pytest

from app.groups import Group
from app.shapes import Drawing, simplified

FIVE = Group("Five", np.array([5]), {"listed": 1})
INSIDE = {"low": [0, 1, 2], "mid": [2, 3], "high": [8, 9]}


def _shape(name, mode="replace"):
    return {"mode": mode, "name": name}


@pytest.fixture
def tested():
    """The names of shapes that were tested, and the test."""
    seen = []

    def rows_inside(shape):
        seen.append(shape["name"])
        return np.array(INSIDE[shape["name"]])

    return seen, rows_inside


def test_shapes_replace_add_and_subtract(tested):
    _, rows_inside = tested
    low, more, less = _shape("low"), _shape("high", "add"), _shape("mid", "subtract")
    drawing = Drawing().follow([low], rows_inside)
    assert drawing.rows.tolist() == [0, 1, 2]
    drawing = drawing.follow([low, more], rows_inside)
    assert drawing.rows.tolist() == [0, 1, 2, 8, 9]
    drawing = drawing.follow([low, more, less], rows_inside)
    assert drawing.rows.tolist() == [0, 1, 8, 9]
    assert drawing.follow([], rows_inside).rows.tolist() == []


def test_undoing_tests_no_shape_again(tested):
    seen, rows_inside = tested
    low, more = _shape("low"), _shape("high", "add")
    drawing = Drawing().follow([low, more], rows_inside).follow([low], rows_inside)
    assert drawing.rows.tolist() == [0, 1, 2]
    assert seen == ["low", "high"]
    assert drawing.follow([low], rows_inside) is drawing


def test_one_can_draw_on_a_list_and_undo_back_to_it(tested):
    _, rows_inside = tested
    low, more = _shape("low"), _shape("high", "add")
    drawing = Drawing().follow([low], rows_inside).restart(FIVE)
    assert drawing.rows.tolist() == [5]
    assert drawing.follow([low], rows_inside) is drawing
    drawing = drawing.follow([low, more], rows_inside)
    assert drawing.rows.tolist() == [5, 8, 9]
    how = drawing.group({"map": "umap"}).how
    assert [shape["name"] for shape in how["shapes"]] == ["high"]
    assert how["from"] == {"name": "Five", "listed": 1}
    assert drawing.follow([low], rows_inside).rows.tolist() == [5]


def test_a_new_shape_ends_a_list(tested):
    _, rows_inside = tested
    drawing = Drawing().follow([_shape("low")], rows_inside).restart(FIVE)
    assert drawing.follow([_shape("mid")], rows_inside).rows.tolist() == [2, 3]


def test_what_was_replaced_is_not_kept_as_the_way_it_was_made(tested):
    _, rows_inside = tested
    shapes = [_shape("low"), _shape("high", "add"), _shape("mid"), _shape("low", "subtract")]
    how = Drawing().follow(shapes, rows_inside).group({"map": "umap"}).how
    assert how["map"] == "umap"
    assert [shape["name"] for shape in how["shapes"]] == ["mid", "low"]


def test_drawing_on_what_was_drawn_on_the_same_map_keeps_all_shapes(tested):
    _, rows_inside = tested
    before = Drawing().follow([_shape("low")], rows_inside).group({"map": "umap"})
    drawing = Drawing(start=before).follow([_shape("high", "add")], rows_inside)
    how = drawing.group({"map": "umap"}).how
    assert [shape["name"] for shape in how["shapes"]] == ["low", "high"]
    assert how["shapes"][0]["mode"] == "replace"
    assert "from" in drawing.group({"map": "pca"}).how


def test_a_shape_around_nobody_selects_nothing(tested):
    drawing = Drawing().follow([_shape("low"), _shape("low", "subtract")], tested[1])
    assert drawing.group({}) is None


def test_a_simplified_ring_has_few_corners_near_the_outline():
    turn = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    ring = np.rint(np.stack([np.cos(turn), np.sin(turn)], axis=1) * 10_000).astype(np.int64)
    fewer = simplified(ring)
    assert 8 <= len(fewer) <= 70
    middles = (fewer + np.roll(fewer, -1, axis=0)) / 2
    assert np.hypot(*middles.T).min() > 10_000 - 20_000 / 500 - 1
    square = np.array([[0, 0], [50, 0], [100, 0], [100, 100], [0, 100]])
    assert simplified(square).tolist() == [[0, 0], [100, 0], [100, 100], [0, 100]]


def test_polygons_that_cannot_be_simplified_stay_as_they_are():
    for corners in ([[0, 0], [5, 5], [9, 1]], [[3, 3]] * 6, [[0, 0], [1, 0], [2, 0], [3, 0]]):
        assert len(simplified(np.array(corners))) >= 3
