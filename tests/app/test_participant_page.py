"""What a participant's page says, held against what the library says."""

import io

import numpy as np
import pandas as pd

from app import caches, heart_caches
from app.explorer import show
from app.export_panel import _files
from app.reading_panel import chart_row
from cmae.data.column import Column
from cmae.evaluation.reading import Prediction, Reading, percentile
from cmae.latent.decoding_errors import decoding_errors
from cmae.latent.retrieval import true_match_ranks
from cmae.measure.ventricle import find_ventricle

PATIENCE_S = 60


def test_errors_on_the_page_are_the_librarys_with_their_place_in_the_cohort(page, texts, explorer):
    page("participant", row="5")
    work = heart_caches.error_sample()
    assert work.wait(PATIENCE_S)
    both = explorer.cohort.has("ecg") & explorer.cohort.has("mri")
    assert {len(sizes) for sizes in work.result.values()} == {int(both.sum())}
    words = texts(page("participant", row="5"))
    ecg, cine = caches.recording("ecg", 5), caches.recording("mri", 5)
    sizes = decoding_errors(caches.decodings(5), ecg=ecg, cine=cine).sizes()
    place = percentile(sizes["mri", "ecg"], work.result["mri", "ecg"])
    assert f"<td>{place:.0f} %</td>" in words
    assert f"<td>{sizes['ecg', 'mri']:.2f} SD</td>" in words
    assert f"share of {both.sum()} participants" in words


def test_a_sampled_row_has_its_own_error_in_the_sample(explorer, page):
    page("participant", row="5")
    work = heart_caches.error_sample()
    assert work.wait(PATIENCE_S)
    own = heart_caches.errors(5).sizes()
    assert own["ecg", "ecg"] in work.result["ecg", "ecg"]


def test_the_own_recording_ranks_where_retrieval_ranks_it(explorer, page):
    page("participant", row="5")
    both = explorer.latents.present["ecg"] & explorer.latents.present["mri"]
    rows = np.flatnonzero(both)
    latents = explorer.latents.latents
    ranks = true_match_ranks(latents["ecg"][rows], latents["mri"][rows])
    rank, total = heart_caches.across(5, "ecg", "mri")
    # All who have an MRI are ranked, also those without an ECG.
    assert total == explorer.latents.present["mri"].sum()
    assert rank >= ranks[rows.tolist().index(5)]
    assert heart_caches.across(2, "ecg", "mri") is None


def test_neighbours_across_modalities_are_rows_with_the_other_recording(explorer, page):
    page("participant", row="5")
    rows = caches.neighbours(5, "ecg", "mri")
    assert explorer.latents.present["mri"][rows].all()
    assert set(rows) != set(caches.neighbours(5, "ecg"))


def test_a_cine_without_a_ventricle_has_a_curve_of_nothing(explorer, page):
    page("participant", row="5")
    beat = heart_caches.heartbeat(5, None)
    expected = find_ventricle(caches.recording("mri", 5)).area_mm2 / 100
    np.testing.assert_array_equal(beat.area_cm2, expected)
    assert heart_caches.heartbeat(2, None) is None


def test_too_few_participants_are_no_ground_for_probes(page, texts, explorer):
    page("participant", row="5")
    assert heart_caches.probes(5, "continuous").wait(PATIENCE_S)
    assert "too few participants" in texts(page("participant", row="5"))


def test_probes_name_whom_they_were_fitted_to(make_explorer, make_cohort, tmp_path, page, texts):
    cohort = make_cohort(tmp_path / "larger", rows=80, gaps=False)
    shown = make_explorer(cohort)
    show(shown)
    with shown.model.use():
        pass
    page("participant", row="5")
    work = heart_caches.probes(5, "continuous")
    assert work.wait(PATIENCE_S)
    at = page("participant", row="5")
    assert not at.exception
    count = work.result.participants["ecg"]
    assert 50 < count < 80
    assert f"{count} (ECG) and {count} (MRI) other participants" in texts(at)
    names = [one.name for one in heart_caches.readings(5, "continuous")]
    assert names == ["age_years", "lvef_percent"]


def test_a_row_of_the_chart_is_placed_in_sd_and_written_with_its_unit():
    column = Column("g", "continuous", "phenotype", "mri", "Mass of the left ventricle")
    one = Reading(
        "lv_mass_g", "continuous", 100.0, 20.0, 130.0, 91.0,
        {"ecg": Prediction(100.0, 70.0, 130.0, 50.0)}, 1.5,
    )  # fmt: skip
    row = chart_row(one, column)
    assert row["measured"] == {"place": 0.75, "text": "130 g", "percentile": 91.0}
    assert row["told"]["ecg"]["place"] == 0.5
    assert row["told"]["ecg"]["text"] == "100 ± 30.0"
    assert (row["told"]["ecg"]["low"], row["told"]["ecg"]["high"]) == (0.25, 0.75)


def test_a_condition_is_placed_by_its_probability():
    column = Column("", "binary", "phenotype", "clinical", "Infarct")
    one = Reading(
        "infarct", "binary", 0.1, 0.3, None, None, {"mri": Prediction(0.4, None, None, None)}
    )
    row = chart_row(one, column)
    assert row["measured"] is None
    assert row["told"]["mri"] == {
        "place": 0.4, "low": None, "high": None, "text": "40 %", "percentile": None,
    }  # fmt: skip


def test_a_card_leads_to_its_heart_and_nonsense_leads_nowhere(page, texts):
    at = page("participant", row="5")
    near = int(caches.neighbours(5, "joint")[0])
    for value in ("nonsense", 10_000, None, True, {"row": near}):
        at.session_state["similar-cards-joint_joint"] = {"picked": value}
        at.run()
        assert not at.exception
        assert "Participant 5" in texts(at)
    at.session_state["similar-cards-joint_joint"] = {"picked": near}
    at.run()
    assert f"Participant {near}" in texts(at)


def test_files_are_named_by_row_and_never_by_identifier(page, explorer):
    page("participant", row="5")
    files = _files(5)
    assert len(files) == 1 + 4 + 4
    assert all(name.startswith("row-5-") for name, _, _ in files.values())
    table = pd.read_csv(io.BytesIO(files["ECG from the MRI (CSV)"][2]()))
    np.testing.assert_allclose(
        table["II_mv"], caches.decodings(5).ecg["mri"][:, 1], atol=1e-4, rtol=0
    )
    assert b"<svg" in files["ECG on paper (SVG)"][2]()
    assert files["Cine recorded (GIF)"][2]()[:4] == b"GIF8"
