import matplotlib as mpl
import pytest

from cmae.errors import InputError
from cmae.figures.network import draw


@pytest.fixture
def description():
    def layer(kind, shape, parameters):
        return {"name": "n", "kind": kind, "shape": shape, "parameters": parameters}

    return {
        "ecg_encoder": [
            {**layer("Conv1D", (600, 23), 19619), "operations": 600_000_000},
            layer("Activation", (600, 23), 0),
            layer("MaxPooling1D", (300, 23), 0),
            layer("Dense", (256,), 1_000_381),
        ],
        "ecg_decoder": [layer("Dense", [6900], 1_773_300), layer("Conv1D", (300, 12), 288)],
    }


@pytest.fixture
def drawn(description, tmp_path, monkeypatch):
    monkeypatch.setitem(mpl.rcParams, "svg.fonttype", "none")
    draw(description, tmp_path / "network.svg", title="One modality")
    return (tmp_path / "network.svg").read_text()


def test_picture_gives_the_totals_of_each_part(drawn):
    assert "ECG encoder" in drawn
    assert "1,020,000 parameters · 0.60 G multiply–adds a recording" in drawn
    assert "1,773,588 parameters" in drawn


def test_picture_gives_kind_shape_and_parameters_of_a_layer(drawn):
    assert "Conv1D  23" in drawn
    assert "MaxPool 1D  23" in drawn
    assert "19,619" in drawn


def test_layers_that_compute_nothing_are_left_out(drawn):
    assert "Activation  " not in drawn


def test_picture_names_the_size_of_the_latent(drawn):
    assert "latent  256" in drawn
    assert "shared latent" not in drawn


def test_empty_description_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(InputError, match="no encoder and no decoder"):
        draw({}, tmp_path / "network.svg")
