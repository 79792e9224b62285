"""The explorer in a headless Chromium: from start to a usable page, and from click to hearts."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measuring import is_full, say, simulated_cohort

PROJECT = Path(__file__).parents[1]
DEMO_RUN = PROJECT / "data_samples" / "demo_run"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WATCH = """first => {
  // The page's own clock: from the click to the frame in which the pixels have changed.
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
PATIENCE_MS = 120_000


def main() -> int:
    """Measure and print; without Chromium or the demo run, say so."""
    full = is_full(__doc__ or "")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None or not (DEMO_RUN / "model.toml").is_file():
        print("  not measured: it needs Chromium and data_samples/demo_run")
        return 1 if os.environ.get("CI") == "true" else 0
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with (
        simulated_cohort(1000 if full else 48) as cohort,
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
    ):
        latents = Path(folder) / "latents.h5"
        for words in (
            ["embed", str(DEMO_RUN), str(cohort), "--out", str(latents)],
            ["map", str(latents)],
        ):
            command = [sys.executable, "-m", "cmae", *words]
            subprocess.run(command, check=True, capture_output=True, cwd=PROJECT)
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        started = time.perf_counter()
        process, url = _start(cohort, latents)
        try:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(PATIENCE_MS)
            _measure(page, url, started, clicks=12 if full else 5)
        finally:
            process.terminate()
            process.wait(timeout=30)
            browser.close()
    return 0


def _start(cohort: Path, latents: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start the explorer and wait until its port answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["--run", DEMO_RUN, "--cohort", cohort, "--latents", latents, "--port", port]
    process = subprocess.Popen(
        [sys.executable, "-m", "app", *map(str, words), "--no-browser"],
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(1200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, f"http://127.0.0.1:{port}"
        time.sleep(0.05)
    raise SystemExit("The explorer did not start.")


def _measure(page: Any, url: str, started: float, *, clicks: int) -> None:  # noqa: ANN401
    page.goto(url)
    page.locator(".latent-map canvas").last.wait_for()
    page.locator(".cine-player canvas").first.wait_for()
    say("start to a usable page", time.perf_counter() - started, "s", "<= 15")
    page.goto(f"{url}/participant?row=0")
    page.get_by_text("Mean error and correlation").wait_for()
    cines = page.locator(".cine-player canvas")
    cines.nth(2).wait_for()
    # A paused cine, so that pixels change only when another participant is shown.
    page.locator(".cine-player").first.press("Space")
    page.wait_for_timeout(1000)
    cines.first.evaluate(WATCH)
    for done in range(1, clicks + 1):
        page.get_by_role("button", name="Next").click()
        page.wait_for_function("done => window.clicks.length === done", arg=done)
        page.wait_for_timeout(1500)
    recorded, decoded = zip(*page.evaluate("window.clicks"), strict=True)
    say("click to the recorded ECG and cine, median", statistics.median(recorded), "s", "<= 0.5")
    say("click to all decodings, median", statistics.median(decoded), "s", "<= 1.5")


if __name__ == "__main__":
    sys.exit(main())
