"""ECGs of Philips Sierra (1.03, 1.04): XML with the root restingecgdata.

``parsedwaveforms`` holds all leads in base64, mostly compressed by XLI; ``repbeats`` holds the
device's beats. Steps are in µV. The elements are those of the files that the project sierra-ecg
(MIT) describes; nothing of it is used here.
"""

from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from cmae.errors import ReadError
from cmae.readers.ecg_encoding import base64_bytes, integers, side_by_side
from cmae.readers.ecg_measurements import measured
from cmae.readers.ecg_record import (
    MAX_CHANNELS,
    MAX_DURATION_S,
    MAX_SAMPLES,
    DeviceBeat,
    DeviceFacts,
    EcgRecord,
    check_rate,
    clinical_beat,
    clinical_record,
)
from cmae.readers.ecg_xli import decode_xli, restore_limb_leads
from cmae.readers.xml_tree import number_in, text_at

_STANDARD_LEADS = "I II III aVR aVL aVF V1 V2 V3 V4 V5 V6"

_FILLER = 32767
"""What fills the room behind a representative beat."""

_MEASUREMENTS = {
    "heart_rate_bpm": ("globalmeasurements/heartrate", "meanventrate"),
    "pr_ms": ("globalmeasurements/print", "meanprint"),
    "qrs_ms": ("globalmeasurements/qrsdur", "meanqrsdur"),
    "qt_ms": ("globalmeasurements/qtint", "meanqtint"),
    "qtc_ms": ("globalmeasurements/qtcb", "meanqtc"),
    "p_axis_deg": ("pfrontaxis",),
    "qrs_axis_deg": ("qrsfrontaxis",),
    "t_axis_deg": ("tfrontaxis",),
}
"""Elements that hold each measurement: what was reported before what led to it."""


def read_philips(root: Element) -> EcgRecord:
    """Read the rhythm, the representative beats and the measurements.

    Args:
        root: The element restingecgdata.

    Returns:
        The record.

    Raises:
        ReadError: The rhythm is absent or damaged, or rate or resolution are not known.
    """
    signal, waveforms = root.find(".//signalcharacteristics"), root.find(".//parsedwaveforms")
    if signal is None or waveforms is None:
        raise ReadError("The Philips file holds no rhythm (parsedwaveforms): export it with one.")
    rate_hz = number_in(waveforms.get("samplespersecond") or text_at(signal, "samplingrate"))
    check_rate(rate_hz)
    step_uv = number_in(
        waveforms.get("resolution")
        or text_at(signal, "resolution")
        or text_at(signal, "signalresolution")
    )
    if step_uv is None or step_uv <= 0:
        raise ReadError(
            "The Philips file gives no resolution above zero: without it no voltage is known, "
            "and none is guessed."
        )
    if number_in(text_at(signal, "signaloffset") or "0") != 0:
        raise ReadError("The Philips file stores its samples with an offset, which is not read.")
    names = _names(signal, waveforms)
    stored = _stored(waveforms, names, rate_hz or 0.0)
    facts = DeviceFacts(step_uv / 1000.0, _beat(root), _measurements(root))
    return clinical_record(
        (stored * (step_uv / 1000.0))[: int(MAX_DURATION_S * (rate_hz or 0.0))],
        names,
        rate_hz=rate_hz or 0.0,
        source="Philips XML",
        device=facts,
    )


def _names(signal: Element, waveforms: Element) -> list[str]:
    """Return the names of the stored leads."""
    labels = waveforms.get("leadlabels", "").split()
    if labels:
        count = number_in(waveforms.get("numberofleads")) or len(labels)
    elif text_at(signal, "acquisitiontype") in {"STD-12", "10-WIRE"}:
        labels = _STANDARD_LEADS.split()
        count = number_in(text_at(signal, "numberchannelsallocated")) or len(labels)
    else:
        raise ReadError("The Philips file does not say which lead is which: none is guessed.")
    if not 1 <= count <= min(len(labels), MAX_CHANNELS):
        raise ReadError(
            f"The Philips file announces {count:g} leads and names {len(labels)}: expected 12."
        )
    return labels[: int(count)]


def _stored(waveforms: Element, names: list[str], rate_hz: float) -> NDArray[np.float64]:
    """Return the stored steps of all leads, ``(samples, leads)``."""
    duration_ms = number_in(waveforms.get("durationperchannel"))
    samples = 0 if duration_ms is None else round(duration_ms * rate_hz / 1000.0)
    if not 1 <= samples <= MAX_SAMPLES:
        raise ReadError(
            f"The Philips file announces {samples:.3g} samples a lead: expected a recording of "
            "seconds (durationperchannel)."
        )
    if waveforms.get("dataencoding", "").lower() != "base64":
        raise ReadError("The Philips file encodes its samples otherwise than in Base64.")
    method = waveforms.get("compressmethod") or waveforms.get("compression") or "Uncompressed"
    if method == "XLI":
        leads = decode_xli(base64_bytes(waveforms.text), leads=len(names), samples=samples)
        return side_by_side(restore_limb_leads(dict(zip(names, leads, strict=True))))
    if method != "Uncompressed":
        raise ReadError("The Philips file compresses its samples otherwise than by XLI.")
    stored = integers(waveforms.text)
    if len(stored) != samples * len(names):
        raise ReadError(
            "The Philips file holds another number of samples than it announces: it is truncated, "
            "copy it again."
        )
    return stored.reshape(len(names), samples).T.astype(np.float64)


def _beat(root: Element) -> DeviceBeat | None:
    """Read the representative beats; None if there are none, or rate or step are not known."""
    beats = root.find(".//repbeats")
    if beats is None or beats.get("dataencoding", "").lower() != "base64":
        return None
    rate_hz, step_uv = (number_in(beats.get(name)) for name in ("samplespersec", "resolution"))
    if rate_hz is None or step_uv is None or step_uv <= 0:
        return None
    names, leads = [], []
    for beat in beats.findall("repbeat"):
        names.append(beat.get("leadname", ""))
        waveform = beat.find("waveform")
        text = beat.text if waveform is None else waveform.text
        leads.append(integers(text).astype(np.float64))
    stored = side_by_side(leads)
    recorded = np.flatnonzero((stored != _FILLER).any(axis=1))
    stored = stored[: recorded[-1] + 1 if len(recorded) else 0]
    return clinical_beat(stored * (step_uv / 1000.0), names, rate_hz=rate_hz)


def _measurements(root: Element) -> dict[str, float]:
    """Return what the device measured."""
    values: dict[str, str | float | None] = {}
    for name, tags in _MEASUREMENTS.items():
        found = (text_at(root, f".//{tag}") for tag in tags)
        values[name] = next((text for text in found if number_in(text) is not None), None)
    return measured(values)
