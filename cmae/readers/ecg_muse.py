"""ECGs of GE MUSE: XML with the root RestingECG.

A ``Waveform`` of type ``Rhythm`` and one of type ``Median`` hold ``LeadData``: little-endian 16-bit
integers in base64, ``LeadAmplitudeUnitsPerBit`` in ``LeadAmplitudeUnits`` a step, sampled
``SampleBase`` · 10^``SampleExponent`` times a second. Mostly eight leads; the others follow.
"""

from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from cmae.errors import ReadError
from cmae.readers.ecg_encoding import integers, side_by_side
from cmae.readers.ecg_measurements import measured
from cmae.readers.ecg_record import (
    MAX_DURATION_S,
    DeviceBeat,
    DeviceFacts,
    EcgRecord,
    check_rate,
    clinical_beat,
    clinical_record,
)
from cmae.readers.xml_tree import number_in, text_at

_MV_PER_UNIT = {"MICROVOLTS": 1e-3, "MILLIVOLTS": 1.0}

_MEASUREMENTS = {
    "heart_rate_bpm": "VentricularRate",
    "pr_ms": "PRInterval",
    "qrs_ms": "QRSDuration",
    "qt_ms": "QTInterval",
    "qtc_ms": "QTCorrected",
    "p_axis_deg": "PAxis",
    "qrs_axis_deg": "RAxis",
    "t_axis_deg": "TAxis",
}


def read_muse(root: Element) -> EcgRecord:
    """Read the longest rhythm, the median beat and the measurements.

    Args:
        root: The element RestingECG.

    Returns:
        The record.

    Raises:
        ReadError: The rhythm is absent or damaged, or rate or unit are not known.
    """
    waveforms = root.findall("Waveform")
    rhythms = [part for part in waveforms if text_at(part, "WaveformType").lower() == "rhythm"]
    if not rhythms:
        raise ReadError("The MUSE file holds no rhythm waveform: export it with one.")
    longest = max(rhythms, key=_size)
    rate_hz, names, samples, resolution_mv = _waveform(longest)
    beat: DeviceBeat | None = None
    for part in waveforms:
        if beat is None and text_at(part, "WaveformType").lower() == "median":
            beat_rate_hz, beat_names, beat_samples, _ = _waveform(part)
            beat = clinical_beat(beat_samples, beat_names, rate_hz=beat_rate_hz)
    values = root.find("RestingECGMeasurements")
    texts = {} if values is None else {k: text_at(values, v) for k, v in _MEASUREMENTS.items()}
    return clinical_record(
        samples[: int(MAX_DURATION_S * rate_hz)],
        names,
        rate_hz=rate_hz,
        source="GE MUSE XML",
        device=DeviceFacts(resolution_mv, beat, measured(texts)),
    )


def _size(waveform: Element) -> int:
    """Return how many characters of samples a waveform holds."""
    return sum(len(data.text or "") for data in waveform.iter("WaveFormData"))


def _waveform(part: Element) -> tuple[float, list[str], NDArray[np.float64], float]:
    """Return rate, names, samples in mV and the coarsest step in mV of one waveform."""
    base, exponent = (number_in(text_at(part, name)) for name in ("SampleBase", "SampleExponent"))
    if base is None or not -6 <= (exponent or 0.0) <= 6:
        raise ReadError("The MUSE file gives no sampling rate (SampleBase): none is guessed.")
    rate_hz = base * 10.0 ** (exponent or 0.0)
    check_rate(rate_hz)
    if text_at(part, "SampleType") not in {"", "CONTINUOUS_SAMPLES"}:
        raise ReadError(
            "The MUSE file stores its samples compressed (SampleType): expected "
            "CONTINUOUS_SAMPLES, export it again."
        )
    leads = part.findall("LeadData")
    steps_mv = [_step_mv(lead) for lead in leads]
    stored = [_steps(lead).astype(np.float64) for lead in leads]
    samples = [steps * step_mv for steps, step_mv in zip(stored, steps_mv, strict=True)]
    names = [text_at(lead, "LeadID") for lead in leads]
    return rate_hz, names, side_by_side(samples), max(steps_mv)


def _step_mv(lead: Element) -> float:
    """Return how many mV a step of a lead is."""
    step = number_in(text_at(lead, "LeadAmplitudeUnitsPerBit"))
    unit = _MV_PER_UNIT.get(text_at(lead, "LeadAmplitudeUnits").upper())
    if step is None or step <= 0 or unit is None:
        raise ReadError(
            "The MUSE file gives no amplitude in microvolts or millivolts a bit above zero: "
            "without it no voltage is known, and none is guessed."
        )
    return step * unit


def _steps(lead: Element) -> NDArray[np.int16]:
    """Return a lead's stored integers."""
    if text_at(lead, "LeadSampleSize") not in {"", "2"}:
        raise ReadError("The MUSE file stores samples of another size than 2 bytes.")
    stored = integers(lead.findtext("WaveFormData"))
    announced = number_in(text_at(lead, "LeadSampleCountTotal"))
    if announced is not None and len(stored) != announced:
        raise ReadError(
            "The MUSE file holds another number of samples than it announces: it is truncated, "
            "copy it again."
        )
    return stored
