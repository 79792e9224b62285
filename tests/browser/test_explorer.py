"""The explorer in a real browser, on a small simulated cohort: map, participant, upload."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

pytestmark = [
    pytest.mark.browser,
    # Playwright leaves its pipe to the driver to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PROJECT = Path(__file__).parents[2]
DEMO_RUN = PROJECT / "data_samples" / "demo_run"
PARTICIPANTS = 24
PATIENCE_MS = 90_000


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A simulated cohort, a run (the demo's where it is shipped), and latents with maps."""
    folder = tmp_path_factory.mktemp("explorer")
    script = f"""
from pathlib import Path
from cmae.latent.embedding import embed
from cmae.latent.map import add_maps
from cmae.model.run import Run
from cmae.simulate.cohort import simulate

if __name__ == "__main__":
    folder, run = Path({str(folder)!r}), Path({str(DEMO_RUN)!r})
    if not (run / "weights.safetensors").is_file():
        from cmae.model.architecture import Architecture, CompactNetwork
        from cmae.model.autoencoder import CrossModalAutoencoder
        from cmae.model.run import ModelFile, save_model

        networks = {{
            "ecg": CompactNetwork(patch=10, filters=(8, 8)),
            "mri": CompactNetwork(patch=4, filters=(8, 8)),
        }}
        run = folder / "run"
        run.mkdir()
        architecture = Architecture(networks=networks, latent_dim=16)
        description = ModelFile(format_number=1, architecture=architecture)
        save_model(run, description, CrossModalAutoencoder(architecture))
    cohort = simulate(folder / "cohort", participants={PARTICIPANTS}, seed=5, processes=1)
    embed(Run.open(run), cohort, folder / "latents.h5")
    add_maps(folder / "latents.h5")
    (folder / "run_path.txt").write_text(str(run))
"""
    path = folder / "make.py"
    path.write_text(script)
    # In a process of its own: TensorFlow's threads and warnings stay out of the tests.
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, str(path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {
        "--run": (folder / "run_path.txt").read_text(),
        "--cohort": str(folder / "cohort"),
        "--latents": str(folder / "latents.h5"),
    }


@pytest.fixture(scope="module")
def server(sources, tmp_path_factory):
    """The explorer's address, with the server behind it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    arguments = [word for pair in sources.items() for word in pair]
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", *arguments, "--port", str(port), "--no-browser"],
            cwd=PROJECT,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            assert process.poll() is None, log.read_text()
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        else:
            pytest.fail(f"the server did not answer: {log.read_text()}")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture
def page(browser, server):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    opened.goto(server)
    opened.locator(".cmae-stamp").first.wait_for()
    yield opened
    context.close()


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


def test_the_first_page_shows_a_playing_heart_and_explains_itself(page):
    assert page.get_by_text("Each dot is one heart").is_visible()
    assert page.get_by_text("Simulated cohort").first.is_visible()
    _assert_plays(page, page.locator(".cine-player canvas").first)


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


def test_a_real_ecg_is_read_placed_and_translated(page, realdata):
    header = min((realdata / "ecg" / "cinc2021").glob("*.hea"))
    _upload(page, header, header.with_suffix(".mat"))
    page.get_by_text("Beats used").wait_for()
    page.get_by_text("On the map").wait_for()
    _assert_plays(page, page.locator(".cine-player canvas").first)
    with page.expect_download() as download:
        page.get_by_role("button", name="Cine from the ECG").click()
    assert Path(download.value.path()).read_bytes()[:4] == b"GIF8"


def test_a_wrong_file_is_one_sentence_and_the_page_stays(page, tmp_path):
    path = tmp_path / "notes.nii"
    path.write_bytes(b"this is no NIfTI file")
    _upload(page, path)
    page.get_by_test_id("stAlert").first.wait_for()
    assert page.get_by_role("heading", name="Your own recording").is_visible()
    assert page.get_by_test_id("stException").count() == 0
