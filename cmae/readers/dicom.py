"""Opening DICOM files of unknown origin."""

from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info

from cmae.errors import ReadError
from cmae.readers.foreign import PARSER_FAULTS, check_file

DICOM_FAULTS = (*PARSER_FAULTS, InvalidDicomError)
"""What pydicom and its decoders raise on broken files."""

_DEFLATED = "1.2.840.10008.1.2.1.99"


def is_dicom(path: Path) -> bool:
    """Whether a file starts as DICOM files do: 128 bytes, then ``DICM``."""
    with path.open("rb") as opened:
        return opened.read(132)[128:] == b"DICM"


def open_dicom(path: Path, *, has_pixels: bool = True) -> FileDataset:
    """Open a DICOM file after checking its size and that it does not unpack without bound.

    Args:
        path: The file.
        has_pixels: Whether pixels or waveforms are wanted too, not only what stands before them.

    Returns:
        The data set.

    Raises:
        ReadError: It is no DICOM file, damaged, too large, or compressed as a whole.
    """
    check_file(path, what="A DICOM file")
    try:
        if not is_dicom(path):
            raise ReadError("The file is no DICOM file: it does not begin as one.")
        if str(read_file_meta_info(path).get("TransferSyntaxUID", "")) == _DEFLATED:
            raise ReadError(
                "The DICOM file is compressed as a whole (deflated), which is not read: export it "
                "as Explicit VR Little Endian."
            )
        return dcmread(path, stop_before_pixels=not has_pixels)
    except ReadError:
        raise
    except DICOM_FAULTS as error:
        raise ReadError("The DICOM file's header is damaged: export it again.") from error
