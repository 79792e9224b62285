"""The components in a real Chromium: what a person does, and what Python hears of it."""

import ast
import math
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.browser,
    # Playwright leaves its pipe to the driver to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PROJECT = Path(__file__).parents[3]
PAGE = Path(__file__).with_name("page.py")
PATIENCE_MS = 60_000
WITHOUT_WEBGL = """
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
    return kind.startsWith("webgl") ? null : getContext.call(this, kind, ...rest);
};
"""


@pytest.fixture(scope="module")
def address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "server.port": port,
        "server.address": "127.0.0.1",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
    }
    options = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(PAGE), *options],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 180
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5):
                    break
            except OSError:
                assert time.monotonic() < until, "the page did not start"
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture
def visit(browser, address):
    """Open a part of the page; at the end there must have been no error in the browser."""
    opened, errors = [], []

    def visit(part="", script="", **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        opened.append(context)
        context.add_init_script(script)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.received = 0

        def count(data):
            page.received += len(data)

        page.on("websocket", lambda socket: socket.on("framereceived", count))
        page.goto(f"{address}/?part={part}")
        page.locator(".sheet svg, .status:not(:empty), .message:not(:empty)").first.wait_for()
        return page

    yield visit
    for context in opened:
        context.close()
    assert errors == []


def _facts(page):
    return ast.literal_eval(page.locator("#facts").inner_text())


def _wait_for(page, test):
    until = time.monotonic() + PATIENCE_MS / 1000
    while not test(_facts(page)):
        assert time.monotonic() < until, _facts(page)
        page.wait_for_timeout(50)
    return _facts(page)


def _lasso(page, radius, modifier=None):
    box = page.locator(".stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    turns = [2 * math.pi * k / 16 for k in range(17)]
    ring = [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in turns]
    page.mouse.move(*ring[0])
    if modifier:
        page.keyboard.down(modifier)
    page.mouse.down()
    for corner in ring[1:]:
        page.mouse.move(*corner)
    page.mouse.up()
    if modifier:
        page.keyboard.up(modifier)


def test_lasso_selects_the_same_points_on_the_page_and_in_python(visit):
    page = visit("map")
    status = page.locator(".status")
    assert status.inner_text() == "600 points"
    page.get_by_role("button", name="Lasso", exact=True).click()
    _lasso(page, 120)
    many = _wait_for(page, lambda facts: facts["selected"])["selected"]
    assert status.inner_text() == f"{many} of 600 points selected"
    _lasso(page, 50, "Alt")
    fewer = _wait_for(page, lambda facts: facts["selected"] != many)["selected"]
    assert 0 < fewer < many
    assert status.inner_text() == f"{fewer} of 600 points selected"
    page.get_by_role("button", name="Undo the last shape").click()
    _wait_for(page, lambda facts: facts["selected"] == many)
    page.locator(".stage").press("Escape")
    _wait_for(page, lambda facts: facts["selected"] == 0)


def test_a_polygon_is_clicked_undone_and_done_again(visit):
    page = visit("map")
    page.get_by_role("button", name="Polygon", exact=True).click()
    box = page.locator(".stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for dx, dy in ((-90, -90), (90, -90), (90, 90), (-90, 90)):
        page.mouse.click(x + dx, y + dy)
        page.wait_for_timeout(600)  # slower than a double click
    page.locator(".stage").press("Enter")
    many = _wait_for(page, lambda facts: facts["selected"])["selected"]
    assert page.locator(".status").inner_text() == f"{many} of 600 points selected"
    page.locator(".stage").press("Control+z")
    _wait_for(page, lambda facts: facts["selected"] == 0)
    page.get_by_role("button", name="Redo").click()
    _wait_for(page, lambda facts: facts["selected"] == many)


def test_a_polygon_is_drawn_and_a_point_picked_by_keys_alone(visit):
    page = visit("map")
    stage = page.locator(".stage")
    stage.focus()
    stage.press("Enter")
    _wait_for(page, lambda facts: facts["picked"] is not None)
    stage.press("g")
    for arrow in ("ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown"):
        stage.press("Space")
        stage.press(arrow)
        stage.press(arrow)
    stage.press("Enter")
    assert _wait_for(page, lambda facts: facts["selected"])["selected"] > 0


def test_what_the_color_bar_hides_is_not_selected(visit):
    page = visit("map")
    page.get_by_text("numbers").click()
    _wait_for(page, lambda facts: facts["column"] == "First coordinate")
    least = page.get_by_role("slider", name="Least First coordinate shown")
    for _ in range(120):
        least.press("ArrowRight")
    page.get_by_role("button", name="Box", exact=True).click()
    box = page.locator(".stage").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2, steps=4)
    page.mouse.up()
    selected = _wait_for(page, lambda facts: facts["selected"])["selected"]
    assert page.locator(".status").inner_text() == f"{selected} of 600 points selected"
    # The bar is symmetric about zero here, and half of it is hidden.
    assert 240 < selected < 360


def test_hidden_entries_of_the_legend_are_not_selected(visit):
    page = visit("map")
    page.get_by_title("Show or hide: MRI latents").click()
    page.get_by_role("button", name="Box", exact=True).click()
    box = page.locator(".stage").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2, steps=4)
    page.mouse.up()
    assert _wait_for(page, lambda facts: facts["selected"])["selected"] == 300


def test_a_click_picks_the_nearest_point_and_joins_its_pair(visit):
    page = visit("map")
    box = page.locator(".stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.locator(".card").wait_for(state="visible")
    hovered = page.locator(".card b").inner_text()
    page.mouse.click(x, y)
    picked = _wait_for(page, lambda facts: facts["picked"] is not None)["picked"]
    assert hovered.startswith(f"Row {picked % 300} ·")
    assert page.locator(".marks line.pair").count() == 1


def test_a_change_of_color_does_not_send_the_geometry_again(visit):
    page = visit("map")
    page.wait_for_timeout(300)
    page.get_by_text("numbers").click()
    _wait_for(page, lambda facts: facts["column"] == "First coordinate")
    page.get_by_text("numbers").click()
    _wait_for(page, lambda facts: facts["column"] == "Third")
    before = page.received
    page.get_by_text("numbers").click()
    _wait_for(page, lambda facts: facts["column"] == "First coordinate")
    page.wait_for_timeout(200)
    assert page.received - before < 4_000


def test_the_map_comes_back_after_the_graphics_context_was_lost(visit):
    page = visit("map")
    colored = """() => {
        const root = [...document.querySelectorAll('*')].map(e => e.shadowRoot)
            .find(s => s?.querySelector('.stage canvas'));
        const canvas = root.querySelector('.stage canvas');
        const copy = document.createElement('canvas');
        [copy.width, copy.height] = [canvas.width, canvas.height];
        const context = copy.getContext('2d');
        context.drawImage(canvas, 0, 0);
        return context.getImageData(0, 0, copy.width, copy.height).data.some(value => value > 0);
    }"""
    page.wait_for_function(colored)
    extension = page.locator(".stage canvas").evaluate_handle(
        "e => e.getContext('webgl2').getExtension('WEBGL_lose_context')"
    )
    extension.evaluate("e => e.loseContext()")
    page.get_by_role("alert").wait_for()
    extension.evaluate("e => e.restoreContext()")
    page.get_by_role("alert").wait_for(state="hidden")
    page.wait_for_function(colored)


def test_a_browser_without_webgl_says_so_on_the_page_and_to_python(visit):
    page = visit("map", script=WITHOUT_WEBGL)
    assert "WebGL" in page.get_by_role("alert").inner_text()
    _wait_for(page, lambda facts: not facts["is_supported"])


def test_the_cine_plays_and_moves_the_cursor_of_the_ecg(visit):
    page = visit()
    place = page.locator(".place")
    first = place.inner_text()
    until = time.monotonic() + 20
    while place.inner_text() == first:
        assert time.monotonic() < until, "the cine stands still"
        page.wait_for_timeout(30)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("slider", name="Frame").press("Home")
    assert place.inner_text() == "frame 1/50 · 0 ms"
    page.get_by_role("slider", name="Frame").press("ArrowRight")
    assert place.inner_text() == "frame 2/50 · 18 ms"
    # 0.4 s before the R peak and 18 ms after it, at 25 mm/s on a sheet of 130 mm.
    moved = page.locator(".cursor").evaluate("e => parseFloat(e.style.transform.slice(11))")
    assert moved == pytest.approx((0.4 + 0.018) * 25 / 130 * 100, rel=1e-3)


def test_pixels_follow_window_and_level(visit):
    page = visit(reduced_motion="reduce")
    assert page.get_by_role("button", name="Play").is_visible()
    middle = """() => {
        const root = [...document.querySelectorAll('*')].map(e => e.shadowRoot).find(s => s?.querySelector('.screen'));
        const canvas = root.querySelector('.screen canvas');
        return canvas.getContext('2d').getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1).data[0];
    }"""  # noqa: E501
    slider = page.get_by_role("slider", name="Frame")
    for _ in range(25):
        slider.press("ArrowRight")
    assert page.evaluate(middle) == pytest.approx(25 / 49 * 255, abs=4)
    screen = page.locator(".screen canvas").first
    screen.scroll_into_view_if_needed()
    box = screen.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 200, steps=3)
    page.mouse.up()
    assert page.evaluate(middle) > 25 / 49 * 255 + 20
    screen.dblclick()
    assert page.evaluate(middle) == pytest.approx(25 / 49 * 255, abs=4)


def test_calipers_measure_in_paper_units(visit):
    page = visit()
    paper = page.locator(".sheet > svg")
    box = paper.bounding_box()
    scale = box["width"] / 130
    page.mouse.move(box["x"] + 20 * scale, box["y"] + 10 * scale)
    page.mouse.down()
    page.mouse.move(box["x"] + 45 * scale, box["y"] + 20 * scale, steps=3)
    page.mouse.up()
    assert page.locator(".reading").inner_text() == "Δt 1000 ms · Δ −1.00 mV · 60 /min"
    paper.press("Escape")
    assert page.locator(".reading").is_hidden()
    paper.press("Enter")
    paper.press("ArrowRight")
    assert page.locator(".reading").inner_text().startswith("Δt 420 ms")


def test_a_narrow_page_opens_in_two_columns_and_fits(visit):
    page = visit(viewport={"width": 390, "height": 844})
    pressed = page.get_by_role("group", name="Layout").locator("[aria-pressed=true]")
    assert pressed.inner_text() == "6 × 2"
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Cabrera").click()
    assert "−aVR" in page.locator(".sheet > svg").text_content()


def _grey(page):
    """Return the grey level in the middle of the heart that a walk shows."""
    return page.evaluate(
        """() => {
            const find = (root) => root.querySelector('.walk-player') ? root :
                [...root.querySelectorAll('*')].map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean);
            const canvas = find(document).querySelector('.heart canvas');
            return canvas.getContext('2d').getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1).data[0];
        }"""  # noqa: E501
    )


def test_a_walk_is_scrubbed_without_asking_the_server(visit):
    page = visit("walk", reduced_motion="reduce")
    page.locator(".walk-lines .card").wait_for()
    slider = page.get_by_role("slider", name="Point of the walk")
    runs = _wait_for(page, lambda facts: facts["runs"])["runs"]
    page.wait_for_timeout(500)
    before = page.received
    assert _grey(page) == pytest.approx(100, abs=2)
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2, steps=8)
    page.mouse.up()
    assert page.locator(".where").inner_text() == "+1.0 SD"
    assert page.locator(".walk-lines .card b").inner_text() == "100 ml"
    assert _grey(page) == pytest.approx(200, abs=2)
    assert page.locator(".badge").is_visible()
    assert "trust 10" in page.locator(".about").inner_text()
    path = page.locator("#c1-V1").get_attribute("d")
    assert "-1000" in path  # 1 mV is 10 mm, 1,000 hundredths, up the paper
    slider.press("Home")
    for _ in range(2):
        slider.press("ArrowLeft")
    assert page.locator(".where").inner_text() == "-0.4 SD"
    assert _grey(page) == pytest.approx(60, abs=2)
    assert page.locator(".badge").is_hidden()
    assert page.received == before
    assert _facts(page)["runs"] == runs


def test_the_nearest_heart_of_a_walk_is_one_click_away(visit):
    page = visit("walk", reduced_motion="reduce")
    page.get_by_role("slider", name="Point of the walk").press("ArrowRight")
    page.get_by_role("button", name="heart 106").click()
    assert _wait_for(page, lambda facts: facts["heart"] is not None)["heart"] == 106


def test_a_walk_goes_on_by_itself_and_fits_a_narrow_page(visit):
    page = visit("walk", viewport={"width": 390, "height": 844})
    where = page.locator(".where")
    first = where.inner_text()
    page.get_by_role("button", name="Walk", exact=True).click()
    for _ in range(60):
        if where.inner_text() != first:
            break
        page.wait_for_timeout(100)
    assert where.inner_text() != first
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_a_press_on_the_area_curve_leads_the_cine_there_and_its_systole_is_a_tick(visit):
    page = visit()
    chart = page.locator(".area-curve .chart")
    chart.scroll_into_view_if_needed()
    assert "recorded 30.0–10.0 cm², EF 61 %" in page.locator(".area-curve .legend").inner_text()
    tick = page.locator(".tick", has_text="ES")
    tick.wait_for(state="visible")
    box, place = chart.bounding_box(), tick.bounding_box()
    middle = place["x"] + place["width"] / 2
    page.mouse.click(middle, box["y"] + 40)
    assert page.locator(".place").inner_text() == "frame 26/50 · 450 ms"
    now = page.locator(".area-curve .now").bounding_box()
    assert now["x"] + now["width"] / 2 == pytest.approx(middle, abs=1.5)


def test_wheel_and_shift_zoom_and_move_all_pictures_and_a_double_click_resets(visit):
    page = visit(reduced_motion="reduce")
    screens = page.locator(".screen canvas")
    screens.first.scroll_into_view_if_needed()
    reset = page.get_by_role("button", name="Reset view")
    assert reset.is_hidden()
    box = screens.first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    scrolled = page.evaluate("() => document.querySelector('.stMain').scrollTop")
    page.mouse.wheel(0, -100)
    page.wait_for_timeout(300)
    assert reset.is_hidden(), "the wheel alone scrolls the page"
    page.evaluate("y => { document.querySelector('.stMain').scrollTop = y; }", scrolled)
    views = """() => {
        const root = [...document.querySelectorAll('*')].map(e => e.shadowRoot)
            .find(s => s?.querySelector('.cine-player'));
        return root.querySelector('.cine-player').dataset.view;
    }"""
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    reset.wait_for(state="visible")
    scale, x, _ = map(float, page.evaluate(views).split())
    assert scale == pytest.approx(math.exp(100 / 250), rel=1e-3)
    # What lay under the pointer, a quarter from the corner, still does.
    assert x + (0.25 - 0.5) / scale == pytest.approx(0.25, abs=0.01)
    page.keyboard.down("Shift")
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4 - 20, box["y"] + box["height"] / 4, steps=3)
    page.mouse.up()
    page.keyboard.up("Shift")
    moved = float(page.evaluate(views).split()[1])
    assert moved == pytest.approx(min(x + 20 / box["width"] / scale, 1 - 0.5 / scale), abs=0.01)
    screens.first.dblclick()
    assert reset.is_hidden()
    assert page.evaluate(views) == "1 0.5 0.5"


def test_arrows_in_the_player_stay_there(visit):
    page = visit(reduced_motion="reduce")
    page.evaluate("""() => {
        window.heard = [];
        document.addEventListener('keydown', (event) => window.heard.push(event.key));
    }""")
    slider = page.get_by_role("slider", name="Frame")
    slider.press("ArrowRight")
    slider.press("Home")
    page.get_by_role("button", name="Bounce").press("ArrowLeft")
    assert page.locator(".place").inner_text() == "frame 50/50 · 882 ms"
    assert page.evaluate("window.heard") == []
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("window.heard") == ["ArrowRight"]


def test_a_frame_is_saved_as_a_picture_with_its_captions(visit):
    page = visit(reduced_motion="reduce")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save this frame").click()
    assert download.value.suggested_filename == "row-7-frame-1.png"
    assert Path(download.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_beats_are_saved_as_a_video(visit):
    page = visit(reduced_motion="reduce")
    page.get_by_role("combobox", name="Speed").select_option("2")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save three beats").click()
    name, file = download.value.suggested_filename, Path(download.value.path()).read_bytes()
    assert name in ("row-7-cine.mp4", "row-7-cine.webm")
    assert file[4:8] == b"ftyp" if name.endswith("mp4") else file[:4] == b"\x1a\x45\xdf\xa3"
    assert len(file) > 2_000


def test_the_strip_of_beats_has_a_cursor_in_each_beat(visit):
    page = visit(reduced_motion="reduce")
    page.get_by_role("button", name="3 × 4 + II").click()
    assert "every 900 ms: no recorded rhythm" in page.locator(".sheet > svg").text_content()
    page.get_by_role("slider", name="Frame").press("Home")
    cursors = page.locator(".cursor i")
    assert cursors.count() == 4 + math.ceil(4 * 30 / (900 * 0.025))
