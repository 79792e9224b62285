"""Finished pieces of a long scan, kept beside its results until all are there."""

import json
import shutil
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from cmae.data.files import replacing

FOLDER = "unfinished"
_KEY = "key.json"


class Parts:
    """Results of chunks of variants on disk, of one scan alone.

    Args:
        folder: Folder of the results.
        key: Hash of everything that they depend on; parts of another one are deleted.
    """

    def __init__(self, folder: Path, key: str) -> None:
        """Take up what a stopped scan with the same key left."""
        self._folder = folder / FOLDER
        if _key_of(self._folder) != key:
            self.remove()
            with replacing(self._folder / _KEY) as temporary:
                temporary.write_text(json.dumps({"key": key}), encoding="utf-8")
        self._done = {
            start for start in map(_start_of, self._folder.glob("variants-*.npz")) if start >= 0
        }

    @property
    def starts(self) -> list[int]:
        """Numbers of the first variants of the parts, ascending."""
        return sorted(self._done)

    def has(self, start: int) -> bool:
        """Tell whether the part that begins at a variant is done."""
        return start in self._done

    def write(self, start: int, arrays: dict[str, NDArray[np.generic]]) -> None:
        """Keep a part.

        Raises:
            InputError: The disk is full.
        """
        with replacing(self._path(start)) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        self._done.add(start)

    def read(self, start: int) -> dict[str, NDArray[np.generic]]:
        """Read a part."""
        with np.load(self._path(start), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}

    def remove(self) -> None:
        """Delete all parts; a folder that this class did not make stays as it is."""
        if (self._folder / _KEY).is_file():
            shutil.rmtree(self._folder)
        self._done = set()

    def _path(self, start: int) -> Path:
        return self._folder / f"variants-{start:012d}.npz"


def _key_of(folder: Path) -> str | None:
    try:
        found = json.loads((folder / _KEY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found.get("key") if isinstance(found, dict) else None


def _start_of(path: Path) -> int:
    """Return the first variant of a part, -1 if it cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return int(path.stem.removeprefix("variants-")) if "reason" in arrays.files else -1
    except (OSError, ValueError, BadZipFile):
        return -1
