"""The preview page: a seeded sample, worst first, without anything to load."""

import numpy as np
import pytest

from cmae.data.cohort import Cohort
from cmae.data.column import Column
from cmae.errors import InputError
from cmae.figures.preview import write_preview

NOISE = {"ecg_noise_uv": Column("µV", "continuous", "quality", "ecg", "Noise")}


@pytest.fixture
def cohort(tmp_path, rng) -> Cohort:
    """Eight ECGs, of which number 5 is noisy, and one cine."""
    cohort = Cohort.create(tmp_path / "cohort")
    with cohort.writer(NOISE) as writer:
        for k in range(8):
            writer.add(
                f"SECRET-{k}",
                ecg=rng.normal(0, 0.3, (600, 12)),
                mri=rng.integers(0, 900, (96, 96, 50)).astype(np.uint16) if k == 2 else None,
                values={"ecg_noise_uv": 500.0 if k == 5 else 10.0 + k},
            )
    return cohort


def test_the_worst_is_first_and_the_sample_repeats(cohort, tmp_path):
    calls = []
    drawn = write_preview(
        cohort, tmp_path / "a.html", most=4, on_progress=lambda *call: calls.append(call)
    )
    write_preview(cohort, tmp_path / "b.html", most=4)

    page = (tmp_path / "a.html").read_text()
    assert drawn == 4
    assert calls[-1] == (4, 4)
    assert page == (tmp_path / "b.html").read_text()
    assert page.index("Row 5") < min(page.index(f"<h2>Row {k}") for k in range(8)
                                     if k != 5 and f"<h2>Row {k}" in page)  # fmt: skip
    assert page.count("noisy ECG") == 1
    assert "SECRET" not in page
    assert "default-src 'none'" in page


def test_a_cine_is_shown_still_and_by_its_motion(cohort, tmp_path):
    write_preview(cohort, tmp_path / "a.html")

    page = (tmp_path / "a.html").read_text()
    assert page.count("<article>") == 8
    assert page.count("data:image/png") == 8 + 2
    assert "first frame" in page


def test_nothing_to_draw_is_said(tmp_path):
    with pytest.raises(InputError, match="no recording"):
        write_preview(Cohort.create(tmp_path / "empty"), tmp_path / "a.html")
