"""The latent map in a headless Chromium: first paint, colors, lasso, bytes, frames on the move."""

import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measuring import is_full, say
from measuring.browser import FLAGS, PATIENCE_MS, chromium, free_port, served

PROJECT = Path(__file__).parents[1]
PAGE = Path(__file__).parent / "measuring" / "map_page.py"
SMALL, LARGE = (5_000,), (100_000, 1_000_000)
"""Points of the maps."""

FRAMES = """() => { window.frames_ = 0; const count = () => { window.frames_ += 1;
  requestAnimationFrame(count); }; requestAnimationFrame(count); }"""


def main() -> int:
    """Measure and print; without Chromium, say so."""
    full = is_full(__doc__ or "")
    if chromium() is None:
        print("  not measured: it needs Chromium")
        return 1 if os.environ.get("CI") == "true" else 0
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright, _server() as url:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for points in LARGE if full else SMALL:
            _measure(browser, f"{url}/?points={points}", f"{points:,} points:")
        browser.close()
    return 0


@contextmanager
def _server() -> Iterator[str]:
    """Serve the page that draws a map of made-up points."""
    port = free_port()
    words = ["--server.port", str(port), "--server.headless", "true"]
    words += ["--server.address", "127.0.0.1", "--server.fileWatcherType", "none"]
    command = [sys.executable, "-m", "streamlit", "run", str(PAGE), *words]
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    }
    with served(command, port, folder=str(PROJECT), environment=environment):
        yield f"http://127.0.0.1:{port}"


def _measure(browser: Any, url: str, name: str) -> None:  # noqa: ANN401
    """Time one map, once its points have been made."""
    _opened(browser, url)[0].close()
    page, taken = _opened(browser, url)
    say(f"{name} address to first paint", taken, "s", "<= 3.6")
    say(f"{name} bytes of the first page", page.received / 1e6, "MB")

    def change(choice: str) -> tuple[float, int]:
        before, started = page.received, time.perf_counter()
        page.get_by_text(choice, exact=True).click()
        page.wait_for_function(
            "name => document.querySelector('#facts').dataset.column === name", arg=choice
        )
        spent = time.perf_counter() - started
        page.wait_for_timeout(500)
        return spent, page.received - before

    for choice in ("Number", "Group"):
        change(choice)
    spent, sent = change("Number")
    say(f"{name} another color", spent, "s")
    say(f"{name} bytes of another color", sent / 1e3, "kB")
    before = page.received
    lassos = [_lasso(page) for _ in range(3)]
    say(f"{name} release of a lasso to Python and back", statistics.median(lassos), "s", "<= 0.4")
    say(f"{name} bytes of a lasso", (page.received - before) / 3e3, "kB")
    say(f"{name} frames while it moves, without a graphics card", _frames(page), "/s")
    page.close()


def _opened(browser: Any, url: str) -> tuple[Any, float]:  # noqa: ANN401
    """Open the page and return it with the seconds until the map stood there."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    page.received = 0

    def count(data: bytes | str) -> None:
        page.received += len(data)

    page.on("websocket", lambda channel: channel.on("framereceived", count))
    started = time.perf_counter()
    page.goto(url)
    page.locator(".latent-map .status:not(:empty)").wait_for()
    # The picture is taken once the graphics have drawn: a frame that was only asked for is none.
    page.locator(".latent-map .stage").screenshot()
    return page, time.perf_counter() - started


def _lasso(page: Any) -> float:  # noqa: ANN401
    """Draw a lasso; return the seconds from its release to what Python says of it."""
    page.get_by_role("button", name="Lasso", exact=True).click()
    known = page.locator("#facts").get_attribute("data-serial")
    box = page.locator(".stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 150, y - 120)
    page.mouse.down()
    for dx, dy in ((150, -120), (150, 120), (-150, 120), (-150, -110)):
        page.mouse.move(x + dx, y + dy, steps=6)
    started = time.perf_counter()
    page.mouse.up()
    page.wait_for_function(
        "known => document.querySelector('#facts').dataset.serial !== known", arg=known
    )
    return time.perf_counter() - started


def _frames(page: Any) -> float:  # noqa: ANN401
    """Move the map for a while and return the frames a second."""
    page.get_by_role("button", name="Move", exact=True).click()
    box = page.locator(".stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(20):
        page.mouse.move(x + 3 * k, y)
    page.evaluate(FRAMES)
    started = time.perf_counter()
    for k in range(120):
        page.mouse.move(x + 60 - k, y + k)
        page.wait_for_timeout(10)
    shown: int = page.evaluate("window.frames_")
    spent = time.perf_counter() - started
    page.mouse.up()
    return shown / spent


if __name__ == "__main__":
    sys.exit(main())
