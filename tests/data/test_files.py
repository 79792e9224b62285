import errno
from pathlib import Path

import pytest

from cmae.data import files
from cmae.data.files import replacing, replacing_folder
from cmae.errors import InputError


def _write_and_fail(path) -> None:
    path.write_text("half")
    raise ZeroDivisionError


def test_complete_file_replaces_the_old_one(tmp_path):
    path = tmp_path / "new" / "a.txt"
    for text in ("one", "two"):
        with replacing(path) as temporary:
            assert temporary.parent == path.parent
            assert temporary.suffix == ".txt"
            temporary.write_text(text)
        assert path.read_text() == text
    assert [file.name for file in path.parent.iterdir()] == ["a.txt"]


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        _write_and_fail(temporary)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_one_sentence_and_the_old_file_stands(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with (
        pytest.raises(InputError, match="No space left on the disk while writing"),
        replacing(path),
        Path("/dev/full").open("w") as full,
    ):
        full.write("x" * 100_000)
    assert path.read_text() == "old"


def test_disk_that_fills_at_the_very_end_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "sync", fail)
    with pytest.raises(InputError, match="No space left"), replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_other_errors_pass_unchanged(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a"):
        (tmp_path / "nowhere" / "b").read_text()


@pytest.mark.parametrize("name", ["folder", "file/below"])
def test_path_that_cannot_be_a_file_is_refused(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("old")
    with (
        pytest.raises(InputError, match="cannot be written"),
        replacing(tmp_path / name) as temporary,
    ):
        temporary.write_text("new")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "folder"]


def test_folder_is_replaced_whole(tmp_path):
    path = tmp_path / "run"
    for text in ("one", "two"):
        with replacing_folder(path) as temporary:
            (temporary / f"{text}.txt").write_text(text)
    assert [file.name for file in path.iterdir()] == ["two.txt"]
    with pytest.raises(ZeroDivisionError), replacing_folder(path) as temporary:
        _write_and_fail(temporary / "three.txt")
    assert [file.name for file in path.iterdir()] == ["two.txt"]
    assert [file.name for file in tmp_path.iterdir()] == ["run"]
