import numpy as np
import pytest

from app import map_caches, map_data, session
from app.explorer import show
from app.groups import Filter
from cmae.errors import RunError
from cmae.latent.phenotype_map import phenotype_map

VIEWS = ("map", "participant", "upload", "about", "walk")


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_draws_without_an_exception_and_names_run_and_cohort(page, texts, view):
    at = page(view)
    assert not at.exception
    words = texts(at)
    assert "quick_run" in words
    assert "12 rows" in words


def test_the_whole_application_opens_on_the_map(whole_app, texts):
    at = whole_app.run()
    assert not at.exception
    assert "Map of hearts" in texts(at)


def test_a_link_opens_its_row(page, texts):
    at = page("participant", row="5")
    assert "Participant 5" in texts(at)


@pytest.mark.parametrize("row", ["99", "-1", "abc", "٣"])
def test_a_link_to_a_row_that_is_not_there_says_so(page, texts, row):
    at = page("participant", row=row)
    assert not at.exception
    assert "asks for a row that is not there" in texts(at)
    assert "Participant 0" in texts(at)


def test_a_link_of_another_cohort_says_so_and_does_not_show_its_row(page, texts):
    at = page("participant", row="5", cohort="0123456789ab")
    assert "another cohort" in texts(at)
    assert "Participant 0" in texts(at)


def test_the_address_holds_row_and_fingerprint_and_no_identifier(page, explorer):
    at = page("participant", row="5")
    assert at.query_params["row"] == "5"
    assert at.query_params["cohort"] == session.short(explorer.cohort.fingerprint)
    assert "P005" not in str(at.query_params)


def test_identifiers_show_only_when_asked_for(page, texts):
    at = page("participant", row="5")
    assert "P005" not in texts(at)
    at.toggle(key="show_identifiers").set_value(True).run()
    assert "P005" in texts(at)


def test_next_goes_on_and_starts_again_after_the_last(page, texts):
    at = page("participant", row="10")
    at.button[1].click().run()
    assert "Participant 11" in texts(at)
    at.button[1].click().run()
    assert "Participant 0" in texts(at)


def test_a_participant_has_the_errors_of_all_decodings(page, texts):
    words = texts(page("participant", row="5"))
    for source in ("From the ECG", "From the MRI", "From the ECG + MRI"):
        assert source in words
    assert "µV" in words


@pytest.mark.parametrize(("row", "lacking"), [("2", "cine"), ("3", "ECG")])
def test_a_row_that_lacks_a_recording_is_still_shown(page, texts, row, lacking):
    at = page("participant", row=row)
    assert not at.exception
    assert f"Participant {row}" in texts(at)
    assert "From the ECG + MRI" in texts(at)


def test_a_selection_is_compared_with_the_others(page, texts, explorer):
    at = page("map")
    points = map_caches.map_points("both", "umap")
    shape = {
        "mode": "replace",
        "polygon": [[-9, -9], [0, -9], [0, 9], [-9, 9]],
        "geometry": points.geometry,
        "meaning": points.meaning,
    }
    at.session_state["map-both"] = {"lasso": {"shapes": [shape]}}
    at.run()
    assert not at.exception
    maps = explorer.latents.maps["umap"]
    selected = (maps["ecg"][:, 0] < 0) | (maps["mri"][:, 0] < 0)
    assert 0 < selected.sum() < 12
    assert f"{selected.sum()} participants selected" in texts(at)
    at.session_state["linked_view"] = "differences"
    at.run()
    ages = explorer.cohort.table["age_years"][selected]
    assert f"{ages.mean():.1f} ± " in texts(at)


def test_a_filter_narrows_what_was_drawn_and_its_chip_removes_it(page, texts, explorer):
    at = page("map")
    points = map_caches.map_points("both", "umap")
    shape = {
        "mode": "replace",
        "polygon": [[-9, -9], [0, -9], [0, 9], [-9, 9]],
        "geometry": points.geometry,
        "meaning": points.meaning,
    }
    at.session_state["map-both"] = {"lasso": {"shapes": [shape], "serial": 1}}
    fingerprint = explorer.cohort.fingerprint
    at.session_state[f"filters:{fingerprint}"] = (Filter("age_years", low=46.0),)
    at.run()
    maps, ages = explorer.latents.maps["umap"], explorer.cohort.table["age_years"]
    drawn = (maps["ecg"][:, 0] < 0) | (maps["mri"][:, 0] < 0)
    both = drawn & (ages >= 46.0).to_numpy(bool)
    assert 0 < both.sum() < drawn.sum()
    assert f"{both.sum()} participants selected" in texts(at)
    at.button(key="chip-age_years").click().run()
    assert f"{drawn.sum()} participants selected" in texts(at)
    at.button(key="chip-chosen").click().run()
    assert "12 participants" in texts(at)
    assert "selected" not in texts(at)


def test_a_pasted_list_is_selected_and_kept_as_a_group(page, texts, explorer):
    at = page("map")
    at.text_area(key="find_text").set_value("3; 5\n7, 99")
    at.button(key="find_select").click().run()
    assert "3 of 4 found, 1 not in this cohort." in texts(at)
    assert "3 participants selected" in texts(at)
    assert "Participant 3" in texts(at)
    at.text_input(key="group_name").set_value("Mine")
    at.button(key="group_keep").click().run()
    kept = at.session_state[f"groups:{explorer.cohort.fingerprint}"]["Mine"]
    assert kept.rows.tolist() == [3, 5, 7]
    assert kept.how == {"listed": 4, "found": 3}
    at.text_input(key="group-0-Mine").set_value("Yours").run()
    at.button(key="drop-0").click().run()
    assert at.session_state[f"groups:{explorer.cohort.fingerprint}"] == {}


def test_identifiers_are_looked_up_only_where_they_were_switched_on(page, texts):
    at = page("map")
    at.text_area(key="find_text").set_value("P005")
    at.button(key="find_select").click().run()
    assert "Participant 5" in texts(at)  # "005" is row 5: identifiers are not read here.
    at.toggle(key="show_identifiers").set_value(True).run()
    at.text_area(key="find_text").set_value("P004 P006 P999")
    at.button(key="find_select").click().run()
    assert "2 of 3 found, 1 not in this cohort." in texts(at)
    assert "P999" not in texts(at)


def test_every_column_can_colour_the_map(page):
    at = page("map")
    for name in at.selectbox(key="colour").options:
        at.selectbox(key="colour").select(name)
        at.run()
        assert not at.exception, name


def test_a_run_that_cannot_be_loaded_is_one_sentence_beside_the_recordings(
    make_explorer, small_cohort, page, texts
):
    def broken():
        raise RunError("The weights do not fit the settings: copy the run again.")

    shown = make_explorer(small_cohort, load_run=broken)
    show(shown)
    with pytest.raises(RunError), shown.model.use():
        pass
    at = page("participant", row="5")
    assert not at.exception
    assert [error.value for error in at.error] == [str(shown.model.error)]


def test_latents_without_maps_say_what_to_do(make_explorer, small_cohort, page, texts):
    shown = make_explorer(small_cohort)
    shown.latents.maps.clear()
    show(shown)
    assert "cmae map latents.h5" in texts(page("map"))


def test_the_map_can_have_phenotypes_as_axes(page, texts):
    at = page("map")
    at.selectbox(key="map").select("axes").run()
    assert not at.exception
    assert "cosine of the axes" in texts(at)
    assert at.selectbox(key="across").value != at.selectbox(key="up").value
    at.selectbox(key="across").select(at.selectbox(key="up").value).run()
    assert not at.exception


def test_a_phenotype_axis_is_the_projection_that_the_library_gives(page, explorer):
    page("map")
    found = map_caches.phenotype_axes(map_data.Axes("age_years", "lvef_percent"))
    expected = phenotype_map(
        explorer.latents.latents, explorer.cohort.table, ("age_years", "lvef_percent")
    )
    for kind in ("ecg", "mri", "joint"):
        np.testing.assert_allclose(found.positions[kind], expected.positions[kind], atol=1e-5)


def test_the_simple_map_is_there_by_choice(page):
    at = page("map")
    at.toggle(key="simple").set_value(True).run()
    assert not at.exception
    assert len(at.get("plotly_chart")) == 1


def test_an_address_may_name_the_colour_by_its_column(page):
    at = page("map", colour="age_years")
    assert at.selectbox(key="colour").value == "age_years"


def test_a_selection_leads_to_its_comparison_with_the_rest(whole_app, texts):
    at = whole_app.run()
    at.text_area(key="find_text").set_value("0 1 2 3 4 5")
    at.button(key="find_select").click().run()
    next(each for each in at.button if each.label == "Compare").click().run()
    assert not at.exception
    assert "Compare two groups" in texts(at)
    assert texts(at).count("6 rows") == 2


@pytest.mark.parametrize("column", ["sex", "nonsense", "lvef_percent"])
def test_an_address_may_name_axes_but_only_by_columns_that_can_be_one(page, column):
    at = page("map", map="Phenotypes", across=column, up=column)
    assert not at.exception
    names = map_data.axis_names(session.explorer().cohort)
    assert at.selectbox(key="across").value in names
    assert (at.selectbox(key="across").value == column) == (column in names)
    assert at.selectbox(key="up").value != at.selectbox(key="across").value
