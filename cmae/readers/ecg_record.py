"""One ECG recording in mV, whatever file it came from, and the checks that every format shares."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import LEADS
from cmae.errors import ReadError

MAX_DURATION_S = 60.0
"""What is read of a recording: a median beat needs ten seconds, a Holter recording has a day."""

RATES_HZ = (80.0, 20_000.0)
"""Lowest and highest sampling rate that is believed."""

MAX_VOLTAGE_MV = 5000.0
"""Highest voltage that is believed, electrode offset included."""

_MV_PER_UNIT = {"v": 1000.0, "mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6}

_CLINICAL_NAMES = {lead.lower(): lead for lead in LEADS}


@dataclass(frozen=True)
class DeviceBeat:
    """The representative beat that the device itself computed.

    Attributes:
        signals: ``(samples, 12)`` in mV, leads in clinical order.
        rate_hz: Samples per second.
    """

    signals: NDArray[np.float32] = field(repr=False)
    rate_hz: float


@dataclass(frozen=True)
class EcgRecord:
    """A twelve-lead ECG as it was recorded, without any identifier.

    Attributes:
        signals: ``(samples, 12)`` in mV, leads in clinical order; NaN where nothing was recorded.
        rate_hz: Samples per second.
        source: Format of the file, for people.
        derived_leads: Limb leads that the file lacks and that were computed from two others.
        resolution_mv: Voltage of one step of the stored integers, None where the file has none.
        device_beat: The device's own median beat, None where the file has none.
        measurements: What the device measured, by canonical column name (``heart_rate_bpm``,
            ``pr_ms``, ``qrs_ms``, ``qt_ms``, ``qtc_ms``, ``p_axis_deg``, ``qrs_axis_deg``,
            ``t_axis_deg``), in that column's unit.
        einthoven_uv: Median size of the largest departure from Einthoven's and Goldberger's
            equations among the recorded limb leads in µV, None where they cannot be checked.
    """

    signals: NDArray[np.float32] = field(repr=False)
    rate_hz: float
    source: str
    derived_leads: tuple[str, ...] = ()
    resolution_mv: float | None = None
    device_beat: DeviceBeat | None = None
    measurements: Mapping[str, float] = field(default_factory=dict)
    einthoven_uv: float | None = None

    @property
    def duration_s(self) -> float:
        """Length of the recording in seconds."""
        return len(self.signals) / self.rate_hz


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
        lead = clinical_name(name)
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


def clinical_name(name: str) -> str | None:
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
