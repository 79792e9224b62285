import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from cmae.errors import InputError
from cmae.figures.learning import learning_curves


@pytest.fixture
def svg_text(monkeypatch):
    monkeypatch.setitem(mpl.rcParams, "svg.fonttype", "none")


def history(**columns):
    return pd.DataFrame({"epoch": np.arange(1, 7), **columns})


def test_each_loss_with_a_partner_gets_a_panel(tmp_path, svg_text):
    falls = np.linspace(3, 1, 6)
    table = history(
        loss=falls, val_loss=falls + 1, ecg_loss=falls, val_ecg_loss=falls, seconds=falls
    )
    learning_curves(table, tmp_path / "curves.svg", units="model units")
    text = (tmp_path / "curves.svg").read_text()
    assert "total loss" in text
    assert "ECG loss" in text
    assert "seconds" not in text
    assert "loss (model units)" in text


@pytest.mark.parametrize("names", [("train_x", "validation_x"), ("training_x", "val_x")])
def test_other_spellings_of_the_partner_are_found(tmp_path, names, svg_text):
    table = history(**dict.fromkeys(names, np.ones(6)))
    learning_curves(table, tmp_path / "curves.svg")
    assert ">x<" in (tmp_path / "curves.svg").read_text()


def test_best_epoch_is_that_of_the_lowest_validation_loss(tmp_path, svg_text):
    table = history(loss=np.ones(6), validation_loss=[5, 4, 3, 2, 3, 4.0])
    learning_curves(table, tmp_path / "curves.svg")
    assert "best epoch (4)" in (tmp_path / "curves.svg").read_text()


def test_stages_are_drawn_one_after_the_other(tmp_path, svg_text):
    stage = ["ecg"] * 3 + ["cross_modal"] * 3
    table = history(loss=np.ones(6), validation_loss=[1, 1, 0.1, 5, 3, 4], stage=stage)
    learning_curves(table, tmp_path / "curves.svg")
    text = (tmp_path / "curves.svg").read_text()
    assert "cross modal" in text
    assert "best epoch (5)" in text


def test_a_single_epoch_and_losses_below_zero_are_drawn(tmp_path):
    table = history(loss=np.full(6, -1.0), validation_loss=np.zeros(6)).iloc[:1]
    learning_curves(table, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_history_without_losses_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(InputError, match="no loss with its validation partner"):
        learning_curves(history(seconds=np.ones(6)), tmp_path / "curves.svg")
