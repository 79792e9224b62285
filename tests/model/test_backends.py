"""The same code on the JAX backend: forward, one training step, and the save round trip."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from cmae.model.autoencoder import CrossModalAutoencoder
from cmae.model.run import ModelFile, Run, save_model

PROGRAM = """
import sys
import keras
import numpy as np
from cmae.model.autoencoder import CrossModalAutoencoder
from cmae.model.run import Run, read_model_file, save_model

assert keras.backend.backend() == "jax"
source, target, batch_file = sys.argv[1:]
batch = dict(np.load(batch_file))
run = Run.open(source)
latents = {name: run.encode(name, batch[name]) for name in run.modalities}
model = run.model
model.compile(optimizer=keras.optimizers.Adam(1e-2), jit_compile=True)
inputs = {"ecg": batch["ecg"], "mri": batch["mri"],
          "present": {"ecg": batch["has_ecg"], "mri": batch["has_mri"]}}
before = model.train_on_batch(inputs, return_dict=True)["loss"]
for _ in range(4):
    after = model.train_on_batch(inputs, return_dict=True)["loss"]
save_model(Run.open(source).path.parent / "trained", read_model_file(run.path), model)
trained = Run.open(run.path.parent / "trained")
np.savez(target, **latents, before=before, after=after,
         trained=trained.encode("ecg", batch["ecg"]),
         expected=np.asarray(model.encode("ecg", trained.normalize("ecg", batch["ecg"]))))
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed.")
def test_jax_gives_the_latents_of_tensorflow_and_trains(tmp_path, tiny_architecture, batch):
    save_model(
        tmp_path / "run",
        ModelFile(format_number=1, architecture=tiny_architecture),
        CrossModalAutoencoder(tiny_architecture),
    )
    present = {f"has_{name}": mask for name, mask in batch["present"].items()}
    np.savez(tmp_path / "batch.npz", ecg=batch["ecg"], mri=batch["mri"], **present)
    subprocess.run(
        [
            sys.executable,
            "-c",
            PROGRAM,
            tmp_path / "run",
            tmp_path / "latents.npz",
            tmp_path / "batch.npz",
        ],
        check=True,
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        timeout=300,
    )
    found = np.load(tmp_path / "latents.npz")
    run = Run.open(tmp_path / "run")
    for name in ("ecg", "mri"):
        np.testing.assert_allclose(found[name], run.encode(name, batch[name]), atol=1e-4)
    np.testing.assert_allclose(found["trained"], found["expected"], atol=1e-4)
    assert found["after"] < found["before"]
