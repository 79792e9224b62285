"""Export: latents as tables that other programs read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TextIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cmae.data.files import replacing
from cmae.errors import InputError, LatentsError
from cmae.latent.latents import Latents

ROWS_AT_ONCE = 4096
"""Rows held in memory while writing."""

TENSOR_MAPS = {"ecg": "ecg_rest_median_raw_10", "mri": "lax_4ch_heart_center", "joint": "joint"}
"""What ml4h calls the recordings; it stands in the names of its files."""

FORMATS = ("tsv", "parquet", "regenie", "latentverse")

ID_COLUMN = "sample_id"

Progress = Callable[[int, int], None]


class Labels(Protocol):
    """What an export of labels needs of a cohort (``cmae.data.cohort.Cohort`` has it)."""

    @property
    def table(self) -> pd.DataFrame:
        """One row a (participant, visit)."""

    @property
    def fingerprint(self) -> str:
        """Hash of the rows: that of the cohort that the latents are of."""

    @property
    def columns(self) -> Mapping[str, object]:
        """Facts of each phenotype column: ``role`` is what counts here."""


@dataclass(frozen=True)
class ExportSettings:
    """What is exported.

    Attributes:
        visit: Only rows of this visit; None for all, where a participant has one.
        name: What ends the names of tsv files; None for the start of the run's fingerprint.
        identifiers: What is written for each ``participant_id``, where pseudonyms are restored;
            None writes them as they are.
    """

    visit: int | None = None
    name: str | None = None
    identifiers: Mapping[str, str] | None = field(default=None, repr=False)


def export(
    latents: Latents,
    folder: Path | str,
    *,
    format_name: str,
    settings: ExportSettings | None = None,
    cohort: Labels | None = None,
    on_progress: Progress | None = None,
) -> list[dict[str, object]]:
    """Write latents as tables, one file a kind of latent.

    A participant without that latent has no row. Files are replaced whole; memory does not grow
    with the cohort.

    Args:
        latents: The latents.
        folder: Where the files go; made if missing.
        format_name: ``tsv``: ml4h's ``hidden_<tensor map>_<name>.tsv`` with ``sample_id`` and
            ``latent_0`` …, one file an encoder; ``regenie``: phenotype files with ``FID IID`` and
            ``latent_0`` …; ``parquet``: with ``participant_id`` and ``visit``;
            ``latentverse``: a CSV of latents a kind and, with a cohort, ``labels.csv``, all with
            ``sample_id``.
        settings: What is exported.
        cohort: For ``latentverse``: the cohort whose phenotypes and covariates become labels.
        on_progress: Called with (rows written, rows in all).

    Returns:
        For each file its ``file`` name, ``kind`` and number of ``rows``.

    Raises:
        InputError: The format is unknown.
        LatentsError: The file is a shard, the cohort is not the one that was embedded, or one
            participant has several visits and the format has one row a participant.
    """
    if format_name not in FORMATS:
        raise InputError(f"There is no format {format_name!r}: choose one of {', '.join(FORMATS)}.")
    if latents.shard is not None:
        raise LatentsError(f"{latents.path} is a shard: merge the shards first, with `cmae merge`.")
    if cohort is not None and cohort.fingerprint != latents.cohort_fingerprint:
        raise LatentsError(
            f"{latents.path} holds latents of another cohort, or of this one before it changed: "
            "embed again with this cohort, with `cmae embed`, then export."
        )
    folder, settings = Path(folder), settings or ExportSettings()
    if settings.identifiers is not None:
        latents = _renamed(latents, settings.identifiers)
    kinds = [kind for kind in latents.kinds if format_name != "tsv" or kind != "joint"]
    rows = {kind: _rows(latents, kind, settings.visit) for kind in kinds}
    if format_name != "parquet":
        _check_one_visit(latents, np.unique(np.concatenate(list(rows.values()))))
    folder.mkdir(parents=True, exist_ok=True)
    name = settings.name or latents.run_fingerprint[:8]
    total, before, files = sum(len(found) for found in rows.values()), 0, []
    for kind in kinds:
        path = folder / _file_name(format_name, kind, name)
        report = _shifted(on_progress, before, total)
        with replacing(path) as temporary:
            if format_name == "parquet":
                _write_parquet(temporary, latents, kind, rows[kind], report)
            else:
                _write_text(temporary, latents, kind, rows[kind], _dialect(format_name), report)
        before += len(rows[kind])
        files.append({"file": path.name, "kind": kind, "rows": len(rows[kind])})
    if format_name == "latentverse" and cohort is not None:
        files.append(_write_labels(folder / "labels.csv", latents, cohort, settings))
    return files


@dataclass(frozen=True)
class _Dialect:
    """How a text table is written: its separator and the names of its columns of identifiers."""

    separator: str
    identifiers: Sequence[str]


def _dialect(format_name: str) -> _Dialect:
    return {
        "tsv": _Dialect("\t", (ID_COLUMN,)),
        "regenie": _Dialect(" ", ("FID", "IID")),
        "latentverse": _Dialect(",", (ID_COLUMN,)),
    }[format_name]


def _file_name(format_name: str, kind: str, name: str) -> str:
    return {
        "tsv": f"hidden_{TENSOR_MAPS[kind]}_{name}.tsv",
        "regenie": f"latents_{kind}.txt",
        "parquet": f"latents_{kind}.parquet",
        "latentverse": f"latents_{kind}.csv",
    }[format_name]


def _renamed(latents: Latents, identifiers: Mapping[str, str]) -> Latents:
    """Return the latents with other names of the participants."""
    names = latents.keys["participant_id"].map(identifiers)
    if names.isna().any() or names.nunique() < latents.keys["participant_id"].nunique():
        raise InputError("Not every participant has an identifier of their own: list all.")
    return replace(latents, keys=latents.keys.assign(participant_id=names))


def _rows(latents: Latents, kind: str, visit: int | None) -> NDArray[np.int64]:
    wanted = latents.present[kind]
    if visit is not None:
        is_visit = latents.keys["visit"].to_numpy() == visit
        if not is_visit.any():
            visits = ", ".join(str(found) for found in sorted(latents.keys["visit"].unique()))
            raise InputError(f"There is no visit {visit} in {latents.path}: it has {visits}.")
        wanted = wanted & is_visit
    return np.flatnonzero(wanted)


def _check_one_visit(latents: Latents, rows: NDArray[np.int64]) -> None:
    keys = latents.keys.iloc[rows]
    if keys["participant_id"].duplicated().any():
        visits = ", ".join(str(visit) for visit in sorted(keys["visit"].unique()))
        raise LatentsError(
            f"Some participants have several visits ({visits}), and this format has one row a "
            "participant: choose one with --visit, or export parquet."
        )


def _chunks(
    latents: Latents, kind: str, rows: NDArray[np.int64], report: Progress
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Read the latents of ascending rows, some thousand at a time."""
    for first in range(0, len(rows), ROWS_AT_ONCE):
        chunk = rows[first : first + ROWS_AT_ONCE]
        start, stop = int(chunk[0]), int(chunk[-1]) + 1
        parts = [
            latents.read(kind, low, min(low + ROWS_AT_ONCE, stop))[
                chunk[(chunk >= low) & (chunk < low + ROWS_AT_ONCE)] - low
            ]
            for low in range(start, stop, ROWS_AT_ONCE)
        ]
        yield chunk, np.concatenate(parts)
        report(first + len(chunk), len(rows))


def _write_text(
    path: Path,
    latents: Latents,
    kind: str,
    rows: NDArray[np.int64],
    dialect: _Dialect,
    report: Progress,
) -> None:
    identifiers = latents.keys["participant_id"].to_numpy()
    _check_identifiers(identifiers[rows], dialect.separator)
    header = [*dialect.identifiers, *(f"latent_{k}" for k in range(latents.latent_dim))]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(dialect.separator.join(header) + "\n")
        for chunk, values in _chunks(latents, kind, rows, report):
            _write_lines(file, identifiers[chunk], values, dialect)


def _write_lines(
    file: TextIO, identifiers: NDArray[np.object_], values: NDArray[np.float32], dialect: _Dialect
) -> None:
    line = dialect.separator.join(["%.9g"] * values.shape[1])  # 9 digits give a float32 back
    for identifier, numbers in zip(identifiers, values.tolist(), strict=True):
        keys = dialect.separator.join([identifier] * len(dialect.identifiers))
        file.write(f"{keys}{dialect.separator}{line % tuple(numbers)}\n")


def _check_identifiers(identifiers: NDArray[np.object_], separator: str) -> None:
    bad = {separator, '"', "\n", "\r"} | ({"\t"} if separator == " " else set())
    num_bad = sum(1 for identifier in identifiers if bad & set(identifier))
    if num_bad:
        raise LatentsError(
            f"{num_bad} participant identifiers hold a separator, a quote or a line break, which "
            "this format cannot carry: export parquet."
        )


def _write_parquet(
    path: Path, latents: Latents, kind: str, rows: NDArray[np.int64], report: Progress
) -> None:
    names = [f"latent_{k}" for k in range(latents.latent_dim)]
    fields = [("participant_id", pa.string()), ("visit", pa.int32())]
    schema = pa.schema([*fields, *((name, pa.float32()) for name in names)])
    schema = schema.with_metadata(
        {
            "kind": kind,
            "run_fingerprint": latents.run_fingerprint,
            "cohort_fingerprint": latents.cohort_fingerprint,
            "is_simulated": str(latents.is_simulated),
        }
    )
    with pq.ParquetWriter(path, schema) as writer:
        for chunk, values in _chunks(latents, kind, rows, report):
            keys = latents.keys.iloc[chunk]
            columns = [
                pa.array(keys["participant_id"], pa.string()),
                pa.array(keys["visit"].to_numpy(), pa.int32()),
                *(pa.array(column) for column in np.ascontiguousarray(values.T)),
            ]
            writer.write_table(pa.table(columns, schema=schema))


def _write_labels(
    path: Path, latents: Latents, cohort: Labels, settings: ExportSettings
) -> dict[str, object]:
    """Write phenotypes and covariates of the rows that have a latent."""
    roles = {name: getattr(column, "role", "") for name, column in cohort.columns.items()}
    names = [name for name, role in roles.items() if role in ("phenotype", "covariate")]
    rows = _rows(latents, "joint", settings.visit)
    keys = latents.keys.iloc[rows]
    table = cohort.table[["participant_id", "visit", *names]]
    if settings.identifiers is not None:
        table = table.assign(participant_id=table["participant_id"].map(settings.identifiers))
    labels = keys.merge(table, on=["participant_id", "visit"], how="inner", validate="1:1")
    labels = labels.drop(columns="visit").rename(columns={"participant_id": ID_COLUMN})
    with replacing(path) as temporary:
        labels.to_csv(temporary, index=False)
    return {"file": path.name, "kind": "labels", "rows": len(labels)}


def _shifted(on_progress: Progress | None, before: int, total: int) -> Progress:
    def report(done: int, _: int) -> None:
        if on_progress is not None:
            on_progress(before + done, total)

    return report
