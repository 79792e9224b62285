"""ml4h tensors, one HDF5 file a participant, become visits: an ECG, a cine and their numbers."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import h5py
import numpy as np
from numpy.typing import NDArray

from cmae.data.column import RECORDING_COLUMNS, Column
from cmae.errors import ReadError, SettingsError
from cmae.readers import ml4h_cine, ml4h_ecg, ml4h_values, recording_columns
from cmae.readers.ml4h_file import group_in, opened

COLUMNS = {
    **recording_columns.COLUMNS,
    **ml4h_values.COLUMNS,
    "ecg_is_device_median": Column(
        "", "binary", "quality", "ecg", "1: the device's median beat, 0: ours of ten seconds"
    ),
    "ecg_r_sample": Column(
        "samples", "continuous", "quality", "ecg", "Where R lay in the median beat as stored"
    ),
}
"""Columns that a visit's values may have, beside RECORDING_COLUMNS and the visit's own columns."""


@dataclass(frozen=True)
class Ml4hVisit:
    """What a file says of one visit.

    Attributes:
        visit: UK Biobank's number of the visit: 2 is the first imaging visit, 3 the repeat.
        ecg: ``(600, 12)`` in mV at 500 Hz, leads in clinical order, the PR segment at 0 mV; R where
            the device put it (``values["ecg_r_sample"]``) unless alignment was asked for. None
            where there is none.
        cine: ``(96, 96, 50)`` in scanner intensity; None where there is none.
        values: Quality, what the device measured, and phenotypes, by column name; None is missing.
        columns: Facts of the columns that are neither in COLUMNS nor in RECORDING_COLUMNS.
        lacks: What is not there or was left out, and why: one sentence each, none twice.
        found: What is there, a few words each.
    """

    visit: int
    ecg: NDArray[np.float32] | None = field(repr=False)
    cine: NDArray[np.float32] | None = field(repr=False)
    values: Mapping[str, float | str | None] = field(repr=False)
    columns: Mapping[str, Column] = field(repr=False)
    lacks: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


def read_ml4h(
    path: str | Path,
    *,
    crop: ml4h_cine.Crop = "heart",
    ecg_unit_uv: float = 5.0,
    is_ecg_aligned: bool = False,
) -> tuple[Ml4hVisit, ...]:
    """Read the visits of one participant from a file of ml4h tensors.

    Every layout is looked for at once, and names mean the same visit in all of them, so that ECG
    and cine pair in every mix:

    ======================================  =====================================
    in the file                             visit
    ======================================  =====================================
    ``…/instance_2`` (older), ``_3``, …     2, 3, …: UK Biobank's own number
    ``…/instance_0`` (newer), ``_1``        2, 3: imaging visits counted from 0
    ``cine…/2/instance_0``                  2: the folder's number
    ======================================  =====================================

    This is safe since UK Biobank has neither a resting ECG nor a cine of its visits 0 and 1. Where
    two recordings mean one visit, the folder goes first, then UK Biobank's number, and ``lacks``
    says so.

    The unit of the ECG is nowhere in such files: 5 µV is what the devices' XML files declare.
    A median beat that lacks a lead or cannot be used gives way to one computed from the ten
    seconds. Axes and intervals outside what hearts do count as missing.

    A file whose structure is damaged can end the process, inside the HDF5 library: read files of
    unknown origin in a process of their own.

    Args:
        path: The file, ``<id>.hd5``; its name is not looked at.
        crop: ``"heart"`` finds the heart by its motion and needs the pixel spacing; ``"ml4h"`` is
            ml4h's crop, which needs the mask of frame 1 in the same file, and 50 frames.
        ecg_unit_uv: Size of the unit of the stored ECG in µV.
        is_ecg_aligned: Whether to move the R peak of the device's median beat to sample 200.

    Returns:
        The visits in order, each with an ECG, a cine or numbers that the device measured.

    Raises:
        ReadError: The file is missing, damaged or refused, or holds nothing of an ECG or a cine.
        SettingsError: The crop is unknown, or the unit is not positive.
    """
    if crop not in get_args(ml4h_cine.Crop):
        raise SettingsError(f"The crop is {crop!r}: expected 'heart' or 'ml4h'.")
    if not (math.isfinite(ecg_unit_uv) and 0 < ecg_unit_uv <= 1000):
        raise SettingsError("The unit of the ECG is in µV, above 0 and at most 1000.")
    with opened(Path(path)) as file:
        source = _Source.of(file)
        visits = source.visits()
        if not visits:
            raise ReadError(
                "The ml4h file holds neither an ECG (ukb_ecg_rest) nor a four-chamber cine "
                "(ukb_cardiac_mri/cine_segmented_lax_4ch) in a layout that is known."
            )
        return tuple(
            _read_visit(
                source, visit, crop=crop, ecg_unit_uv=ecg_unit_uv, is_ecg_aligned=is_ecg_aligned
            )
            for visit in visits
        )


def table_of_lacks(lacks: Iterable[Iterable[str]]) -> dict[str, int]:
    """Count over many visits what they lack.

    Args:
        lacks: The ``lacks`` (or ``found``) of each visit.

    Returns:
        Number of visits by sentence, most frequent first, then by the alphabet.
    """
    counts = Counter(reason for visit in lacks for reason in set(visit))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True)
class _Source:
    """Where everything lies in an open file."""

    ecgs: ml4h_ecg.EcgTensors
    cines: ml4h_cine.CineTensors
    numbers: ml4h_values.Values

    @classmethod
    def of(cls, file: h5py.File) -> "_Source":
        """Look for every kind of recording and number."""
        ecgs = ml4h_ecg.find_ecgs(group_in(file, "ukb_ecg_rest"))
        return cls(ecgs, ml4h_cine.find_cines(file), ml4h_values.read_values(file, ecgs))

    def visits(self) -> list[int]:
        """Return the visits that have a recording or a number of the device."""
        return sorted(
            {
                *self.ecgs.medians,
                *self.ecgs.strips,
                *self.cines.cines.by_visit,
                *self.numbers.by_visit,
            }
        )

    def notes(self, visit: int) -> list[str]:
        """Return what was left out of the file or of a visit."""
        cines = self.cines
        notes = (*self.ecgs.notes, *cines.cines.notes, *cines.masks.notes, *self.numbers.notes)
        return [note for at, note in notes if at in {None, visit}]

    def found(self, visit: int) -> tuple[str, ...]:
        """Say what is there."""
        numbers = self.numbers
        found = {
            "median beat": visit in self.ecgs.medians,
            "10-second ECG": visit in self.ecgs.strips,
            "cine": visit in self.cines.cines.by_visit,
            "pixel spacing": self.cines.pixel_mm(visit) is not None,
            "mask of frame 1": visit in self.cines.masks.by_visit,
            "the device's measurements": visit in numbers.by_visit,
            "phenotypes": bool(numbers.shared),
        }
        return tuple(name for name, is_there in found.items() if is_there)


def _read_visit(
    source: _Source,
    visit: int,
    *,
    crop: ml4h_cine.Crop,
    ecg_unit_uv: float,
    is_ecg_aligned: bool,
) -> Ml4hVisit:
    """Read what there is of one visit."""
    ecg = ml4h_ecg.read_visit(source.ecgs, visit, unit_uv=ecg_unit_uv, is_aligned=is_ecg_aligned)
    cine = ml4h_cine.read_visit(source.cines, visit, crop=crop)
    numbers = source.numbers
    values = {**numbers.shared, **ecg.values, **cine.values, **numbers.by_visit.get(visit, {})}
    rate = values.get("heart_rate_bpm")
    if isinstance(rate, float) and "ecg_rr_ms" not in values:
        values["ecg_rr_ms"] = 60_000.0 / rate
    known = COLUMNS.keys() | RECORDING_COLUMNS.keys()
    columns = {name: column for name, column in numbers.columns.items() if name in values}
    assert values.keys() <= known | columns.keys()
    lacks = dict.fromkeys((*ecg.lacks, *cine.lacks, *source.notes(visit)))
    return Ml4hVisit(
        visit=visit,
        ecg=ecg.recording,
        cine=cine.recording,
        values=values,
        columns=columns,
        lacks=tuple(lacks),
        found=source.found(visit),
    )
