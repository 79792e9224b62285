from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from cmae.errors import InputError
from cmae.figures.recordings import cine_contact_sheet, ecg_overlay


@pytest.fixture
def beat():
    time_s = np.arange(600)[:, None] / 500 - 0.4
    return (np.exp(-((time_s / 0.012) ** 2)) * np.linspace(-0.8, 1.2, 12)).astype(np.float32)


@pytest.fixture
def cine():
    rng = np.random.default_rng(0)
    return rng.integers(0, 900, (96, 96, 50)).astype(np.uint16)


def size_mm(path: Path) -> tuple[float, float]:
    with Image.open(path) as image:
        return tuple(
            side / dpi * 25.4 for side, dpi in zip(image.size, image.info["dpi"], strict=True)
        )


def test_ecg_paper_has_its_true_size(beat, tmp_path):
    """Four leads of 1.2 s at 25 mm/s with gaps of 5 mm and margins make 160 mm."""
    ecg_overlay({"recorded": beat}, tmp_path / "ecg.png")
    assert size_mm(tmp_path / "ecg.png")[0] == pytest.approx(160, abs=0.2)


def test_ecg_paper_grows_with_the_voltage(beat, tmp_path):
    ecg_overlay({"recorded": beat}, tmp_path / "small.png")
    ecg_overlay({"recorded": 2 * beat}, tmp_path / "large.png")
    grown = size_mm(tmp_path / "large.png")[1] - size_mm(tmp_path / "small.png")[1]
    assert grown >= 10


def test_wild_decoding_does_not_blow_up_the_page(beat, tmp_path):
    ecg_overlay({"recorded": beat, "decoded": 1e4 * beat}, tmp_path / "ecg.png")
    assert size_mm(tmp_path / "ecg.png")[1] < 350


def test_legend_states_the_difference_from_the_recorded_beat(beat, tmp_path, monkeypatch):
    monkeypatch.setitem(mpl.rcParams, "svg.fonttype", "none")
    ecg_overlay({"recorded": beat, "decoded": beat + 0.25}, tmp_path / "ecg.svg")
    assert "decoded (RMS difference 0.250 mV)" in (tmp_path / "ecg.svg").read_text()


def test_simulated_recordings_are_marked(beat, cine, tmp_path, monkeypatch):
    monkeypatch.setitem(mpl.rcParams, "svg.fonttype", "none")
    for name, draw in (("ecg", ecg_overlay), ("cine", cine_contact_sheet)):
        recording = {"recorded": beat if name == "ecg" else cine}
        draw(recording, tmp_path / "yes.svg", is_simulated=True)
        draw(recording, tmp_path / "no.svg")
        assert "SIMULATED" in (tmp_path / "yes.svg").read_text()
        assert "SIMULATED" not in (tmp_path / "no.svg").read_text()


def test_the_same_arrays_give_the_same_file(beat, tmp_path):
    for name in ("a.svg", "b.svg"):
        ecg_overlay({"recorded": beat}, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_contact_sheet_shows_every_frame(tmp_path):
    """One bright frame among dark ones changes the sheet, whichever frame it is."""
    sheets = set()
    for frame in (None, 0, 9, 10, 49):
        cine = np.zeros((96, 96, 50), np.float32)
        if frame is not None:
            cine[20:70, 20:70, frame] = 1
        cine_contact_sheet({"recorded": cine}, tmp_path / "cine.png")
        with Image.open(tmp_path / "cine.png") as image:
            gray = np.asarray(image.convert("L"))
        sheets.add(gray.tobytes())
    assert len(sheets) == 5


def test_contact_sheet_gives_times_of_the_frames(cine, tmp_path, monkeypatch):
    monkeypatch.setitem(mpl.rcParams, "svg.fonttype", "none")
    cine_contact_sheet({"recorded": cine, "from ECG": cine}, tmp_path / "cine.svg", rr_ms=1000.0)
    text = (tmp_path / "cine.svg").read_text()
    assert "t = 0 ms" in text
    assert "980 ms" in text
    assert "from ECG" in text


def test_constant_cine_is_drawn(tmp_path):
    cine_contact_sheet({"recorded": np.ones((96, 96, 50), np.float32)}, tmp_path / "cine.png")
    assert (tmp_path / "cine.png").stat().st_size > 1000


def test_foreign_shape_is_refused_in_a_sentence(beat, cine, tmp_path):
    with pytest.raises(InputError, match=r"'recorded' has shape \(1, 600, 12\)"):
        ecg_overlay({"recorded": beat[None]}, tmp_path / "ecg.png")
    with pytest.raises(InputError, match="give 1 to 5"):
        cine_contact_sheet({}, tmp_path / "cine.png")
    assert not list(tmp_path.iterdir())


def test_unknown_format_is_refused_in_a_sentence(beat, tmp_path):
    with pytest.raises(InputError, match=r"cannot be written as \.bmp"):
        ecg_overlay({"recorded": beat}, tmp_path / "ecg.bmp")
