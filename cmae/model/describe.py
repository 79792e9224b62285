"""What a run's networks are: layers, parameters, operations, and speed on this machine."""

import math
import statistics
import time
from typing import Any

import keras
import numpy as np

from cmae.model.run import Run
from cmae.model.weights import count_parameters

SPEED_BATCH = 32
SPEED_REPEATS = 3


def describe(run: Run, *, with_speed: bool = True) -> dict[str, Any]:
    """Describe every part of a run, ready for JSON.

    Args:
        run: The run.
        with_speed: Whether to time each encoder and decoder here, which takes some seconds.

    Returns:
        ``parts`` by name: ``parameters``, ``operations`` (multiply-adds a recording), ``layers``
        (``name``, ``kind``, ``shape``, ``parameters``, ``operations``) and, where timed,
        ``recordings_per_s`` (median of batches of 32 in float32).
    """
    parameters = count_parameters(run.model)
    parts: dict[str, Any] = {}
    for name, part in run.model.parts.items():
        layers = [_layer(layer) for layer in part.layers] if _is_network(part) else []
        parts[name] = {
            "parameters": parameters[name],
            "operations": sum(layer["operations"] for layer in layers),
            "layers": layers,
        }
        if with_speed and _is_network(part):
            parts[name]["recordings_per_s"] = round(_recordings_per_s(part), 1)
    return {
        "latent_dim": run.latent_dim,
        "modalities": list(run.modalities),
        "parameters": sum(parameters.values()),
        "parts": parts,
    }


def _is_network(part: keras.layers.Layer) -> bool:
    return isinstance(part, keras.Model)


def _layer(layer: keras.layers.Layer) -> dict[str, Any]:
    shape = tuple(layer.output.shape[1:])
    return {
        "name": layer.name,
        "kind": type(layer).__name__,
        "shape": list(shape),
        "parameters": layer.count_params(),
        "operations": _multiply_adds(layer, shape),
    }


def _multiply_adds(layer: keras.layers.Layer, shape: tuple[int, ...]) -> int:
    """Multiply-adds of a convolution or a dense layer for one recording; others count as 0."""
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return 0
    return int(math.prod(kernel.shape)) * math.prod(shape[:-1])


def _recordings_per_s(part: keras.Model) -> float:
    batch = np.zeros((SPEED_BATCH, *part.input_shape[1:]), np.float32)
    part.predict_on_batch(batch)
    seconds = []
    for _ in range(SPEED_REPEATS):
        start = time.perf_counter()
        part.predict_on_batch(batch)
        seconds.append(time.perf_counter() - start)
    return SPEED_BATCH / statistics.median(seconds)
