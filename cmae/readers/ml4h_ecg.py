"""The resting ECG in ml4h tensors: the device's median beat, else one of ours from ten seconds."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from cmae.data.modality import ECG, ECG_RATE_HZ, LEADS, R_PEAK_SAMPLE
from cmae.errors import ReadError
from cmae.readers.ecg_record import MAX_VOLTAGE_MV, clinical_name, clinical_record
from cmae.readers.median_beat import median_beat
from cmae.readers.ml4h_file import children, instances, read_array
from cmae.readers.qrs_complex import independent, left_magnitude, magnitude, qrs_onset

STRIP_SAMPLES = 5000
"""Samples of ten seconds at 500 Hz."""

_LEAD = re.compile(r"(median|strip)_(.+)", re.IGNORECASE)
_MIDDLE = 250
_MARGIN = 60
"""Samples that a PR segment before R, and a QRS complex after it, need at least."""

Leads = dict[int, dict[str, h5py.Dataset]]
"""By visit, then by lead's clinical name."""


@dataclass(frozen=True)
class EcgTensors:
    """Where the ECGs of a file lie.

    Attributes:
        medians: The device's median beats.
        strips: Ten seconds of each lead.
        others: What else the group holds, by name.
        notes: What was left out: the visit (None for the file) and one sentence each.
    """

    medians: Leads = field(default_factory=dict)
    strips: Leads = field(default_factory=dict)
    others: Mapping[str, h5py.Group | h5py.Dataset] = field(default_factory=dict)
    notes: tuple[tuple[int | None, str], ...] = ()


@dataclass(frozen=True)
class Ml4hEcg:
    """One visit's ECG.

    Attributes:
        recording: ``(600, 12)`` in mV in clinical lead order, PR segment at 0; None where there is
            none.
        values: Quality of it by column name.
        lacks: Why something is not there, one sentence each.
    """

    recording: NDArray[np.float32] | None = field(repr=False)
    values: dict[str, float]
    lacks: tuple[str, ...]


def find_ecgs(group: h5py.Group | None) -> EcgTensors:
    """Find the leads in the group ``ukb_ecg_rest``, names in any case.

    Args:
        group: The group, None where the file has none.

    Returns:
        Where they lie.
    """
    if group is None:
        return EcgTensors()
    found: dict[str, Leads] = {"median": defaultdict(dict), "strip": defaultdict(dict)}
    others: dict[str, h5py.Group | h5py.Dataset] = {}
    notes: list[tuple[int | None, str]] = []
    for name, item in children(group).items():
        match = _LEAD.fullmatch(name)
        lead = clinical_name(match[2]) if match else None
        if match is None:
            others[name] = item
        elif lead is None:
            notes.append((None, "A lead of the ECG has a name that is none of the twelve."))
        else:
            below = instances(item)
            notes += below.notes
            for visit, dataset in below.by_visit.items():
                if lead in found[match[1].lower()][visit]:
                    notes.append((visit, f"Lead {lead} of the ECG occurs twice: one was kept."))
                found[match[1].lower()][visit].setdefault(lead, dataset)
    return EcgTensors(dict(found["median"]), dict(found["strip"]), others, tuple(notes))


def read_visit(ecgs: EcgTensors, visit: int, *, unit_uv: float, is_aligned: bool) -> Ml4hEcg:
    """Read one visit's median beat; where it has none that can be used, make one of the strip.

    Args:
        ecgs: Where the ECGs lie.
        visit: Which visit.
        unit_uv: Size of the stored unit in µV.
        is_aligned: Whether to move R to sample 200.

    Returns:
        The beat, its quality, and what is not there.
    """
    medians, strips = ecgs.medians.get(visit, {}), ecgs.strips.get(visit, {})
    if not medians and not strips:
        return Ml4hEcg(None, {}, ("No ECG.",))
    lacks: list[str] = []
    if medians:
        try:
            beat = _microvolts(medians, "median beat", ECG.shape[0]) * (unit_uv / 1000)
            return _device_beat(beat, is_aligned=is_aligned)
        except ReadError as error:
            lacks.append(str(error))
    if strips:
        try:
            signals = _microvolts(strips, "10-second ECG", STRIP_SAMPLES) * (unit_uv / 1000)
            recording, values = _own_beat(signals)
            return Ml4hEcg(recording, values, tuple(lacks))
        except ReadError as error:
            lacks.append(str(error))
    return Ml4hEcg(None, {}, tuple(lacks))


def _microvolts(leads: Mapping[str, h5py.Dataset], what: str, samples: int) -> NDArray[np.float64]:
    """Read twelve leads ``(samples, 12)`` in the stored unit, and check them."""
    lacking = [lead for lead in LEADS if lead not in leads]
    if lacking:
        raise ReadError(f"No {what} in {_list(lacking)}.")
    shapes = {dataset.shape for dataset in leads.values()}
    if shapes != {(samples,)}:
        odd = min(shapes - {(samples,)}, key=str)
        raise ReadError(f"The {what} has the shape {odd} in a lead: expected {(samples,)}.")
    signals = np.empty((samples, len(LEADS)))
    for column, lead in enumerate(LEADS):
        signals[:, column] = read_array(leads[lead], what=f"A lead of the {what}")
    if not np.isfinite(signals).all():
        raise ReadError(f"The {what} holds values that are not finite.")
    flat = [lead for lead, size in zip(LEADS, np.ptp(signals, axis=0), strict=True) if size == 0]
    if flat:
        raise ReadError(f"The {what} is flat in {_list(flat)}.")
    return signals


def _device_beat(beat: NDArray[np.float64], *, is_aligned: bool) -> Ml4hEcg:
    """Put the PR segment of a device's median beat at 0 mV and say where its R lies."""
    height = float(np.ptp(beat, axis=0).max())
    if not 0.05 <= height <= 20:
        raise ReadError("The median beat is smaller or larger than any heart's: check its unit.")
    r_sample = find_r(beat)
    if not _MARGIN <= r_sample <= len(beat) - _MARGIN:
        raise ReadError("The median beat's R peak lies at the edge of its window.")
    onset = qrs_onset(independent(beat), r_sample)
    beat = beat - beat[onset - 12 : onset - 2].mean(axis=0)
    if is_aligned:
        moved = np.arange(len(beat)) + r_sample - R_PEAK_SAMPLE
        beat = beat[np.clip(moved, 0, len(beat) - 1)]
    values = {"ecg_is_device_median": 1.0, "ecg_r_sample": float(r_sample)}
    return Ml4hEcg(beat.astype(np.float32), values, ())


def _own_beat(signals: NDArray[np.float64]) -> tuple[NDArray[np.float32], dict[str, float]]:
    """Make a median beat of ten seconds."""
    if np.abs(signals).max() > MAX_VOLTAGE_MV:
        raise ReadError("The 10-second ECG is larger than any heart's: check its unit.")
    record = clinical_record(signals, list(LEADS), rate_hz=ECG_RATE_HZ, source="ml4h tensors")
    beat = median_beat(record)
    return beat.recording, {
        "ecg_is_device_median": 0.0,
        "ecg_r_sample": float(R_PEAK_SAMPLE),
        "ecg_rr_ms": beat.rr_ms,
        "heart_rate_bpm": beat.heart_rate_bpm,
        "ecg_beats_used": float(beat.beats_used),
        "ecg_beats_rejected": float(beat.beats_rejected),
        "ecg_beat_correlation": beat.correlation,
        "ecg_noise_uv": beat.noise_uv,
    }


def find_r(beat: NDArray[np.float64]) -> int:
    """Find the R peak of a median beat.

    Of the steep places of all leads together the one nearest to the middle is the QRS complex (at
    fast rates, neighboring beats show at the ends); in it, R is the largest value of the leads
    I, II, V5 and V6.

    Args:
        beat: ``(600, 12)`` in mV at 500 Hz.

    Returns:
        Its sample.
    """
    leads = independent(beat)
    speed = uniform_filter1d(magnitude(np.diff(leads, axis=0)), 9)
    steep = np.flatnonzero(speed > 0.6 * speed.max())
    middle = int(steep[np.argmin(np.abs(steep - _MIDDLE))])
    start, stop = max(middle - 40, 0), middle + 41
    near = start + int(np.argmax(speed[start:stop]))
    start, stop = max(near - 30, 0), near + 31
    level = np.median(leads[max(start - 40, 0) : stop + 40], axis=0)
    return start + int(np.argmax(left_magnitude(leads[start:stop] - level)))


def _list(leads: Iterable[str]) -> str:
    """Name leads in a sentence."""
    names = list(leads)
    return f"lead{'s' if len(names) > 1 else ''} {', '.join(names)}"
