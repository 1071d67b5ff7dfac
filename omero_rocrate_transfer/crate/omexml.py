"""OME documents as text: OME-XML 2016-06, written exactly and read without trust."""

from __future__ import annotations

import re
import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from xml.parsers import expat

from omero_rocrate_transfer.crate.archives.base import DEFAULT_LIMITS
from omero_rocrate_transfer.crate.profile import CREATOR
from omero_rocrate_transfer.crate.vocabulary import OME as NAMESPACE
from omero_rocrate_transfer.model.errors import GET_AGAIN, CrateLimitError, OddItemError, UnsafeCrateError

if TYPE_CHECKING:
    from ome_types import OME
    from xsdata_pydantic_basemodel.bindings import XmlContext

#: No OME document nests deeper; what an XMLAnnotation holds may.
_MAX_DEPTH: Final = 256
#: Characters that XML 1.0 cannot hold, not even escaped (XML 1.0, 2.2 "Characters").
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: What ome-types take for an element and for an attribute, in bytes, measured with planes, ROIs and shapes.
_ELEMENT_BYTES: Final = 3000
_ATTRIBUTE_BYTES: Final = 200
#: Filters of warnings belong to the process, not to a thread.
_WARNINGS: Final = threading.Lock()
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


class HostileXmlError(UnsafeCrateError):
    """XML that is built to harm whoever parses it."""


def render_document(document: OME) -> tuple[bytes, int]:
    """Return the document as OME-XML, and how many characters XML could not hold.

    Those are replaced by U+FFFD. ``Creator`` is set, and ``MetadataOnly`` on all Pixels: binary data
    travel beside the document, never in it.
    """
    from ome_types.model import MetadataOnly

    from omero_rocrate_transfer.crate.omexml_writer import write_xml

    document.creator = CREATOR
    for image in document.images:
        if image.pixels is not None:
            image.pixels.bin_data_blocks.clear()
            image.pixels.tiff_data_blocks.clear()
            image.pixels.metadata_only = MetadataOnly()
    text, replaced = _NOT_XML.subn(_REPLACEMENT, write_xml(document))
    # parsers turn a carriage return into a line feed, unless it is escaped (XML 1.0, 2.11)
    text = text.replace("\r", "&#13;")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode(), replaced


def check_memory(data: bytes, name: str, max_bytes: int) -> None:
    """Estimate what a document will take in memory, before anything of it is held.

    Raises
    ------
    CrateLimitError
        It is more than is allowed.
    """
    opened = data.count(b"<") - data.count(b"</")
    if opened * _ELEMENT_BYTES + data.count(b"=") * _ATTRIBUTE_BYTES + len(data) > max_bytes:
        raise CrateLimitError(
            f"{name} would take more than {max_bytes} bytes of memory.", limit="max_memory_bytes"
        )


def parse_document(data: bytes, name: str, max_bytes: int = DEFAULT_LIMITS.max_memory_bytes) -> OME:
    """Parse OME-XML from outside.

    Parameters
    ----------
    data
        The document; the caller limits its size.
    name
        What to call it in errors.
    max_bytes
        Memory that it may take.

    Raises
    ------
    UnsafeCrateError
        It would take too much memory, is not well-formed, has a document type, is no OME-XML 2016-06, or
        nests too deep.
    """
    from ome_types import from_xml
    from pydantic import ValidationError
    from xsdata.exceptions import ParserError
    from xsdata.formats.dataclass.parsers.config import ParserConfig

    check_memory(data, name, max_bytes)
    check_xml(data, name)
    options: Any = {"config": ParserConfig(fail_on_converter_warnings=True), "context": _context()}
    with _WARNINGS, warnings.catch_warnings():
        # a sidecar refers to objects that other documents describe
        warnings.filterwarnings("ignore", "Reference to unknown ID", UserWarning)
        # omero-cli-transfer writes ids that the schema does not allow for their kind
        warnings.filterwarnings("ignore", "Casting invalid", UserWarning)
        try:
            return from_xml(data, validate=False, parser_kwargs=options)
        # lxml, where it is installed, tells of what is no XML by a SyntaxError
        except (ParserError, ValidationError, SyntaxError) as error:
            raise _refuse(name, f"is no valid OME-XML: {_first_line(error)}") from error
        except OddItemError.CAUSES as error:
            raise _refuse(name, f"is no valid OME-XML: {_first_line(error)}") from error


@cache
def _context() -> XmlContext:
    """Return what knows the classes of ome-types: to find them takes longer than to read most documents."""
    from xsdata_pydantic_basemodel.bindings import XmlContext

    return XmlContext()


class _Checker:
    """Looks at every element before anything else parses the document."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._depth = 0

    def refuse_doctype(self, *_: object) -> None:
        raise HostileXmlError(f"{self._name} has a document type declaration.", hint=GET_AGAIN)

    def start(self, tag: str, _attributes: object) -> None:
        if self._depth == 0 and tag != f"{NAMESPACE} OME":
            raise _refuse(self._name, "is no OME-XML 2016-06")
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise HostileXmlError(f"{self._name} nests deeper than {_MAX_DEPTH} elements.", hint=GET_AGAIN)

    def end(self, _tag: str) -> None:
        self._depth -= 1


def check_xml(data: bytes, name: str) -> None:
    """Check that data from outside are well-formed OME-XML 2016-06 without a document type.

    Raises
    ------
    UnsafeCrateError
        They are not, or nest too deep.
    """
    checker = _Checker(name)
    parser = expat.ParserCreate(encoding="UTF-8", namespace_separator=" ")
    parser.StartDoctypeDeclHandler = checker.refuse_doctype
    parser.StartElementHandler = checker.start
    parser.EndElementHandler = checker.end
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat takes no keywords
    except expat.ExpatError as error:
        raise _refuse(name, f"is not well-formed XML: {error}") from error


def _first_line(error: Exception) -> str:
    return ascii(str(error).partition("\n")[0])[1:200]


def _refuse(name: str, reason: str) -> UnsafeCrateError:
    return UnsafeCrateError(f"{name} {reason}.", hint=GET_AGAIN)
