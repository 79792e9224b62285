"""ECGs in HL7's annotated ECG (aECG): XML with the root AnnotatedECG.

A series of code ``RHYTHM`` holds sequences: one of time (``GLIST_TS`` or ``GLIST_PQ``, whose
increment is the sampling interval) and one a lead (``SLIST_PQ``: origin + scale · digits). A
derived series of code ``REPRESENTATIVE_BEAT`` holds the device's beat. Source: HL7 aECG
Implementation Guide, 2005; lead and measurement codes of ISO/IEEE 11073-10102 (MDC).
"""

from typing import NamedTuple
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from cmae.errors import ReadError
from cmae.readers.ecg_encoding import numbers, side_by_side
from cmae.readers.ecg_measurements import measured, rate_from_rr
from cmae.readers.ecg_record import (
    MAX_DURATION_S,
    DeviceBeat,
    DeviceFacts,
    EcgRecord,
    check_rate,
    clinical_beat,
    clinical_name,
    clinical_record,
    millivolts_per,
)
from cmae.readers.xml_tree import number_in, text_at

_LEAD = "MDC_ECG_LEAD_"

_SECONDS_PER = {"s": 1.0, "ms": 1e-3, "us": 1e-6}

_MEASUREMENTS = {
    "MDC_ECG_HEART_RATE": "heart_rate_bpm",
    "MDC_ECG_TIME_PD_PR": "pr_ms",
    "MDC_ECG_TIME_PD_QRS": "qrs_ms",
    "MDC_ECG_TIME_PD_QT": "qt_ms",
    "MDC_ECG_TIME_PD_QTC": "qtc_ms",
    "MDC_ECG_ANGLE_P_FRONT": "p_axis_deg",
    "MDC_ECG_ANGLE_QRS_FRONT": "qrs_axis_deg",
    "MDC_ECG_ANGLE_T_FRONT": "t_axis_deg",
}

_PER_UNIT = {"ms": 1.0, "s": 1000.0, "us": 1e-3, "deg": 1.0, "bpm": 1.0, "/min": 1.0, "1/min": 1.0}
"""What a measurement's unit is in the unit of its column."""


class _Waveform(NamedTuple):
    """The leads of one sequence set."""

    rate_hz: float
    names: list[str]
    samples: NDArray[np.float64]
    """``(samples, leads)`` in mV."""
    step_mv: float


def read_aecg(root: Element) -> EcgRecord:
    """Read the rhythm, the representative beat and the measurements.

    Args:
        root: The element AnnotatedECG.

    Returns:
        The record.

    Raises:
        ReadError: The rhythm is absent or damaged, or rate or scale are not known.
    """
    sets = [
        found for part in root.iter("series") for found in part.findall("component/sequenceSet")
    ]
    if not sets:
        raise ReadError("The aECG file holds no series with sequences of samples.")
    rhythm = _waveform(max(sets, key=_size))
    facts = DeviceFacts(rhythm.step_mv, _beat(root), _measurements(root))
    return clinical_record(
        rhythm.samples[: int(MAX_DURATION_S * rhythm.rate_hz)],
        rhythm.names,
        rate_hz=rhythm.rate_hz,
        source="HL7 aECG",
        device=facts,
    )


def _beat(root: Element) -> DeviceBeat | None:
    """Read the device's representative beat; None if there is none."""
    for derived in root.iter("derivedSeries"):
        sets = derived.findall("component/sequenceSet")
        if sets:
            beat = _waveform(max(sets, key=_size))
            return clinical_beat(beat.samples, beat.names, rate_hz=beat.rate_hz)
    return None


def _size(sequences: Element) -> int:
    """Return how many characters of samples a sequence set holds."""
    return sum(len(digits.text or "") for digits in sequences.iter("digits"))


def _waveform(sequences: Element) -> _Waveform:
    """Read one sequence set."""
    rate_hz: float | None = None
    names: list[str] = []
    leads: list[NDArray[np.float64]] = []
    steps_mv = [0.0]
    for sequence in sequences.findall("component/sequence"):
        code, value = sequence.find("code"), sequence.find("value")
        if code is None or value is None:
            continue
        if value.find("increment") is not None:
            rate_hz = _rate(value)
        name = code.get("code", "").upper().partition(_LEAD)[2]
        if clinical_name(name) is not None:
            scale_mv = _voltage_mv(value.find("scale"))
            if scale_mv is None or scale_mv == 0:
                raise ReadError(
                    "The aECG file gives no scale for a lead: without it no voltage is known, "
                    "and none is guessed."
                )
            leads.append((_voltage_mv(value.find("origin")) or 0.0) + scale_mv * _digits(value))
            names.append(name)
            steps_mv.append(abs(scale_mv))
    check_rate(rate_hz)
    return _Waveform(rate_hz or 0.0, names, side_by_side(leads), max(steps_mv))


def _digits(value: Element) -> NDArray[np.float64]:
    """Return the stored numbers of a lead."""
    return numbers(value.findtext("digits"))


def _rate(value: Element) -> float | None:
    """Return the sampling rate that a time sequence's increment means."""
    increment = value.find("increment")
    if increment is None:
        return None
    step = number_in(increment.get("value"))
    unit = _SECONDS_PER.get(increment.get("unit", ""))
    return None if step is None or step <= 0 or unit is None else 1.0 / (step * unit)


def _voltage_mv(quantity: Element | None) -> float | None:
    """Return a physical quantity in mV, None if it is absent or no number."""
    if quantity is None:
        return None
    value = number_in(quantity.get("value"))
    return None if value is None else value * millivolts_per(quantity.get("unit"))


def _measurements(root: Element) -> dict[str, float]:
    """Return the first value of each measurement, the representative beat's before a beat's."""
    values: dict[str, str | float | None] = {}
    rr_ms: float | None = None
    for part in [*root.iter("derivedSeries"), root]:
        for annotation in part.iter("annotation"):
            code, value = annotation.find("code"), annotation.find("value")
            if code is None or value is None:
                continue
            name = code.get("code", "").upper()
            number = number_in(value.get("value") or text_at(value, "."))
            factor = _PER_UNIT.get(value.get("unit", ""))
            if number is None or factor is None:
                continue
            if name == "MDC_ECG_TIME_PD_RR" and rr_ms is None:
                rr_ms = number * factor
            elif name in _MEASUREMENTS:
                values.setdefault(_MEASUREMENTS[name], number * factor)
    values.setdefault("heart_rate_bpm", rate_from_rr(rr_ms))
    return measured(values)
