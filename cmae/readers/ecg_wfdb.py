"""WFDB records (PhysioNet) to one ECG recording."""

import re
from pathlib import Path

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
from cmae.readers.wfdb_plain import WfdbSignals, read_plain

_MAX_HEADER_BYTES = 2**20

_MAX_SKEW = 10_000

_MAX_DIGITS = 12
"""Digits of a number that are looked at; a longer one is beyond every bound all the same."""

_BYTES_PER_SAMPLE = {
    "8": 1.0,
    "16": 2.0,
    "24": 3.0,
    "32": 4.0,
    "61": 2.0,
    "80": 1.0,
    "160": 2.0,
    "212": 1.5,
    "310": 4 / 3,
    "311": 4 / 3,
}


def wfdb_header(path: Path) -> Path | None:
    """Return the WFDB header that a path means: itself, its sibling, or the one in the folder."""
    if path.is_dir():
        headers = sorted(path.glob("*.hea"))
        if len(headers) != 1:
            raise ReadError(
                f"The folder holds {len(headers)} WFDB headers: give the one file to read."
            )
        return headers[0]
    for candidate in (path, path.with_suffix(".hea"), path.with_name(path.name + ".hea")):
        if candidate.suffix.lower() == ".hea" and candidate.is_file():
            return candidate
    if path.suffix.lower() == ".hea":
        check_file(path, what="The WFDB header")
    return None


def read_wfdb(header: Path) -> EcgRecord:
    """Read a WFDB record from its header, which is checked line by line before data are touched."""
    if header.suffix != ".hea":
        raise ReadError("The WFDB header's name must end in '.hea' in lower case: rename it.")
    lines = _header_lines(header)
    samples = _check_wfdb_header(header, lines)
    record = read_plain(header.parent, lines, samples) or _read_by_library(header, samples)
    signals, resolution_mv = record.signals, 0.0
    for column, name in enumerate(record.names):
        if clinical_name(name) is not None:
            unit_mv = millivolts_per(record.units[column])
            signals[:, column] *= unit_mv
            resolution_mv = max(resolution_mv, unit_mv / record.gains[column])
    facts = DeviceFacts(resolution_mv or None)
    return clinical_record(
        signals, record.names, rate_hz=record.rate_hz, source="WFDB", device=facts
    )


def _read_by_library(header: Path, samples: int) -> WfdbSignals:
    """Read a record of any layout, some samples of it."""
    import wfdb  # noqa: PLC0415 - slow to load, and seldom needed

    try:
        record = wfdb.rdrecord(str(header.resolve().with_suffix("")), sampto=samples)
        return WfdbSignals(
            np.asarray(record.p_signal, np.float64),
            float(record.fs),
            [str(name or "") for name in record.sig_name],
            [str(unit or "") for unit in record.units],
            [float(gain) for gain in record.adc_gain],
        )
    except PARSER_FAULTS as error:
        raise ReadError(
            "The WFDB record cannot be read: its header or its signal file is damaged."
        ) from error


def _header_lines(header: Path) -> list[str]:
    """Return the lines of a WFDB header but for comments and empty ones.

    Raises:
        ReadError: It is no plain file, or too large for a header.
    """
    if check_file(header, what="The WFDB header") > _MAX_HEADER_BYTES:
        raise ReadError("The WFDB header is larger than 1 MiB: it is no header.")
    text = header.read_bytes().decode("utf-8", errors="replace")
    return [line for line in text.splitlines() if line.strip() and line[0] != "#"]


def _check_wfdb_header(header: Path, text: list[str]) -> int:
    """Return how many samples of a WFDB record to read, those of the first minute.

    Args:
        header: The header.
        text: Its lines.

    Raises:
        ReadError: The header leads elsewhere, guesses, or promises more than there is.
    """
    lines = [line.split() for line in text]
    try:
        record = lines[0]
        channels, samples = int(record[1][:_MAX_DIGITS]), int(record[3][:_MAX_DIGITS])
        rate_hz = float(re.split(r"[/(]", record[2])[0])
        signal_lines = lines[1:]
    except (IndexError, ValueError) as error:
        raise ReadError(
            "The WFDB header's first line lacks the number of signals, the rate or the length: "
            "expected 'NAME 12 500 5000'."
        ) from error
    if "/" in record[0] or len(signal_lines) != channels:
        raise ReadError(
            f"The WFDB header lists {len(signal_lines)} signals where its first line says "
            f"{channels}, or has several segments: expected one segment with a line a signal."
        )
    if not 1 <= channels <= MAX_CHANNELS or samples < 1:
        raise ReadError(
            f"The WFDB header announces {channels} channels of {samples} samples: expected 1 to "
            f"{MAX_CHANNELS} channels and at least one sample."
        )
    check_rate(rate_hz)
    needed: dict[str, float] = {}
    for line in signal_lines:
        name, size, offset = _check_signal_line(line)
        needed[name] = needed.get(name, offset) + size * samples
    for name, size in needed.items():
        stored = check_file(header.parent / name, what="The WFDB record's signal file")
        if stored < int(size):
            raise ReadError(
                f"The WFDB record's signal file has {stored:,} bytes where its header promises "
                f"{int(size):,}: it is truncated, copy it again."
            )
    return min(samples, int(MAX_DURATION_S * rate_hz))


def _check_signal_line(line: list[str]) -> tuple[str, float, int]:
    """Check one signal's line; return its file, the bytes a sample takes there, and its offset."""
    name = line[0]
    if Path(name).name != name or name in {"~", "-", ".", ".."} or ":" in name or "\\" in name:
        raise ReadError(
            "The WFDB header names a signal file in another place: expected one beside the header."
        )
    storage = re.fullmatch(
        r"(\d+)(?:x(\d{1,9}))?(?::(\d{1,9}))?(?:\+(\d{1,12}))?", line[1] if line[1:] else ""
    )
    if storage is None or storage[1] not in _BYTES_PER_SAMPLE:
        raise ReadError(
            "The WFDB header gives a storage format that is not read: expected one of "
            f"{', '.join(_BYTES_PER_SAMPLE)}."
        )
    gain = re.match(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?", line[2] if line[2:] else "")
    if gain is None or not _is_positive(gain[0]):
        raise ReadError(
            "The WFDB header gives no gain for a signal: without it no voltage is known; write "
            "the steps per mV into the header."
        )
    frames, skew = int(storage[2] or 1), int(storage[3] or 0)
    if not 1 <= frames <= 64 or skew > _MAX_SKEW:
        raise ReadError(
            f"The WFDB header gives {frames} samples a frame and a skew of {skew}: expected 1 to "
            f"64, and at most {_MAX_SKEW}."
        )
    return name, _BYTES_PER_SAMPLE[storage[1]] * frames, int(storage[4] or 0)


def _is_positive(number: str) -> bool:
    """Whether a piece of text is a finite number above zero."""
    try:
        value = float(number)
    except ValueError:
        return False
    return bool(np.isfinite(value) and value > 0)
