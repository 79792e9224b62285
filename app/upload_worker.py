"""An upload is read in a process of its own: a file that hangs, or kills it, is refused.

It is started as python -m app.upload_worker FOLDER, and leaves what it read in the folder.
"""

import json
import os
import resource
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

import cmae
from app.uploads import Declared, Received, Recording, read_folder
from cmae.errors import ReadError

READING_S = 120.0
"""Longest that reading an upload may take."""

MAX_MEMORY_BYTES = 6 * 2**30
"""Address space of the process."""

_ASKED, _FOUND = "asked.json", "found.json"


def read_apart(folder: Path, declared: Declared) -> Received:
    """Read what was unpacked into a folder, in a process of its own.

    Args:
        folder: As ``uploads.unpack`` leaves it; private.
        declared: What a person says of files that leave it open.

    Returns:
        The recordings that could be read, and a sentence for whatever could not.

    Raises:
        ReadError: Reading took too long, or ended the process.
    """
    (folder / _ASKED).write_text(json.dumps(asdict(declared)), encoding="utf-8")
    package = Path(str(cmae.__file__)).parents[1]
    path = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")]))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "app.upload_worker", str(folder)],
            check=False,
            timeout=READING_S,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # what parsers print may name a participant
            env={**os.environ, "PYTHONPATH": path},
        )
    except subprocess.TimeoutExpired as error:
        raise ReadError(
            f"Reading the upload took more than {READING_S:g} s, so it was given up."
        ) from error
    if done.returncode != 0:
        raise ReadError(
            "Reading the upload ended the process: a file is damaged, or needs much memory."
        )
    return _read_found(folder)


def _read_found(folder: Path) -> Received:
    """Read what the process left."""
    found = json.loads((folder / _FOUND).read_text(encoding="utf-8"))
    recordings = [
        Recording(
            each["modality"],
            np.load(folder / f"found-{number}.npy", allow_pickle=False),
            each["values"],
            tuple(each["flags"]),
            each["reason"],
        )
        for number, each in enumerate(found["recordings"])
    ]
    cines = [each for each in recordings if each.modality == "mri"]
    return Received(
        tuple(each for each in recordings if each.modality == "ecg"),
        cines[0] if cines else None,
        tuple(found["problems"]),
    )


def main(folder: Path) -> None:
    """Read the files in a folder and leave what was found beside them.

    Args:
        folder: As ``uploads.unpack`` leaves it.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    declared = Declared(**json.loads((folder / _ASKED).read_text(encoding="utf-8")))
    received = read_folder(folder, declared)
    recordings = [*received.ecgs, *([received.cine] if received.cine is not None else [])]
    for number, each in enumerate(recordings):
        np.save(folder / f"found-{number}.npy", each.recording, allow_pickle=False)
    facts = [
        {
            "modality": each.modality,
            "values": dict(each.values),
            "flags": each.flags,
            "reason": each.reason,
        }
        for each in recordings
    ]
    text = json.dumps({"recordings": facts, "problems": received.problems}, default=float)
    (folder / _FOUND).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
