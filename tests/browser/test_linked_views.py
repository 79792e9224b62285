"""Linked views in a real browser: brushing, restoring and exporting, with the library's numbers."""

import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from cmae.data.cohort import Cohort
from cmae.latent.group_export import METADATA_KEY

pytestmark = [
    pytest.mark.browser,
    # Playwright leaves its pipe to the driver to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def cohort(sources):
    return Cohort.open(Path(sources["--cohort"]))


def _column(page, title):
    return page.locator(".distributions .column", has_text=title).first


def _brush(page, title, low, high):
    """Drag over a part of a histogram, in shares of its width."""
    box = _column(page, title).locator(".plot").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + low * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + high * box["width"], y, steps=5)
    page.mouse.up()


def _selected(page):
    heading = page.locator(".cmae-section h2", has_text="participants selected").first
    heading.wait_for()
    return int(re.sub(r"\D", "", heading.inner_text()))


def _download(page, label):
    with page.expect_download() as download:
        page.get_by_role("button", name=label, exact=True).click()
    return Path(download.value.path()).read_bytes()


def test_a_brush_selects_the_rows_of_the_table_everywhere_and_in_the_export(page, cohort):
    _brush(page, "Age", 0.25, 0.75)
    chip = page.get_by_role("button", name=re.compile("^Age [0-9]"))
    chip.wait_for()
    low, high = (
        float(handle.get_attribute("aria-valuenow"))
        for handle in _column(page, "Age").locator(".handle").all()
    )
    expected = cohort.table["age_years"].between(low, high)
    assert 0 < expected.sum() < len(cohort)
    assert _selected(page) == expected.sum()
    status = page.locator(".latent-map .status").last
    assert status.inner_text().startswith(f"{2 * expected.sum()} of {2 * len(cohort)} points")
    page.get_by_role("button", name="Export").click()
    table = pd.read_csv(io.BytesIO(_download(page, "CSV")))
    assert table["row"].tolist() == expected[expected].index.tolist()
    assert "participant_id" not in table
    how = json.loads(_download(page, "How it was made"))
    assert how["how"]["filters"] == [{"column": "age_years", "low": low, "high": high}]
    assert "Research use only" in _download(page, "Report as HTML").decode()
    assert METADATA_KEY in _download(page, "Parquet")
    page.keyboard.press("Escape")
    chip.click()
    page.get_by_text(f"{len(cohort)} participants", exact=True).first.wait_for()


def test_a_link_and_a_saved_state_open_the_same_selection(page, server, cohort):
    page.get_by_role("button", name="Lasso", exact=True).click()
    stage = page.locator(".latent-map .stage").last.bounding_box()
    corners = [(0.02, 0.02), (0.98, 0.02), (0.98, 0.5), (0.02, 0.5)]
    places = [
        (stage["x"] + x * stage["width"], stage["y"] + y * stage["height"]) for x, y in corners
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=3)
    page.mouse.up()
    page.get_by_role("button", name=re.compile("^Drawn on the map")).wait_for()
    count = _selected(page)
    page.wait_for_url(re.compile("drawn="))
    link = page.url
    page.get_by_role("button", name="Save", exact=False).first.click()
    state = _download(page, "Save the state")
    page.goto(link)
    page.get_by_role("button", name=re.compile("^Drawn on the map")).wait_for()
    assert _selected(page) == count
    page.goto(server)
    page.get_by_text(f"{len(cohort)} participants", exact=True).first.wait_for()
    page.get_by_role("button", name="Save", exact=False).first.click()
    file = {"name": "state.json", "mimeType": "application/json", "buffer": state}
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_text("Everything was restored.").wait_for()
    assert _selected(page) == count
