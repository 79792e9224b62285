"""The beat that stands for a recording: computed from its rhythm, or the device's own."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from cmae.data.modality import ECG_RATE_HZ, LEADS
from cmae.errors import ReadError, SettingsError
from cmae.readers.ecg_cleaning import resampled
from cmae.readers.ecg_record import DeviceBeat, EcgRecord, check_rate
from cmae.readers.median_beat import MedianBeat, check_voltage, median_beat
from cmae.readers.qrs_complex import AFTER, BEFORE, independent, left_magnitude, qrs_onset

Floats = NDArray[np.float64]
Source = Literal["computed", "device"]

SOURCES = ("computed", "device")

MAX_DEVICE_S = 6.0
"""A device's median beat is one beat, with some of its neighbors at most."""
MAX_FILLED_SHARE = 0.25
"""More of the window than this is not made up."""

_RATE = int(ECG_RATE_HZ)
_MATCHED = slice(BEFORE - 60, BEFORE + 150)
_FADE = 40
_STILL_S = 0.02


@dataclass(frozen=True)
class RepresentativeBeat:
    """The beat that stands for a recording.

    Attributes:
        recording: ``(600, 12)`` in mV at 500 Hz, leads in clinical order, R peak at sample 200,
            the PR segment at 0 mV.
        source: ``"computed"`` or ``"device"``.
        rr_ms: Mean interval between beats in ms.
        computed: What our own median beat of the same recording says: beats used and rejected,
            noise, regularity; None where there is none and the device's beat is taken.
        filled_share: Share of the window that the device's beat does not cover: filled with the
            computed beat, moved to meet it; without one, with the PR level.
        agreement: Least correlation over the leads of the device's beat with the computed one,
            where both have values; None where there are not both.
    """

    recording: NDArray[np.float32] = field(repr=False)
    source: Source
    rr_ms: float
    computed: MedianBeat | None = field(repr=False)
    filled_share: float = 0.0
    agreement: float | None = None

    @property
    def beats_used(self) -> int | None:
        """Beats behind it; a device does not say."""
        return self.computed.beats_used if self.computed and self.source == "computed" else None

    @property
    def heart_rate_bpm(self) -> float:
        """Mean ventricular rate in beats a minute."""
        return 60_000.0 / self.rr_ms


def representative_beat(record: EcgRecord, *, source: Source = "computed") -> RepresentativeBeat:
    """Return the beat that stands for a recording.

    Args:
        record: The recording.
        source: ``"computed"`` from its rhythm, or the ``"device"``'s own median beat, brought to
            our window: resampled, R at sample 200, the PR segment at 0 mV.

    Returns:
        The beat with its report.

    Raises:
        SettingsError: There is no such source.
        ReadError: The rhythm gives no beat, or the file has no usable one of the device.
    """
    if source not in SOURCES:
        raise SettingsError(
            f"A beat from '{str(source)[:12]}' is not known: ask for {' or '.join(SOURCES)}."
        )
    if source == "computed":
        beat = median_beat(record)
        return RepresentativeBeat(beat.recording, "computed", beat.rr_ms, beat)
    if record.device_beat is None:
        raise ReadError(
            "The file holds no median beat of the device: ask for the computed one instead."
        )
    try:
        computed = median_beat(record)
    except ReadError:
        computed = None  # The device saw more than the file holds: its beat is what there is.
    return _of_device(record.device_beat, computed, _rr_ms(record, computed))


def _rr_ms(record: EcgRecord, computed: MedianBeat | None) -> float:
    """Return the interval between beats, of the rhythm if it can be read, else as measured."""
    if computed is not None:
        return computed.rr_ms
    rate = record.measurements.get("heart_rate_bpm", float("nan"))
    if not 15 <= rate <= 350:
        raise ReadError(
            "The device's median beat comes without a heart rate, and the rhythm gives none: "
            "use a file with ten seconds of rhythm or with the device's measurements."
        )
    return 60_000.0 / float(rate)


def _of_device(device: DeviceBeat, computed: MedianBeat | None, rr_ms: float) -> RepresentativeBeat:
    """Bring a device's beat to our window."""
    signals = _checked(device)
    own = None if computed is None else computed.recording.astype(np.float64)
    peak = _r_peak(signals) if own is None else _where_alike(signals, own)
    index = peak + np.arange(-BEFORE, AFTER)
    first, last = 0, len(signals)
    known = (index >= first) & (index < last)
    if not known[BEFORE - 75 : BEFORE + 100].all() or known.mean() < 1 - MAX_FILLED_SHARE:
        raise ReadError(
            f"The device's median beat shows {2 * max(peak - first, 0)} ms before and "
            f"{2 * max(last - peak, 0)} ms after its R peak: 400 and 800 ms are wanted and at least"
            f" {100 - 100 * MAX_FILLED_SHARE:.0f} % of that; ask for the computed beat."
        )
    beat = signals[np.clip(index, first, last - 1)]
    onset = qrs_onset(independent(beat))
    beat = beat - beat[onset - 12 : onset - 2].mean(axis=0)
    check_voltage(beat)
    agreement = None
    if own is not None:
        agreement = min(np.corrcoef(beat[known, k], own[known, k])[0, 1] for k in range(len(LEADS)))
    return RepresentativeBeat(
        recording=_filled(beat, known, own).astype(np.float32),
        source="device",
        rr_ms=rr_ms,
        computed=computed,
        filled_share=float(1 - known.mean()),
        agreement=None if agreement is None else float(agreement),
    )


def _checked(device: DeviceBeat) -> Floats:
    """Return a device's beat at 500 Hz, ``(samples, 12)`` in mV, after a look at it."""
    signals = np.asarray(device.signals, np.float64)
    check_rate(device.rate_hz)
    if signals.ndim != 2 or signals.shape[1] != len(LEADS):
        raise ReadError(
            f"The device's median beat has the shape {signals.shape}: expected samples of "
            f"{len(LEADS)} leads."
        )
    first, last = _edges(signals, device.rate_hz)
    signals = signals[first:last]
    duration_s = len(signals) / device.rate_hz
    if not 0.4 <= duration_s <= MAX_DEVICE_S or not np.isfinite(signals).all():
        raise ReadError(
            f"The device's median beat lasts {duration_s:.2f} s or has gaps: expected 0.4 to "
            f"{MAX_DEVICE_S:g} s without any; ask for the computed beat."
        )
    if (np.ptp(signals, axis=0) == 0).any():
        raise ReadError("The device's median beat is flat in a lead: ask for the computed beat.")
    return resampled(signals, device.rate_hz)


def _edges(signals: Floats, rate_hz: float) -> tuple[int, int]:
    """Return from where to where a device's beat was measured: padding stands still at an end."""
    moves = np.flatnonzero((np.diff(signals, axis=0) != 0).any(axis=1))
    if not len(moves):
        return 0, 0
    still = max(round(_STILL_S * rate_hz), 2)
    first = int(moves[0]) + 1 if moves[0] >= still else 0
    end = int(moves[-1]) + 1
    return first, end if len(signals) - end >= still else len(signals)


def _r_peak(signals: Floats) -> int:
    """Return where the left leads of a device's beat are largest, away from its ends."""
    size = left_magnitude(independent(signals - np.median(signals, axis=0)))
    margin = min(BEFORE // 2, len(signals) // 4)
    return margin + int(np.argmax(size[margin : len(signals) - margin]))


def _where_alike(signals: Floats, own: Floats) -> int:
    """Return the R peak of a device's beat: where it looks most like the computed beat."""
    part = independent(own[_MATCHED])
    leads = independent(signals - np.median(signals, axis=0))
    leads = np.pad(leads, ((len(part), len(part)), (0, 0)))
    part = part - part.mean(axis=0)
    product = fftconvolve(leads, part[::-1], "valid", axes=0).sum(axis=1)
    power = np.concatenate([[0.0], np.cumsum((leads**2).sum(axis=1))])
    energy = power[len(part) :] - power[: -len(part)]
    score = product / np.sqrt(energy + 0.1 * energy.max())
    return int(np.argmax(score)) - len(part) + BEFORE - _MATCHED.start


def _filled(beat: Floats, known: NDArray[np.bool_], own: Floats | None) -> Floats:
    """Fill what a device's beat lacks at the ends of the window.

    A held last value would be a wave that no heart makes. The computed beat of the same recording
    stands in, and the step to it fades in 80 ms; without one the level returns to that of PR.
    """
    where = np.flatnonzero(known)
    filled = beat.copy()
    base = np.zeros_like(beat) if own is None else own
    for edge, part in ((where[0], slice(0, where[0])), (where[-1], slice(where[-1] + 1, None))):
        places = np.arange(len(beat))[part]
        near = slice(edge, edge + 5) if edge == where[0] else slice(edge - 4, edge + 1)
        step = (beat[near] - base[near]).mean(axis=0)
        fade = 0.5 + 0.5 * np.cos(np.pi * np.clip(np.abs(places - edge) / _FADE, 0, 1))
        filled[part] = base[part] + fade[:, None] * step
    return filled
