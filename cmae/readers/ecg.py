"""ECG files become one record type: the twelve leads in clinical order, in mV."""

import re
from pathlib import Path

from cmae.errors import ReadError
from cmae.readers.ecg_record import EcgRecord, clinical_name
from cmae.readers.ecg_wfdb import read_wfdb, wfdb_header
from cmae.readers.foreign import check_file, quietly

HEAD_BYTES = 1024
"""How much of a file tells what it is."""

_WAVEFORM_CLASSES = b"1.2.840.10008.5.1.4.1.1.9."
"""How the classes of DICOM waveforms begin; the class stands in the file meta information."""

_ROOTS = (b"CardiologyXML", b"RestingECG", b"restingecgdata", b"AnnotatedECG")

_WFDB_SUFFIXES = {"", ".hea", ".dat", ".mat"}

_TABLE_SUFFIXES = {".csv", ".tsv", ".txt"}


@quietly()
def read_ecg(
    path: str | Path, *, rate_hz: float | None = None, unit: str | None = None
) -> EcgRecord:
    """Read a twelve-lead ECG of any supported format, told by its content.

    Supported are WFDB, DICOM waveforms, XML of UK Biobank and CardioSoft, of GE MUSE, of Philips
    Sierra and of HL7 (aECG), EDF and CSV. At most the first minute is read.

    Args:
        path: The file; for WFDB the header, the signal file or their common stem, and a folder
            that holds one WFDB header is taken for that record.
        rate_hz: Samples per second of a CSV file that has no time column.
        unit: Unit of a CSV file whose header names none (``"mV"`` or ``"uV"``).

    Returns:
        The record.

    Raises:
        ReadError: The file is not such an ECG, is damaged, or leaves rate, gain or unit open.
    """
    path = Path(path)
    is_folder = path.is_dir()
    header = wfdb_header(path) if is_folder or path.suffix.lower() in _WFDB_SUFFIXES else None
    if header is not None:
        return read_wfdb(header)
    check_file(path, what="The ECG file")
    with path.open("rb") as opened:
        head = opened.read(HEAD_BYTES)
    record = _read_by_content(path, head)
    if record is not None:
        return record
    header = wfdb_header(path)
    if header is not None:
        return read_wfdb(header)
    if path.suffix.lower() in _TABLE_SUFFIXES or _is_table(head):
        from cmae.readers.ecg_csv import read_csv_ecg  # noqa: PLC0415 - needs pandas

        return read_csv_ecg(path, rate_hz=rate_hz, unit=unit)
    if path.suffix.lower() in {".mat", ".dat"}:
        raise ReadError(
            "The ECG's signal file has no WFDB header (.hea) beside it: give both files, "
            "the header says which lead is which and how many mV a step is."
        )
    raise ReadError(
        "The ECG file is of no known format: expected WFDB (.hea with its signal file), a DICOM "
        "waveform, XML (UK Biobank, CardioSoft, GE MUSE, Philips, HL7 aECG), EDF or CSV."
    )


def is_ecg(head: bytes) -> bool:
    """Whether a file is a DICOM waveform, an ECG in XML, or EDF.

    Args:
        head: Its first HEAD_BYTES.
    """
    from cmae.readers.ecg_edf import is_edf  # noqa: PLC0415 - only where needed
    from cmae.readers.xml_tree import is_xml  # noqa: PLC0415 - only where needed

    if head[128:132] == b"DICM":
        return _WAVEFORM_CLASSES in head
    if is_xml(head):
        text = head.replace(b"\0", b"")
        return any(b"<" + root in text for root in _ROOTS)
    return is_edf(head)


def _read_by_content(path: Path, head: bytes) -> EcgRecord | None:
    """Read a file whose first bytes say what it is; None if they do not."""
    from cmae.readers.ecg_edf import is_edf, read_edf_ecg  # noqa: PLC0415 - only where needed
    from cmae.readers.xml_tree import is_xml  # noqa: PLC0415 - only where needed

    if head[128:132] == b"DICM":
        from cmae.readers.ecg_dicom import read_dicom_ecg  # noqa: PLC0415 - pydicom is slow to load

        return read_dicom_ecg(path)
    if is_xml(head):
        from cmae.readers.ecg_xml import read_xml_ecg  # noqa: PLC0415 - only where needed

        return read_xml_ecg(path)
    if is_edf(head):
        return read_edf_ecg(path)
    if head[16:22] == b"SCPECG" or path.suffix.lower() == ".scp":
        raise ReadError(
            "The file is an SCP-ECG, which is not read: export the ECG as DICOM, HL7 aECG or XML."
        )
    if head.startswith(b"\xffBIOSEMI"):
        raise ReadError("The file is a BDF, which is not read: convert it to EDF.")
    return None


def _is_table(head: bytes) -> bool:
    """Whether a file's first line names at least eight leads."""
    line = head.partition(b"\n")[0].decode("utf-8", errors="replace")
    words = re.split(r"[,;\t]", line)
    leads = {clinical_name(re.split(r"[\s(\[_]", word.strip(' "\r'))[0]) for word in words}
    return len(leads - {None}) >= 8
