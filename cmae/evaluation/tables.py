"""The tables of an evaluation on disk: each is kept as soon as it is made, so that work goes on."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from cmae.data.files import replacing
from cmae.errors import InputError

FOLDER = "tables"
_KEY = "tables.json"

Tidy = dict[str, pd.DataFrame]


class Tables:
    """Tables by name in a folder, each made once for one key.

    Args:
        folder: Folder of the report.
        key: Hash of everything that the tables depend on; those of another key are not taken up.
    """

    def __init__(self, folder: Path, key: str) -> None:
        """Take up what an evaluation with the same key left.

        Raises:
            InputError: The folder holds something else.
        """
        self._folder = folder / FOLDER
        self._key = key
        self._parts: dict[str, list[str]] = {}
        found = self._read_key()
        if found is None:
            if self._folder.is_dir() and any(self._folder.iterdir()):
                raise InputError(
                    f"{self._folder} holds files that are no evaluation's: give another --out."
                )
            self._write_key()
        elif found[0] == key:
            self._parts = found[1]
        else:
            for names in found[1].values():
                for name in names:
                    self.path(name).unlink(missing_ok=True)
            self._write_key()

    def has(self, part: str) -> bool:
        """Tell whether a part is done."""
        return part in self._parts and all(self.path(name).is_file() for name in self._parts[part])

    def made(self, part: str, make: Callable[[], Tidy]) -> Tidy:
        """Return the tables of a part, made now unless an earlier run left them.

        Args:
            part: Name of the part.
            make: Makes its tables by name.

        Returns:
            The tables as they are read back from the files.
        """
        if not self.has(part):
            made = make()
            for name, table in made.items():
                with replacing(self.path(name)) as temporary:
                    table.to_csv(temporary, index=False, float_format="%.7g")
            self._parts[part] = list(made)
            self._write_key()
        return {name: _read(self.path(name)) for name in self._parts[part]}

    def path(self, name: str) -> Path:
        """Return the file of a table."""
        return self._folder / f"{name}.csv"

    def _read_key(self) -> tuple[str, dict[str, list[str]]] | None:
        try:
            found = json.loads((self._folder / _KEY).read_text(encoding="utf-8"))
            key, parts = str(found["key"]), {str(k): list(v) for k, v in found["parts"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        # The file says what may be deleted: only plain names inside the folder.
        names = [name for part in parts.values() for name in part]
        is_sound = all(isinstance(name, str) and name.isidentifier() for name in names)
        return (key, parts) if is_sound else None

    def _write_key(self) -> None:
        with replacing(self._folder / _KEY) as temporary:
            facts = {"key": self._key, "parts": self._parts}
            temporary.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def _read(path: Path) -> pd.DataFrame:
    """Read a table; one without columns is an empty one."""
    try:
        return pd.read_csv(path)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
