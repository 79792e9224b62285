"""The explorer in a headless Chromium, on a large cohort: map, clicks, memory, many users at once.

The rows of the large cohort share the recordings of a few simulated people; measurements, latents
and positions are its own. Times are of the page's own clock, from the click to the frame in which
what was asked for stands on the page.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measuring import is_full, say, simulated_cohort
from measuring.browser import FLAGS, PATIENCE_MS, chromium, free_port, served

PROJECT = Path(__file__).parents[1]
DEMO_RUN = PROJECT / "data_samples" / "demo_run"
WATCH = """first => {
  const root = first.getRootNode();
  const canvases = () => [...root.querySelectorAll('.cine-player canvas')];
  const row = (canvas) => canvas.getContext('2d')
    .getImageData(0, canvas.height >> 1, canvas.width, 1).data.join();
  window.clicks = [];
  document.addEventListener('click', () => {
    const start = performance.now(), before = canvases().map(row), times = [null, null];
    const look = () => {
      const now = canvases();
      times.forEach((time, k) => {
        if (time === null && now[k] && row(now[k]) !== before[k]) {
          times[k] = (performance.now() - start) / 1000;
        }
      });
      if (times.includes(null)) requestAnimationFrame(look); else window.clicks.push(times);
    };
    requestAnimationFrame(look);
  }, true);
}"""
SUMMARY = """() => {
  // From the release of the lasso to the frame in which the selection is summed up.
  window.summary = null;
  document.addEventListener('pointerup', () => {
    const start = performance.now();
    const look = () => {
      const text = document.body.innerText;
      if (/[0-9][0-9,]* (participants|rows) selected/.test(text)) {
        window.summary = (performance.now() - start) / 1000;
      } else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }, { capture: true, once: true });
}"""
LARGE, SMALL = (1000, 100_000), (48, 2_000)
"""Simulated people, and rows of the large cohort made of them."""

USERS = {True: 20, False: 4}
ROUNDS = 4
THINKING_S = 6.0
"""Seconds between two clicks of one user."""


def main() -> int:
    """Measure and print; without Chromium or the demo run, say so."""
    full = is_full(__doc__ or "")
    if chromium() is None or not (DEMO_RUN / "model.toml").is_file():
        print("  not measured: it needs Chromium and data_samples/demo_run")
        return 1 if os.environ.get("CI") == "true" else 0
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    people, rows = LARGE if full else SMALL
    with (
        simulated_cohort(people) as cohort,
        tempfile.TemporaryDirectory(dir=cohort.parent) as folder,
        sync_playwright() as playwright,
    ):
        large = Path(folder)
        _make(cohort, large, rows)
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        started = time.perf_counter()
        with _server(large) as (process, url):
            say(f"{rows:,} rows: start to an answering port", time.perf_counter() - started, "s")
            _map(browser, url, started)
            say("memory of the server with one user", _memory_gb(process.pid), "GB", "< 2")
            _clicks(browser, url, clicks=12 if full else 5)
            before = _memory_gb(process.pid)
            _crowd(browser, url, users=USERS[full])
            grown = 1000 * (_memory_gb(process.pid) - before) / USERS[full]
            say("memory a user", grown, "MB", "<= 10")
            say("memory of the server at the end", _memory_gb(process.pid), "GB")
        browser.close()
    return 0


def _make(cohort: Path, folder: Path, rows: int) -> None:
    """Embed and map the people, and repeat them."""
    latents = folder / "of_people.h5"
    for words in (
        ["embed", str(DEMO_RUN), str(cohort), "--out", str(latents)],
        ["map", str(latents)],
    ):
        command = [sys.executable, "-m", "cmae", *words]
        subprocess.run(command, check=True, capture_output=True, cwd=PROJECT)
    from measuring.large_cohort import repeat  # noqa: PLC0415 - the sizes come first

    from cmae.data.cohort import Cohort  # noqa: PLC0415
    from cmae.latent.latents import Latents  # noqa: PLC0415

    repeat(Cohort.open(cohort), Latents.open(latents), folder, rows=rows)


@contextmanager
def _server(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start the explorer on a folder's cohort and latents, and wait until its port answers."""
    port = free_port()
    sources = ["--cohort", folder / "cohort", "--latents", folder / "latents.h5"]
    words = ["--run", DEMO_RUN, *sources, "--port", port, "--no-browser"]
    command = [sys.executable, "-m", "app", *map(str, words)]
    with served(command, port, folder=str(PROJECT)) as process:
        yield process, f"http://127.0.0.1:{port}"


def _map(browser: Any, url: str, started: float) -> None:  # noqa: ANN401
    """Time the first page, and a lasso on the map."""
    page = _page(browser)
    page.goto(url)
    page.locator(".latent-map canvas").last.wait_for()
    page.locator(".cine-player canvas").first.wait_for()
    say("start to a usable page, model not yet loaded", time.perf_counter() - started, "s")
    page.close()
    page = _page(browser)
    opened = time.perf_counter()
    page.goto(url)
    page.locator(".latent-map canvas").last.wait_for()
    page.locator(".latent-map .status", has_text="points").first.wait_for()
    say("address to the first paint of the map", time.perf_counter() - opened, "s", "<= 3.6")
    page.locator(".cine-player canvas").first.wait_for()
    page.locator(".cine-player").first.press("Space")
    page.wait_for_timeout(4000)
    taken = []
    for _ in range(3):
        page.locator(".latent-map").get_by_role("button", name="Lasso", exact=True).click()
        page.evaluate(SUMMARY)
        box = page.locator(".latent-map canvas").last.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x - 200, y - 150)
        page.mouse.down()
        for dx, dy in ((200, -150), (200, 150), (-200, 150), (-200, -140)):
            page.mouse.move(x + dx, y + dy, steps=8)
        page.mouse.up()
        page.wait_for_function("() => window.summary !== null")
        taken.append(page.evaluate("window.summary"))
        page.locator(".latent-map").get_by_role("button", name="Clear").click()
        page.wait_for_timeout(2000)
    say("release of a lasso to the summary, median", statistics.median(taken), "s", "<= 0.4")
    page.close()


def _clicks(browser: Any, url: str, *, clicks: int) -> None:  # noqa: ANN401
    """Time the way from a click to another participant's recordings, and to their decodings."""
    page = _watched(browser, url, row=0)
    for done in range(1, clicks + 1):
        page.get_by_role("button", name="Next").click()
        page.wait_for_function("done => window.clicks.length === done", arg=done)
        page.wait_for_timeout(1500)
    recorded, decoded = zip(*page.evaluate("window.clicks"), strict=True)
    say("click to the recorded ECG and cine, median", statistics.median(recorded), "s", "<= 0.3")
    say("click to all decodings, median", statistics.median(decoded), "s", "<= 1")
    page.locator(".cine-player").first.press("Space")
    page.wait_for_timeout(4000)
    drawn = page.locator(".cine-player .controls").first.inner_text()
    rates = [word for word in drawn.split("\n") if "frames/s" in word]
    print(f"  the cine plays at: {rates[0] if rates else 'not shown'} (aim: >= 35 of 50)")
    page.close()


def _crowd(browser: Any, url: str, *, users: int) -> None:  # noqa: ANN401
    """Let many users click in turn, each every THINKING_S seconds; count what went wrong."""
    pages = [_watched(browser, url, row=100 * k) for k in range(users)]
    for _ in range(ROUNDS):
        for page in pages:
            page.get_by_role("button", name="Next").evaluate("button => button.click()")
            time.sleep(THINKING_S / users)
    for page in pages:
        page.wait_for_function("done => window.clicks.length >= done", arg=1)
    time.sleep(THINKING_S)
    taken = [first for page in pages for first, _ in page.evaluate("window.clicks")]
    problems = sum(page.get_by_test_id("stException").count() for page in pages)
    problems += sum(page.get_by_test_id("stAlert").count() for page in pages)
    say(f"{users} users: click to recordings, median", statistics.median(taken), "s", "<= 1")
    say(f"{users} users: slowest", max(taken), "s")
    say(f"{users} users: clicks answered of {users * ROUNDS}", len(taken), "")
    say(f"{users} users: pages with an error", problems, "", "0")
    for page in pages:
        page.close()


def _watched(browser: Any, url: str, *, row: int) -> Any:  # noqa: ANN401
    """Open a participant with paused cines, and watch when the pictures change."""
    page = _page(browser, is_still=True)
    page.goto(f"{url}/participant?row={row}")
    cines = page.locator(".cine-player canvas")
    cines.nth(2).wait_for()
    page.wait_for_timeout(1000)
    cines.first.evaluate(WATCH)
    return page


def _page(browser: Any, *, is_still: bool = False) -> Any:  # noqa: ANN401
    """Open a page; with reduced motion, cines wait for the person to play them."""
    page = browser.new_page(
        viewport={"width": 1440, "height": 900},
        reduced_motion="reduce" if is_still else "no-preference",
    )
    page.set_default_timeout(PATIENCE_MS)
    return page


def _memory_gb(process: int) -> float:
    """Return the resident memory of a process, from Linux's own account."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1e6
    return float("nan")


if __name__ == "__main__":
    sys.exit(main())
