import pytest

from app.explorer import show
from app.walk_wish import WalkWish


def _link(explorer, **changes):
    return {**WalkWish(along="component:1", count=11).to_link(), **changes}


def test_the_first_walk_starts_at_the_center_and_says_how_it_was_found(page, texts, explorer):
    at = page("walk")
    assert not at.exception
    words = texts(at)
    assert "LV ejection fraction" in words
    assert "of the variance of the latents lies along it" in words
    assert "Research use only" in words
    assert at.query_params["along"] == "phenotype:lvef_percent"


def test_a_link_opens_its_walk_and_the_page_writes_it_back(page, texts, explorer):
    link = _link(explorer, steps="15", **{"from": "row"})
    at = page("walk", row="6", **link)
    assert not at.exception
    assert "Principal component 1" in texts(at)
    assert "from participant 6" in texts(at)
    assert {name: at.query_params.get(name, "") for name in link} == link


@pytest.mark.parametrize(
    "link",
    [
        {"along": "phenotype:income"},
        {"along": "component:99"},
        {"along": "to:row:4000"},
        {"along": "found:3:rs1"},
        {"from": "group"},
        {"along": "<script>", "from": "../../etc", "reach": "nan", "latent": "x" * 5000},
    ],
)
def test_a_link_with_nonsense_shows_another_walk_and_says_so(page, texts, link):
    at = page("walk", **link)
    assert not at.exception
    assert "showing another" in texts(at)
    assert "LV ejection fraction" in texts(at)


def test_a_choice_changes_the_walk_and_the_address(page, texts):
    at = page("walk")
    at.selectbox(key="walk-along").select("component:2").run()
    assert not at.exception
    assert "Principal component 2" in texts(at)
    assert at.query_params["along"] == "component:2"
    at.selectbox(key="walk-start").select("row").run()
    assert at.query_params["from"] == "row"


def test_a_walk_leads_to_another_participant(page, texts):
    at = page("walk", row="5")
    at.selectbox(key="walk-along").select("to:row").run()
    assert not at.exception
    at.number_input(key="walk-to-row").set_value(9).run()
    assert "To participant 9" in texts(at)
    assert at.query_params["along"] == "to:row:9"


def test_a_participant_without_the_latent_is_said_in_a_sentence(page, texts):
    at = page("walk", row="2", **{"from": "row", "latent": "joint", "along": "to:row:2"})
    assert not at.exception
    assert "choose" in texts(at)


def test_too_few_latents_say_what_to_do(make_explorer, make_cohort, tmp_path, page, texts):
    show(make_explorer(make_cohort(tmp_path / "few", rows=6)))
    assert "cmae embed" in texts(page("walk"))


def test_a_run_with_one_decoder_shows_that_alone(
    make_explorer, small_cohort, page, texts, quick_run
):
    class EcgRun(quick_run):
        modalities = ("ecg",)

    shown = make_explorer(small_cohort, load_run=EcgRun)
    show(shown)
    with shown.model.use():
        pass
    at = page("walk")
    assert not at.exception
    assert "Research use only" in texts(at)
