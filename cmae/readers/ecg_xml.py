"""ECGs in XML: which device wrote the file is told by its root element."""

from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element

from cmae.errors import ReadError
from cmae.readers.ecg_aecg import read_aecg
from cmae.readers.ecg_cardiosoft import read_cardiosoft
from cmae.readers.ecg_muse import read_muse
from cmae.readers.ecg_philips import read_philips
from cmae.readers.ecg_record import EcgRecord
from cmae.readers.foreign import PARSER_FAULTS
from cmae.readers.xml_tree import read_xml

_READERS: dict[str, Callable[[Element], EcgRecord]] = {
    "CardiologyXML": read_cardiosoft,
    "RestingECG": read_muse,
    "restingecgdata": read_philips,
    "AnnotatedECG": read_aecg,
}


def read_xml_ecg(path: Path) -> EcgRecord:
    """Read an ECG from XML of UK Biobank or CardioSoft, GE MUSE, Philips Sierra, or HL7 aECG.

    Args:
        path: The file.

    Returns:
        The record.

    Raises:
        ReadError: It is another kind of XML, damaged, or leaves rate or gain open.
    """
    root = read_xml(path)
    reader = _READERS.get(root.tag)
    if reader is None:
        raise ReadError(
            "The XML file begins with an element of no ECG that is read: expected one of UK "
            "Biobank or CardioSoft (CardiologyXML), GE MUSE (RestingECG), Philips Sierra "
            "(restingecgdata) or HL7 (AnnotatedECG)."
        )
    try:
        return reader(root)
    except ReadError:
        raise
    except PARSER_FAULTS as error:
        raise ReadError("The ECG in the XML file is damaged: export it again.") from error
