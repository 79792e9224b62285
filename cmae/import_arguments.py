"""The words of ``cmae import``: a command for each kind of file, with its own options."""

import argparse
from collections.abc import Callable
from pathlib import Path

KINDS = ("ecg", "cine", "ml4h", "ukb", "table", "weights", "key")

_NUMBERED = (
    "files or folders; refused ones are numbered in the order they are read, from 1, because "
    "names may hold identifiers"
)
_DONE_TWICE = (
    "What the cohort has already is not read again, so that the same command goes on with an "
    "import that was stopped."
)


def add_import_commands(
    parser: argparse.ArgumentParser, everywhere: argparse.ArgumentParser
) -> None:
    """Add the commands of ``cmae import``.

    Args:
        parser: Of ``cmae import``.
        everywhere: Options that every command has.
    """
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)

    def kind(name: str, text: str, more: str = "") -> argparse.ArgumentParser:
        description = f"{text[0].upper()}{text[1:]}. {more}".strip()
        return kinds.add_parser(name, help=text, description=description, parents=[everywhere])

    _add_ecg(kind("ecg", "add ECGs to a cohort, as median beats", _DONE_TWICE))
    _add_cine(kind("cine", "add four-chamber cines to a cohort, cropped", _DONE_TWICE))
    _add_ml4h(kind("ml4h", "add ml4h tensors, a .hd5 file a participant", _DONE_TWICE))
    _add_ukb(kind("ukb", "add UK Biobank's ECGs (20205), cines (20208), phenotypes", _DONE_TWICE))
    _add_table(
        kind(
            "table",
            "add phenotypes and covariates to participants of a cohort",
            "Values that the cohort has already are kept.",
        )
    )
    _add_weights(kind("weights", "make a run of the published weights (.h5)"))
    key = kind("key", "make a key file for --pseudonymize")
    key.add_argument("path", type=Path, metavar="KEYFILE", help="file to make; keep it apart")


def _add_ecg(parser: argparse.ArgumentParser) -> None:
    _add_paths(parser)
    _add_identity(parser)
    add_csv_options(parser)
    _add_device_median(parser)
    _add_engine(parser)


def _add_cine(parser: argparse.ArgumentParser) -> None:
    _add_paths(parser)
    _add_identity(parser)
    _add_crop(parser)
    _add_engine(parser)


def _add_ml4h(parser: argparse.ArgumentParser) -> None:
    _add_paths(parser)
    _add_identity(parser)
    parser.add_argument(
        "--crop",
        choices=("heart", "ml4h"),
        default="heart",
        help="heart: centered on what moves; ml4h: theirs, by the masks in the files (heart)",
    )
    parser.add_argument(
        "--ecg-unit", type=float, default=5.0, metavar="UV", help="unit of the stored ECG in µV (5)"
    )
    parser.add_argument(
        "--align-ecg", action="store_true", help="move R of the device's median beat to 0.4 s"
    )
    _add_engine(parser)


def _add_ukb(parser: argparse.ArgumentParser) -> None:
    for name, what in (("--ecg", "XML files of field 20205"), ("--cine", "ZIPs of field 20208")):
        parser.add_argument(name, type=Path, metavar="FOLDER", help=f"folder of {what}")
    parser.add_argument(
        "--phenotypes", type=Path, metavar="TABLE", help="CSV, TSV or Parquet with a column eid"
    )
    _add_columns(parser)
    _add_out(parser)
    _add_pseudonymize(parser)
    _add_device_median(parser)
    _add_crop(parser)
    _add_engine(parser)


def _add_table(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path",
        type=Path,
        metavar="TABLE",
        help="CSV, TSV or Parquet with a column participant_id or eid and, if wanted, visit",
    )
    _add_out(parser)
    _add_columns(parser)
    parser.add_argument(
        "--add", action="store_true", help="add participants whom the cohort lacks, too"
    )
    _add_pseudonymize(parser)


def _add_weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="FOLDER", help="folder of the .h5 files")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="run to make")
    parser.add_argument(
        "--ecg-unit",
        type=float,
        metavar="UV",
        help="what one integer of their ECGs means in µV (5)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a run at --out")


def _add_paths(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH", help=_NUMBERED)
    _add_out(parser)


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, required=True, metavar="COHORT", help="cohort folder, new or standing"
    )


def _add_identity(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ids",
        type=Path,
        metavar="TABLE",
        help="table with the columns file, participant and, if wanted, visit (by default the "
        "file's name is the participant)",
    )
    parser.add_argument(
        "--id-from",
        metavar="FIELD",
        help="header field that names the participant: DICOM, WFDB comment or XML element",
    )
    _add_pseudonymize(parser)


def _add_pseudonymize(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pseudonymize",
        type=Path,
        metavar="KEYFILE",
        help="replace identifiers by their HMAC under this key (`cmae import key` makes one)",
    )


def _add_device_median(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device-median",
        action="store_true",
        help="take the device's own median beat where a file has one",
    )


def _add_crop(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--crop",
        choices=("heart", "ml4h"),
        default="heart",
        help="heart: centered on what moves; ml4h: theirs, which needs --masks (heart)",
    )
    parser.add_argument(
        "--masks",
        type=Path,
        metavar="PATH",
        help="mask of the heart (.npy, .nii), or a folder of masks named as the cines",
    )


def _add_columns(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--columns",
        type=Path,
        metavar="JSON",
        help="declares name, unit, kind, role, source, description of columns; null leaves one out",
    )
    parser.add_argument(
        "--declared-only", action="store_true", help="take only the columns declared there"
    )


def _add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--processes",
        type=_number,
        metavar="N",
        help="files read at once (one a core); 0 reads in this process, unguarded against crashes",
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=60.0, metavar="S", help="longest for one file (60)"
    )
    parser.add_argument(
        "--preview", type=Path, metavar="HTML", help="write pictures of up to 60 rows, worst first"
    )
    parser.add_argument(
        "--refused",
        type=Path,
        metavar="CSV",
        help="write which files were refused, and why, to a list that you alone can read: unlike "
        "all that is printed, it names files",
    )


def add_csv_options(parser: argparse.ArgumentParser) -> None:
    """Add what an ECG in CSV may leave open."""
    parser.add_argument(
        "--rate", type=float, metavar="HZ", help="samples/s of ECGs in CSV without a time column"
    )
    parser.add_argument(
        "--unit", choices=("mV", "uV", "V"), help="unit of ECGs in CSV whose header names none"
    )


def _checked(
    convert: Callable[[str], float], text: str, *, low: float, high: float, what: str
) -> float:
    try:
        value = convert(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is no {what} from {low:g} to {high:g}")
    return value


def _number(text: str) -> int:
    return int(_checked(int, text, low=0, high=1024, what="whole number"))


def _seconds(text: str) -> float:
    return _checked(float, text, low=0.1, high=86_400, what="number of seconds")
