"""XML of unknown origin as a tree: nothing is fetched, expanded or nested without bound."""

import math
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from cmae.errors import ReadError
from cmae.readers.foreign import PARSER_FAULTS, check_file

MAX_XML_BYTES = 32 * 2**20
"""Largest XML file that is read; a minute of twelve leads takes less than a tenth of it."""

MAX_ELEMENTS = 50_000
"""Most elements and attributes of a file; ten seconds with every beat annotated have 3,000."""

MAX_DEPTH = 64
"""Deepest nesting of a file."""

_MAX_TAG_BYTES = 2**20
_CHUNK_BYTES = 2**16


def is_xml(head: bytes) -> bool:
    """Whether a file's first bytes begin an XML document, in UTF-8 or UTF-16."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            head = head[2:].decode(encoding, errors="ignore").encode("ascii", errors="replace")
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return head[:1] == b"<" and (head[1:2] in {b"?", b"!"} or head[1:2].isalpha())


def read_xml(path: Path) -> Element:
    """Read an XML file into a tree without namespaces.

    A document type without a definition of its own (``<!DOCTYPE RestingECG SYSTEM "restecg.dtd">``
    stands in every GE MUSE file) is passed over and never fetched. Entities, definitions of a
    document type and references to other files are refused.

    Args:
        path: The file.

    Returns:
        The root; tags and attributes are local names.

    Raises:
        ReadError: It is no well-formed XML, or larger, deeper or trickier than a recording is.
    """
    if check_file(path, what="The XML file") > MAX_XML_BYTES:
        raise ReadError(
            f"The XML file is larger than {MAX_XML_BYTES // 2**20} MiB: one ECG needs far less, "
            "give one recording a file."
        )
    parser = _parser(builder := _Builder())
    try:
        with path.open("rb") as opened:
            read = 0
            while chunk := opened.read(_CHUNK_BYTES):
                parser.Parse(chunk, False)
                read += len(chunk)
                # A tag is reported once it is whole, so a huge one would be held here unseen.
                if read - max(parser.CurrentByteIndex, 0) > _MAX_TAG_BYTES:
                    raise ReadError("The XML file holds a tag of more than 1 MiB: it is no ECG.")
        parser.Parse(b"", True)
        return builder.close()
    except expat.ExpatError as error:
        raise ReadError(
            f"The XML file is damaged in line {error.lineno}: copy or export it again."
        ) from error
    except PARSER_FAULTS as error:
        raise ReadError("The XML file cannot be read: it is damaged.") from error


def text_at(element: Element, path: str) -> str:
    """Return the text of a descendant without white space around it, empty if there is none."""
    return (element.findtext(path) or "").strip()


def number_in(text: str | None) -> float | None:
    """Return the finite number that a text is, None if it is none."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _parser(builder: "_Builder") -> expat.XMLParserType:
    """Return a parser that hands elements to a builder and refuses what leads elsewhere."""
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _check_doctype
    parser.EntityDeclHandler = _refuse_entity
    parser.UnparsedEntityDeclHandler = _refuse_entity
    parser.ExternalEntityRefHandler = _refuse_entity
    parser.SkippedEntityHandler = _refuse_entity
    return parser


class _Builder:
    """A tree under construction that counts what it holds."""

    def __init__(self) -> None:
        self._tree = TreeBuilder()
        self._held = 0
        self._depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Open an element."""
        self._held += 1 + len(attributes)
        self._depth += 1
        if self._held > MAX_ELEMENTS or self._depth > MAX_DEPTH:
            raise ReadError(
                f"The XML file holds more than {MAX_ELEMENTS:,} elements or nests deeper than "
                f"{MAX_DEPTH}: it is no ECG."
            )
        local = {name.rpartition("}")[2]: value for name, value in attributes.items()}
        self._tree.start(tag.rpartition("}")[2], local)

    def end(self, tag: str) -> None:
        """Close an element."""
        self._depth -= 1
        self._tree.end(tag.rpartition("}")[2])

    def data(self, text: str) -> None:
        """Add text."""
        self._tree.data(text)

    def close(self) -> Element:
        """Return the root."""
        return self._tree.close()


def _check_doctype(name: str, system: str | None, public: str | None, has_subset: bool) -> None:
    """Refuse a document type that is defined inside the file."""
    if has_subset:
        raise ReadError(
            "The XML file defines a document type of its own, which can hide entities and is not "
            "read: export it without one."
        )


def _refuse_entity(*_: object) -> int:
    """Refuse an entity."""
    raise ReadError(
        "The XML file declares or uses an entity, which may expand without bound or fetch another "
        "file: export it without."
    )
