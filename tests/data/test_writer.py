"""Writers that are killed, that work side by side, and that meet a full disk."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from cmae.data import parts, staging
from cmae.data.cohort import Cohort
from cmae.data.modality import ECG
from cmae.errors import CohortError, InputError

ROOT = Path(__file__).parents[2]


HEAD = """
import sys
from pathlib import Path
import numpy as np
from cmae.data.cohort import Cohort
"""


def start(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """Run code in a process of its own, with Cohort, np and sys at hand."""
    return subprocess.Popen(
        [sys.executable, "-c", HEAD + textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def names(cohort: Cohort) -> list[str]:
    return sorted(file.name for file in (cohort.path / staging.RECORDINGS).iterdir())


HANGING_WRITER = """
    with Cohort.open(Path(sys.argv[1])).writer() as writer:
        for k in range(20):
            writer.add(f"killed-{k}", ecg=np.zeros((600, 12)), mri=np.zeros((96, 96, 50), "i2"))
        print("ready", flush=True)
        sys.stdin.read()
"""


def test_killed_writer_leaves_the_old_cohort_and_the_next_commit_cleans_up(small_cohort):
    before = names(small_cohort)
    writer = start(HANGING_WRITER, small_cohort.path)
    with writer:
        assert writer.stdout.readline() == "ready\n"
        assert len(names(small_cohort)) == len(before) + 1
        # Another writer works meanwhile, and leaves the parts of the living one alone.
        with small_cohort.writer() as other:
            other.add("other", ecg=np.ones((600, 12)))
        assert any(name.startswith(".writing-") for name in names(small_cohort))
        writer.send_signal(signal.SIGKILL)
    again = Cohort.open(small_cohort.path)
    assert again.table["participant_id"].tolist()[12:] == ["other"]
    assert again.fingerprint == small_cohort.fingerprint
    with small_cohort.writer() as other:
        other.add("third", ecg=np.ones((600, 12)))
    assert names(small_cohort) == [*before[:1], "ecg-0002.h5", "ecg-0003.h5", *before[1:]]


def test_kill_between_parts_and_table_leaves_the_old_cohort(small_cohort, monkeypatch):
    before = Cohort.open(small_cohort.path)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        # As if killed: neither the table is written nor anything cleaned up.
        patch.setattr("cmae.data.table.save", die)
        patch.setattr("cmae.data.writer.remove_leftovers", lambda *_: None)
        with pytest.raises(KeyboardInterrupt), small_cohort.writer() as writer:
            writer.add("new", ecg=np.ones((600, 12)))
    assert "ecg-0002.h5" in names(small_cohort)
    assert Cohort.open(small_cohort.path).fingerprint == before.fingerprint
    with small_cohort.writer() as writer:
        writer.add("newer", ecg=np.full((600, 12), 2.0))
    assert names(small_cohort) == ["ecg-0001.h5", "ecg-0002.h5", "mri-0001.h5"]
    assert Cohort.open(small_cohort.path).read("ecg", 12)[0, 0] == 2


PARALLEL_WRITER = """
    number = int(sys.argv[2])
    for turn in range(3):
        with Cohort.open_or_create(Path(sys.argv[1])).writer() as writer:
            for k in range(5):
                value = number * 100 + turn * 10 + k
                writer.add(f"p{value}", ecg=np.full((600, 12), float(value)))
            writer.add("shared", visit=turn, ecg=np.full((600, 12), -1.0))
"""


def test_parallel_writers_all_count(tmp_path):
    writers = [start(PARALLEL_WRITER, tmp_path / "c", number) for number in range(4)]
    for writer in writers:
        _, chatter = writer.communicate(timeout=60)
        assert writer.returncode == 0, chatter
    cohort = Cohort.open(tmp_path / "c")
    assert len(cohort) == 4 * 3 * 5 + 3
    for row, name in enumerate(cohort.table["participant_id"]):
        expected = -1 if name == "shared" else int(name[1:])
        assert (cohort.read("ecg", row) == expected).all()
    assert not any(name.startswith(".") for name in names(cohort))
    cohort.drop(["shared"])  # what lost the race to be the shared row goes, too
    stored = sum(len(cohort._reader.part(name, ECG)) for name in names(cohort))
    assert stored == len(cohort)


FULL_DISK = """
    import resource
    from cmae.errors import InputError
    cohort = Cohort.open(Path(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
    written = 0
    try:
        with cohort.writer() as writer:
            for k in range(20):
                writer.add(f"n{k}", mri=np.ones((96, 96, 50), "i2"))
                written += 1
    except InputError as error:
        print(written, error)
    print(len(Cohort.open(Path(sys.argv[1]))))
"""


def test_part_that_cannot_grow_is_one_sentence_and_the_old_cohort_stands(small_cohort):
    before = small_cohort.fingerprint, names(small_cohort)
    writer = start(FULL_DISK, small_cohort.path)
    output, chatter = writer.communicate(timeout=60)
    assert (writer.returncode, chatter) == (0, "")
    first, second = output.splitlines()
    assert first.startswith("3 ")
    assert "grew beyond the file size allowed" in first
    assert second == "12"
    again = Cohort.open(small_cohort.path)
    assert (again.fingerprint, names(again)) == before


def test_full_disk_at_the_table_leaves_the_old_cohort(small_cohort, monkeypatch):
    before = small_cohort.fingerprint, names(small_cohort)

    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    def add(writer):
        writer.add("new", ecg=np.ones((600, 12)))
        monkeypatch.setattr("pyarrow.parquet.write_table", fail)

    with pytest.raises(InputError, match="No space left"), small_cohort.writer() as writer:
        add(writer)
    again = Cohort.open(small_cohort.path)
    assert (again.fingerprint, names(again)) == before


def test_writer_that_failed_to_write_commits_nothing(small_cohort, monkeypatch):
    def fail(self, recording):
        raise OSError(errno.ENOSPC, "No space left on device")

    def add_and_go_on(writer):
        writer.add("one", ecg=np.ones((600, 12)))
        monkeypatch.setattr(parts.PartWriter, "append", fail)
        with pytest.raises(OSError, match="No space"):
            writer.add("two", ecg=np.ones((600, 12)))
        with pytest.raises(CohortError, match="cannot write any more"):
            writer.add("three", ecg=np.ones((600, 12)))

    with pytest.raises(CohortError, match="nothing was added"), small_cohort.writer() as writer:
        add_and_go_on(writer)
    assert len(Cohort.open(small_cohort.path)) == 12


def test_memory_does_not_grow_with_what_is_written(tmp_path):
    code = """
        import resource
        cohort = Cohort.create(Path(sys.argv[1]))
        cine = np.ones((96, 96, 50), "i2")
        peak = []
        with cohort.writer() as writer:
            for k in range(80):
                writer.add(f"p{k}", mri=cine)
                if k in (9, 79):
                    peak.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        print(peak[1] - peak[0])
    """
    writer = start(code, tmp_path / "c")
    output, chatter = writer.communicate(timeout=60)
    assert writer.returncode == 0, chatter
    assert int(output) < 20_000  # kB; the 70 cines are 64,500 kB
