"""The devices of one machine: the only place that knows which framework is underneath Keras."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import keras

from cmae.errors import SettingsError
from train.experiment import Numerics
from train.memory import keep_memory

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def prepared(numerics: Numerics, *, seed: int) -> Iterator[None]:
    """Set precision, seeds and determinism, and take all GPUs of this machine.

    The precision is that of models built inside; afterwards it is what it was before.

    Args:
        numerics: How numbers are computed.
        seed: Of all random numbers of Keras, NumPy and Python.

    Yields:
        Nothing: the model must be built and compiled inside.

    Raises:
        SettingsError: Deterministic operations are asked for and the backend has none.
    """
    keep_memory()
    keras.utils.set_random_seed(seed)
    backend = keras.backend.backend()
    if numerics.deterministic and backend not in ("tensorflow", "jax"):
        raise SettingsError(
            f"numerics.deterministic is not supported with the {backend} backend: "
            "use tensorflow or jax."
        )
    if backend == "jax" and _num_gpus() > 1:
        keras.distribution.set_distribution(keras.distribution.DataParallel())
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(numerics.precision)
    try:
        with _tensorflow(numerics) if backend == "tensorflow" else contextlib.nullcontext():
            yield
    finally:
        keras.config.set_dtype_policy(policy)


def _num_gpus() -> int:
    """GPUs that Keras sees; asked for GPUs alone, JAX raises where there is none."""
    return sum(name.startswith("gpu") for name in keras.distribution.list_devices())


def _tensorflow(numerics: Numerics) -> contextlib.AbstractContextManager[Any]:
    import tensorflow as tf  # noqa: PLC0415 - only where it is the backend

    if numerics.deterministic:
        tf.config.experimental.enable_op_determinism()
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if len(gpus) > 1:
        logger.info("Training on %d GPUs of this machine.", len(gpus))
        scope: contextlib.AbstractContextManager[Any] = tf.distribute.MirroredStrategy().scope()
        return scope
    return contextlib.nullcontext()


def num_replicas() -> int:
    """Devices that each get a share of a batch, inside the context of ``prepared``."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf  # noqa: PLC0415 - only where it is the backend

    return int(tf.distribute.get_strategy().num_replicas_in_sync)
