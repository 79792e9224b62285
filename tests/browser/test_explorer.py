"""The explorer in a real browser, on a small simulated cohort: map, participant, upload."""

import re
from pathlib import Path

import numpy as np
import pytest

from cmae.data.cohort import Cohort
from cmae.evaluation.folds import outer_folds
from cmae.evaluation.reading import fit_without_fold, read
from cmae.latent.latents import Latents
from cmae.latent.retrieval import true_match_ranks
from cmae.measure.ventricle import ejection, find_ventricle

PROJECT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.browser,
    # Playwright leaves its pipe to the driver to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def _pixels(page, canvas):
    """Return the pixels of a canvas, as its browser draws them."""
    handle = canvas.element_handle()
    data = page.evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)", handle
    )
    return np.array(data, np.uint8)


def _assert_plays(page, canvas):
    canvas.wait_for()
    first = _pixels(page, canvas)
    assert first.std() > 5, "the cine is a flat picture"
    for _ in range(40):
        page.wait_for_timeout(250)
        if np.any(_pixels(page, canvas) != first):
            return
    pytest.fail("the cine did not move in 10 seconds")


def _upload(page, *paths):
    page.get_by_role("link", name="Your recording").first.click()
    page.get_by_role("heading", name="Your own recording").wait_for()
    page.locator("input[type=file]").set_input_files([str(path) for path in paths])


def _choose(page, label, option):
    """Choose from a list, which closes when the page is drawn anew: then again."""
    from playwright.sync_api import TimeoutError as NotInTime

    wanted = page.get_by_role("option", name=option)
    for _ in range(20):
        page.get_by_label(label).click()
        try:
            wanted.click(timeout=3_000)
        except NotInTime:
            page.keyboard.press("Escape")
        else:
            return
    pytest.fail(f"the option {option} was never there")


def test_the_first_page_shows_a_playing_heart_and_explains_itself(page):
    assert page.get_by_text("Each dot is one heart").is_visible()
    assert page.get_by_text("Simulated cohort").first.is_visible()
    _assert_plays(page, page.locator(".cine-player canvas").first)


def test_the_card_of_a_point_shows_its_heart_and_beat_to_this_session_only(page):
    stage = page.locator(".latent-map .stage")
    stage.wait_for()
    page.locator(".latent-map .status:not(:empty)").wait_for()
    box = stage.bounding_box()
    with page.expect_response(lambda answer: "/hearts/" in answer.url) as answered:
        for k in range(1500):
            x = box["x"] + box["width"] * (0.02 + 0.96 * ((k * 0.618) % 1))
            page.mouse.move(x, box["y"] + box["height"] * (0.02 + 0.96 * (k / 1500)))
            if page.locator(".latent-map .card").is_visible():
                break
    assert answered.value.status == 200
    heart = page.locator(".latent-map .card img.heart")
    heart.wait_for()
    assert heart.evaluate("image => image.naturalWidth") == 96
    assert page.locator(".latent-map .card .beat path").count() == 2
    # The same address without the session's token, from the same page.
    status = "address => fetch(address, { cache: 'no-store' }).then((answer) => answer.status)"
    assert page.evaluate(status, answered.value.url) == 404


def test_a_click_on_the_map_leads_to_a_participant_with_all_decodings(page):
    map_canvas = page.locator(".latent-map canvas").last
    map_canvas.wait_for()
    heading = page.locator(".cmae-section h2", has_text="Participant").first
    before = heading.inner_text()
    box = map_canvas.bounding_box()
    card = page.locator(".latent-map .card")
    # Points lie somewhere: walk over the map until the card of another row shows, then click.
    for k in range(1500):
        x = box["x"] + box["width"] * (0.02 + 0.96 * ((k * 0.618) % 1))
        y = box["y"] + box["height"] * (0.02 + 0.96 * (k / 1500))
        page.mouse.move(x, y)
        if card.is_visible():
            number = re.search(r"\d+", card.inner_text()).group()
            if before != f"Participant {number}":
                page.mouse.click(x, y)
                break
    else:
        pytest.fail("no point was found on the map")
    page.locator(".cmae-section h2", has_text=f"Participant {number}").first.wait_for()
    page.wait_for_url(re.compile(rf"row={number}\b"))
    page.get_by_role("button", name="See all decodings").click()
    page.get_by_role("heading", name=f"Participant {number}").wait_for()
    page.get_by_text("Mean error and correlation").wait_for()
    assert page.get_by_text("Research use only, not for diagnosis").first.is_visible()
    page.locator(".ecg-paper svg").first.wait_for()
    assert page.locator(".cine-player canvas").count() >= 3
    _assert_plays(page, page.locator(".cine-player canvas").first)


def test_a_link_opens_its_participant_and_the_next_is_one_click_away(page, server):
    page.goto(f"{server}/participant?row=3")
    page.get_by_role("heading", name="Participant 3").wait_for()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("heading", name="Participant 4").wait_for()
    assert "row=4" in page.url


def test_an_ecg_and_a_cine_are_read_checked_placed_and_taken_away(page):
    samples = PROJECT / "data_samples"
    ecg = samples / "ecg" / "sample-1.hea"
    _upload(page, ecg, ecg.with_suffix(".dat"), *sorted((samples / "cine" / "sample-1").iterdir()))
    page.get_by_text("Beats used").wait_for()
    page.get_by_text("On the map").wait_for()
    page.get_by_text("this cohort:").first.wait_for()
    page.get_by_text("95 % interval").first.wait_for()
    _assert_plays(page, page.locator(".cine-player canvas").first)
    _choose(page, "Take away", "MRI, translated from the ECG")
    with page.expect_download() as download:
        page.get_by_role("button", name="GIF").click()
    assert Path(download.value.path()).read_bytes()[:4] == b"GIF8"
    with page.expect_download() as download:
        page.get_by_role("button", name="One page (HTML)").click()
    sheet = Path(download.value.path()).read_text()
    assert "Research use only" in sheet
    assert "sample-1" not in sheet
    page.get_by_role("button", name="Forget the upload").click()
    page.get_by_text("Nothing uploaded yet").wait_for()


def test_a_real_ecg_is_read_and_placed(page, realdata):
    header = min((realdata / "ecg" / "cinc2021").glob("*.hea"))
    _upload(page, header, header.with_suffix(".mat"))
    page.get_by_text("Beats used").wait_for()
    page.get_by_text("On the map").wait_for()
    _assert_plays(page, page.locator(".cine-player canvas").first)


def test_a_wrong_file_is_one_sentence_and_the_page_stays(page, tmp_path):
    path = tmp_path / "notes.nii"
    path.write_bytes(b"this is no NIfTI file")
    _upload(page, path)
    page.get_by_test_id("stAlert").first.wait_for()
    assert page.get_by_role("heading", name="Your own recording").is_visible()
    assert page.get_by_test_id("stException").count() == 0


def test_a_participants_page_says_what_the_library_says(page, server, sources):
    cohort, latents = Cohort.open(sources["--cohort"]), Latents.open(sources["--latents"])
    page.goto(f"{server}/participant?row=3")
    page.get_by_role("heading", name="Participant 3").wait_for()
    beat = ejection(find_ventricle(cohort.read("mri", 3)))
    legend = page.locator(".area-curve .legend")
    legend.get_by_text("recorded").wait_for()
    assert f"EF {beat.ef_percent:.0f} %" in legend.inner_text().split("reconstructed")[0]
    names = ["age_years", "lvef_percent"]
    folds = outer_folds(cohort.table["participant_id"].to_numpy(str))
    given = {name: (latents.latents[name], latents.present[name]) for name in ("ecg", "mri")}
    fitted = fit_without_fold(given, cohort.table, cohort.columns, names, fold=int(folds[3]))
    own = {name: latents.latents[name][3] for name in given}
    readings = read(fitted, own, cohort.table, cohort.columns, row=3)
    if readings:
        age = readings[0]
        row = page.locator(".phenotype-chart tbody tr", has_text="Age").first
        row.wait_for()
        assert f"{age.measured:.1f} years" in row.inner_text()
        told = [f"{age.predicted[name].value:.1f} ± " for name in ("ecg", "mri")]
        assert all(text in row.inner_text() for text in told)
    else:
        page.get_by_text("too few participants").wait_for()
    page.get_by_text("MRI for this ECG").click()
    ranks = true_match_ranks(latents.latents["ecg"], latents.latents["mri"])
    page.get_by_text(f"the participant's own is number {ranks[3]:,.0f} for this ECG").wait_for()
    nearest = latents.neighbours["ecg_mri"][3]
    cards = page.locator(".heart-cards button")
    cards.first.wait_for()
    assert [int(card.get_attribute("data-row")) for card in cards.all()] == nearest[:12].tolist()
    other = int(next(row for row in nearest if row != 3))
    page.locator(f".heart-cards button[data-row='{other}']").click()
    page.get_by_role("heading", name=f"Participant {other}").wait_for()
    page.locator("body").press("ArrowRight")
    page.get_by_role("heading", name=f"Participant {other + 1}").wait_for()
