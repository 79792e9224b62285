import json

import pytest

from app import explorer, pair_panel
from app.catalog import Catalog, Pair
from app.explorer import show
from app.jobs import Job, Jobs, JobState


@pytest.fixture
def offered(prepared, make_cohort, tmp_path, monkeypatch):
    """The prepared pair is open, and a second cohort is offered without latents."""
    catalog, pair = prepared
    other = make_cohort(tmp_path / "other", 5, seed=3).path
    catalog = Catalog(catalog.runs, (pair.cohort, other), folder=catalog.folder)
    show(catalog.open(pair), catalog=catalog)
    monkeypatch.setattr(pair_panel, "JOBS", Jobs(Quiet))
    return catalog, Pair(pair.run, other)


class Quiet(Job):
    """An embedding that ends at once."""

    ends = JobState("failed", error="The disk is full.")

    def run(self):
        self.state = self.ends


@pytest.fixture
def about(page, offered):
    return page("about")


def choose_other(at, pair):
    at.selectbox(key="choose_cohort").select(pair.cohort).run()
    return at


def button(at, label):
    return next(each for each in at.button if each.label == label)


def test_a_pair_without_latents_can_be_embedded_and_a_failure_is_one_sentence(about, offered):
    at = choose_other(about, offered[1])
    assert not at.exception
    button(at, "Embed this cohort with this run").click().run()
    for _ in range(20):
        if at.error:
            break
        at.run()
    assert [error.value for error in at.error] == ["The disk is full."]


def test_a_pair_that_was_embedded_meanwhile_opens(about, offered, quick):
    from app import demo

    catalog, pair = offered
    at = choose_other(about, pair)
    demo.prepare_latents(catalog.sources(pair), opener=quick)
    at.run()
    button(at, "Open").click().run()
    assert not at.exception
    opened = next(each for each in explorer.shown() if each.cohort.path == pair.cohort)
    assert at.session_state["explorer"] == opened.key


def test_the_split_of_a_training_cohort_can_be_kept_as_groups(about, offered, texts):
    shown = explorer.shown()[0]
    facts = {
        "cohort_fingerprint": shown.cohort.fingerprint,
        "participants": {"train": 3, "validation": 1, "test": 1},
    }
    (shown.run_path / "card.json").write_text(json.dumps(facts))
    (shown.run_path / "split.csv").write_text("row,split\n0,train\n2,train\n4,test\n")
    at = about
    at.session_state["run_side"] = "Split"
    at.run()
    assert "trained on" in texts(at)
    button(at, "Keep the parts as groups").click().run()
    kept = at.session_state[f"groups:{shown.cohort.fingerprint}"]
    assert kept["Split: train"].rows.tolist() == [0, 2]
