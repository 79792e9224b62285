"""Numbers beside the recordings in ml4h tensors: what the device measured, and phenotypes."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import h5py

from cmae.data.column import Column, Kind, Source
from cmae.readers.canonical import CANONICAL
from cmae.readers.ml4h_ecg import EcgTensors
from cmae.readers.ml4h_file import children, group_in, instances, number, text

COLUMNS = {
    name: CANONICAL[name]
    for name in (
        "heart_rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms", "p_duration_ms", "p_axis_deg",
        "qrs_axis_deg", "t_axis_deg",
    )
}  # fmt: skip
"""What the device measured, under names that all cohorts share."""

_DEVICE: dict[str, tuple[str, float, float]] = {
    "ventricularrate": ("heart_rate_bpm", 15.0, 350.0),
    "rrinterval": ("ecg_rr_ms", 170.0, 4000.0),
    "pqinterval": ("pr_ms", 30.0, 700.0),
    "qrsduration": ("qrs_ms", 20.0, 400.0),
    "qtinterval": ("qt_ms", 100.0, 1000.0),
    "qtcinterval": ("qtc_ms", 100.0, 1000.0),
    "pduration": ("p_duration_ms", 10.0, 400.0),
    "paxis": ("p_axis_deg", -360.0, 360.0),
    "raxis": ("qrs_axis_deg", -360.0, 360.0),
    "taxis": ("t_axis_deg", -360.0, 360.0),
}
"""Name in the file, in lower case: our name, smallest and largest value that is believed."""

_TITLES = {name: column.description for name, column in COLUMNS.items()} | {
    "ecg_rr_ms": "RR interval"
}
_IDENTIFIERS = {"id", "eid", "fid", "iid", "name", "surname", "firstname", "lastname"}
_WORDS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+")
_MAX_NAME = 100
_MAX_VALUES = 20_000


@dataclass(frozen=True)
class Values:
    """Numbers and words of a file.

    Attributes:
        by_visit: What belongs to one visit, by column name.
        shared: What belongs to the participant, by column name.
        columns: Facts of the columns that are not in COLUMNS.
        notes: What was left out: the visit (None for the file) and one sentence each.
    """

    by_visit: dict[int, dict[str, float]] = field(default_factory=dict)
    shared: dict[str, float | str] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
    notes: list[tuple[int | None, str]] = field(default_factory=list)


def read_values(file: h5py.Group, ecgs: EcgTensors) -> Values:
    """Read what the device measured, ``continuous/<name>`` and ``categorical/<name>``.

    Args:
        file: The file.
        ecgs: Its ECGs; what else their group holds is what the device measured.

    Returns:
        The numbers and words with the facts of their columns.
    """
    values = Values()
    _read_device(ecgs, values)
    for kind in ("continuous", "categorical"):
        group = group_in(file, kind)
        for name, dataset in _leaves(group, values) if group is not None else ():
            _add_phenotype(values, kind, name, dataset)
    return values


def _read_device(ecgs: EcgTensors, values: Values) -> None:
    """Add what the device measured, by visit."""
    for name, item in ecgs.others.items():
        known = _DEVICE.get(re.sub(r"[^a-z]", "", name.lower()))
        below = instances(item)
        if not below.by_visit:
            values.notes.append((None, "Entries of the ECG that are no instances: left out."))
        for visit, dataset in below.by_visit.items():
            value = number(dataset)
            if known and value is not None:
                column, low, high = known
                if low <= value <= high:
                    wrapped = (value + 180) % 360 - 180 if column.endswith("_deg") else value
                    values.by_visit.setdefault(visit, {})[column] = wrapped
                else:
                    title = _TITLES[column]
                    values.notes.append((visit, f"{title} of the device: not a believable value."))
                continue
            other = _safe("ecg_device", name)
            if value is None or other is None or math.isnan(value):
                values.notes.append((None, "Entries of the ECG that are no number: left out."))
                continue
            values.by_visit.setdefault(visit, {})[other] = value
            _declare(values, other, name, "ecg")


def _leaves(group: h5py.Group, values: Values) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield the datasets of a group of phenotypes, and those one level below under both names."""
    for name, item in children(group).items():
        if isinstance(item, h5py.Dataset):
            yield name, item
            continue
        for below, child in children(item).items() if isinstance(item, h5py.Group) else ():
            if len(values.shared) >= _MAX_VALUES:
                values.notes.append((None, f"More than {_MAX_VALUES:,} phenotypes: left out."))
                return
            if isinstance(child, h5py.Dataset):
                yield f"{name}_{below}", child
            else:
                values.notes.append((None, "Phenotypes nested deeper than two names: left out."))


def _add_phenotype(values: Values, kind: str, name: str, dataset: h5py.Dataset) -> None:
    """Add one phenotype of the participant."""
    column = _safe(kind, name)
    if column is None:
        values.notes.append((None, f"Entries of {kind}/ named like identifiers: left out."))
        return
    if column in values.shared:
        values.notes.append((None, f"Entries of {kind}/ with the same name: one was kept."))
        return
    value: float | str | None = number(dataset)
    if kind == "categorical":
        value = text(dataset) if value is None else f"{value:g}"
    if value is None:
        values.notes.append((None, f"Entries of {kind}/ that are not one value: left out."))
    elif value not in {"", "nan"} and not (isinstance(value, float) and math.isnan(value)):
        values.shared[column] = value
        _declare(values, column, f"{kind}/{name}", "clinical")


def _declare(values: Values, column: str, name: str, source: Source) -> None:
    """Add the facts of a column that has no canonical name; its unit is not known."""
    kind: Kind = "categorical" if column.startswith("categorical_") else "continuous"
    title = "".join(letter for letter in name if letter.isprintable())[:_MAX_NAME]
    described = f"{title}, as ml4h names it"
    values.columns[column] = Column("", kind, "phenotype", source, described)


def _safe(prefix: str, name: str) -> str | None:
    """Return a column name of letters, digits and underscores; None for an identifier's."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if _IDENTIFIERS & set(words):
        return None
    return f"{prefix}_{re.sub(r'[^A-Za-z0-9]+', '_', name)[:_MAX_NAME].strip('_')}"
