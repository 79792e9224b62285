"""The page Walk in a real browser: dragging the slider asks the server nothing."""

import numpy as np
import pytest

from app.phenotypes import number
from cmae.data.cohort import Cohort
from cmae.latent.course import follow
from cmae.latent.latents import Latents
from cmae.latent.probe import fit
from cmae.latent.traversal import even_steps, mean_latent, phenotype_direction, walk
from cmae.latent.trust import Surroundings

pytestmark = [
    pytest.mark.browser,
    # Playwright leaves its pipe to the driver to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

POINTS = 11


@pytest.fixture(scope="module")
def course(sources):
    """The same walk by the library: from the cohort's center along LV end-diastolic volume."""
    cohort, latents = Cohort.open(sources["--cohort"]), Latents.open(sources["--latents"])
    values = np.asarray(latents.latents["joint"])
    direction = phenotype_direction(values, cohort.table, "lvedv_ml")
    steps = even_steps(direction, values, reach=3, count=POINTS)
    taken = walk(mean_latent(values), direction, steps)
    target = cohort.table[["lvedv_ml"]].to_numpy(np.float64)
    people = np.unique(cohort.table["participant_id"], return_inverse=True)[1]
    probe = fit(values, target, ["continuous"], participants=people)[0]
    return follow(taken, values, Surroundings(values), {"lvedv_ml": probe})


def test_dragging_along_a_walk_asks_the_server_nothing_and_shows_the_librarys_numbers(
    page, server, course
):
    frames = []
    page.on(
        "websocket",
        lambda socket: [
            socket.on(name, lambda data: frames.append(len(data)))
            for name in ("framesent", "framereceived")
        ],
    )
    page.goto(f"{server}/walk?along=phenotype:lvedv_ml&steps={POINTS}")
    page.locator(".walk-player .heart canvas").wait_for()
    page.locator(".walk-lines .cycle").wait_for()
    page.locator(".cmae-stamp").first.wait_for()
    page.wait_for_timeout(2000)
    before = len(frames)
    slider = page.get_by_role("slider", name="Point of the walk")
    card = page.locator(".walk-lines .card", has_text="LVEDV").first.locator("b")
    box = slider.bounding_box()
    y = box["y"] + box["height"] - 3
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    seen = []
    for share in np.linspace(0.5, 0.999, 30):
        page.mouse.move(box["x"] + share * box["width"], y)
        seen.append(card.inner_text())
    page.mouse.up()
    predicted = [f"{number(value)} mL" for value in course.forecasts[0].values]
    assert seen[-1] == predicted[-1]
    assert set(seen) <= set(predicted[POINTS // 2 :])
    assert len(set(seen)) > 2
    slider.press("Home")
    assert card.inner_text() == predicted[POINTS // 2]
    assert page.locator(".about .where").inner_text() == "start"
    row = int(course.trust.nearest[POINTS // 2])
    assert page.locator(".neighbour").inner_text().startswith(f"{row} ")
    assert len(frames) == before
    page.locator(".neighbour").click()
    page.get_by_role("heading", name=f"Participant {row}").wait_for()
    assert f"row={row}" in page.url
