"""Cine MRI files, DICOM or NIfTI, become one slice's frames in order, with spacing and timing."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from cmae.errors import ReadError
from cmae.readers.cine_choice import Candidate, read_chosen
from cmae.readers.cine_series import CineSeries
from cmae.readers.foreign import check_file, files_in, quietly, unpack

_NIFTI = (".nii", ".nii.gz")


@quietly()
def read_cine(path: str | Path, *, series: int | None = None) -> CineSeries:
    """Read the four-chamber cine of a DICOM file, folder or ZIP, or of NIfTI files.

    Where there are several cines, such as the two-, three- and four-chamber cines of one visit in
    UK Biobank's field 20208, the slices' orientation in the patient tells which one it is; the
    short-axis slices and other long-axis views of the same examination are evidence for where the
    heart's axis lies. Descriptions only break a tie. Lists beside the images are not read.

    Args:
        path: The file or folder; a folder is searched with its subfolders.
        series: Which one to take where several are four-chamber views alike, from 1, in the order
            of the files.

    Returns:
        The frames with what is known of their geometry and timing, and why it is this cine.

    Raises:
        ReadError: Nothing readable, no four-chamber cine, several alike, or implausible sizes.
    """
    path = Path(path)
    if path.is_dir():
        return read_chosen(_cines(files_in(path)), series=series)
    check_file(path, what="The cine file")
    with path.open("rb") as opened:
        is_archive = opened.read(4) == b"PK\3\4"
    if is_archive and not path.name.lower().endswith(_NIFTI):
        with tempfile.TemporaryDirectory() as folder:
            names = unpack(path, Path(folder))
            return read_chosen(_cines(files_in(Path(folder)), names), series=series)
    return read_chosen(_cines([path]), series=series)


def _cines(files: Sequence[Path], names: Mapping[str, str] | None = None) -> list[Candidate]:
    """Find the cines among some files; those that are no images are left out.

    Args:
        files: The files.
        names: Names that unpacked files had before, by their present names.
    """
    from cmae.readers.cine_dicom import dicom_cines  # noqa: PLC0415 - pydicom is slow to load
    from cmae.readers.cine_nifti import nifti_cine  # noqa: PLC0415

    niftis = [path for path in files if path.name.lower().endswith(_NIFTI)]
    if niftis and len(niftis) == len(files):
        found: list[Candidate] = []
    else:
        found = dicom_cines([path for path in files if path not in set(niftis)])
    # One study is often exported both ways: the original tells more than its conversion.
    if not found:
        found = [nifti_cine(path, name=(names or {}).get(path.name, "")) for path in niftis]
    if not found:
        raise ReadError(
            f"None of {len(files)} file{'s' if len(files) != 1 else ''} is a DICOM MR image: "
            "expected a DICOM series, a ZIP of one, or NIfTI (.nii, .nii.gz)."
        )
    return found
