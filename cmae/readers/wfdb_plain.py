"""The usual WFDB record, 16-bit integers in one file, without the library that reads all of them.

Parsing a header takes wfdb three times as long as reading the samples; here it is one expression a
line. What is not written as usual is left to the library, and a test holds the two against each
other by value.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmae.errors import ReadError

_MISSING = -(2**15)
"""The integer that stands for a sample that was not recorded."""

_RECORD = re.compile(r"\S+ \d{1,3} (\d{1,6}(?:\.\d{1,6})?) \d{1,12}(?: .*)?")
_SIGNAL = re.compile(
    r"(?P<file>[\w-]+\.\w+) 16(?:x1)?(?::0)?(?:\+(?P<offset>\d{1,9}))?"
    r" (?P<gain>\d{1,9}(?:\.\d{1,9})?)\((?P<baseline>-?\d{1,9})\)/(?P<unit>\w+)"
    r" \d+ -?\d+ -?\d+ -?\d+ \d+ (?P<name>\w[\w .+-]*)"
)


@dataclass(frozen=True)
class WfdbSignals:
    """What a WFDB record holds.

    Attributes:
        signals: ``(samples, channels)`` in the unit of each channel, NaN where nothing was
            recorded.
        rate_hz: Samples per second.
        names: Name of each channel.
        units: Unit of each channel.
        gains: Steps per unit of each channel.
    """

    signals: NDArray[np.float64] = field(repr=False)
    rate_hz: float
    names: list[str]
    units: list[str]
    gains: list[float]


def read_plain(folder: Path, lines: list[str], samples: int) -> WfdbSignals | None:
    """Read a record whose header is written as usual.

    Args:
        folder: Where the signal file is.
        lines: The header's lines but for comments and empty ones, checked before.
        samples: Samples to read; the signal file holds as many.

    Returns:
        Its signals; None where the header is written otherwise.

    Raises:
        ReadError: The signal file cannot be read.
    """
    record = _RECORD.fullmatch(lines[0].strip())
    found = [_SIGNAL.fullmatch(line.strip()) for line in lines[1:]]
    signals = [signal for signal in found if signal is not None]
    if record is None or not signals or len(signals) < len(found):
        return None
    places = {(signal["file"], signal["offset"]) for signal in signals}
    gains = np.array([float(signal["gain"]) for signal in signals])
    if len(places) != 1 or not gains.all():
        return None
    file, offset = places.pop()
    try:
        stored = np.fromfile(
            folder / file, "<i2", count=samples * len(signals), offset=int(offset or 0)
        )
    except OSError as error:
        raise ReadError("The WFDB record's signal file cannot be opened: check it.") from error
    if len(stored) < samples * len(signals):
        raise ReadError("The WFDB record's signal file is truncated: copy it again.")
    stored = stored.reshape(samples, len(signals))
    baselines = np.array([float(signal["baseline"]) for signal in signals])
    voltages = (stored - baselines) / gains
    voltages[stored == _MISSING] = np.nan
    return WfdbSignals(
        voltages,
        float(record[1]),
        [signal["name"] for signal in signals],
        [signal["unit"] for signal in signals],
        gains.tolist(),
    )
