"""ECGs in CSV: one row a sample, a header that names the leads."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from cmae.errors import ReadError
from cmae.readers.ecg_record import (
    MAX_DURATION_S,
    RATES_HZ,
    EcgRecord,
    check_rate,
    clinical_record,
    millivolts_per,
)
from cmae.readers.foreign import PARSER_FAULTS

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
    try:
        table = pd.read_csv(
            path, sep=None, engine="python", nrows=int(MAX_DURATION_S * RATES_HZ[1]), comment="#"
        )
        columns = [_split(str(name)) for name in table.columns]
        values = table.to_numpy(np.float64)
    except (*PARSER_FAULTS, pd.errors.ParserError) as error:
        raise ReadError(
            "The CSV file is no table of numbers with a header row that names the leads."
        ) from error
    times = [k for k, (name, _) in enumerate(columns) if name.lower() in {"time", "t"}]
    if times:
        rate_hz = _rate(values[:, times[0]], columns[times[0]][1])
    if rate_hz is None:
        raise ReadError(
            "The CSV file has no time column and no rate was declared: declare it (rate_hz, "
            "--rate), or add a column 'time (s)'; a rate is never guessed."
        )
    check_rate(rate_hz)
    leads = [k for k in range(len(columns)) if k not in times]
    factors = []
    for name, own in (columns[k] for k in leads):
        if own is None and unit is None:
            raise ReadError(
                f"The CSV file's column '{name[:12]}' names no unit and none was declared: write "
                "'I (mV)', or declare it (unit, --unit); a voltage is never guessed."
            )
        factors.append(millivolts_per(own or unit))
    rows = int(MAX_DURATION_S * rate_hz)
    return clinical_record(
        values[:rows, leads] * np.array(factors),
        [columns[k][0] for k in leads],
        rate_hz=rate_hz,
        source="CSV",
    )


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
