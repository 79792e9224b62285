"""Take the README's pictures of the explorer in a headless Chromium: `make screenshots`.

With --all FOLDER, every view is taken, light and dark, wide and narrow, for looking through.
"""

import argparse
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
IMAGES = Path(__file__).with_name("images")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
VIEWS = ("", "participant", "walk", "compare", "evidence", "upload", "about")
"""Every page by its address; the first one is the map."""

SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
SHOWN = {
    "explorer.png": ("", "light"),
    "explorer_participant.png": ("participant?row=5", "light"),
    "explorer_walk.png": ("walk", "dark"),
}
"""The README's pictures: address and theme."""

PATIENCE_S = 240.0
SETTLING_MS = 12_000
"""Until the model is loaded and what it generates is drawn."""


def main() -> int:
    """Start the explorer on the demo cohort and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="take every view, for looking")
    parser.add_argument("--url", help="an explorer that runs already (default: the demo)")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - after --help

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with _explorer(options.url) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium or playwright.chromium.executable_path, args=list(FLAGS)
        )
        _take(browser, f"{url}/participant", None, "light", "wide")  # loads the model
        for name, (address, theme) in SHOWN.items() if options.all is None else ():
            _take(browser, f"{url}/{address}", IMAGES / name, theme, "wide")
        if options.all is not None:
            options.all.mkdir(parents=True, exist_ok=True)
            for view in VIEWS:
                for size in SIZES:
                    for theme in ("light", "dark"):
                        path = options.all / f"{view or 'map'}_{size}_{theme}.png"
                        _take(browser, f"{url}/{view}", path, theme, size)
        browser.close()
    return 0


def _take(browser: Any, address: str, path: Path | None, theme: str, size: str) -> None:  # noqa: ANN401
    """Open an address, wait until it has settled, and write what is seen."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    page.goto(address)
    page.locator(".cmae-stamp").first.wait_for(timeout=1000 * PATIENCE_S)
    page.wait_for_timeout(SETTLING_MS)
    if path is not None:
        page.screenshot(path=path, full_page=size == "narrow")
        sys.stdout.write(f"{path.name}\n")
    page.close()


@contextmanager
def _explorer(url: str | None) -> Iterator[str]:
    """Give the address of an explorer: one that runs, or one of the demo that is stopped after."""
    if url is not None:
        yield url.rstrip("/")
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "app", "--no-browser", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        stop = time.monotonic() + PATIENCE_S
        while time.monotonic() < stop and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        else:
            raise SystemExit("The explorer did not start.")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


if __name__ == "__main__":
    sys.exit(main())
