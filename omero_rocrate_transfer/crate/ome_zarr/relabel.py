"""Gives the objects of an OME-XML ids of our form: numbers that are unique in one source."""

from __future__ import annotations

import re
from collections import Counter
from xml.etree import ElementTree as ET

from omero_rocrate_transfer.crate.vocabulary import OME as NAMESPACE
from omero_rocrate_transfer.model.refs import ObjectRef

#: ``Image:0``, ``urn:lsid:host:Image:5-ab``: the type of the object comes before the last part.
_ID = re.compile(r"(?:urn:lsid:[^:]+:)?(?P<type>[A-Za-z]{1,64}):\S+\Z", re.ASCII)


class Labels:
    """Numbers that were given out so far.

    Parameters
    ----------
    host
        First part of every LSID.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self._counts: Counter[str] = Counter()

    def new(self, kind: str) -> ObjectRef:
        """Return a reference that no other object has."""
        self._counts[kind] += 1
        return ObjectRef(kind, self._counts[kind])

    def relabel(self, data: bytes) -> tuple[bytes, int]:
        """Return the OME-XML with new ids, equal ones for equal ones, and how many attachments it lost.

        Parameters
        ----------
        data
            Well-formed, and without a document type.
        """
        root = ET.fromstring(data)  # noqa: S314 - the caller has refused what could hurt
        dropped = _drop_attachments(root)
        # images first: plates stand before them, and refer to them in an order of their own
        elements = [*root.iter(f"{{{NAMESPACE}}}Image"), *root.iter()]
        named = [(one, old) for one in elements if (old := one.get("ID")) is not None and _is_ome(one)]
        known: dict[str, str] = {}
        for element, old in named:
            if old not in known:
                match = _ID.match(old)
                kind = match["type"] if match else element.tag.rpartition("}")[2].removesuffix("Ref")
                known[old] = self.new(kind).lsid(self.host)
        for element, old in named:
            element.set("ID", known[old])
        text: bytes = ET.tostring(root, encoding="utf-8")
        return text, dropped


def _is_ome(element: ET.Element) -> bool:
    return element.tag.startswith(f"{{{NAMESPACE}}}")


def _drop_attachments(root: ET.Element) -> int:
    """Remove FileAnnotations, whose files are nowhere, and the references to them."""
    found = {element.get("ID") for element in root.iter(f"{{{NAMESPACE}}}FileAnnotation")}
    unwanted = {f"{{{NAMESPACE}}}{name}" for name in ("FileAnnotation", "AnnotationRef")}
    for parent in root.iter():
        for child in list(parent):
            if child.tag in unwanted and child.get("ID") in found:
                parent.remove(child)
    return len(found)
