import numpy as np
import pytest
from PIL import Image

from cmae.errors import InputError
from cmae.figures import population as figures


@pytest.fixture
def hearts():
    rng = np.random.default_rng(0)
    return [
        figures.Heart(
            f"heart {k}", rng.normal(0, 0.1, (600, 12)), rng.random((96, 96, 50)), end_systole=18
        )
        for k in range(3)
    ]


@pytest.mark.parametrize("sheet", [figures.hearts_sheet, figures.beats_sheet, figures.groups_sheet])
def test_a_sheet_is_drawn_and_says_that_it_is_simulated(hearts, sheet, tmp_path):
    sheet(hearts, tmp_path / "sheet.png", is_simulated=True)
    sheet(hearts, tmp_path / "plain.png")
    with Image.open(tmp_path / "sheet.png") as said, Image.open(tmp_path / "plain.png") as plain:
        assert said.size == plain.size
        assert (np.asarray(said) != np.asarray(plain)).any()


def test_distributions_are_drawn_in_one_page(tmp_path):
    rng = np.random.default_rng(0)
    one = figures.Distribution(
        "mass, g", rng.normal(70, 13, 400), rng.normal(103, 21, 400), (70, 13), (103, 21)
    )
    figures.distributions({f"q{k}": one for k in range(5)}, tmp_path / "page.svg")
    assert (tmp_path / "page.svg").read_text(encoding="utf-8").count("mass, g") == 5


def test_recordings_of_another_shape_are_refused_by_name(hearts, tmp_path):
    short = figures.Heart("short", np.zeros((10, 12)), hearts[0].cine, end_systole=1)
    with pytest.raises(InputError, match="'short' has recordings of shapes"):
        figures.beats_sheet([short], tmp_path / "sheet.png")
    with pytest.raises(InputError, match="at least one"):
        figures.hearts_sheet([], tmp_path / "sheet.png")
    with pytest.raises(InputError, match="at least one"):
        figures.distributions({}, tmp_path / "page.svg")
