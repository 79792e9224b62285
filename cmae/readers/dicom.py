"""Opening DICOM files of unknown origin."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import generate_frames
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.pixels import iter_pixels
from pydicom.uid import UID

from cmae.errors import ReadError
from cmae.readers.foreign import PARSER_FAULTS, check_file

DICOM_FAULTS = (*PARSER_FAULTS, InvalidDicomError, BytesLengthException)
"""What pydicom and its decoders raise on broken files."""

_DEFLATED = "1.2.840.10008.1.2.1.99"
_SMALL_BYTES = 4 * 2**20
"""Files up to this size are read at once."""

_RLE = "1.2.840.10008.1.2.5"
_CODESTREAM = b"\xff\x4f\xff\x51"
"""Start of a JPEG 2000 code stream: its header, then the size segment."""

_SIZE_MARKERS = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
"""JPEG's markers that announce height and width, and that of JPEG-LS."""


def is_dicom(path: Path) -> bool:
    """Whether a file starts as DICOM files do: 128 bytes, then ``DICM``."""
    with path.open("rb") as opened:
        return opened.read(132)[128:] == b"DICM"


def open_dicom(
    path: Path, *, has_pixels: bool = True, only: tuple[str, ...] | None = None
) -> FileDataset:
    """Open a DICOM file after checking its size and that it does not unpack without bound.

    Args:
        path: The file.
        has_pixels: Whether pixels or waveforms are wanted too, not only what stands before them.
        only: Attributes to read, all by default; it is faster where vendors add long ones.

    Returns:
        The data set.

    Raises:
        ReadError: It is no DICOM file, damaged, too large, or compressed as a whole.
    """
    check_file(path, what="A DICOM file")
    try:
        if not is_dicom(path):
            raise ReadError("The file is no DICOM file: it does not begin as one.")
        stored: Path | BytesIO = path
        if path.stat().st_size <= _SMALL_BYTES:
            stored = BytesIO(path.read_bytes())
        if _is_deflated(path, stored):
            raise ReadError(
                "The DICOM file is compressed as a whole (deflated), which is not read: export it "
                "as Explicit VR Little Endian."
            )
        tags: list[int | str | tuple[int, int]] | None = None if only is None else list(only)
        return dcmread(stored, stop_before_pixels=not has_pixels, specific_tags=tags)
    except ReadError:
        raise
    except DICOM_FAULTS as error:
        raise ReadError("The DICOM file's header is damaged: export it again.") from error


def _is_deflated(path: Path, stored: Path | BytesIO) -> bool:
    """Whether a file is compressed as a whole, as its file meta information says."""
    if isinstance(stored, BytesIO) and _DEFLATED.encode() not in stored.getvalue():
        return False
    return str(read_file_meta_info(path).get("TransferSyntaxUID", "")) == _DEFLATED


def pixels_of(image: Dataset, indices: list[int]) -> Iterator[NDArray[np.generic]]:
    """Decode some frames of a grey image, one after the other, whatever their compression.

    Args:
        image: The opened file.
        indices: Frames from 0.

    Yields:
        ``(rows, columns)`` stored values of a frame.

    Raises:
        ReadError: A colour image, a damaged one, or one whose compressed frames announce another
            size than its header: decoders take memory for what they announce.
    """
    if int(image.get("SamplesPerPixel") or 1) != 1:
        raise ReadError("The DICOM images are in colour: expected the scanner's grey images.")
    size = (int(image.Rows), int(image.Columns))
    syntax = UID(str(image.file_meta.TransferSyntaxUID))
    if syntax.is_compressed and syntax != _RLE:
        count = int(image.get("NumberOfFrames") or 1)
        for frame in generate_frames(image.PixelData, number_of_frames=count):
            if announced_size(frame) != size:
                raise ReadError(
                    "A compressed DICOM image announces another size than its header: it is "
                    "damaged."
                )
    for pixels in iter_pixels(image, indices=indices):
        if pixels.shape != size:
            raise ReadError(
                f"A DICOM image has pixels of shape {pixels.shape} where {size} was expected: "
                "a colour or damaged image."
            )
        yield pixels


def announced_size(stream: bytes) -> tuple[int, int] | None:
    """Return the rows and columns that a JPEG, JPEG-LS or JPEG 2000 stream announces.

    Sources: ITU-T T.81 B.2.2 (frame header), T.87 C.2.2, T.800 A.5.1 (SIZ).

    Args:
        stream: The compressed frame.

    Returns:
        Rows and columns, or None where the stream has no such header.
    """
    start = stream.find(_CODESTREAM, 0, 4096)
    if start >= 0:
        size = stream[start + 8 : start + 24]
        if len(size) < 16:
            return None
        right, bottom, left, top = (int.from_bytes(size[k : k + 4], "big") for k in (0, 4, 8, 12))
        return bottom - top, right - left
    opened = BytesIO(stream)
    if opened.read(2) != b"\xff\xd8":
        return None
    while len(head := opened.read(4)) == 4 and head[0] == 0xFF:
        if head[1] in _SIZE_MARKERS:
            facts = opened.read(5)
            return int.from_bytes(facts[1:3], "big"), int.from_bytes(facts[3:5], "big")
        opened.seek(int.from_bytes(head[2:4], "big") - 2, 1)
    return None
