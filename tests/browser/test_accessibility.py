"""Every page against the rules of axe-core: no serious fault, on light and on dark."""

import pytest

pytestmark = [
    pytest.mark.browser,
    # Playwright leaves its pipe to the driver to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PAGES = ("", "participant", "walk", "compare", "evidence", "upload", "about")
GRAVE = {"serious", "critical"}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("address", PAGES)
def test_a_page_has_no_serious_fault_of_accessibility(browser, server, address, theme):
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=theme)
    page = context.new_page()
    page.set_default_timeout(90_000)
    page.goto(f"{server}/{address}")
    page.locator(".cmae-stamp").first.wait_for()
    page.wait_for_timeout(1500)
    found = Axe().run(page).response
    context.close()
    assert len(found["passes"]) > 10, "the rules were not run"
    faults = [
        f"{fault['id']} ({fault['help']}): {[node['target'] for node in fault['nodes'][:3]]}"
        for fault in found["violations"]
        if fault["impact"] in GRAVE
    ]
    assert not faults, "\n".join(faults)
