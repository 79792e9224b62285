"""UMAP in a process of its own: its threads end a process that they share with a server."""

import json
import re
import sys
import warnings
from pathlib import Path

import numpy as np


class _EpochsToStandardError:
    """A file for UMAP's progress bar that passes on (epochs done, epochs) as lines."""

    def write(self, text: str) -> None:
        """Pass on what a bar says, if it says how many epochs are done."""
        for done, total in re.findall(r"(\d+)/(\d+) ", text):
            sys.stderr.write(f"progress {done} {total}\n")
            sys.stderr.flush()

    def flush(self) -> None:
        """Do nothing: every line is flushed."""


def main(folder: Path) -> None:
    """Lay points out in two dimensions.

    Args:
        folder: Holds ``points.npy`` ``(n, dim)`` float32, ``settings.json`` and, where the
            neighbours are known, ``neighbours.npy`` ``(n, k)`` and ``distances.npy`` ``(n, k)``;
            gets ``positions.npy`` ``(n, 2)`` float32.
    """
    warnings.simplefilter("ignore")
    # Its neural variant would import TensorFlow: seconds, and hundreds of megabytes.
    sys.modules["umap.parametric_umap"] = None  # type: ignore[assignment]
    import umap  # noqa: PLC0415 - seconds, and only this process needs it

    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    points = np.load(folder / "points.npy", allow_pickle=False)
    known = (None, None, None)
    if (folder / "neighbours.npy").exists():
        known = (
            np.load(folder / "neighbours.npy", allow_pickle=False),
            np.load(folder / "distances.npy", allow_pickle=False),
            None,
        )
    reducer = umap.UMAP(
        n_neighbors=settings["neighbors"],
        min_dist=settings["min_distance"],
        metric=settings["metric"],
        init="pca",
        random_state=settings["seed"],
        n_jobs=1,
        precomputed_knn=known,
        verbose=True,
        tqdm_kwds={"file": _EpochsToStandardError(), "mininterval": 0.3, "ascii": True},
    )
    positions = np.asarray(reducer.fit_transform(points), np.float32)
    np.save(folder / "positions.npy", positions, allow_pickle=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
