"""The report of an evaluation read back: its facts and tables, checked, for who shows them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cmae.errors import InputError

METRICS = "metrics.json"
FORMAT, FORMAT_NUMBER = "cmae-evaluation", 1

MAX_BYTES = 128 * 2**20
"""Largest ``metrics.json`` that is read; that of 1,000 decoded participants has 2 MB."""

_TEXT = frozenset(
    {
        *("against", "direction", "features", "measure", "name", "of", "path", "reason", "source"),
        *("statistic", "target", "unit"),
    }
)
"""Columns of words; all others are numbers."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "retrieval": (
        *("features", "direction", "gallery", "measure", "k", "n", "value", "low", "high"),
        *("chance", "ceiling"),
    ),
    "alignment": ("features", "measure", "n", "value", "low", "high", "baseline", "chance"),
    "probes": (
        *("source", "target", "features", "measure", "n", "value", "low", "high", "chance"),
        *("within_sex", "within_sex_low", "within_sex_high"),
        *("adjusted", "adjusted_low", "adjusted_high"),
    ),
    "probe_pairs": (
        *("source", "target", "features", "against", "measure", "n", "difference", "low", "high"),
    ),
    "label_curves": (
        *("source", "target", "features", "measure", "labels", "n", "value", "low", "high"),
    ),
    "paths": ("path", "measure", "n", "value", "low", "high", "mean_recording", "chance"),
    "function_agreement": (
        *("measure", "unit", "of", "against", "statistic", "value", "low", "high", "n"),
    ),
    "function_curves": ("of", "frame", "value", "low", "high", "n"),
    "function_measures": ("measure", "of", "against", "value", "reference"),
    "ceilings": ("name", "source", "measure", "value", "low", "high", "within_sex"),
    "left_out": ("source", "target", "reason"),
    "labels_left_out": ("source", "target", "reason"),
}
"""Tables that are read, and what each must have."""

SCORES = ("value", "within_sex", "adjusted")
"""Scores of a probe: of everybody, among women and among men, and beyond age, sex and size."""


@dataclass(frozen=True, eq=False)
class Report:
    """What ``cmae evaluate`` left in a folder.

    Attributes:
        folder: The folder.
        fingerprint: Hash of its ``metrics.json``.
        is_simulated: Whether simulated participants were measured.
        run_name: Name of the experiment that was measured.
        run_fingerprint: Of the run.
        cohort_fingerprint: Of the cohort.
        cohort_rows: Rows of the cohort.
        held_out: Who was measured, in words.
        decoded: How many rows were decoded.
        mean_recording: Of whom the mean recording is, in words.
        names: For people, by column of the cohort and by measure.
        headlines: The findings, in sentences.
        tables: By name, ``COLUMNS`` and more; empty where a part was not measured.
    """

    folder: Path
    fingerprint: str
    is_simulated: bool
    run_name: str
    run_fingerprint: str
    cohort_fingerprint: str
    cohort_rows: int
    held_out: str
    decoded: int
    mean_recording: str
    names: Mapping[str, str]
    headlines: tuple[str, ...]
    tables: Mapping[str, pd.DataFrame]

    def probes(self, source: str, measure: str, *, score: str = "value") -> pd.DataFrame:
        """Return one score of all targets and feature sets, with its ceiling.

        Args:
            source: Modality that tells: ``ecg`` or ``mri``.
            measure: ``r2``, ``pearson_r`` or ``auroc``.
            score: One of ``SCORES``.

        Returns:
            ``target``, ``features``, ``n``, ``value``, ``low``, ``high``, ``chance`` and
            ``ceiling`` (NaN where there is none, as of adjusted scores); rows without the score
            are left out.
        """
        table = self.tables["probes"]
        mine = table[(table["source"] == source) & (table["measure"] == measure)]
        ends = ("low", "high") if score == "value" else (f"{score}_low", f"{score}_high")
        found = mine[["target", "features", "n", "chance"]].assign(
            value=mine[score], low=mine[ends[0]], high=mine[ends[1]]
        )
        ceilings = self.tables["ceilings"]
        column = {"value": "value", "within_sex": "within_sex"}.get(score)
        tops = ceilings[(ceilings["source"] == source) & (ceilings["measure"] == measure)]
        by_target = {} if column is None else dict(zip(tops["name"], tops[column], strict=True))
        found["ceiling"] = found["target"].map(by_target).astype(np.float64)
        return found[found["value"].notna()].reset_index(drop=True)

    def probe_pairs(self, source: str, measure: str, *, score: str = "value") -> pd.DataFrame:
        """Return the paired differences of one score, latent against each other feature set.

        Args:
            source: Modality that tells.
            measure: ``r2``, ``pearson_r`` or ``auroc``.
            score: One of ``SCORES``.
        """
        table = self.tables["probe_pairs"]
        name = measure if score == "value" else f"{measure}_{score}"
        found = table[(table["source"] == source) & (table["measure"] == name)]
        return found.reset_index(drop=True)

    def label_curves(self, source: str, target: str) -> pd.DataFrame:
        """Return a target's curves, by number of labels, with its ``ceiling`` (NaN: none).

        Args:
            source: Modality that tells.
            target: A phenotype.
        """
        table, ceilings = self.tables["label_curves"], self.tables["ceilings"]
        found = table[(table["source"] == source) & (table["target"] == target)]
        tops = ceilings[
            (ceilings["source"] == source)
            & (ceilings["name"] == target)
            & ceilings["measure"].isin(found["measure"])
        ]
        top = float(tops["value"].iloc[0]) if len(tops) else np.nan
        return found.sort_values("labels").assign(ceiling=top).reset_index(drop=True)

    def bland_altman(self, measure: str, of: str) -> "BlandAltman":
        """Return differences against means of a measure read from decoded and recorded cines.

        Args:
            measure: A ``measure`` of ``function_measures``.
            of: Which decoded cine.

        Raises:
            InputError: The report holds no such measures.
        """
        table, found = self.tables["function_measures"], self.tables["function_agreement"]
        points = table[(table["measure"] == measure) & (table["of"] == of)]
        points = points[points["value"].notna() & points["reference"].notna()]
        if points.empty:
            raise InputError(f"The report holds no {measure} of {of}: choose another.")
        against = str(points["against"].iloc[0])
        lines = found[
            (found["measure"] == measure) & (found["of"] == of) & (found["against"] == against)
        ].set_index("statistic")
        known = [name for name in ("bias", "limit_low", "limit_high") if name in lines.index]
        return BlandAltman(
            mean=((points["value"] + points["reference"]) / 2).to_numpy(np.float64),
            difference=(points["value"] - points["reference"]).to_numpy(np.float64),
            against=against,
            lines={
                name: tuple(float(lines.at[name, end]) for end in ("value", "low", "high"))  # type: ignore[misc]
                for name in known
            },
        )


@dataclass(frozen=True, eq=False)
class BlandAltman:
    """Agreement of two measurements (Bland and Altman 1986, Lancet 327:307).

    Attributes:
        mean: (n,) of the two, in the measure's unit.
        difference: (n,) first less reference.
        against: What the reference is.
        lines: ``bias``, ``limit_low`` and ``limit_high``, each with its 95 % interval.
    """

    mean: np.ndarray[Any, np.dtype[np.float64]]
    difference: np.ndarray[Any, np.dtype[np.float64]]
    against: str
    lines: Mapping[str, tuple[float, float, float]]


def read_report(folder: Path) -> Report:
    """Read what ``cmae evaluate`` left.

    Args:
        folder: Folder of the report.

    Raises:
        InputError: There is no report, it is of another format, or it is damaged.
    """
    path = folder / METRICS
    if not path.is_file():
        raise InputError(
            f"{folder} holds no {METRICS}: give a folder that `cmae evaluate … --out` made."
        )
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path} is larger than any report of `cmae evaluate`: make it again.")
    try:
        raw = path.read_bytes()
        metrics = json.loads(raw)
        kind, number = metrics["format"], metrics["format_number"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path} is no report of `cmae evaluate`, or is damaged: make it again."
        ) from error
    if kind != FORMAT or number != FORMAT_NUMBER:
        raise InputError(
            f"{path} is of another format than {FORMAT} {FORMAT_NUMBER}: evaluate again with this "
            "version of cmae."
        )
    try:
        return _report(folder, metrics, hashlib.sha256(raw).hexdigest())
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InputError(
            f"{path} lacks a part of a report, or holds words for numbers: evaluate again."
        ) from error


def _report(folder: Path, metrics: dict[str, Any], fingerprint: str) -> Report:
    words = {**metrics["measures"], **metrics["names"]}
    tables = {
        name: _table(metrics["tables"].get(name, []), columns) for name, columns in COLUMNS.items()
    }
    return Report(
        folder=folder,
        fingerprint=fingerprint,
        is_simulated=bool(metrics["is_simulated"]),
        run_name=str(metrics["run"]["name"]),
        run_fingerprint=str(metrics["run"]["fingerprint"]),
        cohort_fingerprint=str(metrics["cohort"]["fingerprint"]),
        cohort_rows=int(metrics["cohort"]["rows"]),
        held_out=str(metrics["held_out"]),
        decoded=int(metrics["decoded"]),
        mean_recording=str(metrics["mean_recording"]),
        names={str(key): str(value) for key, value in words.items()},
        headlines=tuple(str(line) for line in metrics["headlines"]),
        tables=tables,
    )


def _table(records: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a table whose words are words, and whose numbers are finite or missing."""
    if not isinstance(records, list):
        raise TypeError("a table is a list of rows")
    table = pd.DataFrame(records)
    if table.empty:
        table = pd.DataFrame(columns=list(columns))
    lacking = [name for name in columns if name not in table]
    if lacking:
        raise KeyError(lacking[0])
    for name in table.columns:
        if name in _TEXT:
            table[name] = table[name].astype(str)
        elif name in columns:
            values = pd.to_numeric(table[name]).astype(np.float64)
            table[name] = values.where(np.isfinite(values))
    return table
