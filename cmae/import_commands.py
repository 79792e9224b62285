"""What ``cmae import`` does: open the cohort, call the readers, say what came of it."""

import argparse
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cmae.errors import InputError
from cmae.progress import progress_bar
from cmae.quiet import quiet_import

if TYPE_CHECKING:
    from cmae.data.cohort import Cohort
    from cmae.data.pseudonyms import Pseudonyms
    from cmae.readers.import_summary import ImportSummary
    from cmae.readers.importing import ImportSettings
    from cmae.readers.recordings import CineOptions, EcgOptions

# Each command imports what it needs when it runs, as in commands.py.
# ruff: noqa: PLC0415

Result = Mapping[str, object]

SHOWN = 20
"""Reasons of refusal that are listed for people; all are counted, and JSON lists every file."""

SHOWN_FILES = 8
"""Numbers, or ranges of numbers, of refused files that are listed for one reason."""

_log = logging.getLogger(__name__)


def run_import(options: argparse.Namespace) -> Result:
    """Run one command of ``cmae import``."""
    return _KINDS[options.kind](options)


def pseudonyms_of(path: Path | None, *, out: Path | None = None) -> "Pseudonyms | None":
    """Read a key file, if one is given.

    Args:
        path: The file, or None.
        out: The cohort: a key in it would go wherever the cohort goes.

    Raises:
        InputError: It holds no key, or lies in the cohort.
    """
    if path is None:
        return None
    from cmae.data import pseudonyms

    if out is not None and out.resolve() in path.resolve().parents:
        raise InputError(
            "The key file lies in the cohort's folder, where whoever gets the cohort could undo "
            "its pseudonyms: keep it elsewhere."
        )
    key = pseudonyms.Pseudonyms.open(path)
    if not pseudonyms.is_private(path):
        _log.info("The key file can be read by others on this computer: `chmod 600` it.")
    return key


def _ecg(options: argparse.Namespace) -> Result:
    from cmae.readers.importing import import_ecg

    return _imported(options, partial(import_ecg, options=_ecg_options(options)))


def _cine(options: argparse.Namespace) -> Result:
    from cmae.readers.importing import import_cine

    return _imported(options, partial(import_cine, options=_cine_options(options)))


def _ml4h(options: argparse.Namespace) -> Result:
    from cmae.readers.importing import import_ml4h
    from cmae.readers.recordings import Ml4hOptions

    how = Ml4hOptions(options.crop, options.ecg_unit, options.align_ecg)
    return _imported(options, partial(import_ml4h, options=how))


def _imported(options: argparse.Namespace, read: Callable[..., "ImportSummary"]) -> Result:
    """Import the paths of one kind of file."""
    settings = _settings(options)
    with _cohort(options.out) as cohort, progress_bar(f"importing {options.kind}") as report:
        summary = read(options.paths, cohort, settings=settings, on_progress=report)
    return _reported(options, cohort, {"": summary})


def _ukb(options: argparse.Namespace) -> Result:
    from cmae.readers.importing import import_ukb

    if options.ecg is None and options.cine is None and options.phenotypes is None:
        raise InputError("There is nothing to import: give --ecg, --cine or --phenotypes.")
    if options.phenotypes is None and (options.columns is not None or options.declared_only):
        raise InputError("--columns and --declared-only are about --phenotypes: give that, too.")
    settings = _settings(options)
    with _cohort(options.out) as cohort:
        with progress_bar("importing ukb") as report:
            summaries = import_ukb(
                cohort,
                ecg=options.ecg,
                cine=options.cine,
                options=(_ecg_options(options), _cine_options(options)),
                settings=settings,
                on_progress=report,
            )
        tables = {}
        if options.phenotypes is not None:
            tables["phenotypes"] = _imported_table(options.phenotypes, cohort, options)
    return {**_reported(options, cohort, summaries), **tables}


def _table(options: argparse.Namespace) -> Result:
    from cmae.data.cohort import Cohort

    if options.add:
        with _cohort(options.out) as cohort:
            found = _imported_table(options.path, cohort, options)
    else:
        found = _imported_table(options.path, Cohort.open(options.out), options)
    return {"cohort": str(options.out), **found}


def _imported_table(path: Path, cohort: "Cohort", options: argparse.Namespace) -> dict[str, object]:
    from cmae.readers.phenotypes import TableSettings, import_table

    settings = TableSettings(
        columns=options.columns,
        is_declared_only=options.declared_only,
        may_add=getattr(options, "add", False),
        key=pseudonyms_of(options.pseudonymize, out=options.out),
    )
    with progress_bar("importing table") as report:
        summary = asdict(import_table(path, cohort, settings=settings, on_progress=report))
    left_out = [{"column": name, "why": why} for name, why in summary.pop("left_out").items()]
    return {**summary, "left_out": left_out}


def _weights(options: argparse.Namespace) -> Result:
    with quiet_import():
        from cmae.model import published
    unit = {} if options.ecg_unit is None else {"microvolts_per_integer": options.ecg_unit}
    result: Result = published.import_weights(
        options.path, options.out, may_replace=options.overwrite, **unit
    )
    return result


def _key(options: argparse.Namespace) -> Result:
    from cmae.data.pseudonyms import make_key

    make_key(options.path)
    _log.info(
        "Keep the key apart from the cohort and do not lose it: without it nobody can add to the "
        "cohort or tell whose row is whose, and with it and a list of identifiers everybody can."
    )
    return {"key": str(options.path)}


def _settings(options: argparse.Namespace) -> "ImportSettings":
    from cmae.readers.importing import ImportSettings

    if options.preview is not None and options.preview.suffix.lower() not in {".html", ".htm"}:
        raise InputError("The preview is a page: end its name in .html.")
    return ImportSettings(
        ids=getattr(options, "ids", None),
        id_from=getattr(options, "id_from", None),
        key=pseudonyms_of(options.pseudonymize, out=options.out),
        processes=options.processes,
        timeout_s=options.timeout,
        refused=options.refused,
    )


def _ecg_options(options: argparse.Namespace) -> "EcgOptions":
    from cmae.measure.electrocardiogram import measured_values
    from cmae.readers.recordings import EcgOptions

    return EcgOptions(
        rate_hz=getattr(options, "rate", None),
        unit=getattr(options, "unit", None),
        has_device_beat=options.device_median,
        measure=measured_values,
    )


def _cine_options(options: argparse.Namespace) -> "CineOptions":
    from cmae.readers.recordings import CineOptions

    return CineOptions(options.crop, options.masks)


@contextmanager
def _cohort(path: Path) -> Iterator["Cohort"]:
    """Open a cohort or make one, which goes again if the import fails and leaves it empty."""
    from cmae.data.cohort import Cohort
    from cmae.data.withdrawal import remove_if_empty

    is_new = not path.exists()
    cohort = Cohort.open_or_create(path)
    try:
        yield cohort
    except BaseException:
        if is_new:
            remove_if_empty(path)
        raise


def _reported(
    options: argparse.Namespace, cohort: "Cohort", summaries: Mapping[str, "ImportSummary"]
) -> Result:
    """Lay out what was done, and draw the preview."""
    result: dict[str, object] = {"cohort": str(options.out)}
    for name, summary in summaries.items():
        facts = _shown(summary, is_whole=options.json)
        result |= {name: facts} if name else facts
    if options.refused is not None:
        result |= {"refused_list": str(options.refused)}
    elif any(summary.refused for summary in summaries.values()):
        _log.info("Which files the numbers mean says a list that --refused FILE writes.")
    if options.preview is not None:
        from cmae.figures.preview import write_preview

        with progress_bar("drawing") as report:
            drawn = write_preview(cohort, options.preview, on_progress=report)
        result |= {"preview": str(options.preview), "previewed_rows": drawn}
    return result


def _shown(summary: "ImportSummary", *, is_whole: bool) -> dict[str, object]:
    """Leave out of a summary what is empty, and say of refused files how many for which reason."""
    from cmae.readers.refusals import grouped, ranges

    facts = asdict(summary)
    if is_whole:
        return {**facts, "refused": list(facts["refused"])}
    del facts["reasons"]
    facts = {name: value for name, value in facts.items() if value not in ({}, ())}
    facts["refused"] = len(summary.refused)
    groups = grouped(summary.refused)
    if groups:
        facts["refused_files"] = [
            {
                "files": len(group.files),
                "numbers": ranges(group.files, most=SHOWN_FILES),
                "reason": group.reason,
            }
            for group in groups[:SHOWN]
        ]
    if len(groups) > SHOWN:
        facts["reasons_not_shown"] = len(groups) - SHOWN
    return facts


_KINDS: dict[str, Callable[[argparse.Namespace], Result]] = {
    "ecg": _ecg,
    "cine": _cine,
    "ml4h": _ml4h,
    "ukb": _ukb,
    "table": _table,
    "weights": _weights,
    "key": _key,
}
