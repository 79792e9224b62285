"""What crosses to the browser: packaged assets, and arrays packed into one block of bytes."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_ALIGNMENT = 8
"""Bytes: a typed array of any element size may start at a multiple of this."""


def read_assets(*names: str) -> str:
    """Return packaged asset files joined into one text, in the order given.

    Args:
        names: File names in the folder of this module; shared scripts come before the one that
            exports the component.
    """
    folder = Path(__file__).parent
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def pack(header: Mapping[str, object], arrays: Mapping[str, NDArray[np.generic]]) -> bytes:
    """Pack a small header and arrays into one block: what ``unpack`` in wire.js reads.

    Layout: uint32 length of the JSON, the JSON, then each array little-endian at a multiple of
    8 bytes. The JSON lists name, type, offset and length of each array under ``arrays``.

    Args:
        header: JSON-able facts.
        arrays: Arrays of any shape; types float32, uint8, uint16, uint32 and int32 are read.

    Returns:
        The block; equal input gives equal bytes, so that it is sent to a browser once.
    """
    blocks = {
        name: np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
        for name, array in arrays.items()
    }
    entries: list[dict[str, object]] = []
    offset = 0
    for name, block in blocks.items():
        entries.append(
            {"name": name, "type": block.dtype.name, "offset": offset, "length": int(block.size)}
        )
        offset += _padded(block.nbytes)
    text = json.dumps({**header, "arrays": entries}, allow_nan=False).encode()
    head = len(text).to_bytes(4, "little") + text
    parts = [head.ljust(_padded(len(head)), b" ")]
    parts += [block.tobytes().ljust(_padded(block.nbytes), b"\0") for block in blocks.values()]
    return b"".join(parts)


def _padded(length: int) -> int:
    """Return ``length`` in bytes rounded up to the alignment."""
    return -(-length // _ALIGNMENT) * _ALIGNMENT
