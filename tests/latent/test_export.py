"""Exports: the formats that other programs read, checked as they would read them."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cmae import cli
from cmae.data.pseudonyms import Pseudonyms, make_key
from cmae.errors import InputError, LatentsError
from cmae.latent.embedding import embed
from cmae.latent.export import ExportSettings, export

sys.path.insert(0, str(Path(__file__).parent))
from embedding_fakes import FakeCohort, FakeRun

NAMES = [f"latent_{k}" for k in range(8)]


@pytest.fixture
def latents(tmp_path):
    return embed(FakeRun(), FakeCohort(), tmp_path / "l.h5")


def wanted(latents, kind):
    rows = latents.present[kind]
    return latents.keys["participant_id"][rows].tolist(), latents.latents[kind][rows]


def test_tsv_is_that_of_ml4h_one_file_an_encoder(latents, tmp_path):
    files = export(
        latents, tmp_path / "out", format_name="tsv", settings=ExportSettings(name="mine")
    )
    names = {
        "ecg": "hidden_ecg_rest_median_raw_10_mine.tsv",
        "mri": "hidden_lax_4ch_heart_center_mine.tsv",
    }
    assert {entry["kind"]: entry["file"] for entry in files} == names
    assert sorted(item.name for item in (tmp_path / "out").iterdir()) == sorted(names.values())
    for kind, name in names.items():
        lines = (tmp_path / "out" / name).read_text().splitlines()
        assert lines[0] == "\t".join(["sample_id", *NAMES])
        table = pd.read_csv(tmp_path / "out" / name, sep="\t")
        identifiers, values = wanted(latents, kind)
        assert table["sample_id"].tolist() == identifiers
        np.testing.assert_array_equal(table[NAMES].to_numpy(np.float32), values)


def test_regenie_has_family_and_individual(latents, tmp_path):
    export(latents, tmp_path, format_name="regenie")
    table = pd.read_csv(tmp_path / "latents_joint.txt", sep=" ")
    identifiers, values = wanted(latents, "joint")
    assert table.columns.tolist() == ["FID", "IID", *NAMES]
    assert table["FID"].tolist() == table["IID"].tolist() == identifiers
    np.testing.assert_array_equal(table[NAMES].to_numpy(np.float32), values)


def test_parquet_keeps_visits_and_fingerprints(latents, tmp_path):
    export(latents, tmp_path, format_name="parquet")
    table = pd.read_parquet(tmp_path / "latents_mri.parquet")
    rows = latents.present["mri"]
    assert table.columns.tolist() == ["participant_id", "visit", *NAMES]
    assert table["visit"].tolist() == latents.keys["visit"][rows].tolist()
    np.testing.assert_array_equal(table[NAMES].to_numpy(), wanted(latents, "mri")[1])


def test_latentverse_shares_one_identifier_column_with_the_labels(latents, tmp_path):
    table = FakeCohort().table.assign(age_years=np.arange(23.0), secret="x")
    columns = {
        "age_years": SimpleNamespace(role="phenotype"),
        "secret": SimpleNamespace(role="quality"),
    }
    cohort = SimpleNamespace(table=table, columns=columns, fingerprint=FakeCohort().fingerprint)
    files = export(latents, tmp_path, format_name="latentverse", cohort=cohort)
    labels = pd.read_csv(tmp_path / "labels.csv")
    assert labels.columns.tolist() == ["sample_id", "age_years"]
    assert labels["sample_id"].tolist() == wanted(latents, "joint")[0]
    assert labels["age_years"].tolist() == np.flatnonzero(latents.present["joint"]).tolist()
    assert pd.read_csv(tmp_path / "latents_ecg.csv").columns[0] == "sample_id"
    assert [entry["file"] for entry in files] == [
        "latents_ecg.csv",
        "latents_mri.csv",
        "latents_joint.csv",
        "labels.csv",
    ]


@pytest.mark.parametrize("format_name", ["latentverse", "tsv"])
def test_another_cohort_than_the_embedded_one_is_refused(latents, tmp_path, format_name):
    other = FakeCohort(seed=1)
    cohort = SimpleNamespace(table=other.table, columns={}, fingerprint=other.fingerprint)
    with pytest.raises(LatentsError, match="embed again with this cohort"):
        export(latents, tmp_path / "out", format_name=format_name, cohort=cohort)
    assert not (tmp_path / "out").exists()


def test_large_files_are_written_in_pieces_that_fit_together(latents, tmp_path, monkeypatch):
    export(latents, tmp_path / "whole", format_name="tsv")
    monkeypatch.setattr("cmae.latent.export.ROWS_AT_ONCE", 3)
    seen = []
    export(
        latents,
        tmp_path / "pieces",
        format_name="tsv",
        on_progress=lambda done, total: seen.append((done, total)),
    )
    for file in (tmp_path / "whole").iterdir():
        assert file.read_bytes() == (tmp_path / "pieces" / file.name).read_bytes()
    assert seen[-1][0] == seen[-1][1] == sum(latents.present[k].sum() for k in ("ecg", "mri"))


def test_several_visits_need_a_choice(tmp_path):
    cohort = FakeCohort(20)
    cohort.table["participant_id"] = [f"Q{row // 2}" for row in range(20)]
    latents = embed(FakeRun(), cohort, tmp_path / "l.h5")
    with pytest.raises(LatentsError, match="--visit") as caught:
        export(latents, tmp_path / "out", format_name="tsv")
    assert "Q" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    export(latents, tmp_path / "out", format_name="regenie", settings=ExportSettings(visit=1))
    table = pd.read_csv(tmp_path / "out" / "latents_ecg.txt", sep=" ")
    assert len(table) == (latents.present["ecg"] & (latents.keys["visit"] == 1)).sum()
    with pytest.raises(InputError, match="visit 7"):
        export(latents, tmp_path / "out", format_name="tsv", settings=ExportSettings(visit=7))


def test_identifiers_that_a_format_cannot_carry_are_refused(tmp_path):
    cohort = FakeCohort()
    cohort.table.loc[cohort.has("ecg").argmax(), "participant_id"] = "two words"
    latents = embed(FakeRun(), cohort, tmp_path / "l.h5")
    with pytest.raises(LatentsError, match="1 participant identifiers") as caught:
        export(latents, tmp_path / "out", format_name="regenie")
    assert "two words" not in str(caught.value)
    export(latents, tmp_path / "out", format_name="tsv")


def test_unknown_formats_and_shards_are_refused(latents, tmp_path):
    with pytest.raises(InputError, match="format 'xls'"):
        export(latents, tmp_path, format_name="xls")
    shard = embed(FakeRun(), FakeCohort(), tmp_path / "s.h5", shard=(1, 2))
    with pytest.raises(LatentsError, match="merge"):
        export(shard, tmp_path, format_name="tsv")


def test_identifiers_are_written_in_place_of_pseudonyms(latents, tmp_path):
    people = {name: f"eid{k}" for k, name in enumerate(latents.keys["participant_id"].unique())}
    for format_name in ("parquet", "regenie"):
        export(
            latents,
            tmp_path,
            format_name=format_name,
            settings=ExportSettings(identifiers=people),
        )
    identifiers, values = wanted(latents, "joint")
    table = pd.read_csv(tmp_path / "latents_joint.txt", sep=" ")
    assert table["IID"].tolist() == [people[name] for name in identifiers]
    np.testing.assert_array_equal(table[NAMES].to_numpy(np.float32), values)
    stored = pd.read_parquet(tmp_path / "latents_joint.parquet")
    assert stored["participant_id"].tolist() == table["IID"].tolist()
    people.popitem()
    with pytest.raises(InputError, match="list all"):
        export(
            latents,
            tmp_path,
            format_name="regenie",
            settings=ExportSettings(identifiers=people),
        )


def test_the_command_restores_identifiers_from_key_and_list(capsys, tmp_path):
    make_key(tmp_path / "key")
    key, cohort = Pseudonyms.open(tmp_path / "key"), FakeCohort()
    people = cohort.table["participant_id"].tolist()
    cohort.table["participant_id"] = [key.of(name) for name in people]
    embed(FakeRun(), cohort, tmp_path / "l.h5")
    (tmp_path / "ids.txt").write_text("\n".join(["P-other", *people]) + "\n")
    (tmp_path / "few.csv").write_text("eid,x\n" + "".join(f"{name},1\n" for name in people[:5]))
    words = ["export", str(tmp_path / "l.h5"), "--format", "regenie", "--out", str(tmp_path / "o")]
    with_key = [*words, "--key-file", str(tmp_path / "key")]

    assert cli.main([*with_key, "--ids", str(tmp_path / "ids.txt")]) == 0
    table = pd.read_csv(tmp_path / "o" / "latents_joint.txt", sep=" ")
    assert set(table["IID"]) <= set(people)
    assert len(table) > 10
    assert cli.main([*with_key, "--ids", str(tmp_path / "few.csv")]) == 2
    assert cli.main(with_key) == 2
    said = capsys.readouterr()
    assert "match none of the 5" in said.err
    assert "give both or none" in said.err
    assert "P-0" not in said.err + said.out
