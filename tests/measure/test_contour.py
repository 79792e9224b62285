import numpy as np
import pytest

from cmae.errors import InputError
from cmae.measure.contour import area_curve, area_length_ml, long_axis_curve


@pytest.fixture(scope="module")
def ellipses():
    """Masks of a turned ellipse, label 2, half axes 30 and 15 pixels, 24 and 9 in frame 1."""
    rows, columns = np.indices((96, 96)) - 47.5
    along, across = 0.8 * rows + 0.6 * columns, 0.6 * rows - 0.8 * columns
    sizes = ((30.0, 15.0), (24.0, 9.0))
    return np.stack(
        [2 * ((along / a) ** 2 + (across / b) ** 2 < 1).astype(np.uint8) for a, b in sizes], axis=-1
    )


def test_area_and_length_of_an_ellipse(ellipses):
    area = area_curve(ellipses, label=2, pixel_mm=1.8)
    length = long_axis_curve(ellipses, label=2, pixel_mm=1.8)
    np.testing.assert_allclose(area, np.pi * 1.8**2 * np.array([30 * 15, 24 * 9]), rtol=0.02)
    np.testing.assert_allclose(length, 3.6 * np.array([30, 24]), rtol=0.02)


def test_area_length_gives_the_volume_of_an_ellipsoid(ellipses):
    volume = area_length_ml(ellipses, label=2, pixel_mm=1.8)
    expected = 4 / 3 * np.pi * 1.8**3 / 1000 * np.array([30 * 15**2, 24 * 9**2])
    np.testing.assert_allclose(volume, expected, rtol=0.03)


def test_what_is_not_seen_has_neither_area_nor_volume(ellipses):
    assert not area_curve(ellipses, label=1, pixel_mm=1.8).any()
    assert not area_length_ml(ellipses, label=1, pixel_mm=1.8).any()


def test_masks_without_frames_are_refused():
    with pytest.raises(InputError, match="2 axes"):
        area_curve(np.zeros((96, 96), np.uint8), label=1, pixel_mm=1.8)
