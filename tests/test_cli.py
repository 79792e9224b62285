"""The command line: results on standard output, one line of error, exit codes, whole flows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cmae import cli, commands
from cmae.data.cohort import Cohort
from cmae.errors import CohortError, InputError, Interrupted
from cmae.latent import translation
from cmae.latent.space import check_space
from cmae.progress import describe, progress_bar


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run of a few thousand random weights."""
    import keras

    from cmae.model.architecture import Architecture, CompactNetwork
    from cmae.model.autoencoder import CrossModalAutoencoder
    from cmae.model.run import FORMAT_NUMBER, CineScale, ModelFile, save_model

    keras.utils.set_random_seed(0)
    networks = {
        "ecg": CompactNetwork(patch=20, filters=(4, 4)),
        "mri": CompactNetwork(patch=12, filters=(4, 4)),
    }
    architecture = Architecture(networks=networks, latent_dim=8)
    folder = tmp_path_factory.mktemp("run")
    scale = CineScale(mean=200.0, std=50.0)
    described = ModelFile(FORMAT_NUMBER, architecture, decoded_cine=scale)
    save_model(folder, described, CrossModalAutoencoder(architecture))
    return folder


@pytest.fixture
def only_pca(monkeypatch):
    """Leave UMAP out: it takes many seconds to compile itself."""
    monkeypatch.setattr("cmae.latent.map.FEWEST_FOR_UMAP", 10**9)


def run_json(capsys, *arguments):
    code = cli.main([*map(str, arguments), "--json"])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return json.loads(captured.out)


def error_of(capsys, *arguments):
    assert cli.main(list(map(str, arguments))) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    *progress, message = captured.err.splitlines(keepends=True)
    assert all(line.startswith("importing ") for line in progress)
    assert "Traceback" not in message
    return message


def fail_with(monkeypatch, error):
    def command(options):
        raise error

    monkeypatch.setitem(commands.COMMANDS, "info", command)


def test_help_waits_for_no_library():
    code = (
        "import sys\n"
        "from cmae.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "heavy = {'numpy', 'pandas', 'keras', 'h5py', 'cmae.commands'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in commands.COMMANDS:
        assert f"    {name}" in done.stdout


def test_python_m_cmae_is_the_command_line():
    command = [sys.executable, "-m", "cmae", "info", "no-such-place"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("cmae: There is no no-such-place")


@pytest.mark.parametrize(
    "arguments",
    [
        ["embed", "r", "c", "--out", "l", "--shard", "one"],
        ["simulate", "--participants", "0", "--out", "c"],
        ["simulate", "--participants", "many", "--out", "c"],
        ["translate", "r", "--from", "ecg", "f", "--to", "ct", "--out", "f"],
        ["nonsense"],
        [],
    ],
)
def test_wrong_arguments_are_one_line_and_exit_2(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_error_is_one_line_even_if_its_message_is_not(capsys, monkeypatch):
    fail_with(monkeypatch, CohortError("The cohort\nis   damaged."))
    assert error_of(capsys, "info", "x") == "cmae: The cohort is damaged.\n"


def test_debug_shows_the_traceback(monkeypatch):
    fail_with(monkeypatch, CohortError("The cohort is damaged."))
    with pytest.raises(CohortError):
        cli.main(["info", "x", "--debug"])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Interrupted("Stopped; can be resumed.")])
def test_stopping_exits_130(capsys, monkeypatch, error):
    fail_with(monkeypatch, error)
    assert cli.main(["info", "x"]) == 130
    assert capsys.readouterr().err.count("\n") == 1


def test_a_fault_exits_1_and_an_unusable_file_2_without_its_name(capsys, monkeypatch):
    fail_with(monkeypatch, ZeroDivisionError("P-007"))
    assert cli.main(["info", "x"]) == 1
    assert "P-007" not in capsys.readouterr().err
    fail_with(monkeypatch, PermissionError(13, "Permission denied", "P-007.hea"))
    assert "P-007" not in error_of(capsys, "info", "x")


@pytest.mark.parametrize("name", ["out", "out/table.tsv", ".1-ab-out"])
def test_the_path_to_write_is_named_as_it_was_typed(capsys, monkeypatch, tmp_path, name):
    def command(options):
        raise FileExistsError(17, "File exists", str(tmp_path / name))

    monkeypatch.setitem(commands.COMMANDS, "merge", command)
    message = error_of(capsys, "merge", "s", "--out", tmp_path / "out")
    assert message == f"cmae: {tmp_path / 'out'} cannot be written: File exists.\n"
    message = error_of(capsys, "merge", "s", "--out", tmp_path / "elsewhere" / "x")
    assert str(tmp_path) not in message


def test_a_path_that_takes_no_files_is_refused_as_such(tmp_path):
    for path in (Path("/proc/l.h5"), tmp_path / "absent" / "l.h5"):
        with pytest.raises(InputError, match="cannot be written") as raised:
            check_space(path, 100)
        assert "No space" not in str(raised.value)
    with pytest.raises(InputError, match="No space left"):
        check_space(tmp_path / "l.h5", 2**62)
    check_space(tmp_path / "l.h5", 1)
    assert not list(tmp_path.iterdir())


def test_arguments_in_each_others_place_are_told(capsys, run_folder, small_cohort, tmp_path):
    message = error_of(capsys, "embed", small_cohort.path, run_folder, "--out", tmp_path / "l.h5")
    assert "the order is `cmae embed RUN COHORT`" in message
    assert "is a folder, not a latents file" in error_of(capsys, "map", small_cohort.path)


def test_info_of_a_cohort_is_json_or_a_table(capsys, small_cohort):
    found = run_json(capsys, "info", small_cohort.path)
    assert found["rows"] == 12
    assert found["recordings"] == {"ecg": 10, "mri": 10}
    assert cli.main(["info", str(small_cohort.path)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    (row,) = [
        line for line in captured.out.splitlines() if "lvef percent" in line.replace("_", " ")
    ]
    assert "Ejection" not in captured.out
    assert "LV ejection fraction" in row


def test_tables_are_aligned_under_their_names():
    lines = cli.as_lines(
        {
            "cohort": "c",
            "is_simulated": True,
            "refused": [{"file": 3, "reason": "flat"}, {"file": 1200, "reason": "short"}],
            "parts": {"a": {"size": 1.23456}},
            "nothing": {},
        }
    )
    assert lines == [
        "cohort        c",
        "is simulated  yes",
        "refused",
        "  file   reason",
        "  3      flat",
        "  1,200  short",
        "parts",
        "  a",
        "    size  1.235",
        "nothing       -",
    ]


def test_drop_removes_who_is_listed(capsys, small_cohort, tmp_path):
    (tmp_path / "ids.txt").write_text("participant_id\nP005\nP000\n\nP999\n")
    run_json(capsys, "drop", small_cohort.path, "--ids", tmp_path / "ids.txt")
    left = Cohort.open(small_cohort.path).table["participant_id"]
    assert len(left) == 9
    assert not {"P005", "P000"} & set(left)
    message = error_of(capsys, "drop", small_cohort.path, "--ids", tmp_path / "none.txt")
    assert "one participant_id a line" in message


def test_drop_says_what_still_holds_the_participants(capsys, small_cohort, tmp_path):
    (tmp_path / "ids.txt").write_text("P005\n")
    assert cli.main(["drop", str(small_cohort.path), "--ids", str(tmp_path / "ids.txt")]) == 0
    captured = capsys.readouterr()
    assert "Latents and exports" in captured.err
    assert "again" in captured.err
    assert "P005" not in captured.err + captured.out


@pytest.mark.parametrize("lines", ["", "participant_id\n\n", "S-1\nS-2\n"])
def test_a_list_that_removes_nobody_is_refused(capsys, small_cohort, tmp_path, lines):
    before = small_cohort.fingerprint
    (tmp_path / "ids.txt").write_text(lines)
    message = error_of(capsys, "drop", small_cohort.path, "--ids", tmp_path / "ids.txt")
    assert "one participant_id a line" in message
    assert "S-1" not in message
    assert Cohort.open(small_cohort.path).fingerprint == before


def test_a_failed_first_import_leaves_no_folder(capsys, small_cohort, tmp_path):
    (tmp_path / "bad.hea").write_text("nothing")
    out = tmp_path / "new"
    arguments = ["import", "ecg", tmp_path / "bad.hea", "--processes", 0, "--out"]
    assert "Not one" in error_of(capsys, *arguments, out)
    assert not out.exists()
    error_of(capsys, *arguments, small_cohort.path)
    assert len(Cohort.open(small_cohort.path)) == 12
    out.mkdir()
    error_of(capsys, *arguments, out)
    assert out.is_dir()


def test_rate_and_unit_are_those_of_ecgs(capsys, tmp_path):
    with pytest.raises(SystemExit) as ended:
        cli.main(["import", "cine", str(tmp_path), "--out", str(tmp_path / "c"), "--rate", "500"])
    assert ended.value.code == 2
    assert "--rate" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()
    (tmp_path / "e.csv").write_text("I,II\n1,2\n")
    message = error_of(
        capsys, "import", "ecg", tmp_path, "--out", tmp_path / "c", "--rate", 500, "--processes", 0
    )
    assert "--unit" in message
    assert "--rate" not in message


def test_help_lists_the_suffixes_that_translate_accepts(capsys):
    with pytest.raises(SystemExit):
        cli.main(["translate", "--help"])
    _, mri, ecg = re.split("mri: |ecg: ", " ".join(capsys.readouterr().out.split()))[-3:]
    for text, modality in ((mri.rstrip("; "), "mri"), (ecg, "ecg")):
        assert tuple(text.split()) == translation.FORMATS[modality] + commands.PICTURES


def test_simulated_cohort_is_described(capsys, tmp_path):
    found = run_json(
        capsys, "simulate", "--participants", 2, "--seed", 7, "--out", tmp_path / "c",
        "--processes", 1,
    )  # fmt: skip
    assert found["rows"] == found["simulated_rows"] == 2


def test_simulate_makes_masks_noiseless_recordings_and_genotypes(capsys, tmp_path):
    found = run_json(
        capsys, "simulate", "--participants", 3, "--seed", 7, "--out", tmp_path / "c",
        "--processes", 1, "--variants", 20, "--masks", "--noiseless", "--noise", 0.5,
    )  # fmt: skip
    assert found["truths"] == dict.fromkeys(("ecg_noiseless", "mri_noiseless", "mri_mask"), 3)
    assert found["genotypes"] == {"samples": 3, "variants": 20}
    assert run_json(capsys, "info", tmp_path / "c")["truths"] == found["truths"]


def test_a_simulated_table_alone_is_sick_as_asked(capsys, tmp_path):
    found = run_json(
        capsys, "simulate", "--participants", 60, "--no-recordings", "--out", tmp_path / "c",
        "--disease-frequency", 0, "--private-variance", 2,
    )  # fmt: skip
    assert found["recordings"] == {"ecg": 0, "mri": 0}
    assert (Cohort.open(tmp_path / "c").table["disease"] == "healthy").all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--ecg-only", "0.7", "--mri-only", "0.7"], "at most 1"),
        (["--ecg-only", "nan"], "0 or more"),
        (["--noise", "-1"], "noise = -1.0 is impossible"),
        (["--disease-frequency", "9"], "disease_frequency = 9.0 is impossible"),
        (["--private-variance", "-0.5"], "private_variance = -0.5 is impossible"),
        (["--variants", "-3"], "-3 genetic variants"),
        (["--masks", "--no-recordings"], "without recordings"),
        (["--noiseless", "--no-recordings"], "without recordings"),
        (["--seed", "-1"], "seed of 0 or more"),
    ],
)
def test_an_impossible_simulation_is_one_sentence_and_makes_nothing(
    capsys, tmp_path, arguments, sentence
):
    assert sentence in error_of(capsys, "simulate", "--out", tmp_path / "c", *arguments)
    assert not (tmp_path / "c").exists()


def test_embed_map_export_and_info_work_on_each_other(
    capsys, run_folder, small_cohort, tmp_path, only_pca
):
    path = tmp_path / "l.h5"
    found = run_json(capsys, "embed", run_folder, small_cohort.path, "--out", path)
    assert found["present"] == {"ecg": 10, "mri": 10, "joint": 12}
    found = run_json(capsys, "map", path)
    assert found["maps"]["pca"]["algorithm"] == "PCA"
    assert found == run_json(capsys, "info", path)
    found = run_json(
        capsys, "export", path, "--format", "tsv", "--visit", 0, "--out", tmp_path / "tsv"
    )
    assert [entry["rows"] for entry in found["files"]] == [9, 9]
    for entry in found["files"]:
        assert (tmp_path / "tsv" / entry["file"]).read_text().startswith("sample_id\tlatent_0\t")
    message = error_of(capsys, "export", path, "--format", "tsv", "--out", tmp_path / "all")
    assert "P0" not in message


def test_shards_are_embedded_and_merged(capsys, run_folder, small_cohort, tmp_path):
    parts = [tmp_path / f"{k}.h5" for k in (1, 2)]
    for k, part in enumerate(parts, start=1):
        run_json(capsys, "embed", run_folder, small_cohort.path, "--out", part, "--shard", f"{k}/2")
    merged = run_json(capsys, "merge", *parts, "--out", tmp_path / "l.h5")
    assert (merged["rows"], merged["shard"]) == (12, None)
    assert "all shards" in error_of(capsys, "merge", parts[0], "--out", tmp_path / "x.h5")


def test_info_of_a_run_lists_parts_and_draws_them(capsys, run_folder, tmp_path):
    picture = tmp_path / "run.svg"
    found = run_json(capsys, "info", run_folder, "--picture", picture)
    assert found["kind"] == "run"
    assert {"ecg_encoder", "ecg_decoder", "mri_encoder", "mri_decoder"} <= set(found["parts"])
    total = sum(part["parameters"] for part in found["parts"].values())
    assert total == found["parameters"]
    assert picture.read_text().lstrip().startswith("<?xml")
    assert "not a run" in error_of(capsys, "info", tmp_path, "--picture", picture)


def test_a_real_ecg_is_translated_into_a_playing_cine(capsys, run_folder, realdata, tmp_path):
    record = sorted((realdata / "ecg" / "cinc2021").glob("*.hea"))[0]
    out = tmp_path / "cine.gif"
    arguments = ["translate", run_folder, "--from", "ecg", record, "--to", "mri"]
    found = run_json(capsys, *arguments, "--out", out)
    assert found["shape"] == [96, 96, 50]
    assert record.stem not in json.dumps(found)
    assert out.read_bytes()[:6] == b"GIF89a"
    run_json(capsys, *arguments, "--out", tmp_path / "cine.npy")
    assert np.isfinite(np.load(tmp_path / "cine.npy")).all()
    run_json(capsys, *arguments, "--out", tmp_path / "cine.png")
    assert "end the name" in error_of(capsys, *arguments, "--out", tmp_path / "cine.csv")


def test_what_is_no_recording_is_refused(capsys, run_folder, tmp_path):
    (tmp_path / "P-007.hea").write_text("nonsense")
    arguments = [
        "--from",
        "ecg",
        tmp_path / "P-007.hea",
        "--to",
        "mri",
        "--out",
        tmp_path / "x.gif",
    ]
    assert "P-007" not in error_of(capsys, "translate", run_folder, *arguments)
    assert not (tmp_path / "x.gif").exists()


def test_progress_without_a_terminal_is_plain_lines(capsys):
    with progress_bar("embedding") as report:
        report(0, 200)
        report(100, 200)
        report(200, 200)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "embedding: 200 of 200 in 0 s\n"


def test_time_left_does_not_count_what_was_done_before():
    assert describe(600, 1000, started=(10.0, 500), now=20.0) == "600 of 1,000 (60 %), 40 s left"
    assert describe(7200, 7200, started=(0.0, 0), now=3720.0) == "7,200 of 7,200 in 1 h 02 min"


def test_progress_on_a_terminal_is_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress_bar("mapping") as report:
        report(30, 100)
        report(100, 100)
    assert "100/100" in capsys.readouterr().err
