import numpy as np
import pytest

from app import link, map_caches
from app.groups import Filter, Group


@pytest.fixture
def drawn(page):
    """The map page after a lasso around its left half, and a filter."""
    at = page("map")
    points = map_caches.map_points("both", "umap")
    shape = {
        "mode": "replace",
        "polygon": [[-9, -9], [0.1, -9], [0.1, 9], [-9, 9]],
        "geometry": points.geometry,
        "meaning": points.meaning,
        "hidden_classes": [1],
    }
    at.session_state["map-both"] = {"lasso": {"shapes": [shape], "serial": 1}}
    return at


def _query(at):
    return {
        name: value if isinstance(value, str) else value[0]
        for name, value in at.query_params.items()
    }


def _selected(at, explorer):
    chosen = at.session_state[f"chosen:{explorer.cohort.fingerprint}"]
    return None if chosen is None else chosen.rows.tolist()


def test_a_link_opens_the_same_selection(drawn, page, explorer, texts):
    fingerprint = explorer.cohort.fingerprint
    drawn.session_state[f"filters:{fingerprint}"] = (Filter("age_years", low=43.0),)
    drawn.run()
    rows = _selected(drawn, explorer)
    assert 0 < len(rows) < 12
    query = _query(drawn)
    assert query["filters"] == "age_years:43.."
    opened = page("map", **query)
    assert not opened.warning
    assert _selected(opened, explorer) == rows
    assert opened.session_state[f"filters:{fingerprint}"] == (Filter("age_years", low=43.0),)
    assert _query(opened)["drawn"] == query["drawn"]


def test_a_link_holds_neither_lists_nor_names(page, explorer):
    at = page("map")
    fingerprint = explorer.cohort.fingerprint
    at.text_area(key="find_text").set_value("3 5")
    at.button(key="find_select").click().run()
    at.session_state[f"groups:{fingerprint}"] = {"Secret": Group("Secret", np.array([1]))}
    at.run()
    assert "drawn" not in at.query_params
    assert "Secret" not in str(at.query_params)
    assert "find" not in str(at.query_params)
    assert "save the state" in at.session_state["link_leaves_out"]


def test_a_shape_that_is_too_long_is_left_out_and_said(drawn, monkeypatch):
    monkeypatch.setattr(link, "MAX_CHARACTERS", 20)
    drawn.run()
    assert "drawn" not in drawn.query_params
    assert "too long for the address" in drawn.session_state["link_leaves_out"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"filters": "nonsense"}, "filters of this link"),
        ({"filters": "participant_id=P001"}, "filters of this link"),
        ({"drawn": "nonsense"}, "shape of this link"),
        ({"cohort": "0123456789ab", "filters": "age_years:43..", "row": "2"}, "another cohort"),
        ({"space": "<script>", "map": "'", "colour": "\x00", "row": "1" * 9_000}, "not there"),
    ],
)
def test_nonsense_in_a_link_is_one_sentence_and_the_page_stays(page, texts, query, sentence):
    at = page("map", **query)
    assert not at.exception
    assert len(at.warning) == 1
    assert sentence in at.warning[0].value
    assert "12 participants" in texts(at)


def test_a_shape_of_another_run_is_left_out(drawn, page, texts):
    drawn.run()
    query = {"drawn": _query(drawn)["drawn"], "run": "0123456789ab"}
    at = page("map", **query)
    assert "map of another run" in at.warning[0].value
    assert "12 participants" in texts(at)
