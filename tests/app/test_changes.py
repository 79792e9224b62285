"""Files that change or vanish while a page shows them: a sentence, and never a traceback."""

import shutil

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import explorer
from app.explorer import show
from cmae.data.cohort import Cohort
from tests.app.conftest import SCRIPT

pytestmark = pytest.mark.slow


@pytest.fixture
def opened(prepared, quick, monkeypatch):
    """The whole application on a prepared pair, after its first page."""
    monkeypatch.setattr("app.catalog.load_run", lambda path, fingerprint: quick(path))
    catalog, pair = prepared
    show(catalog.open(pair), catalog=catalog)
    at = AppTest.from_file(str(SCRIPT), default_timeout=60).run()
    assert not at.exception
    return at, pair


def test_a_cohort_that_grows_is_said_and_opens_again_at_a_click(opened):
    at, pair = opened
    rows = len(explorer.shown()[0].cohort)
    with Cohort.open(pair.cohort).writer() as writer:
        writer.add("P100", ecg=np.ones((600, 12)))
    at.run()
    assert "has changed on the disk" in at.warning[0].value
    next(each for each in at.button if each.label == "Reopen").click().run()
    assert not at.exception
    assert not at.warning
    assert len(explorer.shown()[0].cohort) == rows + 1


@pytest.mark.parametrize("what", ["cohort", "latents", "run"])
def test_what_vanishes_leaves_a_sentence_and_no_traceback(opened, what):
    at, pair = opened
    latents = explorer.shown()[0].latents.path
    if what == "latents":
        latents.unlink()
    else:
        shutil.rmtree({"cohort": pair.cohort, "run": pair.run}[what])
    at.run()
    assert not at.exception
    assert f"The {what}" in at.warning[0].value
    next(each for each in at.button if each.label == "Reopen").click().run()
    assert not at.exception
    assert at.warning
