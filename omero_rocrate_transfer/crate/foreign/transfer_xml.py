"""``transfer.xml`` of omero-cli-transfer: OME-XML 2016-06 with the paths of files in annotations of its own.

Facts about it: omero-cli-transfer 0.5 to 1.3.2, ``generate_xml.py`` and its README.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from omero_rocrate_transfer.crate.omexml import parse_document
from omero_rocrate_transfer.model.document import structured_annotations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ome_types import OME

#: Namespace of the annotations that say where something came from.
NAMESPACE: Final = "openmicroscopy.org/cli/transfer"
_PATH: Final = "CLITransferServerPath"
_METADATA: Final = "CLITransferMetadata"
#: Versions up to 0.8 gave their own annotations negative ids.
_LEGACY_ID: Final = re.compile(r"(?:.*:)?-\d+\Z")
_LISTS: Final = ("projects", "datasets", "images", "rois", "plates", "screens")
_REFS: Final = ("annotation_refs", "dataset_refs", "image_refs", "plate_refs", "roi_refs")


@dataclass(slots=True)
class TransferXml:
    """The document without the annotations that only serve the transfer."""

    document: OME
    #: Path in the pack, by the id of an Image, Plate or FileAnnotation.
    paths: dict[str, str] = field(default_factory=dict)
    #: Host name and UUID of the database of the source, empty where they were not recorded.
    host: str = ""
    database_uuid: str = ""


def parse_transfer_xml(data: bytes, name: str) -> TransferXml:
    """Parse the document of a pack.

    Raises
    ------
    UnsafeCrateError
        It is no OME-XML 2016-06, or breaks a rule.
    """
    document = parse_document(data, name)
    for holder, keys in ((document, _LISTS), (structured_annotations(document), _list_names(document))):
        for key in keys:
            setattr(holder, key, _merge(getattr(holder, key)))
    found = TransferXml(document)
    _take_out(document, found, {**_read_own(document, found), **_read_legacy(document, found)})
    return found


def _list_names(document: OME) -> list[str]:
    fields = type(structured_annotations(document)).model_fields
    return [name for name in fields if name.endswith("_annotations")]


def _read_own(document: OME, found: TransferXml) -> dict[str, str | None]:
    """Return the paths in the pack's own annotations by their ids, None for those that hold no path."""
    own: dict[str, str | None] = {}
    for annotation in structured_annotations(document).xml_annotations:
        path = _read_path(annotation)
        if path is not None or _is_metadata(annotation):
            own[annotation.id] = path
            _read_provenance(annotation, found)
    return own


def _read_legacy(document: OME, found: TransferXml) -> dict[str, str | None]:
    """Read the paths that old versions wrote: their namespace is the id of the owner."""
    structured = structured_annotations(document)
    paths = [one for one in structured.comment_annotations if _LEGACY_ID.match(one.id)]
    for comment in paths:
        found.paths.setdefault(_owner_id(document, comment.namespace or ""), comment.value)
    others = [one for one in structured.map_annotations if _LEGACY_ID.match(one.id)]
    return dict.fromkeys([one.id for one in (*paths, *others)])


def _take_out(document: OME, found: TransferXml, own: dict[str, str | None]) -> None:
    """Remove the pack's own annotations, and keep the paths of what they are on."""
    structured = structured_annotations(document)
    for key in _list_names(document):
        setattr(structured, key, [one for one in getattr(structured, key) if one.id not in own])
    for thing in _iter_annotated(document):
        for ref in thing.annotation_refs:
            path = own.get(ref.id)
            if path is not None:
                found.paths.setdefault(thing.id, path)
        thing.annotation_refs = [ref for ref in thing.annotation_refs if ref.id not in own]


def _merge(things: Iterable[Any]) -> list[Any]:
    """Return each object once: packing several ids repeats what they share."""
    found: dict[str, Any] = {}
    for thing in things:
        known = found.setdefault(thing.id, thing)
        if known is not thing:
            for key in _REFS:
                if hasattr(known, key):
                    refs = {ref.id: ref for ref in (*getattr(known, key), *getattr(thing, key))}
                    setattr(known, key, list(refs.values()))
    return list(found.values())


def _iter_annotated(document: OME) -> Iterator[Any]:
    for key in _LISTS:
        yield from getattr(document, key)
    for plate in document.plates:
        yield from plate.wells
    for key in _list_names(document):
        yield from getattr(structured_annotations(document), key)


def _owner_id(document: OME, text: str) -> str:
    """Return the id that a legacy annotation means: annotations are all called ``Annotation:9`` there."""
    kind, _, number = text.rpartition(":")
    if kind == "Annotation":
        for one in structured_annotations(document).file_annotations:
            if one.id.rpartition(":")[2] == number:
                return str(one.id)
    return text


def _elements(annotation: Any) -> list[Any]:
    return list(getattr(annotation.value, "any_elements", ()))


def _local(element: Any) -> str:
    return str(getattr(element, "qname", "")).rpartition("}")[2]


def _children(element: Any) -> Iterator[tuple[str, str]]:
    for child in getattr(element, "children", ()):
        yield _local(child), (getattr(child, "text", None) or "").strip()


def _read_path(annotation: Any) -> str | None:
    for element in _elements(annotation):
        if _local(element) == _PATH:
            return next((text for name, text in _children(element) if name == "Path"), "")
    return None


def _is_metadata(annotation: Any) -> bool:
    named = (annotation.namespace or "").startswith(NAMESPACE)
    return named or any(_local(element) == _METADATA for element in _elements(annotation))


def _read_provenance(annotation: Any, found: TransferXml) -> None:
    for element in _elements(annotation):
        values = dict(_children(element))
        found.host = found.host or values.get("origin_hostname", "")
        found.database_uuid = found.database_uuid or values.get("database_id", "")
