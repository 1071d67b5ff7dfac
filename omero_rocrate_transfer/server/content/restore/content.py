"""The content of one unit on the target: all areas in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from ome_types import OME, model

from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.extras import Extras
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.rendering import Rendering
from omero_rocrate_transfer.server.annotations.read import iter_links
from omero_rocrate_transfer.server.content.conversions import parse_ref
from omero_rocrate_transfer.server.content.experiments import (
    ExperimentContent,
    instruments_of,
    read_experiments,
)
from omero_rocrate_transfer.server.content.images import ImageContent, read_images, read_instruments
from omero_rocrate_transfer.server.content.planes import read_planes
from omero_rocrate_transfer.server.content.rendering import restore_rendering
from omero_rocrate_transfer.server.content.restore.containers import restore_members
from omero_rocrate_transfer.server.content.restore.experiments import (
    ExperimentRestorer,
    experiment_contents,
)
from omero_rocrate_transfer.server.content.restore.images import ImageRestorer, images_of
from omero_rocrate_transfer.server.content.restore.instruments import InstrumentRestorer, instrument_content
from omero_rocrate_transfer.server.content.restore.outside import Outside
from omero_rocrate_transfer.server.content.restore.planes import PlaneRestorer
from omero_rocrate_transfer.server.content.restore.plates import PlateRestorer
from omero_rocrate_transfer.server.content.restore.rois import RoiRestorer, SourceRois
from omero_rocrate_transfer.server.content.restore.target import Target
from omero_rocrate_transfer.server.content.rois import read_rois
from omero_rocrate_transfer.server.session import Connection
from omero_rocrate_transfer.server.target_ids import TargetIds

_OTHERS: Final = "rendering settings of other users can only be restored by these users"


class ContentRestorer:
    """Restores what images hold besides pixels and annotations.

    What the import of the same files made already is recognised by its content, and kept; what users changed
    on the source since its own import wins over what the files say.

    Parameters
    ----------
    group
        Id of the group that the images are in.
    ids
        Gets what became of images, channels, ROIs and so on.
    """

    def __init__(self, connection: Connection, group: int, ids: TargetIds) -> None:
        self._connection = connection
        self._group = group
        self._ids = ids

    def restore(
        self, document: OME, extras: Extras, images: Mapping[ObjectRef, int], on: ObjectRef
    ) -> tuple[list[Omission], Collection[str]]:
        """Restore the content of images.

        Parameters
        ----------
        extras
            Taken out of the document.
        images
            Ids on the target, by the image of the source.
        on
            The unit.

        Returns
        -------
        list of Omission
            What got lost.
        collection of str
            LSIDs of ROIs and shapes that are new: an import cannot have put anything on them.
        """
        target = Target(self._connection, self._group)
        elements = {ref: one for ref, one in images_of(document.images).items() if ref in images}
        there = read_images(target.reader, target.enumerations, images.values())
        pairs = [(one, there[images[ref]]) for ref, one in elements.items() if images[ref] in there]
        self._ids.add({one.id: ObjectRef("Image", content.id) for one, content in pairs})
        outside = Outside(extras)
        made = read_experiments(
            target.reader, target.enumerations, [one for image in there.values() for one in image.experiments]
        )
        self._restore_instruments(target, document, extras, outside, _instruments(there, made))
        ExperimentRestorer(target, self._ids).restore(
            experiment_contents(document, extras, outside), made.values()
        )
        target.refs |= dict(_pixels(pairs))
        restorer = ImageRestorer(target, extras.fields, complete=extras.complete)
        self._ids.add(restorer.restore(pairs))
        self._ids.add(_restore_planes(target, extras, pairs))
        new = self._restore_rois(target, document, extras, pairs)
        restore_members(target, document, extras, self._ids)
        PlateRestorer(target, extras, self._ids).restore(document)
        self._restore_rendering(target, extras, pairs)
        return target.omissions(on), new

    def _restore_instruments(
        self, target: Target, document: OME, extras: Extras, outside: Outside, numbers: Iterable[int]
    ) -> None:
        found = ((one.id, instrument_content(one, extras.fields, outside)) for one in document.instruments)
        wanted = {lsid: content for lsid, content in found if content is not None}
        if wanted:
            made = read_instruments(target.reader, target.enumerations, numbers)
            InstrumentRestorer(target, self._ids).restore(wanted, made.values())

    def _restore_rois(
        self,
        target: Target,
        document: OME,
        extras: Extras,
        pairs: list[tuple[model.Image, ImageContent]],
    ) -> Collection[str]:
        source = SourceRois(document, extras)
        annotated = {link.parent for link in extras.annotations.links}.union(
            parent for parent, _ in iter_links(document)
        )
        restorer = RoiRestorer(target, complete=extras.complete, needed=annotated)
        there = read_rois(target.reader, target.enumerations, [content.id for _, content in pairs])
        restorer.restore(((content.id, source.of(one)) for one, content in pairs), there)
        self._ids.add(restorer.made)
        return restorer.new

    def _restore_rendering(
        self, target: Target, extras: Extras, pairs: list[tuple[model.Image, ImageContent]]
    ) -> None:
        wanted: dict[int, Rendering] = {}
        for element, content in pairs:
            users = extras.rendering.get(element.id, ())
            if users and users[0].owner:
                wanted[content.pixels_id] = users[0].rendering
                users = users[1:]
            target.lose("RenderingDef", _OTHERS, len(users))
        restore_rendering(self._connection, self._group, wanted)


def _pixels(pairs: Iterable[tuple[model.Image, ImageContent]]) -> Iterator[tuple[ObjectRef, ObjectRef]]:
    """Yield the Pixels of the source with what they became."""
    for element, content in pairs:
        ref = parse_ref(element.pixels.id)
        if ref is not None:
            yield ref, ObjectRef("Pixels", content.pixels_id)


def _instruments(
    images: Mapping[int, ImageContent], experiments: Mapping[int, ExperimentContent]
) -> list[int]:
    """Return the instruments that an import made."""
    used = [number for image in images.values() for number in image.instruments]
    return [*used, *instruments_of(experiments.values())]


def _restore_planes(
    target: Target, extras: Extras, pairs: list[tuple[model.Image, ImageContent]]
) -> dict[str, ObjectRef]:
    """Restore what is known of planes; return what those became that are annotated, by LSID."""
    keys = {(place.of, place.index): lsid for lsid, place in extras.annotations.places.items()}
    there = read_planes(target.reader, [content.id for _, content in pairs])
    restorer = PlaneRestorer(target, keys.keys(), complete=extras.complete)
    for element, content in pairs:
        pixels = element.pixels
        planes = there.get(content.pixels_id, [])
        restorer.add(pixels, extras.fields.get(pixels.id, {}), content.pixels_id, planes)
    restorer.save()
    return {keys[key]: made for key, made in restorer.made.items()}
