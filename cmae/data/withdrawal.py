"""Dropping participants: their rows go, and the parts that held their recordings are rewritten."""

import shutil
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cmae.data import genotypes
from cmae.data import table as tables
from cmae.data.modality import STORED, Modality
from cmae.data.parts import PartReader, PartWriter
from cmae.data.rows import stored_in
from cmae.data.staging import RECORDINGS, Staging, locked, remove_leftovers
from cmae.data.writer import part_name, referenced
from cmae.errors import InputError


@dataclass(frozen=True)
class DropSummary:
    """What dropping did.

    Attributes:
        participants: Participants who were in the cohort and are not any more.
        rows: Their rows.
        recordings: Their recordings by modality, and a simulator's truth of them.
        unknown: Identifiers that the cohort did not have.
        parts_rewritten: Parts that were written anew, or deleted, without them.
        genotypes: Their samples in the genotypes beside the cohort.
    """

    participants: int
    rows: int
    recordings: dict[str, int]
    unknown: int
    parts_rewritten: int
    genotypes: int = 0


def withdraw(folder: Path, participants: Set[str]) -> DropSummary:
    """Remove participants from the cohort in ``folder``.

    Every part that holds a recording which no remaining row refers to is rewritten and deleted, and
    so are the genotypes beside the cohort.

    Args:
        folder: The cohort.
        participants: Their identifiers.

    Returns:
        What was removed.

    Raises:
        InputError: Nobody is named, the cohort has none of them, or the disk is full; nothing is
            changed.
        CohortError: The cohort is damaged.
    """
    if not participants:
        raise InputError("No participant to remove is named: list at least one participant_id.")
    with locked(folder):
        old = tables.load(folder)
        remove_leftovers(folder, referenced(old.table))
        leaves = old.table["participant_id"].isin(participants)
        if not leaves.any():
            raise InputError(
                f"None of the {len(participants):,} participants named is in the cohort {folder}, "
                "so nothing was removed: check the list, one participant_id a line."
            )
        left = old.table[~leaves].reset_index(drop=True)
        names, next_part = dict[str, str](), dict(old.next_part)
        reader = PartReader(folder / RECORDINGS)
        staging = Staging(folder)
        rewritten = 0
        try:
            for modality in (STORED[name] for name in stored_in(old.table)):
                column = f"{modality.name}_part"
                for name in old.table[column].dropna().unique():
                    keep = np.flatnonzero(left[column] == name)
                    if len(keep) == len(reader.part(name, modality)):
                        continue
                    rewritten += 1
                    if not len(keep):
                        continue
                    new = part_name(modality.name, next_part[modality.name])
                    next_part[modality.name] += 1
                    left = _rewritten(left, keep, modality, staging.path / new, reader)
                    names[name] = new
            # Before the rows go, so that a drop that was killed can be asked for again.
            samples = genotypes.withdraw(folder, participants)
            for new in names.values():
                (staging.path / new).replace(folder / RECORDINGS / new)
            tables.save(folder, tables.Contents(left, old.columns, next_part))
        finally:
            staging.close()
        remove_leftovers(folder, referenced(tables.load(folder).table))
    found = old.table[leaves]
    return DropSummary(
        participants=int(found["participant_id"].nunique()),
        rows=len(found),
        recordings={name: int(found[f"{name}_part"].notna().sum()) for name in stored_in(found)},
        unknown=len(participants - set(found["participant_id"])),
        parts_rewritten=rewritten,
        genotypes=samples,
    )


def remove_if_empty(folder: Path) -> None:
    """Delete the cohort in ``folder`` if it has no row, and no writer is at work in it."""
    with locked(folder):
        if len(tables.load(folder).table) or any((folder / RECORDINGS).iterdir()):
            return
        shutil.rmtree(folder)


def _rewritten(
    table: pd.DataFrame, rows: np.ndarray, modality: Modality, path: Path, reader: PartReader
) -> pd.DataFrame:
    """Copy the recordings of ``rows``, all of one part, to ``path``; return the new table."""
    name = table[f"{modality.name}_part"].iloc[rows[0]]
    part = reader.part(name, modality)
    index = table[f"{modality.name}_index"].to_numpy(dtype=np.int64, na_value=-1)
    rows = rows[np.argsort(index[rows])]
    writer = PartWriter(path, modality, part.dtype)
    try:
        buffer = np.empty(part.shape, part.dtype)
        for row in rows:
            reader.read_into(name, part, int(index[row]), buffer)
            index[row] = writer.append(buffer)
        writer.finish()
    finally:
        writer.discard()
    parts = table[f"{modality.name}_part"].to_numpy(dtype=object, copy=True)
    parts[rows] = path.name
    places = {
        f"{modality.name}_part": parts,
        f"{modality.name}_index": pd.array(index, dtype="Int64"),
    }
    places[f"{modality.name}_index"][index < 0] = pd.NA
    return table.assign(**places)
