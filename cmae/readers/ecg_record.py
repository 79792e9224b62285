"""One ECG recording in mV, whatever file it came from, and the checks that every format shares."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cmae.data.modality import LEADS
from cmae.errors import ReadError
from cmae.readers.ecg_limb_leads import Leads, complete_limb_leads, einthoven_uv

MAX_DURATION_S = 60.0
"""What is read of a recording: a median beat needs ten seconds, a Holter recording has a day."""

RATES_HZ = (80.0, 20_000.0)
"""Lowest and highest sampling rate that is believed."""

MAX_VOLTAGE_MV = 5000.0
"""Highest voltage that is believed, electrode offset included."""

MAX_CHANNELS = 64
"""Most channels of a file that are believed."""

MAX_SAMPLES = int(MAX_DURATION_S * RATES_HZ[1])
"""Most samples a channel that are taken from text or from encoded text."""

EINTHOVEN_TOLERANCE_UV = 20.0
"""Departure from the limb leads' equations that rounding and resampling explain.

Of 34 real records with six limb leads 30 depart by at most 3 µV, and four in steps of 5 µV by at
most 10 µV; exchanging any two limb leads of 29 of them, or reversing one, gives 34 µV or more.
"""

EINTHOVEN_TOLERANCE_STEPS = 4.0
"""The same in steps of the stored integers: an equation adds up the rounding of three leads."""

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
        einthoven_uv: Departure of the recorded limb leads from Einthoven's and Goldberger's
            equations in µV (``ecg_limb_leads.einthoven_uv``), None where they cannot be checked.
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

    @property
    def is_einthoven_violated(self) -> bool:
        """Whether the limb leads contradict each other by more than rounding explains."""
        if self.einthoven_uv is None:
            return False
        steps_uv = 1000.0 * EINTHOVEN_TOLERANCE_STEPS * (self.resolution_mv or 0.0)
        return self.einthoven_uv > max(EINTHOVEN_TOLERANCE_UV, steps_uv)


@dataclass(frozen=True)
class DeviceFacts:
    """What a file says beside its voltages.

    Attributes:
        resolution_mv: Voltage of one step of the stored integers.
        beat: The device's own median beat.
        measurements: What the device measured, by canonical column name.
    """

    resolution_mv: float | None = None
    beat: DeviceBeat | None = None
    measurements: Mapping[str, float] = field(default_factory=dict)


def clinical_record(
    channels: NDArray[np.floating],
    names: Sequence[str],
    *,
    rate_hz: float,
    source: str,
    device: DeviceFacts | None = None,
) -> EcgRecord:
    """Put named channels into clinical order, derive lacking limb leads and check the others.

    Args:
        channels: ``(samples, channels)`` in mV.
        names: Name of each channel in any case; channels that are no clinical lead are left out.
        rate_hz: Samples per second.
        source: Format of the file, for people.
        device: What the file says beside its voltages.

    Returns:
        The record.

    Raises:
        ReadError: Rate or length make no sense, a lead occurs twice, or leads are lacking.
    """
    check_rate(rate_hz)
    found = _clinical_leads(channels, names)
    leads = complete_limb_leads(found)
    lacking = [lead for lead in LEADS if lead not in leads]
    if lacking:
        raise ReadError(
            f"The ECG lacks {'lead' if len(lacking) == 1 else 'leads'} {', '.join(lacking)}: all "
            "twelve are needed, where two of I, II and III are enough for the six limb leads."
        )
    device = device or DeviceFacts()
    return EcgRecord(
        _signals(leads),
        float(rate_hz),
        source,
        tuple(lead for lead in LEADS if lead not in found),
        resolution_mv=device.resolution_mv,
        device_beat=device.beat,
        measurements=device.measurements,
        einthoven_uv=einthoven_uv(found),
    )


def clinical_beat(
    channels: NDArray[np.floating], names: Sequence[str], *, rate_hz: float
) -> DeviceBeat | None:
    """Put the channels of a device's median beat into clinical order.

    Args:
        channels: ``(samples, channels)`` in mV.
        names: Name of each channel in any case.
        rate_hz: Samples per second.

    Returns:
        The beat, None if it lacks leads: the rhythm that stands beside it is read all the same.

    Raises:
        ReadError: The rate makes no sense, or a lead occurs twice.
    """
    check_rate(rate_hz)
    leads = complete_limb_leads(_clinical_leads(channels, names))
    if any(lead not in leads for lead in LEADS):
        return None
    return DeviceBeat(_signals(leads), float(rate_hz))


def clinical_name(name: str) -> str | None:
    """Return the lead that a channel's name means, None if it is no clinical lead."""
    return _CLINICAL_NAMES.get(re.sub(r"^(ecg|ekg|lead|[\s_:-])+", "", name.strip().lower()))


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
            "The ECG gives a voltage in a unit that is not known: expected mV, uV or V; a voltage "
            "is never guessed."
        )
    return factor


def _clinical_leads(channels: NDArray[np.floating], names: Sequence[str]) -> Leads:
    """Return the channels that are clinical leads, by name."""
    found: Leads = {}
    for column, name in enumerate(names):
        lead = clinical_name(name)
        if lead is None:
            continue
        if lead in found:
            raise ReadError(f"Lead {lead} occurs twice in the ECG: keep one channel a lead.")
        found[lead] = np.asarray(channels[:, column], np.float64)
    return found


def _signals(leads: Leads) -> NDArray[np.float32]:
    """Stack the twelve leads in clinical order."""
    signals = np.stack([leads[lead] for lead in LEADS], axis=-1)
    if not len(signals):
        raise ReadError("The ECG holds no samples: export it again.")
    largest = np.max(np.abs(signals), where=~np.isnan(signals), initial=0.0)
    if not largest <= MAX_VOLTAGE_MV:
        raise ReadError(
            f"The ECG holds voltages beyond {MAX_VOLTAGE_MV:g} mV: check its gain and unit."
        )
    return signals.astype(np.float32)
