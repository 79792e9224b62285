import base64
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from cmae.data.modality import LEADS
from cmae.errors import ReadError, SettingsError
from cmae.readers.ecg import read_ecg
from cmae.readers.ecg_record import DeviceBeat, EcgRecord
from cmae.readers.representative_beat import representative_beat


def record_of(signals, device=None, rate_hz=1000.0, measurements=None):
    beat = None if device is None else DeviceBeat(device.astype(np.float32), rate_hz)
    return EcgRecord(
        signals.astype(np.float32), 500.0, "test", device_beat=beat, measurements=measurements or {}
    )


def test_the_computed_beat_is_the_median_beat(rng, foreign):
    found = representative_beat(record_of(foreign.rhythm(rng)))

    assert (found.source, found.filled_share, found.agreement) == ("computed", 0.0, None)
    assert found.recording is found.computed.recording
    assert found.beats_used == found.computed.beats_used


@pytest.mark.parametrize("padding", [0, 300])
def test_a_devices_beat_is_brought_to_the_window(rng, foreign, padding):
    device = foreign.one_beat(1000.0)[100:1000] + 0.2
    device += rng.normal(0, 0.002, device.shape)
    device = np.concatenate([device, np.full((padding, 12), 32.767)])
    record = record_of(foreign.rhythm(rng, noise_mv=0.005), device)

    found = representative_beat(record, source="device")

    departure = 1000 * (found.recording - foreign.one_beat(500.0))
    assert np.sqrt(np.mean(departure[60:490] ** 2)) < 4
    assert np.abs(departure[:560]).max() < 60  # then the next beat's P wave begins
    assert found.filled_share == pytest.approx(1 - 450 / 600, abs=0.006)
    assert found.agreement > 0.99
    assert found.beats_used is None
    assert found.heart_rate_bpm == pytest.approx(60 / 0.95, abs=2)


def test_a_devices_beat_stands_alone_where_the_rhythm_gives_none(rng, foreign):
    device = foreign.one_beat(1000.0)[:1150] + rng.normal(0, 0.002, (1150, 12))
    record = record_of(
        rng.normal(0, 0.1, (5000, 12)), device, measurements={"heart_rate_bpm": 75.0}
    )

    found = representative_beat(record, source="device")

    assert (found.computed, found.agreement, found.rr_ms) == (None, None, 800.0)
    assert np.abs(found.recording - foreign.one_beat(500.0)).max() < 0.03


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda beat: None, "no median beat of the device"),
        (lambda beat: beat[:, :8], "shape"),
        (lambda beat: np.where(np.arange(12) == 3, 0.0, beat), "flat in a lead"),
        (lambda beat: np.where(np.arange(12) == 3, np.nan, beat), "gaps"),
        (lambda beat: beat[:300], "lasts"),
        (lambda beat: beat[:700], "after its R peak"),
        (lambda beat: np.tile(beat, (9, 1)), "lasts"),
    ],
)
def test_an_unusable_devices_beat_is_refused_with_the_reason(rng, foreign, change, message):
    record = record_of(foreign.rhythm(rng), change(foreign.one_beat(1000.0)))

    with pytest.raises(ReadError, match=message):
        representative_beat(record, source="device")


def test_an_unknown_source_is_refused(rng, foreign):
    with pytest.raises(SettingsError, match="ask for computed or device"):
        representative_beat(record_of(foreign.rhythm(rng)), source="best")


def muse_part(root, kind):
    """One waveform of a MUSE file, (samples, 12) in mV."""
    leads = {}
    for waveform in root.findall("Waveform"):
        if waveform.findtext("WaveformType") == kind:
            for lead in waveform.findall("LeadData"):
                raw = base64.b64decode(lead.findtext("WaveFormData"))
                unit_mv = float(lead.findtext("LeadAmplitudeUnitsPerBit")) / 1000
                leads[lead.findtext("LeadID")] = np.frombuffer(raw, "<i2") * unit_mv
    one, two = leads["I"], leads["II"]
    leads |= {"III": two - one, "aVR": -(one + two) / 2}
    leads |= {"aVL": one - two / 2, "aVF": two - one / 2}
    return np.stack([leads[lead] for lead in LEADS], axis=1)


@pytest.mark.parametrize("name", ["example1.xml", "example3.xml"])
def test_muse_medians_and_ours_are_alike_in_every_lead(realdata: Path, name):
    root = ElementTree.parse(realdata / "ecg/muse_xml" / name).getroot()
    record = record_of(muse_part(root, "Rhythm"), muse_part(root, "Median"), 500.0)

    found = representative_beat(record, source="device")

    assert found.agreement >= 0.98
    assert found.filled_share < 0.1
    rate = float(root.findtext("RestingECGMeasurements/VentricularRate"))
    assert found.heart_rate_bpm == pytest.approx(rate, abs=2)


def test_the_dicom_device_median_and_ours_are_alike_in_every_lead(realdata: Path):
    from pydicom import dcmread

    path = realdata / "ecg/dicom/waveform_ecg.dcm"
    device = dcmread(path).waveform_array(1) / 1000
    record = read_ecg(path)
    beat = DeviceBeat(device.astype(np.float32), 1000.0)

    found = representative_beat(
        EcgRecord(record.signals, record.rate_hz, "DICOM", device_beat=beat), source="device"
    )

    assert found.agreement >= 0.98
    assert found.filled_share == pytest.approx(50 / 600, abs=0.002)
