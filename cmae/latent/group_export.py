"""Some rows of a cohort as a file for other programs, with how they were chosen kept in it."""

import io
import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

METADATA_KEY = b"cmae"
"""Where a Parquet file holds how its rows were chosen, as JSON."""


def group_table(
    table: pd.DataFrame,
    rows: NDArray[np.integer],
    columns: Sequence[str],
    *,
    latents: Mapping[str, NDArray[np.floating]] | None = None,
) -> pd.DataFrame:
    """Gather columns of some rows, and their latents.

    Args:
        table: The cohort's table.
        rows: (n,) row numbers.
        columns: Names of columns, in the order wanted.
        latents: By kind, (n, latent_dim) of these rows, NaN where there is none; None: no latents.

    Returns:
        ``row``, the columns, and for each kind ``<kind>_latent_<k>``.
    """
    parts = [pd.DataFrame({"row": rows}), table[list(columns)].iloc[rows].reset_index(drop=True)]
    for kind, values in (latents or {}).items():
        names = [f"{kind}_latent_{k}" for k in range(values.shape[1])]
        parts.append(pd.DataFrame(np.asarray(values, np.float32), columns=names))
    return pd.concat(parts, axis=1)


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Write a table as CSV in UTF-8, missing values empty.

    Args:
        table: From ``group_table``.
    """
    return str(table.to_csv(index=False)).encode()


def parquet_bytes(table: pd.DataFrame, how: Mapping[str, object]) -> bytes:
    """Write a table as Parquet that says how its rows were chosen.

    Args:
        table: From ``group_table``.
        how: JSON-able, for the file's metadata under METADATA_KEY.
    """
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    metadata = {**(arrow.schema.metadata or {}), METADATA_KEY: json.dumps(dict(how)).encode()}
    file = io.BytesIO()
    pq.write_table(arrow.replace_schema_metadata(metadata), file)
    return file.getvalue()
