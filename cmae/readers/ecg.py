"""ECG files become one record type: the twelve leads in clinical order, in mV."""

from pathlib import Path

from cmae.errors import ReadError
from cmae.readers.ecg_record import EcgRecord
from cmae.readers.ecg_wfdb import read_wfdb, wfdb_header
from cmae.readers.foreign import check_file, quietly


@quietly()
def read_ecg(
    path: str | Path, *, rate_hz: float | None = None, unit: str | None = None
) -> EcgRecord:
    """Read a twelve-lead ECG: WFDB, DICOM waveform or CSV, told by name and content.

    At most the first minute is read.

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
    header = wfdb_header(path)
    if header is not None:
        return read_wfdb(header)
    check_file(path, what="The ECG file")
    with path.open("rb") as opened:
        is_dicom = opened.read(132)[128:] == b"DICM"
    if is_dicom:
        from cmae.readers.ecg_dicom import read_dicom_ecg  # noqa: PLC0415 - pydicom is slow to load

        return read_dicom_ecg(path)
    if path.suffix.lower() in {".csv", ".tsv", ".txt"}:
        from cmae.readers.ecg_csv import read_csv_ecg  # noqa: PLC0415 - needs pandas

        return read_csv_ecg(path, rate_hz=rate_hz, unit=unit)
    if path.suffix.lower() in {".mat", ".dat"}:
        raise ReadError(
            "The ECG's signal file has no WFDB header (.hea) beside it: give both files, "
            "the header says which lead is which and how many mV a step is."
        )
    raise ReadError(
        f"An ECG of the type '{path.suffix[:8]}' is not known: expected WFDB (.hea with its signal "
        "file), a DICOM waveform (.dcm) or CSV."
    )
