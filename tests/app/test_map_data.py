import numpy as np
import pytest

from app import map_data
from app.components.latent_map import Categories, Numbers


@pytest.fixture
def both(explorer):
    return map_data.points(explorer.latents.maps["pca"], explorer.latent_rows, space="both")


def test_the_two_latents_of_a_participant_are_partners(both):
    has_partner = np.flatnonzero(both.partners >= 0)
    assert len(has_partner) == 16
    for point in has_partner:
        partner = both.partners[point]
        assert both.rows[partner] == both.rows[point]
        assert both.classes[partner] != both.classes[point]
        assert both.partners[partner] == point


def test_a_row_without_a_recording_has_no_such_point(both):
    assert set(both.rows[both.classes == 1]) == set(range(12)) - {2, 7}
    assert both.class_names == ("ECG latents", "MRI latents")


def test_points_lie_where_the_map_puts_them(explorer, both):
    ecg = both.classes == 0
    expected = explorer.latents.maps["pca"]["ecg"][both.rows[ecg]]
    np.testing.assert_array_equal(both.positions[ecg], expected)


def test_latents_of_a_smaller_cohort_are_joined_by_participant_and_visit(
    tmp_path, make_cohort, make_explorer, small_cohort
):
    shown = make_explorer(small_cohort)
    grown = make_cohort(tmp_path / "grown", rows=14)
    rows = map_data.rows_of_latents(grown, shown.latents)
    assert rows.tolist() == [*range(12), -1, -1]


def test_sex_is_coloured_by_words_and_age_by_numbers(explorer, both):
    sex = map_data.colour(explorer.cohort, both, "sex")
    assert isinstance(sex, Categories)
    assert tuple(sex.names) == ("female", "male")
    np.testing.assert_array_equal(sex.codes, both.rows % 2)
    age = map_data.colour(explorer.cohort, both, "age_years")
    assert isinstance(age, Numbers)
    np.testing.assert_allclose(age.values, 40.0 + both.rows)


def test_a_missing_value_is_nan_and_a_missing_category_minus_one(explorer, both):
    values = map_data.colour(explorer.cohort, both, "lvef_percent").values
    assert np.isnan(values[both.rows == 4]).all()
    assert np.isfinite(values[both.rows != 4]).all()


def test_text_is_coloured_by_its_categories(explorer, both):
    center = map_data.colour(explorer.cohort, both, "center")
    assert [center.names[code] for code in center.codes[:3]] == [
        "south" if row % 3 == 0 else "north" for row in both.rows[:3]
    ]


def test_an_upload_becomes_the_last_point_and_belongs_to_no_row(explorer):
    ecg = map_data.points(explorer.latents.maps["umap"], explorer.latent_rows, space="ecg")
    added = map_data.with_point(ecg, np.array([1.0, 2.0]))
    assert added.positions[-1].tolist() == [1.0, 2.0]
    assert added.rows[-1] == -1
    assert added.class_names == ("ECG latents", "Your recording")


def test_the_rows_of_selected_points_are_counted_once(both):
    row = both.rows[0]
    points = np.array([0, both.partners[0]])
    assert map_data.rows_of_points(both, points).tolist() == [row]


def test_latents_find_their_row_of_the_cohort_back():
    latent_rows = np.array([2, -1, 0])
    assert map_data.rows_of_cohort(latent_rows, 4).tolist() == [2, -1, 0, -1]


def test_axes_are_columns_of_numbers_with_titles(explorer):
    names = map_data.axis_names(explorer.cohort)
    assert "lvef_percent" in names
    assert "center" not in names
    titles = map_data.axis_titles(map_data.Axes("lvef_percent", "age_years", ("sex",)))
    assert titles == ("LV ejection fraction, adjusted (SD)", "Age, adjusted (SD)")
