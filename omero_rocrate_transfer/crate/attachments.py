"""Attached files: where the OME documents of a crate find them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate import names
from omero_rocrate_transfer.model.annotations import attachment_path
from omero_rocrate_transfer.model.refs import parse_lsid

if TYPE_CHECKING:
    from ome_types import OME


def refer_to_attachments(document: OME) -> None:
    """Say of each FileAnnotation which file of the crate it has."""
    structured = document.structured_annotations
    for annotation in structured.file_annotations if structured is not None else ():
        found, file = parse_lsid(annotation.id), annotation.binary_file
        if found is not None and file.external is not None and file.file_name:
            path = attachment_path(file.file_name)
            file.external.href = names.make_name(names.ATTACHMENT, found[1].id, path)
