"""ECGs in DICOM: rhythm, median beat and measurements of a twelve-lead or general ECG waveform."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.waveforms import multiplex_array

from cmae.errors import ReadError
from cmae.readers.dicom import DICOM_FAULTS, open_dicom
from cmae.readers.ecg_measurements import measured, rate_from_rr
from cmae.readers.ecg_record import (
    MAX_CHANNELS,
    MAX_DURATION_S,
    DeviceBeat,
    DeviceFacts,
    EcgRecord,
    check_rate,
    clinical_beat,
    clinical_record,
    millivolts_per,
)
from cmae.readers.xml_tree import number_in

_MAX_SAMPLES = 50_000_000

_MAX_BEAT_S = 3.0

_MAX_ANNOTATIONS = 100_000

_MEASUREMENTS = {
    "ventricular heart rate": "heart_rate_bpm",
    "ventricular rate": "heart_rate_bpm",
    "heart rate": "heart_rate_bpm",
    "pr interval": "pr_ms",
    "qrs duration": "qrs_ms",
    "qt interval": "qt_ms",
    "qtc interval": "qtc_ms",
    "p axis": "p_axis_deg",
    "qrs axis": "qrs_axis_deg",
    "t axis": "t_axis_deg",
}
"""Columns by a code's meaning, lower case: the codes themselves differ from scheme to scheme."""

_UNITS = {"bpm": {"/min", "1/min", "bpm", "{h.b.}/min"}, "ms": {"ms"}, "deg": {"deg"}}
"""Units (UCUM) that the ending of a measurement's column name stands for."""


class _Group(NamedTuple):
    """One multiplex group."""

    rate_hz: float
    names: list[str]
    samples: NDArray[np.float64]
    """``(samples, channels)`` in mV."""
    step_mv: float


def read_dicom_ecg(path: Path) -> EcgRecord:
    """Read the longest multiplex group of a DICOM ECG, the rhythm, and the device's median beat.

    Args:
        path: The file.

    Returns:
        The record.

    Raises:
        ReadError: It holds no waveform, is damaged, or leaves the sensitivity open.
    """
    try:
        dataset = open_dicom(path)
        groups = list(dataset.get("WaveformSequence") or [])
        if not groups:
            raise ReadError(
                "The DICOM file holds no waveform: expected an ECG; images are read as a cine."
            )
        longest = max(groups, key=lambda group: int(group.NumberOfWaveformSamples))
        rhythm = _read_group(longest)
        beat = next((_beat(group) for group in groups if _is_beat(group, longest)), None)
        return clinical_record(
            rhythm.samples,
            rhythm.names,
            rate_hz=rhythm.rate_hz,
            source="DICOM",
            device=DeviceFacts(rhythm.step_mv, beat, _measurements(dataset)),
        )
    except ReadError:
        raise
    except DICOM_FAULTS as error:
        raise ReadError("The DICOM waveform cannot be read: it is damaged.") from error


def _is_beat(group: Dataset, rhythm: Dataset) -> bool:
    """Whether a group is a median beat: called so, or derived, and as short as one."""
    label = str(group.get("MultiplexGroupLabel", "")).lower()
    is_called = any(word in label for word in ("median", "represent", "average"))
    is_derived = str(group.get("WaveformOriginality", "")).upper() == "DERIVED"
    duration_s = int(group.NumberOfWaveformSamples) / float(group.SamplingFrequency)
    return group is not rhythm and (is_called or is_derived) and duration_s <= _MAX_BEAT_S


def _beat(group: Dataset) -> DeviceBeat | None:
    """Read a median beat; None if it lacks leads."""
    beat = _read_group(group)
    return clinical_beat(beat.samples, beat.names, rate_hz=beat.rate_hz)


def _read_group(group: Dataset) -> _Group:
    """Read one multiplex group."""
    samples, channels = int(group.NumberOfWaveformSamples), int(group.NumberOfWaveformChannels)
    if not (1 <= channels <= MAX_CHANNELS and 1 <= samples <= _MAX_SAMPLES // channels):
        raise ReadError(
            f"The DICOM waveform announces {channels} channels of {samples} samples: expected at "
            f"most {MAX_CHANNELS} channels and a recording of minutes."
        )
    rate_hz = float(group.SamplingFrequency)
    check_rate(rate_hz)
    names, factors, offsets = [], [], []
    for channel in group.ChannelDefinitionSequence:
        source = channel.ChannelSourceSequence[0]
        names.append(str(source.get("CodeMeaning", "")).replace("(Einthoven)", "").strip())
        if channel.get("ChannelSensitivity") is None:
            raise ReadError("The DICOM waveform gives no sensitivity: its voltage is not known.")
        unit = str(channel.ChannelSensitivityUnitsSequence[0].CodeValue)
        correction = float(channel.get("ChannelSensitivityCorrectionFactor") or 1.0)
        factors.append(float(channel.ChannelSensitivity) * correction * millivolts_per(unit))
        offsets.append(float(channel.get("ChannelBaseline") or 0.0) * millivolts_per(unit))
    if not all(np.isfinite(factors)) or not all(np.isfinite(offsets)) or 0 in factors:
        raise ReadError("The DICOM waveform gives a sensitivity of 0 or none: expected uV a step.")
    stored = _stored(group)[: int(MAX_DURATION_S * rate_hz)]
    in_mv = stored * np.array(factors) + np.array(offsets)
    return _Group(rate_hz, names, in_mv, max(abs(factor) for factor in factors))


def _stored(group: Dataset) -> NDArray[np.float64]:
    """Return the stored integers of a group as floats, ``(samples, channels)``."""
    holder = Dataset()
    holder.WaveformSequence = [group]
    return np.asarray(multiplex_array(holder, 0, as_raw=True), np.float64)


def _measurements(dataset: Dataset) -> dict[str, float]:
    """Return the measurements among the annotations whose meaning and unit are plain."""
    values: dict[str, str | float | None] = {}
    rr_ms: float | None = None
    for annotation in (dataset.get("WaveformAnnotationSequence") or [])[:_MAX_ANNOTATIONS]:
        concept = annotation.get("ConceptNameCodeSequence")
        units = annotation.get("MeasurementUnitsCodeSequence")
        number = number_in(str(annotation.get("NumericValue", "")))
        if not concept or not units or number is None:
            continue
        meaning = str(concept[0].get("CodeMeaning", "")).strip().lower()
        unit = str(units[0].get("CodeValue", "")).strip().lower()
        name = _MEASUREMENTS.get(meaning)
        if meaning == "rr interval" and unit == "ms" and rr_ms is None:
            rr_ms = number
        elif name is not None and unit in _UNITS[name.rpartition("_")[2]]:
            values.setdefault(name, number)
    values.setdefault("heart_rate_bpm", rate_from_rr(rr_ms))
    return measured(values)
