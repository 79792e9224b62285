"""A real Chromium, and the explorer that its pages come from: a small simulated cohort."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
DEMO_RUN = PROJECT / "data_samples" / "demo_run"
PARTICIPANTS = 24
PATIENCE_MS = 90_000

FLAGS = (
    "--no-sandbox",
    # Pages drawn without a graphics card; WebGL then runs in software.
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
        path = next(filter(None, map(shutil.which, names)), playwright.chromium.executable_path)
        if not Path(path).exists():
            sentence = "there is no Chromium on this machine: no page was driven"
            if os.environ.get("CI") == "true":
                pytest.fail(sentence)
            pytest.skip(sentence)
        opened = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def serve(tmp_path_factory):
    """Start an explorer of some options, a value or a list of values each, for a ``with`` block."""

    @contextmanager
    def run(options):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log = tmp_path_factory.mktemp("server") / "log.txt"
        words = [
            word
            for name, value in options.items()
            for word in (name, *([value] if isinstance(value, str) else value))
        ]
        with log.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "app", *words, "--port", str(port), "--no-browser"],
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

    return run


@pytest.fixture(scope="session")
def server(sources, serve):
    """The explorer's address, with the server behind it."""
    with serve(sources) as url:
        yield url


@pytest.fixture
def page(browser, server):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    opened.goto(server)
    opened.locator(".cmae-stamp").first.wait_for()
    yield opened
    context.close()
