"""The recordings that ship with the project are read like anybody's."""

from pathlib import Path

import numpy as np
import pytest

from cmae.readers.cine import read_cine
from cmae.readers.ecg import read_ecg
from cmae.readers.heart_crop import heart_crop
from cmae.readers.median_beat import median_beat

FOLDER = Path(__file__).parents[1] / "data_samples"


@pytest.mark.parametrize("name", ["sample-1.hea", "sample-2.hea", "sample-3.csv"])
def test_sample_ecg_gives_a_clean_median_beat(name):
    beat = median_beat(read_ecg(FOLDER / "ecg" / name))
    assert beat.beats_used >= 8
    assert beat.correlation > 0.99
    assert np.linalg.norm(beat.recording, axis=1).argmax() == pytest.approx(200, abs=15)


@pytest.mark.parametrize(("name", "frames"), [("sample-1", 25), ("sample-2.nii.gz", 50)])
def test_sample_cine_gives_a_heart(name, frames):
    cine = heart_crop(read_cine(FOLDER / "cine" / name))
    assert cine.frames_recorded == frames
    assert cine.motion_energy > 0.7
    assert (cine.heart_row, cine.heart_column) == pytest.approx((64, 64), abs=14)
    assert cine.clipped_share == 0


def test_ecg_and_cine_of_one_sample_beat_at_rates_near_each_other():
    beat = median_beat(read_ecg(FOLDER / "ecg" / "sample-1.hea"))
    cine = heart_crop(read_cine(FOLDER / "cine" / "sample-1"))
    assert cine.rr_ms == pytest.approx(beat.rr_ms, rel=0.2)


def test_samples_are_small():
    recordings = [*(FOLDER / "ecg").rglob("*"), *(FOLDER / "cine").rglob("*")]
    assert sum(path.stat().st_size for path in recordings if path.is_file()) < 4 * 2**20
