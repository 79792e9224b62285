"""Bounds on files from elsewhere: how large, how many, and what a broken one may raise."""

import logging
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cmae.errors import ReadError

PARSER_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What parsers of other people raise on broken input; each becomes a ReadError at the border."""

MAX_FILE_BYTES = 512 * 2**20
"""Largest file that is opened."""

MAX_UNPACKED_BYTES = 1024 * 2**20
"""Most that the members of one archive, or the pixels of one series, may come to."""

MAX_FILES = 20_000
"""Most files that are looked at in one folder or archive."""


@contextmanager
def quietly() -> Iterator[None]:
    """Hold back warnings and log lines of other people's parsers: they name files and values."""
    loggers = [logging.getLogger(name) for name in ("pydicom", "nibabel", "nibabel.global")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def check_file(path: Path, *, what: str) -> int:
    """Return the size of a file in bytes, after checking that it is one and of sane size.

    Args:
        path: The file.
        what: What the file is, for the message; never an identifier.

    Returns:
        The size in bytes.

    Raises:
        ReadError: It does not exist, is no plain file, is empty, or is too large.
    """
    try:
        if not path.is_file():
            raise ReadError(f"{what} is missing: give the path of a file that exists.")
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise ReadError(f"{what} cannot be opened: check the path and its permissions.") from error
    if size == 0:
        raise ReadError(f"{what} is empty: copy or export it again.")
    if size > MAX_FILE_BYTES:
        raise ReadError(
            f"{what} has {size / 2**20:,.0f} MiB, more than the {MAX_FILE_BYTES // 2**20} MiB "
            "that a single recording can need: give one recording a file."
        )
    return size


def unpack(archive: Path, folder: Path) -> dict[str, str]:
    """Write the members of a ZIP into a folder under numbers, so that no name can lead outside.

    Args:
        archive: The ZIP file.
        folder: An existing empty folder; member ``k`` becomes the file ``0000k``, where a NIfTI
            file keeps its ending.

    Returns:
        The last part of each member's own name, by the name of its file.

    Raises:
        ReadError: The archive is damaged or encrypted, or unpacks to more than the bounds.
    """
    check_file(archive, what="The ZIP archive")
    budget = MAX_UNPACKED_BYTES
    names: dict[str, str] = {}
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            if len(members) > MAX_FILES:
                raise ReadError(
                    f"The ZIP archive lists {len(members):,} files, more than {MAX_FILES:,}: "
                    "give one series an archive."
                )
            for number, member in enumerate(members):
                if member.flag_bits & 0x1:
                    raise ReadError("The ZIP archive is encrypted: unpack it first.")
                target = folder / f"{number:05d}{_ending(member.filename)}"
                names[target.name] = member.filename.replace("\\", "/").rsplit("/", 1)[-1]
                with opened.open(member) as source, target.open("wb") as sink:
                    while block := source.read(2**20):
                        budget -= len(block)
                        if budget < 0:
                            raise ReadError(
                                "The ZIP archive unpacks to more than "
                                f"{MAX_UNPACKED_BYTES // 2**20} MiB: give one series an archive."
                            )
                        sink.write(block)
    except PARSER_FAULTS as error:
        raise ReadError("The ZIP archive is damaged: copy or download it again.") from error
    return names


def _ending(name: str) -> str:
    """Return the ending of a NIfTI file's name, else nothing."""
    return next((ending for ending in (".nii.gz", ".nii") if name.lower().endswith(ending)), "")


def files_in(folder: Path) -> list[Path]:
    """List the files of a folder and its subfolders in the order of their names.

    Args:
        folder: The folder; links to folders are not followed, hidden files are left out.

    Returns:
        The files, sorted.

    Raises:
        ReadError: There are more than the bound.
    """
    files: list[Path] = []
    for path in folder.rglob("*"):
        if path.name.startswith(".") or not path.is_file():
            continue
        files.append(path)
        if len(files) > MAX_FILES:
            raise ReadError(
                f"The folder holds more than {MAX_FILES:,} files: give one series a folder."
            )
    return sorted(files)
