"""Plotly figures from arrays."""

import numpy as np

from app.charts import MAX_FALLBACK_POINTS, latent_map_plotly, learning_curves
from app.components.map_colors import Categories, Numbers
from app.components.map_points import MapPoints


def test_the_fallback_map_carries_point_indices_and_draws_missing_values_grey():
    positions = np.array([[0.0, 1.0], [np.nan, 0.0], [2.0, 3.0], [4.0, 5.0]])
    points = MapPoints(positions, rows=np.array([5, 6, 7, 8]))
    figure = latent_map_plotly(points, Categories(np.array([1, 0, -1, 1]), ["a", "b"], "Group"))
    drawn = {trace.name: list(trace.customdata) for trace in figure.data}
    assert drawn == {"not measured": [2], "b": [0, 3]}
    assert list(figure.data[1].text) == [5, 8]


def test_the_fallback_map_colors_numbers_between_percentiles():
    rng = np.random.default_rng(0)
    values = rng.normal(50, 10, 500)
    values[:20] = np.nan
    points = MapPoints(rng.normal(size=(500, 2)))
    missing, known = latent_map_plotly(points, Numbers(values, "LVEF", "%")).data
    assert len(missing.x) == 20
    assert known.marker.cmin == np.percentile(values[20:], 2)
    assert known.marker.cmax == np.percentile(values[20:], 98)


def test_the_fallback_map_thins_evenly_what_a_browser_cannot_draw():
    many = 2 * MAX_FALLBACK_POINTS + 10
    points = MapPoints(np.random.default_rng(0).normal(size=(many, 2)))
    (trace,) = latent_map_plotly(points, Categories(np.zeros(many, int), ["all"], "All")).data
    assert len(trace.x) <= MAX_FALLBACK_POINTS
    assert np.ptp(np.diff(trace.customdata)) == 0


def test_learning_curves_keep_their_values_and_go_on_over_stages():
    curve = np.array([3.0, 2.0, np.nan])
    figure = learning_curves(np.array([1, 2, 3]), [("loss", curve)])
    np.testing.assert_array_equal(figure.data[0].y, curve)
    assert list(figure.data[0].x) == [1, 2, 3]
    assert figure.layout.yaxis.type == "log"
    staged = learning_curves(np.array([1, 2, 1, 2]), [("loss", np.array([4.0, 3.0, -2.0, 1.0]))])
    assert list(staged.data[0].x) == [1, 2, 3, 4]
    assert staged.layout.yaxis.type == "linear"


def test_the_simple_map_draws_what_is_not_selected_faint():
    positions = np.random.default_rng(0).normal(size=(6, 2))
    color = Categories(np.zeros(6, int), ["all"], "Group")
    selected = np.array([True, False, False, True, False, False])
    figure = latent_map_plotly(MapPoints(positions), color, selected=selected)
    assert list(figure.data[0].selectedpoints) == [0, 3]
    assert figure.data[0].unselected.marker.opacity < 0.5
