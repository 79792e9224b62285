"""ECGs of UK Biobank (field 20205) and GE CardioSoft: XML with the root CardiologyXML.

``StripData`` holds the rhythm and ``MedianSamples`` the device's beat. Each gives ``SampleRate`` in
Hz, ``Resolution`` in µV a step and one ``WaveformData lead="…"`` a lead with integers between
commas. UK Biobank's Showcase describes the field; the elements are those of public examples.
"""

from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from cmae.errors import ReadError
from cmae.readers.ecg_encoding import numbers, side_by_side
from cmae.readers.ecg_measurements import measured
from cmae.readers.ecg_record import (
    MAX_DURATION_S,
    DeviceBeat,
    DeviceFacts,
    EcgRecord,
    check_rate,
    clinical_beat,
    clinical_record,
    millivolts_per,
)
from cmae.readers.xml_tree import number_in, text_at

_MEASUREMENTS = {
    "heart_rate_bpm": "VentricularRate",
    "pr_ms": "PQInterval",
    "qrs_ms": "QRSDuration",
    "qt_ms": "QTInterval",
    "qtc_ms": "QTCInterval",
    "p_axis_deg": "PAxis",
    "qrs_axis_deg": "RAxis",
    "t_axis_deg": "TAxis",
}


def read_cardiosoft(root: Element) -> EcgRecord:
    """Read the rhythm, the median beat and the measurements.

    Args:
        root: The element CardiologyXML.

    Returns:
        The record.

    Raises:
        ReadError: The rhythm is absent or damaged, or rate or resolution are not known.
    """
    strip = root.find(".//StripData")
    if strip is None:
        raise ReadError("The CardiologyXML file holds no rhythm (StripData): export it with one.")
    rate_hz, resolution_mv = _rate(strip), _resolution_mv(strip)
    if resolution_mv is None:
        raise ReadError(
            "The CardiologyXML file gives no resolution in uVperLsb above zero: without it no "
            "voltage is known, and none is guessed."
        )
    names, steps = _leads(strip)
    rows = slice(int(MAX_DURATION_S * rate_hz))
    values = root.find(".//RestingECGMeasurements")
    texts = {} if values is None else {k: text_at(values, v) for k, v in _MEASUREMENTS.items()}
    facts = DeviceFacts(resolution_mv, _beat(root), measured(texts))
    return clinical_record(
        side_by_side([lead[rows] * resolution_mv for lead in steps]),
        names,
        rate_hz=rate_hz,
        source="CardioSoft XML",
        device=facts,
    )


def _beat(root: Element) -> DeviceBeat | None:
    """Read the device's median beat; None if there is none, or its resolution is not known."""
    median = root.find(".//MedianSamples")
    if median is None or median.find(".//WaveformData") is None:
        return None
    resolution_mv = _resolution_mv(median)
    if resolution_mv is None:
        return None
    names, steps = _leads(median)
    samples = side_by_side([lead * resolution_mv for lead in steps])
    return clinical_beat(samples, names, rate_hz=_rate(median))


def _rate(part: Element) -> float:
    """Return the sampling rate of a part in Hz."""
    element = part.find("SampleRate")
    rate_hz = number_in(text_at(part, "SampleRate"))
    if element is not None and element.get("units", "Hz").lower() != "hz":
        raise ReadError("The CardiologyXML file gives its sampling rate in a unit other than Hz.")
    check_rate(rate_hz)
    return rate_hz or 0.0


def _resolution_mv(part: Element) -> float | None:
    """Return how many mV a step of a part is, None if that does not stand there."""
    element = part.find("Resolution")
    step = number_in(text_at(part, "Resolution"))
    if element is None or step is None or step <= 0:
        return None
    unit, per, _ = element.get("units", "").lower().partition("perlsb")
    return step * millivolts_per(unit) if per else None


def _leads(part: Element) -> tuple[list[str], list[NDArray[np.float64]]]:
    """Return names and stored steps of a part's leads."""
    waveforms = part.findall("WaveformData")
    announced = number_in(text_at(part, "ChannelSampleCountTotal"))
    steps = [numbers(waveform.text) for waveform in waveforms]
    if announced is not None and any(len(lead) != announced for lead in steps):
        raise ReadError(
            "The CardiologyXML file holds another number of samples than it announces: it is "
            "truncated, copy it again."
        )
    return [waveform.get("lead", "") for waveform in waveforms], steps
