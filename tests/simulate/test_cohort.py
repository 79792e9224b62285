import numpy as np
import pytest

from cmae.data.cohort import Cohort
from cmae.errors import SettingsError
from cmae.simulate import cohort as simulation
from cmae.simulate.cohort import recordings, simulate


def test_a_simulated_cohort_says_so_and_holds_what_was_asked_for(tmp_path):
    calls = []
    cohort = simulate(
        tmp_path / "c",
        participants=20,
        seed=7,
        processes=1,
        ecg_only=0.3,
        mri_only=0.3,
        on_progress=lambda done, total: calls.append((done, total)),
    )
    assert len(cohort) == 20
    assert cohort.is_simulated
    assert calls[-1] == (20, 20)
    has_ecg, has_mri = cohort.has("ecg"), cohort.has("mri")
    assert (has_ecg | has_mri).all()
    assert 0 < has_ecg.sum() < 20
    assert 0 < has_mri.sum() < 20
    assert cohort.table["participant_id"][0] == "S0000001"
    assert (cohort.table["mri_pixel_mm"].notna() == has_mri).all()
    assert cohort.columns["lvedv_ml"].source == "simulated"
    row = int(np.flatnonzero(has_mri)[0])
    assert cohort.read("mri", row).dtype == np.uint16


def test_the_cohort_is_the_same_for_any_number_of_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(simulation, "CHUNK", 2)
    one, two = (simulate(tmp_path / str(n), participants=5, seed=3, processes=n) for n in (1, 2))
    assert one.table.equals(two.table)
    for row in range(5):
        for modality in ("ecg", "mri"):
            assert (one.read(modality, row) == two.read(modality, row)).all()


def test_a_participant_does_not_depend_on_its_neighbours():
    many, alone = recordings(0, 3, seed=5), recordings(2, 1, seed=5)
    assert (many.ecg[2] == alone.ecg[0]).all()
    assert (many.mri[2] == alone.mri[0]).all()


def test_an_interrupted_simulation_leaves_no_half_cohort(tmp_path, monkeypatch):
    monkeypatch.setattr(simulation, "CHUNK", 1)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "c", participants=3, seed=1, processes=1, on_progress=stop)
    assert len(Cohort.open(tmp_path / "c")) == 0


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"participants": 0}, "at least 1 participant"),
        ({"processes": 0}, "at least 1 participant"),
        ({"ecg_only": 0.7, "mri_only": 0.7}, "at most 1"),
        ({"ecg_only": -0.1}, "0 or more"),
        ({"mri_only": float("nan")}, "0 or more"),
    ],
)
def test_impossible_choices_are_refused_before_anything_is_made(tmp_path, choice, sentence):
    with pytest.raises(SettingsError, match=sentence):
        simulate(tmp_path / "c", **{"participants": 2, "seed": 1, **choice})
    assert not (tmp_path / "c").exists()
