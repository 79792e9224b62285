"""The state of an unfinished stage on disk: written whole or not at all, and removed at success."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from cmae.data.files import replacing_folder
from cmae.errors import RunError
from cmae.model.weights import Parted, weight_variables
from train.schedule import Progress

FOLDER = "checkpoint"
FORMAT_NUMBER = 1

Arrays = dict[str, NDArray[Any]]


class Trained(Parted, Protocol):
    """A Keras model in named parts, with its optimizer and its random state."""

    optimizer: Any
    dropout_seed: keras.random.SeedGenerator
    fit: Any


@dataclass(frozen=True)
class Checkpoint:
    """What a stage needs to go on as if it had never stopped.

    Attributes:
        progress: Epochs, best loss, learning rate.
        history: A row an epoch.
        best: The weights of the best epoch, by key; empty before the first.
        identity: What must not have changed: the settings and the cohort.
    """

    progress: Progress
    history: list[dict[str, float]]
    best: Arrays
    identity: Mapping[str, str]

    def save(self, run: Path, model: Trained) -> None:
        """Write this, the weights, the optimizer and the random state beside the run."""
        with replacing_folder(run / FOLDER) as folder:
            save_file(_state(model), folder / "state.safetensors")
            save_file(dict(self.best), folder / "best.safetensors")
            facts = {
                "format_number": FORMAT_NUMBER,
                "progress": self.progress.to_mapping(),
                "history": self.history,
                "identity": dict(self.identity),
            }
            (folder / "state.json").write_text(json.dumps(facts), encoding="utf-8")


def exists(run: Path) -> bool:
    """Whether a run folder holds an unfinished stage."""
    return (run / FOLDER / "state.json").is_file()


def remove(run: Path) -> None:
    """Remove the checkpoint of a finished stage."""
    shutil.rmtree(run / FOLDER, ignore_errors=True)


def restore(run: Path, model: Trained, identity: Mapping[str, str]) -> Checkpoint:
    """Read a checkpoint into a model that was built and compiled from the same settings.

    Args:
        run: The run folder.
        model: The model; its weights, optimizer and random state are set.
        identity: The settings and the cohort of this training.

    Raises:
        RunError: The checkpoint is damaged, or belongs to other settings or another cohort.
    """
    folder = run / FOLDER
    try:
        facts = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        stored = load_file(folder / "state.safetensors")
        best = load_file(folder / "best.safetensors")
        number = facts["format_number"]
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise RunError(
            f"{folder} is damaged: delete it and train again, or restore it from a copy."
        ) from error
    if number != FORMAT_NUMBER:
        raise RunError(f"{folder} has format number {number}; this version reads {FORMAT_NUMBER}.")
    for name, value in identity.items():
        if facts["identity"].get(name) != value:
            raise RunError(
                f"{folder} was written with another {name}: resume with the same one, or train "
                "into another folder."
            )
    targets = _variables(model)
    shapes = {key: tuple(array.shape) for key, array in stored.items()}
    if shapes != {key: tuple(variable.shape) for key, variable in targets.items()}:
        raise RunError(f"{folder} does not fit these networks: train into another folder.")
    for key, variable in targets.items():
        variable.assign(stored[key])
    return Checkpoint(
        progress=Progress.from_mapping(facts["progress"]),
        history=facts["history"],
        best=best,
        identity=identity,
    )


def weights(model: Trained) -> Arrays:
    """A copy of the weights, by key."""
    return {
        key: np.array(keras.ops.convert_to_numpy(variable.value))
        for key, variable in weight_variables(model).items()
    }


def assign_weights(model: Trained, arrays: Arrays) -> None:
    """Set the weights from a copy."""
    for key, variable in weight_variables(model).items():
        variable.assign(arrays[key])


def _state(model: Trained) -> Arrays:
    return {
        key: np.atleast_1d(keras.ops.convert_to_numpy(variable.value)).reshape(variable.shape)
        for key, variable in _variables(model).items()
    }


def _variables(model: Trained) -> dict[str, Any]:
    """Weights, random state and optimizer, each under its own key."""
    variables = {f"model/{key}": value for key, value in weight_variables(model).items()}
    variables["dropout_seed"] = model.dropout_seed.state
    for k, variable in enumerate(model.optimizer.variables):
        variables[f"optimizer/{k:04d}"] = variable
    return variables
