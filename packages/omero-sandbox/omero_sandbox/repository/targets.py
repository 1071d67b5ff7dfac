"""What the client wants imported images to be linked to (TargetProcessor, PixelsProcessor)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.db.merge import save

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row
    from omero_sandbox.net.call import Call
    from omero_sandbox.repository.metadata import Imported


def link_target(call: Call, target: Any, imported: Imported) -> None:
    """Link images to a dataset or plates to a screen.

    Raises
    ------
    TypeError
        Any other kind of target (ome.formats.model.ModelException).
    """
    if target is None:
        return
    if isinstance(target, omero.model.Dataset):
        link, child, rows = omero.model.DatasetImageLinkI, omero.model.ImageI, imported.images
    elif isinstance(target, omero.model.Screen):
        link, child, rows = omero.model.ScreenPlateLinkI, omero.model.PlateI, imported.plates
    else:
        raise TypeError(f"Unable to handle target: {type(target).__name__}")
    parent = type(target)(target.getId().getValue(), False)
    save(call, [_link(link, parent, child(row.id, False)) for row in rows])


def link_annotations(call: Call, annotations: list[Any], images: list[Row]) -> None:
    """Save new annotations and link each, new or known, to every image."""
    known = [
        a if a.isLoaded() else type(a)(a.getId().getValue(), False) for a in annotations if a is not None
    ]
    links = [
        _link(omero.model.ImageAnnotationLinkI, omero.model.ImageI(row.id, False), annotation)
        for annotation in known
        for row in images
    ]
    save(call, links)


def _link(kind: Any, parent: Any, child: Any) -> Any:
    made = kind()
    made.setParent(parent)
    made.setChild(child)
    return made
