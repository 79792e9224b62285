"""What is said of an upload, and what a person takes away of it."""

import dataclasses

import numpy as np
import pytest

from app import own_recording, upload_caches, upload_exports
from app.uploads import Received, Recording
from cmae.latent.probe import fit
from cmae.latent.trust import Surroundings


@pytest.fixture
def received():
    rng = np.random.default_rng(1)
    beat = rng.normal(0, 0.2, (600, 12)).astype(np.float32)
    cine = rng.normal(100, 20, (96, 96, 50)).astype(np.float32)
    values = {"ecg_rr_ms": 900.0, "ecg_noise_uv": 12.5, "ecg_source": "EDF"}
    return Received(
        ecgs=(Recording("ecg", beat, values, ("noisy ECG",)),),
        cine=Recording("mri", cine, {"mri_rr_ms": 950.0}, (), "Cine 2 of 3: <b>."),
    )


def test_the_page_holds_both_recordings_quality_and_provenance_and_loads_nothing(
    explorer, received, quick_run
):
    from cmae.latent.decoding import decode_all

    latents = {"ecg": np.ones(8, np.float32), "mri": np.ones(8, np.float32)}
    decodings = decode_all(quick_run(), latents)
    contents = upload_exports._contents(received, decodings)
    assert list(contents) == [
        ("ecg", "recorded"),
        ("ecg", "reconstructed from the ECG"),
        ("ecg", "translated from the MRI"),
        ("mri", "recorded"),
        ("mri", "translated from the ECG"),
        ("mri", "reconstructed from the MRI"),
    ]
    page = upload_exports._page(received, contents, ["Unlike anybody in this cohort."]).decode()
    assert "default-src 'none'" in page
    assert page.count("data:image/gif;base64,") == 3
    assert "<svg" in page
    assert "Research use only, not for diagnosis" in page
    assert "quick_run" in page
    assert "noisy ECG" in page
    assert "Cine 2 of 3: &lt;b&gt;." in page
    assert "12.5 µV" in page
    assert "<script" not in page
    assert "://" not in page.replace("http://www.w3.org/2000/svg", "")


def test_counts_are_written_whole_and_what_is_missing_is_left_out():
    values = {"ecg_beats_used": 8.0, "ecg_rate_difference_bpm": None, "ecg_is_irregular": 1.0}
    rows = dict(upload_exports.quality_rows(values))
    assert rows == {
        "Beats in the median beat": "8",
        "Whether successive RR intervals differ much": "yes",
    }


@pytest.mark.parametrize(
    ("factor", "words", "is_outside"),
    [(0.0, "Among the hearts", False), (100.0, "Unlike anybody", True)],
)
def test_an_upload_far_from_all_latents_is_said_to_be(factor, words, is_outside):
    rng = np.random.default_rng(0)
    real = rng.normal(size=(200, 4))
    found = Surroundings(real).trust(np.full((1, 4), factor))
    sentence, outside = upload_caches.trust_sentence(found)
    assert sentence.startswith(words)
    assert outside == is_outside


def test_predictions_are_those_of_probes_of_the_cohort(explorer):
    latents, table = explorer.latents, explorer.cohort.table
    rows = np.flatnonzero(latents.present["ecg"])
    latent = latents.latents["ecg"][5]
    (found,) = upload_caches.predictions(latent, "ecg", ["age_years", "nothing"])
    (probe,) = fit(
        latents.latents["ecg"][rows],
        table[["age_years"]].to_numpy(float)[rows],
        ["continuous"],
        participants=table["participant_id"].to_numpy(str)[rows],
    )
    assert found.value == pytest.approx(float(probe.predict(latent[None])[0]))
    low, high = probe.interval(latent[None])
    assert (found.low, found.high) == pytest.approx((float(low[0]), float(high[0])))


def test_an_upload_is_kept_for_its_own_session_alone(page, explorer, received, texts):
    mine, others = page("upload"), page("upload")
    latents = own_recording.encode(dataclasses.replace(received))
    mine.session_state["upload"] = (received, latents)
    mine.session_state["upload_run"] = explorer.latents.run_fingerprint
    mine.run()
    assert not mine.exception
    assert "noisy ECG" in texts(mine)
    others.run()
    assert "Nothing uploaded yet" in texts(others)
