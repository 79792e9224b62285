"""What a file of ml4h tensors holds: instances by visit, and arrays inflated within bounds."""

import math
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from cmae.data.hdf5 import open_untrusted
from cmae.errors import InputError, ReadError
from cmae.readers.foreign import PARSER_FAULTS

FIRST_IMAGING_VISIT = 2
"""UK Biobank's number of the first imaging visit; lower instances count these visits from 0."""

MAX_ARRAY_BYTES = 256 * 2**20
"""Largest array that is read: five times a cine of 512 × 512 pixels × 50 frames in float32."""

_INSTANCE = re.compile(r"instance_([0-9])")
_VISIT = re.compile(r"[0-9]")
_MAX_NAMES = 20_000
_PLAIN_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE}

_TWICE = "A recording lies in the file twice for one visit, in two layouts: one of them was kept."
_UNKNOWN_NAME = (
    "Something beside the recordings is not named instance_<number> or by a visit: left out."
)


@dataclass(frozen=True)
class Instances:
    """The recordings of one kind in a file.

    Attributes:
        by_visit: Where the recording of each visit lies.
        notes: What was left out: the visit (None for the file) and one sentence each.
    """

    by_visit: dict[int, h5py.Dataset]
    notes: tuple[tuple[int | None, str], ...] = ()


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open a file of ml4h tensors, after looking at every link in it.

    Raises:
        ReadError: It is missing, not HDF5, damaged, or refused.
    """
    try:
        with open_untrusted(path, what="The ml4h file") as file:
            yield file
    except ReadError:
        raise
    except InputError as error:
        raise ReadError(str(error)) from error
    except PARSER_FAULTS as error:
        raise ReadError("The ml4h file is damaged: copy or make it again.") from error


def visit_of(instance: int) -> int:
    """Return the visit that an instance number means.

    UK Biobank numbers its visits from 0 and records hearts from visit 2 on; older ml4h files, and
    the folders of cines, have that number. Newer files count the imaging visits from 0. As no
    resting ECG or cine exists of the visits 0 and 1, both can be told apart by the number alone.
    """
    return instance if instance >= FIRST_IMAGING_VISIT else instance + FIRST_IMAGING_VISIT


def children(group: h5py.Group) -> dict[str, h5py.Group | h5py.Dataset]:
    """Return what a group holds by name, in the order of the names.

    Raises:
        ReadError: There are more names than any such file has.
    """
    if len(group) > _MAX_NAMES:
        raise ReadError(f"The ml4h file has more than {_MAX_NAMES:,} names in one group.")
    return {name: group[name] for name in sorted(group)}


def group_in(file: h5py.Group, name: str) -> h5py.Group | None:
    """Return a group inside a group, None where there is none."""
    found = file.get(name)
    return found if isinstance(found, h5py.Group) else None


def instances(node: object) -> Instances:
    """Return the recordings below a node by visit.

    ``<visit>/instance_<k>`` is of that visit, the lowest ``k`` is taken; ``instance_<k>`` is of
    visit ``visit_of(k)``. Where several mean one visit, the first of: the visit's folder, UK
    Biobank's number, the number counted from 0.
    """
    if not isinstance(node, h5py.Group):
        return Instances({})
    ranked: list[tuple[int, int, h5py.Dataset]] = []
    notes: list[tuple[int | None, str]] = []
    for name, item in children(node).items():
        instance = _INSTANCE.fullmatch(name)
        if instance and isinstance(item, h5py.Dataset):
            number = int(instance[1])
            ranked.append((1 if number >= FIRST_IMAGING_VISIT else 2, visit_of(number), item))
        elif _VISIT.fullmatch(name) and isinstance(item, h5py.Group):
            below = [
                child
                for key, child in children(item).items()
                if _INSTANCE.fullmatch(key) and isinstance(child, h5py.Dataset)
            ]
            ranked += [(0, visit_of(int(name)), child) for child in below]
        else:
            notes.append((None, _UNKNOWN_NAME))
    by_visit: dict[int, h5py.Dataset] = {}
    for _, visit, dataset in sorted(ranked, key=lambda entry: entry[0]):
        if visit in by_visit:
            notes.append((visit, _TWICE))
        by_visit.setdefault(visit, dataset)
    return Instances(by_visit, tuple(notes))


def number(dataset: h5py.Dataset) -> float | None:
    """Return the one number that a dataset holds, None where it is not one number."""
    try:
        dtype = _number_type(dataset)
        if dtype is None or dataset.size != 1:
            return None
        if dataset.chunks is not None:
            return float(read_array(dataset, what="A number").ravel()[0])
        value = np.empty(dataset.shape, dtype)
        dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, value)
    except PARSER_FAULTS as error:
        raise ReadError("A number is damaged in the ml4h file: copy or make it again.") from error
    return float(value.ravel()[0])


def text(dataset: h5py.Dataset) -> str | None:
    """Return the one short text of fixed length that a dataset holds, None where it is not that."""
    kind = dataset.dtype
    if dataset.size != 1 or kind.kind != "S" or kind.itemsize > 200 or dataset.chunks:
        return None
    return bytes(dataset[...].ravel()[0]).decode("utf-8", errors="replace")


def read_array(
    dataset: h5py.Dataset, *, what: str, window: tuple[slice, ...] | None = None
) -> NDArray[Any]:
    """Read an array of numbers, or a window of it, each chunk once.

    Chunks are inflated here and not by HDF5, which inflates a chunk as far as it goes: a hostile
    one could fill the memory.

    Args:
        dataset: Integers or floats, plain, or in chunks compressed by gzip, shuffled or not.
        what: What it is, for the message.
        window: Begin and end along each axis, inside the array; None for the whole.

    Returns:
        The array or the window, in the type of the dataset.

    Raises:
        ReadError: Another type or compression, too large, or damaged.
    """
    try:
        return _read_array(dataset, what, window)
    except (*PARSER_FAULTS, OverflowError) as error:
        raise ReadError(f"{what} is damaged in the ml4h file: copy or make it again.") from error


def _read_array(dataset: h5py.Dataset, what: str, window: tuple[slice, ...] | None) -> NDArray[Any]:
    """Read an array or a window of it; raises what h5py and zlib raise."""
    dtype, shape, chunk = _number_type(dataset), dataset.shape, dataset.chunks
    if dtype is None:
        raise ReadError(f"{what} is not stored as plain integers or floats: expected such.")
    if max(math.prod(shape), math.prod(chunk or ())) * dtype.itemsize > MAX_ARRAY_BYTES:
        raise ReadError(
            f"{what} declares more than {MAX_ARRAY_BYTES // 2**20} MiB: no recording needs as much."
        )
    creation = dataset.id.get_create_plist()
    filters = [creation.get_filter(k)[0] for k in range(creation.get_nfilters())]
    window = window or tuple(slice(0, side) for side in shape)
    if chunk is None or not filters:
        return np.asarray(dataset[window])
    if not set(filters) <= _PLAIN_FILTERS or len(set(filters)) < len(filters):
        raise ReadError(f"{what} is compressed in an unknown way: only gzip is read.")
    size = [part.stop - part.start for part in window]
    array = np.full(size, dataset.fillvalue, dtype)
    places: list[tuple[tuple[int, ...], int]] = []
    dataset.id.chunk_iter(lambda stored: places.append((stored.chunk_offset, stored.filter_mask)))
    for offset, mask in places:
        inside, of_chunk = _overlap(offset, chunk, window)
        if not all(part.start < part.stop for part in inside):
            continue
        _, stored = dataset.id.read_direct_chunk(offset)
        applied = [code for k, code in enumerate(filters) if not mask >> k & 1]
        values = _decoded(stored, applied, math.prod(chunk), dtype).reshape(chunk)
        array[inside] = values[of_chunk]
    return array


def _overlap(
    offset: tuple[int, ...], chunk: tuple[int, ...], window: tuple[slice, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return where a chunk and a window meet, counted in the window and in the chunk."""
    inside, of_chunk = [], []
    for at, side, part in zip(offset, chunk, window, strict=True):
        start, stop = max(at, part.start), min(at + side, part.stop)
        inside.append(slice(start - part.start, stop - part.start))
        of_chunk.append(slice(start - at, stop - at))
    return tuple(inside), tuple(of_chunk)


def _decoded(
    stored: bytes, filters: list[int], count: int, dtype: np.dtype[Any]
) -> NDArray[np.generic]:
    """Undo a chunk's filters, last first; never more bytes come out than the chunk may have."""
    size = count * dtype.itemsize
    for code in reversed(filters):
        if code == h5py.h5z.FILTER_DEFLATE:
            inflater = zlib.decompressobj()
            stored = inflater.decompress(stored, size + 1)
            if not inflater.eof:
                raise ValueError("longer than its chunk, or truncated")
        else:
            planes = np.frombuffer(stored, np.uint8).reshape(dtype.itemsize, count)
            stored = np.ascontiguousarray(planes.T).tobytes()
    values: NDArray[np.generic] = np.frombuffer(stored, dtype)
    if values.size != count:
        raise ValueError("shorter than its chunk")
    return values


def _number_type(dataset: h5py.Dataset) -> np.dtype[Any] | None:
    """Return the type of integers or floats that are bit for bit NumPy's, None for all others."""
    try:
        dtype: np.dtype[Any] = dataset.dtype
        if dataset.shape is None or dtype.kind not in "iuf" or dtype.itemsize > 8:
            return None
        return dtype if dataset.id.get_type().equal(h5py.h5t.py_create(dtype)) else None
    except PARSER_FAULTS:
        return None
