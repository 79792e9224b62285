"""Damage to files: cut short, and bytes changed, at places drawn from a seed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.fuzz.reading import Host, Outcome
from tests.fuzz.samples import Sample

TRUNCATIONS = 50
FLIPS = 200
HEAD_BYTES = 2500
"""Where headers lie: half of the damage is done there."""


_SIGNS = b"0123456789.-eE,; AVnI"


def damaged(data: bytes, seed: int, *, cuts: int, flips: int) -> Iterator[tuple[str, bytes]]:
    """Yield what was done, and the damaged file."""
    rng = np.random.default_rng(seed)
    head = min(len(data), HEAD_BYTES)
    is_text = max(data[:HEAD_BYTES]) < 128
    for k in range(cuts):
        at = int(rng.integers(0, len(data) if k % 2 else head))
        yield f"cut at {at}", data[:at]
    for k in range(flips):
        copy = np.frombuffer(data, np.uint8).copy()
        number = 1 if k % 4 < 2 else int(rng.integers(2, 9))
        places = rng.integers(0, len(data) if k % 2 else head, number)
        values = rng.integers(0, 256, number)
        if k % 8 < 2:  # a bit alone turns a sign, a power of two, or a letter's case
            values = copy[places] ^ (1 << rng.integers(0, 8, number)).astype(np.uint8)
        elif is_text and k % 8 < 6:  # else a text ends at its first damage, as no text at all
            values = rng.choice(np.frombuffer(_SIGNS, np.uint8), number)
        copy[places] = values
        yield f"bytes {dict(zip(places.tolist(), values.tolist(), strict=True))}", copy.tobytes()


def write(sample: Sample, folder: Path) -> Path:
    """Write a sample's files into a new folder; return what is to be read."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in sample.files.items():
        (folder / name).write_bytes(data)
    return folder / sample.opens


def read_damaged(
    host: Host,
    sample: Sample,
    folder: Path,
    *,
    seed: int,
    reading: str | None = None,
    cuts: int = TRUNCATIONS,
    flips: int = FLIPS,
) -> list[tuple[str, Outcome]]:
    """Damage one file of a sample at a time, read it, and mend it again."""
    path = write(sample, folder)
    names = sorted(sample.files)
    outcomes = []
    for number, name in enumerate(names):
        share = {
            "cuts": _share(cuts, number, len(names)),
            "flips": _share(flips, number, len(names)),
        }
        for done, data in damaged(sample.files[name], seed + number, **share):
            (folder / name).write_bytes(data)
            outcome = host.read(reading or sample.reading, path)
            outcomes.append((f"{name}: {done}", outcome))
        (folder / name).write_bytes(sample.files[name])
    return outcomes


def _share(count: int, number: int, among: int) -> int:
    return count // among + (number < count % among)


def faults(outcomes: list[tuple[str, Outcome]]) -> list[str]:
    """Return what should not have happened."""
    return [f"{done}: {fault}" for done, outcome in outcomes for fault in outcome.faults]
