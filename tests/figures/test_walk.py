import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from cmae.errors import InputError
from cmae.figures.walk import draw_walk, draw_walks
from cmae.latent.traversal import Direction

LABELS = ["−2 SD", "−1 SD", "the mean", "+1 SD", "+2 SD"]


@pytest.fixture
def decoded():
    rng = np.random.default_rng(0)
    ecg = np.cumsum(rng.normal(0, 0.02, (600, 12)), axis=0) * np.arange(1, 6)[:, None, None] / 3
    mri = rng.normal(100, 20, (96, 96, 50)) + np.arange(5)[:, None, None, None]
    return {"ecg": ecg, "mri": mri}


def test_a_walk_is_labelled_and_says_what_is_simulated(decoded, tmp_path, monkeypatch):
    monkeypatch.setitem(mpl.rcParams, "svg.fonttype", "none")
    draw_walk(decoded, LABELS, tmp_path / "walk.svg", title="Along x", is_simulated=True)
    text = (tmp_path / "walk.svg").read_text()
    assert all(text.count(label) == 2 for label in LABELS)  # beats and hearts
    assert "Along x" in text
    assert "SIMULATED" in text
    assert "end diastole" in text


@pytest.mark.parametrize("name", ["ecg", "mri"])
def test_points_of_the_walk_are_drawn(decoded, tmp_path, name):
    pictures = set()
    for changed in (None, 0, 2, 4):
        recordings = decoded[name].copy()
        if changed is not None:
            recordings[changed] = recordings[changed][::-1] + 0.2
        draw_walk({name: recordings}, LABELS, tmp_path / "walk.png")
        with Image.open(tmp_path / "walk.png") as image:
            pictures.add(image.tobytes())
    assert len(pictures) == 4


def test_walks_of_other_shapes_are_refused(decoded, tmp_path):
    with pytest.raises(InputError, match="cannot be drawn"):
        draw_walk({"ecg": decoded["ecg"][:4]}, LABELS, tmp_path / "walk.svg")
    with pytest.raises(InputError, match="2 labels"):
        draw_walk({"ecg": decoded["ecg"]}, LABELS[:2], tmp_path / "walk.svg")


def test_variants_are_walked_in_whole_alleles_over_two_standard_deviations(decoded, tmp_path):
    class Run:
        modalities = ("ecg",)
        asked = None

        def decode(self, modality, latents, **scale):
            Run.asked = latents
            return decoded["ecg"]

    latents = np.random.default_rng(1).normal(3, 2, (500, 3)).astype(np.float32)
    variant = Direction("1:12:A:T/../x T", "allele", "ecg", np.array([0.0, 1.0, 0.0]), 0.1, 500)
    (row,) = draw_walks(Run(), latents, [variant], tmp_path)
    assert row["file"] == "01_1_12_A_T_x_T.svg"
    away = Run.asked - latents.mean(0, dtype=np.float64)
    np.testing.assert_allclose(away[:, [0, 2]], 0, atol=1e-5)
    assert row["most_steps"] == pytest.approx(2 * latents[:, 1].std() / 0.1, abs=2)
    np.testing.assert_allclose(
        away[:, 1] / 0.1, np.array([-2, -1, 0, 1, 2]) * row["most_steps"] / 2, atol=1e-3
    )
    assert draw_walks(Run(), latents, [], tmp_path) == []
