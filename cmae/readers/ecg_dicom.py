"""ECGs in DICOM: the rhythm group of a twelve-lead or general ECG waveform."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.waveforms import multiplex_array

from cmae.errors import ReadError
from cmae.readers.dicom import DICOM_FAULTS, open_dicom
from cmae.readers.ecg_record import (
    MAX_DURATION_S,
    EcgRecord,
    check_rate,
    clinical_record,
    millivolts_per,
)

_MAX_CHANNELS = 64
_MAX_SAMPLES = 50_000_000


def read_dicom_ecg(path: Path) -> EcgRecord:
    """Read the longest multiplex group of a DICOM ECG: the rhythm, not the device's median beat.

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
        place = int(np.argmax([int(group.NumberOfWaveformSamples) for group in groups]))
        return _read_group(groups[place])
    except ReadError:
        raise
    except DICOM_FAULTS as error:
        raise ReadError("The DICOM waveform cannot be read: it is damaged.") from error


def _read_group(group: Dataset) -> EcgRecord:
    """Read one multiplex group in mV."""
    samples, channels = int(group.NumberOfWaveformSamples), int(group.NumberOfWaveformChannels)
    if not (1 <= channels <= _MAX_CHANNELS and 1 <= samples <= _MAX_SAMPLES // channels):
        raise ReadError(
            f"The DICOM waveform announces {channels} channels of {samples} samples: expected at "
            f"most {_MAX_CHANNELS} channels and a recording of minutes."
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
    stored = _stored(group)[: int(MAX_DURATION_S * rate_hz)]
    return clinical_record(
        stored * np.array(factors) + np.array(offsets), names, rate_hz=rate_hz, source="DICOM"
    )


def _stored(group: Dataset) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the stored integers of a group as floats, ``(samples, channels)``."""
    holder = Dataset()
    holder.WaveformSequence = [group]
    return np.asarray(multiplex_array(holder, 0, as_raw=True), np.float64)
