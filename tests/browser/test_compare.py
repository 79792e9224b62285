"""Two groups compared in a real browser: the numbers on the page are the library's."""

import numpy as np
import pandas as pd
import pytest

from cmae.data.cohort import Cohort
from cmae.latent.group_comparison import compare_groups

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_a_link_compares_two_groups_with_the_librarys_numbers(page, server, sources, tmp_path):
    page.goto(f"{server}/compare?a=sex~is~1&b=others")
    page.locator(".ecg-paper .band.first").first.wait_for(state="attached")
    page.locator(".cine-player canvas").nth(2).wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Table (CSV)").click()
    download.value.save_as(tmp_path / "comparison.csv")
    shown = pd.read_csv(tmp_path / "comparison.csv").set_index("phenotype")
    cohort = Cohort.open(sources["--cohort"])
    is_man = (cohort.table["sex"] == 1).to_numpy()
    columns = {name: cohort.columns[name] for name in shown.index}
    expected = compare_groups(cohort.table, columns, is_man, ~is_man).table.set_index("phenotype")
    for column in ("effect", "effect_low", "effect_high", "p", "q"):
        np.testing.assert_allclose(shown[column], expected.loc[shown.index, column], rtol=1e-9)
    assert page.get_by_text(f"{int(is_man.sum())} rows").first.is_visible()
    assert "a=sex" in page.url
