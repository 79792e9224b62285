"""A full disk, met by HDF5: seen before writing where possible, and said as what it is."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cmae.errors import InputError


def check_space(path: Path, num_bytes: int) -> None:
    """Raise InputError unless a file fits on the disk.

    Args:
        path: The file that will be written.
        num_bytes: Its size.

    Raises:
        InputError: It does not fit, or no file can be made in its folder.
    """
    try:
        total, _, free = shutil.disk_usage(path.parent)
        if not total:  # a file system that does not tell, or one that holds no files
            tempfile.TemporaryFile(dir=path.parent).close()
            return
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}): choose another folder."
        ) from error
    if free < num_bytes:
        raise InputError(
            f"No space left on the disk for {path}: it needs {num_bytes / 1e6:,.0f} MB and "
            f"{free / 1e6:,.0f} are free; free some space, or write to another disk."
        )


@contextmanager
def hdf5_faults_named() -> Iterator[None]:
    """Turn the RuntimeError that h5py raises for a failed write back into the OSError it was.

    Raises:
        OSError: With the error number that HDF5 gave.
    """
    try:
        yield
    except RuntimeError as error:
        number = re.search(r"errno = (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
