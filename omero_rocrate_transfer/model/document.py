"""The document of a unit or of the containers: OME-XML as objects, and what OME-XML cannot say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from omero_rocrate_transfer.model.extras import Extras

if TYPE_CHECKING:
    from ome_types import OME
    from ome_types.model import StructuredAnnotations


def _nothing() -> OME:
    # the library is heavy, and most of what a crate says can be read without it
    from ome_types import OME

    return OME()


@dataclass(slots=True)
class Document:
    """What is known of some objects."""

    #: What OME 2016-06 can say of them.
    ome: OME = field(default_factory=_nothing)
    #: What it cannot say, keyed by the LSIDs of the objects.
    extras: Extras = field(default_factory=Extras)


def structured_annotations(ome: OME) -> StructuredAnnotations:
    """Return the annotations of an OME object; empty ones are added if it has none."""
    from ome_types import model

    if ome.structured_annotations is None:
        ome.structured_annotations = model.StructuredAnnotations()
    return ome.structured_annotations
