"""Writing files so that an interrupted write leaves the old file intact."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cmae.errors import InputError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_DENIED = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST
}  # fmt: skip


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn a full or a read-only disk, met while writing ``path``, into one sentence.

    Args:
        path: What is being written, for the message.

    Raises:
        InputError: The disk is full, or writing there is not allowed.
    """
    try:
        yield
    except OSError as error:
        code, text = error.errno, str(error)
        if code in _FULL or "No space left on device" in text:
            raise InputError(
                f"No space left on the disk while writing {path}: "
                "free some space, or write to another disk."
            ) from error
        if code == errno.EFBIG or "File too large" in text:
            raise InputError(
                f"{path} grew beyond the file size allowed here: "
                "raise the limit, or write to another disk."
            ) from error
        if code in _DENIED and (error.filename is None or _is_beside(error.filename, path)):
            raise InputError(
                f"{path} cannot be written ({error.strerror}): "
                "check the path and the permissions of its folder."
            ) from error
        raise


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file beside ``path`` and put it into place only when it is complete.

    Missing parent folders are made. The temporary name is hidden, lies in the same folder and
    keeps the suffix.

    Args:
        path: The file to write or replace.

    Yields:
        The temporary path to write to.

    Raises:
        InputError: The disk is full or not writable; the old file is intact.
    """
    path = Path(path)
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _beside(path)
        try:
            yield temporary
            if not temporary.exists():
                raise FileNotFoundError(errno.ENOENT, "nothing was written", str(temporary))
            sync(temporary)
            temporary.replace(path)
            sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Fill a folder beside ``path`` and put it into place only when it is complete.

    An old folder is set aside, replaced and then deleted; between two renames, for an instant,
    there is none.

    Args:
        path: The folder to write or replace.

    Yields:
        The temporary folder, made and empty.

    Raises:
        InputError: The disk is full or not writable; the old folder is intact.
    """
    path = Path(path)
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary, aside = _beside(path), _beside(path)
        temporary.mkdir()
        try:
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file():
                    sync(file)
            if path.exists():
                path.replace(aside)
            try:
                temporary.replace(path)
            except OSError:
                if aside.exists():
                    aside.replace(path)
                raise
            sync(path.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(aside, ignore_errors=True)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # some file systems cannot
            raise
    finally:
        os.close(number)


def _beside(path: Path) -> Path:
    return path.with_name(f".{os.getpid()}-{secrets.token_hex(4)}-{path.name[-80:]}")


def _is_beside(name: object, path: Path) -> bool:
    if not isinstance(name, str):
        return False
    met = Path(name)
    return met.parent == path.parent or path in met.parents or met in (path, *path.parents)
