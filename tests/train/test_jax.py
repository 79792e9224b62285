"""The trainer on the JAX backend, on a machine without a GPU."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from cmae.model.run import Run


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed.")
def test_jax_trains_a_run_without_a_gpu(settings, write_toml, training_cohort, tmp_path):
    toml = write_toml(settings | {"stages": settings["stages"][2:]})
    words = [str(toml), "--cohort", str(training_cohort.path), "--out", str(tmp_path / "run")]
    subprocess.run(
        [sys.executable, "-m", "train", *words],
        check=True,
        env={**os.environ, "KERAS_BACKEND": "jax"},
        timeout=600,
    )
    latents = Run.open(tmp_path / "run").encode("ecg", training_cohort.read_many("ecg", [0, 1]))
    assert latents.shape == (2, 6)
    assert np.isfinite(latents).all()
