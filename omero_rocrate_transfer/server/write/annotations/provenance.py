"""Writes where images and plates come from, as map annotations on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import omero.model
from omero.rtypes import rstring

from omero_rocrate_transfer.model.provenance import NAMESPACE
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.session.errors import server_errors
from omero_rocrate_transfer.server.write.annotations.existing import batches

Pairs = tuple[tuple[str, str], ...]


def write_provenance(connection: Connection, group: int, told: Iterable[tuple[ObjectRef, Pairs]]) -> None:
    """Link a new map annotation to each Image or Plate that there is something to tell of."""
    links = [_link(ref, pairs) for ref, pairs in told if pairs]
    for batch in batches(links):
        with server_errors("Writing where objects come from"):
            connection.update.saveAndReturnIds(batch, connection.context(group))


def _link(ref: ObjectRef, pairs: Pairs) -> Any:
    annotation = omero.model.MapAnnotationI()
    annotation.ns = rstring(NAMESPACE)
    annotation.mapValue = [omero.model.NamedValue(key, value) for key, value in pairs]
    link = getattr(omero.model, f"{ref.type}AnnotationLinkI")()
    link.setParent(getattr(omero.model, f"{ref.type}I")(ref.id, False))  # noqa: FBT003 -- a reference
    link.setChild(annotation)
    return link
