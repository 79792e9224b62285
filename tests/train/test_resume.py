"""A training that was killed or stopped ends with the same weights as one that was not."""

import os
import signal
import subprocess
import sys
import time

import pytest
from safetensors.numpy import load_file

pytestmark = pytest.mark.slow


def command(toml, cohort, out, *more):
    options = ["--cohort", str(cohort.path), "--out", str(out), *more]
    return [sys.executable, "-m", "train", str(toml), *options]


def wait_for(path, *, lines, process):
    """Wait until a file has that many lines; fail if the process ends before."""
    for _ in range(2400):
        if path.is_file() and len(path.read_text().splitlines()) >= lines:
            return
        assert process.poll() is None, "the training ended before it could be stopped"
        time.sleep(0.05)
    pytest.fail(f"{path.name} never had {lines} lines")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_stopped_and_resumed_training_ends_with_the_same_weights(
    settings, write_toml, training_cohort, tmp_path, number
):
    # One stage of both modalities, long enough to be caught in the middle.
    stage = settings["stages"][2] | {"epochs": 12, "steps_per_epoch": 4}
    toml = write_toml(settings | {"stages": [stage], "numerics": {"deterministic": True}})
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    subprocess.run(command(toml, training_cohort, whole), check=True, timeout=600)

    process = subprocess.Popen(command(toml, training_cohort, parts), stderr=subprocess.PIPE)
    wait_for(parts / "history.csv", lines=3, process=process)
    os.kill(process.pid, number)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + signal.SIGTERM)
    assert (parts / "checkpoint").is_dir()
    assert not (parts / "card.json").exists()
    if number == signal.SIGTERM:
        assert b"give --resume to go on" in errors

    again = subprocess.run(
        command(toml, training_cohort, parts), capture_output=True, timeout=300, check=False
    )
    assert again.returncode == 2
    assert b"--resume" in again.stderr
    resume = command(toml, training_cohort, parts, "--resume")
    subprocess.run(resume, check=True, timeout=600)
    expected = load_file(whole / "weights.safetensors")
    found = load_file(parts / "weights.safetensors")
    assert expected.keys() == found.keys()
    for key, array in expected.items():
        assert (array == found[key]).all(), key
    assert (whole / "history.csv").read_text().count("\n") == 13
    assert (parts / "history.csv").read_text().count("\n") == 13
