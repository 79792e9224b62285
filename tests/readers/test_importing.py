import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from cmae.data.cohort import Cohort
from cmae.data.modality import LEADS
from cmae.data.pseudonyms import Pseudonyms, make_key
from cmae.errors import InputError, Interrupted, ReadError
from cmae.readers import cohort_entry, importing
from cmae.readers.importing import ImportSettings
from cmae.readers.recordings import EcgOptions
from tests.readers.ecg_files import write_cardiosoft


def settings(**changes) -> ImportSettings:
    """Read in this process: starting others takes seconds, and workers have tests of their own."""
    return ImportSettings(**{"processes": 0, **changes})


def import_ecg(paths, cohort, *, on_progress=None, rate_hz=None, unit=None, **changes):
    return importing.import_ecg(
        paths,
        cohort,
        options=EcgOptions(rate_hz=rate_hz, unit=unit),
        settings=settings(**changes),
        on_progress=on_progress,
    )


def import_cine(paths, cohort, **changes):
    return importing.import_cine(paths, cohort, settings=settings(**changes))


@pytest.fixture
def cohort(tmp_path) -> Cohort:
    return Cohort.create(tmp_path / "cohort")


@pytest.fixture
def records(tmp_path, rng, foreign) -> Path:
    folder = tmp_path / "ecgs"
    folder.mkdir()
    for name in ("anna", "bert", "carl"):
        foreign.write_wfdb(folder, foreign.rhythm(rng), name=name)
    (folder / "carl.dat").write_bytes(b"\0" * 100)
    return folder


def test_a_bad_file_is_counted_and_the_others_are_read(cohort, records):
    calls = []

    summary = import_ecg([records], cohort, on_progress=lambda *call: calls.append(call))

    assert (summary.files, summary.read, summary.kept) == (3, 2, 0)
    assert [refusal.file for refusal in summary.refused] == [3]
    assert list(summary.reasons.values()) == [1]
    assert "truncated" in summary.refused[0].reason
    assert "carl" not in str(summary)
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert sorted(cohort.table["participant_id"]) == ["anna", "bert"]
    assert cohort.read("ecg", 0).shape == (600, 12)
    assert cohort.table["ecg_beats_used"].min() >= 8
    assert cohort.table["heart_rate_bpm"].iloc[0] == pytest.approx(63, abs=2)
    assert cohort.columns["ecg_noise_uv"].role == "quality"


def test_header_and_signal_file_of_one_record_are_one(cohort, records):
    summary = import_ecg([records / "anna.hea", records / "anna.dat", records / "bert"], cohort)

    assert (summary.files, summary.read) == (2, 2)


def test_a_second_import_keeps_what_is_there(cohort, records):
    import_ecg([records], cohort)
    before = cohort.fingerprint

    summary = import_ecg([records], cohort)

    assert (summary.read, summary.kept, len(summary.refused)) == (0, 2, 1)
    assert cohort.fingerprint == before


def test_an_ids_table_pairs_ecg_and_cine(cohort, records, tmp_path, foreign):
    foreign.write_dicom_series(tmp_path / "Se1", foreign.beating_heart())
    table = tmp_path / "ids.csv"
    table.write_text("file,participant,visit\nanna.hea,1001,2\nbert,1002,0\nSe1,1001,2\n")

    ecgs = import_ecg([records], cohort, ids=table)
    cines = import_cine([tmp_path / "Se1"], cohort, ids=table)

    assert (ecgs.read, cines.read) == (2, 1)
    assert "no row for the file" in ecgs.refused[0].reason
    assert "table" in ecgs.id_source
    both = cohort.has("ecg") & cohort.has("mri")
    assert cohort.table.loc[both, ["participant_id", "visit"]].to_numpy().tolist() == [["1001", 2]]
    assert cohort.table.loc[both, "mri_frames_recorded"].item() == 25
    assert cohort.table.loc[both, "mri_rr_ms"].item() == 900


def test_a_header_field_names_the_participant(cohort, records, tmp_path, foreign):
    foreign.write_dicom_series(tmp_path / "Se1", foreign.beating_heart())

    summary = import_cine([tmp_path / "Se1"], cohort, id_from="PatientID")
    import_ecg([records / "anna.hea"], cohort, id_from="Patient")

    assert list(cohort.table["participant_id"]) == ["SECRET-1", "P-77"]
    assert "PatientID" in summary.id_source
    with pytest.raises(ReadError, match="no field Nothing"):
        import_ecg([records / "anna.hea"], cohort, id_from="Nothing")


def test_two_files_of_one_participant_are_not_merged_in_silence(cohort, records, tmp_path):
    table = tmp_path / "ids.csv"
    table.write_text("file,participant\nanna,7\nbert,7\n")

    summary = import_ecg([records / "anna.hea", records / "bert.hea"], cohort, ids=table)

    assert summary.read == 1
    assert "same participant and visit" in summary.refused[0].reason


def test_series_of_one_examination_do_not_become_participants(cohort, tmp_path, foreign):
    for k in range(2):
        foreign.write_dicom_series(
            tmp_path / "study" / f"Se{k}", foreign.beating_heart(), study="1.2.3"
        )
    foreign.write_dicom_series(tmp_path / "other", foreign.beating_heart())

    summary = import_cine([tmp_path / "study", tmp_path / "other"], cohort)

    assert summary.files == 2
    assert len(cohort) <= 2
    assert not {"Se0", "Se1"} & set(cohort.table["participant_id"])


def test_other_files_beside_an_examination_do_not_make_it_two(cohort, tmp_path, foreign):
    frames = foreign.beating_heart()
    foreign.write_dicom_series(tmp_path / "cmr" / "person-1", frames)
    (tmp_path / "cmr" / "contours.npz").write_bytes(b"PK of no interest")
    summary = import_cine([tmp_path / "cmr"], cohort)
    assert (summary.files, summary.read) == (1, 1)
    assert cohort.table["participant_id"].tolist() == ["person-1"]


def test_series_among_those_of_others_are_refused(cohort, tmp_path, foreign):
    for k, study in enumerate(["1.2.3", "1.2.3", "4.5.6", "4.5.6"]):
        foreign.write_dicom_series(
            tmp_path / "all" / f"Se{k}", foreign.beating_heart(), study=study
        )
    foreign.write_dicom_series(tmp_path / "other", foreign.beating_heart())

    summary = import_cine([tmp_path / "all", tmp_path / "other"], cohort)

    assert (summary.read, len(summary.refused)) == (1, 4)
    assert "folder of its own" in summary.refused[0].reason


@pytest.mark.parametrize(
    "text", ["", "name,who\na,b\n", "file,participant\na,\n", "file,participant,visit\na,b,x\n"]
)
def test_an_unusable_ids_table_is_refused(cohort, records, tmp_path, text):
    (tmp_path / "ids.csv").write_text(text)

    with pytest.raises(InputError, match="table of identifiers"):
        import_ecg([records], cohort, ids=tmp_path / "ids.csv")


def test_a_folder_of_csv_files_is_read_with_the_declared_rate_and_unit(
    cohort, records, tmp_path, rng, foreign
):
    signals = foreign.rhythm(rng, rate_hz=250) * 1000
    np.savetxt(
        records / "dora.csv", signals, delimiter=",", header=",".join(foreign.leads), comments=""
    )
    (records / "notes.csv").write_text("a,b\n1,2\n")
    table = records / "ids.csv"
    table.write_text("file,participant\nanna,1\nbert,2\ncarl,3\ndora,4\nnotes,5\n")

    undeclared = import_ecg([records], cohort, ids=table)
    declared = import_ecg([records], cohort, ids=table, rate_hz=250, unit="uV")

    assert (undeclared.files, undeclared.read, len(undeclared.refused)) == (5, 2, 3)
    assert any("--rate" in reason for reason in undeclared.reasons)
    assert (declared.read, declared.kept) == (1, 2)
    assert [refusal.file for refusal in declared.refused] == [3, 5]
    (row,) = np.flatnonzero(cohort.table["participant_id"] == "4")
    assert 0.3 < np.ptp(cohort.read("ecg", row)) < 10


def test_nothing_readable_is_an_error(cohort, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.hea").write_text("nothing")

    with pytest.raises(ReadError, match="No recording was found"):
        import_ecg([tmp_path / "empty"], cohort)
    with pytest.raises(ReadError, match="Not one of 1"):
        import_ecg([tmp_path / "bad.hea"], cohort)


def test_real_files_become_a_cohort(cohort, realdata: Path):
    ecgs = import_ecg(sorted((realdata / "ecg/cinc2021").glob("JS2000*.hea")), cohort)
    cines = import_cine([realdata / "cmr/biv-me/dicom/Se6"], cohort)

    assert (ecgs.read, len(ecgs.refused), cines.read) == (3, 2, 1)
    assert "JS20000" in set(cohort.table["participant_id"])
    assert np.isfinite(cohort.read_many("ecg", np.flatnonzero(cohort.has("ecg")))).all()


def zipped(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w") as target:
        for file in sorted(folder.iterdir()):
            target.write(file, file.name)


@pytest.fixture
def biobank(tmp_path, rng, foreign) -> Path:
    """Two ECGs of field 20205, two cines of 20208, and what does not belong there."""
    for folder in ("ecg", "cine"):
        (tmp_path / folder).mkdir()
    for name in ("1000001_20205_2_0", "1000001_20205_3_0", "1000001_6025_2_0", "notes"):
        foreign.write_dicom_series(tmp_path / "Se1", foreign.beating_heart())
        write_cardiosoft(tmp_path, foreign.rhythm(rng)).rename(tmp_path / "ecg" / f"{name}.xml")
    for name in ("1000001_20208_2_0", "1000002_20208_2_0", "1000002_20209_2_0"):
        zipped(tmp_path / "Se1", tmp_path / "cine" / f"{name}.zip")
    return tmp_path


def test_files_of_uk_biobank_pair_by_visit(cohort, biobank):
    done = importing.import_ukb(
        cohort, ecg=biobank / "ecg", cine=biobank / "cine", settings=settings()
    )

    assert (done["ecg"].read, done["cine"].read) == (2, 2)
    assert [len(done[name].refused) for name in ("ecg", "cine")] == [2, 1]
    keys = cohort.table[["participant_id", "visit"]].to_numpy().tolist()
    assert keys == [["1000001", 2], ["1000001", 3], ["1000002", 2]]
    assert (cohort.has("ecg") & cohort.has("mri")).tolist() == [True, False, False]
    assert "1000001" not in str(done)
    again = importing.import_ukb(cohort, ecg=biobank / "ecg", settings=settings())
    assert (again["ecg"].read, again["ecg"].kept) == (0, 2)


def test_a_stopped_import_keeps_what_was_read_and_goes_on(
    cohort, tmp_path, rng, foreign, monkeypatch
):
    names = [f"rec{k}" for k in range(5)]
    for name in names:
        foreign.write_wfdb(tmp_path, foreign.rhythm(rng, seconds=5), name=name)
    paths = [tmp_path / f"{name}.hea" for name in names]
    monkeypatch.setattr(cohort_entry, "FILES_A_COMMIT", 2)

    def stop(error, at):
        def report(done, total):
            if done == at:
                raise error

        return report

    with pytest.raises(RuntimeError):  # as if killed: what was committed stays
        import_ecg(paths, cohort, on_progress=stop(RuntimeError(), 3))
    assert len(Cohort.open(cohort.path)) == 2
    with pytest.raises(Interrupted, match="same command"):
        import_ecg(paths, Cohort.open(cohort.path), on_progress=stop(KeyboardInterrupt(), 3))
    assert len(Cohort.open(cohort.path)) == 3
    left = Cohort.open(cohort.path)
    summary = import_ecg(paths, left)
    assert (summary.read, summary.kept) == (2, 3)
    assert left.table["participant_id"].tolist() == names


def test_any_number_of_processes_gives_the_same_cohort(tmp_path, records):
    fingerprints, summaries = set(), set()
    for processes in (0, 2):
        cohort = Cohort.create(tmp_path / f"cohort{processes}")
        summary = import_ecg([records], cohort, processes=processes)
        fingerprints.add(cohort.fingerprint)
        summaries.add(str(summary))

    assert len(fingerprints) == len(summaries) == 1


def test_pseudonyms_stand_for_names_in_the_header_as_in_file_names(cohort, tmp_path, foreign):
    make_key(tmp_path / "key")
    key = Pseudonyms.open(tmp_path / "key")
    foreign.write_dicom_series(tmp_path / "SECRET-1", foreign.beating_heart())

    summary = import_cine([tmp_path / "SECRET-1"], cohort, id_from="PatientID", key=key)
    again = import_cine([tmp_path / "SECRET-1"], cohort, key=key)

    assert (summary.read, again.kept) == (1, 1)
    assert cohort.table["participant_id"].tolist() == [key.of("SECRET-1")]
    with pytest.raises(InputError, match="pseudonyms"):
        import_cine([tmp_path / "SECRET-1"], cohort)


def test_visits_of_tensors_become_rows_with_their_phenotypes(cohort, tmp_path, foreign):
    beat = np.round(200 * foreign.one_beat(500.0)).astype(np.int16)  # in 5 µV
    with h5py.File(tmp_path / "1000001.hd5", "w") as file:
        for lead, signal in zip(LEADS, beat.T, strict=True):
            for visit in (2, 3):
                file[f"ukb_ecg_rest/median_{lead}/instance_{visit}"] = signal
        for visit in (2, 3):
            file[f"ukb_ecg_rest/VentricularRate/instance_{visit}"] = np.array([60.0 + visit])

    first = importing.import_ml4h([tmp_path], cohort, settings=settings())
    second = importing.import_ml4h([tmp_path], cohort, settings=settings())

    assert (first.files, first.read, first.recordings) == (1, 1, {"ecg": 2})
    assert sum(first.lacking.values()) == 2  # the cines
    assert second.kept == 1
    assert cohort.table["heart_rate_bpm"].tolist() == [62.0, 63.0]
    assert cohort.table["visit"].tolist() == [2, 3]
    stored = cohort.read_many("ecg", [0])[0]
    expected = beat * 0.005
    assert np.corrcoef(stored[:, 1], expected[:, 1])[0, 1] > 0.999


def test_a_list_says_which_files_were_refused(cohort, records, tmp_path):
    path = records / "refused.csv"

    import_ecg([records], cohort, refused=path)
    again = import_ecg([records], cohort, refused=path)

    assert again.files == 3
    listed = pd.read_csv(path)
    assert listed["number"].tolist() == [3]
    assert listed["file"].tolist() == [str(records / "carl.hea")]
    assert "truncated" in listed["reason"].item()
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "x.csv").write_text("nothing")
    with pytest.raises(ReadError, match="Not one"):
        import_ecg([tmp_path / "none"], cohort, refused=path)
    assert pd.read_csv(path)["file"].tolist() == [str(tmp_path / "none" / "x.csv")]


def test_one_list_is_of_both_kinds_of_uk_biobank(cohort, tmp_path, rng, foreign):
    ecg, cine = tmp_path / "ecg", tmp_path / "cine"
    ecg.mkdir()
    write_cardiosoft(ecg, foreign.rhythm(rng)).rename(ecg / "1000001_20205_2_0.xml")
    (ecg / "nobody.xml").write_text("<x/>")
    foreign.write_dicom_series(tmp_path / "series", foreign.beating_heart())
    cine.mkdir()
    for name in ("1000001_20208_2_0.zip", "1000001_20209_2_0.zip"):
        with zipfile.ZipFile(cine / name, "w") as packed:
            for file in (tmp_path / "series").iterdir():
                packed.write(file, file.name)

    importing.import_ukb(
        cohort, ecg=ecg, cine=cine, settings=settings(refused=tmp_path / "refused.csv")
    )

    listed = pd.read_csv(tmp_path / "refused.csv")
    assert listed["recording"].tolist() == ["cine", "ecg"]
    assert [name.rsplit("/", 1)[-1] for name in listed["file"]] == [
        "1000001_20209_2_0.zip",
        "nobody.xml",
    ]
