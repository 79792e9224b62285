"""Parts: immutable HDF5 files of recordings, written in a stream, read by their file offsets."""

import os
import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from cmae.data.files import explained, sync
from cmae.data.hdf5 import open_untrusted
from cmae.data.modality import Modality
from cmae.errors import CohortError, InputError

PART_BYTES = 512 * 2**20
"""A part is closed once it holds this many bytes of recordings."""

DATASET = "recordings"
_MAX_OPEN_FILES = 128


class PartWriter:
    """Writes one part, a recording at a time, holding none of them in memory."""

    def __init__(self, path: Path, modality: Modality, dtype: np.dtype[Any]) -> None:
        """Make the file.

        Args:
            path: Where; must not exist.
            modality: What the recordings are.
            dtype: Type of all recordings of this part.
        """
        self.path = path
        self.dtype = np.dtype(dtype)
        self._shape = modality.shape
        recording_bytes = int(np.prod(modality.shape)) * self.dtype.itemsize
        self._capacity = max(1, PART_BYTES // recording_bytes)
        self._count = 0
        with explained(path):
            self._file = h5py.File(path, "x")
            self._file.attrs.update(
                {"format": "cmae-recordings", "modality": modality.name, "unit": modality.unit}
            )
            self._dataset = self._file.create_dataset(
                DATASET,
                shape=(self._capacity, *modality.shape),
                maxshape=(self._capacity, *modality.shape),
                chunks=(1, *modality.shape),
                dtype=self.dtype,
            )

    @property
    def is_full(self) -> bool:
        """Whether another recording needs another part."""
        return self._count >= self._capacity

    def append(self, recording: NDArray[Any]) -> int:
        """Write one recording of the part's type and shape; return its index in the part."""
        index = self._count
        contiguous = np.ascontiguousarray(recording, dtype=self.dtype)
        with explained(self.path):
            self._dataset.id.write_direct_chunk((index, *(0 for _ in self._shape)), contiguous)
        self._count += 1
        return index

    def finish(self) -> None:
        """Close the file with exactly the recordings that it got, and see it on the disk."""
        with explained(self.path):
            self._dataset.resize(self._count, axis=0)
            self._file.close()
            sync(self.path)

    def discard(self) -> None:
        """Close the file; what it holds does not matter any more."""
        try:
            self._file.close()
        except (OSError, RuntimeError, ValueError):  # a full disk fails here a second time
            return


@dataclass(frozen=True)
class Part:
    """Where the recordings of one part lie.

    Attributes:
        dtype: Type of a stored recording.
        shape: Shape of one recording.
        offsets: (n,) byte offset of each recording in the file.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of recordings."""
        return len(self.offsets)


class PartReader:
    """Reads recordings of the parts in one folder; may be shared by threads, forked and pickled.

    HDF5 is asked once a part where its recordings lie; after that, each is one positioned read
    into the array that it belongs to, outside the HDF5 library and its lock.
    """

    def __init__(self, folder: Path) -> None:
        """Remember the folder; nothing is opened yet."""
        self._folder = folder
        self._reset()

    def __reduce__(self) -> tuple[type[Self], tuple[Path]]:
        """Return what pickle needs: files and locks are made anew."""
        return type(self), (self._folder,)

    def part(self, name: str, modality: Modality) -> Part:
        """Return where the recordings of a part lie, after checking it once.

        Raises:
            CohortError: The part is missing, damaged, or does not hold such recordings.
        """
        self._renew_after_fork()
        key = (name, modality.name)
        found = self._parts.get(key)
        if found is None:
            found = self._parts[key] = _locate(self._folder / name, modality)
        return found

    def read_into(self, name: str, part: Part, index: int, out: NDArray[Any]) -> None:
        """Read one recording into a contiguous array of the part's type and shape.

        Raises:
            CohortError: The part is gone or shorter than it was.
        """
        file = self._open(name)
        view = memoryview(out.data).cast("B")
        offset = int(part.offsets[index])
        while view:
            got = os.preadv(file.number, [view], offset)
            if got == 0:
                raise CohortError(
                    f"{self._folder / name} became shorter while it was read: open it again."
                )
            view, offset = view[got:], offset + got

    def _open(self, name: str) -> "_OpenFile":
        self._renew_after_fork()
        with self._lock:
            file = self._files.get(name)
            if file is not None:
                self._files.move_to_end(name)
                return file
            try:
                file = _OpenFile(self._folder / name)
            except OSError as error:
                raise CohortError(
                    f"{self._folder / name} is gone or cannot be read: another process may have "
                    "changed the cohort; open it again."
                ) from error
            self._files[name] = file
            if len(self._files) > _MAX_OPEN_FILES:
                self._files.popitem(last=False)  # closed once no thread reads from it any more
            return file

    def _reset(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._parts: dict[tuple[str, str], Part] = {}
        self._files: OrderedDict[str, _OpenFile] = OrderedDict()

    def _renew_after_fork(self) -> None:
        if os.getpid() != self._process:  # a lock that a thread of the parent held stays locked
            self._reset()


class _OpenFile:
    """A file descriptor that lives as long as somebody holds this object."""

    def __init__(self, path: Path) -> None:
        self.number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self.number)


def _locate(path: Path, modality: Modality) -> Part:
    if not path.is_file():
        raise CohortError(
            f"{path} is named in the cohort's table but is not there: restore it, "
            "or make the cohort again."
        )
    try:
        with open_untrusted(path) as file:
            dataset = file.get(DATASET)
            if not isinstance(dataset, h5py.Dataset):
                raise CohortError(f"{path} is not a part of a cohort: it lacks {DATASET!r}.")
            return _locate_in(dataset, modality, path)
    except CohortError:
        raise
    except InputError as error:
        raise CohortError(str(error)) from error
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise CohortError(f"{path} is damaged: restore it, or make the cohort again.") from error


def _locate_in(dataset: h5py.Dataset, modality: Modality, path: Path) -> Part:
    dtype, shape = dataset.dtype, modality.shape
    is_kind_right = dtype.kind == "f" or (dtype.kind in "iu" and modality.is_integer_allowed)
    if dataset.shape[1:] != shape or not is_kind_right:
        raise CohortError(
            f"{path} holds {dtype} of shape {dataset.shape}, but the recordings of an "
            f"{modality.title} have shape {shape}: it is not a part of this kind."
        )
    is_plain = (
        dataset.chunks == (1, *shape)
        and dataset.id.get_create_plist().get_nfilters() == 0
        and dtype.isnative
        and dataset.file.userblock_size == 0
    )
    if not is_plain:
        raise CohortError(
            f"{path} is not stored as one plain chunk a recording: make the cohort again with cmae."
        )
    recording_bytes = int(np.prod(shape)) * dtype.itemsize
    if dataset.shape[0] * recording_bytes > path.stat().st_size:
        raise CohortError(f"{path} lacks some of its recordings: it is damaged or truncated.")
    offsets = np.full(dataset.shape[0], -1, dtype=np.int64)

    def note(chunk: Any) -> None:  # noqa: ANN401 - h5py's StoreInfo has no stubs
        if chunk.size == recording_bytes and chunk.chunk_offset[0] < len(offsets):
            offsets[chunk.chunk_offset[0]] = chunk.byte_offset

    if len(offsets):
        dataset.id.chunk_iter(note)
    if (offsets < 0).any() or (offsets + recording_bytes > path.stat().st_size).any():
        raise CohortError(f"{path} lacks some of its recordings: it is damaged or truncated.")
    return Part(dtype, shape, offsets)
