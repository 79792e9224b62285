"""A field of an ECG's header, read only when someone asks who a file is of."""

from pathlib import Path
from xml.etree.ElementTree import Element

from cmae.readers.ecg_edf import edf_patient, is_edf
from cmae.readers.foreign import check_file
from cmae.readers.xml_tree import is_xml, read_xml

_PATIENT = "patientid"

_PATIENT_PATHS = {
    "CardiologyXML": (".//PatientInfo/PID", ".//PatientInfo/PatientID", ".//PID"),
    "RestingECG": (".//PatientDemographics/PatientID",),
    "restingecgdata": (".//generalpatientdata/patientid",),
    "AnnotatedECG": (".//trialSubject/id", ".//subjectAssignment/subject/trialSubject/id"),
}
"""Where each format keeps the identifier that ``PatientID`` asks for."""


def header_field(path: Path, name: str) -> str | None:
    """Return a field of an ECG file in XML or EDF.

    Args:
        path: The file.
        name: ``PatientID`` in any case means the identifier of the participant wherever the
            format keeps it. In XML any other name is the first element of that name.

    Returns:
        The field's text, None if the file has no such field or is of another format.

    Raises:
        ReadError: The file is missing or damaged.
    """
    check_file(path, what="The ECG file")
    with path.open("rb") as opened:
        head = opened.read(256)
    if is_edf(head):
        return edf_patient(path) if name.lower() == _PATIENT else None
    if not is_xml(head):
        return None
    root = read_xml(path)
    paths = _PATIENT_PATHS.get(root.tag, ()) if name.lower() == _PATIENT else ()
    candidates = [element for place in paths for element in root.iterfind(place)]
    if not candidates:
        candidates = [element for element in root.iter() if element.tag.lower() == name.lower()]
    return next((value for element in candidates if (value := _value(element))), None)


def _value(element: Element) -> str:
    """Return an element's text, or what HL7 writes in an attribute instead."""
    return (element.text or element.get("extension") or element.get("value") or "").strip()
