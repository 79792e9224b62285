import keras
import numpy as np
import pytest

from app import caches, own_recording
from app.explorer import show
from app.lazy_run import LazyRun
from app.uploads import Received, Recording
from cmae.errors import RunError


@pytest.fixture
def upload():
    beat = np.random.default_rng(1).normal(size=(600, 12)).astype(np.float32)
    return Received(ecgs=(Recording("ecg", beat, {"ecg_rr_ms": 900.0}),))


def test_cached_recordings_are_read_only_and_those_of_the_cohort(explorer):
    recorded = caches.recording("mri", 5)
    np.testing.assert_array_equal(recorded, explorer.cohort.read("mri", 5))
    with pytest.raises(ValueError, match="read-only"):
        recorded[0, 0, 0] = 1
    assert caches.recording("mri", 2) is None


def test_decodings_of_a_row_are_those_of_the_run(explorer, quick_run):
    decoded = caches.decodings(5)
    beat = quick_run().decode("ecg", explorer.latents.latents["mri"][5:6])[0]
    np.testing.assert_allclose(decoded.ecg["mri"], beat, rtol=1e-6)


def test_no_decoding_waits_for_a_model_that_is_not_there(make_explorer, small_cohort):
    show(make_explorer(small_cohort))
    assert caches.decodings(5) is None


def test_neighbours_leave_the_row_out_and_are_ordered_by_cosine(explorer):
    rows = caches.neighbours(5, "ecg")
    latents = explorer.latents.latents["ecg"].astype(np.float64)
    cosine = latents @ latents[5] / np.linalg.norm(latents, axis=1)
    cosine[[5, 3, 8]] = -np.inf
    expected = np.argsort(-cosine)[: len(rows)]
    assert rows.tolist() == expected.tolist()
    assert len(rows) == 9


def test_an_upload_of_an_ecg_alone_has_an_ecg_and_a_joint_latent(explorer, upload, quick_run):
    latents = own_recording.encode(upload)
    assert set(latents) == {"ecg", "joint"}
    expected = quick_run().encode("ecg", upload.ecg.recording[None])[0]
    np.testing.assert_allclose(latents["ecg"], expected)
    np.testing.assert_allclose(latents["joint"], expected)


def test_the_row_most_like_a_known_recording_is_its_own(explorer):
    latent = explorer.latents.latents["mri"][6]
    assert caches.nearest_to(latent, "mri")[0] == 6


def test_a_run_is_loaded_once_however_many_ask(quick_run):
    calls = []

    def load():
        calls.append(1)
        return quick_run()

    model = LazyRun(load)
    for _ in range(3):
        with model.use() as run:
            assert run.latent_dim == 8
    assert calls == [1]
    assert model.is_ready


def test_a_fault_while_loading_reaches_every_caller():
    def load():
        raise ValueError("bad weights")

    model = LazyRun(load)
    for _ in range(2):
        with pytest.raises(RunError, match="ValueError"), model.use():
            pass
    assert not model.is_ready


def test_streamlit_does_not_take_the_loaded_run_apart(quick_run, monkeypatch):
    cleared = []
    monkeypatch.setattr(keras.backend, "clear_session", lambda: cleared.append(1))
    with LazyRun(quick_run).use():
        keras.backend.clear_session()  # what Streamlit calls before every run of a script
    assert not cleared
