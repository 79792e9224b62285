"""ECGs in EDF and EDF+ (continuous): a fixed header of ASCII fields, then records of integers.

Source: Kemp et al., Electroenceph. Clin. Neurophysiol. 82 (1992) 391; EDF+ specification, 2003.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from cmae.errors import ReadError
from cmae.readers.ecg_record import (
    MAX_CHANNELS,
    MAX_DURATION_S,
    DeviceFacts,
    EcgRecord,
    check_rate,
    clinical_name,
    clinical_record,
    millivolts_per,
)
from cmae.readers.foreign import PARSER_FAULTS, check_file
from cmae.readers.xml_tree import number_in

_FIXED_BYTES = 256

_FIELDS = {
    "label": 16,
    "transducer": 80,
    "unit": 8,
    "physical_minimum": 8,
    "physical_maximum": 8,
    "digital_minimum": 8,
    "digital_maximum": 8,
    "filter": 80,
    "samples": 8,
    "reserved": 32,
}
"""Fields of a signal in the order they stand, with their width in characters."""


class _Header(NamedTuple):
    """What the header says."""

    records: int
    record_s: float
    signals: list[dict[str, str]]


def is_edf(head: bytes) -> bool:
    """Whether a file's first bytes are the version field of EDF."""
    return head.startswith(b"0       ")


def read_edf_ecg(path: Path) -> EcgRecord:
    """Read an EDF file whose labels name the leads.

    Args:
        path: The file.

    Returns:
        The record.

    Raises:
        ReadError: The header makes no sense, the file is truncated, or a lead's unit is not known.
    """
    try:
        header = _header(path)
        return _read(path, header)
    except PARSER_FAULTS as error:
        raise ReadError("The EDF file cannot be read: it is damaged.") from error


def edf_patient(path: Path) -> str | None:
    """Return the code that the header's patient field begins with, None if there is none."""
    with path.open("rb") as opened:
        field = opened.read(88)[8:].decode("latin-1").split()
    return field[0] if field and field[0] != "X" else None


def _header(path: Path) -> _Header:
    """Read the header and check it against the size of the file."""
    size = check_file(path, what="The EDF file")
    with path.open("rb") as opened:
        fixed = opened.read(_FIXED_BYTES).decode("latin-1")
        if fixed[192:197] == "EDF+D":
            raise ReadError("The EDF file is interrupted (EDF+D): expected one in a single piece.")
        count, records = number_in(fixed[252:256]), number_in(fixed[236:244])
        record_s = number_in(fixed[244:252])
        if count is None or not 1 <= count <= MAX_CHANNELS or count % 1:
            raise ReadError(
                f"The EDF file's header does not announce 1 to {MAX_CHANNELS} signals: it is "
                "damaged or no ECG."
            )
        if records is None or not 1 <= records < 1e8 or record_s is None or record_s <= 0:
            raise ReadError(
                "The EDF file's header gives no number or no duration of its records that can be."
            )
        text = opened.read(_FIXED_BYTES * int(count)).decode("latin-1")
    if len(text) < _FIXED_BYTES * int(count):
        raise ReadError("The EDF file's header is truncated: copy the file again.")
    header = _Header(int(records), record_s, _signals(text, int(count)))
    needed = _FIXED_BYTES * (1 + int(count)) + 2 * header.records * sum(_sizes(header))
    if size < needed:
        raise ReadError(
            f"The EDF file has {size:,} bytes where its header promises {needed:,}: it is "
            "truncated, copy it again."
        )
    return header


def _signals(text: str, count: int) -> list[dict[str, str]]:
    """Return the fields of each signal: they stand field by field, not signal by signal."""
    signals: list[dict[str, str]] = [{} for _ in range(count)]
    place = 0
    for name, width in _FIELDS.items():
        for signal in signals:
            signal[name] = text[place : place + width].strip()
            place += width
    return signals


def _sizes(header: _Header) -> list[int]:
    """Return how many samples of each signal a record holds."""
    sizes = [number_in(signal["samples"]) for signal in header.signals]
    if any(size is None or not 1 <= size <= 10**7 for size in sizes):
        raise ReadError("The EDF file's header gives a signal no believable number of samples.")
    return [int(size or 0) for size in sizes]


def _read(path: Path, header: _Header) -> EcgRecord:
    """Read the leads of at most the first minute."""
    sizes = _sizes(header)
    leads = [k for k, signal in enumerate(header.signals) if clinical_name(signal["label"])]
    if len({sizes[k] for k in leads}) != 1:
        raise ReadError(
            "The EDF file names no clinical lead in its labels, or samples its leads at several "
            "rates: expected labels such as 'ECG V1' and one rate."
        )
    rate_hz = sizes[leads[0]] / header.record_s
    check_rate(rate_hz)
    wanted = min(header.records, int(np.ceil(MAX_DURATION_S / header.record_s)))
    stored = np.fromfile(
        path, "<i2", wanted * sum(sizes), offset=_FIXED_BYTES * (1 + len(sizes))
    ).reshape(wanted, sum(sizes))
    starts = np.cumsum([0, *sizes])
    steps_mv, columns = [], []
    for k in leads:
        step_mv, zero_mv = _scale(header.signals[k])
        own = stored[:, starts[k] : starts[k] + sizes[k]].reshape(-1)
        columns.append(own[: int(MAX_DURATION_S * rate_hz)] * step_mv + zero_mv)
        steps_mv.append(abs(step_mv))
    return clinical_record(
        np.stack(columns, axis=1),
        [header.signals[k]["label"] for k in leads],
        rate_hz=rate_hz,
        source="EDF",
        device=DeviceFacts(max(steps_mv)),
    )


def _scale(signal: dict[str, str]) -> tuple[float, float]:
    """Return how many mV a step is, and the voltage of the stored 0."""
    low, high, digital_low, digital_high = (
        number_in(signal[f"{kind}_{end}"])
        for kind in ("physical", "digital")
        for end in ("minimum", "maximum")
    )
    unit_mv = millivolts_per(signal["unit"])
    if low is None or high is None or digital_low is None or digital_high is None:
        raise ReadError("The EDF file's header gives a lead no range: its voltage is not known.")
    if low == high or digital_low >= digital_high:
        raise ReadError("The EDF file's header gives a lead an empty range: its gain is not known.")
    step = (high - low) / (digital_high - digital_low)
    return step * unit_mv, (low - digital_low * step) * unit_mv
