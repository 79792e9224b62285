"""The components inside a Streamlit script, without a browser."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.components.cine_pixels import Cine, _difference, _intensity
from app.components.cine_player import cine_player
from app.components.map_points import MapPoints
from cmae.errors import InputError


def _page():
    import numpy as np
    import streamlit as st

    from app.components.cine_player import Cine, cine_player
    from app.components.ecg_paper import Trace, ecg_paper
    from app.components.latent_map import Categories, inside_shape, latent_map
    from app.components.map_points import MapPoints
    from app.shapes import Drawing

    ecg_paper([Trace(np.zeros((600, 12)), "recorded")], key="ecg")
    cine_player([Cine(np.zeros((96, 96, 50)), "recorded")], key="cine", es_frame=20)
    grid = np.stack(np.meshgrid(np.arange(10.0), np.arange(10.0)), axis=-1).reshape(-1, 2)
    if st.session_state.get("is_turned"):
        grid = grid[:, ::-1]
    points = MapPoints(grid, classes=np.repeat([0, 1], 50))
    color = Categories(np.arange(100) % 2, ["even", "odd"], "Parity")
    event = latent_map(points, color, key="map")

    def inside(shape):
        return np.flatnonzero(inside_shape(shape, points=points, color=color))

    drawing = st.session_state.get("drawing", Drawing()).follow(event.shapes or [], inside)
    st.session_state["drawing"] = drawing
    st.session_state["selected"] = drawing.rows.tolist()
    st.session_state["shapes"] = len(event.shapes or [])
    st.session_state["picked"] = event.picked


@pytest.fixture
def page():
    return AppTest.from_function(_page, default_timeout=30).run()


def _shape(polygon, mode="replace", **more):
    grid = np.stack(np.meshgrid(np.arange(10.0), np.arange(10.0)), axis=-1).reshape(-1, 2)
    points = MapPoints(grid, classes=np.repeat([0, 1], 50))
    known = {"geometry": points.geometry, "meaning": points.meaning}
    return {"mode": mode, "polygon": polygon, **known, **more}


LEFT = [[-0.5, -0.5], [0.5, -0.5], [0.5, 9.5], [-0.5, 9.5]]  # the first column, 0, 10, … 90
LOW = [[-0.5, -0.5], [9.5, -0.5], [9.5, 0.5], [-0.5, 0.5]]  # the first row, 0 … 9


def _send(page, *shapes):
    page.session_state["map"] = {"lasso": {"shapes": list(shapes)}}
    page.run()
    return page.session_state["selected"]


def test_the_components_mount_without_an_error(page):
    assert not page.exception
    assert page.session_state["selected"] == []
    assert page.session_state["picked"] is None


def test_a_polygon_becomes_the_points_inside(page):
    assert _send(page, _shape(LEFT)) == list(range(0, 100, 10))


def test_shapes_add_subtract_and_clear(page):
    _send(page, _shape(LEFT))
    both = _send(page, _shape(LEFT), _shape(LOW, "add"))
    assert both == sorted({*range(0, 100, 10), *range(10)})
    assert _send(page, _shape(LEFT), _shape(LOW, "subtract")) == list(range(10, 100, 10))
    assert _send(page) == []


def test_what_the_legend_hides_is_not_selected(page):
    found = _send(page, _shape(LOW, hidden=[1], column="Parity"))
    assert found == [0, 2, 4, 6, 8]
    assert _send(page, _shape(LEFT, hidden_classes=[1])) == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("levels", [[0], ["a", "b"], [10**400, 3], [None, {}], "nonsense", [-5, 9]])
def test_a_range_that_makes_no_sense_hides_nothing_and_breaks_nothing(page, levels):
    found = _send(page, _shape(LOW, levels=levels, column="Parity"))
    assert not page.exception
    assert found == list(range(10))


def test_a_selection_survives_another_projection_of_the_same_points(page):
    _send(page, _shape(LEFT))
    page.session_state["is_turned"] = True
    page.run()
    assert page.session_state["selected"] == list(range(0, 100, 10))


def test_nonsense_from_a_browser_selects_nothing(page):
    for value in (
        None,
        "nonsense",
        {"shapes": "nonsense"},
        {"shapes": [None, 3, {"mode": "replace"}]},
        {"shapes": [_shape([["a", "b"]] * 3)]},
        {"shapes": [_shape([[0, 0], [1, 1]])]},
        {"shapes": [_shape([[0, 0], [1, float("nan")], [1, 1]])]},
        {"shapes": [_shape(LEFT, "destroy")]},
        {"shapes": [{**_shape(LEFT), "meaning": "of another map"}]},
    ):
        page.session_state["map"] = {"lasso": value}
        page.run()
        assert not page.exception, value
        assert page.session_state["selected"] == [], value
        assert page.session_state["shapes"] == 0, value


def test_the_window_of_a_cine_lies_at_its_percentiles():
    frames = np.random.default_rng(0).gamma(2.0, 50.0, size=(8, 8, 5))
    pixels, window = _intensity(Cine(frames, "recorded", low=20.0, high=200.0))
    at_low = pixels[np.abs(frames - 20.0) < 1.5]
    at_high = pixels[np.abs(frames - 200.0) < 1.5]
    np.testing.assert_allclose(at_low, window["low"], atol=2.5)
    np.testing.assert_allclose(at_high, window["high"], atol=2.5)


def test_a_difference_has_its_zero_in_the_middle_and_its_sign():
    frames = np.array([-9.0, -3.0, 0.0, 3.0, 9.0]).reshape(1, 1, 5)
    pixels, window = _difference(Cine(frames, "difference", "difference", high=3.0))
    assert pixels.ravel().tolist() == [1, 1, 128, 255, 255]
    assert (window["low"], window["high"]) == (-3.0, 3.0)


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_a_constant_cine_can_be_played(value):
    pixels, window = _intensity(Cine(np.full((4, 4, 3), value), "recorded"))
    assert window["high"] > window["low"]
    assert pixels.shape == (4, 4, 3)


@pytest.mark.parametrize(
    ("cines", "sentence"),
    [
        ([], "at least one"),
        ([Cine(np.zeros((4, 4)), "flat")], "one cine at a time"),
        ([Cine(np.full((4, 4, 2), np.nan), "broken")], "NaN"),
        ([Cine(np.zeros((4, 4, 2)), "a"), Cine(np.zeros((4, 4, 3)), "b")], "equal numbers"),
    ],
)
def test_cines_that_cannot_play_are_refused(cines, sentence):
    with pytest.raises(InputError, match=sentence):
        cine_player(cines, key="cine")
