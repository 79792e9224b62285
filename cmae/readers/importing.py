"""Folders of foreign files enter a cohort: ECGs, cines, ml4h tensors, UK Biobank's bulk files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cmae.data.cohort import Cohort
from cmae.data.pseudonyms import Pseudonyms
from cmae.errors import InputError, ReadError
from cmae.progress import Progress
from cmae.readers import sources
from cmae.readers.identity import Identity
from cmae.readers.import_job import ImportJob
from cmae.readers.import_summary import ImportSummary
from cmae.readers.recordings import (
    CineOptions,
    EcgOptions,
    Ml4hOptions,
    cine_rows,
    ecg_rows,
    ml4h_rows,
)
from cmae.readers.refusals import RefusedList
from cmae.readers.sources import Recording
from cmae.readers.workers import READING_S

UKB_ECG_FIELD, UKB_CINE_FIELD = 20205, 20208
"""UK Biobank's fields of the resting 12-lead ECG (XML) and of the long-axis cines (ZIP)."""


@dataclass(frozen=True)
class ImportSettings:
    """How files are read and how they become participants.

    Attributes:
        ids: Table with columns ``file``, ``participant`` and, if wanted, ``visit``.
        id_from: Header field that names the participant, such as ``PatientID``.
        key: What stands for the identifiers; None keeps them as they are.
        processes: How many files are read at once; None takes one a core, 0 reads in this process,
            where a file that hangs or crashes the reader stops the import.
        timeout_s: Longest that reading one file may take.
        refused: CSV file to write, with the path of each refused file and the reason.
    """

    ids: Path | None = None
    id_from: str | None = None
    key: Pseudonyms | None = None
    processes: int | None = None
    timeout_s: float = READING_S
    refused: Path | None = None

    def identity(self) -> Identity:
        """Return the way from a file to its participant."""
        return Identity.of(ids=self.ids, id_from=self.id_from, pseudonyms=self.key)


ORDINARY = ImportSettings()


def import_ecg(
    paths: Sequence[str | Path],
    cohort: Cohort,
    *,
    options: EcgOptions | None = None,
    settings: ImportSettings = ORDINARY,
    on_progress: Progress | None = None,
) -> ImportSummary:
    """Add the median beats of ECG files to a cohort.

    Args:
        paths: Files, or folders that are searched for files of a known ending (but for the table
            of identifiers).
        cohort: Where they go.
        options: How they are read.
        settings: Who they are of.
        on_progress: Called with (done, total).

    Returns:
        What was read, was there already, and was refused.

    Raises:
        ReadError: No file was found, or not one of them could be read.
        InputError: The table of identifiers cannot be used, or the cohort's identifiers are of
            another kind.
        Interrupted: Ctrl-C was pressed; what had been read is in the cohort.
    """
    read = partial(ecg_rows, options=options or EcgOptions())
    found = sources.ecg_files(paths, settings.ids)
    what = ", ".join(sorted(sources.ECG_SUFFIXES))
    job = ImportJob(cohort, settings.identity(), ("ecg",), read)
    return _run([_Plan("ecg", job, found, what)], settings, on_progress)["ecg"]


def import_cine(
    paths: Sequence[str | Path],
    cohort: Cohort,
    *,
    options: CineOptions | None = None,
    settings: ImportSettings = ORDINARY,
    on_progress: Progress | None = None,
) -> ImportSummary:
    """Add the heart crops of cine series to a cohort.

    Args:
        paths: DICOM folders (all folders of one examination are one cine), ZIPs, NIfTI files.
        cohort: Where they go.
        options: How they are cropped.
        settings: Who they are of.
        on_progress: Called with (done, total).

    Returns:
        What was read, was there already, and was refused.

    Raises:
        ReadError: Nothing was found, or not one series could be read.
        InputError: The table of identifiers cannot be used, or the cohort's identifiers are of
            another kind.
        Interrupted: Ctrl-C was pressed; what had been read is in the cohort.
    """
    options = _resolved(options)
    read = partial(cine_rows, options=options)
    found = _without(sources.cine_series(paths), options.masks)
    job = ImportJob(cohort, settings.identity(), ("mri",), read)
    what = "DICOM, .nii, .nii.gz, .zip"
    return _run([_Plan("cine", job, found, what)], settings, on_progress)["cine"]


def import_ml4h(
    paths: Sequence[str | Path],
    cohort: Cohort,
    *,
    options: Ml4hOptions | None = None,
    settings: ImportSettings = ORDINARY,
    on_progress: Progress | None = None,
) -> ImportSummary:
    """Add ml4h tensors, one HDF5 file a participant, to a cohort: visits, both modalities, values.

    Args:
        paths: Files, or folders that are searched for ``.hd5`` files.
        cohort: Where they go.
        options: How they are read.
        settings: Who they are of.
        on_progress: Called with (done, total).

    Returns:
        What was read, was there already, was refused, and who lacks what.

    Raises:
        ReadError: No file was found, or not one of them could be read.
        InputError: The table of identifiers cannot be used, or the cohort's identifiers are of
            another kind.
        Interrupted: Ctrl-C was pressed; what had been read is in the cohort.
    """
    read = partial(ml4h_rows, options=options or Ml4hOptions())
    found = sources.ml4h_files(paths)
    what = ", ".join(sorted(sources.ML4H_SUFFIXES))
    job = ImportJob(cohort, settings.identity(), ("ecg", "mri"), read, has_visits=True)
    return _run([_Plan("ml4h", job, found, what)], settings, on_progress)["ml4h"]


def import_ukb(
    cohort: Cohort,
    *,
    ecg: Path | None = None,
    cine: Path | None = None,
    options: tuple[EcgOptions, CineOptions] | None = None,
    settings: ImportSettings = ORDINARY,
    on_progress: Progress | None = None,
) -> dict[str, ImportSummary]:
    """Add UK Biobank's bulk files of fields 20205 and 20208 to a cohort.

    Names ``<eid>_<field>_<instance>_<array>.<ending>`` give participant and visit, so that ECG and
    cine of one visit are one row.

    Args:
        cohort: Where they go.
        ecg: Folder of the XML files of field 20205.
        cine: Folder of the ZIPs of field 20208, packed or unpacked.
        options: How ECGs are read and cines are cropped.
        settings: Pseudonyms and processes; ``ids`` and ``id_from`` are not looked at.
        on_progress: Called with (done, total), once more from the start for the cines.

    Returns:
        For each modality what was read, was there already, and was refused.

    Raises:
        ReadError: A folder holds nothing, or nothing that can be read.
        InputError: The cohort's identifiers are of another kind.
        Interrupted: Ctrl-C was pressed; what had been read is in the cohort.
    """
    for folder in (ecg, cine):
        if folder is not None and not folder.exists():
            raise ReadError("A folder of UK Biobank's files is not there: check the path.")
    ecg_options, cine_options = options or (EcgOptions(), CineOptions())
    cine_options = _resolved(cine_options)
    planned = []
    if ecg is not None:
        identity = Identity.of_ukb(UKB_ECG_FIELD, pseudonyms=settings.key)
        job = ImportJob(cohort, identity, ("ecg",), partial(ecg_rows, options=ecg_options))
        found = [item for item in sources.ecg_files([ecg]) if item.path.suffix.lower() == ".xml"]
        planned.append(_Plan("ecg", job, found, f".xml of field {UKB_ECG_FIELD}"))
    if cine is not None:
        identity = Identity.of_ukb(UKB_CINE_FIELD, pseudonyms=settings.key)
        job = ImportJob(cohort, identity, ("mri",), partial(cine_rows, options=cine_options))
        found = _without(sources.cine_series([cine]), cine_options.masks)
        planned.append(_Plan("cine", job, found, f".zip of field {UKB_CINE_FIELD}"))
    return _run(planned, settings, on_progress)


@dataclass(frozen=True)
class _Plan:
    """One kind of file to import: what is done with each, what was found, what was looked for."""

    kind: str
    job: ImportJob
    found: list[Recording]
    what: str


def _run(
    plans: Sequence[_Plan], settings: ImportSettings, on_progress: Progress | None
) -> dict[str, ImportSummary]:
    """Run imports over what was found, one after the other; return what each did, by kind."""
    done = {}
    with RefusedList(settings.refused, cohort=plans[0].job.cohort.path) as refused:
        for plan in plans:
            # A cohort's own files are no recordings, nor is the list.
            found = _without(_without(plan.found, plan.job.cohort.path), settings.refused)
            if not found:
                raise ReadError(
                    f"No recording was found: give files, or folders that hold some ({plan.what})."
                )
            done[plan.kind] = plan.job.run(
                found,
                processes=settings.processes,
                timeout_s=settings.timeout_s,
                on_progress=on_progress,
                on_refused=partial(refused.add, plan.kind),
            )
    return done


def _resolved(options: CineOptions | None) -> CineOptions:
    """Return the options for cines after checking that crop and masks go together."""
    options = options or CineOptions()
    if (options.crop == "ml4h") != (options.masks is not None):
        raise InputError("ml4h's crop needs masks, and masks are for it alone: give both or none.")
    if options.masks is not None and not options.masks.exists():
        raise InputError("There are no masks at the path given: check it.")
    return options if options.masks is None else replace(options, masks=options.masks.resolve())


def _without(found: list[Recording], place: Path | None) -> list[Recording]:
    """Leave out what is, or lies in, a file or folder."""
    if place is None:
        return found
    place = place.resolve()
    paths = {id(item): item.path.resolve() for item in found}
    return [
        item for item in found if place != paths[id(item)] and place not in paths[id(item)].parents
    ]
