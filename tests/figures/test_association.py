import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from cmae.errors import InputError
from cmae.figures.association import manhattan, quantiles
from cmae.latent.association_plots import chromosome_order


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "chromosome": np.repeat(["2", "10", "X", "1"], 50),
            "position": np.tile(np.arange(50) * 1000, 4),
            "joint_neg_log10_p": -np.log10(rng.random(200)),
        }
    )


@pytest.fixture
def svg_text(monkeypatch):
    monkeypatch.setitem(mpl.rcParams, "svg.fonttype", "none")


def test_chromosomes_stand_in_their_natural_order(table):
    assert chromosome_order(table["chromosome"].to_numpy(object)) == ["1", "2", "10", "X"]


def test_manhattan_names_chromosomes_leads_and_simulation(tmp_path, table, svg_text):
    leads = pd.DataFrame(
        {"chromosome": ["10"], "position": [5000], "variant": ["rs77"], "neg_log10_p": [9.0]}
    )
    manhattan(table, tmp_path / "m.svg", leads=leads, is_simulated=True)
    text = (tmp_path / "m.svg").read_text()
    for word in ("rs77", "SIMULATED", ">X<", ">10<", "5e-8"):
        assert word in text
    manhattan(table, tmp_path / "n.svg")
    assert "SIMULATED" not in (tmp_path / "n.svg").read_text()


def test_quantiles_say_the_inflation(tmp_path, table, svg_text):
    p = table["joint_neg_log10_p"].to_numpy()
    quantiles(
        {"joint": p, "pcs_5": p[:50]}, tmp_path / "q.svg", inflation={"joint": 1.0123},
        is_simulated=True,
    )  # fmt: skip
    text = (tmp_path / "q.svg").read_text()
    assert "joint, λ = 1.012" in text
    assert "pcs 5" in text
    assert "SIMULATED" in text


def test_many_variants_are_drawn_as_pixels(tmp_path):
    count = 200_000
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "chromosome": np.sort(rng.integers(1, 23, count)).astype(str),
            "position": rng.integers(1, 10**8, count),
            "joint_neg_log10_p": -np.log10(rng.random(count)),
        }
    )
    manhattan(table, tmp_path / "m.svg")
    quantiles({"joint": table["joint_neg_log10_p"].to_numpy()}, tmp_path / "q.svg")
    assert (tmp_path / "m.svg").stat().st_size < 2_000_000
    assert (tmp_path / "q.svg").stat().st_size < 1_000_000


def test_nothing_to_draw_is_one_sentence(tmp_path, table):
    with pytest.raises(InputError, match="no tested variant"):
        manhattan(table.iloc[:0], tmp_path / "m.svg")
    with pytest.raises(InputError, match="no tested variant"):
        quantiles({"joint": np.zeros(0)}, tmp_path / "q.svg")
