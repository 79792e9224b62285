import json

import pytest

from app import demo
from app.__main__ import choose, main
from cmae.data.cohort import Cohort
from cmae.errors import CohortError, InputError, RunError
from cmae.latent.latents import Latents


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "model.toml").write_text("format_number = 1\n")
    (folder / "weights.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def opened(quick_run):
    """Count how often the run is opened: a start that finds everything made opens it never."""
    calls = []

    def opener(path):
        calls.append(path)
        return quick_run()

    opener.calls = calls
    return opener


def test_the_demo_is_made_once_with_maps(tmp_path, run, opened):
    sources = demo.prepare_demo(tmp_path / "demo", run, participants=3, opener=opened)
    assert len(Cohort.open(sources.cohort)) == 3
    assert "pca" in Latents.open(sources.latents).maps
    before = sources.latents.stat().st_mtime_ns
    again = demo.prepare_demo(tmp_path / "demo", run, participants=3, opener=opened)
    assert again == sources
    assert len(opened.calls) == 1
    assert sources.latents.stat().st_mtime_ns == before


def test_new_weights_embed_again_but_keep_the_cohort(tmp_path, run, opened):
    sources = demo.prepare_demo(tmp_path / "demo", run, participants=3, opener=opened)
    table = sources.cohort / "table.parquet"
    before = table.stat().st_mtime_ns
    (run / "weights.safetensors").write_bytes(b"other weights")
    demo.prepare_demo(tmp_path / "demo", run, participants=3, opener=opened)
    assert len(opened.calls) == 2
    assert table.stat().st_mtime_ns == before


def test_a_cohort_whose_making_was_stopped_is_made_again(tmp_path, run, opened):
    folder = tmp_path / "demo"
    sources = demo.prepare_demo(folder, run, participants=3, opener=opened)
    fingerprint = Cohort.open(sources.cohort).fingerprint
    (sources.cohort / "table.parquet").write_bytes(b"half a table")
    (folder / ".cohort.partial").mkdir()
    (folder / ".cohort.partial" / "table.parquet").write_bytes(b"left over")
    demo.prepare_demo(folder, run, participants=3, opener=opened)
    assert Cohort.open(sources.cohort).fingerprint == fingerprint


def test_a_damaged_note_is_as_good_as_none(tmp_path, run, opened):
    folder = tmp_path / "demo"
    demo.prepare_demo(folder, run, participants=3, opener=opened)
    (folder / "cohort.json").write_text("{")
    sources = demo.prepare_demo(folder, run, participants=3, opener=opened)
    assert json.loads((folder / "cohort.json").read_text())["participants"] == 3
    assert len(Cohort.open(sources.cohort)) == 3


def test_another_simulator_makes_the_cohort_again(tmp_path, run, opened, monkeypatch):
    folder = tmp_path / "demo"
    table = demo.prepare_demo(folder, run, participants=3, opener=opened).cohort / "table.parquet"
    before = table.stat().st_mtime_ns
    monkeypatch.setattr(demo, "SIMULATOR_NUMBER", demo.SIMULATOR_NUMBER + 1)
    demo.prepare_demo(folder, run, participants=3, opener=opened)
    assert table.stat().st_mtime_ns > before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--run", "nowhere"], "no folder nowhere"),
        (["--latents", "l.h5"], "give both"),
        (["--cohort", "nowhere"], "nowhere"),
    ],
)
def test_a_bad_path_is_one_sentence_and_exit_code_2(
    tmp_path, monkeypatch, capsys, run, arguments, sentence
):
    monkeypatch.chdir(tmp_path)
    if "--run" not in arguments:
        arguments = ["--run", str(run), *arguments]
    assert main([*arguments, "--no-browser"]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="is not a run"):
        choose([tmp_path])


def test_latents_without_their_cohort_are_refused(run, tmp_path):
    with pytest.raises(InputError, match="give both"):
        choose([run], [], [tmp_path / "l.h5"])


def test_a_missing_cohort_is_refused(run, tmp_path):
    with pytest.raises(CohortError):
        choose([run], [tmp_path / "nowhere"])


def test_a_port_in_use_is_one_sentence(run, small_cohort, capsys):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--run", str(run), "--port", str(port)]) == 2
    assert f"Port {port} is in use" in capsys.readouterr().err
