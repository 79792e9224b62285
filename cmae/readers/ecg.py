"""ECG files become one record type: the twelve leads in clinical order, in mV."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import LEADS
from cmae.errors import ReadError
from cmae.readers.foreign import PARSER_FAULTS, check_file, quietly

MAX_DURATION_S = 60.0
"""What is read of a recording: a median beat needs ten seconds, a Holter recording has a day."""

RATES_HZ = (80.0, 20_000.0)
"""Lowest and highest sampling rate that is believed."""

MAX_VOLTAGE_MV = 5000.0
"""Highest voltage that is believed, electrode offset included."""

_MAX_CHANNELS = 64
_MAX_HEADER_BYTES = 2**20
_MV_PER_UNIT = {"v": 1000.0, "mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6}
_CLINICAL_NAMES = {lead.lower(): lead for lead in LEADS}
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


@dataclass(frozen=True)
class EcgRecord:
    """A twelve-lead ECG as it was recorded, without any identifier.

    Attributes:
        signals: ``(samples, 12)`` in mV, leads in clinical order; NaN where nothing was recorded.
        rate_hz: Samples per second.
        source: Format of the file, for people.
        derived_leads: Limb leads that the file lacks and that were computed from two others.
    """

    signals: NDArray[np.float32] = field(repr=False)
    rate_hz: float
    source: str
    derived_leads: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length of the recording in seconds."""
        return len(self.signals) / self.rate_hz


@quietly()
def read_ecg(
    path: str | Path, *, rate_hz: float | None = None, unit: str | None = None
) -> EcgRecord:
    """Read a twelve-lead ECG: WFDB, DICOM waveform or CSV, told by name and content.

    At most the first minute is read.

    Args:
        path: The file; for WFDB the header, the signal file or their common stem, and a folder
            that holds one WFDB header is taken for that record.
        rate_hz: Samples per second of a CSV file that has no time column.
        unit: Unit of a CSV file whose header names none (``"mV"`` or ``"uV"``).

    Returns:
        The record.

    Raises:
        ReadError: The file is not such an ECG, is damaged, or leaves rate, gain or unit open.
    """
    path = Path(path)
    header = _wfdb_header(path)
    if header is not None:
        return _read_wfdb(header)
    check_file(path, what="The ECG file")
    with path.open("rb") as opened:
        is_dicom = opened.read(132)[128:] == b"DICM"
    if is_dicom:
        from cmae.readers.ecg_dicom import read_dicom_ecg  # noqa: PLC0415 - pydicom is slow to load

        return read_dicom_ecg(path)
    if path.suffix.lower() in {".csv", ".tsv", ".txt"}:
        from cmae.readers.ecg_csv import read_csv_ecg  # noqa: PLC0415 - needs pandas

        return read_csv_ecg(path, rate_hz=rate_hz, unit=unit)
    if path.suffix.lower() in {".mat", ".dat"}:
        raise ReadError(
            "The ECG's signal file has no WFDB header (.hea) beside it: give both files, "
            "the header says which lead is which and how many mV a step is."
        )
    raise ReadError(
        f"An ECG of the type '{path.suffix[:8]}' is not known: expected WFDB (.hea with its signal "
        "file), a DICOM waveform (.dcm) or CSV."
    )


def clinical_record(
    channels: NDArray[np.floating], names: list[str], *, rate_hz: float, source: str
) -> EcgRecord:
    """Put named channels into clinical order and derive the limb leads that are lacking.

    III = II − I, aVR = −(I + II)/2, aVL = I − II/2, aVF = II − I/2 (Einthoven, Goldberger).

    Args:
        channels: ``(samples, channels)`` in mV.
        names: Name of each channel in any case; channels that are no clinical lead are left out.
        rate_hz: Samples per second.
        source: Format of the file, for people.

    Returns:
        The record.

    Raises:
        ReadError: Rate or length make no sense, a lead occurs twice, or leads are lacking.
    """
    check_rate(rate_hz)
    found: dict[str, NDArray[np.float64]] = {}
    for column, name in enumerate(names):
        lead = _clinical_name(name)
        if lead is None:
            continue
        if lead in found:
            raise ReadError(f"Lead {lead} occurs twice in the ECG: keep one channel a lead.")
        found[lead] = np.asarray(channels[:, column], np.float64)
    derived = _derive_limb_leads(found)
    lacking = [lead for lead in LEADS if lead not in found]
    if lacking:
        raise ReadError(
            f"The ECG lacks {'lead' if len(lacking) == 1 else 'leads'} {', '.join(lacking)}: all "
            "twelve are needed, where two of I, II and III are enough for the six limb leads."
        )
    signals = np.stack([found[lead] for lead in LEADS], axis=-1)
    if not np.nanmax(np.abs(signals), initial=0.0) <= MAX_VOLTAGE_MV:
        raise ReadError(
            f"The ECG holds voltages beyond {MAX_VOLTAGE_MV:g} mV: check its gain and unit."
        )
    return EcgRecord(signals.astype(np.float32), float(rate_hz), source, derived)


def _clinical_name(name: str) -> str | None:
    """Return the lead that a channel's name means, None if it is no clinical lead."""
    return _CLINICAL_NAMES.get(re.sub(r"^(ecg|lead|[\s_:-])+", "", name.strip().lower()))


def check_rate(rate_hz: float | None) -> None:
    """Raise ReadError unless the sampling rate is known and believable."""
    low, high = RATES_HZ
    if rate_hz is None or not low <= rate_hz <= high:
        raise ReadError(
            f"The ECG has a sampling rate of {rate_hz} Hz: expected {low:g} to {high:g} Hz."
        )


def millivolts_per(unit: str | None) -> float:
    """Return how many mV one of a unit is.

    Raises:
        ReadError: The unit is no unit of voltage.
    """
    factor = _MV_PER_UNIT.get((unit or "").strip().lower())
    if factor is None:
        raise ReadError(
            f"The ECG's unit '{(unit or '')[:12]}' is not known: expected mV, uV or V; "
            "a voltage is never guessed."
        )
    return factor


def _derive_limb_leads(found: dict[str, NDArray[np.float64]]) -> tuple[str, ...]:
    """Add the limb leads that two of I, II and III give, in place; return their names."""
    before = set(found)
    if len({"I", "II", "III"} & before) < 2:
        return ()
    if "I" not in found:
        found["I"] = found["II"] - found["III"]
    if "II" not in found:
        found["II"] = found["I"] + found["III"]
    one, two = found["I"], found["II"]
    found.setdefault("III", two - one)
    found.setdefault("aVR", -(one + two) / 2)
    found.setdefault("aVL", one - two / 2)
    found.setdefault("aVF", two - one / 2)
    return tuple(lead for lead in LEADS if lead in found and lead not in before)


def _wfdb_header(path: Path) -> Path | None:
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


def _read_wfdb(header: Path) -> EcgRecord:
    """Read a WFDB record from its header, which is checked line by line before data are touched."""
    import wfdb  # noqa: PLC0415 - slow to load, and not needed by other formats

    if header.suffix != ".hea":
        raise ReadError("The WFDB header's name must end in '.hea' in lower case: rename it.")
    _check_wfdb_header(header)
    try:
        facts = wfdb.rdheader(str(header.resolve().with_suffix("")))
        rate_hz = float(facts.fs)
        check_rate(rate_hz)
        samples = min(int(facts.sig_len), int(MAX_DURATION_S * rate_hz))
        record = wfdb.rdrecord(str(header.resolve().with_suffix("")), sampto=samples)
        signals = np.asarray(record.p_signal, np.float64)
        names = [str(name or "") for name in record.sig_name]
        units = [str(unit or "") for unit in record.units]
    except ReadError:
        raise
    except PARSER_FAULTS as error:
        raise ReadError(
            "The WFDB record cannot be read: its header or its signal file is damaged."
        ) from error
    for column, name in enumerate(names):
        if _clinical_name(name) is not None:
            signals[:, column] *= millivolts_per(units[column])
    return clinical_record(signals, names, rate_hz=rate_hz, source="WFDB")


def _check_wfdb_header(header: Path) -> None:
    """Raise ReadError if a WFDB header leads elsewhere, guesses, or promises more than there is."""
    if check_file(header, what="The WFDB header") > _MAX_HEADER_BYTES:
        raise ReadError("The WFDB header is larger than 1 MiB: it is no header.")
    text = header.read_bytes().decode("utf-8", errors="replace")
    lines = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    try:
        record = lines[0]
        channels, samples = int(record[1]), int(record[3])
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
    if not 1 <= channels <= _MAX_CHANNELS or samples < 1:
        raise ReadError(
            f"The WFDB header announces {channels} channels of {samples} samples: expected 1 to "
            f"{_MAX_CHANNELS} channels and at least one sample."
        )
    needed: dict[str, float] = {}
    for line in signal_lines:
        name, size = _check_signal_line(line)
        needed[name] = needed.get(name, 0.0) + size * samples
    for name, size in needed.items():
        stored = check_file(header.parent / name, what="The WFDB record's signal file")
        if stored < int(size):
            raise ReadError(
                f"The WFDB record's signal file has {stored:,} bytes where its header promises "
                f"{int(size):,}: it is truncated, copy it again."
            )


def _check_signal_line(line: list[str]) -> tuple[str, float]:
    """Check one signal's line; return the name of its file and the bytes a sample takes there."""
    name = line[0]
    if Path(name).name != name or name in {"~", "-", ".", ".."} or ":" in name or "\\" in name:
        raise ReadError(
            "The WFDB header names a signal file in another place: expected one beside the header."
        )
    storage = re.fullmatch(r"(\d+)(?:x(\d+))?(?::\d+)?(?:\+\d+)?", line[1] if line[1:] else "")
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
    frames = int(storage[2] or 1)
    if not 1 <= frames <= 64:
        raise ReadError(f"The WFDB header gives {frames} samples a frame: expected 1 to 64.")
    return name, _BYTES_PER_SAMPLE[storage[1]] * frames


def _is_positive(number: str) -> bool:
    """Whether a piece of text is a finite number above zero."""
    try:
        value = float(number)
    except ValueError:
        return False
    return bool(np.isfinite(value) and value > 0)
