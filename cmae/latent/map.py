"""Maps: latents in two dimensions by PCA and UMAP, and each row's nearest neighbours."""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

import cmae
from cmae.data.files import replacing
from cmae.data.hdf5 import open_untrusted
from cmae.errors import LatentsError
from cmae.latent.latents import Latents
from cmae.latent.neighbours import nearest_rows
from cmae.latent.space import check_space, hdf5_faults_named

FEWEST_FOR_UMAP = 8
"""Points below which UMAP has nothing to say."""

MOST_FOR_EXACT = 40_000
"""Points up to which UMAP gets exact neighbours from us; beyond, it finds its own."""

AROUND = 15
"""Nearest points among which a new point is placed."""

SAME_KIND, ACROSS = ("joint",), ("ecg", "mri")

logger = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class MapSettings:
    """How maps are made.

    Attributes:
        neighbors: UMAP: neighbors that a point keeps.
        min_distance: UMAP: least distance of two points on the map.
        metric: UMAP: distance between latents.
        seed: UMAP: seed.
        kept_neighbours: Nearest rows stored for each row.
    """

    neighbors: int = 15
    min_distance: float = 0.1
    metric: str = "cosine"
    seed: int = 0
    kept_neighbours: int = 20


@dataclass(frozen=True)
class _Layout:
    """Positions of the fitted points, with what is stored beside them."""

    positions: Floats
    facts: Mapping[str, object]
    arrays: Mapping[str, NDArray[np.float32]]


def add_maps(
    path: Path | str,
    *,
    settings: MapSettings | None = None,
    on_progress: Progress | None = None,
) -> Latents:
    """Add the maps ``pca`` and ``umap`` and the nearest neighbours to a latents file.

    Both maps are fitted on ECG and MRI latents together, so that they are one picture; joint
    latents are placed in it. Old maps are replaced; a failure leaves the file as it was.

    Args:
        path: The latents file.
        settings: How maps are made.
        on_progress: Called with (done, total), in hundredths.

    Returns:
        The latents, opened again.

    Raises:
        LatentsError: The file is a shard, holds too few latents, or UMAP failed.
    """
    path, settings = Path(path), settings or MapSettings()
    latents = Latents.open(path)
    if latents.shard is not None:
        raise LatentsError(f"{path} is a shard: merge the shards first, with `cmae merge`.")
    points, kinds = _points(latents)
    if len(points) < 3:
        raise LatentsError(
            f"{path} holds {len(points)} latents, and a map needs 3 or more: embed a larger cohort."
        )
    layouts = {"pca": _pca(points)}
    report = on_progress or (lambda done, total: None)
    neighbours = _all_neighbours(latents, settings.kept_neighbours, _part(report, 0, 30))
    if len(points) < FEWEST_FOR_UMAP:
        logger.warning("There are only %d latents: too few for UMAP, PCA only.", len(points))
    else:
        layouts["umap"] = _umap(points, settings, _part(report, 30, 95))
    maps = {name: _by_kind(latents, layout, points, kinds) for name, layout in layouts.items()}
    _write(path, layouts, maps, neighbours)
    report(100, 100)
    return Latents.open(path)


def place(
    latents: Latents, name: str, new: NDArray[np.floating], *, around: int = AROUND
) -> Floats:
    """Place new latents on a map that was made without them.

    On a PCA map they are projected; on another they lie in the middle (the median in each
    direction) of the positions of their nearest latents by cosine.

    Args:
        latents: Latents with maps.
        name: Name of the map.
        new: ``(n, latent_dim)``.
        around: How many nearest latents.

    Returns:
        Positions ``(n, 2)``.

    Raises:
        LatentsError: There is no such map.
    """
    if name not in latents.maps:
        raise LatentsError(
            f"{latents.path} has no map {name!r} (it has: {', '.join(latents.maps) or 'none'}): "
            "make it with `cmae map`."
        )
    arrays = latents.map_arrays[name]
    if "components" in arrays:
        return np.asarray((new - arrays["mean"]) @ arrays["components"].T, np.float32)
    points, kinds = _points(latents)
    positions = np.concatenate([latents.maps[name][kind][rows] for kind, rows in kinds.items()])
    return _among_nearest(new, points, positions, around)


def _among_nearest(
    new: NDArray[np.floating], points: Floats, positions: Floats, around: int
) -> Floats:
    found, _ = nearest_rows(new, points, min(around, len(points)))
    return np.asarray(np.median(positions[found], axis=1), np.float32)


def _points(latents: Latents) -> tuple[Floats, dict[str, NDArray[np.int64]]]:
    """Stack the latents of single modalities; tell which rows they are of."""
    kinds = {
        kind: np.flatnonzero(latents.present[kind]) for kind in ACROSS if kind in latents.present
    }
    stacked = [latents.latents[kind][rows] for kind, rows in kinds.items()]
    return np.concatenate(stacked), kinds


def _pca(points: Floats) -> _Layout:
    mean = points.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((points.shape[1], points.shape[1]))
    for start in range(0, len(points), 8192):
        centered = points[start : start + 8192] - mean
        covariance += centered.T @ centered
    variances, vectors = np.linalg.eigh(covariance)
    components = vectors[:, ::-1][:, :2].T
    # The sign of an eigenvector is arbitrary: its largest entry is made positive.
    largest = np.abs(components).argmax(axis=1)
    components = components * np.sign(components[np.arange(2), largest])[:, None]
    explained = np.maximum(variances[::-1][:2], 0) / max(float(variances.sum()), 1e-12)
    basis = {"mean": mean.astype(np.float32), "components": components.astype(np.float32)}
    facts = {
        "algorithm": "PCA",
        "explained_variance_1": float(explained[0]),
        "explained_variance_2": float(explained[1]),
    }
    positions = (points - basis["mean"]) @ basis["components"].T
    return _Layout(positions, facts, basis)


def _umap(points: Floats, settings: MapSettings, report: Progress) -> _Layout:
    """Run UMAP in a process of its own and wait for it."""
    neighbors = min(settings.neighbors, len(points) - 1)
    wanted = {**asdict(settings), "neighbors": neighbors}
    with tempfile.TemporaryDirectory(prefix="cmae-map-") as name:
        folder = Path(name)
        np.save(folder / "points.npy", points)
        (folder / "settings.json").write_text(json.dumps(wanted), encoding="utf-8")
        if len(points) <= MOST_FOR_EXACT and settings.metric == "cosine":
            found, similarity = nearest_rows(
                points, points, neighbors - 1, own=np.arange(len(points))
            )
            # UMAP counts a point as its own first neighbour, at distance 0.
            itself = np.arange(len(points))[:, None]
            distances = np.maximum(1 - similarity, 0)
            np.save(folder / "neighbours.npy", np.hstack([itself, found]).astype(np.int32))
            np.save(folder / "distances.npy", np.hstack([0.0 * distances[:, :1], distances]))
        _run_worker(folder, report)
        positions: Floats = np.load(folder / "positions.npy", allow_pickle=False)
    facts = {
        "algorithm": "UMAP",
        "neighbors": neighbors,
        "min_distance": settings.min_distance,
        "metric": settings.metric,
        "seed": settings.seed,
        "version": version("umap-learn"),
    }
    return _Layout(positions, facts, {})


def _run_worker(folder: Path, report: Progress) -> None:
    package = Path(str(cmae.__file__)).parents[1]
    path = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")]))
    worker = subprocess.Popen(
        [sys.executable, "-m", "cmae.latent.map_worker", str(folder)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    last_line = ""
    try:
        assert worker.stderr is not None
        for line in worker.stderr:
            words = line.split()
            if len(words) == 3 and words[0] == "progress":
                report(int(words[1]), int(words[2]))
            elif words:
                last_line = line.strip()
        code = worker.wait()
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.wait()
        if worker.stderr is not None:
            worker.stderr.close()
    if code != 0 or not (folder / "positions.npy").exists():
        raise LatentsError(
            f"UMAP failed (exit code {code}): {last_line or 'it said nothing'}. The file is as it "
            "was; try fewer --umap-neighbors, or give the process more memory."
        )


def _by_kind(
    latents: Latents,
    layout: _Layout,
    points: Floats,
    kinds: Mapping[str, NDArray[np.int64]],
) -> dict[str, Floats]:
    """Spread the positions of the fitted points over the rows, and place the joint latents."""
    positions: dict[str, Floats] = {}
    first = 0
    for kind, rows in kinds.items():
        positions[kind] = np.full((len(latents), 2), np.nan, np.float32)
        positions[kind][rows] = layout.positions[first : first + len(rows)]
        first += len(rows)
    joint = np.full((len(latents), 2), np.nan, np.float32)
    for kind, rows in kinds.items():
        joint[rows] = positions[kind][rows]
    # What has one recording has that one's latent as its joint latent, and lies where it lies.
    both = np.flatnonzero(sum(latents.present[kind].astype(int) for kind in kinds) > 1)
    if len(both):
        merged = latents.latents["joint"][both]
        if "components" in layout.arrays:
            joint[both] = (merged - layout.arrays["mean"]) @ layout.arrays["components"].T
        else:
            joint[both] = _among_nearest(merged, points, layout.positions, min(AROUND, len(points)))
    return {**positions, "joint": joint}


def _all_neighbours(latents: Latents, k: int, report: Progress) -> dict[str, NDArray[np.int32]]:
    """Find the nearest rows of every kind that there is a use for."""
    single = [kind for kind in ACROSS if kind in latents.present]
    pairs = [(query, target) for query in single for target in single]
    pairs += [(kind, kind) for kind in SAME_KIND]
    result = {}
    for number, (query, target) in enumerate(pairs):
        result[f"{query}_{target}"] = _neighbours(
            latents, query, target, k, _part(report, *_span(number, len(pairs)))
        )
    return result


def _neighbours(
    latents: Latents, query: str, target: str, k: int, report: Progress
) -> NDArray[np.int32]:
    from_rows = np.flatnonzero(latents.present[query])
    to_rows = np.flatnonzero(latents.present[target])
    own = np.arange(len(from_rows)) if query == target else None
    found, _ = nearest_rows(
        latents.latents[query][from_rows],
        latents.latents[target][to_rows],
        k,
        own=own,
        on_progress=report,
    )
    result = np.full((len(latents), k), -1, np.int32)
    if len(to_rows):
        result[from_rows] = np.where(found >= 0, to_rows[found], -1)
    return result


def _write(
    path: Path,
    layouts: Mapping[str, _Layout],
    maps: Mapping[str, Mapping[str, Floats]],
    neighbours: Mapping[str, NDArray[np.int32]],
) -> None:
    """Write a new file with everything else that the old one held, then replace that."""
    check_space(path, path.stat().st_size + sum(rows.nbytes for rows in neighbours.values()))
    with (
        replacing(path) as temporary,
        hdf5_faults_named(),
        open_untrusted(path) as old,
        h5py.File(temporary, "w") as new,
    ):
        for name, value in old.attrs.items():
            new.attrs[name] = value
        for name in old:
            if name not in ("maps", "neighbours"):
                old.copy(name, new)
        for name, layout in layouts.items():
            group = new.create_group(f"maps/{name}")
            group.attrs.update(layout.facts)
            for kind, positions in {**maps[name], **layout.arrays}.items():
                group[kind] = positions
        for name, rows in neighbours.items():
            new[f"neighbours/{name}"] = rows


def _span(number: int, count: int) -> tuple[int, int]:
    return 100 * number // count, 100 * (number + 1) // count


def _part(report: Progress, start: int, stop: int) -> Progress:
    """Turn the progress of one part of the work into hundredths of all of it."""
    return lambda done, total: report(start + (stop - start) * done // max(total, 1), 100)
