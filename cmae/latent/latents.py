"""Latents: the file that holds a cohort's latents, opened for reading."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.data.hdf5 import open_untrusted
from cmae.errors import LatentsError

FORMAT = "cmae-latents"
FORMAT_NUMBER = 1

KINDS = ("ecg", "mri", "joint")
"""The kinds of latent, in the order in which files and tables list them."""

Floats = NDArray[np.float32]
Array = NDArray[Any]
Number = TypeVar("Number", bound=np.generic)


class LazyArrays(Mapping[str, NDArray[Number]], Generic[Number]):
    """Arrays by name, each read from the file when it is first asked for, and read-only.

    Args:
        names: The names there are.
        read: Reads the array of a name.
    """

    def __init__(self, names: tuple[str, ...], read: Callable[[str], NDArray[Any]]) -> None:
        """Remember the names; nothing is read yet."""
        self._names = names
        self._read = read
        self._arrays: dict[str, NDArray[Number]] = {}

    def __getitem__(self, name: str) -> NDArray[Number]:
        """Return the array of a name."""
        if name not in self._names:
            raise KeyError(name)
        if name not in self._arrays:
            array = self._read(name)
            array.flags.writeable = False
            self._arrays[name] = array
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._names)


@dataclass(frozen=True, eq=False)
class Latents:
    """The latents of a cohort: row i belongs to row i of the cohort that was embedded.

    Attributes:
        path: The file.
        keys: ``participant_id`` (str) and ``visit`` (int), one row a row of the cohort.
        latent_dim: Numbers in a latent.
        latents: By kind (``ecg``, ``mri``, ``joint``), ``(N, latent_dim)`` float32, read when
            first asked for. What stands in a row where ``present`` is false means nothing
            (it is NaN, so that forgetting the mask shows).
        present: By kind, ``(N,)`` bool: whether the row has that latent.
        maps: By name and kind, positions ``(N, 2)`` float32, NaN where absent.
        map_settings: By name of a map, the settings that made it.
        map_arrays: By name of a map, the arrays needed to place new points (PCA: ``mean``
            ``(latent_dim,)`` and ``components`` ``(2, latent_dim)``).
        neighbours: By ``<query>_<target>``, row numbers of the nearest targets of each query,
            ``(N, k)`` int32, nearest first, -1 where there is none.
        run_fingerprint: Fingerprint of the run that encoded.
        cohort_fingerprint: Fingerprint of the cohort that was encoded.
        is_simulated: Whether any participant is simulated.
        shard: (number, of how many), counted from 1, or None for a whole cohort.
        first_row: Row of the cohort that row 0 of this file belongs to (0 unless a shard).
    """

    path: Path
    keys: pd.DataFrame
    latent_dim: int
    latents: Mapping[str, Floats]
    present: dict[str, NDArray[np.bool_]]
    maps: dict[str, dict[str, Floats]]
    map_settings: dict[str, dict[str, object]]
    map_arrays: dict[str, dict[str, Array]]
    neighbours: Mapping[str, NDArray[np.int32]]
    run_fingerprint: str
    cohort_fingerprint: str
    is_simulated: bool
    shard: tuple[int, int] | None
    first_row: int

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.keys)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of latent in this file."""
        return tuple(self.present)

    @classmethod
    def open(cls, path: Path | str) -> "Latents":
        """Open a latents file.

        Args:
            path: File written by ``cmae embed``, ``cmae merge`` or ``cmae map``.

        Returns:
            The latents; the large arrays are read when first asked for.

        Raises:
            LatentsError: The file is missing, damaged, foreign, or of another format.
        """
        path = Path(path)
        if path.is_dir():
            raise LatentsError(
                f"{path} is a folder, not a latents file: give the file that `cmae embed` wrote."
            )
        if not path.is_file():
            raise LatentsError(f"There is no latents file {path}: make one with `cmae embed`.")
        with open_untrusted(path) as file:
            check_format(file, path)
            try:
                return _load(file, path)
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                raise LatentsError(
                    f"The latents file {path} lacks a part that it must have ({error}): "
                    "make it again with `cmae embed`."
                ) from error

    def read(self, kind: str, start: int, stop: int) -> Floats:
        """Read some rows of one kind of latent, without keeping them.

        Args:
            kind: ``ecg``, ``mri`` or ``joint``.
            start: First row.
            stop: Row after the last.

        Returns:
            ``(stop - start, latent_dim)`` float32.
        """
        with open_untrusted(self.path) as file:
            _check_unchanged(file, self.path, self.run_fingerprint, self.cohort_fingerprint)
            rows: Floats = file[kind][start:stop]
            return rows


def check_format(file: h5py.File, path: Path) -> None:
    """Raise LatentsError unless an open file is a latents file that this version reads.

    Args:
        file: The open file.
        path: Its path, for the message.
    """
    name, number = file.attrs.get("format"), file.attrs.get("format_number")
    if name != FORMAT:
        raise LatentsError(
            f"{path} is an HDF5 file but not a latents file (format {name!r}, expected "
            f"{FORMAT!r}): give a file made by `cmae embed`."
        )
    if number != FORMAT_NUMBER:
        raise LatentsError(
            f"The latents file {path} has format number {number}, but this version reads "
            f"{FORMAT_NUMBER}: make it again with `cmae embed`, or use the cmae that wrote it."
        )


def _load(file: h5py.File, path: Path) -> Latents:
    """Read everything small, checked, and prepare everything large."""
    latent_dim = int(file.attrs["latent_dim"])
    fingerprints = (str(file.attrs["run_fingerprint"]), str(file.attrs["cohort_fingerprint"]))
    identifiers = np.char.decode(file["rows/participant_id"][()], "utf-8").astype(object)
    keys = pd.DataFrame({"participant_id": identifiers, "visit": file["rows/visit"][()]})
    present = {kind: file["present"][kind][()].astype(bool) for kind in KINDS if kind in file}
    _check_shapes(file, path, present, (len(keys), latent_dim))
    groups = dict(file["maps"].items()) if "maps" in file else {}
    maps = {
        name: {kind: group[kind][()] for kind in KINDS if kind in group}
        for name, group in groups.items()
    }
    if any(found.shape != (len(keys), 2) for kinds in maps.values() for found in kinds.values()):
        raise ValueError("positions of a map that are not (rows, 2)")
    shard = file.attrs.get("shard")

    def read(name: str) -> Array:
        with open_untrusted(path) as again:
            _check_unchanged(again, path, *fingerprints)
            array: Array = again[name][()]
            return array

    neighbours = tuple(file["neighbours"]) if "neighbours" in file else ()
    return Latents(
        path=path,
        keys=keys,
        latent_dim=latent_dim,
        latents=LazyArrays[np.float32](tuple(present), read),
        present=present,
        maps=maps,
        map_settings={
            name: {key: _plain(value) for key, value in group.attrs.items()}
            for name, group in groups.items()
        },
        map_arrays={
            name: {key: group[key][()] for key in group if key not in KINDS}
            for name, group in groups.items()
        },
        neighbours=LazyArrays[np.int32](neighbours, lambda name: read(f"neighbours/{name}")),
        run_fingerprint=fingerprints[0],
        cohort_fingerprint=fingerprints[1],
        is_simulated=bool(file.attrs["is_simulated"]),
        shard=None if shard is None else (int(shard[0]), int(shard[1])),
        first_row=int(file.attrs.get("first_row", 0)),
    )


def _check_shapes(
    file: h5py.File, path: Path, present: dict[str, NDArray[np.bool_]], shape: tuple[int, int]
) -> None:
    for kind, mask in present.items():
        data = file[kind]
        if data.shape != shape or data.dtype != np.float32:
            raise LatentsError(
                f"In the latents file {path} the {kind} latents are {data.shape} {data.dtype}, "
                f"expected {shape} float32: make it again with `cmae embed`."
            )
        if mask.shape != shape[:1]:
            raise ValueError(f"presence of {kind} for {len(mask)} of {shape[0]} rows")


def _check_unchanged(file: h5py.File, path: Path, run: str, cohort: str) -> None:
    now = (file.attrs.get("run_fingerprint"), file.attrs.get("cohort_fingerprint"))
    if now != (run, cohort):
        raise LatentsError(
            f"The latents file {path} was replaced by that of another run or cohort while it "
            "was in use: open it again."
        )


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value
