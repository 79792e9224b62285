import numpy as np
import pytest

from cmae.data.cohort import Cohort
from cmae.data.modality import TRUTHS
from cmae.errors import SettingsError
from cmae.simulate import cohort as simulation
from cmae.simulate.ceilings import Ceilings
from cmae.simulate.cohort import recordings, simulate
from cmae.simulate.physiology import draw
from cmae.simulate.settings import CohortSettings, PopulationSettings

TABLE_ONLY = CohortSettings(has_recordings=False)


def test_a_simulated_cohort_says_so_and_holds_what_was_asked_for(tmp_path):
    calls = []
    cohort = simulate(
        tmp_path / "c",
        participants=20,
        seed=7,
        processes=1,
        settings=CohortSettings(ecg_only=0.3, mri_only=0.3),
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
    for modality in ("ecg", "mri"):
        assert (many.recordings[2][modality] == alone.recordings[0][modality]).all()


def test_masks_and_noiseless_recordings_change_no_recording():
    settings = CohortSettings(ecg_only=0.3, mri_only=0.3)
    asked = CohortSettings(ecg_only=0.3, mri_only=0.3, has_masks=True, has_noiseless=True)
    plain, full = (recordings(0, 6, seed=4, settings=some) for some in (settings, asked))
    lacks = 0
    for one, other in zip(plain.recordings, full.recordings, strict=True):
        for name, recording in one.items():
            assert (recording == other[name]).all()
            assert f"{name}_noiseless" in other
        assert ("mri_mask" in other) == ("mri" in other)
        lacks += len(one) < 2
    assert lacks


def test_masks_and_noiseless_recordings_are_read_back_and_withdrawn(tmp_path):
    settings = CohortSettings(ecg_only=0.4, has_masks=True, has_noiseless=True)
    cohort = simulate(tmp_path / "c", participants=5, seed=7, processes=1, settings=settings)
    assert 0 < cohort.has("mri").sum() < 5
    assert (cohort.has("mri_mask") == cohort.has("mri")).all()
    assert (cohort.has("mri_noiseless") == cohort.has("mri")).all()
    assert cohort.has("ecg_noiseless").all()
    row = int(np.flatnonzero(cohort.has("mri"))[0])
    mask = cohort.read("mri_mask", row)
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) == set(range(6))
    noise = cohort.read("ecg", row) - cohort.read("ecg_noiseless", row)
    assert 0.004 < noise.std() < 0.05
    difference = cohort.read("mri", row).astype(float) - cohort.read("mri_noiseless", row)
    assert difference.std() > 1
    chosen = cohort.select([row])
    assert (chosen.read("mri_mask", 0) == mask).all()
    info = cohort.info()
    assert info["truths"] == {"ecg_noiseless": 5, **dict.fromkeys(
        ("mri_noiseless", "mri_mask"), int(cohort.has("mri").sum())
    )}  # fmt: skip
    assert info["stored_types"]["mri_mask"] == ["uint8"]

    others = int(cohort.has("mri_mask").sum()) - 1
    dropped = cohort.drop([cohort.table["participant_id"][row]])
    assert dropped.recordings == dict.fromkeys(("ecg", "mri", *TRUTHS), 1)
    assert cohort.has("mri_mask").sum() == others


def test_masks_are_added_to_a_cohort_that_has_none(tmp_path):
    plain = simulate(tmp_path / "c", participants=2, seed=7, processes=1)
    before = plain.read("mri", 1)
    assert not plain.has("mri_mask").any()
    assert "mri_mask_part" not in plain.table
    masked = CohortSettings(has_masks=True)
    both = simulate(tmp_path / "c", participants=3, seed=7, processes=1, settings=masked)
    assert both.has("mri_mask").tolist() == [True] * 3
    assert (both.read("mri", 1) == before).all()
    fresh = simulate(tmp_path / "d", participants=3, seed=7, processes=1, settings=masked)
    for row in range(3):
        assert (both.read("mri_mask", row) == fresh.read("mri_mask", row)).all()


def test_a_table_without_recordings_holds_the_population(tmp_path):
    cohort = simulate(tmp_path / "c", participants=1500, seed=1, settings=TABLE_ONLY)
    assert len(cohort) == 1500
    assert not cohort.has("ecg").any()
    assert not cohort.has("mri").any()
    drawn = draw(1500, seed=1)
    for name in ("lvedv_ml", "pr_ms", "heart_turn_z", "sex"):
        np.testing.assert_array_equal(cohort.table[name], drawn[name])


def test_recordings_come_to_the_same_people_later(tmp_path):
    simulate(tmp_path / "c", participants=2, seed=1, settings=TABLE_ONLY)
    cohort = simulate(tmp_path / "c", participants=2, seed=1, processes=1)
    assert cohort.has("ecg").all()
    assert cohort.table.equals(simulate(tmp_path / "d", participants=2, seed=1).table)


@pytest.mark.parametrize(
    ("seed", "population"), [(2, PopulationSettings()), (1, PopulationSettings(noise=2.0))]
)
def test_another_population_is_kept_out_of_a_cohort(tmp_path, seed, population):
    before = simulate(tmp_path / "c", participants=3, seed=1, settings=TABLE_ONLY).fingerprint
    with pytest.raises(SettingsError, match="another population"):
        simulate(
            tmp_path / "c",
            participants=2,
            seed=seed,
            settings=CohortSettings(population=population, has_recordings=False),
        )
    assert Cohort.open(tmp_path / "c").fingerprint == before


def test_genotypes_change_the_population_and_their_absence_does_not(tmp_path):
    plain = draw(50, seed=1)
    genetic = draw(50, seed=1, variants=30)
    assert (plain["lv_mass_g"] != genetic["lv_mass_g"]).all()
    assert (plain["t_axis_offset_deg"] == genetic["t_axis_offset_deg"]).all()
    assert (draw(50, seed=1, variants=900)["lv_mass_g"] == genetic["lv_mass_g"]).all()
    settings = CohortSettings(has_recordings=False, variants=30)
    cohort = simulate(tmp_path / "c", participants=50, seed=1, settings=settings)
    np.testing.assert_array_equal(cohort.table["lv_mass_g"], genetic["lv_mass_g"])


def test_ceilings_are_stored_with_the_cohort(tmp_path, monkeypatch):
    asked = []

    def fake(population, *, seed, variants):
        asked.append((population, seed, variants))
        return Ceilings(seed, population, variants, 3, 1, (), ())

    monkeypatch.setattr("cmae.simulate.ceilings.ceilings", fake)
    population = PopulationSettings(private_variance=0.5)
    settings = CohortSettings(population=population, has_recordings=False, has_ceilings=True)
    simulate(tmp_path / "c", participants=2, seed=3, settings=settings)
    assert asked == [(population, 3, 0)]
    assert Ceilings.load(tmp_path / "c" / "ceilings.json").settings == population


def test_an_interrupted_simulation_leaves_no_half_cohort(tmp_path, monkeypatch):
    monkeypatch.setattr(simulation, "CHUNK", 1)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "c", participants=3, seed=1, processes=1, on_progress=stop)
    assert not (tmp_path / "c").exists()


def test_an_interruption_leaves_a_standing_cohort_and_its_genotypes_as_they_were(
    tmp_path, monkeypatch
):
    settings = CohortSettings(has_recordings=False, variants=20)
    before = simulate(tmp_path / "c", participants=3, seed=1, settings=settings).fingerprint
    names = ["genotypes.bed", "genotypes.bim", "genotypes.fam", "genotypes.tsv"]
    old = [(tmp_path / "c" / "genotypes" / name).read_bytes() for name in names]

    def stop(*_, **__):
        yield np.zeros((9, 5), np.int8)
        raise KeyboardInterrupt

    monkeypatch.setattr("cmae.simulate.genotypes.blocks", stop)
    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "c", participants=9, seed=1, settings=settings)
    assert Cohort.open(tmp_path / "c").fingerprint == before
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == [
        ".lock", "columns.json", "genotypes", "recordings", "table.parquet",
    ]  # fmt: skip
    assert [(tmp_path / "c" / "genotypes" / name).read_bytes() for name in names] == old
    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "new", participants=9, seed=1, settings=settings)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"participants": 0}, "at least 1 participant"),
        ({"processes": 0}, "at least 1 participant"),
        ({"seed": -1}, "seed of 0 or more"),
    ],
)
def test_impossible_choices_are_refused_before_anything_is_made(tmp_path, choice, sentence):
    with pytest.raises(SettingsError, match=sentence):
        simulate(tmp_path / "c", **{"participants": 2, "seed": 1, **choice})
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"ecg_only": 0.7, "mri_only": 0.7}, "at most 1"),
        ({"ecg_only": -0.1}, "0 or more"),
        ({"mri_only": float("nan")}, "0 or more"),
        ({"variants": -1}, "genetic variants"),
        ({"variants": 10**9}, "genetic variants"),
        ({"has_recordings": False, "has_masks": True}, "without recordings"),
        ({"has_recordings": False, "has_noiseless": True}, "without recordings"),
        ({"has_recordings": False, "ecg_only": 0.2}, "without recordings"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(choice, sentence):
    with pytest.raises(SettingsError, match=sentence):
        CohortSettings(**choice)
