"""What is selected as files: rows, the map as a figure, a page; made when they are asked for."""

import json
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app import phenotypes
from app.components.latent_map import MapPoints
from app.explorer import Explorer
from app.groups import Group
from cmae.latent.group_export import csv_bytes, group_table, parquet_bytes

_drawing = threading.Lock()
"""Matplotlib's settings are the process's: one figure at a time."""


@dataclass(frozen=True, eq=False)
class Export:
    """What is exported: everything that a thread without a session needs.

    Attributes:
        explorer: Cohort and latents.
        group: The rows; None: everybody.
        made: How they were chosen, a line each.
        with_latents: Whether the rows' latents are among the columns.
        with_identifiers: Whether participant and visit are.
    """

    explorer: Explorer
    group: Group | None
    made: Sequence[str]
    with_latents: bool = False
    with_identifiers: bool = False

    @property
    def rows(self) -> NDArray[np.int64]:
        """(n,) row numbers."""
        if self.group is None:
            return np.arange(len(self.explorer.cohort), dtype=np.int64)
        return self.group.rows

    def how(self) -> dict[str, object]:
        """Return how the rows were chosen, JSON-able."""
        here = self.explorer
        return {
            "cohort": here.cohort.fingerprint,
            "run": here.latents.run_fingerprint,
            "rows": len(self.rows),
            "is_simulated": here.cohort.is_simulated,
            "made": list(self.made),
            "how": {} if self.group is None else dict(self.group.how),
        }

    def csv(self) -> bytes:
        """Return the rows as CSV."""
        return csv_bytes(self._table())

    def parquet(self) -> bytes:
        """Return the rows as Parquet, with how they were chosen in its metadata."""
        return parquet_bytes(self._table(), self.how())

    def sidecar(self) -> bytes:
        """Return how the rows were chosen as JSON: what a CSV cannot hold."""
        return (json.dumps(self.how(), indent=1, ensure_ascii=False) + "\n").encode()

    def figure(self, points: MapPoints, suffix: str) -> bytes:
        """Draw the map, the selected points in a colour of their own.

        Args:
            points: The map.
            suffix: ``.svg`` or ``.png``.
        """
        from cmae.figures.latent_map import latent_map  # noqa: PLC0415 - Matplotlib, when asked for

        sets = _sets(points, self.group)
        title = "Map of hearts" if self.group is None else f"{len(self.group):,} selected"
        with _drawing, tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"map{suffix}"
            latent_map(sets, path, title=title, is_simulated=self.explorer.cohort.is_simulated)
            return path.read_bytes()

    def page(self, columns: Sequence[str], settings: Sequence[str]) -> bytes:
        """Write a page about the selected rows that opens without a server.

        Args:
            columns: Columns whose distributions are drawn.
            settings: Of the map, for the stamp.
        """
        from cmae.figures.group_report import (  # noqa: PLC0415 - Matplotlib, when asked for
            ReportWords,
            group_report,
        )

        here = self.explorer
        name = "All participants" if self.group is None else self.group.name
        words = ReportWords(
            title=f"{name}: {len(self.rows):,} of {len(here.cohort):,}",
            made=self.made or ["Everybody: nothing is selected"],
            stamp=[
                f"Run {here.run_path.name}, fingerprint {here.latents.run_fingerprint}",
                f"Cohort {here.cohort.path.name}, fingerprint {here.cohort.fingerprint}",
                *settings,
            ],
            titles={name: phenotypes.title(name) for name in here.cohort.columns},
        )
        with _drawing:
            return group_report(here.cohort, self.rows, words, columns=columns).encode()

    def _table(self) -> pd.DataFrame:
        cohort = self.explorer.cohort
        roles = ("phenotype", "covariate", "quality", "truth")
        names = phenotypes.ordered(cohort.columns, roles=roles)
        if self.with_identifiers:
            names = ["participant_id", "visit", *names]
        latents = _latents(self.explorer, self.rows) if self.with_latents else None
        return group_table(cohort.table, self.rows, names, latents=latents)


def _latents(here: Explorer, rows: NDArray[np.int64]) -> Mapping[str, NDArray[np.float32]]:
    """Return the latents of rows by kind, NaN where a row has none."""
    index = here.latent_rows[rows]
    found = {}
    for kind in here.latents.kinds:
        values = np.asarray(here.latents.latents[kind][np.maximum(index, 0)], np.float32)
        values[(index < 0) | ~here.latents.present[kind][np.maximum(index, 0)]] = np.nan
        found[kind] = values
    return found


def _sets(points: MapPoints, group: Group | None) -> dict[str, NDArray[np.floating]]:
    """Part the points of a map into those that are selected and the others, or by their kind."""
    if group is None:
        classes = np.zeros(len(points), int) if points.classes is None else points.classes
        names = points.class_names or ("Latents",)
        return {name: points.positions[classes == code] for code, name in enumerate(names)}
    rows = np.arange(len(points)) if points.rows is None else points.rows
    is_selected = np.isin(rows, group.rows)
    return {
        "others": points.positions[~is_selected],
        "selected": points.positions[is_selected],
    }
