"""HDF5 files that come from elsewhere: opened only if reading them is safe."""

import math
from pathlib import Path

import h5py

from cmae.errors import InputError

_FREE_BYTES = 16 * 2**20
"""A dataset up to this size may be compressed as far as it will go."""

_MAX_RATIO = 200
"""Beyond that, a dataset may be this many times as large as what is stored of it."""

_MAX_OBJECTS = 20_000
"""Looking at so many takes seconds."""


class _RefusedError(Exception):
    """What is wrong with the file, without its name."""


def open_untrusted(path: Path, *, what: str | None = None) -> h5py.File:
    """Open an HDF5 file for reading after looking at every link and dataset in it.

    Refused are external links, links of unknown kinds, soft links that lead nowhere in the file,
    external storage, virtual datasets, and shapes or chunks far larger than what is stored: they
    read other files, or fill the memory.

    Args:
        path: The file.
        what: How messages name the file, where its name may be an identifier.

    Returns:
        The open file; use it as a context manager.

    Raises:
        InputError: The file is missing, truncated, not HDF5, or refused.
    """
    path = Path(path)
    name = what or str(path)
    if not path.is_file():
        raise InputError(f"{name} is missing or not a file: check the path.")
    try:
        file = h5py.File(path, "r", locking=False)
    except (OSError, RuntimeError, ValueError) as error:
        is_hdf5 = _has_signature(path)
        raise InputError(
            f"{name} is {'a damaged or truncated' if is_hdf5 else 'not an'} HDF5 file: "
            f"{'copy or make it again' if is_hdf5 else 'check that it is the right file'}."
        ) from error
    try:
        _inspect(file, path.stat().st_size)
    except _RefusedError as refused:
        file.close()
        raise InputError(f"{name} is refused: {refused}.") from None
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        file.close()
        raise InputError(f"{name} is a damaged HDF5 file: copy or make it again.") from error
    except BaseException:
        file.close()
        raise
    return file


def _has_signature(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8) == b"\x89HDF\r\n\x1a\n"


def _inspect(file: h5py.File, file_bytes: int) -> None:
    """Raise _RefusedError where a link or a dataset is not what a plain file holds."""
    seen: set[int] = set()
    soft_links: list[tuple[h5py.Group, bytes]] = []
    groups = [file["/"]]
    while groups:
        group = groups.pop()
        for name in group.id:
            link = group.id.links.get_info(name)
            kind = link.type
            if kind == h5py.h5l.TYPE_SOFT:
                soft_links.append((group, name))
                continue
            if kind == h5py.h5l.TYPE_EXTERNAL:
                raise _RefusedError("it holds an external link, which would read another file")
            if kind != h5py.h5l.TYPE_HARD:
                raise _RefusedError("it holds a link of an unknown kind")
            if link.u in seen:  # the address, which costs a tenth of asking the object for it
                continue
            seen.add(link.u)
            if len(seen) > _MAX_OBJECTS:
                raise _RefusedError(f"it holds more than {_MAX_OBJECTS:,} objects")
            item = h5py.h5o.open(group.id, name)
            if isinstance(item, h5py.h5g.GroupID):
                groups.append(h5py.Group(item))
            elif isinstance(item, h5py.h5d.DatasetID):
                _inspect_dataset(item, file_bytes)
    for group, name in soft_links:
        # With no external link in the file, a soft link can only lead into it, or nowhere.
        try:
            h5py.h5o.open(group.id, name)
        except (KeyError, RuntimeError):
            raise _RefusedError("it holds a soft link that leads to nothing in the file") from None


def _inspect_dataset(dataset: h5py.h5d.DatasetID, file_bytes: int) -> None:
    creation = dataset.get_create_plist()
    layout = creation.get_layout()
    if layout == h5py.h5d.VIRTUAL:
        raise _RefusedError("it holds a virtual dataset, which would read other files")
    if layout != h5py.h5d.CHUNKED and creation.get_external_count():
        raise _RefusedError("it holds external storage, which would read other files")
    item_bytes = dataset.get_type().get_size()
    declared = math.prod(dataset.shape) * item_bytes
    if layout == h5py.h5d.CHUNKED:
        declared = max(declared, math.prod(creation.get_chunk()) * item_bytes)
    stored = min(dataset.get_storage_size(), file_bytes)
    if declared > max(_FREE_BYTES, _MAX_RATIO * stored):
        raise _RefusedError(
            f"a dataset declares {declared:,} bytes where {stored:,} are stored, "
            "so reading it could fill the memory"
        )
