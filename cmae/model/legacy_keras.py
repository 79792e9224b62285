"""Models that Keras saved as HDF5 (``.h5``): their arrays and their description, as data alone.

The layout: under ``/model_weights`` a group a layer or submodel, named in order by the attribute
``layer_names`` (long lists are cut into ``layer_names0``, ``layer_names1``, …); in each group the
attribute ``weight_names`` names its arrays in order, such as ``<layer>/kernel:0``; the attribute
``model_config`` of the file is the model's description in JSON. No object is ever made of it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from cmae.data.hdf5 import open_untrusted
from cmae.errors import ReadError

MAX_FILE_BYTES = 512 * 2**20
"""The largest file that is looked at: the whole published model with its optimizer has 180 MB."""

_MAX_CONFIG_BYTES = 16 * 2**20
_MAX_NAMES = 2000
_MAX_NAME_BYTES = 2**30
"""Names without a fixed length may all point at one long text of the file: this bounds their number
times the bytes of the file that are in no array."""

_POINTER = b"version https://git-lfs.github.com/"

_NUMBERED = re.compile(r"^.*conv[123]d(?:_(\d+))?$")


@dataclass(frozen=True, eq=False)
class StoredLayer:
    """One layer of a file.

    Attributes:
        path: Names of the submodels that hold it, and its own.
        datasets: Its arrays by name (``kernel``, ``bias``, ``gamma``, ``beta``), not read yet.
    """

    path: tuple[str, ...]
    datasets: Mapping[str, h5py.Dataset]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array."""
        return {name: tuple(dataset.shape) for name, dataset in self.datasets.items()}

    @property
    def number(self) -> int | None:
        """The number that Keras gave to a convolution when it was made, or None without one."""
        found = _NUMBERED.match(self.path[-1])
        return None if found is None else int(found[1] or 0)


@contextmanager
def open_model(path: Path, *, what: str) -> Iterator[h5py.File]:
    """Open a file for the functions below; what goes wrong inside becomes one sentence.

    Args:
        path: The file.
        what: How messages name it.

    Raises:
        ReadError: It is too large or damaged.
        InputError: It is missing, no HDF5 file, or reaches out of itself.
    """
    if path.is_file() and path.stat().st_size > MAX_FILE_BYTES:
        raise ReadError(
            f"{what} has {path.stat().st_size:,} bytes, but published weights have at most "
            f"{MAX_FILE_BYTES:,}: check that it is the right file."
        )
    if _is_pointer(path):
        raise ReadError(
            f"{what} is only git-lfs's note of where the weights lie: fetch them with "
            "`git lfs pull`, or download the file itself."
        )
    with open_untrusted(path, what=what) as file:
        try:
            yield file
        except (
            OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, MemoryError
        ) as error:  # fmt: skip
            raise ReadError(f"{what} is a damaged HDF5 file: copy or download it again.") from error


def read_layers(file: h5py.File, *, what: str) -> list[StoredLayer]:
    """Find every layer with weights, in the order of the file; no array is read.

    Raises:
        ReadError: The file holds no model, or not what its attributes name.
    """
    root = file.get("model_weights")
    if not isinstance(root, h5py.Group):
        raise ReadError(
            f"{what} holds no group model_weights, so Keras did not save a model in it: "
            "check that it is the published file."
        )
    text_bytes = _bytes_beside_arrays(file)
    found: dict[tuple[str, ...], dict[str, h5py.Dataset]] = {}
    for group_name in _names(root, "layer_names", text_bytes, what):
        group = root.get(group_name)
        if not isinstance(group, h5py.Group):
            raise ReadError(f"{what} lacks a layer that its layer_names list: download it again.")
        for name in _names(group, "weight_names", text_bytes, what):
            dataset = group.get(name)
            if not isinstance(dataset, h5py.Dataset):
                raise ReadError(
                    f"{what} lacks an array that its weight_names list: download it again."
                )
            *layer, weight = name.split("/")
            arrays = found.setdefault((group_name, *layer), {})
            arrays[weight.removesuffix(":0")] = dataset
    return [StoredLayer(path, datasets) for path, datasets in found.items()]


def read_array(dataset: h5py.Dataset, *, what: str) -> NDArray[np.float32]:
    """Read the weights of a dataset whose shape was found right.

    Args:
        dataset: The dataset.
        what: How messages name it.

    Raises:
        ReadError: It holds no floats, or values that are not finite.
    """
    if dataset.dtype.kind != "f":
        raise ReadError(
            f"{what} has no floats but {_kind(dataset.dtype)}: download the file again."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        array: NDArray[np.float32] = np.asarray(dataset[()], np.float32)
    if not np.isfinite(array).all():
        raise ReadError(f"{what} has NaN, infinite or enormous weights: download the file again.")
    return array


def read_config(file: h5py.File, *, what: str) -> Any:  # noqa: ANN401 - any JSON
    """The description of the model as plain JSON, or None where the file has none.

    Raises:
        ReadError: It is no text, too long, or no JSON.
    """
    if "model_config" not in file.attrs:
        return None
    stored = file.attrs.get_id("model_config")
    is_text = h5py.check_string_dtype(stored.dtype) is not None or stored.dtype.kind == "S"
    if stored.shape != () or not is_text or stored.dtype.itemsize > _MAX_CONFIG_BYTES:
        raise ReadError(f"{what} has a model_config that is no text: download it again.")
    text = file.attrs["model_config"]
    if len(text) > _MAX_CONFIG_BYTES:
        raise ReadError(
            f"{what} has a model_config of {len(text):,} characters, but {_MAX_CONFIG_BYTES:,} "
            "are allowed: check that it is the right file."
        )
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"{what} has a model_config that is no JSON: download it again.") from error


def _is_pointer(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_POINTER)) == _POINTER


def _bytes_beside_arrays(file: h5py.File) -> int:
    """How long a text in the file can be at most."""
    stored = 0

    def add(_: str, item: h5py.HLObject) -> None:
        nonlocal stored
        stored += item.id.get_storage_size() if isinstance(item, h5py.Dataset) else 0

    file.visititems(add)
    return max(int(file.id.get_filesize()) - stored, 0)


def _names(group: h5py.Group, attribute: str, text_bytes: int, what: str) -> list[str]:
    """The names that an attribute lists, in order, put together where it was cut."""
    parts = [attribute] if attribute in group.attrs else _parts(group, attribute)
    names: list[str] = []
    for part in parts:
        stored = group.attrs.get_id(part)
        length = stored.shape[0] if stored.shape is not None and len(stored.shape) == 1 else None
        if length == 0:  # NumPy makes an empty list one of floats
            continue
        text = h5py.check_string_dtype(stored.dtype)
        if text is None or length is None or len(names) + length > _MAX_NAMES:
            raise ReadError(
                f"{what} has {attribute} that are no list of at most {_MAX_NAMES} names: "
                "download it again."
            )
        item_bytes = text_bytes if text.length is None else text.length
        if length * item_bytes > _MAX_NAME_BYTES:
            raise ReadError(f"{what} has {attribute} that could fill the memory: it is refused.")
        for name in group.attrs[part]:
            names.append(name.decode("utf-8") if isinstance(name, bytes) else str(name))
    if not parts:
        raise ReadError(
            f"{what} has no {attribute}, which give the order of its weights: download it again."
        )
    return names


def _parts(group: h5py.Group, attribute: str) -> list[str]:
    numbered = (f"{attribute}{k}" for k in count())
    return list(takewhile(lambda name: name in group.attrs, numbered))


def _kind(dtype: np.dtype[Any]) -> str:
    kinds = {"S": "text", "O": "objects", "i": "integers", "u": "integers", "V": "records"}
    return kinds.get(dtype.kind, f"values of type {dtype}")
