"""Fixtures for all tests: small cohorts of random recordings, and the real recordings.

- ``rng``: a seeded generator.
- ``make_cohort``: a function ``(path, rows=12, *, seed=0, gaps=True) -> Cohort``.
- ``small_cohort``: a cohort of 12 rows; two of one participant; two rows lack the MRI, two the ECG.
- ``full_cohort``: 12 rows that have both recordings.
- ``realdata``: the folder of real recordings, or a skip.
- ``slice_contour``: a function that cuts a mesh with the plane of a cine.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cmae.data.cohort import Cohort
from cmae.data.column import Column

COLUMNS = {
    "age_years": Column("years", "continuous", "covariate", "clinical", "Age at the visit"),
    "sex": Column("", "binary", "covariate", "clinical", "1 male, 0 female"),
    "lvef_percent": Column("%", "continuous", "phenotype", "mri", "LV ejection fraction"),
    "center": Column("", "categorical", "covariate", "clinical", "Where it was recorded"),
}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def make_cohort() -> Callable[..., Cohort]:
    """Make a cohort of random recordings: ECG float32 mV, MRI uint16, and four phenotypes.

    Row k is participant ``P<k>``, visit 0; row 1 is the second visit (1) of participant ``P000``.
    With gaps, rows 2 and 7 lack the MRI, rows 3 and 8 the ECG, row 4 its LVEF.
    """

    def make(path: Path, rows: int = 12, *, seed: int = 0, gaps: bool = True) -> Cohort:
        rng = np.random.default_rng(seed)
        cohort = Cohort.create(path)
        cine = rng.integers(0, 900, (96, 96, 50)).astype(np.uint16)
        with cohort.writer(COLUMNS) as writer:
            for k in range(rows):
                writer.add(
                    f"P{0 if k == 1 else k:03d}",
                    visit=int(k == 1),
                    ecg=None if gaps and k in {3, 8} else rng.normal(0, 0.3, (600, 12)),
                    mri=None if gaps and k in {2, 7} else np.roll(cine, 37 * k) // (1 + k % 3),
                    values={
                        "age_years": 40.0 + k,
                        "sex": k % 2,
                        "lvef_percent": None if gaps and k == 4 else 50.0 + k,
                        "center": "north" if k % 3 else "south",
                        "ecg_rr_ms": 900.0 + k,
                        "mri_pixel_mm": 1.8,
                    },
                )
        return cohort

    return make


@pytest.fixture(scope="session")
def _small(tmp_path_factory: pytest.TempPathFactory, make_cohort: Callable[..., Cohort]) -> Path:
    return make_cohort(tmp_path_factory.mktemp("cohorts") / "small").path


@pytest.fixture(scope="session")
def _full(tmp_path_factory: pytest.TempPathFactory, make_cohort: Callable[..., Cohort]) -> Path:
    return make_cohort(tmp_path_factory.mktemp("cohorts") / "full", gaps=False).path


@pytest.fixture
def small_cohort(tmp_path: Path, _small: Path) -> Cohort:
    """A cohort of 12 rows and 11 participants, some rows lacking a recording; yours to change."""
    return Cohort.open(shutil.copytree(_small, tmp_path / "cohort"))


@pytest.fixture
def full_cohort(tmp_path: Path, _full: Path) -> Cohort:
    """A cohort of 12 rows that have both recordings; yours to change."""
    return Cohort.open(shutil.copytree(_full, tmp_path / "full"))


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The real recordings, which lie beside the project and not in it."""
    folder = Path(__file__).parents[2] / "shared" / "realdata"
    if not folder.is_dir():
        pytest.skip("the real recordings are not on this machine")
    return folder


@pytest.fixture(scope="session")
def slice_contour() -> Callable[..., NDArray[np.float64]]:
    def cut(points: Any, faces: Any, series: Any) -> Any:
        """Where a mesh crosses the plane of a series: (crossings, 2) row and column."""
        right, down = np.array(series.right), np.array(series.down)
        from_origin = points - np.array(series.origin_mm)
        height = from_origin @ np.cross(right, down)
        pixels = np.stack([from_origin @ down, from_origin @ right], axis=1) / series.pixel_mm
        crossings = []
        for a, b in ((0, 1), (1, 2), (2, 0)):
            first, second = faces[:, a], faces[:, b]
            is_crossing = height[first] * height[second] < 0
            first, second = first[is_crossing], second[is_crossing]
            share = (height[first] / (height[first] - height[second]))[:, None]
            crossings.append(pixels[first] * (1 - share) + pixels[second] * share)
        return np.concatenate(crossings)

    return cut
