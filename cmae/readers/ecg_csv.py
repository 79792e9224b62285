"""ECGs in CSV: one row a sample, a header that names the leads."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cmae.errors import ReadError
from cmae.readers.ecg_record import (
    MAX_CHANNELS,
    MAX_DURATION_S,
    MAX_SAMPLES,
    EcgRecord,
    check_rate,
    clinical_name,
    clinical_record,
    millivolts_per,
)
from cmae.readers.foreign import PARSER_FAULTS, check_file

_MAX_BYTES = 128 * 2**20

_MAX_LINE_BYTES = 2**13

_SECONDS_PER = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3}


def read_csv_ecg(path: Path, *, rate_hz: float | None, unit: str | None) -> EcgRecord:
    """Read a CSV or TSV file whose first row names the leads.

    A unit may stand behind a name, ``I (mV)`` or ``V1_uV``; a column ``time (s)``, ``time_ms`` or
    the like gives the rate.

    Args:
        path: The file.
        rate_hz: Samples per second where there is no time column.
        unit: Unit of the columns that name none.

    Returns:
        The record.

    Raises:
        ReadError: It is no such table, or rate or unit stay open.
    """
    if check_file(path, what="The CSV file") > _MAX_BYTES:
        raise ReadError(
            f"The CSV file is larger than {_MAX_BYTES // 2**20} MiB: give a minute of one ECG."
        )
    separator, words = _header(path)
    columns = [_split(word) for word in words]
    times = [k for k, (name, _) in enumerate(columns) if name.lower() in {"time", "t"}]
    leads = [k for k, (name, _) in enumerate(columns) if clinical_name(name) is not None]
    factors = [_factor(columns[k], unit) for k in leads]
    values = _values(path, separator, [*times[:1], *leads])
    if times:
        rate_hz = _rate(values[:, 0], columns[times[0]][1])
        values = values[:, 1:]
    if rate_hz is None:
        raise ReadError(
            "The CSV file has no time column and no rate was declared: declare it (rate_hz, "
            "--rate), or add a column 'time (s)'; a rate is never guessed."
        )
    check_rate(rate_hz)
    return clinical_record(
        values[: int(MAX_DURATION_S * rate_hz)] * np.array(factors),
        [columns[k][0] for k in leads],
        rate_hz=rate_hz,
        source="CSV",
    )


def _header(path: Path) -> tuple[str, list[str]]:
    """Return what parts the columns, and their names."""
    line = b"#"
    with path.open("rb") as opened:
        while line.startswith(b"#"):
            line = opened.readline(_MAX_LINE_BYTES)
    separator = max((b",", b";", b"\t"), key=line.count)
    if len(line) == _MAX_LINE_BYTES or not 1 <= line.count(separator) <= MAX_CHANNELS:
        raise ReadError(
            "The CSV file does not begin with a header row that names one lead a column, parted "
            "by comma, semicolon or tab."
        )
    words = line.decode("utf-8-sig", errors="replace").split(separator.decode())
    return separator.decode(), [word.strip().strip("\"'") for word in words]


def _values(path: Path, separator: str, columns: list[int]) -> NDArray[np.float64]:
    """Read some columns, ``(samples, columns)`` in the order given."""
    try:
        table = pd.read_csv(
            path,
            sep=separator,
            header=0,
            usecols=sorted(columns),
            nrows=MAX_SAMPLES,
            comment="#",
        )
        order = np.argsort(np.argsort(columns))
        return np.asarray(table.to_numpy(np.float64)[:, order], np.float64)
    except (*PARSER_FAULTS, pd.errors.ParserError) as error:
        raise ReadError(
            "The CSV file is no table of numbers with a header row that names the leads."
        ) from error


def _factor(column: tuple[str, str | None], unit: str | None) -> float:
    """Return how many mV one of a column's unit is."""
    name, own = column
    if own is None and unit is None:
        raise ReadError(
            f"The CSV file's column of lead {clinical_name(name)} names no unit and none was "
            "declared: write 'I (mV)', or declare it (unit, --unit); a voltage is never guessed."
        )
    return millivolts_per(own or unit)


def _split(name: str) -> tuple[str, str | None]:
    """Split ``I (mV)``, ``I [mV]`` or ``I_mV`` into name and unit."""
    found = re.fullmatch(
        r"\s*(.*?)\s*(?:[(\[]\s*([^)\]]+?)\s*[)\]]|_(m?s|sec|[munµ]?[Vv]))\s*", name
    )
    if found is None:
        return name.strip(), None
    return found[1], found[2] or found[3]


def _rate(times: np.ndarray[tuple[int], np.dtype[np.float64]], unit: str | None) -> float:
    """Return the rate that a time column means, after checking that it is even."""
    seconds = _SECONDS_PER.get((unit or "").lower())
    if seconds is None:
        raise ReadError("The CSV file's time column names no unit: write 'time (s)' or 'time_ms'.")
    steps = np.diff(times) * seconds
    step = float(np.median(steps)) if len(steps) else 0.0
    if not step > 0 or float(np.abs(steps - step).max()) > 0.5 * step:
        raise ReadError("The CSV file's time column does not grow by even steps.")
    return float(len(steps) / (seconds * (times[-1] - times[0])))
