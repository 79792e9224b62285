"""Files of directions: what an association or a phenome scan found, to be walked later."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cmae.data.files import replacing
from cmae.errors import InputError
from cmae.latent.traversal import Direction

NAME = "directions.tsv"

_NAMES = {"size_per_allele": ("variant", "effect_allele"), "size_per_sd": ("phenotype",)}
_STEPS = {"size_per_allele": "allele", "size_per_sd": "SD"}

MOST = 100_000
"""Most lines that are read."""


def write_directions(
    directions: Sequence[Direction], heads: Sequence[Sequence[str]], folder: Path
) -> None:
    """Write directions that have the same step, one a line.

    Args:
        directions: The directions, the most telling first.
        heads: For each, what it is of: a phenotype, or a variant and its effect allele.
        folder: Where ``directions.tsv`` goes.
    """
    step = directions[0].step if directions else "allele"
    size = next(name for name, word in _STEPS.items() if word == step)
    dim = len(directions[0].vector) if directions else 0
    rows = [[*head, one.size, *one.vector] for head, one in zip(heads, directions, strict=True)]
    table = pd.DataFrame(
        rows, columns=[*_NAMES[size], size, *(f"direction_{k}" for k in range(dim))]
    )
    with replacing(folder / NAME) as temporary:
        table.to_csv(temporary, sep="\t", index=False, float_format="%.8g")


def read_directions(folder: Path, *, kind: str = "joint", most: int = MOST) -> list[Direction]:
    """Read what ``cmae associate`` left.

    Args:
        folder: Folder of the results.
        kind: Which latents they are of (``kind`` of ``summary.json``).
        most: Read only so many, the most telling.

    Returns:
        The directions; how many rows each was found in is not in the file (0).

    Raises:
        InputError: There is no such file, or it is damaged.
    """
    wrong = InputError(
        f"{folder / NAME} is no file of directions: give the folder that `cmae associate` wrote."
    )
    try:
        table = pd.read_csv(
            folder / NAME, sep="\t", nrows=min(most, MOST), dtype=dict.fromkeys(
                ("variant", "effect_allele", "phenotype"), str
            ), keep_default_na=False,
        )  # fmt: skip
        size = next(name for name in _NAMES if name in table)
        vectors = table[[name for name in table if name.startswith("direction_")]]
        values = vectors.to_numpy(np.float64)
        sizes = table[size].to_numpy(np.float64)
        names = [" ".join(words) for words in table[list(_NAMES[size])].to_numpy(object)]
    except (OSError, ValueError, KeyError, TypeError, StopIteration, MemoryError) as error:
        raise wrong from error
    lengths = np.linalg.norm(values, axis=1)
    if not (np.abs(lengths - 1) < 1e-3).all() or not (np.isfinite(sizes) & (sizes > 0)).all():
        raise wrong
    return [
        Direction(name, _STEPS[size], kind, vector / length, float(one), 0)
        for name, vector, length, one in zip(names, values, lengths, sizes, strict=True)
    ]
