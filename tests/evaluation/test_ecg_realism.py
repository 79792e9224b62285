"""Real sinus beats against simulated ones, which were not fitted to them by number."""

import numpy as np
import pytest

from cmae.evaluation.realism import beat_values, share_within
from cmae.readers.ecg import read_ecg
from cmae.readers.median_beat import median_beat
from cmae.simulate import ecg
from cmae.simulate.physiology import draw

pytestmark = pytest.mark.slow

SINUS = {"426783006", "426177001", "427084000", "427393009"}
"""SNOMED CT: sinus rhythm, bradycardia, tachycardia, arrhythmia."""
ATRIAL_TACHYCARDIA = "713422000"
REFUSED = {"JS20004", "JS20008"}
"""Three of their chest leads are flat."""


def is_sinus(header):
    line = next(line for line in header.read_text().splitlines() if line.startswith("# Dx:"))
    codes = set(line.removeprefix("# Dx:").strip().split(","))
    return bool(codes & SINUS) and ATRIAL_TACHYCARDIA not in codes


@pytest.fixture
def real_beats(realdata):
    folder = realdata / "ecg"
    headers = [h for h in sorted((folder / "cinc2021").glob("*.hea")) if is_sinus(h)]
    headers = [h for h in headers if h.stem not in REFUSED]
    others = ["ptbxl/00001_lr.hea", "wfdb_ptb_s0010/s0010_re.hea", "dicom/waveform_ecg.dcm"]
    return [median_beat(read_ecg(path)) for path in [*headers, *(folder / o for o in others)]]


def test_measures_of_real_sinus_beats_lie_within_those_of_simulated_ones(real_beats):
    table = draw(700, seed=6)
    simulated = np.array(
        [
            beat_values(ecg.render(heart, np.random.default_rng([6, k])), rr_ms=heart["rr_ms"])
            for k, heart in enumerate(table.to_dict("records"))
        ]
    )
    real = np.array([beat_values(beat.recording, rr_ms=beat.rr_ms) for beat in real_beats])
    assert len(real) >= 20
    assert share_within(simulated, real).value > 0.85
