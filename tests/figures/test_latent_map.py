import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from cmae.errors import InputError
from cmae.figures.latent_map import latent_map


@pytest.fixture
def svg_text(monkeypatch):
    monkeypatch.setitem(mpl.rcParams, "svg.fonttype", "none")


@pytest.fixture
def positions():
    rng = np.random.default_rng(0)
    return {
        "ECG latents": rng.standard_normal((40, 2)),
        "MRI latents": rng.standard_normal((30, 2)),
    }


def test_legend_counts_only_positions_that_exist(positions, tmp_path, svg_text):
    positions["MRI latents"][:7] = np.nan
    latent_map(positions, tmp_path / "map.svg")
    text = (tmp_path / "map.svg").read_text()
    assert "ECG latents (n = 40)" in text
    assert "MRI latents (n = 23)" in text


def test_phenotype_gets_a_panel_a_set_and_a_labelled_bar(positions, tmp_path, svg_text):
    values = {name: xy[:, 0] for name, xy in positions.items()}
    latent_map(positions, tmp_path / "map.svg", values=values, values_label="age (years)")
    assert "age (years)" in (tmp_path / "map.svg").read_text()
    latent_map(positions, tmp_path / "plain.png")
    latent_map(positions, tmp_path / "colored.png", values=values)
    with Image.open(tmp_path / "plain.png") as plain, Image.open(tmp_path / "colored.png") as both:
        assert both.width > 1.5 * plain.width


def test_participants_without_the_phenotype_are_drawn(positions, tmp_path):
    values = {name: np.full(len(xy), np.nan) for name, xy in positions.items()}
    latent_map(positions, tmp_path / "map.png", values=values)
    with Image.open(tmp_path / "map.png") as image:
        colors = {color for _, color in image.convert("RGB").getcolors(1 << 24)}
    assert (0xD1, 0xD5, 0xDB) in colors


def test_values_that_do_not_fit_are_refused_in_a_sentence(positions, tmp_path):
    with pytest.raises(InputError, match="it has 40 positions"):
        latent_map(positions, tmp_path / "map.png", values={"ECG latents": np.ones(3)})
    with pytest.raises(InputError, match="no positions to draw"):
        latent_map({"ECG latents": np.full((3, 2), np.nan)}, tmp_path / "map.png")
