"""Weights as named arrays in a safetensors file: ``<part>/<layer>/<weight>``."""

import math
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from cmae.data.files import replacing
from cmae.errors import RunError

FLOAT_TYPES = {"F16", "F32"}


class Parted(Protocol):
    """A model whose weights lie in named parts (``CrossModalAutoencoder`` is one)."""

    @property
    def parts(self) -> dict[str, keras.layers.Layer]:
        """The parts that hold weights, by the name that they have in a run's files."""


def weight_variables(model: Parted) -> dict[str, Any]:
    """Every weight of a model by its key, in a fixed order.

    Keras' own ``variable.path`` leaves the part out, so keys of an encoder and a decoder would
    collide and arrays would be lost in silence.

    Raises:
        RunError: Two weights have one key.
    """
    variables: dict[str, Any] = {}
    for part_name, part in model.parts.items():
        layers = part.layers if isinstance(part, keras.Model) else [part]
        for layer in layers:
            for variable in layer.weights:
                key = f"{part_name}/{layer.name}/{variable.name}"
                if key in variables:
                    raise RunError(f"Two weights share the key {key}: name every layer once.")
                variables[key] = variable
    return variables


def save_weights(model: Parted, path: Path, *, dtype: str = "float32") -> None:
    """Write the weights of a model.

    Args:
        model: The model.
        path: The file to write or replace.
        dtype: ``float32``, or ``float16`` for runs that are shipped.

    Raises:
        RunError: A weight is not finite, or does not fit the type.
    """
    arrays = {
        key: keras.ops.convert_to_numpy(variable.value).astype(dtype)
        for key, variable in weight_variables(model).items()
    }
    broken = [key for key, array in arrays.items() if not np.isfinite(array).all()]
    if broken:
        raise RunError(
            f"{len(broken)} weights are not finite as {dtype} (first {broken[0]}): the training "
            "diverged; lower the learning rate."
        )
    with replacing(path) as temporary:
        temporary.write_bytes(save(arrays))


def load_weights(model: Parted, path: Path, *, parts: set[str] | None = None) -> None:
    """Read weights into a model; every key and every shape must fit.

    Args:
        model: The model, built from the settings that the weights were saved with.
        path: A file of ``save_weights``.
        parts: Read only these parts; all by default. Other parts of the file are not looked at.

    Raises:
        RunError: The file is missing or damaged, or its weights do not fit the model.
    """
    variables = {
        key: variable
        for key, variable in weight_variables(model).items()
        if parts is None or key.partition("/")[0] in parts
    }
    arrays = _read(path, {key: tuple(v.shape) for key, v in variables.items()}, parts)
    for key, variable in variables.items():
        variable.assign(arrays[key])


def _read(
    path: Path, shapes: dict[str, tuple[int, ...]], parts: set[str] | None
) -> dict[str, NDArray[np.float32]]:
    """The arrays of a file, after their names, types and sizes were found right."""
    try:
        with safe_open(path, framework="numpy") as file:
            found = {
                key: file.get_slice(key)
                for key in file.keys()  # noqa: SIM118 - not a mapping
                if parts is None or key.partition("/")[0] in parts
            }
            lacking, unknown = set(shapes) - set(found), set(found) - set(shapes)
            if lacking or unknown:
                key = sorted(lacking or unknown)[0]
                raise RunError(
                    f"{path.name} does not fit the settings of its run: {len(lacking)} weights "
                    f"are missing and {len(unknown)} are unknown (first {key}); "
                    "use the settings that were saved with it."
                )
            for key, shape in shapes.items():
                stored, kind = tuple(found[key].get_shape()), found[key].get_dtype()
                if stored != shape or kind not in FLOAT_TYPES:
                    raise RunError(
                        f"{path.name} does not fit the settings of its run: {key} is "
                        f"{kind} {stored} in the file, but {shape} in the network; "
                        "use the settings that were saved with it."
                    )
            arrays = {key: file.get_tensor(key).astype(np.float32) for key in shapes}
    except FileNotFoundError as error:
        raise RunError(f"{path} does not exist: give the folder of a finished run.") from error
    except (SafetensorError, OSError) as error:
        raise RunError(
            f"{path.name} is no readable safetensors file (truncated or damaged): "
            "copy the run again."
        ) from error
    for key, array in arrays.items():
        if not np.isfinite(array).all():
            raise RunError(f"{path.name} holds values that are not finite in {key}: train again.")
    return arrays


def count_parameters(model: Parted) -> dict[str, int]:
    """Numbers of trained parameters by part."""
    return {
        name: sum(math.prod(variable.shape) for variable in part.trainable_variables)
        for name, part in model.parts.items()
    }
