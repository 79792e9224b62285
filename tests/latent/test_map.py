"""Maps and neighbours: PCA and cosine against NumPy longhand, UMAP seeded, files kept whole."""

import sys
from pathlib import Path

import numpy as np
import pytest

from cmae.errors import LatentsError
from cmae.latent.embedding import embed
from cmae.latent.latents import Latents
from cmae.latent.map import MapSettings, add_maps, place
from cmae.latent.neighbours import nearest_rows

sys.path.insert(0, str(Path(__file__).parent))
from embedding_fakes import FakeCohort, FakeRun


@pytest.fixture
def only_pca(monkeypatch):
    """Leave UMAP out: it takes many seconds to compile itself."""
    monkeypatch.setattr("cmae.latent.map.FEWEST_FOR_UMAP", 10**9)


@pytest.fixture
def path(tmp_path):
    return embed(FakeRun(), FakeCohort(40), tmp_path / "l.h5").path


def cosine(first, second):
    return (
        first
        @ second.T
        / np.linalg.norm(first, axis=1)[:, None]
        / np.linalg.norm(second, axis=1)[None]
    )


@pytest.mark.parametrize("blocks", [(1024, 16384), (7, 11)])
def test_nearest_rows_agree_with_sorting_all(monkeypatch, blocks):
    monkeypatch.setattr("cmae.latent.neighbours.QUERIES_AT_ONCE", blocks[0])
    monkeypatch.setattr("cmae.latent.neighbours.TARGETS_AT_ONCE", blocks[1])
    rng = np.random.default_rng(0)
    queries, targets = rng.normal(size=(30, 6)), rng.normal(size=(90, 6))
    found, similarity = nearest_rows(queries, targets, 5)
    order = np.argsort(-cosine(queries, targets), axis=1)[:, :5]
    np.testing.assert_array_equal(found, order)
    wanted = np.take_along_axis(cosine(queries, targets), order, 1)
    np.testing.assert_allclose(similarity, wanted, rtol=1e-5)


@pytest.mark.parametrize("blocks", [(1024, 16384), (7, 11)])
def test_a_row_is_not_its_own_neighbour(monkeypatch, blocks):
    monkeypatch.setattr("cmae.latent.neighbours.QUERIES_AT_ONCE", blocks[0])
    monkeypatch.setattr("cmae.latent.neighbours.TARGETS_AT_ONCE", blocks[1])
    points = np.random.default_rng(1).normal(size=(40, 4))
    found, _ = nearest_rows(points, points, 39, own=np.arange(40))
    assert all(sorted(row) == sorted(set(range(40)) - {i}) for i, row in enumerate(found.tolist()))


def test_fewer_targets_than_asked_for_leave_minus_one():
    points = np.random.default_rng(2).normal(size=(3, 4))
    found, similarity = nearest_rows(points, points, 5)
    assert (np.sort(found, axis=1)[:, :2] == -1).all()
    assert (found[:, 3:] == -1).all()
    assert np.isneginf(similarity[:, 3:]).all()


def test_pca_is_that_of_both_modalities_together(path, only_pca):
    latents = add_maps(path)
    points = np.concatenate(
        [latents.latents[kind][latents.present[kind]] for kind in ("ecg", "mri")]
    ).astype(np.float64)
    centered = points - points.mean(0)
    _, singular, directions = np.linalg.svd(centered, full_matrices=False)
    projected = centered @ directions[:2].T
    found = np.concatenate(
        [latents.maps["pca"][kind][latents.present[kind]] for kind in ("ecg", "mri")]
    )
    signs = np.sign((projected * found).sum(0))
    np.testing.assert_allclose(found, projected * signs, atol=1e-4)
    explained = latents.map_settings["pca"]["explained_variance_1"]
    assert explained == pytest.approx(singular[0] ** 2 / (singular**2).sum(), rel=1e-5)


def test_stored_basis_places_known_latents_where_they_are(path, only_pca):
    latents = add_maps(path)
    for kind in ("ecg", "mri", "joint"):
        rows = latents.present[kind]
        positions = place(latents, "pca", latents.latents[kind][rows])
        np.testing.assert_allclose(positions, latents.maps["pca"][kind][rows], atol=1e-4)


def test_absent_latents_are_on_no_map_and_have_no_neighbours(path, only_pca):
    latents = add_maps(path)
    for kind in ("ecg", "mri", "joint"):
        np.testing.assert_array_equal(
            np.isfinite(latents.maps["pca"][kind]).all(axis=1), latents.present[kind]
        )
    assert (latents.neighbours["ecg_mri"][~latents.present["ecg"]] == -1).all()


def test_neighbours_are_row_numbers_by_cosine_among_the_present(path, only_pca):
    latents = add_maps(path, settings=MapSettings(kept_neighbours=4))
    assert set(latents.neighbours) == {"ecg_ecg", "ecg_mri", "mri_ecg", "mri_mri", "joint_joint"}
    to_rows = np.flatnonzero(latents.present["mri"])
    for row in np.flatnonzero(latents.present["ecg"]):
        similarity = cosine(latents.latents["ecg"][[row]], latents.latents["mri"][to_rows])[0]
        wanted = to_rows[np.argsort(-similarity)[:4]]
        assert latents.neighbours["ecg_mri"][row].tolist() == wanted.tolist()
    for row in np.flatnonzero(latents.present["joint"]):
        assert row not in latents.neighbours["joint_joint"][row]


def test_mapping_keeps_everything_else_and_replaces_old_maps(path, only_pca):
    before = Latents.open(path)
    wanted = {kind: before.latents[kind].copy() for kind in before.kinds}
    add_maps(path)
    after = add_maps(path, settings=MapSettings(kept_neighbours=3))
    assert after.keys.equals(before.keys)
    assert (after.run_fingerprint, after.is_simulated) == (before.run_fingerprint, True)
    for kind, latents in wanted.items():
        np.testing.assert_array_equal(after.latents[kind], latents)
    assert after.neighbours["ecg_mri"].shape == (40, 3)
    assert [item.name for item in path.parent.iterdir()] == ["l.h5"]


def test_a_run_of_one_modality_gets_maps_too(tmp_path, only_pca):
    path = embed(FakeRun(modalities=("ecg",)), FakeCohort(), tmp_path / "l.h5").path
    latents = add_maps(path)
    np.testing.assert_array_equal(latents.maps["pca"]["joint"], latents.maps["pca"]["ecg"])


def test_shards_and_too_few_latents_are_refused(tmp_path):
    shard = embed(FakeRun(), FakeCohort(), tmp_path / "1.h5", shard=(1, 2)).path
    with pytest.raises(LatentsError, match="merge"):
        add_maps(shard)
    few = embed(FakeRun(modalities=("mri",)), FakeCohort(2), tmp_path / "2.h5").path
    with pytest.raises(LatentsError, match="3 or more"):
        add_maps(few)


def test_a_map_that_is_not_there_is_refused(path):
    with pytest.raises(LatentsError, match="no map 'umap'"):
        place(Latents.open(path), "umap", np.zeros((1, 8), np.float32))


@pytest.mark.slow
def test_a_umap_that_fails_leaves_the_file(path, tmp_path):
    before = path.read_bytes()
    with pytest.raises(LatentsError, match="UMAP failed"):
        add_maps(path, settings=MapSettings(metric="no such distance"))
    assert path.read_bytes() == before


@pytest.mark.slow
def test_umap_is_seeded_and_keeps_neighbours_near(tmp_path):
    cohort = FakeCohort(80)
    path = embed(FakeRun(), cohort, tmp_path / "l.h5").path
    seen = []
    first = add_maps(path, on_progress=lambda done, total: seen.append(done)).maps["umap"]
    latents = add_maps(path)
    for kind in ("ecg", "mri", "joint"):
        np.testing.assert_array_equal(latents.maps["umap"][kind], first[kind])
    settings = latents.map_settings["umap"]
    assert (settings["seed"], settings["neighbors"], settings["metric"]) == (0, 15, "cosine")
    assert seen == sorted(seen)
    assert seen[-1] == 100
    rows = latents.present["ecg"]
    positions = latents.maps["umap"]["ecg"][rows]
    new = place(latents, "umap", latents.latents["ecg"][rows], around=1)
    np.testing.assert_array_equal(new, positions)
    around = place(latents, "umap", latents.latents["ecg"][rows])
    spread = np.linalg.norm(positions - positions.mean(0), axis=1).mean()
    assert np.linalg.norm(around - positions, axis=1).mean() < spread
