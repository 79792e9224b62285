import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from app import walk_caches, walk_files, walk_ways
from app.components.walk_player import Path, Pictures, walk_player
from app.explorer import Evidence, show, show_evidence
from app.walk_wish import WalkWish, found
from cmae.errors import InputError
from cmae.latent import traversal
from cmae.latent.direction_files import write_directions
from cmae.latent.phenome import PhenomeSettings, scan


@pytest.fixture
def many(make_cohort, make_explorer, tmp_path):
    """A cohort of 72 rows, shown by this process's server, with the model ready."""
    shown = make_explorer(make_cohort(tmp_path / "many", rows=72, seed=3))
    show(shown)
    with shown.model.use():
        pass
    yield shown
    show_evidence(Evidence())


@pytest.fixture
def walked(many):
    def walk(**wish):
        wish = WalkWish(**{"along": "phenotype:lvef_percent", "count": 11, **wish})
        begin = walk_ways.start(wish)
        leads = walk_ways.way(wish, begin)
        return begin, leads, walk_ways.walk(begin, leads, wish)

    return walk


def test_a_walk_is_the_librarys(many, walked):
    _, leads, taken = walked(alike=("sex",), reach=2)
    latents = np.asarray(many.latents.latents["joint"])
    direction = traversal.phenotype_direction(
        latents, many.cohort.table, "lvef_percent", covariates=["sex"]
    )
    np.testing.assert_allclose(leads.direction.vector, direction.vector)
    plain = traversal.phenotype_direction(latents, many.cohort.table, "lvef_percent")
    assert leads.cosine == pytest.approx(direction.cosine(plain))
    wanted = traversal.walk(traversal.mean_latent(latents), direction, np.linspace(-2, 2, 11))
    np.testing.assert_allclose(taken.points, wanted.points)


def test_what_is_shown_are_the_decodings_in_one_window(many, walked, quick_run):
    begin, _, taken = walked()
    shown = walk_caches.decoded(taken, begin)
    outputs = traversal.decode_walk(quick_run(), taken)
    np.testing.assert_allclose(shown.ecg, outputs["ecg"], rtol=1e-6)
    assert shown.pixels.shape == (11 * 50, 96, 96)
    # One line turns bytes of all points into intensities.
    intensity = np.moveaxis(outputs["mri"], 3, 1).ravel()[::9973].astype(float)
    grey = shown.pixels.ravel()[::9973].astype(float)
    is_between = (grey > 0) & (grey < 255)
    slope, offset = np.polyfit(grey[is_between], intensity[is_between], 1)
    worst = np.abs(slope * grey + offset - intensity)[is_between].max()
    assert worst <= 0.75 * slope
    assert walk_caches.decoded(taken, begin) is shown


def test_nothing_is_decoded_before_the_model_is_there(many, make_explorer, walked):
    begin, _, taken = walked()
    show(make_explorer(many.cohort))
    assert walk_caches.decoded(taken, begin) is None


def test_a_row_without_the_recording_says_what_to_do(many, walked):
    with pytest.raises(InputError, match="choose another latent"):
        walk_ways._place("row:2", "mri")
    assert walk_ways._place("row:2", "ecg").row == 2
    with pytest.raises(InputError, match="no row"):
        walk_ways._place("row:999", "ecg")


def test_a_way_leads_from_one_heart_to_another(many, walked):
    _, leads, taken = walked(along="to:row:9", kind="ecg")
    np.testing.assert_allclose(taken.points[-1], many.latents.latents["ecg"][9], rtol=1e-4)
    assert leads.direction.step == "way"


def test_components_come_with_their_share(many):
    offered = walk_ways.components("mri")
    shares = [share for _, share in offered]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1 + 1e-6


def test_a_direction_that_an_association_found_can_be_walked(many, walked, tmp_path):
    folder = tmp_path / "found"
    scan(many.latents, many.cohort, settings=PhenomeSettings(kind="mri", visit=0)).write(folder)
    move = np.arange(1.0, 9.0)
    planted = traversal.along(move, name="made up", step="SD", kind="mri", rows=9)
    write_directions([planted], [["made up"]], folder)
    show_evidence(Evidence(associations=(folder,)))
    _, leads, taken = walked(along=found(0, "made up"), kind="mri", reach=1)
    np.testing.assert_allclose(taken.points[-1] - taken.points[5], move, rtol=1e-4)
    assert leads.source == "found"
    with pytest.raises(InputError, match="found in mri latents"):
        walked(along=found(0, "made up"), kind="ecg")
    with pytest.raises(InputError, match="no direction of this name"):
        walked(along=found(0, "other"), kind="mri")
    with pytest.raises(InputError, match="no such direction"):
        walked(along=found(7, "made up"), kind="mri")


def test_predictions_leave_out_what_cannot_be_fitted(many, walked):
    _, _, taken = walked()
    course = walk_caches.course(taken, first="sex")
    assert [each.name for each in course.forecasts] == ["sex", "lvef_percent", "age_years"]


def test_files_of_a_walk_are_what_they_say(many, walked):
    begin, leads, taken = walked()
    course = walk_caches.course(taken)
    shown = walk_caches.decoded(taken, begin)
    text = walk_files.table(many, course, []).decode()
    assert text.startswith("# generated, research use only")
    rows = pd.read_csv(io.StringIO(text), comment="#")
    np.testing.assert_allclose(rows["lvef_percent"], course.forecasts[0].values, rtol=1e-5)
    with Image.open(io.BytesIO(walk_files.movie(taken, shown, rr_ms=900.0))) as movie:
        assert movie.format == "GIF"
        assert movie.n_frames > 11
    command = walk_files.commands(many, leads)[1]
    assert "--kind joint" in command
    assert "P0" not in command


@pytest.mark.slow
def test_the_figure_of_a_walk_is_marked(many, walked):
    _, leads, taken = walked(along="to:row:9")
    around = walk_caches.surroundings("joint")
    drawn = walk_files.figure(many, taken, around, None, title=f"Along {leads.title}")
    assert drawn.startswith(b"<?xml")
    assert b"<svg" in drawn


def test_a_player_refuses_pictures_of_other_points():
    numbers = np.arange(3.0)
    path = Path(
        ["a", "b", "c"], numbers, 1, [], np.zeros(3, int), (None, None), np.ones(5, int),
        ["x"] * 3, "", np.arange(3), ["r"] * 3,
    )  # fmt: skip
    for pictures in (
        Pictures(ecg=np.zeros((4, 600, 12), np.float32)),
        Pictures(pixels=np.zeros((100, 96, 96), np.uint8)),
    ):
        with pytest.raises(InputError, match="of each a point"):
            walk_player(path, pictures, key="walk")
