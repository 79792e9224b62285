"""Embedding: every recording's latent in its row, resumable, in shards."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import h5py
import numpy as np
import pytest

from cmae.errors import CohortError, InputError, LatentsError, RunError
from cmae.latent.embedding import embed, merge
from cmae.latent.latents import Latents

sys.path.insert(0, str(Path(__file__).parent))
from embedding_fakes import FakeCohort, FakeRun, recording

KINDS = ("ecg", "mri", "joint")


def assert_equal(found, wanted):
    assert found.kinds == wanted.kinds
    assert found.keys.equals(wanted.keys)
    for kind in wanted.kinds:
        np.testing.assert_array_equal(found.present[kind], wanted.present[kind])
        np.testing.assert_allclose(found.latents[kind], wanted.latents[kind], rtol=1e-6)


def environment():
    folder = Path(__file__).parent
    return {**os.environ, "PYTHONPATH": f"{folder.parents[1]}{os.pathsep}{folder}"}


def run_python(code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)


def test_each_latent_stands_in_the_row_of_its_recording(tmp_path):
    run, cohort = FakeRun(), FakeCohort()
    latents = embed(run, cohort, tmp_path / "l.h5", batch_size=4)
    assert latents.keys["participant_id"].tolist() == cohort.table["participant_id"].tolist()
    assert latents.keys["visit"].tolist() == cohort.table["visit"].tolist()
    for modality in ("ecg", "mri"):
        np.testing.assert_array_equal(latents.present[modality], cohort.has(modality))
        for row in np.flatnonzero(cohort.has(modality)):
            wanted = run.encode(modality, recording(modality, row)[None])[0]
            np.testing.assert_allclose(latents.latents[modality][row], wanted, rtol=1e-5)


def test_absent_latents_are_nan_and_masked(tmp_path):
    cohort = FakeCohort()
    latents = embed(FakeRun(), cohort, tmp_path / "l.h5")
    for kind in KINDS:
        missing = ~latents.present[kind]
        assert missing.any()
        assert np.isnan(latents.latents[kind][missing]).all()
        assert np.isfinite(latents.latents[kind][~missing]).all()


def test_joint_is_the_one_that_exists_or_the_mean_of_both(tmp_path):
    latents = embed(FakeRun(), FakeCohort(), tmp_path / "l.h5")
    ecg, mri, joint = (latents.latents[kind] for kind in KINDS)
    has_ecg, has_mri = latents.present["ecg"], latents.present["mri"]
    both, only_ecg, only_mri = has_ecg & has_mri, has_ecg & ~has_mri, has_mri & ~has_ecg
    assert both.any()
    assert only_ecg.any()
    assert only_mri.any()
    np.testing.assert_allclose(joint[both], (ecg[both] + mri[both]) / 2, rtol=1e-5)
    np.testing.assert_array_equal(joint[only_ecg], ecg[only_ecg])
    np.testing.assert_array_equal(joint[only_mri], mri[only_mri])


def test_every_batch_has_one_size(tmp_path):
    run = FakeRun()
    embed(run, FakeCohort(), tmp_path / "l.h5", batch_size=4)
    assert set(run.batch_sizes) == {4}


def test_a_run_of_one_modality_gives_that_and_joint(tmp_path):
    latents = embed(FakeRun(modalities=("mri",)), FakeCohort(), tmp_path / "l.h5")
    assert latents.kinds == ("mri", "joint")
    np.testing.assert_array_equal(latents.latents["joint"], latents.latents["mri"])


def test_progress_counts_recordings_up_to_all_of_them(tmp_path):
    cohort, seen = FakeCohort(), []
    embed(
        FakeRun(),
        cohort,
        tmp_path / "l.h5",
        batch_size=4,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    total = int(cohort.has("ecg").sum() + cohort.has("mri").sum())
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_shards_merge_to_the_whole(tmp_path):
    run, cohort = FakeRun(), FakeCohort()
    whole = embed(run, cohort, tmp_path / "whole.h5", batch_size=4)
    paths = [tmp_path / f"s{number}.h5" for number in (1, 2, 3)]
    for number, path in enumerate(paths, start=1):
        embed(run, cohort, path, shard=(number, 3), batch_size=4)
    merged = merge(paths[::-1], tmp_path / "merged.h5")
    assert_equal(merged, whole)
    assert merged.shard is None
    assert (merged.run_fingerprint, merged.cohort_fingerprint) == (
        run.fingerprint,
        cohort.fingerprint,
    )


def test_merge_refuses_a_missing_shard_and_another_run(tmp_path):
    run, cohort = FakeRun(), FakeCohort()
    first = embed(run, cohort, tmp_path / "1.h5", shard=(1, 2)).path
    second = embed(run, cohort, tmp_path / "2.h5", shard=(2, 2)).path
    other = embed(FakeRun(seed=1), cohort, tmp_path / "3.h5", shard=(2, 2)).path
    whole = embed(run, cohort, tmp_path / "whole.h5").path
    for wrong in ([first], [first, first], [first, other], [whole], []):
        with pytest.raises(LatentsError):
            merge(wrong, tmp_path / "merged.h5")
    assert not (tmp_path / "merged.h5").exists()
    assert len(merge([second, first], tmp_path / "merged.h5")) == len(cohort)


@pytest.mark.parametrize("shard", [(0, 2), (3, 2), (1, 0)])
def test_a_shard_out_of_range_is_refused(tmp_path, shard):
    with pytest.raises(InputError, match="shard"):
        embed(FakeRun(), FakeCohort(), tmp_path / "l.h5", shard=shard)


def recordings_done(partial):
    try:
        with h5py.File(partial, "r", locking=False) as file:
            return int(file["done"][()].sum())
    except (OSError, KeyError):  # not there yet, or just being written
        return 0


def test_embed_killed_goes_on_where_it_stopped(tmp_path):
    target, count = tmp_path / "l.h5", 60
    code = f"import embedding_fakes; embedding_fakes.embed_slowly({str(target)!r}, {count}, 0.05)"
    child = subprocess.Popen([sys.executable, "-c", code], env=environment())
    partial = tmp_path / "l.h5.partial"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not recordings_done(partial):
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not target.exists()
    with h5py.File(partial) as file:
        done = int(file["done"][()].sum())
    cohort = FakeCohort(count)
    total = int(cohort.has("ecg").sum() + cohort.has("mri").sum())
    assert 0 < done < total
    resumed = embed(FakeRun(), cohort, target, batch_size=1)
    assert cohort.num_read == total - done
    assert_equal(resumed, embed(FakeRun(), FakeCohort(count), tmp_path / "whole.h5", batch_size=1))
    assert not partial.exists()


class _Stops(FakeRun):
    """A run that is interrupted at its third batch."""

    def encode(self, modality, recordings, *, batch_size=64):
        if len(self.batch_sizes) == 2:
            raise KeyboardInterrupt
        return super().encode(modality, recordings, batch_size=batch_size)


def test_what_another_run_left_is_started_again_with_a_reason(tmp_path, caplog):
    cohort, target = FakeCohort(), tmp_path / "l.h5"
    with pytest.raises(KeyboardInterrupt):
        embed(_Stops(), cohort, target, batch_size=4)
    other = FakeRun(seed=5)
    with caplog.at_level(logging.INFO, logger="cmae.latent.embedding"):
        latents = embed(other, cohort, target, batch_size=4)
    assert "run fingerprint" in caplog.text
    assert latents.run_fingerprint == other.fingerprint
    assert_equal(latents, embed(other, cohort, tmp_path / "whole.h5", batch_size=4))


def test_a_damaged_left_over_is_started_again(tmp_path):
    (tmp_path / "l.h5.partial").write_bytes(b"not HDF5 at all")
    assert len(embed(FakeRun(), FakeCohort(), tmp_path / "l.h5")) == 23


def test_a_finished_file_is_not_made_twice_but_another_cohort_replaces_it(tmp_path):
    run, cohort, target = FakeRun(), FakeCohort(), tmp_path / "l.h5"
    embed(run, cohort, target)
    num_batches = len(run.batch_sizes)
    embed(run, cohort, target)
    assert len(run.batch_sizes) == num_batches
    other = embed(run, FakeCohort(9, seed=3), target)
    assert len(other) == 9


def test_a_failure_leaves_the_old_file(tmp_path):
    target = tmp_path / "l.h5"
    embed(FakeRun(), FakeCohort(), target)
    before = target.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        embed(_Stops(seed=2), FakeCohort(), target, batch_size=4)
    assert target.read_bytes() == before


def test_a_cohort_without_the_modality_is_refused(tmp_path):
    cohort = FakeCohort()
    cohort._has["mri"][:] = False
    with pytest.raises(CohortError, match="mri"):
        embed(FakeRun(modalities=("mri",)), cohort, tmp_path / "l.h5")
    assert not list(tmp_path.iterdir())


def test_latents_that_are_not_finite_are_refused(tmp_path):
    run = FakeRun()
    run.weights["ecg"][0, 0] = np.nan
    with pytest.raises(RunError, match="not finite") as caught:
        embed(run, FakeCohort(), tmp_path / "l.h5")
    assert "P-0-" not in str(caught.value)


def test_a_reader_that_fails_ends_the_embedding_with_its_error(tmp_path):
    class Broken(FakeCohort):
        def read_many(self, modality, rows):
            raise CohortError("A part of the cohort is damaged.")

    with pytest.raises(CohortError, match="damaged"):
        embed(FakeRun(), Broken(), tmp_path / "l.h5")


def test_a_second_writer_is_refused(tmp_path):
    cohort, target = FakeCohort(), tmp_path / "l.h5"
    with pytest.raises(KeyboardInterrupt):
        embed(_Stops(), cohort, target, batch_size=4)
    code = "import h5py,sys;f=h5py.File(sys.argv[1],'r+');print('open',flush=True);sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path / "l.h5.partial")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as other:
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(InputError, match="Another process"):
            embed(FakeRun(), cohort, target, batch_size=4)
        other.stdin.close()
    assert len(embed(FakeRun(), cohort, target, batch_size=4)) == 23


def test_foreign_and_old_files_are_refused(tmp_path):
    path = tmp_path / "l.h5"
    with pytest.raises(LatentsError, match="no latents file"):
        Latents.open(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(InputError):
        Latents.open(path)
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(LatentsError, match="not a latents file"):
        Latents.open(path)
    path.unlink()
    embed(FakeRun(), FakeCohort(), path)
    with h5py.File(path, "r+") as file:
        del file["rows/visit"]
    with pytest.raises(LatentsError, match="lacks a part"):
        Latents.open(path)
    with h5py.File(path, "r+") as file:
        file.attrs["format_number"] = 99
    with pytest.raises(LatentsError, match="format number 99"):
        Latents.open(path)


def test_latents_replaced_while_in_use_are_not_mixed(tmp_path):
    path = tmp_path / "l.h5"
    latents = embed(FakeRun(), FakeCohort(), path)
    embed(FakeRun(seed=4), FakeCohort(), path)
    with pytest.raises(LatentsError, match="replaced"):
        latents.latents["ecg"]


def test_latents_are_read_only(tmp_path):
    latents = embed(FakeRun(), FakeCohort(), tmp_path / "l.h5")
    with pytest.raises(ValueError, match="read-only"):
        latents.latents["ecg"][0] = 0


def test_too_small_a_disk_is_said_before_anything_is_written(tmp_path, monkeypatch):
    target = tmp_path / "l.h5"
    embed(FakeRun(), FakeCohort(), target)
    before = target.read_bytes()
    usage = namedtuple("usage", "total used free")(10**9, 10**9, 1000)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(InputError, match="No space left"):
        embed(FakeRun(seed=2), FakeCohort(), target)
    assert target.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["l.h5"]


def test_a_write_that_fails_is_one_error_and_leaves_nothing_behind(tmp_path):
    code = (
        "import resource, pathlib, embedding_fakes as fakes\n"
        "from cmae.errors import InputError\n"
        "from cmae.latent.embedding import embed\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        f"path = pathlib.Path({str(tmp_path / 'l.h5')!r})\n"
        "try:\n    embed(fakes.FakeRun(latent_dim=64), fakes.FakeCohort(500), path)\n"
        "except InputError as error:\n    print('refused:', error)\n"
    )
    done = run_python(code)
    assert done.stdout.startswith("refused:")
    assert done.stdout.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_what_holds_no_latents_is_never_replaced(tmp_path):
    path = tmp_path / "notes.md"
    path.write_text("kept")
    with pytest.raises(LatentsError, match="no latents file"):
        embed(FakeRun(), FakeCohort(), path)
    assert path.read_text() == "kept"


def test_latents_of_another_run_are_replaced_only_on_request(tmp_path):
    path = tmp_path / "l.h5"
    before = embed(FakeRun(), FakeCohort(), path).run_fingerprint
    with pytest.raises(LatentsError, match="--overwrite"):
        embed(FakeRun(seed=2), FakeCohort(), path, may_replace=False)
    assert Latents.open(path).run_fingerprint == before
    assert embed(FakeRun(seed=2), FakeCohort(), path).run_fingerprint != before
