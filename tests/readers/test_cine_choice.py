import re
from functools import partial

import numpy as np
import pytest

from cmae.errors import ReadError
from cmae.readers.cine import read_cine
from cmae.readers.cine_choice import Candidate, names_four_chambers, read_chosen
from cmae.readers.cine_series import CineSeries
from cmae.readers.cine_view import (
    FOUR_CHAMBER,
    SHORT_AXIS,
    UNKNOWN,
    USUAL_AXIS,
    angles_to_views,
    expected_normals,
    long_axis,
    nearest_view,
)


def unit(vector):
    return np.asarray(vector, float) / np.linalg.norm(vector)


def turned(normal, about, degrees):
    angle = np.deg2rad(degrees)
    return unit(np.cos(angle) * normal + np.sin(angle) * np.cross(unit(about), normal))


def heart(rng, *, axis_deg=8.0, turn_deg=8.0, planning_deg=4.0):
    """Normals of the four views in a person whose heart lies, and whose slices stand, as drawn."""

    def near(vector, spread):
        return unit(vector + np.deg2rad(spread) * rng.standard_normal(3))

    axis, turn = near(unit(USUAL_AXIS), axis_deg), rng.normal(0, turn_deg)
    return {
        view: near(normal if view == SHORT_AXIS else turned(normal, axis, turn), planning_deg)
        for view, normal in expected_normals(axis).items()
    }


def candidate(normal, mark=0, **facts):
    """A candidate whose cine carries a mark in its cycle length."""
    read = partial(CineSeries, np.zeros((2, 2, 2), np.float32), (1.0, 1.0), float(mark))
    return Candidate(read=read, size=(128, 128, 50), normal=normal, **facts)


def test_views_stand_as_they_are_planned():
    views = expected_normals()
    axis = unit(USUAL_AXIS)

    for view, normal in views.items():
        assert nearest_view(angles_to_views(normal)) == view
        assert abs(normal @ axis) == pytest.approx(1 if view == SHORT_AXIS else 0, abs=1e-12)
    assert abs(views[FOUR_CHAMBER][0]) < 0.2  # holds the left-right axis nearly
    assert abs(views["two-chamber"][0]) > 0.6  # stands up, front to back


def test_the_long_axis_comes_from_short_axis_slices_or_the_meeting_of_long_axis_planes(rng):
    axis = unit((0.48, -0.62, -0.62))
    views = expected_normals(axis)

    meeting = long_axis([views[FOUR_CHAMBER], views["two-chamber"]])

    assert meeting == pytest.approx(axis, abs=1e-9)
    assert long_axis(list(views.values())) == pytest.approx(axis, abs=1e-9)
    assert long_axis([views[FOUR_CHAMBER]]) is None
    assert long_axis([]) is None
    assert long_axis([views[FOUR_CHAMBER], turned(views[FOUR_CHAMBER], (1, 0, 0), 90)]) is None


def test_the_four_chamber_cine_is_found_in_people_whose_hearts_lie_differently(rng):
    right = alone = others = 0
    for _ in range(100):
        views = heart(rng)
        names = list(views)
        cines = [candidate(views[name], mark) for mark, name in enumerate(names)]
        try:
            right += names[int(read_chosen(cines).rr_ms)] == FOUR_CHAMBER
        except ReadError:
            right += 0
        alone += nearest_view(angles_to_views(views[FOUR_CHAMBER])) == FOUR_CHAMBER
        others += sum(
            nearest_view(angles_to_views(views[name])) == FOUR_CHAMBER
            for name in names
            if name != FOUR_CHAMBER
        )

    assert right >= 0.98 * 100
    assert alone >= 0.96 * 100
    assert others <= 0.02 * 3 * 100


def test_geometry_goes_before_names_which_lie():
    views = expected_normals()
    cines = [
        candidate(views["three-chamber"], 3, has_name=True),
        candidate(views[FOUR_CHAMBER], 4),
        candidate(views[SHORT_AXIS], 1, has_name=True, slices=10),
    ]

    series = read_chosen(cines)

    assert series.rr_ms == 4
    assert series.choice.number == 2
    assert series.choice.found == 3
    assert series.choice.view == FOUR_CHAMBER
    assert series.choice.departure_deg == pytest.approx(0, abs=1e-6)
    assert series.choice.margin_deg > 50
    assert "short-axis slices beside it" in series.choice.reason
    assert "1 short-axis, 1 three-chamber" in series.choice.reason


def test_a_name_breaks_a_tie():
    views = expected_normals()
    between = [turned(views[FOUR_CHAMBER], USUAL_AXIS, turn) for turn in (-29, 31)]

    for named in (0, 1):
        cines = [candidate(normal, k, has_name=k == named) for k, normal in enumerate(between)]
        assert read_chosen(cines).rr_ms == named


def test_of_repeated_cines_the_last_is_taken():
    normal = expected_normals()[FOUR_CHAMBER]

    series = read_chosen([candidate(normal, k, number=k) for k in (5, 9, 7)])

    assert series.rr_ms == 9
    assert "last of 3" in series.choice.reason
    with pytest.raises(ReadError, match="alike"):
        read_chosen([candidate(normal), candidate(normal)])


@pytest.mark.parametrize(
    ("cines", "message"),
    [
        ([(SHORT_AXIS, {})], "lies as short-axis views do, 90°"),
        ([("two-chamber", {"has_name": True})], "lies as two-chamber"),
        ([(SHORT_AXIS, {"slices": 9})], "9 slices, a stack of short-axis views"),
        ([(FOUR_CHAMBER, {"slices": 3})], "3 slices, a stack or"),
        ([(SHORT_AXIS, {}), ("three-chamber", {})], "1 short-axis, 1 three-chamber"),
        ([(FOUR_CHAMBER, {"size": (128, 128, 3)})], "3 frames"),
        ([(FOUR_CHAMBER, {"size": (4096, 128, 30)})], "4096 × 128"),
        ([(FOUR_CHAMBER, {"study": "a"}), (FOUR_CHAMBER, {"study": "b"})], "2 examinations"),
        ([(None, {}), (None, {})], "alike"),
    ],
)
def test_what_is_no_four_chamber_cine_is_refused(cines, message):
    views = {None: None, **expected_normals()}
    found = []
    for view, facts in cines:
        plain = candidate(views[view])
        found.append(Candidate(**{**vars(plain), **facts}))

    with pytest.raises(ReadError, match=re.escape(message)):
        read_chosen(found)


def test_without_position_the_only_cine_or_the_one_named_so_is_taken():
    assert read_chosen([candidate(None, 7)]).choice.view == UNKNOWN
    named = read_chosen([candidate(None, 1), candidate(None, 2, has_name=True)])
    assert named.rr_ms == 2
    assert named.choice.departure_deg is None
    assert "position is unknown" in named.choice.reason


@pytest.mark.parametrize(
    "name",
    ["CINE_segmented_LAX_4Ch", "cine 4-chamber", "la_4ch.nii.gz", "HLA", "Four Chamber", "4_CH"],
)
def test_names_of_four_chamber_views_are_known(name):
    assert names_four_chambers(None, name)


@pytest.mark.parametrize("name", ["cine 2CH", "LAX_14ch", "sax b4", "thorax", "HLAB", "", None])
def test_other_names_are_not(name):
    assert not names_four_chambers(name)


@pytest.mark.parametrize("folder", ["dicom", "nifti", "."])
def test_of_the_real_series_the_four_chamber_one_is_chosen(realdata, folder):
    wanted = read_cine(realdata / "cmr/biv-me/dicom/Se6")

    series = read_cine(realdata / "cmr/biv-me" / folder)

    np.testing.assert_array_equal(series.frames, wanted.frames)
    assert series.choice.departure_deg < 15
    assert series.choice.margin_deg > 40
    assert series.choice.view == wanted.choice.view == FOUR_CHAMBER


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("dicom/Se2", "short-axis"),
        ("dicom/Se8", "two-chamber"),
        ("nifti/la_2ch.nii.gz", "two-chamber"),
        ("nifti/la_3ch.nii.gz", "three-chamber"),
        ("nifti/sa.nii.gz", "6 slices, a stack of short-axis"),
    ],
)
def test_other_real_views_are_refused(realdata, path, message):
    with pytest.raises(ReadError, match=message):
        read_cine(realdata / "cmr/biv-me" / path)
