"""Several devices of one machine give the step that one device gives."""

import subprocess
import sys

import pytest

PROGRAM = """
import contextlib
import keras
import numpy as np
import tensorflow as tf

from cmae.model.architecture import Architecture, CompactNetwork, Contrast
from cmae.model.autoencoder import CrossModalAutoencoder
from train import backend

processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
networks = {"ecg": CompactNetwork(patch=60, filters=(4,)),
            "mri": CompactNetwork(patch=24, filters=(4,))}
architecture = Architecture(networks=networks, latent_dim=6, merge="mean",
                            contrast=Contrast(loss="none"))
draws = np.random.default_rng(0)
ones = np.ones(4, np.float32)
batch = {"ecg": draws.normal(size=(4, 600, 12)).astype(np.float32),
         "mri": draws.normal(size=(4, 96, 96, 50)).astype(np.float32),
         "present": {"ecg": ones, "mri": ones}}

def stream():
    while True:
        yield (batch,)

def trained(scope):
    keras.utils.set_random_seed(0)
    with scope:
        model = CrossModalAutoencoder(architecture)
        model.num_replicas = backend.num_replicas()
        model.compile(optimizer=keras.optimizers.SGD(0.1), jit_compile=False)
        model.optimizer.build(model.trainable_variables)
    history = model.fit(stream(), steps_per_epoch=2, epochs=1, verbose=0, shuffle=False).history
    return model.num_replicas, history["loss"][0], model.encoders["mri"].get_weights()

one, two = (trained(scope) for scope in (
    contextlib.nullcontext(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope()))
assert (one[0], two[0]) == (1, 2)
np.testing.assert_allclose(one[1], two[1], rtol=1e-4)
for first, second in zip(one[2], two[2]):
    np.testing.assert_allclose(first, second, atol=1e-5)
"""


@pytest.mark.slow
def test_two_replicas_take_the_step_of_one():
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=600)
