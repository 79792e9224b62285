"""The table of a cohort on disk: table.parquet and columns.json, checked when read."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cmae.data.column import RECORDING_COLUMNS, Column
from cmae.data.files import replacing
from cmae.data.modality import STORED, TRUTHS
from cmae.errors import CohortError, InputError

FORMAT = "cmae-cohort"
FORMAT_NUMBER = 1
TABLE = "table.parquet"
COLUMNS = "columns.json"

_TYPES: dict[str, pa.DataType] = {
    "participant_id": pa.string(),
    "visit": pa.int64(),
    "is_simulated": pa.bool_(),
    **{f"{name}_part": pa.string() for name in STORED},
    **{f"{name}_index": pa.int64() for name in STORED},
}
TRUTH_PLACES = tuple(f"{name}_{what}" for what in ("part", "index") for name in TRUTHS)
"""Columns that say where a simulator's truth lies; only in tables that have such truth."""

STRUCTURE = tuple(name for name in _TYPES if name not in TRUTH_PLACES)
"""Columns that say who a row is and where its recordings lie; they need no description."""

_MAX_COLUMNS_JSON_BYTES = 64 * 2**20
_FREE_TABLE_BYTES = 256 * 2**20
_MAX_TABLE_RATIO = 500


@dataclass(frozen=True)
class Contents:
    """What the two files say.

    Attributes:
        table: One row a (participant, visit); a RangeIndex.
        columns: Description of every column that is not part of STRUCTURE or TRUTH_PLACES.
        next_part: The number of the next part of each of STORED; numbers are never used twice.
    """

    table: pd.DataFrame
    columns: dict[str, Column]
    next_part: dict[str, int]


def empty() -> Contents:
    """Return the contents of a cohort without rows."""
    columns = dict(RECORDING_COLUMNS)
    return Contents(typed(pd.DataFrame(), columns), columns, dict.fromkeys(STORED, 1))


def typed(table: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Return ``table`` with exactly the columns of a cohort, each of its own type.

    Numbers are float64 with NaN where missing, texts objects with None, indices Int64. Places of
    truth are left out where no row has any.
    """
    result: dict[str, object] = {}
    places = [name for name in TRUTH_PLACES if name in table and table[name].notna().any()]
    for name in (*STRUCTURE, *places, *columns):
        values = table[name] if name in table else pd.Series([None] * len(table), dtype=object)
        if name.endswith("_index") and name in _TYPES:
            result[name] = pd.array(values, dtype="Int64")
        elif name == "visit":
            result[name] = np.asarray(values, dtype=np.int64)
        elif name == "is_simulated":
            result[name] = np.asarray(values, dtype=bool)
        elif _is_text(name, columns):
            texts = values.astype(object)
            result[name] = texts.where(texts.notna(), None).to_numpy(dtype=object)
        else:
            result[name] = pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.DataFrame(result, index=pd.RangeIndex(len(table)))


def load(folder: Path) -> Contents:
    """Read and check the table of the cohort in ``folder``.

    Raises:
        CohortError: There is no cohort, or one of another format, or a damaged one.
    """
    if not folder.is_dir():
        raise CohortError(f"There is no cohort at {folder}: check the path, or make one there.")
    if not (folder / TABLE).is_file() or not (folder / COLUMNS).is_file():
        raise CohortError(
            f"{folder} is not a cohort: it lacks {TABLE} or {COLUMNS}; check the path."
        )
    # The table first: a writer adds a column's description before the table that uses it.
    schema, stored = _read_parquet(folder / TABLE)
    columns, next_part = _read_columns(folder / COLUMNS)
    _check_schema(schema, columns, folder)
    known = {name: column for name, column in columns.items() if name in schema.names}
    table = typed(stored, {**RECORDING_COLUMNS, **known})
    if table["participant_id"].isna().any() or table.duplicated(["participant_id", "visit"]).any():
        raise CohortError(
            f"{folder / TABLE} is damaged: a row has no participant, or the key of another row."
        )
    return Contents(table, {**RECORDING_COLUMNS, **known}, next_part)


def save(folder: Path, contents: Contents) -> None:
    """Write both files; renaming the table into place is what commits.

    Raises:
        InputError: The disk is full; the old table is intact.
    """
    facts = {
        "format": FORMAT,
        "format_number": FORMAT_NUMBER,
        "next_part": contents.next_part,
        "columns": {name: column.to_json() for name, column in contents.columns.items()},
    }
    with replacing(folder / COLUMNS) as path:
        path.write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
    schema = pa.schema([(name, _type(name, contents.columns)) for name in contents.table.columns])
    arrow = pa.Table.from_pandas(contents.table, schema=schema, preserve_index=False)
    with replacing(folder / TABLE) as path:
        pq.write_table(arrow.replace_schema_metadata(None), path, compression="zstd")


def fingerprint(table: pd.DataFrame) -> str:
    """Return the hash of a table's names and values, part names included, as 64 hex digits."""
    digest = hashlib.sha256("\n".join(table.columns).encode())
    for name in table.columns:
        values = table[name]
        if values.dtype == object or str(values.dtype) == "Int64":
            values = values.astype("string").fillna("\0")
            digest.update(pd.util.hash_pandas_object(values, index=False).to_numpy().tobytes())
        else:
            digest.update(np.ascontiguousarray(values.to_numpy()).tobytes())
    return digest.hexdigest()


def rows_fingerprint(table: pd.DataFrame, count: int | None = None) -> str:
    """Hash who the first rows are of, so that a cohort is known again after it has grown.

    Args:
        table: Of a cohort.
        count: How many rows; None for all.

    Returns:
        64 hex digits: of the keys of all these rows together, so that no single one can be found
        out from it.
    """
    rows = table.iloc[:count]
    keys = zip(rows["participant_id"].astype(str), rows["visit"], strict=True)
    digest = hashlib.sha256()
    for who, visit in keys:
        digest.update(f"{who}\t{visit}\n".encode())
    return digest.hexdigest()


def _type(name: str, columns: Mapping[str, Column]) -> pa.DataType:
    if name in _TYPES:
        return _TYPES[name]
    return pa.string() if columns[name].kind == "categorical" else pa.float64()


def _is_text(name: str, columns: Mapping[str, Column]) -> bool:
    return bool(_type(name, columns) == pa.string())


def _read_parquet(path: Path) -> tuple[pa.Schema, pd.DataFrame]:
    """Return the table after checking that its decoded size fits what is stored."""
    try:
        with pq.ParquetFile(path) as file:
            facts, schema = file.metadata, file.schema_arrow
            groups = range(facts.num_row_groups)
            unpacked = sum(facts.row_group(k).total_byte_size for k in groups)
            decoded = max(unpacked, facts.num_rows * facts.num_columns * 8)
            if decoded > max(_FREE_TABLE_BYTES, _MAX_TABLE_RATIO * path.stat().st_size):
                raise CohortError(
                    f"{path} is refused: it declares {facts.num_rows:,} rows, far more than its "
                    f"{path.stat().st_size:,} bytes can hold."
                )
        # As dictionaries, so that a long text of many rows stays one text in memory.
        texts = [field.name for field in schema if field.type == pa.string()]
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            integers = {pa.int64(): pd.Int64Dtype()}
            return schema, file.read().to_pandas(
                ignore_metadata=True, types_mapper=integers.get, use_threads=False
            )
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CohortError(
            f"{path} is not a readable Parquet file: it is damaged or truncated; "
            "restore it, or make the cohort again."
        ) from error


def _read_columns(path: Path) -> tuple[dict[str, Column], dict[str, int]]:
    damaged = f"{path} is damaged: restore it, or make the cohort again."
    if os.path.getsize(path) > _MAX_COLUMNS_JSON_BYTES:  # noqa: PTH202 - one call less to follow
        raise CohortError(damaged)
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise CohortError(damaged) from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise CohortError(f"{path.parent} is not a cohort: {COLUMNS} is of another kind.")
    if facts.get("format_number") != FORMAT_NUMBER:
        raise CohortError(
            f"{path.parent} is a cohort of format {facts.get('format_number')!r}, but this version "
            f"reads format {FORMAT_NUMBER}: install a matching version of cmae."
        )
    described, numbers = facts.get("columns"), facts.get("next_part")
    if not isinstance(described, dict) or not isinstance(numbers, dict):
        raise CohortError(damaged)
    numbers = {**dict.fromkeys(TRUTHS, 1), **numbers}  # older cohorts know no truth
    if any(type(numbers.get(name)) is not int for name in STORED):
        raise CohortError(damaged)
    try:
        columns = {name: Column.from_json(column) for name, column in described.items()}
    except InputError as error:
        raise CohortError(f"{path} is damaged: {error}") from error
    return columns, {name: numbers[name] for name in STORED}


def _check_schema(schema: pa.Schema, columns: Mapping[str, Column], folder: Path) -> None:
    missing = [name for name in STRUCTURE if name not in schema.names]
    if missing:
        raise CohortError(f"{folder / TABLE} lacks the column {missing[0]}: it is damaged.")
    for field in schema:
        if field.name not in _TYPES and field.name not in columns:
            raise CohortError(
                f"{folder / TABLE} has the column {field.name}, "
                f"which {COLUMNS} does not describe: describe it there."
            )
        expected = _type(field.name, columns)
        if field.type != expected:
            raise CohortError(
                f"{folder / TABLE} holds {field.name} as {field.type}, "
                f"but it is stored as {expected}: it is damaged."
            )
