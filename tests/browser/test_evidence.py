"""Evidence in a real browser: the numbers of a report, and a click on a hit that walks it."""

import re
import sys
from pathlib import Path

import pytest

from cmae.evaluation.report import read_report
from cmae.latent.latents import Latents

sys.path.insert(0, str(Path(__file__).parents[1] / "app"))
from evidence_data import write_report, write_variants

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_a_report_is_shown_and_a_hit_walks_its_direction(browser, sources, serve, tmp_path):
    latents = Latents.open(Path(sources["--latents"]))
    of = {"run": latents.run_fingerprint, "cohort": latents.cohort_fingerprint}
    report = write_report(tmp_path / "report", **of)
    variants = write_variants(tmp_path / "variants", dim=latents.latent_dim, **of)
    options = {**sources, "--report": str(report), "--association": str(variants)}
    with serve(options) as url:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(90_000)
        page.goto(f"{url}/evidence")
        page.get_by_text("It tells <b>something</b>.").wait_for()
        page.get_by_text("Phenotypes", exact=True).click()
        marks = page.locator(".js-plotly-plot .point")
        marks.first.wait_for(state="attached")
        drawn = page.evaluate(
            "() => document.querySelector('.js-plotly-plot').data"
            ".map((one) => [one.name, Array.from(one.x._inputArray ?? one.x)])"
        )
        probes = read_report(report).probes("ecg", "r2").set_index("features")
        assert dict(drawn)["latent"] == [probes.loc["latent", "value"]]
        assert dict(drawn)["ceiling"] == [probes.loc["latent", "ceiling"]]
        page.get_by_text("Association · variants").click()
        page.get_by_text("Along the genome").wait_for()
        diamond = page.locator(".js-plotly-plot").first.locator(".main-svg .point").last
        diamond.wait_for(state="attached")
        page.wait_for_timeout(1500)
        box = diamond.bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_url(re.compile(r"/walk\?.*along=found%3A0%3Ars150"))
        page.close()
