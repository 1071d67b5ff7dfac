"""Images, pixels and channels: set to what the document says, where the import made them otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ome_types import model

from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server.mapping import specs
from omero_rocrate_transfer.server.mapping.conversions import parse_ref
from omero_rocrate_transfer.server.mapping.elements import values_of
from omero_rocrate_transfer.server.mapping.fields import Spec, Values
from omero_rocrate_transfer.server.read.documents.images import ChannelContent, ImageContent
from omero_rocrate_transfer.server.write.restore.target import Target

# Without lists, which stay untouched then; parts are changed in place.
_IMAGES: Final = (
    "select i from Image i left outer join fetch i.stageLabel left outer join fetch i.imagingEnvironment"
    " left outer join fetch i.objectiveSettings where i.id in (:ids)"
)
_PIXELS: Final = "select p from Pixels p where p.id in (:ids)"
_CHANNELS: Final = "select c from Channel c where c.id in (:ids)"
_LOGICAL: Final = (
    "select g from LogicalChannel g left outer join fetch g.detectorSettings"
    " left outer join fetch g.lightSourceSettings where g.id in (:ids)"
)
Fields = Mapping[str, Mapping[str, Any]]


class ImageRestorer:
    """Restores images of one document.

    Parameters
    ----------
    fields
        What the elements cannot say, by their ids.
    complete
        Whether fields that the document does not have shall become null.
    """

    def __init__(self, target: Target, fields: Fields, *, complete: bool) -> None:
        self._complete = complete
        self._target = target
        self._fields = fields
        self._wanted: dict[str, dict[int, Values]] = {}

    def restore(self, images: Sequence[tuple[model.Image, ImageContent]]) -> dict[str, ObjectRef]:
        """Set the fields of images; return what their pixels and channels became, by LSID."""
        made: dict[str, ObjectRef] = {}
        for element, there in images:
            pixels = element.pixels
            self._want("Image", there.id, self._values(element, specs.IMAGE), there.image)
            self._want("Pixels", there.pixels_id, self._values(pixels, specs.PIXELS), there.pixels)
            made[pixels.id] = ObjectRef("Pixels", there.pixels_id)
            for channel, current in zip(pixels.channels, there.channels, strict=False):
                self._restore_channel(channel, current)
                made[channel.id] = ObjectRef("Channel", current.id)
            self._tell_missing(pixels, there)
        for name, hql, spec in (
            ("Image", _IMAGES, specs.IMAGE),
            ("Pixels", _PIXELS, specs.PIXELS),
            ("Channel", _CHANNELS, specs.CHANNEL),
            ("LogicalChannel", _LOGICAL, specs.LOGICAL_CHANNEL),
        ):
            if name in self._wanted:
                self._target.change(hql, self._wanted[name], spec, doing=f"Restoring {name}s")
        return made

    def _restore_channel(self, element: model.Channel, there: ChannelContent) -> None:
        self._want("Channel", there.id, self._values(element, specs.CHANNEL), there.channel)
        logical = self._values(element, specs.LOGICAL_CHANNEL)
        self._want("LogicalChannel", there.logical_id, logical, there.logical)

    def _values(self, element: Any, spec: Spec) -> Values:
        return values_of(element, spec, self._fields.get(element.id))

    def _want(self, name: str, number: int, wanted: Values, there: Values) -> None:
        if not self._complete:
            wanted = merged(there, wanted)
        if self._target.translated(wanted) != there:
            self._wanted.setdefault(name, {})[number] = wanted

    def _tell_missing(self, pixels: model.Pixels, there: ImageContent) -> None:
        more = len(pixels.channels) - len(there.channels)
        self._target.lose("Channel", "the target made fewer channels of the same files", max(more, 0))


def merged(there: Values, wanted: Values) -> Values:
    """Return what is there, with what is wanted in its place."""
    parts = {
        name: merged(there[name], value)
        for name, value in wanted.items()
        if isinstance(value, dict) and isinstance(there.get(name), dict)
    }
    return there | wanted | parts


def images_of(document_images: Sequence[model.Image]) -> dict[ObjectRef, model.Image]:
    """Return the images of a document that have an identity."""
    found = ((parse_ref(element.id), element) for element in document_images)
    return {ref: element for ref, element in found if ref is not None}
