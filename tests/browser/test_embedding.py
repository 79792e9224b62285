"""A cohort embedded from the page: started, cancelled, resumed, and opened when it is done."""

import pytest

from cmae.simulate.cohort import simulate

pytestmark = [
    pytest.mark.browser,
    # Playwright leaves its pipe to the driver to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def other_cohort(tmp_path_factory):
    path = tmp_path_factory.mktemp("offered") / "newcomers"
    simulate(path, participants=40, seed=11, processes=1)
    return path


def test_a_cohort_is_embedded_from_the_page_cancelled_resumed_and_opened(
    browser, sources, other_cohort, serve
):
    offered = {**sources, "--cohort": [sources["--cohort"], str(other_cohort)]}
    with serve(offered) as url:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(180_000)
        page.goto(f"{url}/about")
        page.get_by_label("Cohort").first.click()
        page.get_by_role("option", name="newcomers").click()
        page.get_by_role("button", name="Embed this cohort with this run").click()
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="embed").first.wait_for()
        page.reload()
        page.get_by_label("Cohort").first.click()
        page.get_by_role("option", name="newcomers").click()
        page.get_by_role("button", name="embed").first.click()
        page.locator(".cmae-stamp", has_text="cohort newcomers").wait_for()
        assert page.locator(".cmae-facts", has_text="40").first.is_visible()
        assert page.get_by_test_id("stException").count() == 0
        page.close()
