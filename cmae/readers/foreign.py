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

_ZIP_ENTRY = b"PK\x01\x02"
_PLAIN_ZIP = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}

_TALKATIVE = ("pydicom", "nibabel", "nibabel.global", "wfdb", "fsspec", "PIL", "h5py", "pyarrow")
"""Loggers of parsers, which name files and values; wfdb opens files by fsspec."""

MAX_FILE_BYTES = 512 * 2**20
"""Largest file that is opened."""

MAX_UNPACKED_BYTES = 1024 * 2**20
"""Most that the members of one archive, or the pixels of one series, may come to."""

MAX_FILES = 20_000
"""Most files that are looked at in one folder or archive."""


@contextmanager
def quietly() -> Iterator[None]:
    """Hold back warnings and log lines of other people's parsers: they name files and values."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
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
    budget = MAX_UNPACKED_BYTES
    names: dict[str, str] = {}
    check_archive(archive, most_bytes=budget, most_files=MAX_FILES)
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            for number, member in enumerate(members):
                target = folder / f"{number:05d}{_ending(member.filename)}"
                names[target.name] = member.filename.replace("\\", "/").rsplit("/", 1)[-1]
                with opened.open(member) as source, target.open("wb") as sink:
                    while block := source.read(2**20):
                        budget -= len(block)
                        if budget < 0:
                            raise ReadError(_too_large(MAX_UNPACKED_BYTES))
                        sink.write(block)
    except PARSER_FAULTS as error:
        raise ReadError("The ZIP archive is damaged: copy or download it again.") from error
    return names


def check_archive(archive: Path, *, most_bytes: int, most_files: int) -> None:
    """Check what a ZIP archive says of itself before anything is unpacked.

    Args:
        archive: The file.
        most_bytes: Most that its members may come to.
        most_files: Most members that it may list.

    Raises:
        ReadError: It is damaged, encrypted, packed in an unusual way, or beyond the bounds.
    """
    check_file(archive, what="The ZIP archive")
    try:
        # Each member takes memory when the list is read, and a small archive can list millions.
        if _entries(archive) > 2 * most_files:
            raise ReadError(_too_many(most_files))
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
    except ReadError:
        raise
    except PARSER_FAULTS as error:
        raise ReadError("The ZIP archive is damaged: copy or download it again.") from error
    if len(members) > most_files:
        raise ReadError(_too_many(most_files))
    if any(member.flag_bits & 0x1 for member in members):
        raise ReadError("The ZIP archive is encrypted: unpack it first.")
    # LZMA takes as much memory as a member asks for.
    if any(member.compress_type not in _PLAIN_ZIP for member in members):
        raise ReadError(
            "The ZIP archive is packed in an unusual way: pack it again as a plain ZIP (deflate)."
        )
    if sum(member.file_size for member in members) > most_bytes:
        raise ReadError(_too_large(most_bytes))


def _entries(archive: Path) -> int:
    """Count what looks like an entry of a ZIP's list: there are never more than these."""
    count, end = 0, b""
    with archive.open("rb") as opened:
        while block := opened.read(2**20):
            count += (end + block).count(_ZIP_ENTRY)
            end = block[-len(_ZIP_ENTRY) + 1 :]
    return count


def _too_many(most: int) -> str:
    return f"The ZIP archive lists more than {most:,} files: give one series an archive."


def _too_large(most: int) -> str:
    return f"The ZIP archive unpacks to more than {most // 2**20} MiB: give one series an archive."


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
