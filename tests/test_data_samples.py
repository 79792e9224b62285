"""The recordings that ship with the project are read like anybody's."""

from pathlib import Path

import numpy as np
import pytest

from cmae.readers.cine import read_cine
from cmae.readers.ecg import read_ecg
from cmae.readers.heart_crop import heart_crop
from cmae.readers.median_beat import median_beat
from cmae.readers.ml4h import read_ml4h

FOLDER = Path(__file__).parents[1] / "data_samples"


ECGS = [
    *("ecg/sample-1.hea", "ecg/sample-2.hea", "ecg/sample-3.csv", "ecg/sample-4.xml"),
    *("ecg/sample-5.xml", "ecg/sample-6.xml", "ecg/sample-7.edf", "ecg/sample-8.dcm"),
    "ukb/ecg/9000001_20205_2_0.xml",
]
CINES = [
    ("cine/sample-1", 25),
    ("cine/sample-2.nii.gz", 50),
    ("ukb/cine/9000001_20208_2_0.zip", 25),
]


@pytest.mark.parametrize("name", ECGS)
def test_sample_ecg_gives_a_clean_median_beat(name):
    record = read_ecg(FOLDER / name)
    beat = median_beat(record)
    assert record.einthoven_uv is None or record.einthoven_uv < 10
    assert beat.beats_used >= 8
    assert beat.correlation > 0.99
    assert np.linalg.norm(beat.recording, axis=1).argmax() == pytest.approx(200, abs=15)


def test_every_sample_ecg_is_of_another_format():
    sources = [read_ecg(FOLDER / name).source for name in ECGS]
    assert len(set(sources)) == len(ECGS) - 1  # two are WFDB


@pytest.mark.parametrize(("name", "frames"), CINES)
def test_sample_cine_gives_a_heart_in_a_four_chamber_view(name, frames):
    cine = heart_crop(read_cine(FOLDER / name))
    assert cine.view_margin_deg is not None
    assert cine.view_margin_deg > 40
    assert cine.frames_recorded == frames
    assert cine.motion_energy > 0.7
    assert (cine.heart_row, cine.heart_column) == pytest.approx((64, 64), abs=14)
    assert cine.clipped_share == 0


def test_ecg_and_cine_of_one_sample_beat_at_rates_near_each_other():
    beat = median_beat(read_ecg(FOLDER / "ecg" / "sample-1.hea"))
    cine = heart_crop(read_cine(FOLDER / "cine" / "sample-1"))
    assert cine.rr_ms == pytest.approx(beat.rr_ms, rel=0.2)


def test_sample_tensors_hold_both_recordings():
    (visit,) = read_ml4h(FOLDER / "ml4h" / "9000003.hd5")
    assert visit.visit == 2
    assert visit.lacks == ()
    assert visit.ecg.shape == (600, 12)
    assert visit.cine.shape == (96, 96, 50)


def test_samples_are_small():
    folders = ("ecg", "cine", "ukb", "ml4h")
    recordings = [path for name in folders for path in (FOLDER / name).rglob("*")]
    assert sum(path.stat().st_size for path in recordings if path.is_file()) < 4 * 2**20
