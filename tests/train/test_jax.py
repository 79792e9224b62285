"""The trainer on the JAX backend, on a machine without a GPU."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from cmae.model.run import Run
from cmae.model.supervised import SupervisedRun

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed."),
]


def train(toml, cohort, out):
    """Train on JAX, in a process of its own."""
    words = [str(toml), "--cohort", str(cohort.path), "--out", str(out)]
    subprocess.run(
        [sys.executable, "-m", "train", *words],
        check=True,
        env={**os.environ, "KERAS_BACKEND": "jax"},
        timeout=600,
    )


def test_jax_trains_a_run_without_a_gpu(settings, write_toml, training_cohort, tmp_path):
    train(
        write_toml(settings | {"stages": settings["stages"][2:]}), training_cohort, tmp_path / "run"
    )
    latents = Run.open(tmp_path / "run").encode("ecg", training_cohort.read_many("ecg", [0, 1]))
    assert latents.shape == (2, 6)
    assert np.isfinite(latents).all()


def test_jax_trains_supervised_networks_that_tensorflow_opens(
    settings, write_toml, training_cohort, tmp_path
):
    supervised = {
        "name": "tiny",
        "supervision": {"targets": ["lvef_percent", "sex"], "labels": [10]},
        "stage": settings["stages"][0],
        "split": settings["split"],
        "model": settings["model"] | {"hidden_share": 0.5},
    }
    train(write_toml(supervised), training_cohort, tmp_path / "out")
    run = SupervisedRun.open(tmp_path / "out" / "labels-10")
    predicted = run.predict(training_cohort.read_many("ecg", [0, 1]))
    assert predicted.shape == (2, 2)
    assert np.isfinite(predicted).all()
    assert run.card["versions"]["jax"]
