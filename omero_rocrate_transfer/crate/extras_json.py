"""Extras as JSON inside an OME document: written in ASCII, read without trust."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.crate.omexml import render_document
from omero_rocrate_transfer.model.document import Document, structured_annotations
from omero_rocrate_transfer.model.errors import UnsafeCrateError
from omero_rocrate_transfer.model.extras import NAMESPACE, Extras

if TYPE_CHECKING:
    from ome_types import OME
    from ome_types.model import XMLAnnotation
    from pydantic import TypeAdapter

#: Id of the annotation that holds them; OMERO's ids are numbers, so it is nobody else's.
_ID: Final = "urn:lsid:{host}:Annotation:extras"
#: Any version of the profile: unknown keys are ignored, and a crate of another major version is refused.
_NAMESPACE: Final = re.compile(r"https?://[^\s]{1,255}/\d{1,4}\.\d{1,4}/extras\Z", re.ASCII)
_DESCRIPTION: Final = "What OMERO knows of these objects and OME-XML cannot say, as JSON"


def render_with_extras(document: Document, host: str) -> tuple[bytes, int]:
    """Return a document as OME-XML with its extras in it, as `render_document` does.

    Parameters
    ----------
    host
        Of the source, for the LSID of the annotation that holds the extras.
    """
    if document.extras == Extras():
        return render_document(document.ome)
    annotations = structured_annotations(document.ome).xml_annotations
    annotations.append(_embed(document.extras, host))
    try:
        return render_document(document.ome)
    finally:
        annotations.pop()


def _embed(extras: Extras, host: str) -> XMLAnnotation:
    from ome_types import model

    # As a text the value would be parsed, which takes most of the time of a document.
    element = {"qname": f"{{{NAMESPACE}}}Extras", "text": render_extras(extras)}
    value: Any = {"any_elements": [element]}
    return model.XMLAnnotation(
        id=_ID.format(host=host), namespace=NAMESPACE, description=_DESCRIPTION, value=value
    )


def extract_document(ome: OME, *, what: str = "The OME document") -> Document:
    """Return a document as it was before its extras were embedded; they are removed from the OME object.

    Parameters
    ----------
    what
        What to call the document in errors.

    Raises
    ------
    UnsafeCrateError
        The extras are not what they claim to be.
    """
    structured = structured_annotations(ome)
    found = [one for one in structured.xml_annotations if _NAMESPACE.match(one.namespace or "")]
    for one in found:
        structured.xml_annotations.remove(one)
    if not found:
        return Document(ome)
    elements: list[Any] = found[0].value.any_elements
    if len(found) > 1 or len(elements) != 1:
        raise _refuse(what, "there are several, or none where one was announced")
    return Document(ome, parse_extras(getattr(elements[0], "text", None) or "", what=what))


def render_extras(extras: Extras) -> str:
    """Return them as JSON in ASCII; what has its default is left out."""
    values = _adapter().dump_python(extras, mode="json", exclude_defaults=True)
    # pydantic does not know the default of a dictionary
    sections = {
        name: {key: value for key, value in section.items() if value != {}}
        if isinstance(section, dict)
        else section
        for name, section in values.items()
    }
    return json.dumps({name: section for name, section in sections.items() if section}, separators=(",", ":"))


def parse_extras(text: str, *, what: str = "The OME document") -> Extras:
    """Parse JSON from outside; unknown keys are ignored.

    Raises
    ------
    UnsafeCrateError
        It is no JSON, or a value has not its type.
    """
    from pydantic import ValidationError

    try:
        return _adapter().validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise _refuse(what, f"{place!a:.200}: {first['msg']!a:.200}") from error


@cache
def _adapter() -> TypeAdapter[Extras]:
    from pydantic import TypeAdapter

    return TypeAdapter(Extras)


def _refuse(what: str, reason: str) -> UnsafeCrateError:
    return UnsafeCrateError(
        f"{what}: its extras are not valid: {reason}.", hint="It was changed or damaged; get the crate again."
    )
